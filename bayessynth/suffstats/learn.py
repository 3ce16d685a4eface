"""What is learnt of an equation from a table's first chunk, so that later chunks can be summed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayessynth import families
from bayessynth.design import BoundEquation, Frame, TermDesign, frame_of, resolve_schema
from bayessynth.design.bind import Missing, draft
from bayessynth.design.evaluate import Codes, evaluate
from bayessynth.design.resolve import resolve_equation
from bayessynth.errors import DataError, SpecError
from bayessynth.errors import where as where_rows
from bayessynth.schema import Schema
from bayessynth.spec import Call, Expression, Spec, text
from bayessynth.spec.shared import shared_terms
from bayessynth.suffstats.chunks import Chunk
from bayessynth.suffstats.encode import Encoded, encode_chunk
from bayessynth.suffstats.gram import column_names, unserved
from bayessynth.suffstats.structure import Growing, group_columns

# Sums of products take less than the rows where so many rows come to each further combination of groups.
ROWS_A_CELL = 4
# Rows whose means and standard deviations products are about, which only keeps rounding small.
SCALED_ON = 1 << 16


@dataclass(frozen=True)
class Learnt:
    """What chunks, or the tables of several institutions, have in common; it holds no record.

    Attributes
    ----------
    spec : Spec
    schema : Schema
        Of the columns that copies have.
    kept : tuple of str
        Columns taken over from the original.
    missing : {"error", "drop"}
    drafts : mapping of str to BoundEquation
        Every equation with coding and transforms as learnt, without means, scales and default priors.
    units : mapping of str to tuple of ndarray
        Shift and scale of the columns whose products are summed, for the equations of which sums are kept.
    rows : int
        Number of rows that it was learnt from.
    detected : bool
        Whether the schema was detected on them.
    """

    spec: Spec
    schema: Schema
    kept: tuple[str, ...]
    missing: Missing
    drafts: Mapping[str, BoundEquation]
    units: Mapping[str, tuple[np.ndarray, np.ndarray]]
    rows: int
    detected: bool

    def to_json(self) -> dict[str, Any]:
        """Return what was learnt as JSON data."""
        return {
            "spec": self.spec.to_json(), "schema": self.schema.to_json(), "kept": list(self.kept),
            "missing": self.missing, "drafts": {c: d.to_json() for c, d in self.drafts.items()},
            "units": {c: [a.tolist() for a in pair] for c, pair in self.units.items()},
            "rows": self.rows, "detected": self.detected,
        }  # fmt: skip

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Learnt:
        """Make it of what :meth:`to_json` returned."""
        units = {c: (np.array(shift), np.array(scale)) for c, (shift, scale) in data["units"].items()}
        return cls(
            Spec.from_json(data["spec"]), Schema.from_json(data["schema"]), tuple(data["kept"]), data["missing"],
            {c: BoundEquation.from_json(d) for c, d in data["drafts"].items()}, units, data["rows"], data["detected"],
        )  # fmt: skip


def check_apart(spec: Spec) -> None:
    """Refuse group effects that equations share: each equation's statistics stand by themselves.

    Raises
    ------
    SpecError
    """
    for equation in spec:
        for term in shared_terms(equation):
            raise SpecError(
                f"Equation for {equation.response!r}: effects of an id, {term}, need the rows of all equations that "
                f"share them, and sufficient statistics keep each equation's apart. Fit the table itself, or write "
                f"(… | {term.group})."
            )


@dataclass(frozen=True)
class First:
    """What is had of a table's first chunk, so that nothing is done to it twice.

    Attributes
    ----------
    learnt : Learnt
    encoded : Encoded
        The chunk.
    structure : Growing
        To which the chunk was added.
    """

    learnt: Learnt
    encoded: Encoded
    structure: Growing


def learn(spec: Spec, chunk: Chunk, schema: Schema | None, missing: Missing) -> First:
    """Learn from a table's first chunk.

    Parameters
    ----------
    spec : Spec
    chunk : Chunk
    schema : Schema or None
        Detected on the chunk if not given.
    missing : {"error", "drop"}

    Raises
    ------
    SpecError, SchemaError, DataError
        Whatever does not fit.
    """
    check_apart(spec)
    if spec.rules:
        raise SpecError(
            f"The rule {spec.rules[0]!r} is checked against the rows and changes what is fitted to them, which "
            "statistics of them do not hold. Fit the table itself, or drop the rule."
        )
    detected = schema is None
    schema, kept = resolve_schema(spec, Schema.detect(chunk.frame()) if schema is None else schema)
    growing = Growing(group_columns(spec))
    encoded = encode_chunk(chunk, schema, growing.labels, 0)
    growing.add(encoded)
    compressed = _compressed(growing, encoded)
    drafts, units = {}, {}
    for equation in spec:
        column = equation.response
        resolved = resolve_equation(equation, schema)
        if equation.trials and schema[equation.trials].kind == "constant":
            raise SpecError(
                f"Equation for {column!r}: its number of trials {equation.trials!r} is constant, and statistics "
                "keep no column that is. Fit the table itself."
            )
        if schema[column].kind == "constant":
            drafts[column] = resolved
            continue
        rows = complete_rows(encoded, (column, *equation.columns))
        if rows is not None and not len(rows):
            raise DataError(
                f"Equation for {column!r}: none of the first {chunk.n} rows is complete, so nothing can be learnt from "
                "them. Put rows first that are, or take over what another table's statistics have learnt (like=)."
            )
        frame = frame_on(encoded, schema, (column, *equation.columns), rows)
        drafts[column] = draft(equation, resolved, frame)
        if unserved(drafts[column]) is None and (compressed or not equation.factors):
            values = column_values(drafts[column], frame)
            few = [v[:SCALED_ON] for v in values[1:]]
            units[column] = np.array([0.0, *(v.mean() for v in few)]), np.array([1.0, *(v.std() or 1.0 for v in few)])
    return First(Learnt(spec, schema, kept, missing, drafts, units, chunk.n, detected), encoded, growing)


def _compressed(growing: Growing, encoded: Encoded) -> bool:
    """Tell whether sums take less than rows, by the combinations of groups new in the first chunk's second half.

    Where rows come in any order, combinations run out; where they are sorted, they keep coming.
    """
    half = encoded.n // 2
    seen = np.count_nonzero(np.bincount(growing.cells.of(encoded.groups, encoded.n)[:half]))
    return bool((growing.cells.size - seen) * ROWS_A_CELL <= max(encoded.n - half, ROWS_A_CELL))


def complete_rows(encoded: Encoded, columns: tuple[str, ...]) -> np.ndarray | None:
    """Return the rows without missing cells in some columns; None for all."""
    masks = [encoded.missing[c] for c in columns if c in encoded.missing]
    return np.flatnonzero(~np.logical_or.reduce(masks)) if masks else None


def frame_on(encoded: Encoded, schema: Schema, columns: tuple[str, ...], rows: np.ndarray | None) -> Frame:
    """Return encoded columns on some rows, or all, as formulas see them."""
    arrays = {c: encoded.arrays[c] for c in columns if c in encoded.arrays}
    if rows is not None:
        arrays = {c: values[rows] for c, values in arrays.items()}
    return frame_of(schema, arrays)


def column_values(drafted: BoundEquation, frame: Frame) -> list[np.ndarray]:
    """Return the columns whose products are summed, as :func:`column_names` names them, each of shape (n,)."""
    (predictor,), y = drafted.predictors.values(), frame.arrays[drafted.response]
    transform = families.get(drafted.family).gaussian
    assert transform is not None
    n = len(y)
    found: dict[str, np.ndarray] = {"1": np.broadcast_to(1.0, n)}
    names = iter(column_names(drafted)[1:])
    for term in predictor.terms:
        for values in _columns(term, frame, n):
            found[next(names)] = values
    for group in predictor.groups:
        effects = iter(group.effects[int(group.intercept) :])
        for term in group.terms:
            for values in _columns(term, frame, n):
                found.setdefault(next(effects), values)
    offset = predictor.offset(frame, n)
    y = transform(y.astype(float, copy=False))
    return [*found.values(), y if offset is None else y - offset]


def _columns(term: TermDesign, frame: Frame, n: int) -> list[np.ndarray]:
    """Return a term's columns one by one; that of a plain number is not copied."""
    if len(term.factors) == 1 and term.factors[0].levels is None and term.factors[0].width == 1:
        value = evaluate(term.term.factors[0], frame, dict(term.states))
        assert not isinstance(value, Codes)
        return [value.reshape(-1)]
    return list(np.ascontiguousarray(term.columns(frame, n).T))


def levels_of_numbers(drafted: BoundEquation) -> tuple[tuple[Call, np.ndarray], ...]:
    """Return the calls ``C(x)`` of numbers in an equation, each with the values that it was learnt from."""
    found: dict[Expression, np.ndarray] = {}
    for predictor in drafted.predictors.values():
        for term in (*predictor.terms, *(t for g in predictor.groups for t in g.terms)):
            for expression in term.term.factors:
                state = term.states.get(text(expression), {})
                if isinstance(expression, Call) and expression.function == "C" and "values" in state:
                    found[expression] = np.asarray(state["values"])
    return tuple((call, values) for call, values in found.items() if isinstance(call, Call))


def check_numbers(calls: tuple[tuple[Call, np.ndarray], ...], frame: Frame, rows: int) -> None:
    """Raise a DataError if ``C(x)`` meets a number that is none of the levels that it was learnt from."""
    for call, known in calls:
        value = evaluate(call.args[0], frame, {})
        assert not isinstance(value, Codes)
        wrong = ~np.isin(value, known)
        if wrong.any():
            raise DataError(
                f"Not one of the {len(known)} levels that the first {rows} rows have: "
                f"{where_rows(text(call), wrong, value)}. Declare the column categorical, with all its levels."
            )
