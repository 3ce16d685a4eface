"""Links of compiled kernels: from a linear predictor to a share's logarithms, to a mean's logarithm, to a mean."""

from __future__ import annotations

import math

from numba import njit

from bayessynth.fitting.kernels.special import expit, log_normal_cdf, softplus

IDENTITY, LOG, LOGIT, PROBIT, CLOGLOG, SOFTPLUS = range(6)
#: Codes by which kernels know links.
CODES = {
    "identity": IDENTITY, "log": LOG, "logit": LOGIT, "probit": PROBIT, "cloglog": CLOGLOG, "softplus": SOFTPLUS,
}  # fmt: skip
# Beyond it exp() is held, as the links of generation hold it.
_MAX_LOG = 700.0


@njit(cache=True, nogil=True, error_model="numpy")
def log_share(link, eta):
    """Return log p and log(1 - p) with their first and second derivatives in the predictor.

    Returns
    -------
    tuple of float
        log p, log(1 - p), (log p)', (log(1 - p))', (log p)'', (log(1 - p))''.
    """
    if link == LOGIT:
        p, q = expit(eta), expit(-eta)
        return -softplus(-eta), -softplus(eta), q, -p, -p * q, -p * q
    if link == PROBIT:
        log_p, r = log_normal_cdf(eta)
        log_q, s = log_normal_cdf(-eta)
        return log_p, log_q, r, -s, -r * (eta + r), -s * (s - eta)
    m = math.exp(min(eta, _MAX_LOG))
    # Above 700 the share is 1 to all digits, and so is what its logarithm changes by.
    w = m / math.expm1(m) if m < _MAX_LOG else 0.0
    log_p = math.log(-math.expm1(-m)) if m > 0.0 else eta
    return log_p, -m, (w if m > 0.0 else 1.0), -m, (w * (1.0 - m - w) if m > 0.0 else 0.0), -m


@njit(cache=True, nogil=True, error_model="numpy")
def log_mean(link, eta):
    """Return the logarithm of a positive mean, and its first and second derivative in the predictor."""
    if link == LOG:
        return eta, 1.0, 0.0
    mean, slope = softplus(eta), expit(eta)
    # Far below zero softplus(eta) is exp(eta).
    if eta < -36.0:
        return eta, 1.0, 0.0
    first = slope / mean
    return math.log(mean), first, slope * (1.0 - slope) / mean - first * first


@njit(cache=True, nogil=True, error_model="numpy")
def mean(link, eta):
    """Return a mean on the real line or a share, and its first and second derivative in the predictor."""
    if link == IDENTITY:
        return eta, 1.0, 0.0
    if link == LOG:
        m = math.exp(min(eta, _MAX_LOG))
        return m, m, m
    if link == LOGIT:
        p, q = expit(eta), expit(-eta)
        return p, p * q, p * q * (q - p)
    if link == PROBIT:
        log_p, ratio = log_normal_cdf(eta)
        p = math.exp(log_p)
        return p, ratio * p, -eta * ratio * p
    if link == CLOGLOG:
        m = math.exp(min(eta, _MAX_LOG))
        slope = m * math.exp(-m)
        return -math.expm1(-m), slope, slope * (1.0 - m)
    slope = expit(eta)
    return softplus(eta), slope, slope * (1.0 - slope)
