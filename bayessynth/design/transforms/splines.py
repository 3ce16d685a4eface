"""``bs(x, df, degree)`` and ``cr(x, df)``: B-splines and natural cubic splines.

Inner knots stand at quantiles, boundaries just outside the data; all are rounded, so that none is one record's
value. Outside the boundaries both go on linearly: a synthetic record may lie there, and a cubic would run away.
"""

from __future__ import annotations

import numpy as np
from scipy.interpolate import BSpline, CubicSpline

from bayessynth.design.transforms.base import State, Transform, outward, register, rounded
from bayessynth.errors import FormulaError


def _knots(values: np.ndarray, inner: int) -> tuple[float, float, list[float]]:
    low, high = outward(float(np.min(values)), float(np.max(values)))
    quantiles = np.quantile(values, np.arange(1, inner + 1) / (inner + 1))
    knots = sorted({_apart(rounded(float(q) - low, 3) + low, values, (high - low) / 1000) for q in quantiles})
    return low, high, [k for k in knots if low < k < high]


def _apart(knot: float, values: np.ndarray, step: float) -> float:
    """Move a knot by ever smaller steps until no record has its value."""
    while (values == knot).any():
        knot, step = knot + step, step / 10
    return knot


def _linear_outside(values: np.ndarray, low: float, high: float, at: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Add to the basis at the clipped values its slope at the boundary times the distance beyond."""
    beyond = values - np.clip(values, low, high)
    if not beyond.any():
        return at
    ends = np.where(beyond[:, None] < 0, slope[0], slope[1])
    return at + beyond[:, None] * ends


def learn_bs(values: np.ndarray, df: int = 6, degree: int = 3) -> State:
    """Place the knots of a B-spline with ``df`` columns."""
    if df < degree:
        raise FormulaError(f"bs(…, df={df}, degree={degree}): df must be at least the degree.")
    low, high, inner = _knots(values, int(df) - int(degree))
    return {"low": low, "high": high, "inner": inner, "degree": int(degree)}


def apply_bs(values: np.ndarray, state: State) -> np.ndarray:
    """Evaluate the B-spline basis without its first column (the intercept's); shape (n, df)."""
    low, high, degree = state["low"], state["high"], state["degree"]
    knots = np.array([low] * (degree + 1) + list(state["inner"]) + [high] * (degree + 1))
    basis = BSpline.design_matrix(np.clip(values, low, high), knots, degree).toarray()
    spline = BSpline(knots, np.eye(len(knots) - degree - 1), degree)
    slope = spline.derivative()(np.array([low, high]))
    return _linear_outside(values, low, high, basis, slope)[:, 1:]


def learn_cr(values: np.ndarray, df: int = 4) -> State:
    """Place the knots of a natural cubic spline with ``df`` columns."""
    low, high, inner = _knots(values, int(df) - 1)
    return {"knots": [low, *inner, high]}


def apply_cr(values: np.ndarray, state: State) -> np.ndarray:
    """Evaluate the cardinal natural splines without the first (the others and an intercept span it)."""
    knots = np.asarray(state["knots"])
    spline = CubicSpline(knots, np.eye(len(knots)), bc_type="natural")
    slope = spline(knots[[0, -1]], 1)
    basis = spline(np.clip(values, knots[0], knots[-1]))
    return _linear_outside(values, knots[0], knots[-1], basis, slope)[:, 1:]


register(Transform("bs", learn_bs, apply_bs))
register(Transform("cr", learn_cr, apply_cr))
