"""How cells are written that are no plain numbers, times or levels: the base class and the registry."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import pandas as pd

from bayessynth.errors import SchemaError, suggest


@dataclass(frozen=True)
class Found:
    """A format that fits a column.

    Attributes
    ----------
    format : Format
    plain : Series
        The column as plain numbers or times, row by row; missing cells are missing.
    notes : tuple of str
        What a user should know of it, each a warning without the column's name.
    """

    format: Format
    plain: pd.Series
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Format(ABC):
    """How a column's cells are written, and what plain numbers or times they stand for.

    Attributes
    ----------
    name : str
        Of the class; schemas store it.
    text : bool
        Whether cells are text, so that the column's levels, should it be declared categorical, are this text.
    """

    name: ClassVar[str]
    text: ClassVar[bool] = False

    @property
    @abstractmethod
    def plain(self) -> str:
        """The dtype of the plain values."""

    @classmethod
    @abstractmethod
    def find(cls, series: pd.Series) -> Found | None:
        """Return the format of a column, or None if its cells are not written in any such way."""

    @abstractmethod
    def read(self, series: pd.Series) -> pd.Series:
        """Return the plain values of cells; raise a SchemaError that names what cannot be read."""

    @abstractmethod
    def write(self, plain: pd.Series) -> Any:
        """Return cells for plain values, as an array; None where one of objects misses a cell."""

    def to_json(self) -> dict[str, Any]:
        """Return the format as JSON data, leaving out what has its default."""
        stated = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
        return {"name": self.name, **{key: listed(value) for key, value in stated.items()}}


_FORMATS: dict[str, type[Format]] = {}


def register(cls: type[Format]) -> type[Format]:
    """Make a format known by its name; they are tried in this order.

    Raises
    ------
    ValueError
        If the name is taken.
    """
    if cls.name in _FORMATS:
        raise ValueError(f"A format {cls.name!r} is already registered: {_FORMATS[cls.name].__name__}.")
    _FORMATS[cls.name] = cls
    return cls


def registered() -> Mapping[str, type[Format]]:
    """Return the formats by name."""
    return dict(_FORMATS)


def find(series: pd.Series) -> Found | None:
    """Return how a column is written, if it is in one of the known ways.

    Examples
    --------
    >>> found = find(pd.Series(["$1,234.50", "$7.25", "$10.00"]))
    >>> found.plain.tolist()
    [1234.5, 7.25, 10.0]
    >>> found.format.write(pd.Series([1234567.5])).tolist()
    ['$1,234,567.50']
    """
    for cls in _FORMATS.values():
        found = cls.find(series)
        if found is not None:
            return found
    return None


def from_json(data: Mapping[str, Any]) -> Format:
    """Make a format of what :meth:`Format.to_json` returned.

    Raises
    ------
    SchemaError
        If there is no such format, or it has no such settings.
    """
    name = str(data.get("name"))
    if name not in _FORMATS:
        raise SchemaError(
            f"There is no format {name!r}.{suggest(name, _FORMATS)} Formats are: {', '.join(_FORMATS)}. A newer "
            "version may have written it."
        )
    cls = _FORMATS[name]
    known = [f.name for f in fields(cls)]
    for key in data:
        if key != "name" and key not in known:
            raise SchemaError(f"A format {name!r} has no {key!r}.{suggest(str(key), known)}")
    return cls(**{key: tupled(value) for key, value in data.items() if key != "name"})


def listed(value: Any) -> Any:
    """Return tuples as lists, as JSON has them.

    >>> listed((1, (2, 3)))
    [1, [2, 3]]
    """
    return [listed(v) for v in value] if isinstance(value, tuple) else value


def tupled(value: Any) -> Any:
    """Return lists as tuples, which cannot change.

    >>> tupled([1, [2, 3]])
    (1, (2, 3))
    """
    return tuple(tupled(v) for v in value) if isinstance(value, list) else value
