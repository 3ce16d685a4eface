"""Default priors of an equation, scaled to the data, and their names.

Weakly informative in the sense of Gelman et al. (2008) and of rstanarm's and bambi's defaults: a coefficient's
standard deviation is 2.5 spreads of the linear predictor for one standard deviation of its column. Group standard
deviations are half-normal, not half-t: new groups are generated from them, and a heavy tail would give, with few
groups, records that nobody believes.
"""

from __future__ import annotations

from collections.abc import Mapping, Set

import numpy as np

from bayessynth.design.predictor import Predictor
from bayessynth.errors import SpecError, suggest
from bayessynth.families import Family, Prior, Summary
from bayessynth.families.prior import REAL

# Standard deviations of the linear predictor that a coefficient may plausibly move it by (rstanarm, bambi).
REACH = 2.5
# LKJ's shape: 1 is uniform over correlation matrices, 2 keeps few groups off the boundary of ±1.
LKJ_SHAPE = 2


def default_priors(
    family: Family, links: Mapping[str, str], predictors: Mapping[str, Predictor], summary: Summary, n_levels: int,
    options: Mapping[str, object],
) -> dict[str, Prior]:  # fmt: skip
    """Return every parameter's default prior, by the name that ``priors=`` uses."""
    priors: dict[str, Prior] = {}
    for i, parameter in enumerate(family.parameters):
        if parameter.name in predictors:
            location, spread = parameter.predictor(summary, links[parameter.name])
            prefix = "" if i == 0 else f"{parameter.name}_"
            has_intercept = predictors[parameter.name].intercept and (i > 0 or family.intercept)
            found = _of_predictor(predictors[parameter.name], prefix, has_intercept, location, spread)
        else:
            found = {} if parameter.prior is None else {parameter.name: parameter.prior(summary)}
        _check_names(predictors, priors.keys() & found.keys())
        priors |= found
    for vector in family.vectors:
        if vector.length(n_levels, options):
            _check_names(predictors, priors.keys() & {vector.name})
            priors[vector.name] = vector.prior
    return priors


def _check_names(predictors: Mapping[str, Predictor], twice: Set[str]) -> None:
    """Refuse a predictor that is called like another parameter of its equation, such as a column ``sigma``."""
    for name in sorted(twice):
        columns = [c for p in predictors.values() for t in p.terms for c in t.term.columns if c in name]
        raise SpecError(
            f"The equation would have two parameters {name!r}, one of them the coefficient of {', '.join(columns)}; "
            "rename that column."
        )


def _of_predictor(
    predictor: Predictor, prefix: str, has_intercept: bool, location: float, spread: float
) -> dict[str, Prior]:
    priors: dict[str, Prior] = {}
    if has_intercept:
        priors[f"{prefix}Intercept"] = Prior("Normal", mu=_short(location), sigma=_short(REACH * spread))
    for term in predictor.terms:
        sds = np.asarray(predictor.sds)[predictor.slices[term.name]]
        # The columns of a category are on the scale of one unit; a rare level must not widen its prior.
        scale = 1.0 if all(f.levels is not None for f in term.factors) else float(np.sqrt(np.mean(sds**2))) or 1.0
        priors[f"{prefix}{term.name}"] = Prior("Normal", mu=0, sigma=_short(REACH * spread / scale))
    for group in predictor.groups:
        for effect, scale in zip(group.effects, group.scales, strict=True):
            priors[f"{prefix}{effect}|{group.factor}_sd"] = Prior("HalfNormal", sigma=_short(spread / (scale or 1.0)))
        if group.correlated:
            priors[f"{prefix}{group.factor}_corr"] = Prior("LKJ", eta=LKJ_SHAPE)
    return priors


def _short(value: float) -> float:
    """Keep three significant digits: priors are printed and read."""
    return float(f"{value:.3g}")


def merge_priors(
    column: str, declared: Mapping[str, Prior], defaults: Mapping[str, Prior], ordered: frozenset[str] = frozenset()
) -> dict[str, Prior]:
    """Put declared priors in place of the defaults.

    ``ordered`` names the parameters (thresholds, steps of a walk) that take, beside their default, any prior of one
    number on all real numbers.

    Raises
    ------
    SpecError
        If a declared prior names no parameter of the equation, or gives mass where the parameter cannot lie.
    """
    for name, prior in declared.items():
        if name not in defaults:
            raise SpecError(
                f"Equation for {column!r} has no parameter {name!r} to give a prior to.{suggest(name, defaults)} "
                f"It has: {', '.join(defaults) or 'none'}."
            )
        default = defaults[name]
        matrix = {"LKJ", "Dirichlet", "MvStudentT"}
        if name in ordered and prior.support == REAL and prior.name not in matrix - {default.name}:
            continue
        if (prior.name in matrix or default.name in matrix) and prior.name != default.name:
            raise SpecError(f"Equation for {column!r}: the prior of {name!r} must be {default.name}(…), not {prior}.")
        if prior.name not in matrix and (
            prior.support[0] < default.support[0] or prior.support[1] > default.support[1]
        ):
            raise SpecError(
                f"Equation for {column!r}: prior {prior} of {name!r} reaches outside {default.support}, where the "
                f"parameter lies; for example {default}."
            )
    return {name: declared.get(name, default) for name, default in defaults.items()}
