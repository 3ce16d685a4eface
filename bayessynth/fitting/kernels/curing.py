"""Rows of families with a cured share: what they make of the rows of the family of times (families/curing.py).

The last linear predictor is the logit of p, the probability of being susceptible. An event adds log p; a censored row's
L = log S becomes log(1 - p + p e^L), whose derivatives in the others are w times those of L, with w = p e^L /
(1 - p + p e^L).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

NEVER = 1e100


@njit(cache=True, nogil=True, error_model="numpy")
def split(y, beside):
    """Return what the family of times sees: its rows without entry, and entries as censored times.

    Where the event never comes it sees any time, and the row is marked by -1 in the place of the event.
    """
    n = y.shape[0]
    own, late, entry, time = np.zeros((n, 3)), np.zeros((n, 3)), np.zeros(n), np.empty(n)
    for i in range(n):
        seen, never = beside[i, 0] > 0.0 if beside.shape[1] else True, y[i] >= NEVER
        time[i] = 1.0 if never else y[i]
        own[i, 0] = -1.0 if never else 1.0 if seen else 0.0
        if beside.shape[1]:
            own[i, 2], entry[i] = beside[i, 2], beside[i, 1]
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
