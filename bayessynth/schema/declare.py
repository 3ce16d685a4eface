"""Declarations of kinds, for a schema without data and for overriding what was detected."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd

from bayessynth.errors import SchemaError
from bayessynth.schema.column import Column, plain
from bayessynth.schema.dtypes import dtype_name

_DTYPES = {
    "count": "int64", "binary": "category", "categorical": "category", "ordinal": "category",
    "datetime": "datetime64[us]", "identifier": "int64", "group": "int64",
}  # fmt: skip


class Declaration:
    """What a user says of a column; :class:`~bayessynth.schema.Schema` gives it the column's name.

    Examples
    --------
    >>> Declaration("count", bounds=(0, 110))
    Count(bounds=(0, 110))
    """

    def __init__(self, kind: str, **facts: Any) -> None:
        self.kind = kind
        self.facts = {
            name: value
            for name, value in facts.items()
            if value is not None and not (isinstance(value, tuple) and not value)
        }

    def __repr__(self) -> str:
        inside = [repr(level) for level in self.facts.get("levels", ())]
        inside += [f"{name}={value!r}" for name, value in self.facts.items() if name != "levels"]
        return f"{self.kind.capitalize()}({', '.join(inside)})"

    def column(self, name: str) -> Column:
        """Return the column that is declared, with the dtype that fits its kind best."""
        dtype = _DTYPES.get(self.kind, "float64")
        facts = dict(self.facts)
        if self.kind == "binary":
            facts.setdefault("levels", (False, True))
        levels = facts.get("levels", ())
        if self.kind == "binary" and all(isinstance(level, bool) for level in levels):
            dtype = "bool"
        elif self.kind == "binary" and all(isinstance(level, int) for level in levels):
            dtype = "int64"
        if self.kind == "constant":
            dtype = dtype_name(pd.Series([facts["value"]]).dtype)
            if isinstance(facts["value"], datetime):
                facts["value"] = str(facts["value"])  # as detection writes it
        if self.kind in ("count", "identifier"):
            facts.setdefault("decimals", 0)
        if self.kind in ("group", "identifier"):
            facts.setdefault("labels", "int")
        if self.kind == "proportion":
            facts.setdefault("bounds", (0.0, 1.0))
        if self.kind == "datetime":
            facts.setdefault("unit", "s")
        return Column(name, self.kind, dtype, ordered=self.kind == "ordinal", declared="bounds" in self.facts, **facts)


def Continuous(
    bounds: tuple[float, float] | None = None, scale: float | None = None, decimals: int | None = None
) -> Declaration:
    """Declare a column of numbers of either sign.

    Parameters
    ----------
    bounds : tuple of float, optional
        Smallest and largest possible value.
    scale : float, optional
        A typical spread; without data a number needs bounds or a scale.
    decimals : int, optional
        Decimals of its values.

    Examples
    --------
    >>> import bayessynth as bs
    >>> bs.Schema(balance=bs.Continuous(scale=1000)).names
    ('balance',)
    """
    return Declaration("continuous", bounds=bounds, scale=scale, decimals=decimals)


def Positive(
    bounds: tuple[float, float] | None = None,
    scale: float | None = None,
    decimals: int | None = None,
    zeros: bool = False,
) -> Declaration:
    """Declare a column of numbers above zero, or at least zero with ``zeros=True``.

    Examples
    --------
    >>> import bayessynth as bs
    >>> bs.Positive(scale=5000, zeros=True)
    Positive(scale=5000, zeros=True)
    """
    return Declaration("positive", bounds=bounds, scale=scale, decimals=decimals, zeros=zeros or None)


def Proportion(decimals: int | None = None) -> Declaration:
    """Declare a column of numbers strictly between zero and one.

    Examples
    --------
    >>> import bayessynth as bs
    >>> bs.Proportion(decimals=2)
    Proportion(decimals=2)
    """
    return Declaration("proportion", decimals=decimals)


def Count(bounds: tuple[float, float] | None = None, scale: float | None = None) -> Declaration:
    """Declare a column of whole numbers from zero up.

    Examples
    --------
    >>> import bayessynth as bs
    >>> bs.Count(bounds=(0, 110))
    Count(bounds=(0, 110))
    """
    return Declaration("count", bounds=bounds, scale=scale)


def Binary(*levels: Any) -> Declaration:
    """Declare a column of two levels, ``False`` and ``True`` if none are given; the second is the event.

    Examples
    --------
    >>> import bayessynth as bs
    >>> bs.Binary("no", "yes")
    Binary('no', 'yes')
    """
    return Declaration("binary", levels=levels)


def Categorical(*levels: Any) -> Declaration:
    """Declare a column of unordered levels; the first is the reference. Without levels they are the data's.

    Examples
    --------
    >>> import bayessynth as bs
    >>> bs.Categorical("north", "south", "west")
    Categorical('north', 'south', 'west')
    """
    return Declaration("categorical", levels=levels)


def Ordinal(*levels: Any) -> Declaration:
    """Declare a column of ordered levels, lowest first.

    Examples
    --------
    >>> import bayessynth as bs
    >>> bs.Ordinal("I", "II", "III")
    Ordinal('I', 'II', 'III')
    """
    return Declaration("ordinal", levels=levels)


def Datetime(bounds: tuple[float, float] | None = None, unit: str = "s") -> Declaration:
    """Declare a column of dates or times; bounds count days since 1970-01-01 in UTC.

    Examples
    --------
    >>> import bayessynth as bs
    >>> bs.Datetime(bounds=(18262, 18627), unit="D")
    Datetime(bounds=(18262, 18627), unit='D')
    """
    return Declaration("datetime", bounds=bounds, unit=unit)


def Identifier() -> Declaration:
    """Declare a column whose values name records and mean nothing else.

    Examples
    --------
    >>> import bayessynth as bs
    >>> bs.Identifier()
    Identifier()
    """
    return Declaration("identifier")


def Constant(value: Any) -> Declaration:
    """Declare a column that has one value throughout.

    Examples
    --------
    >>> import bayessynth as bs
    >>> bs.Constant(2024)
    Constant(value=2024)
    """
    if pd.api.types.is_scalar(value) and pd.isna(value):
        raise SchemaError(f"Constant(value) needs the value, not {value!r}.")
    return Declaration("constant", value=plain(value))


def Group() -> Declaration:
    """Declare a column of labels of groups, such as sites or schools.

    Examples
    --------
    >>> import bayessynth as bs
    >>> bs.Group()
    Group()
    """
    return Declaration("group")
