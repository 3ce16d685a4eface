"""A column whose residuals depend on those of the unit's row before, one row after another."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bayessynth import families
from bayessynth.design import BoundEquation, Effects, frame_of, parameters
from bayessynth.design.autoregression import innovation, rho_of
from bayessynth.schema.decode import released
from bayessynth.synthesis.generate import Plan, Within, reads


def draw_following(
    plan: Plan, equation: BoundEquation, arrays: Mapping[str, np.ndarray], units: Within, rng: np.random.Generator,
    before: np.ndarray | None, elapsed: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Draw one row of every unit.

    Parameters
    ----------
    plan : Plan
    equation : BoundEquation
    arrays : mapping of str to ndarray
        What is known of these rows.
    units : Within
    rng : Generator
    before : ndarray of shape (n,) or None
        Residuals of the rows before; None where there are none yet.
    elapsed : ndarray of shape (n,)
        Time since these rows.

    Returns
    -------
    tuple of ndarray of shape (n,)
        The values, and their residuals.
    """
    n, family = len(elapsed), families.get(equation.family)
    assert family.gaussian is not None and equation.ar is not None
    frame = frame_of(plan.bound.schema, {c: arrays[c] for c in reads(equation)})
    effects = Effects(plan.effects.get(equation.response, {}), {f: units.within(f) for f in equation.factors})
    given = parameters(equation, frame, n, plan.values, effects)
    mean, first = given["mu"], before is None
    power = np.ones(n) if first else elapsed / equation.ar
    near = np.round(power)
    # As in the fit: powers of a negative number are those of a whole one.
    power = np.where(np.abs(power - near) < 1e-6, near, power)
    share, scale = innovation(rho_of(equation, plan.values), power, first)
    known = {**given, "mu": mean + (0.0 if before is None else share * before), "sigma": given["sigma"] * scale}
    drawn = released(family.sample(rng, n, **known), plan.bound.schema[equation.column])
    return drawn, family.gaussian(drawn) - mean
