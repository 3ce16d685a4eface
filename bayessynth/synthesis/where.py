"""Rebalancing: rows of which a column has a certain level, lies in an interval, or has levels with certain shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from bayessynth.design import Bound
from bayessynth.errors import SynthesisError, suggest
from bayessynth.rules import determined
from bayessynth.rules.cells import as_number, zone_of
from bayessynth.schema import Column
from bayessynth.schema.column import NUMBERS, plain
from bayessynth.synthesis.conditional import Given, Within, check_survivals

Where = Mapping[str, Any]
Shares = Mapping[str, Mapping[Any, float]]


def rebalanced(
    bound: Bound, given: Given, where: Where | None, shares: Shares | None, k: int, rng: np.random.Generator
) -> Given:
    """Add to what is given the levels, sets and shares that rows must have.

    Parameters
    ----------
    bound : Bound
    given : Given
    where : mapping of str to object, optional
        By column: a value, several levels, or the ends of a closed interval of numbers or times.
    shares : mapping of str to mapping, optional
        By column: the share of each level.
    k : int
        Rows.
    rng : Generator
        Shuffles the levels of shares over the rows.

    Raises
    ------
    SynthesisError
        If a column cannot be asked for, or what is asked of it is nothing that it can be.

    Examples
    --------
    >>> import bayessynth as bs
    >>> from bayessynth.design import bind
    >>> bound, _ = bind(bs.Spec("x ~ 1"), pd.DataFrame({"x": ["a", "b", "a"]}))
    >>> rng = np.random.default_rng(1)
    >>> sorted(rebalanced(bound, Given(), None, {"x": {"a": 0.7, "b": 0.3}}, 5, rng).rows["x"].tolist())
    [0, 0, 0, 0, 1]
    """
    rows: dict[str, np.ndarray] = {}
    within: dict[str, Within] = {}
    for argument, asked in (("where", where), ("shares", shares)):
        if asked is not None and not (isinstance(asked, Mapping) and asked):
            raise SynthesisError(f"{argument}= maps columns to what they must be, such as {_EXAMPLES[argument]}.")
        for column in asked or {}:
            _check_column(bound, given, column, argument, {*rows, *within})
            if argument == "shares":
                rows[column] = _shared(bound, column, (shares or {})[column], k, rng)
                continue
            found = _wanted(bound.schema[column], (where or {})[column])
            if isinstance(found, Within):
                within[column] = found
            else:
                rows[column] = np.full(k, found)
    if given.n_top and (rows or within):
        raise SynthesisError("where= and shares= are of rows: leave out given= with one row a top-level group.")
    return replace(given, rows={**given.rows, **rows}, within=within)


_EXAMPLES = {"where": "where={'fraud': 1}", "shares": "shares={'fraud': {1: 0.5, 0: 0.5}}"}


def _check_column(bound: Bound, given: Given, column: str, argument: str, asked: set[str]) -> None:
    if column not in bound.schema:
        raise SynthesisError(
            f"{argument}= has column {column!r}, which the fit does not.{suggest(str(column), bound.schema)}"
        )
    check_survivals(bound, [column], argument)
    if column not in {e.response for e in bound.equations} | determined(bound.rules).keys():
        raise SynthesisError(f"{argument}= has column {column!r}, which no equation draws.")
    if column in given.rows or column in asked:
        raise SynthesisError(f"Column {column!r} stands in two of given=, where= and shares=; leave it in one.")


def _wanted(column: Column, asked: Any) -> float | int | Within:
    """Return what a column must be: an encoded value, or a set of them."""
    several = isinstance(asked, tuple | list | set | frozenset | range)
    if not column.levels:
        if column.kind not in NUMBERS:
            raise SynthesisError(f"where= has column {column.name!r} of kind {column.kind!r}, which has no levels.")
        if not several:
            return _number(column, asked)
        ends = list(asked)
        if len(ends) != 2:
            raise SynthesisError(
                f"where={{{column.name!r}: {asked!r}}}: column {column.name!r} holds numbers or times; give one, or "
                "the two ends of an interval, None for an open one."
            )
        low, high = (_number(column, e) if e is not None else s * np.inf for e, s in zip(ends, (-1, 1), strict=True))
        if not low <= high:
            raise SynthesisError(f"where={{{column.name!r}: {asked!r}}}: the first end is above the second.")
        return Within(low=low, high=high)
    if not several:
        return _level(column, asked, "where")
    if not asked:
        raise SynthesisError(f"where={{{column.name!r}: {asked!r}}} leaves column {column.name!r} no level.")
    return Within(levels=tuple(sorted({_level(column, level, "where") for level in asked})))


def _number(column: Column, asked: Any) -> float:
    try:
        if column.kind == "datetime":
            return as_number(str(pd.Timestamp(asked)), zone_of(column))
        value = float(asked)
    except (TypeError, ValueError):
        value = np.nan
    if not np.isfinite(value):
        what = "time" if column.kind == "datetime" else "finite number"
        raise SynthesisError(f"where= asks column {column.name!r} for {asked!r}, which is no {what}.")
    return value


def _level(column: Column, asked: Any, argument: str) -> int:
    """Return the code of a level, named by itself or by its text."""
    level = plain(asked)
    for names in (list(column.levels), list(map(str, column.levels))):
        for code, name in enumerate(names):
            if type(name) is type(level) and name == level:
                return code
    if level in column.levels:
        return column.levels.index(level)
    listed = ", ".join(map(repr, column.levels[:10])) + (", …" if len(column.levels) > 10 else "")
    raise SynthesisError(
        f"{argument}= asks column {column.name!r} for {asked!r}, which is none of its levels: {listed}."
        f"{suggest(str(asked), map(str, column.levels))}"
    )


def _shared(bound: Bound, column: str, asked: Any, k: int, rng: np.random.Generator) -> np.ndarray:
    """Return codes of levels in exact proportion, in random order."""
    own = bound.schema[column]
    if not own.levels:
        raise SynthesisError(f"shares= has column {column!r} of kind {own.kind!r}, which has no levels.")
    if bound.levels[column] != "row":
        raise SynthesisError(
            f"shares= has column {column!r}, which has one value a {bound.levels[column]!r}: shares are of rows. Give "
            "the groups' values by given=, one row a group."
        )
    if not isinstance(asked, Mapping) or not asked:
        raise SynthesisError(f"shares= gives each level of {column!r} a share, such as {_EXAMPLES['shares']}.")
    codes = [_level(own, level, "shares") for level in asked]
    if len(set(codes)) < len(codes):
        raise SynthesisError(f"shares= names a level of column {column!r} twice: {', '.join(map(repr, asked))}.")
    parts = np.array([_share(column, level, share) for level, share in asked.items()])
    if abs(parts.sum() - 1) > 1e-9:
        raise SynthesisError(f"shares= of column {column!r} sum to {parts.sum():g}, not to 1.")
    return rng.permutation(np.repeat(codes, apportioned(parts, k)))


def _share(column: str, level: Any, share: Any) -> float:
    if isinstance(share, bool) or not isinstance(share, int | float | np.number) or not 0 <= share <= 1:
        raise SynthesisError(f"shares= gives level {level!r} of column {column!r} {share!r}, no share from 0 to 1.")
    return float(share)


def apportioned(shares: np.ndarray, k: int) -> np.ndarray:
    """Return whole numbers with a sum of k in proportion to shares, by the largest remainder (Hamilton's method).

    >>> apportioned(np.array([0.5, 0.25, 0.25]), 7).tolist()
    [3, 2, 2]
    """
    exact = shares * k
    # What rounding of the product may have left below a whole number is none below it.
    counts = np.floor(exact + 1e-9).astype(np.int64)
    left = k - int(counts.sum())
    counts[np.argsort(counts - exact, kind="stable")[:left]] += 1
    return counts
