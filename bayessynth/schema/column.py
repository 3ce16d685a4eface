"""What is known of one column: its kind, its dtype, its levels; never its records."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, replace
from typing import Any

import numpy as np

from bayessynth.errors import SchemaError, suggest
from bayessynth.schema.formats.format import Format, from_json, listed, tupled

KINDS = (
    "continuous", "positive", "proportion", "count", "binary", "categorical", "ordinal", "datetime", "identifier",
    "constant", "group",
)  # fmt: skip
NUMBERS = frozenset({"continuous", "positive", "proportion", "count", "datetime"})
CODES = frozenset({"binary", "categorical", "ordinal", "group"})
# Resolutions of a datetime, in microseconds, coarsest first.
TICKS = {"D": 86_400_000_000, "h": 3_600_000_000, "min": 60_000_000, "s": 1_000_000, "ms": 1_000, "us": 1}
# How missing cells of an object column may be written.
GAPS = ("None", "nan", "NA", "NaT")


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    name : str
    kind : str
        One of ``KINDS``.
    dtype : str
        The pandas dtype that decoding restores.
    levels : tuple
        Values in order, of binary, categorical and ordinal columns.
    ordered : bool
        Whether a pandas categorical is ordered.
    decimals : int or None
        Decimals that decoding rounds to; None for as many as there are.
    unit : str or None
        Resolution of a datetime: ``"D"``, ``"h"``, ``"min"``, ``"s"``, ``"ms"``, ``"us"``. Times are encoded as
        days, which hold microseconds exactly from 1900 to 2040 and milliseconds always; nanoseconds are not kept.
    bounds : tuple of float or None
        Declared range, or that of the data widened to round numbers. Datetimes count days since 1970 in UTC.
    declared : bool
        Whether the bounds were declared, so that values outside are an error.
    scale : float or None
        A declared typical spread.
    value : object
        The value of a constant column; None if all its cells are missing.
    zeros : bool
        Whether a positive column may hold exact zeros; of other numbers without a sign, whether zeros were seen.
    missing : bool
        Whether missing cells were seen.
    labels : str or None
        How labels of new groups are written: ``"int"`` or ``"str"``.
    categories : str or None
        The dtype of a categorical's categories, where it is not the one that pandas chooses for such values; of an
        object column that holds numbers, the dtype of these.
    gap : str or None
        How missing cells of an object column are written: ``"None"`` (also by default), ``"nan"``, ``"NA"`` or
        ``"NaT"``.
    format : Format or None
        How cells are written that stand for numbers or times, or levels, without being such: ``"1,234.50"``.
    free_text : bool
        Whether an identifier holds sentences rather than names of records.
    label : object
        The column's name in the table, where that is no text: a number, or a tuple.

    Examples
    --------
    >>> Column("age", "count", "int64").kind
    'count'
    """

    name: str
    kind: str
    dtype: str
    levels: tuple[Any, ...] = ()
    ordered: bool = False
    decimals: int | None = None
    unit: str | None = None
    bounds: tuple[float, float] | None = None
    declared: bool = False
    scale: float | None = None
    value: Any = None
    zeros: bool = False
    missing: bool = False
    labels: str | None = None
    categories: str | None = None
    gap: str | None = None
    format: Format | None = None
    free_text: bool = False
    label: Any = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise SchemaError(
                f"Column {self.name!r}: there is no kind {self.kind!r}.{suggest(self.kind, KINDS)} "
                f"Kinds are: {', '.join(KINDS)}."
            )
        object.__setattr__(self, "levels", tuple(map(plain, self.levels)))
        object.__setattr__(self, "value", plain(self.value))
        for level in self.levels if self.value is None else (*self.levels, self.value):
            self._check_level(level)
        if len(set(map(typed, self.levels))) < len(self.levels):
            raise SchemaError(f"Column {self.name!r}: a level is listed twice in {self.levels}.")
        if self.kind == "binary" and len(self.levels) != 2:
            raise SchemaError(f"Column {self.name!r}: a binary column has two levels, not {len(self.levels)}.")
        if self.kind in ("categorical", "ordinal") and len(self.levels) < 2:
            raise SchemaError(f"Column {self.name!r}: a {self.kind} column needs at least two levels.")
        self._check_number()

    def _check_level(self, level: Any) -> None:
        if not isinstance(level, str | int | float) or level != level:
            raise SchemaError(
                f"Column {self.name!r}: {level!r} cannot be a level or a constant, which are text, numbers or truth "
                "values. Missing cells need no level."
            )

    def _check_number(self) -> None:
        if self.bounds is not None:
            ends = tuple(map(plain, self.bounds)) if isinstance(self.bounds, tuple | list) else ()
            if not (len(ends) == 2 and all(map(_finite, ends)) and ends[0] < ends[1]):
                raise SchemaError(
                    f"Column {self.name!r}: bounds {self.bounds!r} must be two finite numbers, the first below the "
                    "second."
                )
            object.__setattr__(self, "bounds", ends)
        if self.scale is not None and not (_finite(plain(self.scale)) and self.scale > 0):
            raise SchemaError(f"Column {self.name!r}: scale {self.scale!r} must be a number above zero.")
        whole = isinstance(self.decimals, int) and not isinstance(self.decimals, bool)
        if self.decimals is not None and not (whole and self.decimals >= 0):
            raise SchemaError(f"Column {self.name!r}: decimals {self.decimals!r} must be a whole number from zero up.")
        for fact, known in (("unit", tuple(TICKS)), ("gap", GAPS), ("labels", ("int", "str"))):
            stated = getattr(self, fact)
            if stated is not None and stated not in known:
                raise SchemaError(
                    f"Column {self.name!r}: {fact} {stated!r} is not one of {', '.join(map(repr, known))}."
                )

    @property
    def unwritten(self) -> Column:
        """The column as it is where cells are the plain values that its format stands for."""
        return self if self.format is None else replace(self, dtype=self.format.plain, format=None, gap=None)

    def to_json(self) -> dict[str, Any]:
        """Return the column as JSON data, leaving out what has its default."""
        defaults = {f.name: f.default for f in fields(self)}
        data = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != defaults[f.name]}
        return {name: value.to_json() if isinstance(value, Format) else listed(value) for name, value in data.items()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Column:
        """Make a column of what :meth:`to_json` returned.

        Raises
        ------
        SchemaError
            If the data state what a column does not have, or do not state what it must have.
        """
        known = [f.name for f in fields(cls)]
        for key in data:
            if key not in known:
                raise SchemaError(
                    f"Column {data.get('name')!r}: a column has no {key!r}.{suggest(str(key), known)} A newer version "
                    "may have written it."
                )
        for field in fields(cls):
            if field.default is MISSING and field.name not in data:
                raise SchemaError(f"Column {data.get('name')!r}: the data state no {field.name!r}.")
        values: dict[str, Any] = {key: tupled(value) for key, value in data.items()}
        if values.get("format") is not None:
            values["format"] = from_json(values["format"])
        return cls(**values)


def plain(value: Any) -> Any:
    """Return a NumPy scalar as Python's own.

    >>> plain(np.int8(3))
    3
    """
    return value.item() if isinstance(value, np.generic) else value


def typed(value: Any) -> tuple[type, Any]:
    """Return a value with its type, by which ``1``, ``1.0`` and ``True`` differ.

    >>> typed(1) == typed(True)
    False
    """
    return type(value), value


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
