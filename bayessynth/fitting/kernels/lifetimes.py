"""Rows of times until an event, by the standard distribution of z = slope (log y - location).

G is the cumulative hazard of z, g = G' its hazard; all that a row needs follows from G, log g, g and the first two
derivatives of log g. An event at y: log slope + log g - G, without -log y; right-censored: -G; in (y, upper]:
log(exp(-G(y)) - exp(-G(upper))); each plus G at entry.
"""

from __future__ import annotations

from numba import njit

from bayessynth.fitting.kernels.special import exp, inlined, log, log1mexp, log_normal_cdf, logistic

GUMBEL, LOGISTIC, NORMAL = range(3)
_HALF_LOG_2PI = 0.9189385332046727
# Within it exp() is neither 0 nor infinite, as the links of generation hold it.
_MAX_LOG = 700.0
# Beyond the first the normal hazard is a series in 1 / z; the square of the second is a number.
_SERIES, _FAR = 100.0, 1e150
# Least difference of two cumulative hazards, and as a share of them: its inverse is a number, and so is their ratio.
_LEAST, _SAME = 1e-300, 1e-16


@inlined
def place(standard, slope, t, location):
    """Return z of a time above 0, held where products with its hazard are numbers."""
    return min(max(slope * (log(t) - location), -_FAR), _MAX_LOG if standard == GUMBEL else _FAR)


@inlined
def hazard(standard, z):
    """Return G, log g, g, and the first and second derivative of log g."""
    if standard == GUMBEL:
        g = exp(z)
        return g, z, g, 1.0, 0.0
    if standard == LOGISTIC:
        log_p, log_q, p, q = logistic(z)
        return -log_q, log_p, p, q, -p * q
    log_q, ratio = log_normal_cdf(-z)
    far = z > _SERIES
    x = 1.0 / z if far else 0.0
    s = x * x
    # Far out the hazard is z + 1 / z - 2 / z³ + …, and its difference to z has no digits left.
    slope = x * (1.0 - s * (2.0 - s * (10.0 - 74.0 * s))) if far else ratio - z
    second = -s * (1.0 - s * (6.0 - s * (50.0 - 518.0 * s))) if far else ratio * slope - 1.0
    log_g = log(ratio) if z > 0.0 else -0.5 * z * z - _HALF_LOG_2PI - log_q
    return -log_q, log_g, ratio, slope, second


@inlined
def interval(low, low_g, low_slope, high, high_g, high_slope):
    """Return log(exp(-low) - exp(-high)) for cumulative hazards, its derivatives in both z, and the second one of both.

    The last is that of moving both z together.
    """
    inside, odds = log1mexp(min(low - high, -_LEAST - _SAME * high))
    gap = low_g - high_g
    second = -(1.0 + odds) * low_slope + odds * high_slope - (odds * gap) * ((1.0 + odds) * gap)
    return inside - low, -(1.0 + odds) * low_g, odds * high_g, second


@inlined
def row(standard, y, beside, i, location, log_slope, slope):
    """Return a row's log density, its derivatives in z and in the log slope, and minus the second one in z."""
    seen, entry, upper = True, 0.0, 0.0
    if beside.shape[1]:
        seen, entry, upper = beside[i, 0] > 0.0, beside[i, 1], beside[i, 2]
    z = place(standard, slope, y, location) if y > 0.0 else -_MAX_LOG
    cumulative, log_g, g, first, second = hazard(standard, z)
    if y <= 0.0:
        cumulative, g = 0.0, 0.0
    if seen and upper > y:
        other = place(standard, slope, upper, location)
        high, _, high_g, high_first, _ = hazard(standard, other)
        value, by_low, by_high, bend = interval(cumulative, g, g * first, high, high_g, high_g * high_first)
        slope_z, by_slope = by_low + by_high, by_low * z + by_high * other
    elif seen:
        value, slope_z, bend = log_slope + log_g - cumulative, first - g, second - g * first
        by_slope = 1.0 + slope_z * z
    else:
        value, slope_z, bend, by_slope = -cumulative, -g, -g * first, -g * z
    if entry > 0.0:
        start = place(standard, slope, entry, location)
        before, _, before_g, before_first, _ = hazard(standard, start)
        value, slope_z, bend = value + before, slope_z + before_g, bend + before_g * before_first
        by_slope += before_g * start
    return value, slope_z, by_slope, -bend


@njit(cache=True, nogil=True, error_model="numpy")
def fill(standard, sign, same, y, beside, eta, logp, grad, curvature):
    """Fill the results where ``eta[0]`` is the location and ``sign * eta[1]`` the log slope, if there is one.

    ``same`` says that all rows have one slope.
    """
    modelled = eta.shape[0] > 1
    log_slope = sign * eta[1, 0] if modelled else 0.0
    slope = exp(min(max(log_slope, -_MAX_LOG), _MAX_LOG))
    for i in range(y.shape[0]):
        if modelled and not same:
            log_slope = sign * eta[1, i]
            slope = exp(min(max(log_slope, -_MAX_LOG), _MAX_LOG))
        value, by_z, by_slope, bend = row(standard, y[i], beside, i, eta[0, i], log_slope, slope)
        logp[i], grad[0, i], curvature[i] = value, -slope * by_z, slope * (slope * bend)
        if modelled:
            grad[1, i] = sign * by_slope
