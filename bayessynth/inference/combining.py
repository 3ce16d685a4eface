"""Combining rules: the variance of an estimate that was made on m synthetic copies.

Notation: copy j gives an estimate q_j and its squared standard error v_j; q̄ and v̄ are their means over the m copies, b
the variance of the q_j; a copy has k rows, the original had n. All functions work entry by entry, so b and v̄ may be
numbers, vectors, or covariance matrices of a vector of coefficients.

References
----------
Raab, Nowok and Dibben (2016). Practical data synthesis for large samples. Journal of Privacy and Confidentiality 7(3).
Raghunathan, Reiter and Rubin (2003). Multiple imputation for statistical disclosure limitation. J. Official Stat. 19.
Reiter (2002). Satisfying disclosure restrictions with synthetic data sets. J. Official Statistics 18.
Reiter (2003). Inference for partially synthetic, public use microdata sets. Survey Methodology 29.
Reiter (2004). Simultaneous use of multiple imputation for missing data and disclosure limitation. Survey Meth. 30.
Reiter (2005). Significance tests for multi-component estimands from multiply imputed, synthetic microdata. JSPI 131.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from bayessynth.errors import DataError, suggest

Array = Any


@dataclass(frozen=True)
class Rule:
    """One combining rule.

    Attributes
    ----------
    name : str
        What ``rule=`` calls it.
    copies : str
        The copies that it is for.
    source : str
    total : callable
        ``total(b, v, m, ratio)`` is the variance of q̄ about the population's value, entry by entry; ``ratio`` is k/n.
    df : callable
        ``df(b, v, m, ratio)``: degrees of freedom of the interval; infinite for a normal one.
    expected : callable or None
        ``expected(ratio)``: the b/v̄ that the rule takes for granted; None if it takes b as it comes.
    least : int
        Fewest copies with which it can be computed.
    advised : int
        Fewest copies with which it does what it says (fewer give a warning unless k is at least 5 n).
    formula : str
    instead : str
        What stands in where the formula is not positive.
    joint : bool
        Whether a joint test of several coefficients is known for it.

    Examples
    --------
    >>> float(RULES["proper"].total(0.0, 1.0, 5, 1.0))
    1.4
    """

    name: str
    copies: str
    source: str
    total: Callable[[Array, Array, int, float], Array]
    df: Callable[[Array, Array, int, float], Array]
    formula: str
    expected: Callable[[float], float] | None = None
    least: int = 1
    advised: int = 1
    instead: str = "Reiter's (2002) (k/n) v̄"
    joint: bool = True


def _normal(b: Array, v: Array, m: int, ratio: float) -> Array:
    return np.full(np.shape(v), np.inf)


def _partial_df(b: Array, v: Array, m: int, ratio: float) -> Array:
    with np.errstate(divide="ignore"):
        return (m - 1) * (1 + np.asarray(v) * m / b) ** 2


def _full_df(b: Array, v: Array, m: int, ratio: float) -> Array:
    r = (1 + 1 / m) * np.asarray(b) / v
    with np.errstate(divide="ignore"):
        return np.where(r > 1, (m - 1) * (1 - 1 / np.maximum(r, 1.0)) ** 2, np.inf)


RULES: Mapping[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule(
            "proper", "all columns synthetic, each copy from its own posterior draw, complete data",
            "Raab, Nowok and Dibben (2016)", lambda b, v, m, ratio: v * (ratio + (1 + ratio) / m), _normal,
            "v̄ (k/n + (1 + k/n)/m)", lambda ratio: 1 + ratio,
        ),
        Rule(
            "plug_in", "all columns synthetic, all copies from one point estimate",
            "Raab, Nowok and Dibben (2016)", lambda b, v, m, ratio: v * (ratio + 1 / m), _normal,
            "v̄ (k/n + 1/m)", lambda ratio: 1.0,
        ),
        Rule(
            "rrr", "all columns synthetic, from a posterior that imputes missing cells or carries privacy noise",
            "Raghunathan, Reiter and Rubin (2003)", lambda b, v, m, ratio: (1 + 1 / m) * np.asarray(b) - v, _full_df,
            "(1 + 1/m) b − v̄", least=2, advised=50,
        ),
        Rule(
            "partial", "chosen columns synthetic, the rest original", "Reiter (2003)",
            lambda b, v, m, ratio: v + np.asarray(b) / m, _partial_df, "v̄ + b/m", least=2,
        ),
    )
}  # fmt: skip


# Needs to know which copies share an imputation, so it is asked for by nests=, and computed by ``nested``.
NESTED = Rule(
    "nested", "r partially synthetic copies of each of M imputations", "Reiter (2004)",
    lambda b, v, m, ratio: v + np.asarray(b) / m, _partial_df, "(1 + 1/M) B − W̄/r + v̄", least=4,
    instead="v̄ + B/M", joint=False,
)  # fmt: skip


def rule_named(name: str) -> Rule:
    """Return a rule by its name.

    Raises
    ------
    DataError
        If there is none.

    Examples
    --------
    >>> rule_named("partial").source
    'Reiter (2003)'
    """
    if name not in RULES:
        raise DataError(f"There is no combining rule {name!r}.{suggest(name, RULES)} Rules: {', '.join(RULES)}.")
    return RULES[name]


def moments(estimates: np.ndarray, variances: np.ndarray, axis: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return q̄, b and v̄ over the copies.

    >>> q, b, v = moments(np.array([1.0, 3.0]), np.array([0.5, 1.5]))
    >>> float(q), float(b), float(v)
    (2.0, 2.0, 1.0)
    """
    m = estimates.shape[axis]
    between = estimates.var(axis=axis, ddof=1) if m > 1 else np.full(estimates.mean(axis=axis).shape, np.nan)
    return estimates.mean(axis=axis), between, variances.mean(axis=axis)


@dataclass(frozen=True)
class Variance:
    """The variance of pooled estimates.

    Attributes
    ----------
    total : ndarray
    df : ndarray
    fallback : ndarray of bool
        Where the rule gave no positive variance and Reiter's (2002) non-negative one, (k/n) v̄, stands in.
    """

    total: np.ndarray
    df: np.ndarray
    fallback: np.ndarray


def variance(rule: Rule, b: Array, v: Array, m: int, ratio: float) -> Variance:
    """Apply a rule, with its fallback where it gives no positive variance.

    Parameters
    ----------
    rule : Rule
    b, v : array_like
        Variance between copies and average variance within, of any shape.
    m : int
        Number of copies.
    ratio : float
        k/n.

    Examples
    --------
    >>> found = variance(RULES["rrr"], 0.5, 1.0, 5, 1.0)
    >>> found.total.item(), found.fallback.item()
    (1.0, True)
    """
    b, v = np.asarray(b, dtype=float), np.asarray(v, dtype=float)
    total = np.asarray(rule.total(b, v, m, ratio), dtype=float)
    df = np.asarray(rule.df(b, v, m, ratio), dtype=float)
    fallback = total <= 0
    return Variance(np.where(fallback, ratio * v, total), np.where(fallback, np.inf, df), fallback)


def interval(estimate: Array, found: Variance, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Return the limits of the central interval: t with the rule's degrees of freedom, or normal.

    >>> low, high = interval(0.0, variance(RULES["proper"], np.nan, 1.0, 1, 1.0))
    >>> round(float(high), 3)
    3.395
    """
    half = stats.t.ppf((1 + level) / 2, found.df) * np.sqrt(found.total)
    return np.asarray(estimate - half), np.asarray(estimate + half)


def original_variance(rule: Rule, v: Array, m: int, ratio: float) -> Array:
    """Return the variance of q̄ about the original's estimate, for rules that state what b is.

    Proper copies: v̄ (1 + k/n)/m; plug-in copies: v̄/m.

    Raises
    ------
    DataError
        If the rule does not say.

    Examples
    --------
    >>> original_variance(RULES["plug_in"], 2.0, 4, 1.0)
    0.5
    """
    if rule.expected is None:
        raise DataError(
            f"target='original' needs the rule 'proper' or 'plug_in'; {rule.name!r} does not say how far copies vary "
            "about the original's estimate."
        )
    return v * rule.expected(ratio) / m


def nested(estimates: np.ndarray, variances: np.ndarray) -> tuple[np.ndarray, Variance]:
    """Combine r partially synthetic copies of each of M imputations (Reiter 2004).

    Parameters
    ----------
    estimates, variances : ndarray of shape (M, r, ...)
        M and r at least 2.

    Returns
    -------
    ndarray, Variance
        q̄ and T = (1 + 1/M) B − W̄/r + v̄, B the variance of the nests' means, W̄ the mean variance within nests; where
        that is not positive, v̄ + B/M stands in.

    Raises
    ------
    DataError
        If there are fewer than two nests, or fewer than two copies in each.

    Examples
    --------
    >>> q, found = nested(np.array([[1.0, 1.2], [1.4, 1.6]]), np.full((2, 2), 0.1))
    >>> float(q), round(float(found.total), 3)
    (1.3, 0.21)
    """
    if estimates.ndim < 2 or min(estimates.shape[:2]) < 2:
        raise DataError("The nested rule needs at least 2 imputations (nests) and 2 copies of each.")
    nests, copies = estimates.shape[:2]
    means = estimates.mean(axis=1)
    between, within = means.var(axis=0, ddof=1), estimates.var(axis=1, ddof=1).mean(axis=0)
    v = variances.mean(axis=(0, 1))
    total = (1 + 1 / nests) * between - within / copies + v
    fallback = total <= 0
    total = np.where(fallback, v + between / nests, total)
    with np.errstate(divide="ignore"):
        inverse = ((1 + 1 / nests) * between) ** 2 / ((nests - 1) * total**2) + (within / copies) ** 2 / (
            nests * (copies - 1) * total**2
        )
        df = np.where(inverse > 0, 1 / inverse, np.inf)
    return means.mean(axis=0), Variance(np.asarray(total), df, np.asarray(fallback))


def wald(rule: Rule, q: np.ndarray, b: np.ndarray, v: np.ndarray, m: int, ratio: float) -> tuple[float, float, float]:
    """Test that all coefficients of a vector are zero.

    Parameters
    ----------
    rule : Rule
    q : ndarray of shape (p,)
    b, v : ndarray of shape (p, p)
        Covariance of the estimates between copies, average covariance within.
    m, ratio
        As in :func:`variance`.

    Returns
    -------
    statistic, df, p_value : float
        A chi-squared statistic over p with infinite denominator df, or an F statistic (Reiter 2005) with ``df`` in the
        denominator.

    Examples
    --------
    >>> f, df, p = wald(RULES["proper"], np.array([2.0, 0.0]), np.eye(2), np.eye(2), 5, 1.0)
    >>> round(f, 3), df, round(p, 3)
    (1.429, inf, 0.24)
    """
    p = len(q)
    spread = float(np.trace(np.linalg.solve(v, b))) / p if rule.expected is None else 0.0
    scale = float(rule.total(spread, 1.0, m, ratio))
    if scale <= 0:
        scale, df = ratio, np.inf
    elif rule.expected is not None:
        df = np.inf
    else:
        # Reiter (2005); r is the part of the total that b makes, the sign that of v̄'s part.
        r, sign, t = float(rule.total(spread, 0.0, m, ratio)), float(rule.total(0.0, 1.0, m, ratio)), p * (m - 1)
        df = 4 + (t - 4) * (1 + sign * (1 - 2 / t) / r) ** 2 if t > 4 else t * (1 + 1 / p) * (1 + sign / r) ** 2 / 2
    statistic = float(q @ np.linalg.solve(v, q)) / (p * scale)
    p_value = stats.f.sf(statistic, p, df) if np.isfinite(df) else stats.chi2.sf(statistic * p, p)
    return statistic, float(df), float(p_value)
