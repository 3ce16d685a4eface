"""The registry of measures: one file a measure, found by itself."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import ModuleType

from bayessynth.evaluation.measure import Measure, Room
from bayessynth.evaluation.tables import Tables

Compute = Callable[[Tables], Iterable[Measure]]


@dataclass(frozen=True)
class Entry:
    """A registered measure: a function of the tables that yields one measure or several.

    Attributes
    ----------
    name : str
        What ``measures=`` calls it.
    room : str
    compute : callable
        ``compute(tables)`` yields :class:`Measure`; nothing if it does not apply (no groups, no fit).
    """

    name: str
    room: Room
    compute: Compute


_ENTRIES: dict[str, Entry] = {}


def measure(name: str, room: Room) -> Callable[[Compute], Compute]:
    """Register a function that measures tables.

    Raises
    ------
    ValueError
        If the name is taken.

    Examples
    --------
    >>> @measure("univariate", "utility")
    ... def again(tables):
    ...     yield from ()
    Traceback (most recent call last):
    ...
    ValueError: A measure 'univariate' is already registered; give this one another name.
    """

    def register(compute: Compute) -> Compute:
        if name in _ENTRIES:
            raise ValueError(f"A measure {name!r} is already registered; give this one another name.")
        _ENTRIES[name] = Entry(name, room, compute)
        return compute

    return register


def entries(room: Room | None = None) -> tuple[Entry, ...]:
    """Return all registered measures, or those of one room, in the order of their names."""
    return tuple(e for _, e in sorted(_ENTRIES.items()) if room in (None, e.room))


def load(package: ModuleType) -> None:
    """Import every module of a package, so that its measures register."""
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
