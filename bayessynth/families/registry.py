"""The registry of families."""

from __future__ import annotations

from typing import Protocol

from bayessynth.errors import SpecError, suggest
from bayessynth.families.family import Family

_FAMILIES: dict[str, Family] = {}


class ColumnLike(Protocol):
    """What a default family is chosen by: a column's name, its kind, and whether it holds exact zeros.

    >>> ColumnLike.__name__
    'ColumnLike'
    """

    @property
    def name(self) -> str:
        """Return the column's name."""

    @property
    def kind(self) -> str:
        """Return the column's kind."""

    @property
    def zeros(self) -> bool:
        """Return whether a positive column holds exact zeros."""


def register(family: Family) -> Family:
    """Add a family to the registry and return it.

    Raises
    ------
    SpecError
        If the name is taken, or another family is already the default for one of its kinds.

    Examples
    --------
    >>> register(get("normal"))
    Traceback (most recent call last):
    ...
    bayessynth.errors.SpecError: A family 'normal' is already registered; give this one another name.
    """
    if family.name in _FAMILIES:
        raise SpecError(f"A family {family.name!r} is already registered; give this one another name.")
    for other in _FAMILIES.values():
        shared = sorted(other.default_for & family.default_for)
        if shared:
            raise SpecError(f"Families {other.name!r} and {family.name!r} are both the default for {shared}.")
    _FAMILIES[family.name] = family
    return family


def get(name: str) -> Family:
    """Return a family by its name.

    Raises
    ------
    SpecError
        If there is none; the message names the nearest.

    Examples
    --------
    >>> get("gama")
    Traceback (most recent call last):
    ...
    bayessynth.errors.SpecError: There is no family 'gama'. Did you mean 'gamma'?
    """
    if name not in _FAMILIES:
        hint = suggest(name, _FAMILIES) or f" Known: {', '.join(names())}."
        raise SpecError(f"There is no family {name!r}.{hint}")
    return _FAMILIES[name]


def names() -> tuple[str, ...]:
    """Return the names of all families that an equation may name, sorted.

    >>> "normal" in names()
    True
    """
    return tuple(sorted(name for name, family in _FAMILIES.items() if family.declared))


def known(name: str) -> bool:
    """Return whether there is a family of a name, one that no equation may name included.

    >>> known("truncated_normal"), known("norm")
    (True, False)
    """
    return name in _FAMILIES


def limited(name: str) -> Family | None:
    """Return the family within limits of a family, or None if it has none.

    >>> limited("normal"), limited("tree")
    (Family('truncated_normal'), None)
    """
    return next((f for f in _FAMILIES.values() if f.base is not None and f.base.name == name), None)


def default_for(column: ColumnLike) -> Family:
    """Return the family that a column gets when its equation names none.

    Parameters
    ----------
    column
        Anything with ``name``, ``kind`` and ``zeros``, such as a schema's column.

    Raises
    ------
    SpecError
        If no family is a default for the column's kind: identifiers and grouping factors.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> default_for(SimpleNamespace(name="income", kind="positive", zeros=True))
    Family('semicontinuous')
    """
    kind = f"{column.kind} with zeros" if column.zeros and column.kind == "positive" else column.kind
    for family in _FAMILIES.values():
        if kind in family.default_for:
            return family
    raise SpecError(
        f"Column {column.name!r} is of kind {column.kind!r}, which no family models. Leave it out of the "
        "equations, or declare another kind for it in the schema."
    )
