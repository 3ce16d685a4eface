"""Sequences as a plain table: what rows before say becomes columns; first rows and the end have their equations."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from bayessynth import families
from bayessynth.design.grouping import GroupPlan
from bayessynth.design.initial import FIRST, initial_equation, priors_of, renamed
from bayessynth.design.intervals import check_tiles, until_next
from bayessynth.design.made import Made, grown_by
from bayessynth.design.sequences import Sequences, time_left
from bayessynth.errors import DataError, SpecError, suggest
from bayessynth.rules import Rule
from bayessynth.schema import Column, Columns, Schema
from bayessynth.schema.column import NUMBERS
from bayessynth.spec import Equation, Spec
from bayessynth.spec.follow import plain_terms
from bayessynth.spec.lags import derived, order

# A number that moves so little from row to row, by the correlation of the two, is drawn through its change; unless so
# large a share of the rows has one value that it is no plain number.
_STEADY, _DOMINANT = 0.9, 0.1
# Sequences end at this many times the longest that was seen.
_BEYOND = 2
# Units that must share the time between two rows for it to be a matter of design.
_SHARED = 3


@dataclass(frozen=True)
class Unfolded:
    """A spec and its table as binding takes them.

    Attributes
    ----------
    equations : tuple of Equation
        In the order of generation.
    schema : Schema
    columns : Columns
    rows : mapping of str to ndarray
        Rows that an equation can be fitted to, where these are not all.
    made : frozenset of str
        Columns that are not the table's: of their cells, those that no row before gives are not missing.
    sequences : Sequences or None
    """

    equations: tuple[Equation, ...]
    schema: Schema
    columns: Columns
    rows: Mapping[str, np.ndarray] = field(default_factory=dict)
    made: frozenset[str] = frozenset()
    sequences: Sequences | None = None


def in_sequence(spec: Spec, data: pd.DataFrame, schema: Schema) -> tuple[pd.DataFrame, Schema]:
    """Sort a table by unit and time, and see that the time is a number that grows within each unit.

    Raises
    ------
    SpecError
        If one of the two columns is not there, or the time is no number.
    DataError
        If a cell of them is missing, or two rows of a unit share the time.
    """
    unit, time = str(spec.unit), str(spec.time)
    for column, word in ((unit, "unit"), (time, "time")):
        if column not in data or column not in schema:
            raise SpecError(f"{word}={column!r} is no column of the data.{suggest(column, schema)}")
        missing = data[column].isna().to_numpy()
        if missing.any():
            raise DataError(
                f"{word}={column!r} is missing in {int(missing.sum())} of {len(data)} rows, the first is row "
                f"{int(np.flatnonzero(missing)[0])}: these rows have no place in a sequence. Fill or drop them."
            )
    if spec.rest == "keep":
        raise SpecError("rest='keep' does not go with unit= and time=: sequences of copies are new, as are their rows.")
    for name in schema:
        if derived(name):
            raise SpecError(f"Column {name!r} is named as what formulas compute; rename it: df.rename(columns=…).")
    schema = _with_time(schema, time)
    moments = schema.encode(data, columns=[time])[time]
    codes = schema.override(**{unit: "group"}).encode(data, columns=[unit])[unit]
    places = np.lexsort((moments, codes))
    same = (np.diff(codes[places]) == 0) & (np.diff(moments[places]) == 0)
    if same.any():
        at = int(np.flatnonzero(same)[0])
        one, other = sorted((int(places[at]), int(places[at + 1])))
        raise DataError(
            f"{int(same.sum())} rows have the unit and the time of another: rows {one} and {other} are both of "
            f"{unit}={str(data[unit].iloc[one])!r} at {time}={data[time].iloc[one]}. Keep one row of each time, or use "
            f"a finer time, such as the number of the row: df.groupby({unit!r}).cumcount()."
        )
    return data.iloc[places].reset_index(drop=True), schema


def _with_time(schema: Schema, time: str) -> Schema:
    column = schema[time]
    if column.kind in NUMBERS and column.kind != "proportion":
        return schema
    held = column.levels or (column.value,)
    whole = column.kind == "identifier" and column.dtype.lower().startswith(("int", "uint", "float"))
    if whole or column.kind == "proportion" or all(isinstance(v, int | float) for v in held):
        return schema.override(**{time: "continuous"})
    raise SpecError(
        f"time={time!r} is of kind {column.kind!r}; sequences need a number or a date. Convert it first, for instance "
        f"df[{time!r}] = pd.to_datetime(df[{time!r}])."
    )


def check_units(plan: GroupPlan, unit: str | None) -> None:
    """Refuse grouping factors in whose groups the rows of a unit do not stay.

    Raises
    ------
    SpecError
        If a factor is crossed with the unit from row to row.
    """
    for factor in (f for f, level in plan.crossed.items() if unit is not None and level == "row"):
        raise SpecError(
            f"Grouping factor {factor!r} changes from row to row within a {unit!r}; which of its groups comes next has "
            f"no model in sequences. Leave out (… | {factor}), or make {factor!r} a column of its own, such as "
            f"bs.Equation('{factor} ~ lag({factor})')."
        )


def check_gaps(flat: Unfolded, gaps: Collection[str]) -> None:
    """Refuse missing cells that would have to be modelled beside a parametric equation of sequences.

    Raises
    ------
    SpecError
        If a parametric equation draws or reads one of the columns with missing cells.
    """
    for equation in flat.equations if flat.sequences else ():
        if equation.family and families.get(equation.family).nonparametric:
            continue
        for column in (equation.response, *equation.named):
            if column in gaps:
                raise SpecError(
                    f"Missing cells of {column!r}, which the parametric equation for {equation.response!r} draws or "
                    "reads, are not modelled in sequences: give this equation family='tree', which takes missing cells "
                    "as others, or say missing='drop'."
                )


def plain(spec: Spec, schema: Schema, columns: Columns) -> Unfolded:
    """Return a spec without sequences as it is."""
    return Unfolded(spec.equations, schema, columns)


def unfold(
    spec: Spec, schema: Schema, columns: Columns, levels: Mapping[str, str], rules: tuple[Rule, ...]
) -> Unfolded:  # fmt: skip
    """Return a spec of sequences and its rows, sorted by unit and time, as a plain spec and its rows.

    Parameters
    ----------
    spec : Spec
    schema : Schema
    columns : Columns
    levels : mapping of str to str
        Of the table's columns.
    rules : tuple of Rule

    Raises
    ------
    DataError
        If rows follow a state that ends the sequence.
    """
    if spec.unit is None:
        return plain(spec, schema, columns)
    draft = _draft(spec, schema, columns, levels, rules)
    number = _numbers_of_rows(columns[draft.unit])
    ended = _ends(rules, schema, columns, number)
    equations, initial, orders = _equations(spec, draft, levels, columns, number)
    made = Made(schema, columns, number)
    rising = made.beside(draft)
    if draft.stop is not None:
        _add_due(made, draft, spec)
    if draft.limited:
        fact = grown_by(draft.left, schema[draft.time], "continuous")
        made.add(draft.left, _time_left(rules, draft.time, columns, levels, schema), fact)
    made.rows_before(equations, draft.unit)
    for column, name in initial.items():
        if column not in columns.arrays and column not in draft.differences:
            continue  # of a latent time, whose values are in the column of times
        own = draft.differences.get(column, column)
        made.add(name, columns[own], replace(schema[own], name=name))
    whole, joined = made.joined()
    sequences = replace(draft, schema=whole, initial=initial, orders=orders, pasts=made.pasts, rising=rising)
    rows = _rows(sequences, made, ended)
    return Unfolded(tuple(equations), whole, joined, rows, frozenset(made.arrays), sequences)


def _draft(
    spec: Spec, schema: Schema, columns: Columns, levels: Mapping[str, str], rules: tuple[Rule, ...]
) -> Sequences:  # fmt: skip
    """Return what is known of the sequences before their equations are."""
    unit, time = str(spec.unit), str(spec.time)
    number, sizes = _numbers_of_rows(columns[unit]), np.unique(columns[unit], return_counts=True)[1]
    differences = {f"elapsed({time})": time} | _steady(spec, schema, columns, levels, number)
    left = _time_left(rules, time, columns, levels, schema)
    stop = next((own.time for own in spec.survivals), None)
    length = int(sizes[0]) if stop is None and (sizes == sizes[0]).all() else 0
    return Sequences(
        unit, time, schema, differences, {}, {}, length, _BEYOND * int(sizes.max()), float(sizes.mean()),
        () if stop else _gaps(columns[time], number), limited=bool(np.isfinite(left).any()), stop=stop,
    )  # fmt: skip


def _add_due(made: Made, draft: Sequences, spec: Spec) -> None:
    """Add whether a next row is due where rows are intervals, and in how much time."""
    start, stop = made.columns[draft.time], made.columns[str(draft.stop)]
    check_tiles(spec.survivals[0], draft.unit, start, stop, made.number)
    more, due = until_next(start, stop, made.number)
    made.add(draft.more, more, Column(draft.more, "binary", "int64", levels=(0, 1)))
    made.add(draft.due, due, grown_by(draft.due, made.schema[draft.time], "positive"))


def _numbers_of_rows(codes: np.ndarray) -> np.ndarray:
    """Return the number of each row within its unit, from 0; rows of a unit stand together."""
    starts = np.flatnonzero(np.r_[True, np.diff(codes) != 0])
    found: np.ndarray = np.arange(len(codes)) - np.repeat(starts, np.diff(np.r_[starts, len(codes)]))
    return found


def _time_left(
    rules: tuple[Rule, ...], time: str, columns: Columns, levels: Mapping[str, str], schema: Schema
) -> np.ndarray:  # fmt: skip
    above = {c: columns[c] for c, level in levels.items() if level != "row" and c in columns.arrays}
    return time_left(rules, time, above, columns[time], schema)


def _rows(sequences: Sequences, made: Made, ended: np.ndarray) -> dict[str, np.ndarray]:
    """Return the rows that equations can be fitted to, where these are not all."""
    rows = {c: np.flatnonzero(made.number >= k) for c, k in sequences.orders.items()}
    rows |= {sequences.initial[c]: np.flatnonzero(made.number < k) for c, k in sequences.orders.items()}
    if sequences.stop is not None:
        rows[sequences.due] = np.flatnonzero(made.arrays[sequences.more])
    elif not sequences.length:
        rows[sequences.last] = np.flatnonzero(~ended)
    return rows


def _steady(
    spec: Spec, schema: Schema, columns: Columns, levels: Mapping[str, str], number: np.ndarray
) -> dict[str, str]:  # fmt: skip
    """Return the numbers of trees that move so little from row to row that they are drawn by what they grow by."""
    found = {}
    later = np.flatnonzero(number > 0)
    for equation in spec:
        column = equation.response
        tree = bool(equation.family) and families.get(str(equation.family)).nonparametric
        if not tree or schema[column].kind not in NUMBERS or levels.get(column) != "row" or column == spec.time:
            continue
        values = columns[column]
        if f"lag({column})" not in equation.columns or len(later) < 3 or not np.isfinite(values).all():
            continue
        if _in_step(values, later):
            found[f"change({column})"] = column
            continue
        if np.unique(values, return_counts=True)[1].max() >= _DOMINANT * len(values):
            continue
        # Dates that go back too, as visits do that begin anew with each test, would drift apart from those of visits.
        if schema[column].kind == "datetime" and (values[later] < values[later - 1]).any():
            continue
        plain = _correlation(values[later], values[later - 1])
        relative = values.min() > 0 and schema[column].kind != "datetime"
        ratio = _correlation(*np.log([values[later], values[later - 1]])) if relative else 0.0
        if max(plain, ratio) >= _STEADY:
            found[f"growth({column})" if ratio > plain else f"change({column})"] = column
    return found


def _in_step(values: np.ndarray, later: np.ndarray) -> bool:
    """Tell whether a number grows by the same from every row to the next, as years of age or of experience do."""
    grown = values[later] - values[later - 1]
    return bool(np.isclose(grown, grown[0], rtol=1e-9, atol=1e-12).all()) and grown[0] != 0


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(one, other)[0, 1]) if one.std() * other.std() > 0 else 0.0


def _gaps(times: np.ndarray, number: np.ndarray) -> tuple[float, ...]:
    """Return the time from each row to the next, if it is the same in all units; else nothing."""
    found: list[float] = []
    elapsed = np.r_[np.nan, np.diff(times)]
    for k in range(1, int(number.max()) + 1):
        own = elapsed[number == k]
        near = np.isclose(own, own[0], rtol=1e-9, atol=1e-12).all()
        if not near or (len(own) < _SHARED and not np.isclose(own[0], found).any()):
            return ()
        found.append(float(own[0]))
    return tuple(found)


def _ends(rules: tuple[Rule, ...], schema: Schema, columns: Columns, number: np.ndarray) -> np.ndarray:
    """Return the rows that end their sequence for certain, having seen that they are last."""
    ended = np.zeros(columns.n, dtype=bool)
    last = np.r_[number[1:] == 0, True]
    for rule in rules:
        own = rule.ends(columns.arrays, schema)
        if own is None:
            continue
        wrong = np.flatnonzero(own & ~last)
        if len(wrong):
            raise DataError(
                f"The rule {rule!r} does not hold: {len(wrong)} rows that end a sequence have rows after them, the "
                f"first is row {int(wrong[0])} of the table sorted by unit and time. Drop the rows after the end, or "
                "the rule."
            )
        ended |= own
    return ended


def _equations(
    spec: Spec, draft: Sequences, levels: Mapping[str, str], columns: Columns, number: np.ndarray
) -> tuple[list[Equation], dict[str, str], dict[str, int]]:
    """Return all equations in the order of generation, names of initial equations, and how many rows these draw."""
    made: list[Equation] = []
    initial: dict[str, str] = {}
    orders: dict[str, int] = {}
    for equation in spec:
        column, timed = equation.response, equation.response == draft.time
        own = f"{column}_{FIRST}"
        tree = bool(equation.family) and families.get(str(equation.family)).nonparametric
        main = draft.drawn_by(column)[0]
        if levels.get(column, "row") != "row" and order(equation.columns):
            raise SpecError(
                f"Equation for {column!r}: the column is constant within each {levels[column]!r}, so a row before says "
                "all or nothing of it; remove the lags, or say level='row' if it may vary in the copies."
            )
        k = 1 if main != column else 0 if tree or levels.get(equation.column) != "row" else order(equation.columns)
        if equation.cause is not None and draft.due not in [e.response for e in made]:
            read = plain_terms(_seen(spec, draft, levels, made))
            made += [Equation(f"`{name}` ~ {read}", family="tree") for name in (draft.more, draft.due)]
        if not k:
            made.append(equation)
            continue
        if own in columns.arrays or own in spec:
            raise SpecError(f"Column {own!r} has the name of the equation for the first rows of {column!r}; rename it.")
        constant = len(np.unique(columns[equation.column][number < k])) == 1
        orders[main], initial[main] = k, own
        still = {c for c in equation.columns if _is_still(c, columns, number < k)}
        made.append(initial_equation(equation, own, draft.unit, tree or constant or timed, still))
        if timed and draft.stop:
            continue  # each row starts where the one before stops
        if not (timed and tree and (draft.gaps or draft.longest == _BEYOND)):
            own_priors = priors_of(equation, first=False)
            more = f" + lag(`{draft.left}`)" if timed and tree and draft.limited else ""
            made.append(renamed(equation, main, own_priors, more=more))
    if not draft.length and draft.stop is None:
        made.append(Equation(f"`{draft.last}` ~ {plain_terms(_seen(spec, draft, levels))}", family="tree"))
    return made, initial, orders


def _seen(spec: Spec, draft: Sequences, levels: Mapping[str, str], made: Sequence[Equation] | None = None) -> list[str]:
    """Return what the end of a sequence, or of a row, is drawn from: the unit, and its row as far as it is made."""
    kinds = {c: draft.schema[c].kind for c in spec.columns}
    there = spec.columns if made is None else {draft.column(e.response) for e in made}
    read = [c for c in spec.columns if kinds[c] != "constant" and levels.get(c) and c != draft.time and c in there]
    return [*read, draft.number, draft.time, draft.elapsed, *([draft.left] if draft.limited else [])]


def _is_still(name: str, columns: Columns, rows: np.ndarray) -> bool:
    """Tell whether a column has one value on some rows, so that an equation fitted to them can learn nothing of it."""
    if derived(name):
        return bool(rows.sum() == (np.diff(np.flatnonzero(rows), prepend=-2) > 1).sum())
    return len(np.unique(columns[name][rows])) == 1
