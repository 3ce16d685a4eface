"""``center(x)``: subtract the mean learnt at fit time."""

from __future__ import annotations

import numpy as np

from bayessynth.design.transforms.base import State, Transform, register


def learn(values: np.ndarray) -> State:
    """Learn the mean."""
    return {"mean": float(np.mean(values))}


def apply(values: np.ndarray, state: State) -> np.ndarray:
    """Subtract the mean."""
    return values - state["mean"]


register(Transform("center", learn, apply))
