"""Which cells of parametric columns are missing: an equation of its own for each, drawn beside the column's value.

A parametric equation draws a value for every record, and parametric equations that read it read that value. Which of
the values a copy shows as missing is drawn by a tree, given the columns that are there by then. Copies then have the
original's distribution if cells are missing at random: whether one is missing may depend on the other columns, not on
the value itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bayessynth import families
from bayessynth.design.bound import BoundEquation, Mask
from bayessynth.design.grouping import Grouping
from bayessynth.errors import SpecError
from bayessynth.rules import determined
from bayessynth.schema import Columns, Schema
from bayessynth.spec import Spec


def find_masks(
    spec: Spec, schema: Schema, equations: Sequence[BoundEquation], columns: Columns, grouping: Grouping,
    levels: Mapping[str, str],
) -> tuple[Mask, ...]:  # fmt: skip
    """Return the masks of all parametric columns with missing cells, in the order in which they are drawn.

    A mask is drawn as late as it can be, since all that is drawn before it can tell which cells are missing: before the
    first equation that reads the column as copies show it, which are trees and those that read a computed column.

    Parameters
    ----------
    spec : Spec
    schema : Schema
    equations : sequence of BoundEquation
        In the order of generation.
    columns : Columns
    grouping : Grouping
    levels : mapping of str to str
        Level of every column.

    Raises
    ------
    SpecError
        If a column has the name that the mask of another one has.
    """
    masked = {
        e.response: _due(e, spec, equations) for e in equations
        if not families.get(e.family).nonparametric and columns.missing(e.response)[grouping.rows(e.level)].any()
    }  # fmt: skip
    place = {e.response: i for i, e in enumerate(equations)} | {None: len(equations)}
    by_column = {e.response: e for e in equations}
    found: list[Mask] = []
    for column in sorted(masked, key=lambda c: (by_column[c].level == "row", place[masked[c]], place[c])):
        own, before = by_column[column], masked[column]
        known = {m.column for m in found} | {e.response for e in equations if e.response not in masked
                                             and _before(e, own, place[e.response] < place[before])}  # fmt: skip
        kept = {c for e in spec for c in e.columns if c not in place and c not in determined(spec.rules)}
        reads = [c for c in schema if c in known | kept and schema[c].kind != "constant"
                 and _reaches(own.level, levels[c], grouping)]  # fmt: skip
        found.append(Mask(column, own.level, tuple(reads), before))
        _check_name(found[-1], schema)
    return tuple(found)


def _check_name(mask: Mask, schema: Schema) -> None:
    if mask.name in schema:
        raise SpecError(
            f"Column {mask.name!r} has the name that the equation of which cells of {mask.column!r} are missing has; "
            "rename it."
        )


def _due(equation: BoundEquation, spec: Spec, equations: Sequence[BoundEquation]) -> str | None:
    """Return the first equation after a column's own, rows and groups apart, that reads columns as copies show them."""
    computed = set(determined(spec.rules))
    later = equations[list(equations).index(equation) + 1 :]
    shown = [e.response for e in later if (e.level == "row") == (equation.level == "row")
             and (families.get(e.family).nonparametric or computed & set(spec[e.response].columns))]  # fmt: skip
    return shown[0] if shown else None


def _before(other: BoundEquation, equation: BoundEquation, earlier: bool) -> bool:
    """Tell whether a column without a mask is drawn before another's mask: columns of groups before those of rows."""
    if (other.level == "row") == (equation.level == "row"):
        return earlier
    return equation.level == "row"


def _reaches(level: str, other: str, grouping: Grouping) -> bool:
    """Tell whether a column at another level has one value in each unit of a level."""
    return level == "row" or (other != "row" and grouping.determines(level, other))
