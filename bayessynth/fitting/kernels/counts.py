"""Log probabilities of counts with derivatives in the log mean, shared by plain, zero-inflated and hurdle families."""

from __future__ import annotations

import numpy as np
from numba import njit

from bayessynth.fitting.kernels.links import positive
from bayessynth.fitting.kernels.special import exp, inlined, log1mexp, log1p, log_add, logistic, stirling

# The bound of the families' log density: above it the negative binomial is its Poisson limit.
_MAX_SHAPE = 1e10


@inlined
def poisson(y, log_mu):
    """Return the log probability without -log y!, its first and second derivative in the log mean, and 0."""
    mu = exp(log_mu)
    return y * log_mu - mu, y - mu, -mu, 0.0


@inlined
def rising(y, alpha, log_alpha):
    """Return log(Γ(y + α) / (Γ(α) α^y)) and α times its derivative in α.

    Through Stirling's remainders, which keep all digits where α is large and two log gammas would cancel: the
    logarithm is (y + α) log(1 + y / α) - y - S(y + α) + S(α).
    """
    whole, near = y + alpha, log1p(min(y / alpha, 1e307))
    own, own_slope = stirling(alpha, log_alpha)
    other, other_slope = stirling(whole, log_alpha + near)
    return whole * near - y - other + own, alpha * near - y + own_slope - alpha / whole * other_slope


@njit(cache=True, nogil=True, error_model="numpy")
def fill_rising(y, log_alpha, same, raised, slope):
    """Fill ``raised`` and ``slope`` (n,) with :func:`rising`; ``same`` says that all rows have the first shape.

    With one shape, what depends on it and on a count alone is found once for every count.
    """
    n, highest = y.shape[0], 0.0
    if not same:
        for i in range(n):
            raised[i], slope[i] = rising(y[i], positive(log_alpha[i]), log_alpha[i])
        return
    alpha = positive(log_alpha[0])
    for i in range(n):
        highest = max(highest, y[i])
    if highest >= n:
        for i in range(n):
            raised[i], slope[i] = rising(y[i], alpha, log_alpha[0])
        return
    counts = int(highest) + 1
    table, slopes = np.empty(counts), np.empty(counts)
    for k in range(counts):
        table[k], slopes[k] = rising(float(k), alpha, log_alpha[0])
    for i in range(n):
        raised[i], slope[i] = table[int(y[i])], slopes[int(y[i])]


@inlined
def negative_binomial(y, log_mu, alpha, log_alpha, raised, raised_slope):
    """Return the log probability without -log y!, its first and second derivative in log mean, that in log shape.

    ``raised`` and ``raised_slope`` are what :func:`rising` returns. With p = mu / (mu + α) the log probability is
    raised + y log mu + (y + α) log(1 - p).
    """
    _, log_q, p, q = logistic(log_mu - log_alpha)
    whole = y + alpha
    limit = poisson(y, log_mu)
    far = alpha > _MAX_SHAPE
    return (
        limit[0] if far else raised + y * log_mu + whole * log_q,
        limit[1] if far else y * q - alpha * p,
        limit[2] if far else -whole * p * q,
        0.0 if far else raised_slope + alpha * log_q + whole * p,
    )


@inlined
def zero_inflated(y, count, zero, share):
    """Return a zero-inflated log probability with its derivatives.

    Parameters
    ----------
    y : float
    count, zero : tuple of 4 float
        Of the count's distribution at y and at 0: log probability, first and second derivative in the log mean,
        derivative in the log shape.
    share : tuple of 6 float
        What ``links.log_share`` returns for the share of counts.

    Returns
    -------
    tuple of 5 float
        Log probability, first and second derivative in the log mean, derivative in the log shape and in the share's
        predictor.
    """
    total, none, w = log_add(share[1], share[0] + zero[0])
    some = y > 0.0
    second = w * zero[2] + w * none * zero[1] * zero[1]
    return (
        share[0] + count[0] if some else total,
        count[1] if some else w * zero[1],
        count[2] if some else second,
        count[3] if some else w * zero[3],
        share[2] if some else none * share[3] + w * share[2],
    )


@inlined
def hurdle(y, count, zero, share):
    """Return a hurdle's log probability with its derivatives, as :func:`zero_inflated`.

    A count is above zero with probability 1 - exp(zero[0]).
    """
    above, odds = log1mexp(min(zero[0], -1e-307))
    some = y > 0.0
    # The odds are large where the slope is small.
    turn = odds * zero[1]
    return (
        share[0] + count[0] - above if some else share[1],
        count[1] + turn if some else 0.0,
        count[2] + turn * (zero[1] + turn) + odds * zero[2] if some else 0.0,
        count[3] + odds * zero[3] if some else 0.0,
        share[2] if some else share[3],
    )
