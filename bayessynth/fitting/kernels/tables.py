"""All arrays of a component's log density, as one argument of compiled functions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Tables(NamedTuple):
    """Arrays of a log density.

    Attributes
    ----------
    code, arguments, transform, bounds
        Priors of the numbers that have one of their own (:class:`bayessynth.fitting.kernels.priors.Elements`).
    predictors, terms, matrix, offsets, group_of, columns, columns_of, around
        Predictors and group-specific terms (:mod:`bayessynth.fitting.kernels.structure`).
    shapes : ndarray of shape (terms,)
        Eta of the LKJ prior of every term.
    scalars : ndarray of int64, shape (m, 3)
        Row of eta, place, and whether it is a share, of every parameter without a formula.
    categories, widest : ndarray of int64, shape (1,)
        Predictors side by side; the largest number of effects of a term.
    y, beside, constant, links, options, weights
        Arguments of the family's kernel.
    before, power, known : ndarray of shape (n,), or (0,) where no residual depends on another
        Position of the row before, the usual gaps since then and its value as the normal distribution has it; 0, -1 and
        anything where there is none before.
    rho : ndarray of int64, shape (1,)
        Place of the residuals' autocorrelation among the numbers, or -1.
    """

    code: np.ndarray
    arguments: np.ndarray
    transform: np.ndarray
    bounds: np.ndarray
    predictors: np.ndarray
    terms: np.ndarray
    matrix: np.ndarray
    offsets: np.ndarray
    group_of: np.ndarray
    columns: np.ndarray
    columns_of: np.ndarray
    around: np.ndarray
    shapes: np.ndarray
    scalars: np.ndarray
    categories: np.ndarray
    widest: np.ndarray
    y: np.ndarray
    beside: np.ndarray
    constant: np.ndarray
    links: np.ndarray
    options: np.ndarray
    weights: np.ndarray
    before: np.ndarray
    power: np.ndarray
    known: np.ndarray
    rho: np.ndarray
