"""Shared group effects found in bound equations, and drawn for new groups."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from bayessynth.design.bound import BoundEquation
from bayessynth.design.linear import Values, new_effects, root_of
from bayessynth.design.predictor import GroupDesign
from bayessynth.design.priors import LKJ_SHAPE
from bayessynth.design.shared import Member, Shared
from bayessynth.errors import SpecError
from bayessynth.families import Prior
from bayessynth.spec import Equation


def shared_keys(equation: Equation) -> set[str]:
    """Return the keys of ``priors=`` that are of effects which an equation shares.

    >>> shared_keys(Equation("y ~ (1 |p| site)"))
    {'site_p_corr'}
    """
    formulas = (equation.formula, *equation.distributional.values())
    return {f"{term.group}_{term.shared}_corr" for f in formulas for term in f.groups if term.shared}


def find_shared(equations: Sequence[BoundEquation], declared: Sequence[Equation]) -> tuple[Shared, ...]:
    """Collect the terms that share effects, by their ids.

    Parameters
    ----------
    equations : sequence of BoundEquation
    declared : sequence of Equation
        With the priors that the user gives.

    Raises
    ------
    SpecError
        If two equations give their common correlation different priors, or one that is none of correlations.
    """
    found: dict[str, list[tuple[Member, GroupDesign, str]]] = {}
    for equation in equations:
        for parameter, predictor in equation.predictors.items():
            inner = equation.prefixes[parameter].removeprefix(f"{equation.response}_")
            for i, group in enumerate(predictor.groups):
                if group.shared:
                    own = Member(equation.response, parameter, i, group.effects)
                    found.setdefault(group.shared, []).append((own, group, inner))
    return tuple(_shared(name, terms, declared) for name, terms in found.items())


def _shared(name: str, terms: Sequence[tuple[Member, GroupDesign, str]], declared: Sequence[Equation]) -> Shared:
    factor = terms[0][1].factor
    labels = tuple(f"{m.response}: {inner}{e}" for m, _, inner in terms for e in m.effects)
    key = f"{factor}_{name}_corr"
    prior, owner = Prior("LKJ", eta=LKJ_SHAPE), None
    for equation in declared:
        own = equation.priors.get(key)
        if own is None:
            continue
        if own.name != "LKJ":
            raise SpecError(f"Equation for {equation.response!r}: the prior of {key!r} must be LKJ(…), not {own}.")
        if owner is not None and own != prior:
            raise SpecError(
                f"The equations for {owner!r} and {equation.response!r} give {key!r}, the correlation of effects that "
                f"they share, different priors: {prior} and {own}. Give it one, in one of them."
            )
        prior, owner = own, equation.response
    return Shared(name, factor, prior, tuple(m for m, *_ in terms), labels)


def draw_new_effects(
    equations: Sequence[BoundEquation], shared: Sequence[Shared], values: Values, sizes: Mapping[str, int],
    rng: np.random.Generator, among: Collection[str] | None = None,
) -> dict[str, dict[tuple[str, int], np.ndarray]]:  # fmt: skip
    """Draw the effects of new groups of all equations at one draw, those with a common id jointly.

    Parameters
    ----------
    equations : sequence of BoundEquation
        All that have parameters or groups.
    shared : sequence of Shared
    values : mapping of str to ndarray
        One draw of every variable.
    sizes : mapping of str to int
        Number of groups, by factor.
    rng : Generator
    among : collection of str, optional
        Equations whose effects are wanted; of others only those that are correlated with them are drawn.

    Returns
    -------
    dict
        By response, predictor and position: effects, shape (groups, effects).
    """
    wanted = [e for e in equations if e.factors and (among is None or e.response in among)]
    found = {e.response: new_effects(e, values, sizes, rng) for e in wanted}
    prefixes = {e.response: e.prefixes for e in equations}
    for block in shared:
        if not found.keys() & set(block.responses):
            continue
        z = rng.standard_normal((sizes[block.factor], len(block.labels)))
        effects = z @ root_of(values[block.name]).T * block.deviations(values, prefixes)
        start = 0
        for member in block.members:
            stop = start + len(member.effects)
            found.setdefault(member.response, {})[member.key] = effects[:, start:stop]
            start = stop
    return found
