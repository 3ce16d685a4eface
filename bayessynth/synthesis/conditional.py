"""Columns that are given rather than drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from bayessynth import families
from bayessynth.design import Bound, Grouping
from bayessynth.design.grouping import group
from bayessynth.errors import SynthesisError, suggest, where
from bayessynth.rules import determined
from bayessynth.synthesis.groups import Groups


@dataclass(frozen=True)
class Within:
    """A set in which a column must lie: some of its levels, or a closed interval of numbers.

    Attributes
    ----------
    levels : tuple of int
        Codes of the levels; empty for an interval.
    low, high : float

    Examples
    --------
    >>> Within(low=1.0, high=2.0).holds(np.array([0.5, 2.0, np.nan])).tolist()
    [False, True, False]
    """

    levels: tuple[int, ...] = ()
    low: float = -np.inf
    high: float = np.inf

    def holds(self, values: np.ndarray) -> np.ndarray:
        """Return which encoded values lie in the set; missing cells do not."""
        return np.isin(values, self.levels) if self.levels else (values >= self.low) & (values <= self.high)


@dataclass(frozen=True)
class Given:
    """Encoded columns that a copy takes as they stand.

    Attributes
    ----------
    rows : mapping of str to ndarray
        Columns with one value a row.
    upper : mapping of str to ndarray
        Columns with one value a top-level group.
    cells : mapping of str to ndarray
        Of columns that are not given everywhere: which of their cells are.
    within : mapping of str to Within
        Sets in which columns must lie that are drawn.
    cut : mapping of str to ndarray
        Columns that are set from outside, one value or one a row: nothing before them knows of it.
    n_top : int
        Number of top-level groups, if they are what is given.
    codes, labels : mapping
        Groups of the rows, if given.
    observed : bool
        Whether the groups are the original's, with their effects.
    alone : bool
        Whether every row has a new group of its own.
    kept : DataFrame or None
        The original's columns that copies keep, group columns included.
    """

    rows: Mapping[str, np.ndarray] = field(default_factory=dict)
    upper: Mapping[str, np.ndarray] = field(default_factory=dict)
    cells: Mapping[str, np.ndarray] = field(default_factory=dict)
    within: Mapping[str, Within] = field(default_factory=dict)
    cut: Mapping[str, np.ndarray] = field(default_factory=dict)
    n_top: int = 0
    codes: Mapping[str, np.ndarray] = field(default_factory=dict)
    labels: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    observed: bool = False
    alone: bool = False
    kept: pd.DataFrame | None = None


def read_kept(bound: Bound, original: pd.DataFrame) -> Given:
    """Take the columns that a spec with ``rest="keep"`` keeps, and the groups, from the original.

    Raises
    ------
    SynthesisError
        If a cell is missing in a kept column that an equation depends on.

    Examples
    --------
    >>> import bayessynth as bs
    >>> from bayessynth.design import bind
    >>> frame = pd.DataFrame({"x": [1.5, 2.25, 4.0], "y": [0.5, 1.0, 3.5]})
    >>> bound, _ = bind(bs.Spec("y ~ x", rest="keep"), frame)
    >>> read_kept(bound, frame[["x"]]).rows["x"].tolist()
    [1.5, 2.25, 4.0]
    """
    read = {c for equation in bound.spec for c in equation.columns}
    group_columns = _group_columns(bound)
    used = [c for c in original if c in read]
    encoded = bound.schema.encode(original, columns=[*used, *group_columns], missing="keep")
    for column in used:
        gaps = encoded.missing(column)
        if gaps.any():
            raise SynthesisError(
                f"Missing cells: {where(column, gaps, original[column].to_numpy())}. Records cannot be drawn given "
                "them; fill the cells before fitting."
            )
    grouping = group(encoded, tuple(bound.plan.columns.values()), at_least=1)
    rows = {c: encoded[c] for c in used}
    return Given(rows=rows, codes=grouping.codes, labels=grouping.labels, observed=True, kept=original)


def read_given(bound: Bound, frame: pd.DataFrame) -> Given:
    """Check and encode a frame of given columns; its missing cells are not given.

    Raises
    ------
    SynthesisError
        If a column is unknown, is or depends on a survival time, if rows break a rule, if only part of the grouping
        columns are given, or if a group-level column varies within a group.
    """
    if not isinstance(frame, pd.DataFrame) or frame.empty:
        raise SynthesisError("given= must be a DataFrame with at least one row and one column.")
    group_columns = _group_columns(bound)
    for column in frame:
        if column not in bound.schema:
            raise SynthesisError(
                f"given= has column {column!r}, which the fit does not.{suggest(str(column), bound.schema)}"
            )
    check_survivals(bound, list(frame.columns), "given")
    values = [c for c in bound.schema if c in frame and c not in group_columns]
    schema = bound.schema.subset(list(frame.columns))
    schema.validate(frame)
    check_rules(bound, frame)
    encoded = schema.encode(frame, columns=list(frame.columns), missing="keep")
    arrays = {c: encoded[c] for c in values}
    taken = {e.response for e in bound.equations if not families.get(e.family).drawn}
    cells = {c: ~encoded.missing(c) for c in values if c not in taken and encoded.missing(c).any()}
    _check_cells(bound, cells)
    chain = bound.plan.chain
    named = [c for c in group_columns if c in frame]
    if not named:
        if chain and values and all(bound.levels[c] == chain[0] for c in values):
            return Given(upper=arrays, cells=cells, n_top=len(frame))
        upper = [c for c in values if bound.levels[c] != "row"]
        if upper:
            raise SynthesisError(
                f"given= has the group-level column {upper[0]!r} beside row-level ones; give the grouping columns "
                f"{', '.join(group_columns)} too, or group-level columns of {chain[0]!r} alone, one row a group."
            )
        return Given(rows=arrays, cells=cells)
    if len(named) < len(group_columns):
        missing = [c for c in group_columns if c not in named]
        raise SynthesisError(
            f"given= has {', '.join(named)} but not {', '.join(missing)}; give all grouping columns or none."
        )
    gaps = [c for c in named if encoded.missing(c).any()]
    if gaps:
        place = where(gaps[0], encoded.missing(gaps[0]), frame[gaps[0]].to_numpy())
        raise SynthesisError(f"given= has rows without a group: {place}. Fill these cells, or give no grouping column.")
    grouping = group(encoded, tuple(bound.plan.columns.values()), at_least=1)
    for column in values:
        _check_constant(column, bound.levels[column], arrays[column], grouping)
    return Given(rows=arrays, cells=cells, codes=grouping.codes, labels=grouping.labels)


def check_rules(bound: Bound, frame: pd.DataFrame, argument: str = "given") -> None:
    """Refuse rows that break a rule, of the rules all of whose columns are given.

    Raises
    ------
    SynthesisError
    """
    cells = bound.schema.plain(frame)
    for rule in bound.rules:
        if not set(rule.columns) <= set(cells):
            continue
        full = cells[list(rule.columns)].notna().all(axis=1).to_numpy()
        broken = np.zeros(len(cells), dtype=bool)
        broken[full] = np.asarray(rule.violations(cells[full])) if full.any() else False
        if broken.any():
            shown = {c: frame[c].iloc[int(np.flatnonzero(broken)[0])] for c in rule.columns}
            raise SynthesisError(
                f"{argument}= breaks the rule {rule!r} in {int(broken.sum())} of {len(cells)} rows, the first is row "
                f"{int(np.flatnonzero(broken)[0])}: {', '.join(f'{c}={v}' for c, v in shown.items())}. Mend these "
                "rows, or fit without the rule."
            )


def check_survivals(bound: Bound, columns: list[str], argument: str) -> None:
    """Refuse survival times, and columns that depend on them: latent times would have to be drawn given these."""
    after = {c: own.time for own in bound.survivals for c in own.declares}
    for equation in bound.equations if bound.survivals else ():
        declared = bound.spec[equation.response].columns if equation.response in bound.spec else ()
        own = (*declared, *equation.reads, *equation.beside_columns)
        read = [c for c in own if c in after]
        if read and equation.cause is None:
            after[equation.response] = after[read[0]]
    for column in columns:
        if column in after:
            raise SynthesisError(
                f"{argument}= has {column!r}, which is or depends on the survival time {after[column]!r}, and these "
                "cannot be drawn given what comes of them. Leave the column out, or take such rows from more copies."
            )


def _check_cells(bound: Bound, cells: Mapping[str, np.ndarray]) -> None:
    """Refuse gaps in a column that nothing draws."""
    drawn = {e.response for e in bound.equations} | determined(bound.rules).keys()
    for column, there in cells.items():
        if column not in drawn:
            raise SynthesisError(
                f"given= has missing cells in {column!r}, which no equation draws: {(~there).sum()} of {len(there)} "
                "rows. Fill these cells, or leave these rows out."
            )


def at_groups(given: Given, bound: Bound, groups: Groups) -> Given:
    """Return what is given of new groups' columns, which have one value everywhere, group by group."""
    if given.codes or given.observed:
        return given
    upper = {c: np.full(groups.count(bound.levels[c]), values[0]) for c, values in given.rows.items()
             if bound.levels.get(c, "row") != "row" and c not in determined(bound.rules)}  # fmt: skip
    rows = {c: values for c, values in given.rows.items() if c not in upper}
    return replace(given, rows=rows, upper={**given.upper, **upper})


def among_observed(given: Given, labels: Mapping[str, tuple[Any, ...]]) -> Given:
    """Find given groups among the observed ones, whose effects their rows then have.

    Raises
    ------
    SynthesisError
        If a given group is none of the observed, or whole groups are given by their covariates.

    Examples
    --------
    >>> given = Given(codes={"site": np.array([0, 0])}, labels={"site": ("b",)})
    >>> among_observed(given, {"site": ("a", "b")}).codes["site"].tolist()
    [1, 1]
    """
    if given.n_top:
        raise SynthesisError(
            "given= with one row a top-level group makes new groups; leave groups='existing' out, or give the "
            "grouping columns too."
        )
    codes = {}
    for factor, own in given.codes.items():
        position = {label: i for i, label in enumerate(labels[factor])}
        for label in given.labels[factor]:
            if label not in position:
                raise SynthesisError(
                    f"given= has group {label!r} of {factor!r}, which the original does not have; leave "
                    "groups='existing' out to draw its effects anew."
                )
        codes[factor] = np.array([position[label] for label in given.labels[factor]])[own]
    return replace(given, codes=codes, labels=dict(labels) if codes else {})


def _group_columns(bound: Bound) -> tuple[str, ...]:
    return tuple(dict.fromkeys(c for columns in bound.plan.columns.values() for c in columns))


def _check_constant(column: str, level: str, values: np.ndarray, grouping: Grouping) -> None:
    if level == "row":
        return
    first = values[grouping.first[level]][grouping.codes[level]]
    varies = (values != first) & ~((values != values) & (first != first))
    if varies.any():
        raise SynthesisError(
            f"given= varies within a {level!r} although the column has one value a group: "
            f"{where(column, varies, values)}. Give all rows of a group the same value."
        )
