"""The registry of transforms: what the functions of the formula language compute."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

State = dict[str, Any]


@dataclass(frozen=True)
class Transform:
    """A function of one column, learnt once and applied to any rows after.

    Attributes
    ----------
    name : str
        The function's name in formulas.
    learn : callable
        ``learn(values, **arguments) -> state``: JSON data, in which no number is one record's value.
    apply : callable
        ``apply(values, state) -> array`` of shape (n,) or (n, p).
    """

    name: str
    learn: Callable[..., State]
    apply: Callable[[np.ndarray, State], np.ndarray]


_REGISTRY: dict[str, Transform] = {}


def register(transform: Transform) -> Transform:
    """Add a transform to the registry; a second one of the same name is an error."""
    if transform.name in _REGISTRY:
        raise ValueError(f"Transform {transform.name!r} is registered already.")
    _REGISTRY[transform.name] = transform
    return transform


def get(name: str) -> Transform:
    """Return a transform by name."""
    return _REGISTRY[name]


def names() -> tuple[str, ...]:
    """Return the names of all transforms.

    >>> "log" in names()
    True
    """
    return tuple(sorted(_REGISTRY))


def rounded(value: float, digits: int = 2) -> float:
    """Round to significant digits, so that a stored number is no record's own value.

    >>> rounded(1234.5), rounded(0.04567), rounded(0.0)
    (1200.0, 0.046, 0.0)
    """
    if value == 0 or not np.isfinite(value):
        return float(value)
    return float(f"{value:.{digits - 1}e}")


def outward(low: float, high: float) -> tuple[float, float]:
    """Widen a range to a grid of two significant digits of its width.

    >>> outward(17.3, 64.9), outward(17.0, 65.0)
    ((17.0, 65.0), (16.0, 66.0))
    """
    step = 10.0 ** (np.floor(np.log10(high - low)) - 1) if high > low else 1.0
    # An end on the grid moves as well, so that it is no record's value; a hair beside it counts as on it.
    return float((np.ceil(low / step - 1e-6) - 1) * step), float((np.floor(high / step + 1e-6) + 1) * step)
