"""``poly(x, degree)``: orthogonal polynomials.

The three-term recurrence of Kennedy & Gentle (1980), as R's ``poly`` keeps it: its coefficients are all that new
rows need.
"""

from __future__ import annotations

import numpy as np

from bayessynth.design.transforms.base import State, Transform, register


def learn(values: np.ndarray, degree: int = 2) -> State:
    """Learn the recurrence's coefficients ``alpha`` and squared norms for a polynomial of a degree."""
    centre = float(np.mean(values))
    alpha, norm2 = [], [float(len(values))]
    previous, current = np.zeros_like(values), np.ones_like(values)
    for _ in range(int(degree)):
        weight = float(current @ current)
        alpha.append(float((values - centre) @ (current * current)) / weight)
        ratio = weight / norm2[-2] if len(norm2) > 1 else 0.0
        previous, current = current, (values - centre - alpha[-1]) * current - ratio * previous
        norm2.append(float(current @ current))
    return {"centre": centre, "alpha": alpha, "norm2": norm2}


def apply(values: np.ndarray, state: State) -> np.ndarray:
    """Evaluate the normalised polynomials of degree 1 and up; shape (n, degree)."""
    norm2 = state["norm2"]
    previous, current = np.zeros_like(values), np.ones_like(values)
    columns = []
    for i, alpha in enumerate(state["alpha"]):
        ratio = norm2[i] / norm2[i - 1] if i else 0.0
        previous, current = current, (values - state["centre"] - alpha) * current - ratio * previous
        columns.append(current / np.sqrt(norm2[i + 1]))
    return np.column_stack(columns)


register(Transform("poly", learn, apply))
