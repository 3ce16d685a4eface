"""Means, spreads and collinearity of a predictor's columns, from sums of products."""

from __future__ import annotations

import numpy as np

from bayessynth.design import BoundEquation
from bayessynth.design.predictor import Measures
from bayessynth.suffstats.gram import Gram

# A spread so small beside the mean is rounding.
_ROUNDING = 1e-14


def measures_of(sums: Gram, drafted: BoundEquation) -> dict[str, Measures]:
    """Return what the predictor's columns are like, as :func:`bayessynth.design.predictor.measure` has it from rows.

    Parameters
    ----------
    sums : Gram
    drafted : BoundEquation

    Returns
    -------
    dict of str to Measures
        Of the one predictor that the equation has.
    """
    ((name, predictor),) = drafted.predictors.items()
    total, n = sums.moments.sum(axis=0), sums.n
    away = total[0] / n
    means = sums.shift + sums.scale * away
    variances = np.diag(total) / n - away**2
    sds = sums.scale * np.sqrt(np.maximum(variances, 0.0))
    sds[sds <= _ROUNDING * np.abs(means)] = 0.0
    means[0], sds[0] = 1.0, 0.0
    p = sum(term.width for term in predictor.terms)
    common = slice(1, 1 + p)
    units = np.where(sds > 0, sds, 1.0)
    centre = means if predictor.intercept else np.zeros(len(means))
    centre = np.concatenate([[0.0], centre[1:]])
    products = sums.about(centre, np.concatenate([[1.0], units[1:]])).moments.sum(axis=0)[common, common]
    columns = [[sums.columns.index(e) for e in group.effects] for group in predictor.groups]
    effects = tuple(np.array([means[at], sds[at], np.hypot(means[at], sds[at])]) for at in columns)
    return {name: Measures(means[common], sds[common], products, effects)}
