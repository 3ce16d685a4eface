"""Whether ranks are uniform: tests, a simultaneous band, and what a deviation means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from arviz_stats.ecdf_utils import compute_ecdf, get_pointwise_confidence_band, simulate_confidence_bands
from scipy import stats

from bayessynth.evaluation.measure import Verdict, worst

FAIL, WARN = 0.001, 0.01
# Share of fits that may fail their own diagnostics before the ranks are doubted.
TROUBLED = 0.05
# Bins of a histogram of ranks: at most so many, each expecting at least so many ranks.
BINS, EXPECTED = 20, 5
SIMULATIONS = 1000
_ORDER: tuple[Verdict, ...] = ("fail", "warn", "pass")


def bins_of(draws: int, repetitions: int) -> int:
    """Return the number of bins that divides the draws + 1 possible ranks evenly, with enough expected in each.

    >>> bins_of(99, 1000), bins_of(99, 100), bins_of(99, 60), bins_of(7, 10)
    (20, 20, 10, 2)
    """
    most = max(2, min(BINS, repetitions // EXPECTED))
    return max(b for b in range(1, most + 1) if (draws + 1) % b == 0)


@dataclass(frozen=True)
class Band:
    """A band that contains the whole distribution function of uniform numbers with a given probability.

    Attributes
    ----------
    points, lower, upper : ndarray
        From 0 to 1.
    """

    points: np.ndarray
    lower: np.ndarray
    upper: np.ndarray

    def outside(self, numbers: np.ndarray) -> float:
        """Return the share of points at which the distribution function of numbers is outside."""
        ecdf = compute_ecdf(numbers, self.points)
        return float(((ecdf < self.lower) | (ecdf > self.upper)).mean())


def band_of(n: int, rng: np.random.Generator, probability: float = 0.95) -> Band:
    """Return the band of n numbers.

    References
    ----------
    Säilynoja, Bürkner & Vehtari (2022). Statistics and Computing 32; their method of simulation.

    Examples
    --------
    >>> band = band_of(100, np.random.default_rng(1))
    >>> band.outside(np.linspace(0.005, 0.995, 100)), band.outside(np.full(100, 0.5)) > 0.5
    (0.0, True)
    """
    points = np.arange(1, n) / n
    level = simulate_confidence_bands(n, 1, points, probability, SIMULATIONS, rng)
    lower, upper = get_pointwise_confidence_band(level, n, points)
    return Band(points, lower, upper)


def judge_ranks(
    ranks: Mapping[tuple[str, str], np.ndarray], draws: int, troubled: Mapping[str, int], rng: np.random.Generator
) -> tuple[pd.DataFrame, Verdict, tuple[str, ...]]:
    """Test the ranks of every quantity for uniformity.

    Parameters
    ----------
    ranks : mapping of tuple of str to ndarray of int, shape (repetitions,)
    draws : int
    troubled : mapping of str to int
        By equation, fits that failed their own diagnostics.
    rng : Generator

    Returns
    -------
    table : DataFrame
        As :class:`Calibration` describes it.
    verdict : {"pass", "warn", "fail"}
    reasons : tuple of str
    """
    repetitions = len(next(iter(ranks.values()))) if ranks else 0
    band = band_of(repetitions, rng) if repetitions > 1 else None
    table = pd.DataFrame(
        [{"equation": e, "quantity": q, **_tested(r, draws, rng, band)} for (e, q), r in ranks.items()]
    )
    verdict: Verdict = "pass"
    reasons = []
    if len(table):
        smaller = np.minimum(1.0, 2 * np.minimum(table["p_chi2"], table["p_ks"]))
        table.insert(4, "adjusted_p", stats.false_discovery_control(smaller))
        table["diagnosis"] = [
            _diagnosis(a, b) if p < WARN else "uniform"
            for p, a, b in zip(table["adjusted_p"], table["shift"], table["spread"], strict=True)
        ]
        table["verdict"] = ["fail" if p < FAIL else "warn" if p < WARN else "pass" for p in table["adjusted_p"]]
        rank = table["verdict"].map({v: i for i, v in enumerate(_ORDER)})
        table = table.iloc[np.lexsort((table["adjusted_p"], rank))].reset_index(drop=True)
        verdict = worst(list(table["verdict"]))
        wrong = table[table["verdict"] != "pass"]
        reasons = [
            f"{e}: ranks of {q} are not uniform (adjusted p {p:.2g}): {d}."
            for e, q, p, d in zip(*(wrong[c] for c in ("equation", "quantity", "adjusted_p", "diagnosis")), strict=True)
        ]
    for equation, count in troubled.items():
        if count > TROUBLED * repetitions:
            verdict = worst([verdict, "warn"])
            reasons.append(
                f"{equation}: {count} of {repetitions} fits failed their own diagnostics, so their ranks tell little. "
                "Priors that are too vague make data that cannot be fitted; or sample longer (tune=)."
            )
    return table, verdict, tuple(reasons)


def _tested(ranks: np.ndarray, draws: int, rng: np.random.Generator, band: Band | None) -> dict[str, float]:
    bins = bins_of(draws, len(ranks))
    counts = np.bincount(ranks * bins // (draws + 1), minlength=bins)
    spread = spread_of(ranks, draws, rng)
    n = len(ranks)
    return {
        "p_chi2": float(stats.chisquare(counts).pvalue),
        "p_ks": float(stats.kstest(spread, "uniform").pvalue),
        "outside": band.outside(spread) if band else 0.0,
        # Of uniform numbers the mean is 1/2 (variance 1/12), the mean square distance from it 1/12 (variance 1/180).
        "shift": float((spread.mean() - 0.5) * np.sqrt(12 * n)),
        "spread": float((((spread - 0.5) ** 2).mean() - 1 / 12) * np.sqrt(180 * n)),
    }


def spread_of(ranks: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Put each rank at a random place of its interval of (0, 1): continuous and uniform if ranks are uniform.

    >>> (spread_of(np.array([0, 9]), 9, np.random.default_rng(1)) * 10).astype(int).tolist()
    [0, 9]
    """
    return (ranks + rng.random(len(ranks))) / (draws + 1)


def _diagnosis(shift: float, spread: float) -> str:
    if abs(shift) >= abs(spread):
        return "posterior too low" if shift > 0 else "posterior too high"
    return "posterior too narrow" if spread > 0 else "posterior too wide"
