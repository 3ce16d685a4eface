"""The registry of rules: one file a rule, found by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bayessynth.errors import SpecError, suggest
from bayessynth.rules.rule import Rule

_RULES: dict[str, type[Rule]] = {}


def register[R: Rule](rule: type[R]) -> type[R]:
    """Add a class of rules to the registry and return it.

    Raises
    ------
    SpecError
        If the name is taken.

    Examples
    --------
    >>> register(get("range"))
    Traceback (most recent call last):
    ...
    bayessynth.errors.SpecError: A rule 'range' is already registered; give this one another name.
    """
    if rule.name in _RULES:
        raise SpecError(f"A rule {rule.name!r} is already registered; give this one another name.")
    _RULES[rule.name] = rule
    return rule


def get(name: str) -> type[Rule]:
    """Return a class of rules by its name.

    Raises
    ------
    SpecError
        If there is none; the message names the nearest.

    Examples
    --------
    >>> get("rnage")
    Traceback (most recent call last):
    ...
    bayessynth.errors.SpecError: There is no rule 'rnage'. Did you mean 'range'?
    """
    if name not in _RULES:
        hint = suggest(str(name), _RULES) or f" Known: {', '.join(names())}."
        raise SpecError(f"There is no rule {name!r}.{hint}")
    return _RULES[name]


def names() -> tuple[str, ...]:
    """Return the names of all rules, sorted.

    >>> "range" in names()
    True
    """
    return tuple(sorted(_RULES))


def from_json(data: Mapping[str, Any]) -> Rule:
    """Make a rule of what its ``to_json`` returned.

    >>> from_json({"rule": "range", "column": "age", "low": 0, "high": 110})
    Range('age', 0, 110)
    """
    return get(data.get("rule", "")).from_json(data)
