"""Propensity-score mean squared error: how well a logistic regression on main effects tells copies apart."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import chi2
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from bayessynth.evaluation.measure import Measure, Verdict, over_copies
from bayessynth.evaluation.registry import measure
from bayessynth.evaluation.tables import Encoded, Tables
from bayessynth.evaluation.utility.design_matrix import main_effects
from bayessynth.evaluation.utility.thinning import thinned
from bayessynth.evaluation.utility.threads import one_thread

MAX_ROWS = 50_000
PERMUTATIONS = 10
# Pairs of resampled groups behind the reference, where rows come in groups.
GROUP_PAIRS = 20
# Ratios up to which copies pass, and beyond which they fail (Raab, Nowok and Dibben 2021 name 3 and 10).
PASS, FAIL = 3.0, 10.0
# Share of perfect separation below which a large ratio only says that there are many records.
SEPARATION = 0.005
# The penalty keeps coefficients finite where a level stands in one table alone; it shrinks them by about 1/(C·N).
PENALTY = {"C": 1e6, "solver": "newton-cholesky", "tol": 1e-6, "max_iter": 50}


@dataclass(frozen=True)
class Nulls:
    """What pMSE is by chance, given K terms, n original and k synthetic records.

    Attributes
    ----------
    plug_in : float
        Its mean for copies drawn from the estimate that the original gave (all from one): K(1−c)²c/N.
    independent : float
        Its mean for proper copies, each from its own posterior draw, or another sample of the population: K(1−c)c/N,
        1 + k/n times as large.
    """

    plug_in: float
    independent: float


def nulls(terms: int, n: int, k: int) -> Nulls:
    """Return both analytic nulls of pMSE.

    Parameters
    ----------
    terms : int
        K, the rank of the design less one.
    n, k : int
        Original and synthetic records.

    References
    ----------
    Snoke, Raab, Nowok, Dibben and Slavkovic (2018). General and specific utility measures for synthetic data. JRSS A
    181, 663–688, for plug-in copies. For independent samples the score statistic is a chi-square with K degrees of
    freedom, of which pMSE is c(1−c)/N times.

    Examples
    --------
    >>> nulls(10, 500, 500)
    Nulls(plug_in=0.00125, independent=0.0025)
    """
    total, c = n + k, k / (n + k)
    return Nulls(terms * (1 - c) ** 2 * c / total, terms * (1 - c) * c / total)


def propensities(design: np.ndarray, synthetic: np.ndarray) -> np.ndarray:
    """Return the fitted probability of being synthetic, shape (N,), by logistic regression on independent columns.

    >>> x = np.array([[0.0], [0.0], [0.0], [1.0], [1.0], [1.0]])
    >>> propensities(x, np.array([0, 0, 1, 0, 1, 1])).round(3).tolist()
    [0.333, 0.333, 0.333, 0.667, 0.667, 0.667]
    """
    if not design.shape[1]:
        return np.full(len(synthetic), synthetic.mean())
    with warnings.catch_warnings():
        # Under separation Newton's steps may not settle; the probabilities, all that is used, have by then.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return LogisticRegression(**PENALTY).fit(design, synthetic).predict_proba(design)[:, 1]


def pmse_of(design: np.ndarray, synthetic: np.ndarray) -> float:
    """Return Σ(p̂ − c)²/N: 0 where nothing tells the tables apart, c(1 − c) where everything does.

    >>> x = np.array([[0.0], [0.0], [0.0], [1.0], [1.0], [1.0]])
    >>> round(pmse_of(x, np.array([0, 0, 1, 0, 1, 1])), 4)
    0.0278
    """
    return float(np.mean((propensities(design, synthetic) - synthetic.mean()) ** 2))


def column_pmse(a: np.ndarray, b: np.ndarray) -> tuple[float, int]:
    """Return pMSE of one column's codes, by its saturated regression, and its number of terms.

    >>> column_pmse(np.array([0, 0, 1]), np.array([0, 1, 1]))
    (0.0277..., 1)
    """
    size = int(max(a.max(), b.max())) + 1
    own, drawn = np.bincount(a, minlength=size), np.bincount(b, minlength=size)
    total = own + drawn
    used = total > 0
    c = len(b) / (len(a) + len(b))
    share = drawn[used] / total[used]
    return float(total[used] @ (share - c) ** 2 / total.sum()), int(used.sum()) - 1


@measure("pmse", "utility")
def pmse(tables: Tables) -> Iterator[Measure]:
    """Yield pMSE over its expectation for perfect copies; 1 is perfect, and below 1 the copies are too alike.

    Which expectation, provenance tells: that of proper copies or that of plug-in copies. Copies of unknown making get
    both ratios, and a perfect one lies at 1 of either. Main effects see no relation between columns: independent
    margins score perfectly, so that this measure never stands alone.

    Where rows come in groups, samples differ by more than independent rows do; the reference is then what pairs of
    samples of whole groups score. With formal privacy it is what pairs of copies score.

    References
    ----------
    Snoke et al. (2018), JRSS A 181, 663–688. Raab, Nowok and Dibben (2021), arXiv:2109.12717.
    """
    tables, notes = thinned(tables, MAX_ROWS, "pmse")
    with one_thread():
        found = list(_ratios(tables, notes))
    yield from found


def _ratios(tables: Tables, notes: tuple[str, ...]) -> Iterator[Measure]:
    scores, expected, permuted = [], [], []
    for j, copy in enumerate(tables.copies):
        design, synthetic = _stacked(tables, [tables.original, copy])
        if not design.shape[1]:
            return
        scores.append(pmse_of(design, synthetic))
        expected.append(nulls(design.shape[1], tables.n, copy.n))
        if j == 0:
            terms, rng = design.shape[1], tables.rng("pmse", "permutations")
            permuted = [pmse_of(design, rng.permutation(synthetic)) for _ in range(PERMUTATIONS)]
    shuffled = np.array(permuted) / expected[0].independent
    said = (
        f"With labels shuffled, the ratio is {shuffled.mean():.2f} (standard error "
        f"{shuffled.std(ddof=1) / np.sqrt(PERMUTATIONS):.2f}, {PERMUTATIONS} times)."
    )
    by_pair = _pair_ratios(tables)
    if len(by_pair):
        reference, spread = max(1.0, float(by_pair.mean())), np.quantile(by_pair, [0.025, 0.975])
        said += f" The reference is what {tables.pair('samples of whole groups')} score."
    else:
        reference, spread = 1.0, chi2.ppf([0.025, 0.975], terms) / terms * shuffled.mean()
    around = (float(spread[0]), float(spread[1]))
    context = _Context(tables, np.array(scores), terms, reference, around, (*notes, said))
    independent, plug_in = (np.array([getattr(e, w) for e in expected]) for w in ("independent", "plug_in"))
    if tables.proper is False:
        yield _ratio(context, "pmse", "plug-in copies", plug_in, graded=True)
        return
    which = "proper copies or another sample" if tables.proper is None else "proper copies"
    yield _ratio(context, "pmse", which, independent, graded=True)
    if tables.proper is None:
        yield _ratio(context, "pmse_plug_in", "plug-in copies", plug_in, graded=False)


@dataclass(frozen=True)
class _Context:
    """What both ratios of one evaluation share."""

    tables: Tables
    scores: np.ndarray
    terms: int
    reference: float
    interval: tuple[float, float]
    notes: tuple[str, ...]


def _ratio(context: _Context, name: str, which: str, expected: np.ndarray, graded: bool) -> Measure:
    """Return pMSE over one of its nulls."""
    value, interval = over_copies(context.scores / expected)
    c = context.tables.k / (context.tables.n + context.tables.k)
    separation = float(context.scores.mean()) / (c * (1 - c))
    excess = value / context.reference
    limit = max(PASS, context.interval[1] / context.reference)
    verdict: Verdict = "pass" if excess <= limit else "warn" if excess <= FAIL or separation <= SEPARATION else "fail"
    return Measure(
        name, "utility", f"pMSE ratio, main effects ({which})", value,
        f"How well a logistic regression tells copies from the original is {value:.2f} times what chance does for "
        f"{which} (perfect copies: {context.reference:.2f}), {separation:.2%} of perfect separation, from "
        f"{context.terms} terms. It sees no relation between columns.",
        interval, context.reference, context.interval, "closer", verdict if graded else "info",
        _columns(context.tables), context.notes,
    )  # fmt: skip


def _stacked(tables: Tables, parts: Sequence[Encoded]) -> tuple[np.ndarray, np.ndarray]:
    return main_effects(tables, parts), np.repeat(np.arange(len(parts)), [p.n for p in parts])


def _pair_ratios(tables: Tables) -> np.ndarray:
    """Return the ratios of pairs of samples of whole groups, or of copies with formal privacy; none of others."""
    ratios: list[float] = []
    if tables.clusters is None and not tables.noisy:
        return np.array(ratios)
    for a, b in tables.resamples(GROUP_PAIRS, "pmse"):
        design, synthetic = _stacked(tables, [a, b])
        if design.shape[1]:
            ratios.append(pmse_of(design, synthetic) / nulls(design.shape[1], a.n, b.n).independent)
    return np.array(ratios)


def _columns(tables: Tables) -> pd.DataFrame:
    """Return the ratio of every column by itself, numbers cut at the original's deciles, the worst first."""
    rows = []
    for column in tables.columns:
        found = []
        for copy in tables.copies:
            score, terms = column_pmse(tables.original.codes[column], copy.codes[column])
            found.append(score / nulls(terms, tables.n, copy.n).independent if terms else 0.0)
        rows.append((column, float(np.mean(found)), min(found), max(found), 1.0))
    detail = pd.DataFrame(rows, columns=["column", "value", "lowest", "highest", "reference"])
    return detail.sort_values("value", ascending=False, kind="stable").reset_index(drop=True)
