"""The registry of analyses: one file an analysis, found by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bayessynth.errors import DataError, suggest
from bayessynth.inference.estimate import Estimate

# An analysis made ready for some tables: what it does with one of them.
Ready = Callable[[pd.DataFrame], Estimate]


@dataclass(frozen=True)
class Analysis:
    """A kind of analysis.

    Attributes
    ----------
    name : str
        What ``model=`` calls it.
    title : str
        What a summary calls it.
    prepare : callable
        ``prepare(frames, formula, **options)`` learns levels from all tables and returns a function from one table to
        its :class:`Estimate`.
    options : tuple of str
        Keywords that it takes.
    groups : bool
        Whether it accounts for groups by itself (mixed models).

    Examples
    --------
    >>> get("ols").title
    'Linear regression (least squares)'
    """

    name: str
    title: str
    prepare: Callable[..., Ready]
    options: tuple[str, ...] = ()
    groups: bool = False


_ANALYSES: dict[str, Analysis] = {}


def register(analysis: Analysis) -> Analysis:
    """Add an analysis to the registry.

    Raises
    ------
    ValueError
        If the name is taken.

    Examples
    --------
    >>> register(get("ols"))
    Traceback (most recent call last):
    ...
    ValueError: An analysis 'ols' is already registered; give this one another name.
    """
    if analysis.name in _ANALYSES:
        raise ValueError(f"An analysis {analysis.name!r} is already registered; give this one another name.")
    _ANALYSES[analysis.name] = analysis
    return analysis


def get(name: str) -> Analysis:
    """Return an analysis by its name.

    Raises
    ------
    DataError
        If there is none; the message names the nearest.
    """
    if name not in _ANALYSES:
        raise DataError(f"There is no analysis model={name!r}.{suggest(name, names())} Known: {', '.join(names())}.")
    return _ANALYSES[name]


def names() -> tuple[str, ...]:
    """Return the names of all analyses, sorted.

    >>> "cox" in names()
    True
    """
    return tuple(sorted(_ANALYSES))


def prepared(model: str | Ready, frames: Sequence[pd.DataFrame], formula: str, options: Mapping[str, Any]) -> Ready:
    """Make an analysis ready for some tables.

    Parameters
    ----------
    model : str or callable
        A name, or a function from a table to ``Estimate``, or to (estimates, covariance) with names in the index of a
        Series, if it is one.
    frames : sequence of DataFrame
    formula : str
    options : mapping

    Raises
    ------
    DataError
        For an option that the analysis does not know.
    """
    if callable(model):
        return lambda frame: _estimate(model(frame))
    analysis = get(model)
    for option in options:
        if option not in analysis.options:
            hint = suggest(option, analysis.options) or f" It takes: {', '.join(analysis.options) or 'none'}."
            raise DataError(f"model={model!r} has no option {option!r}.{hint}")
    return analysis.prepare(frames, formula, **options)


def _estimate(found: Any) -> Estimate:
    """Read what a user's own function returned."""
    if isinstance(found, Estimate):
        return found
    if not isinstance(found, tuple) or len(found) != 2:
        raise DataError("A function given as model= must return (estimates, covariance) or an Estimate.")
    values, covariance = found
    named = pd.Series(values)
    labels = [str(i) if isinstance(i, int) else i for i in named.index]
    return Estimate(tuple(map(str, labels)), named.to_numpy(dtype=float), covariance)
