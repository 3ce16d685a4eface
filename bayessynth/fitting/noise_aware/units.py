"""Columns of a release, each between -1 and 1, and terms of formulas as straight lines in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bayessynth.design import Bound, BoundEquation, TermDesign, frame_of
from bayessynth.errors import FitError
from bayessynth.privacy import NoisyMoments

#: Lower and upper public bound of each number that was released, as the schema encodes it.
Bounds = Mapping[str, tuple[float, float]]
NORMAL, BINARY = "normal", "bernoulli"
# Of how many units of its own size a term may bend between the bounds and still be called straight.
_STRAIGHT = 1e-9


@dataclass(frozen=True)
class Column:
    """A column of the release.

    Attributes
    ----------
    equation : BoundEquation
    binary : bool
    middle, half : float
        Its values are ``middle + half * w``; the codes of a binary column 0.5 ± 0.5.
    place : int
        Where it stands in the release; 0 is the constant.
    """

    equation: BoundEquation
    binary: bool
    middle: float
    half: float
    place: int

    @property
    def name(self) -> str:
        """The response."""
        return self.equation.response


def refused(response: str, reason: str) -> FitError:
    """Return the error that says why an equation has no noise-aware posterior."""
    return FitError(f"The equation for {response!r} cannot be fitted to noisy sums of products: {reason}.")


def columns_of(bound: Bound, released: NoisyMoments, bounds: Bounds) -> tuple[Column, ...]:
    """Return the released columns with their equations: binary ones first, each after those that it depends on.

    Raises
    ------
    FitError
        If a column has no equation, or family and column do not go together.
    """
    found = []
    for place, (name, binary) in enumerate(zip(released.columns, released.binary, strict=True), start=1):
        equation, sign = _equation(bound, name)
        if binary != (equation.family == BINARY) or equation.family not in (NORMAL, BINARY):
            what = "0/1 column" if binary else "number"
            raise refused(equation.response, f"family {equation.family!r} does not serve a {what}, of which moments "
                          f"are released; use {BINARY!r} for a 0/1 column and {NORMAL!r} for a number")  # fmt: skip
        low, high = (0.0, 1.0) if binary else _bounds(equation.response, bounds)
        found.append(Column(equation, binary, 0.5 * (low + high), sign * 0.5 * (high - low), place))
    order = [e.response for e in bound.equations]
    return tuple(sorted(found, key=lambda c: (not c.binary, order.index(c.name))))


def _equation(bound: Bound, name: str) -> tuple[BoundEquation, float]:
    """Return the equation of a released column, and -1 where the column is 1 at the first of two levels."""
    for equation in bound.equations:
        own = equation.response
        if name == own:
            return equation, 1.0
        level = name.removeprefix(f"{own}[").removesuffix("]")
        if name == f"{own}[{level}]" and level in equation.levels and len(equation.levels) == 2:
            return equation, 1.0 if level == equation.levels[1] else -1.0
    raise FitError(f"Moments of {name!r} were released, but the spec has no equation for it; add one.")


def _bounds(name: str, bounds: Bounds) -> tuple[float, float]:
    if name not in bounds:
        raise FitError(f"Column {name!r} has no public bounds; give those that its moments were released with.")
    low, high = bounds[name]
    if not (np.isfinite([low, high]).all() and low < high):
        raise FitError(f"Column {name!r}: bounds ({low}, {high}) must be finite, the first below the second.")
    return float(low), float(high)


@dataclass(frozen=True)
class Line:
    """A term as ``middle + half * w`` of one released column, the ``column``-th in their order from 1."""

    column: int
    middle: float
    half: float


def line(bound: Bound, columns: Sequence[Column], response: str, term: TermDesign) -> Line:
    """Return a term of an equation as a straight line in a released column.

    Raises
    ------
    FitError
        If it is none.
    """
    if len(term.term.columns) != 1:
        raise refused(response, f"the term {term.name!r} is of {len(term.term.columns)} columns; sums of products of "
                      "pairs say nothing of interactions, so remove it")  # fmt: skip
    (name,) = term.term.columns
    at = next((i for i, c in enumerate(columns, start=1) if c.name == name), None)
    if at is None:
        raise refused(response, f"no moments of {name!r} were released, on which the term {term.name!r} depends")
    own = columns[at - 1]
    points = own.middle + own.half * np.array([-1.0, 0.0, 1.0])
    if own.binary:
        # The middle is no code; either end stands in for it.
        points = np.array([points[0], points[0], points[2]]).astype(np.int64)
    values = term.columns(frame_of(bound.schema, {name: points}), 3)
    if values.shape[1] != 1:
        raise refused(response, f"the term {term.name!r} has {values.shape[1]} columns; only straight terms of one "
                      "column are linear in the released moments")  # fmt: skip
    low, between, high = values[:, 0].tolist()
    middle = 0.5 * (low + high)
    if not own.binary and abs(between - middle) > _STRAIGHT * max(abs(low), abs(high)):
        raise refused(response, f"the term {term.name!r} is not a straight line in {name!r}; release the moments of "
                      "the transformed column as a column of its own")  # fmt: skip
    return Line(at, middle, 0.5 * (high - low))
