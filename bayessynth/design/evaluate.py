"""Expressions of a formula to arrays, on encoded columns.

Our own evaluation, because a formula may come from a file: it reads columns and the closed set of transforms,
never a name of the surrounding program.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bayessynth.design import transforms
from bayessynth.errors import DataError, FormulaError
from bayessynth.errors import where as where_rows
from bayessynth.schema import Schema
from bayessynth.spec import Call, Expression, Literal, Name, Operation, text
from bayessynth.spec.expression import derived_name
from bayessynth.spec.language import SEQUENCE

_OPERATORS: dict[str, Callable[..., Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "**": operator.pow,
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
# C(x) of a number makes a level of each value; beyond this many it is a mistake, and would store records' values.
MAX_LEVELS = 100


@dataclass(frozen=True)
class Codes:
    """A categorical value: a level's index for every row."""

    codes: np.ndarray
    levels: tuple[str, ...]
    reference: int = 0


@dataclass(frozen=True)
class Frame:
    """Encoded columns as formulas see them.

    Attributes
    ----------
    arrays : mapping of str to ndarray
        Encoded columns, each of shape (n,): numbers as floats, categories as integer codes.
    levels : mapping of str to tuple of str
        Labels of the levels of categorical columns.
    values : mapping of str to ndarray
        For columns of two numbers, or of one, which stand as codes: the numbers, by code. Formulas see these as
        numbers.
    """

    arrays: Mapping[str, np.ndarray]
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    values: Mapping[str, np.ndarray] = field(default_factory=dict)

    def on(self, arrays: Mapping[str, np.ndarray]) -> Frame:
        """Return the same columns with other rows."""
        return Frame(arrays, self.levels, self.values)


def frame_of(schema: Schema, arrays: Mapping[str, np.ndarray]) -> Frame:
    """Return encoded columns with what formulas must know of their kinds."""
    levels: dict[str, tuple[str, ...]] = {}
    values: dict[str, np.ndarray] = {}
    for name in arrays:
        column = schema[name]
        codes = {"binary": column.levels, "constant": (column.value,)}.get(column.kind, ())
        if codes and all(isinstance(v, bool | int | float) for v in codes):
            values[name] = np.array(codes, dtype=float)
        elif column.levels:
            levels[name] = tuple(map(str, column.levels))
    return Frame(arrays, levels, values)


def numbers(name: str, frame: Frame) -> np.ndarray:
    """Return a column's numbers, which stand as codes where it has one or two of them.

    >>> numbers("trials", Frame({"trials": np.array([1, 0])}, {}, {"trials": np.array([5.0, 8.0])})).tolist()
    [8.0, 5.0]
    """
    values = frame.arrays[name]
    return frame.values[name][values.astype(np.int64)] if name in frame.values else np.asarray(values, dtype=float)


def evaluate(
    expression: Expression, frame: Frame, states: dict[str, transforms.State], learn: bool = False
) -> np.ndarray | Codes:
    """Evaluate an expression on encoded columns.

    Parameters
    ----------
    expression : Expression
    frame : Frame
        The columns.
    states : dict
        States of transforms by the text of their call; filled when ``learn`` is true, read otherwise.
    learn : bool
        Whether transforms learn their state from these rows.

    Returns
    -------
    ndarray or Codes
        Numbers of shape (n,) or (n, p), or a level's index for every row.

    Raises
    ------
    DataError
        If a value is not finite, naming the rows.
    """
    match expression:
        case Name(name):
            return _column(name, frame)
        case Literal(value):
            if isinstance(value, str):
                raise FormulaError(f"{value!r} is text and stands where a formula needs a number.")
            return np.asarray(value, dtype=float)
        case Call(function) if function in SEQUENCE:
            return _column(derived_name(expression), frame)
        case Call("C", args, keywords):
            return _categorical(expression, args, dict(keywords), frame, states, learn)
        case Call(function, args, keywords):
            values = _number(args[0], frame, states, learn)
            transform = transforms.get(function)
            if learn:
                states[text(expression)] = transform.learn(values, **_arguments(expression))
            with np.errstate(all="ignore"):
                return _finite(transform.apply(values, states[text(expression)]), expression, values)
        case Operation(symbol, operands):
            numbers = [_number(o, frame, states, learn) for o in operands]
            if len(numbers) == 1:
                return -numbers[0] if symbol == "-" else numbers[0]
            with np.errstate(all="ignore"):
                return _finite(np.asarray(_OPERATORS[symbol](*numbers), dtype=float), expression, numbers[0])
    raise FormulaError(f"Cannot evaluate {expression!r}.")


def _column(name: str, frame: Frame) -> np.ndarray | Codes:
    if name in frame.levels:
        return Codes(frame.arrays[name], frame.levels[name])
    return numbers(name, frame)


def _number(expression: Expression, frame: Frame, states: dict[str, Any], learn: bool) -> np.ndarray:
    value = evaluate(expression, frame, states, learn)
    if isinstance(value, Codes):
        raise FormulaError(f"{text(expression)} is categorical and stands where a formula needs a number.")
    return value


def _categorical(
    call: Call, args: tuple[Expression, ...], keywords: dict[str, Expression], frame: Frame,
    states: dict[str, Any], learn: bool,
) -> Codes:  # fmt: skip
    value = evaluate(args[0], frame, states, learn)
    reference = args[1] if len(args) > 1 else keywords.get("reference")
    key = text(call)
    if isinstance(value, Codes):
        codes, levels = value.codes, value.levels
    else:
        if learn:
            distinct = np.unique(value)
            if len(distinct) > MAX_LEVELS:
                raise FormulaError(
                    f"{key}: {len(distinct)} distinct values are too many levels (at most {MAX_LEVELS})."
                )
            states[key] = {"values": distinct.tolist()}
        known = np.asarray(states[key]["values"])
        codes = np.clip(np.searchsorted(known, value), 0, len(known) - 1)
        # A synthetic number may fall between the levels that were seen: it takes the nearest.
        below = np.maximum(codes - 1, 0)
        codes = np.where(np.abs(known[below] - value) < np.abs(known[codes] - value), below, codes)
        levels = tuple(f"{v:g}" for v in known)
    if reference is None:
        return Codes(codes, levels)
    chosen = str(reference.value) if isinstance(reference, Literal) else text(reference)
    if chosen not in levels:
        raise FormulaError(f"{key}: {chosen!r} is not a level; the levels are {', '.join(levels)}.")
    return Codes(codes, levels, levels.index(chosen))


def _arguments(call: Call) -> dict[str, Any]:
    from bayessynth.spec import FUNCTIONS

    given = dict(zip(FUNCTIONS[call.function], call.args[1:], strict=False)) | dict(call.keywords)
    for name, value in given.items():
        if not isinstance(value, Literal):
            raise FormulaError(f"{text(call)}: {name} must be a number, not {text(value)!r}.")
    return {name: value.value for name, value in given.items() if isinstance(value, Literal)}


def _finite(result: np.ndarray, expression: Expression, values: np.ndarray) -> np.ndarray:
    flat = result if result.ndim == 1 else result.sum(axis=1) if result.ndim == 2 else np.atleast_1d(result)
    wrong = ~np.isfinite(flat)
    if wrong.any():
        place = where_rows(text(expression), wrong, np.broadcast_to(values, flat.shape))
        raise DataError(
            f"A formula's term is not finite: {place}. Use another transform (log1p for zeros), or a family for the "
            "column that keeps its values where the term is defined."
        )
    return result
