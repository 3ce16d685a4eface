"""Another kind for a column than the one that was detected."""

from __future__ import annotations

from typing import Any

from bayessynth.errors import SchemaError
from bayessynth.schema.column import CODES, NUMBERS, Column
from bayessynth.schema.declare import Declaration

# Levels are learnt when a column is detected, so that it can be declared categorical later without the data.
MAX_LEVELS = 200
_PLAIN_NUMBERS = NUMBERS - {"datetime"}


def overridden(column: Column, declaration: Declaration, seen: tuple[Any, ...]) -> Column:
    """Return a column as declared, keeping what is known of it.

    Parameters
    ----------
    column : Column
    declaration : Declaration
    seen : tuple
        Its distinct values, if they are few.

    Raises
    ------
    SchemaError
        If the values that were seen cannot be of that kind.

    Examples
    --------
    >>> overridden(Column("zip", "count", "int64"), Declaration("categorical"), (1010, 1020)).levels
    (1010, 1020)
    """
    kind, facts = declaration.kind, dict(declaration.facts)
    # Levels, groups and names of records are the text that stands there, not what it stands for.
    form = column.format
    kept = form if form is not None and kind != "group" and (kind in NUMBERS or not form.text) else None
    made = {"dtype": column.dtype, "missing": column.missing, "labels": column.labels, "label": column.label,
            "categories": column.categories, "gap": column.gap, "ordered": column.ordered, "format": kept}  # fmt: skip
    if kind in CODES:
        if kind != "group":
            facts["levels"] = _levels(column, declaration, seen)
        made["ordered"] = column.dtype == "category" and (column.ordered or kind == "ordinal")
    elif kind == "constant":
        facts.setdefault("value", _value(column, seen))
    elif kind in NUMBERS:
        _check_number(column, kind, () if form is not None and form.text else seen)
        made |= {"decimals": column.decimals, "bounds": column.bounds, "unit": column.unit, "zeros": column.zeros,
                 "scale": column.scale}  # fmt: skip
        if column.kind not in _PLAIN_NUMBERS | {"identifier", "datetime"}:
            made |= _learnt(column, seen)
        if kind == "proportion" and column.kind != "proportion":
            made["bounds"] = (0.0, 1.0)
    declared = "bounds" in facts or (column.declared and kind in NUMBERS)
    return Column(column.name, kind, **{**made, **facts, "declared": declared})


def _levels(column: Column, declaration: Declaration, seen: tuple[Any, ...]) -> tuple[Any, ...]:
    known = column.levels or seen
    stated: tuple[Any, ...] = declaration.facts.get("levels", ())
    if not stated and not known:
        raise SchemaError(
            f"Column {column.name!r} has too many distinct values (over {MAX_LEVELS}) to be {declaration.kind}, or its "
            f"schema was loaded without them; list its levels, bs.{declaration.kind.capitalize()}(…), or group rare "
            "values first."
        )
    unlisted = [value for value in seen if stated and value not in stated]
    if unlisted:
        raise SchemaError(
            f"Column {column.name!r} holds {unlisted[0]!r}, which is not one of the levels declared for it: "
            f"{', '.join(map(repr, stated))}. Declare this level too, or mend the data."
        )
    return stated or known


def _value(column: Column, seen: tuple[Any, ...]) -> Any:
    if column.kind == "constant":
        return column.value
    raise SchemaError(
        f"Column {column.name!r} is not constant; to make it so in the copies, drop it and declare bs.Constant(value)."
        if len(seen) != 1
        else f"Column {column.name!r}: declare its value, bs.Constant({seen[0]!r})."
    )


def _check_number(column: Column, kind: str, seen: tuple[Any, ...]) -> None:
    """Refuse a kind of number that the values which were seen rule out."""
    if kind == "datetime":
        if column.kind != "datetime":
            raise SchemaError(f"Column {column.name!r} holds no datetimes; convert it with pd.to_datetime first.")
        return
    text = column.kind == "identifier" and column.decimals is None
    coded = column.kind not in _PLAIN_NUMBERS | {"identifier"}
    if text or (coded and not (seen and all(isinstance(v, int | float) for v in seen))):
        raise SchemaError(
            f"Column {column.name!r} holds no numbers, so it cannot be {kind}; if they stand as text, convert them "
            "with pd.to_numeric first."
        )
    low, high = (min(seen), max(seen)) if seen else column.bounds or (0.0, 0.0)
    if low < 0 and kind in ("positive", "count", "proportion"):
        raise SchemaError(f"Column {column.name!r} holds negative numbers, so it cannot be {kind}; declare continuous.")
    if high > 1 and kind == "proportion":
        raise SchemaError(f"Column {column.name!r} holds numbers above 1, so it cannot be a proportion.")
    whole = all(float(v).is_integer() for v in seen) if seen else column.decimals in (0, None)
    if kind == "count" and not whole:
        raise SchemaError(f"Column {column.name!r} holds numbers that are not whole, so it cannot be a count.")


def _learnt(column: Column, seen: tuple[Any, ...]) -> dict[str, Any]:
    """Return what a number has that levels have not: decimals, a range, and a dtype for numbers."""
    whole = all(float(v).is_integer() for v in seen)
    dtype = "int64" if all(isinstance(v, int) for v in seen) else "float64"
    facts: dict[str, Any] = {"decimals": 0 if whole else None}
    facts["bounds"] = (float(min(seen)) - 0.5, float(max(seen)) + 0.5)
    facts["zeros"] = 0 in seen
    if column.dtype == "object":
        facts["categories"] = dtype
    elif column.dtype in ("category", "bool", "boolean"):
        facts["dtype"] = ("Int64" if column.missing else "int64") if whole else "float64"
    return facts
