"""Sums of products of rows that depend on the row before, at any autocorrelation ρ.

With w = (v - r v_before) / s, r = ρ^p the share of the residual before that stays and s the innovation's standard
deviation over σ, rows w are independent given ρ, and their sums of products are those of three products of v and
v_before, whatever ρ is: the cost of a density does not depend on how many rows a unit has p usual gaps apart.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from bayessynth.fitting.kernels import following, gaussian


class Cells(NamedTuple):
    """Products of rows with themselves (0), with those before (1; both ways) and of those before (2).

    Attributes
    ----------
    rho : ndarray of int64, shape (1,)
        Place of ρ among the numbers.
    group : ndarray of int64, shape (C,)
        Group of the primary factor of every cell.
    place : ndarray of int64, shape (C,)
        Which of ``powers`` lies before its rows.
    own : ndarray of shape (3, C, q, q + P + 1)
        Products of the primary factor's columns with themselves, the dense columns and the response.
    powers : ndarray of shape (K,)
        Usual gaps since the row before, -1 where there is none; each that occurs, once.
    counts : ndarray of shape (K,)
        Rows that follow so many gaps later.
    dense : ndarray of shape (3, K, P + 1, P + 1)
        Products of the dense columns and the response.
    """

    rho: np.ndarray
    group: np.ndarray
    place: np.ndarray
    own: np.ndarray
    powers: np.ndarray
    counts: np.ndarray
    dense: np.ndarray


@njit(cache=True, nogil=True, error_model="numpy")
def _fresh(sums):
    """Return sums of products to be filled; all else is shared."""
    return gaussian.Sums(
        sums.code, sums.arguments, sums.transform, sums.bounds, sums.places, sums.shapes, sums.factors, sums.n,
        np.empty_like(sums.zz), np.empty_like(sums.zd), np.empty_like(sums.zy), np.empty_like(sums.dd),
        np.empty_like(sums.dy), np.empty_like(sums.yy), sums.centre, sums.precision,
    )  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy")
def _fill(cells, sums, theta, made):
    """Fill the sums of whitened rows at a point; return the log determinant of the whitening."""
    place = cells.rho[0]
    low, high = sums.bounds[place]
    rho, total = low + (high - low) / (1.0 + math.exp(-theta[place])), 0.0
    p, count = made.dy.shape[0], cells.powers.shape[0]
    shares, weights = np.empty(count), np.empty(count)
    for part in (made.zz, made.zd):
        part[:] = 0.0
    made.zy[:] = 0.0
    made.dd[:] = 0.0
    made.dy[:] = 0.0
    made.yy[:] = 0.0
    for k in range(count):
        share, scale, _, _ = following.innovation(rho, cells.powers[k])
        weight = math.exp(-2.0 * scale)
        total -= cells.counts[k] * scale
        shares[k], weights[k] = share, weight
        for a in range(p + 1):
            for b in range(a + 1):
                value = weight * (cells.dense[0, k, a, b] - share * (cells.dense[1, k, a, b]
                                                                     - share * cells.dense[2, k, a, b]))  # fmt: skip
                if a < p:
                    made.dd[a, b] += value
                elif b < p:
                    made.dy[b] += value
                else:
                    made.yy[0] += value
    for a in range(p):
        for b in range(a):
            made.dd[b, a] = made.dd[a, b]
    _fill_groups(cells, shares, weights, made)
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _fill_groups(cells, shares, weights, made):
    q, p = made.zy.shape[1], made.dy.shape[0]
    for c in range(cells.group.shape[0]):
        share, weight, g = shares[cells.place[c]], weights[cells.place[c]], cells.group[c]
        for a in range(q):
            for b in range(q + p + 1):
                value = weight * (cells.own[0, c, a, b] - share * (cells.own[1, c, a, b]
                                                                   - share * cells.own[2, c, a, b]))  # fmt: skip
                if b < q:
                    made.zz[g, a, b] += value
                elif b < q + p:
                    made.zd[g, a, b - q] += value
                else:
                    made.zy[g, a] += value


@njit(cache=True, nogil=True, error_model="numpy")
def values(cells, sums, thetas, out):
    """Fill ``out`` (S,) with the log densities of standard deviations, correlations and ρ, shape (S, d)."""
    made = _fresh(sums)
    for i in range(thetas.shape[0]):
        total = _fill(cells, sums, thetas[i], made)
        gaussian.values(made, thetas[i : i + 1], out[i : i + 1])
        out[i] += total


@njit(cache=True, nogil=True, error_model="numpy")
def draws(cells, sums, thetas, normal, dense, effects):
    """Draw coefficients and effects given each point, as :func:`bayessynth.fitting.kernels.gaussian.draws`."""
    made = _fresh(sums)
    for i in range(thetas.shape[0]):
        _fill(cells, sums, thetas[i], made)
        one = slice(i, i + 1)
        gaussian.draws(made, thetas[one], normal[one], dense[one], effects[one])
