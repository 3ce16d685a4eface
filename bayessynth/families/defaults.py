"""Default locations, spreads and priors that several families share.

They are weakly informative: the data outweigh them soon, and draws from them stay on the column's scale.
"""

from __future__ import annotations

from collections.abc import Callable

from bayessynth.families.links import forward
from bayessynth.families.prior import Prior
from bayessynth.families.summary import Summary

#: Spread of a linear predictor by link. 1 on the log scale is a factor of e. 1.5 on the logit scale is nearly
#: flat on the probability (McElreath, Statistical Rethinking, 2nd ed., section 11.1), and 1 on the probit
#: scale is exactly so.
_SPREADS = {"log": 1.0, "logit": 1.5, "probit": 1.0, "cloglog": 1.0}
#: Shares nearer to 0 or 1 than this do not move the location of a linear predictor further out.
_EDGE = 0.02


def mean_predictor(summary: Summary, link: str) -> tuple[float, float]:
    """Return location and spread of a linear predictor of the mean.

    >>> mean_predictor(Summary(mean=10.0, sd=3.0), "identity")
    (10.0, 3.0)
    >>> mean_predictor(Summary(mean=10.0, sd=3.0), "log")
    (2.3, 1.0)
    """
    if link == "identity":
        return summary.mean, summary.sd
    if link in ("log", "softplus"):
        mean = summary.mean if summary.mean > 0 else summary.sd
        return round(forward(link, mean).item(), 1), _SPREADS.get(link, max(summary.sd, 1.0))
    return _share(summary.mean, link)


def positive_predictor(summary: Summary, link: str) -> tuple[float, float]:
    """Return location and spread of a linear predictor of the share of values above 0.

    >>> positive_predictor(Summary(positive=0.5), "logit")
    (0.0, 1.5)
    """
    return _share(summary.positive, link)


def centred_predictor(summary: Summary, link: str) -> tuple[float, float]:
    """Return location 0 and the link's spread, for a parameter of which the column says little.

    >>> centred_predictor(Summary(), "logit")
    (0.0, 1.5)
    """
    return 0.0, _SPREADS.get(link, 1.5)


def log_values_predictor(summary: Summary, link: str) -> tuple[float, float]:
    """Return location and spread of the logarithms of the values above 0.

    >>> log_values_predictor(Summary(log_mean=2.0, log_sd=0.5), "identity")
    (2.0, 0.5)
    """
    return summary.log_mean, summary.log_sd


def scale_predictor(summary: Summary, link: str) -> tuple[float, float]:
    """Return location and spread of a linear predictor of the residual spread.

    >>> scale_predictor(Summary(sd=1.0), "log")
    (0.0, 1.0)
    """
    return round(forward(link, summary.sd).item(), 1), 1.0


def log_scale_predictor(summary: Summary, link: str) -> tuple[float, float]:
    """Return location and spread of a linear predictor of the residual spread of the logarithms.

    >>> log_scale_predictor(Summary(log_sd=1.0), "log")
    (0.0, 1.0)
    """
    return round(forward(link, summary.log_sd).item(), 1), 1.0


def around(value: float) -> Callable[[Summary, str], tuple[float, float]]:
    """Return a predictor function around a fixed value of the parameter.

    >>> around(1.0)(Summary(), "log")
    (0.0, 1.0)
    """
    return lambda summary, link: (round(forward(link, value).item(), 1), _SPREADS.get(link, 1.0))


def scale_prior(summary: Summary) -> Prior:
    """Return the default prior of a residual spread, the one of bambi.

    >>> scale_prior(Summary(sd=2.0))
    HalfStudentT(nu=4, sigma=2.0)
    """
    return Prior("HalfStudentT", nu=4, sigma=summary.sd)


def log_scale_prior(summary: Summary) -> Prior:
    """Return the default prior of a residual spread of the logarithms.

    >>> log_scale_prior(Summary(log_sd=0.5))
    HalfStudentT(nu=4, sigma=0.5)
    """
    return Prior("HalfStudentT", nu=4, sigma=summary.log_sd)


def shape_prior(summary: Summary) -> Prior:
    """Return the default prior of a gamma shape, that of negative binomial overdispersion included.

    It approximates a penalised-complexity prior on the distance from no overdispersion: the mass near 0
    (extreme overdispersion) vanishes and the right tail reaches the Poisson. Source: A. Vehtari, "Default
    prior for negative-binomial shape parameter" (2024), the default of brms since then.

    >>> shape_prior(Summary())
    InverseGamma(alpha=0.4, beta=0.3)
    """
    return Prior("InverseGamma", alpha=0.4, beta=0.3)


def time_shape_prior(summary: Summary) -> Prior:
    """Return the default prior of the shape of a time until an event, around that of a constant hazard.

    >>> time_shape_prior(Summary())
    LogNormal(mu=0, sigma=1)
    """
    return Prior("LogNormal", mu=0, sigma=1)


def share_prior(summary: Summary) -> Prior:
    """Return the default prior of a share, that of bambi: mild against 0 and 1.

    >>> share_prior(Summary())
    Beta(alpha=2, beta=2)
    """
    return Prior("Beta", alpha=2, beta=2)


def _share(share: float, link: str) -> tuple[float, float]:
    held = min(max(share, _EDGE), 1.0 - _EDGE)
    return round(forward(link, held).item(), 1), _SPREADS[link]
