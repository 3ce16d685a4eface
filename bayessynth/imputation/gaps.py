"""Which missing cells the posterior must integrate over, and which equations they join.

A missing cell that no equation reads is integrated out by leaving its row out of its own equation's likelihood. A cell
that an equation reads, of a row whose response is observed (or is itself read further on), has to be drawn: its density
is that of its own equation times those of all equations that read it. This is valid if cells are missing at random:
whether a cell is missing may depend on what is observed in its row, not on the cell itself.

Nonparametric equations take missing cells as they are, so that they need none drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from bayessynth import families
from bayessynth.design import Bound, BoundEquation, Component, Data, Frame, Grouping, coordinate
from bayessynth.design.bind import check_response
from bayessynth.design.component import assemble
from bayessynth.errors import MissingDataError
from bayessynth.spec import quote

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Reader:
    """An equation that reads missing cells of a column, at the rows where it does.

    Attributes
    ----------
    equation : BoundEquation
    rows : ndarray
        Rows of the table that belong to its likelihood and read a missing cell.
    unit : ndarray
        Position among the gap's units of the cell that each of these rows reads.
    """

    equation: BoundEquation
    rows: np.ndarray
    unit: np.ndarray


@dataclass(frozen=True)
class Gap:
    """The missing cells of one column that have to be drawn.

    A column at a group's level has one cell for each group, which stands in all its rows.

    Attributes
    ----------
    equation : BoundEquation
        The column's own.
    at : ndarray of shape (units,)
        A row of the table for every missing cell.
    cells, unit : ndarray of shape (rows,)
        All rows of the table in which the cells stand, and the position among the units of each.
    observed : ndarray
        One row of the table for every cell that is not missing.
    readers : tuple of Reader
    """

    equation: BoundEquation
    at: np.ndarray
    cells: np.ndarray
    unit: np.ndarray
    observed: np.ndarray
    readers: tuple[Reader, ...]

    @property
    def column(self) -> str:
        """The column."""
        return self.equation.response

    def fill(self, arrays: Arrays, values: np.ndarray) -> dict[str, np.ndarray]:
        """Return the arrays with other values in the missing cells, one for each unit."""
        filled = arrays[self.column].copy()
        filled[self.cells] = values[self.unit]
        return {**arrays, self.column: filled}


@dataclass(frozen=True)
class Gaps:
    """All missing cells of a table that have to be drawn.

    Attributes
    ----------
    bound : Bound
    frame : Frame
        The columns with their missing cells.
    grouping : Grouping
    gaps : tuple of Gap
        In the order of generation.
    rows : mapping of str to ndarray
        For each response the rows of its equation's likelihood: those where it is observed, or drawn.
    complete : mapping of str to ndarray
        The rows in which nothing that the equation uses is missing.
    joined : tuple of tuple of str
        Responses whose equations the missing cells join, each group in the order of generation. All other equations
        can be fitted apart, each to its ``rows``.
    """

    bound: Bound
    frame: Frame
    grouping: Grouping
    gaps: tuple[Gap, ...]
    rows: Mapping[str, np.ndarray]
    complete: Mapping[str, np.ndarray]
    joined: tuple[tuple[str, ...], ...]

    @property
    def counts(self) -> dict[str, int]:
        """Number of cells that are drawn, by column."""
        return {gap.column: len(gap.at) for gap in self.gaps}

    @property
    def sampled(self) -> tuple[str, ...]:
        """Responses of the joined equations that have parameters to draw, in the order of generation."""
        joined = {column for together in self.joined for column in together}
        equations = [e for e in self.bound.equations if e.response in joined]
        return tuple(e.response for e in equations if families.get(e.family).parameters)

    def component(self, column: str, arrays: Arrays, rows: np.ndarray | None = None) -> Component:
        """Evaluate one equation's design on completed columns.

        Parameters
        ----------
        column : str
            The response.
        arrays : mapping of str to ndarray
            Completed columns, as :func:`start` and :func:`redraw` return them.
        rows : ndarray, optional
            Rows of the table; those of the equation's likelihood by default.
        """
        equation = self.bound[column]
        rows = self.rows[column] if rows is None else rows
        frame = self.frame.on({name: values[rows] for name, values in arrays.items()})
        index = {factor: self.grouping.codes[factor][rows] for factor in equation.factors}
        labels = {factor: coordinate(self.grouping.labels[factor]) for factor in equation.factors}
        return assemble(equation, frame, arrays[column][rows], index, labels)


def gaps(bound: Bound, data: Data) -> Gaps:
    """Find the missing cells that have to be drawn.

    Parameters
    ----------
    bound : Bound
    data : Data
        Bound so that what was learnt of each parametric equation is that of its complete rows, as with
        ``missing="drop"``.

    Returns
    -------
    Gaps

    Raises
    ------
    MissingDataError
        If cells are missing of which no equation has a density: of a column without an equation or with a nonparametric
        one, or of a number of trials. (Missing grouping factors are refused when a spec is bound.)
    DataError
        If an observed response, in a row with missing predictors, has a value that its family cannot have.

    Examples
    --------
    >>> import warnings
    >>> import pandas as pd
    >>> import bayessynth as bs
    >>> from bayessynth.design import bind
    >>> table = pd.DataFrame({"x": [0.5, None, 2.25, 3.5, 1.25], "y": [1.5, 2.5, None, 4.75, 2.0]})
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     bound, data = bind(bs.Spec("x ~ 1", "y ~ x"), table, missing="drop")
    >>> found = gaps(bound, data)
    >>> found.counts, found.joined  # the missing y is read by nothing
    ({'x': 1}, (('x', 'y'),))
    >>> found.rows["y"].tolist()
    [0, 1, 3, 4]
    """
    needed: dict[str, np.ndarray] = {}
    rows: dict[str, np.ndarray] = {}
    complete: dict[str, np.ndarray] = {}
    for equation in reversed(bound.equations):
        response, level_rows = equation.response, data.grouping.rows(equation.level)
        rows[response] = complete[response] = level_rows
        if families.get(equation.family).nonparametric:
            continue
        observed = ~data.columns.missing(response)[level_rows]
        whole = observed.copy()
        rows[response] = level_rows[observed | needed.get(response, False)]
        _check_limits(equation, data, rows[response])
        for column in bound.spec[response].columns:
            missing = data.columns.missing(column)
            _check_told(column, equation, bound, missing[rows[response]])
            _mark(needed, bound.levels[column], column, data.grouping, rows[response][missing[rows[response]]])
            whole &= ~missing[level_rows]
        complete[response] = level_rows[whole]
        _check_observed(equation, bound, data, level_rows[observed])
    found = tuple(_gap(e, needed[e.response], rows, bound, data) for e in bound.equations if e.response in needed)
    return Gaps(bound, data.frame, data.grouping, found, rows, complete, _joined(found, bound))


def _mark(needed: dict[str, np.ndarray], level: str, column: str, grouping: Grouping, rows: np.ndarray) -> None:
    """Note that the cells of a column in some rows have to be drawn."""
    if len(rows):
        mask = needed.setdefault(column, np.zeros(len(grouping.rows(level)), dtype=bool))
        mask[_units(grouping, level)[rows]] = True


def _units(grouping: Grouping, level: str) -> np.ndarray:
    """Return for every row of the table the unit of a level in which it lies."""
    return np.arange(grouping.n) if level == "row" else grouping.codes[level]


def _check_observed(equation: BoundEquation, bound: Bound, data: Data, rows: np.ndarray) -> None:
    """Check observed responses; binding has looked at those of complete rows only."""
    if bound.schema[equation.response].kind != "constant":
        frame = data.frame.on({c: values[rows] for c, values in data.frame.arrays.items()})
        check_response(equation, data.columns[equation.response][rows], frame)


def _check_told(column: str, reader: BoundEquation, bound: Bound, missing: np.ndarray) -> None:
    """Refuse missing cells that have no distribution."""
    if not missing.any():
        return
    place = f"column {column!r} is missing in {missing.sum()} of {len(missing)} rows of the equation for "
    if column not in bound.spec:
        raise MissingDataError(
            f"Cells cannot be drawn: {place}{reader.response!r}, and has no equation. Give it one, such as "
            f"{quote(column) + ' ~ 1'!r}, or fill the cells first."
        )
    if families.get(bound[column].family).nonparametric:
        raise MissingDataError(
            f"Cells cannot be drawn: {place}{reader.response!r}, and its family {bound[column].family!r} has no "
            f"density. Give {column!r} a parametric family, or {reader.response!r} the family {bound[column].family!r}."
        )
    if column == reader.trials:
        raise MissingDataError(
            f"Numbers of trials cannot be drawn: {place}{reader.response!r}. Fill the cells first, or drop these rows."
        )


def _check_limits(equation: BoundEquation, data: Data, rows: np.ndarray) -> None:
    """Refuse missing cells of columns that limit the values of an equation by rules."""
    if equation.truncation is None:
        return
    for column in equation.truncation.columns:
        missing = data.columns.missing(column)[rows]
        if missing.any():
            listed = ", ".join(map(repr, equation.truncation.rules))
            raise MissingDataError(
                f"Cells cannot be drawn: column {column!r} is missing in {missing.sum()} of {len(missing)} rows of the "
                f"equation for {equation.response!r}, whose values it limits by {listed}. Fill the cells, say "
                f"missing='drop', or give {equation.response!r} the family 'tree'."
            )


def _gap(equation: BoundEquation, needed: np.ndarray, rows: Mapping[str, np.ndarray], bound: Bound, data: Data) -> Gap:
    column, grouping = equation.response, data.grouping
    level_rows = grouping.rows(equation.level)
    observed = level_rows[~data.columns.missing(column)[level_rows]]
    position = np.full(len(needed), -1)
    position[needed] = np.arange(needed.sum())
    unit = position[_units(grouping, equation.level)]
    cells = np.flatnonzero(unit >= 0)
    parametric = [e for e in bound.equations if not families.get(e.family).nonparametric]
    readers = [e for e in parametric if column in bound.spec[e.response].columns]
    reading = [(e, rows[e.response][unit[rows[e.response]] >= 0]) for e in readers]
    return Gap(
        equation, level_rows[needed], cells, unit[cells], observed,
        tuple(Reader(e, own, unit[own]) for e, own in reading if len(own)),
    )  # fmt: skip


def _joined(found: Iterable[Gap], bound: Bound) -> tuple[tuple[str, ...], ...]:
    """Return the sets of equations that share missing cells, directly or through others."""
    sets: list[set[str]] = []
    for gap in found:
        own = {gap.column, *(reader.equation.response for reader in gap.readers)}
        touching = [s for s in sets if s & own]
        sets = [s for s in sets if not s & own] + [own.union(*touching)]
    order = [e.response for e in bound.equations]
    return tuple(sorted((tuple(c for c in order if c in s) for s in sets), key=lambda s: order.index(s[0])))
