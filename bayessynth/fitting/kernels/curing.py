"""Rows of families with a cured share: what they make of the rows of the family of times (families/curing.py).

The last linear predictor is the logit of p, the probability of being susceptible. An event adds log p; a censored row's
L = log S becomes log(1 - p + p e^L), whose derivatives in the others are w times those of L, with w = p e^L /
(1 - p + p e^L).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from bayessynth.fitting.kernels import SIGNATURE
from bayessynth.fitting.kernels.exponential import rows as _exponential
from bayessynth.fitting.kernels.loglogistic import rows as _loglogistic
from bayessynth.fitting.kernels.lognormal import rows as _lognormal
from bayessynth.fitting.kernels.piecewise import rows as _piecewise
from bayessynth.fitting.kernels.weibull import rows as _weibull

NEVER = 1e100
EXPONENTIAL, WEIBULL, LOGLOGISTIC, LOGNORMAL, PIECEWISE = range(5)


@njit(cache=True, nogil=True, error_model="numpy")
def split(y, beside):
    """Return what the family of times sees: its rows without entry, and entries as censored times.

    Where the event never comes it sees any time, and the row is marked by -1 in the place of the event.
    """
    n = y.shape[0]
    own, late, entry, time = np.zeros((n, 4)), np.zeros((n, 4)), np.zeros(n), np.empty(n)
    for i in range(n):
        seen, never = beside[i, 0] > 0.0 if beside.shape[1] else True, y[i] >= NEVER
        time[i] = 1.0 if never else y[i]
        own[i, 0] = -1.0 if never else 1.0 if seen else 0.0
        if beside.shape[1]:
            own[i, 2], entry[i] = beside[i, 2], beside[i, 1]
        if beside.shape[1] > 3:
            own[i, 3], late[i, 3] = beside[i, 3], beside[i, 3]
    return time, own, late, entry


@njit(cache=True, nogil=True, error_model="numpy")
def _mixed(eta, log_survival):
    """Return log(1 - p + p S), w and p."""
    far = math.log1p(math.exp(-abs(eta)))
    log_p, log_q = -far + min(eta, 0.0), -far - max(eta, 0.0)
    a, b = log_q, log_p + log_survival
    high = max(a, b)
    value = high + math.log(math.exp(a - high) + math.exp(b - high))
    return value, math.exp(b - value), math.exp(log_p)


@njit(cache=True, nogil=True, error_model="numpy")
def mix(seen, entry, eta, same, sign, logp, grad, curvature, shares):
    """Turn censored rows, and with ``sign`` -1 entries, into those with a cured share.

    ``logp``, ``grad`` (P, n) and ``curvature`` hold the family of times' own, and are overwritten; ``shares`` (n,) gets
    what derivatives were multiplied by.
    """
    last = grad.shape[0] - 1
    for i in range(logp.shape[0]):
        at = eta[last, 0 if same else i]
        if sign < 0.0 and entry[i] <= 0.0:
            logp[i], curvature[i], shares[i] = 0.0, 0.0, 0.0
            grad[:, i] = 0.0
            continue
        value, w, p = _mixed(at, -math.inf if seen[i, 0] < 0.0 else logp[i])
        if sign > 0.0 and seen[i, 0] > 0.0:
            logp[i] += -math.log1p(math.exp(-abs(at))) + min(at, 0.0)
            grad[last, i], shares[i] = 1.0 - p, 1.0
            continue
        first = grad[0, i]
        logp[i], shares[i], grad[last, i] = value, w, w - p
        for j in range(last):
            grad[j, i] = w * grad[j, i] if w > 0.0 else 0.0
        curvature[i] = w * curvature[i] - (w * first) * ((1.0 - w) * first) if w > 0.0 else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _times(code, y, beside, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector, curvature):
    """Fill the results of a family of times."""
    if code == EXPONENTIAL:
        _exponential(y, beside, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector,
                     curvature)  # fmt: skip
    elif code == WEIBULL:
        _weibull(y, beside, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector, curvature)
    elif code == LOGLOGISTIC:
        _loglogistic(y, beside, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector,
                     curvature)  # fmt: skip
    elif code == LOGNORMAL:
        _lognormal(y, beside, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector, curvature)
    else:
        _piecewise(y, beside, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector, curvature)


@njit(cache=True, nogil=True, error_model="numpy")
def _mixture(code, y, seen, entry, sign, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector,
             curvature):  # fmt: skip
    """Fill the results of a family of times with a cured share: of its rows, or with ``sign`` -1 of entries."""
    n, last = y.shape[0], eta.shape[0] - 1
    shares, unweighted = np.empty(n), np.empty(0)
    _times(code, y, seen, eta[:last], constant[:last], links[:last], vector, options, unweighted, order, logp,
           grad[:last], grad_vector, curvature)  # fmt: skip
    mix(seen, entry, eta, constant[last], sign, logp, grad, curvature, shares)
    if order > 0 and vector.shape[0]:
        # Sums over rows of derivatives in the baseline count each row by what the mixture makes of it.
        if weight.shape[0]:
            shares *= weight
        unused, slope, other = np.empty(n), np.empty((last, n)), np.empty(n)
        _times(code, y, seen, eta[:last], constant[:last], links[:last], vector, options, shares, 1, unused, slope,
               grad_vector, other)  # fmt: skip


def rows_of(code: int) -> Any:
    """Return the kernel of a family of times with a cured share.

    It closes over a number, which is part of what its compiled code is cached by; over a function it would be compiled
    anew in every process.
    """

    @njit(SIGNATURE, cache=True, nogil=True, error_model="numpy")
    def rows(y, beside, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector, curvature):
        """Fill log density, gradient and curvature of every row (:mod:`bayessynth.fitting.kernels`)."""
        time, own, late, entry = split(y, beside)
        _mixture(code, time, own, entry, 1.0, eta, constant, links, vector, options, weight, order, logp, grad,
                 grad_vector, curvature)  # fmt: skip
        if beside.shape[1] == 0 or entry.max() <= 0.0:
            return
        n = y.shape[0]
        before, slopes, bend, sums = np.empty(n), np.zeros(grad.shape), np.empty(n), np.empty(vector.shape[0])
        _mixture(code, entry, late, entry, -1.0, eta, constant, links, vector, options, weight, order, before, slopes,
                 sums, bend)  # fmt: skip
        for i in range(n):
            logp[i] -= before[i]
            curvature[i] -= bend[i]
            for j in range(grad.shape[0]):
                grad[j, i] -= slopes[j, i]
        if order > 0:
            for j in range(vector.shape[0]):
                grad_vector[j] -= sums[j]

    return rows
