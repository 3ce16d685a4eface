"""Coverage of pooled intervals on a known hierarchical population, with exact conjugate posteriors for MCMC.

The population: groups of ten rows; y = μ + u_group + e, a flag s, and w = α + γ y + ε. Every posterior under the usual
non-informative priors is known in closed form through sufficient statistics (sums of squares of a balanced one-way
layout, a regression, a binomial), so repetitions with a hundred copies each cost a second, and nothing is approximated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayessynth.inference.combining import RULES, interval, moments, nested, variance
from bayessynth.inference.estimate import SCALES

SIZE = 10
MU, TAU2, SIGMA2 = 2.0, 0.3, 1.0
ALPHA, GAMMA, RESIDUAL2 = 1.0, 0.5, 1.0
P = 0.3
TRUTH = {
    "mean": MU, "proportion": np.log(P / (1 - P)), "intercept": ALPHA, "slope": GAMMA,
    "variance between groups": np.log(TAU2),
}  # fmt: skip


@dataclass(frozen=True)
class Statistics:
    """Sufficient statistics of tables with ``groups`` groups; all arrays of one shape."""

    groups: int
    mean: np.ndarray
    between: np.ndarray
    within: np.ndarray
    slope: np.ndarray
    mean_w: np.ndarray
    residual: np.ndarray
    events: np.ndarray

    @property
    def n(self) -> int:
        return self.groups * SIZE

    @property
    def spread(self) -> np.ndarray:
        return self.between + self.within


@dataclass(frozen=True)
class Parameters:
    mu: np.ndarray
    group: np.ndarray  # σ² + 10 τ²
    sigma2: np.ndarray
    alpha: np.ndarray
    gamma: np.ndarray
    residual2: np.ndarray
    p: np.ndarray


def tables(
    rng: np.random.Generator, theta: Parameters, groups: int, shape: tuple[int, ...], kept: Statistics | None = None
) -> Statistics:
    """Draw the statistics of tables; with ``kept``, y stands as it is and w alone is drawn anew."""
    n = groups * SIZE
    if kept is None:
        mean = rng.normal(theta.mu, np.sqrt(theta.group / n), shape)
        between = theta.group * rng.chisquare(groups - 1, shape)
        within = theta.sigma2 * rng.chisquare(n - groups, shape)
    else:
        mean, between, within = (np.broadcast_to(x[..., None], shape) for x in (kept.mean, kept.between, kept.within))
    slope = rng.normal(theta.gamma, np.sqrt(theta.residual2 / (between + within)), shape)
    mean_w = rng.normal(theta.alpha + theta.gamma * mean, np.sqrt(theta.residual2 / n), shape)
    residual = theta.residual2 * rng.chisquare(n - 2, shape)
    return Statistics(groups, mean, between, within, slope, mean_w, residual, rng.binomial(n, theta.p, shape))


def population() -> Parameters:
    return Parameters(*(np.asarray(x) for x in (MU, SIGMA2 + SIZE * TAU2, SIGMA2, ALPHA, GAMMA, RESIDUAL2, P)))


def posterior(rng: np.random.Generator, data: Statistics, m: int) -> Parameters:
    """Draw m times from each posterior under p(μ, α, γ, σ², λ, s²) ∝ 1/(σ² λ s²), λ > σ², and Jeffreys' p."""
    shape = (*data.mean.shape, m)
    own = {name: getattr(data, name)[..., None] for name in ("mean", "between", "within", "slope", "mean_w", "residual",
                                                             "events", "spread")}  # fmt: skip
    n, groups = data.n, data.groups
    sigma2 = own["within"] / rng.chisquare(n - groups, shape)
    group = own["between"] / rng.chisquare(groups - 1, shape)
    while (low := group <= sigma2).any():
        again = (np.broadcast_to(own["within"], shape)[low] / rng.chisquare(n - groups, low.sum()),
                 np.broadcast_to(own["between"], shape)[low] / rng.chisquare(groups - 1, low.sum()))  # fmt: skip
        sigma2[low], group[low] = again
    residual2 = own["residual"] / rng.chisquare(n - 2, shape)
    gamma = rng.normal(own["slope"], np.sqrt(residual2 / own["spread"]))
    level = rng.normal(own["mean_w"], np.sqrt(residual2 / n))
    return Parameters(
        rng.normal(own["mean"], np.sqrt(group / n)), group, sigma2, level - gamma * own["mean"], gamma, residual2,
        rng.beta(own["events"] + 0.5, n - own["events"] + 0.5, shape),
    )  # fmt: skip


def plugged(data: Statistics) -> Parameters:
    n, groups = data.n, data.groups
    point = (
        data.mean, data.between / (groups - 1), data.within / (n - groups), data.mean_w - data.slope * data.mean,
        data.slope, data.residual / (n - 2), data.events / n,
    )  # fmt: skip
    return Parameters(*(x[..., None] for x in point))


def analyses(data: Statistics) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return estimate and squared standard error of each estimand, on its pooling scale."""
    n, groups = data.n, data.groups
    msb, msw = data.between / (groups - 1), data.within / (n - groups)
    s2 = data.residual / (n - 2)
    tau2 = np.where(msb > msw, msb - msw, np.nan) / SIZE
    share = data.events / n
    return {
        "mean": (data.mean, msb / n),
        "proportion": (SCALES["logit"].forward(share), 1 / (n * share * (1 - share))),
        "intercept": (data.mean_w - data.slope * data.mean, s2 * (1 / n + data.mean**2 / data.spread)),
        "slope": (data.slope, s2 / data.spread),
        # REML of a balanced one-way layout, and its information by the delta method.
        "variance between groups": (
            np.log(tau2), 2 * (msb**2 / (groups - 1) + msw**2 / (n - groups)) / (SIZE * tau2) ** 2
        ),
    }  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One line of the table: a rule, m, k/n, and the range that coverage must lie in."""

    rule: str
    m: int
    ratio: int = 1
    low: float = 0.94
    high: float = 0.96
    naive: bool = False

    def __str__(self) -> str:
        naive = "naive, " if self.naive else ""
        return f"{naive}{self.rule}, m={self.m}, k={'' if self.ratio == 1 else self.ratio}n"


CASES = (
    *(Case("proper", m) for m in (1, 5, 20)),
    *(Case("plug_in", m) for m in (1, 5, 20)),
    *(Case("partial", m) for m in (5, 20)),
    Case("rrr", 100), Case("rrr", 20, 5),
    Case("rrr", 5, high=1.0), Case("rrr", 20, high=1.0),
    Case("proper", 1, low=0.72, high=0.76, naive=True), Case("plug_in", 1, low=0.815, high=0.85, naive=True),
)  # fmt: skip


def simulate(case: Case, repetitions: int, groups: int = 160, seed: int = 1) -> pd.DataFrame:
    """Repeat {draw data, fit, synthesise, analyse, pool}.

    Returns coverage, the median width as a multiple of the original's interval, and the share of T ≤ 0. With few
    groups a variance may be estimated as zero; such a repetition counts as a miss.
    """
    rng = np.random.default_rng([seed, groups, case.m, case.ratio, len(case.rule), case.naive])
    data = tables(rng, population(), groups, (repetitions,))
    shape = (repetitions, case.m)
    theta = plugged(data) if case.rule == "plug_in" else posterior(rng, data, case.m)
    copies = analyses(tables(rng, theta, groups * case.ratio, shape))
    if case.rule == "partial":  # w is synthetic, y the original's
        copies |= {name: found for name, found in analyses(tables(rng, theta, groups, shape, kept=data)).items()
                   if name in ("intercept", "slope")}  # fmt: skip
    rows = []
    for name, (q, v) in copies.items():
        mean, b, within = moments(q, v, axis=1)
        rule = RULES[case.rule]
        if case.naive:
            half = 1.959964 * np.sqrt(v[:, 0])
            low, high, fallen = q[:, 0] - half, q[:, 0] + half, np.zeros(repetitions, bool)
        else:
            made = variance(rule, b, within, case.m, float(case.ratio))
            low, high = interval(mean, made)
            fallen = made.fallback
        covers = (low <= TRUTH[name]) & (high >= TRUTH[name])
        own = np.sqrt(analyses(data)[name][1]).mean() * 2 * 1.96
        rows.append((str(case), name, covers.mean(), np.median(high - low) / own, fallen.mean()))
    return pd.DataFrame(rows, columns=["case", "estimand", "coverage", "width", "fallback"])


def simulate_nested(repetitions: int, nests: int = 10, copies: int = 5, n: int = 200, seed: int = 1) -> float:
    """Coverage of Reiter's (2004) rule: a mean, three tenths of its cells missing at random, imputed, then replaced."""
    rng = np.random.default_rng([seed, nests, copies])
    seen = int(0.7 * n)
    mean, ss = rng.normal(0, 1 / np.sqrt(seen), repetitions), rng.chisquare(seen - 1, repetitions)

    def draw(mean: np.ndarray, ss: np.ndarray, rows: int, shape: tuple[int, ...], new: int) -> tuple:
        s2 = ss / rng.chisquare(rows - 1, shape)
        mu = rng.normal(mean, np.sqrt(s2 / rows))
        return rng.normal(mu, np.sqrt(s2 / new)), s2 * rng.chisquare(new - 1, shape)

    shape = (repetitions, nests)
    gap_mean, gap_ss = draw(mean[:, None], ss[:, None], seen, shape, n - seen)
    whole = (seen * mean[:, None] + (n - seen) * gap_mean) / n
    apart = seen * (n - seen) / n * (mean[:, None] - gap_mean) ** 2
    made, made_ss = draw(whole[..., None], (ss[:, None] + gap_ss + apart)[..., None], n, (*shape, copies), n)
    q, found = nested(np.moveaxis(made, 0, -1), np.moveaxis(made_ss, 0, -1) / (n - 1) / n)
    low, high = interval(q, found)
    return float(((low <= 0) & (high >= 0)).mean())


def table(repetitions: int, groups: int = 160, cases: tuple[Case, ...] = CASES,
          progress: Callable[[Case], None] = lambda case: None) -> pd.DataFrame:  # fmt: skip
    found = []
    for case in cases:
        progress(case)
        found.append(simulate(case, repetitions, groups))
    return pd.concat(found, ignore_index=True)
