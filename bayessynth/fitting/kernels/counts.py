"""Log probabilities of counts with derivatives in the log mean, shared by plain, zero-inflated and hurdle families."""

from __future__ import annotations

import math

from numba import njit

from bayessynth.fitting.kernels.special import digamma

# The bound of the families' log density: above it the negative binomial is its Poisson limit.
_MAX_SHAPE = 1e10
# Up to this count a product of shapes is shorter than two log gammas, and loses no digits.
_SHORT = 16


@njit(cache=True, nogil=True, error_model="numpy")
def poisson(y, log_mu):
    """Return the log probability without -log y!, and its first and second derivative in the log mean."""
    mu = math.exp(log_mu)
    return y * log_mu - mu, y - mu, -mu


@njit(cache=True, nogil=True, error_model="numpy")
def rising(y, alpha):
    """Return log Γ(y + α) - log Γ(α) and its derivative in α."""
    if y <= _SHORT:
        product, slope = 1.0, 0.0
        for k in range(int(y)):
            product *= alpha + k
            slope += 1.0 / (alpha + k)
        return math.log(product), slope
    return math.lgamma(y + alpha) - math.lgamma(alpha), digamma(y + alpha) - digamma(alpha)


@njit(cache=True, nogil=True, error_model="numpy")
def negative_binomial(y, log_mu, alpha, log_rising, rising_slope):
    """Return the log probability without -log y!, its first and second derivative in the log mean, that in alpha.

    ``log_rising`` and ``rising_slope`` are what :func:`rising` returns.
    """
    if alpha > _MAX_SHAPE:
        value, first, second = poisson(y, log_mu)
        return value, first, second, 0.0
    mu = math.exp(log_mu)
    whole = mu + alpha
    near = math.log1p(mu / alpha)
    # y log(mu) - y log(mu + alpha) - alpha log(1 + mu / alpha), the alpha of y log(alpha (1 + mu / alpha)) taken out.
    value = log_rising + y * (log_mu - math.log(alpha)) - (y + alpha) * near
    first = alpha * (y - mu) / whole
    second = -(y + alpha) * (mu / whole) * (alpha / whole)
    return value, first, second, rising_slope - near + (mu - y) / whole


@njit(cache=True, nogil=True, error_model="numpy")
def zero_inflated(y, count, zero, share):
    """Return a zero-inflated log probability with its derivatives.

    Parameters
    ----------
    y : float
    count, zero : tuple of 4 float
        Of the count's distribution at y and at 0: log probability, first and second derivative in the log mean,
        derivative in the shape.
    share : tuple of 6 float
        What ``links.log_share`` returns for the share of counts.

    Returns
    -------
    tuple of 5 float
        Log probability, first and second derivative in the log mean, derivative in the shape and in the share's
        predictor.
    """
    if y > 0:
        return share[0] + count[0], count[1], count[2], count[3], share[2]
    a, b = share[1], share[0] + zero[0]
    top = max(a, b)
    total = top + math.log(math.exp(a - top) + math.exp(b - top))
    w = math.exp(b - total)
    second = w * zero[2] + w * (1.0 - w) * zero[1] * zero[1]
    return total, w * zero[1], second, w * zero[3], (1.0 - w) * share[3] + w * share[2]


@njit(cache=True, nogil=True, error_model="numpy")
def hurdle(y, count, zero, share):
    """Return a hurdle's log probability with its derivatives, as :func:`zero_inflated`."""
    if y == 0:
        return share[1], 0.0, 0.0, 0.0, share[3]
    # The count is above zero with probability 1 - exp(zero[0]).
    odds = 1.0 / math.expm1(-zero[0])
    above = math.log(-math.expm1(zero[0]))
    second = count[2] + odds * (1.0 + odds) * zero[1] * zero[1] + odds * zero[2]
    return share[0] + count[0] - above, count[1] + odds * zero[1], second, count[3] + odds * zero[3], share[2]
