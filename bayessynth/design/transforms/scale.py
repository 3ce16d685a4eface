"""``scale(x)``: subtract the mean and divide by the standard deviation learnt at fit time."""

from __future__ import annotations

import numpy as np

from bayessynth.design.transforms.base import State, Transform, register


def learn(values: np.ndarray) -> State:
    """Learn mean and standard deviation (denominator n, as formulae has it)."""
    return {"mean": float(np.mean(values)), "sd": float(np.std(values)) or 1.0}


def apply(values: np.ndarray, state: State) -> np.ndarray:
    """Subtract the mean and divide by the standard deviation."""
    return (values - state["mean"]) / state["sd"]


register(Transform("scale", learn, apply))
