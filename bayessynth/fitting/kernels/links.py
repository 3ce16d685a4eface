"""Links of compiled kernels: from a linear predictor to a share's logarithms or to a mean, or to another predictor.

A link that is a constant where they are called leaves no trace of the others in the loop around them.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from bayessynth.fitting.kernels.special import exp, inlined, log, log1mexp, log_normal_cdf, logistic

# Those from PROBIT on have a canonical link in their place, see canonical().
IDENTITY, LOG, LOGIT, PROBIT, CLOGLOG, SOFTPLUS = range(6)
#: Codes by which kernels know links.
CODES = {
    "identity": IDENTITY, "log": LOG, "logit": LOGIT, "probit": PROBIT, "cloglog": CLOGLOG, "softplus": SOFTPLUS,
}  # fmt: skip
# Within it exp() is neither 0 nor infinite, as the links of generation hold it.
_MAX_LOG = 700.0


@inlined
def positive(eta):
    """Return e to the eta, held where it is neither 0 nor infinite."""
    return exp(min(max(eta, -_MAX_LOG), _MAX_LOG))


@inlined
def log_share(link, eta):
    """Return log p and log(1 - p) with their first and second derivatives in the predictor.

    Returns
    -------
    tuple of float
        log p, log(1 - p), (log p)', (log(1 - p))', (log p)'', (log(1 - p))''.
    """
    if link == LOGIT:
        log_p, log_q, p, q = logistic(eta)
        return log_p, log_q, q, -p, -p * q, -p * q
    if link == PROBIT:
        log_p, r = log_normal_cdf(eta)
        log_q, s = log_normal_cdf(-eta)
        return log_p, log_q, r, -s, -r * (eta + r), -s * (s - eta)
    m = positive(eta)
    log_p, odds = log1mexp(-m)
    w = m * odds
    return log_p, -m, w, -m, w * (1.0 - m - w), -m


@inlined
def mean(link, eta):
    """Return a mean and its derivative in the predictor, under the identity or the log link."""
    if link == IDENTITY:
        return eta, 1.0
    m = positive(eta)
    return m, m


@inlined
def _fill_steps(link, eta, out, first, second):
    for i in range(eta.shape[0]):
        if link == SOFTPLUS:
            _, log_q, p, q = logistic(max(eta[i], -_MAX_LOG))
            slope = -p / log_q
            out[i], first[i], second[i] = log(-log_q), slope, slope * (q - slope)
        else:
            log_p, log_q, p_slope, q_slope, p_second, q_second = log_share(link, eta[i])
            out[i], first[i], second[i] = log_p - log_q, p_slope - q_slope, p_second - q_second


@njit(cache=True, nogil=True, error_model="numpy")
def _steps(link, eta, out, first, second):
    """Fill predictors under the canonical link, and their first and second derivatives in the ones under ``link``."""
    if link == SOFTPLUS:
        _fill_steps(SOFTPLUS, eta, out, first, second)
    elif link == PROBIT:
        _fill_steps(PROBIT, eta, out, first, second)
    else:
        _fill_steps(CLOGLOG, eta, out, first, second)


@njit(cache=True, nogil=True, error_model="numpy")
def canonical(links, constant, eta):
    """Return predictors under canonical links: log instead of softplus, logit instead of probit and cloglog.

    Returns
    -------
    same : bool
        Whether all parameters but the first are constant.
    eta : ndarray of shape (P, n)
        Where they are not, constant parameters are there in every row.
    """
    same, mixed, moved, n = True, False, False, eta.shape[1]
    for p in range(eta.shape[0]):
        same = same and (constant[p] or p == 0)
        mixed = mixed or constant[p]
        moved = moved or links[p] >= PROBIT
    if not moved and (same or not mixed):
        return same, eta
    own, first, second = np.empty(eta.shape), np.empty(n), np.empty(n)
    for p in range(eta.shape[0]):
        used = 1 if constant[p] else n
        if links[p] >= PROBIT:
            _steps(links[p], eta[p, :used], own[p], first, second)
        else:
            for i in range(used):
                own[p, i] = eta[p, i]
        for i in range(used, n):
            own[p, i] = own[p, 0]
    return same, own


@njit(cache=True, nogil=True, error_model="numpy")
def chain(links, constant, eta, grad, curvature):
    """Carry gradient (P, n) and curvature (n,) back from canonical links to the links of the predictors."""
    n = eta.shape[1]
    for p in range(eta.shape[0]):
        if links[p] < PROBIT:
            continue
        out, first, second = np.empty(n), np.empty(n), np.empty(n)
        _steps(links[p], eta[p, : 1 if constant[p] else n], out, first, second)
        for i in range(n):
            k = 0 if constant[p] else i
            if p == 0:
                curvature[i] = curvature[i] * first[k] * first[k] - grad[0, i] * second[k]
            grad[p, i] *= first[k]
