"""Coverage of 95 % intervals of noise-aware regressions with two covariates, over repeated tables and releases.

A bound of -1 or 1 lies three standard deviations from the mean; what lies beyond is clipped.

``fixed``: the same true values in all repetitions. Priors are uniform in the moments that are released: the density of
a standard deviation rises with a power of it, one for each moment that it scales. Where noise leaves the moments wide
open, interval and prior are about the same, and cover more than they say.

``drawn``: true values are drawn from the declared priors, anew in each repetition, and nothing is clipped. This is
what a posterior promises: its intervals cover what they say whatever the noise.
"""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

import bayessynth as bs
from bayessynth.errors import DiagnosticsWarning
from bayessynth.fitting.engines.noise_aware import sample
from bayessynth.fitting.engines.settings import Settings
from tests.fitting.noise_aware.releases import UNIT, bound_to, noise, release

EPSILONS, SIZES = (0.5, 1.0, 3.0), (300, 1000, 5000)
SETTINGS = Settings(draws=1000, tune=500, chains=4)
BOUNDS = dict.fromkeys(("x1", "x2", "y"), UNIT)
PARAMETERS = ("y_Intercept", "y_x1", "y_x2", "y_sigma")


def spec(x_sd: bs.Prior, y_sd: bs.Prior, coefficient: bs.Prior, intercept: bs.Prior) -> bs.Spec:
    """Return the regression with the given priors."""
    covariate = {"sigma": x_sd, "Intercept": intercept}
    own = {"sigma": y_sd, "Intercept": intercept, "x1": coefficient, "x2": coefficient}
    return bs.Spec(bs.Equation("x1 ~ 1", priors=covariate), bs.Equation("x2 ~ 1", priors=covariate),
                   bs.Equation("y ~ x1 + x2", priors=own))  # fmt: skip


@dataclass(frozen=True)
class Truth:
    """True values: of x1 and x2 means and standard deviations, of y coefficients and residual standard deviation."""

    means: np.ndarray
    sds: np.ndarray
    intercept: float
    slopes: np.ndarray
    sigma: float

    def draw(self, n: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw a table."""
        x = self.means + self.sds * rng.standard_normal((n, 2))
        return {"x1": x[:, 0], "x2": x[:, 1], "y": self.intercept + x @ self.slopes + self.sigma * rng.normal(size=n)}

    @property
    def values(self) -> tuple[float, ...]:
        """Values of ``PARAMETERS``."""
        return (self.intercept, *self.slopes.tolist(), self.sigma)


FIXED = Truth(np.zeros(2), np.full(2, 1 / 3), 0.1, np.array([0.3, -0.2]), 0.3)
MATCHING = spec(bs.Prior("Beta", alpha=4, beta=1), bs.Prior("Beta", alpha=2, beta=1),
                bs.Prior("Normal", mu=0, sigma=2.5), bs.Prior("Normal", mu=0, sigma=1))  # fmt: skip
SD, COEFFICIENT, LOCATION = (bs.Prior("Beta", alpha=8, beta=16), bs.Prior("Normal", mu=0, sigma=0.5),
                             bs.Prior("Normal", mu=0, sigma=0.2))  # fmt: skip
INFORMED = spec(SD, SD, COEFFICIENT, LOCATION)


def from_priors(rng: np.random.Generator) -> Truth:
    """Draw true values from the priors of ``INFORMED``."""
    intercept = float(LOCATION.sample(rng, 1)[0])  # at the covariates' prior mean, 0
    return Truth(LOCATION.sample(rng, 2), SD.sample(rng, 2), intercept, COEFFICIENT.sample(rng, 2),
                 float(SD.sample(rng, 1)[0]))  # fmt: skip


def without_privacy(table: dict[str, np.ndarray]) -> np.ndarray:
    """Return the widths of the intervals of the ordinary regression."""
    matrix = np.column_stack([np.ones(len(table["y"])), table["x1"], table["x2"]])
    (residual,) = np.linalg.lstsq(matrix, table["y"], rcond=None)[1]
    s2 = residual / (len(matrix) - 3)
    errors = np.sqrt(s2 * np.diag(np.linalg.inv(matrix.T @ matrix)))
    return 2 * 1.96 * np.append(errors, np.sqrt(s2 / (2 * len(matrix))))


def simulate(kind: str, epsilon: float, n: int, repetitions: int, seed: int = 1) -> pd.DataFrame:
    """Repeat {draw a table, release, fit}; return coverage, width against no privacy, and seconds, by parameter."""
    bound = bound_to(MATCHING if kind == "fixed" else INFORMED)
    rng = np.random.default_rng([seed, n, int(10 * epsilon), len(kind)])
    covers, widths, plain, nuts = [], [], [], 0
    begun = time.process_time()
    for repetition in range(repetitions):
        truth = FIXED if kind == "fixed" else from_priors(rng)
        table = truth.draw(n, rng)
        kept = {name: np.clip(c, *UNIT) if kind == "fixed" else c for name, c in table.items()}
        with warnings.catch_warnings():  # true values may reach beyond the bounds
            warnings.simplefilter("ignore", DiagnosticsWarning)
            fit = sample(bound, release(kept, noise(epsilon), rng), BOUNDS, SETTINGS, repetition).posteriors["y"]
        ends = np.array([np.quantile(fit.variables[name][1], [0.025, 0.975]) for name in PARAMETERS])
        covers.append((ends[:, 0] <= truth.values) & (truth.values <= ends[:, 1]))
        widths.append(ends[:, 1] - ends[:, 0])
        plain.append(without_privacy(table))
        nuts += bool(fit.refused)
    return pd.DataFrame({
        "kind": kind, "epsilon": epsilon, "n": n, "parameter": PARAMETERS, "coverage": np.mean(covers, axis=0),
        "width": np.median(np.array(widths) / plain, axis=0), "repetitions": repetitions,
        "seconds": (time.process_time() - begun) / repetitions, "nuts": nuts / repetitions,
    })  # fmt: skip
