"""The registry of measures across tables: one file a measure, found by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bayessynth.evaluation.measure import Measure
from bayessynth.evaluation.relations.related import Related

Compute = Callable[[Related], Iterable[Measure]]
_ENTRIES: dict[str, Compute] = {}


def across(name: str) -> Callable[[Compute], Compute]:
    """Register a function that measures how tables hang together.

    Raises
    ------
    ValueError
        If the name is taken.

    Examples
    --------
    >>> across("orphans")(print)
    Traceback (most recent call last):
    ...
    ValueError: A measure 'orphans' is already registered; give this one another name.
    """

    def register(compute: Compute) -> Compute:
        if name in _ENTRIES:
            raise ValueError(f"A measure {name!r} is already registered; give this one another name.")
        _ENTRIES[name] = compute
        return compute

    return register


def entries() -> dict[str, Compute]:
    """Return all registered measures, by name."""
    return dict(sorted(_ENTRIES.items()))
