"""Summaries of the original beside those of the copies.

Every table ends in the same four columns: ``original``; ``copies``, the average over copies; ``lowest`` and ``highest``
copy. An original outside lowest and highest is what the copies fail to show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pandas as pd

from bayessynth.errors import DataError, suggest
from bayessynth.evaluation.utility.variance_components import group_sums, intraclass_correlation, variance_components

_BESIDE = ("original", "copies", "lowest", "highest")


def compare_columns(
    original: pd.DataFrame, copies: Iterable[pd.DataFrame], columns: Sequence[str] | None = None
) -> pd.DataFrame:
    """Compare mean, standard deviation and share of zeros of every number column.

    Parameters
    ----------
    original : DataFrame
    copies : iterable of DataFrame
    columns : sequence of str, optional
        By default all columns that hold numbers.

    Returns
    -------
    DataFrame
        ``column``, ``statistic`` (mean, sd; zeros where there are any), ``original``, ``copies``, ``lowest``,
        ``highest``.

    Raises
    ------
    DataError
        If a column is not in the data or holds no numbers.

    Examples
    --------
    >>> original = pd.DataFrame({"x": [1.0, 2.0, 3.0]})
    >>> compare_columns(original, [original, original + 1])
      column statistic  original  copies  lowest  highest
    0      x      mean       2.0     2.5     2.0      3.0
    1      x        sd       1.0     1.0     1.0      1.0
    """
    frames = list(copies)
    statistics: dict[str, Callable[[pd.Series], float]] = {"mean": pd.Series.mean, "sd": pd.Series.std, "zeros": _zeros}
    rows = []
    for name in _numbers(original, columns):
        for statistic, compute in statistics.items():
            own, *drawn = (float(compute(frame[name].dropna())) for frame in (original, *frames))
            if statistic != "zeros" or own or any(drawn):
                rows.append((name, statistic, *_beside(own, drawn)))
    return pd.DataFrame(rows, columns=["column", "statistic", *_BESIDE])


def compare_levels(
    original: pd.DataFrame, copies: Iterable[pd.DataFrame], columns: Sequence[str] | None = None
) -> pd.DataFrame:
    """Compare the shares of the levels of every categorical column.

    Parameters
    ----------
    original : DataFrame
    copies : iterable of DataFrame
    columns : sequence of str, optional
        By default all columns of text, categories or truth values that have at most 12 values.

    Returns
    -------
    DataFrame
        ``column``, ``level``, ``original``, ``copies``, ``lowest``, ``highest``; shares of the cells not missing.

    Examples
    --------
    >>> original = pd.DataFrame({"sex": ["f", "f", "m", "m"]})
    >>> compare_levels(original, [original, original[:3]]).round(2)
      column level  original  copies  lowest  highest
    0    sex     f       0.5    0.58    0.50     0.67
    1    sex     m       0.5    0.42    0.33     0.50
    """
    frames = list(copies)
    rows = []
    for name in _levelled(original) if columns is None else _known(original, columns):
        shares = original[name].value_counts(normalize=True, sort=False).sort_index()
        drawn = [f[name].value_counts(normalize=True) for f in frames]
        rows += [(name, level, *_beside(float(own), [float(d.get(level, 0.0)) for d in drawn]))
                 for level, own in shares.items()]  # fmt: skip
    return pd.DataFrame(rows, columns=["column", "level", *_BESIDE])


def compare_correlations(
    original: pd.DataFrame, copies: Iterable[pd.DataFrame], columns: Sequence[str] | None = None
) -> pd.DataFrame:
    """Compare Spearman's rank correlations of all pairs of number columns, the strongest first.

    Parameters
    ----------
    original : DataFrame
    copies : iterable of DataFrame
    columns : sequence of str, optional
        By default all columns that hold numbers.

    Returns
    -------
    DataFrame
        ``column``, ``with``, ``original``, ``copies``, ``lowest``, ``highest``.

    Examples
    --------
    >>> original = pd.DataFrame({"x": [1, 2, 3], "y": [2, 4, 9]})
    >>> compare_correlations(original, [original])
      column with  original  copies  lowest  highest
    0      x    y       1.0     1.0     1.0      1.0
    """
    names = _numbers(original, columns)
    own, *drawn = (f[names].astype(float).corr("spearman").to_numpy() for f in (original, *copies))
    pairs = [(i, j) for i in range(len(names)) for j in range(i + 1, len(names))]
    pairs.sort(key=lambda pair: -abs(own[pair]))
    rows = [(names[i], names[j], *_beside(float(own[i, j]), [float(d[i, j]) for d in drawn])) for i, j in pairs]
    return pd.DataFrame(rows, columns=["column", "with", *_BESIDE])


def compare_groups(
    original: pd.DataFrame, copies: Iterable[pd.DataFrame], groups: Sequence[str], columns: Sequence[str] | None = None
) -> pd.DataFrame:
    """Compare how much groups differ: standard deviation between groups and intraclass correlation.

    Both are the estimates of one-way analysis of variance for groups of unequal size; an estimate below zero is
    shown as 0. An intraclass correlation of 0 says that rows of one group are no more alike than rows of two, 1 that
    they are all alike.

    Parameters
    ----------
    original : DataFrame
    copies : iterable of DataFrame
    groups : sequence of str
        Columns that name a row's group.
    columns : sequence of str, optional
        By default all columns of numbers or of truth values. A column that does not vary within groups is left out.

    Returns
    -------
    DataFrame
        ``group``, ``column``, ``statistic`` (sd, icc), ``original``, ``copies``, ``lowest``, ``highest``.

    References
    ----------
    Searle, Casella and McCulloch (1992). Variance Components, section 3.6.

    Examples
    --------
    >>> original = pd.DataFrame({"site": ["a", "a", "b", "b"], "x": [1.0, 3.0, 11.0, 13.0]})
    >>> compare_groups(original, [original], ["site"]).round(2)
      group column statistic  original  copies  lowest  highest
    0  site      x        sd      7.00    7.00    7.00     7.00
    1  site      x       icc      0.96    0.96    0.96     0.96
    """
    frames = list(copies)
    rows = []
    for group in _known(original, groups):
        for column in [c for c in _numbers(original, columns, booleans=True) if c not in groups]:
            if (original.groupby(group, observed=True)[column].nunique() <= 1).all():
                continue
            found = [_variance_components(f, group, column) for f in (original, *frames)]
            for statistic, (own, *drawn) in zip(("sd", "icc"), zip(*found, strict=True), strict=True):
                rows.append((group, column, statistic, *_beside(own, drawn)))
    return pd.DataFrame(rows, columns=["group", "column", "statistic", *_BESIDE])


def _beside(own: float, drawn: Sequence[float]) -> tuple[float, float, float, float]:
    return own, float(np.mean(drawn)), min(drawn), max(drawn)


def _variance_components(frame: pd.DataFrame, group: str, column: str) -> tuple[float, float]:
    """Return the standard deviation between groups and the intraclass correlation; rows without a group left out."""
    codes = pd.factorize(frame[group])[0]
    sums = group_sums(frame[column].to_numpy(dtype=float, na_value=np.nan)[codes >= 0], codes[codes >= 0])
    between, within = variance_components(sums)
    return float(np.sqrt(between)), float(intraclass_correlation(between, within))


def _zeros(values: pd.Series) -> float:
    return float((values == 0).mean())


def _numbers(frame: pd.DataFrame, columns: Sequence[str] | None, booleans: bool = False) -> list[str]:
    if columns is None:
        found = [str(c) for c in frame if pd.api.types.is_numeric_dtype(frame[c])]
        return [c for c in found if booleans or not pd.api.types.is_bool_dtype(frame[c])]
    for column in _known(frame, columns):
        if not pd.api.types.is_numeric_dtype(frame[column]):
            raise DataError(f"Column {column!r} holds no numbers; leave it out of columns=.")
    return list(columns)


def _levelled(frame: pd.DataFrame) -> list[str]:
    other = [str(c) for c in frame if not pd.api.types.is_numeric_dtype(frame[c]) or frame[c].dtype.kind == "b"]
    return [c for c in other if not pd.api.types.is_datetime64_any_dtype(frame[c]) and frame[c].nunique() <= 12]


def _known(frame: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    for column in columns:
        if column not in frame:
            raise DataError(f"There is no column {column!r} in the data.{suggest(column, map(str, frame))}")
    return list(columns)
