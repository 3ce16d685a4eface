"""Rows of normal and lognormal values within ends: -z² / 2 - log sigma - log(Φ(b) - Φ(a)), without -log y.

z, a and b are (· - mu) / sigma of the value and of the ends. With the densities over the mass α = φ(a) / (Φ(b) - Φ(a))
and β, the derivative in mu is (z + β - α) / sigma, that in log sigma z² - 1 + b β - a α, and minus the second one in mu
(1 - (b β - a α) - (β - α)²) / sigma², the variance of the truncated variable over sigma's fourth power.
"""

from __future__ import annotations

from numba import njit

from bayessynth.fitting.kernels.links import IDENTITY, mean
from bayessynth.fitting.kernels.special import exp, inlined, log, log1mexp, log_normal_cdf

# As bayessynth.families.normal_mass has them.
_NARROW, _FAR = 1e-5, 1e100
_HALF_LOG_2PI = 0.9189385332046727


@inlined
def standard(end, mu, inverse):
    """Return an end less mu over sigma, where squares are numbers."""
    return min(max((end - mu) * inverse, -_FAR), _FAR)


@inlined
def log_mass(a, b):
    """Return log(Φ(b) - Φ(a)), taken in the tail in which both ends lie, or of a narrow interval in its middle."""
    flip = a > 0.0
    low, high = (-b if flip else a), (-a if flip else b)
    middle, width = 0.5 * (low + high), high - low
    narrow = width * (1.0 + abs(middle)) < _NARROW
    top, _ = log_normal_cdf(high)
    bottom, _ = log_normal_cdf(low)
    rest, _ = log1mexp(min(bottom - top, -1e-300))
    near = middle if narrow else 0.0
    thin = -0.5 * near * near - _HALF_LOG_2PI + log(max(width, 1e-300))
    return thin if narrow else top + rest


@inlined
def row(link, y, lower, upper, location, log_sigma, inverse):
    """Return a row's log density, its derivatives in the location and log sigma, and minus the second one in it."""
    mu, first = mean(link, location)
    z, a, b = (y - mu) * inverse, standard(lower, mu, inverse), standard(upper, mu, inverse)
    mass = log_mass(a, b)
    alpha, beta = exp(-0.5 * a * a - _HALF_LOG_2PI - mass), exp(-0.5 * b * b - _HALF_LOG_2PI - mass)
    turn, spread = beta - alpha, b * beta - a * alpha
    pull, steep = z + turn, inverse * first
    bend = steep * (1.0 - spread - turn * turn)
    value = -0.5 * z * z - log_sigma - mass
    curvature = steep * (bend if link == IDENTITY else bend - pull)
    # Both ends are one number: the value is certain.
    certain = upper <= lower
    return (
        0.0 if certain else value,
        0.0 if certain else pull * steep,
        0.0 if certain else z * z - 1.0 + spread,
        0.0 if certain else curvature,
    )


@inlined
def _logarithm(end):
    return log(end) if end > 1e-300 and end < 1e300 else (-_FAR if end <= 1e-300 else _FAR)


@njit(cache=True, nogil=True, error_model="numpy")
def fill(link, logarithmic, same, y, beside, eta, logp, grad, curvature):
    """Fill the results; ``logarithmic`` says that values and ends count by their logarithms."""
    inverse = exp(-eta[1, 0])
    for i in range(y.shape[0]):
        log_sigma = eta[1, 0 if same else i]
        if not same:
            inverse = exp(-log_sigma)
        value, lower, upper = y[i], beside[i, 0], beside[i, 1]
        if logarithmic:
            value, lower, upper = log(value), _logarithm(lower), _logarithm(upper)
        logp[i], grad[0, i], grad[1, i], curvature[i] = row(link, value, lower, upper, eta[0, i], log_sigma, inverse)
