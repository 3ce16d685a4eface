"""Missing rates of columns: whether as many cells lack a value as in the original, up to sampling error."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.stats import chi2

from bayessynth.evaluation.measure import Measure, Verdict, over_copies
from bayessynth.evaluation.registry import measure
from bayessynth.evaluation.tables import Encoded, Tables

# Rates agree within sampling error if every |z| is at most the first and their root mean square at most the second.
LARGEST, ROOT_MEAN_SQUARE = 4.0, 1.3
# Rates that differ by less do not matter in practice, whatever their z.
MARGIN = 0.01


def missing_rates(table: Encoded, tables: Tables) -> np.ndarray:
    """Return the share of missing cells of every column, shape (q,).

    >>> from bayessynth.evaluation.tables import read_tables
    >>> df = pd.DataFrame({"x": [1.0, None], "s": ["a", "b"]})
    >>> tables = read_tables(df, [df])
    >>> missing_rates(tables.original, tables).tolist()
    [0.5, 0.0]
    """
    return np.array([float((table.codes[c] == tables.sizes[c] - 1).mean()) for c in tables.columns])


def rate_z(p: np.ndarray, q: np.ndarray, n: int, k: int, inflation: np.ndarray | float = 1.0) -> np.ndarray:
    """Return the difference of two rates in standard errors, with the pooled rate; 0 where both are 0 or both 1.

    >>> rate_z(np.array([0.2]), np.array([0.3]), 100, 100).round(2).tolist()
    [1.63]
    """
    pooled = (n * p + k * q) / (n + k)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / k) * inflation)
    return np.divide(q - p, error, out=np.zeros_like(error), where=error > 0)


def design_effects(tables: Tables) -> np.ndarray:
    """Return by how much groups inflate the variance of every missing rate, shape (q,); 1 without groups.

    The linearised variance over groups relative to that of independent rows, at least 1.

    Examples
    --------
    >>> from bayessynth.evaluation.tables import read_tables
    >>> df = pd.DataFrame({"x": [1.0, 1.0, None, None], "g": ["a", "a", "b", "b"]})
    >>> design_effects(read_tables(df, [df], groups=["g"])).tolist()
    [2.0]
    """
    found = np.ones(len(tables.columns))
    clusters = tables.clusters
    if clusters is None:
        return found
    for j, column in enumerate(tables.columns):
        gone = (tables.original.codes[column] == tables.sizes[column] - 1).astype(float)
        p = gone.mean()
        if 0 < p < 1:
            sums = np.bincount(clusters, weights=gone - p)
            found[j] = max(1.0, float(sums @ sums) / (tables.n * p * (1 - p)))
    return found


@measure("missing", "utility")
def missing(tables: Tables) -> Iterator[Measure]:
    """Yield the root mean square z of missing rates, over the columns that lack cells in the original or in a copy.

    z is the difference of the rates over √(p(1−p)(1/n+1/k)). Independent samples have a root mean square of about 1.
    Rates agree within sampling error if it is at most 1.3 and no |z| exceeds 4; with few columns the first limit is
    the 99.9 % one of a chi-square, as a single z exceeds 1.3 in a fifth of samples. Where rows come in groups, the
    variance is inflated by what their groups add.
    """
    own = missing_rates(tables.original, tables)
    rates = np.array([missing_rates(copy, tables) for copy in tables.copies])
    lacking = (own > 0) | (rates > 0).any(axis=0)
    q = int(lacking.sum())
    if not q:
        return
    inflation = design_effects(tables)
    z = np.array([rate_z(own, r, tables.n, copy.n, inflation) for r, copy in zip(rates, tables.copies, strict=True)])[
        :, lacking
    ]
    value, interval = over_copies(np.sqrt((z**2).mean(axis=1)))
    largest = float(np.abs(z).max())
    limit = max(ROOT_MEAN_SQUARE, float(np.sqrt(chi2.ppf(0.999, q) / q)))
    low, high = (float(x) for x in np.sqrt(chi2.ppf([0.025, 0.975], q) / q))
    detail = pd.DataFrame(
        {"column": np.array(tables.columns)[lacking], "original": own[lacking], "copies": rates[:, lacking].mean(0),
         "lowest": rates[:, lacking].min(0), "highest": rates[:, lacking].max(0), "z": np.abs(z).max(0)}
    )  # fmt: skip
    detail = detail.iloc[np.argsort(-detail["z"], kind="stable")].reset_index(drop=True)
    apart = float((detail["copies"] - detail["original"]).abs().max())
    within = largest <= LARGEST and value <= limit
    verdict: Verdict = "pass" if within else "warn" if apart <= MARGIN else "fail"
    yield Measure(
        "missing", "utility", "Missing rates (root mean square z)", value,
        f"Missing rates differ from the original's by {value:.2f} standard errors (root mean square over {q} "
        f"column{'s' * (q > 1)}; independent samples: about 1); the largest difference is {largest:.1f} standard "
        f"errors ({detail['column'][0]}), and up to {LARGEST:g} is sampling error.",
        interval, 1.0, (low, high), "lower", verdict, detail,
        ("Groups inflate the standard errors.",) * bool((inflation > 1).any()),
    )  # fmt: skip
