"""What is known of one column: its kind, its dtype, its levels; never its records."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from bayessynth.errors import SchemaError, suggest

KINDS = (
    "continuous", "positive", "proportion", "count", "binary", "categorical", "ordinal", "datetime", "identifier",
    "constant", "group",
)  # fmt: skip
NUMBERS = frozenset({"continuous", "positive", "proportion", "count", "datetime"})
CODES = frozenset({"binary", "categorical", "ordinal", "group"})


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
        Resolution of a datetime: ``"D"``, ``"h"``, ``"min"``, ``"s"``, ``"ms"``, ``"us"``.
    bounds : tuple of float or None
        Declared range, or that of the data widened to round numbers. Datetimes count days since 1970.
    declared : bool
        Whether the bounds were declared, so that values outside are an error.
    scale : float or None
        A declared typical spread.
    value : object
        The value of a constant column.
    zeros : bool
        Whether a positive column holds exact zeros.
    missing : bool
        Whether missing cells were seen.
    labels : str or None
        How labels of new groups are written: ``"int"`` or ``"str"``.
    categories : str or None
        The dtype of a categorical's categories, where it is not the one that pandas chooses for such values.

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

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise SchemaError(
                f"Column {self.name!r}: there is no kind {self.kind!r}.{suggest(self.kind, KINDS)} "
                f"Kinds are: {', '.join(KINDS)}."
            )
        if len(set(self.levels)) < len(self.levels):
            raise SchemaError(f"Column {self.name!r}: a level is listed twice in {self.levels}.")
        if self.kind == "binary" and len(self.levels) != 2:
            raise SchemaError(f"Column {self.name!r}: a binary column has two levels, not {len(self.levels)}.")
        if self.kind in ("categorical", "ordinal") and len(self.levels) < 2:
            raise SchemaError(f"Column {self.name!r}: a {self.kind} column needs at least two levels.")
        if self.bounds is not None and not (math.isfinite(sum(self.bounds)) and self.bounds[0] < self.bounds[1]):
            raise SchemaError(f"Column {self.name!r}: bounds {self.bounds} must be finite, the first below the second.")
        if self.scale is not None and not (math.isfinite(self.scale) and self.scale > 0):
            raise SchemaError(f"Column {self.name!r}: scale {self.scale!r} must be a number above zero.")

    def to_json(self) -> dict[str, Any]:
        """Return the column as JSON data, leaving out what has its default."""
        defaults = {f.name: f.default for f in fields(self)}
        data = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != defaults[f.name]}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in data.items()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Column:
        """Make a column of what :meth:`to_json` returned."""
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
        return cls(**values)
