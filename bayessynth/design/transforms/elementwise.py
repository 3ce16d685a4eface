"""Transforms without state: log, log1p, exp, sqrt, I."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bayessynth.design.transforms.base import Transform, register


def _stateless(name: str, function: Callable[[np.ndarray], np.ndarray]) -> None:
    register(Transform(name, learn=lambda values: {}, apply=lambda values, state: function(values)))


_stateless("log", np.log)
_stateless("log1p", np.log1p)
_stateless("exp", np.exp)
_stateless("sqrt", np.sqrt)
_stateless("I", lambda values: values)
