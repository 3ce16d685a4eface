"""The ordinal family: ordered levels cut from a latent variable (cumulative logit or probit).

Support: codes 0 to K-1. Parameter: mu, the latent location; vector: thresholds c_1 < ... < c_{K-1};
option: ``link``, ``"logit"`` (default) or ``"probit"``. P(y <= k) = F(c_{k+1} - mu), F logistic or normal.
The link is that of the levels' probabilities: mu itself is the linear predictor, never transformed. The
formula of mu has no intercept: the thresholds stand for it. The thresholds' default prior is a Dirichlet
on the probabilities of the levels at mu = 0 (M. Betancourt, "Ordinal Regression", 2019; also rstanarm's
stan_polr): it needs no scale and no spacing.

>>> from bayessynth import families
>>> families.get("ordinal").logp([0, 1], mu=0.0, thresholds=[0.0]).round(3).tolist()
[-0.693, -0.693]
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from bayessynth.errors import SpecError, suggest
from bayessynth.families import checks, defaults
from bayessynth.families.custom import custom_dist, integers
from bayessynth.families.family import Family, Parameter, Vector
from bayessynth.families.links import forward, log_normal_cdf_graph
from bayessynth.families.prior import REAL, Prior
from bayessynth.families.registry import register
from bayessynth.families.restricted import restricted

_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)


@dataclass(frozen=True)
class _Latent:
    """One latent distribution, symmetric around 0; log_cdf and log_density exist in both worlds."""

    draw: Callable[[np.random.Generator, int], np.ndarray]
    log_cdf: Callable[[np.ndarray], np.ndarray]
    log_cdf_graph: Callable[[Any, Any], Any]
    log_density_graph: Callable[[Any, Any], Any]


_LATENT = {
    "logit": _Latent(
        lambda rng, n: rng.logistic(size=n),
        special.log_expit,
        lambda x, pm: -pm.math.softplus(-x),
        lambda x, pm: -pm.math.softplus(-x) - pm.math.softplus(x),
    ),
    "probit": _Latent(
        lambda rng, n: rng.standard_normal(n),
        special.log_ndtr,
        log_normal_cdf_graph,
        lambda x, pm: -0.5 * x * x - _HALF_LOG_2PI,
    ),
}


def _latent(link: str) -> _Latent:
    if link not in _LATENT:
        raise SpecError(f"Family 'ordinal' has no link {link!r}.{suggest(link, _LATENT)} Use 'logit' or 'probit'.")
    return _LATENT[link]


def _sample(rng: np.random.Generator, n: int, *, mu: Any, thresholds: Any, link: str = "logit") -> np.ndarray:
    return np.searchsorted(np.asarray(thresholds, dtype=float), mu + _latent(link).draw(rng, n)).astype(np.int64)


def _logp(y: Any, *, mu: Any, thresholds: Any, link: str = "logit") -> np.ndarray:
    latent = _latent(link)
    y, mu, cuts = np.asarray(y), np.asarray(mu, dtype=float), np.asarray(thresholds, dtype=float)
    ok = (y >= 0) & (y <= len(cuts)) & (y == np.floor(y))
    code = np.where(ok, y, 0).astype(np.int64)
    upper = cuts[np.minimum(code, len(cuts) - 1)] - mu
    lower = cuts[np.maximum(code - 1, 0)] - mu
    first, last = code == 0, code == len(cuts)
    # By symmetry an interval above 0 has the probability of its mirror image below 0, which has digits left.
    flip = lower > 0
    high, low = latent.log_cdf(np.where(flip, -lower, upper)), latent.log_cdf(np.where(flip, -upper, lower))
    gap = np.where(first | last, -1.0, low - high)
    middle = high + np.log(-np.expm1(gap))
    logp = np.where(first, latent.log_cdf(upper), np.where(last, latent.log_cdf(-lower), middle))
    return np.where(ok, logp, -np.inf)


def _graph(pm: Any, value: Any, mu: Any, cuts: Any, latent: _Latent) -> Any:
    """Return :func:`_logp` as a PyTensor expression."""
    last_code = cuts.shape[-1]
    first, last = pm.math.eq(value, 0), pm.math.eq(value, last_code)
    upper = cuts[pm.math.clip(value, 0, last_code - 1)] - mu
    lower = cuts[pm.math.clip(value - 1, 0, last_code - 1)] - mu
    # Where a level has no lower or no upper threshold a harmless one is put in: no branch has a NaN gradient.
    edge = pm.math.or_(first, last)
    low_x, high_x = pm.math.switch(first, upper - 1.0, lower), pm.math.switch(last, lower + 1.0, upper)
    flip = pm.math.gt(low_x, 0)
    high = latent.log_cdf_graph(pm.math.switch(flip, -low_x, high_x), pm)
    low = latent.log_cdf_graph(pm.math.switch(flip, -high_x, low_x), pm)
    gap = pm.math.switch(edge, -1.0, low - high)
    one_sided = latent.log_cdf_graph(pm.math.switch(first, upper, -lower), pm)
    logp = pm.math.switch(edge, one_sided, high + pm.math.log1mexp(gap))
    inside = pm.math.and_(pm.math.ge(value, 0), pm.math.le(value, last_code))
    return pm.math.switch(inside, logp, -np.inf)


def _dist(pm: Any, name: str, params: dict[str, Any], *, link: str = "logit", **kwargs: Any) -> Any:
    latent = _latent(link)

    def logp(value: Any, mu: Any, thresholds: Any) -> Any:
        # The thresholds are one vector for all rows; PyMC may have put axes of length 1 before it.
        return _graph(pm, value, mu, thresholds.reshape((-1,)), latent)

    def sample(rng: np.random.Generator, n: int, mu: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
        return _sample(rng, n, mu=mu, thresholds=thresholds, link=link)

    ordered = {"mu": params["mu"], "thresholds": params["thresholds"]}
    return custom_dist(pm, name, ordered, logp, sample, dtype="int64", shared=("thresholds",), **integers(kwargs))


def _thresholds(pm: Any, name: str, length: int, prior: Prior, options: Mapping[str, Any], **kwargs: Any) -> Any:
    """Build the thresholds: a Dirichlet on the levels' probabilities, or sorted draws of a scalar prior."""
    link = options.get("link", "logit")
    latent = _latent(link)
    if prior.name != "Dirichlet" and prior.support != REAL:
        raise SpecError(f"Thresholds take a Dirichlet prior or one on all real numbers, not {prior!r}.")
    a = np.broadcast_to(np.asarray(prior.params.get("a", 1.0), dtype=float).reshape(-1), (length + 1,))

    def logp(value: Any, start: Any) -> Any:
        if prior.name != "Dirichlet":
            return pm.math.sum(pm.logp(prior.dist(pm), value)) + math.lgamma(length + 1.0)
        shares = _graph(pm, pm.math.arange(length + 1), 0.0, value, latent)
        norm = special.gammaln(a.sum()) - special.gammaln(a).sum()
        return norm + pm.math.sum((a - 1.0) * shares) + pm.math.sum(latent.log_density_graph(value, pm))

    def random(start: np.ndarray, rng: np.random.Generator, size: Any) -> np.ndarray:
        shape = () if size is None else tuple(size)
        if prior.name != "Dirichlet":
            return np.sort(prior.sample(rng, (*shape, length)), axis=-1)
        below = np.cumsum(rng.dirichlet(a, size=shape), axis=-1)[..., :-1]
        return forward(link, np.clip(below, 1e-15, 1.0 - 1e-15))

    even = np.arange(1, length + 1) / (length + 1)
    return pm.CustomDist(
        name,
        forward(link, even),
        logp=logp,
        random=random,
        support_point=lambda rv, size, start: start,
        signature="(k)->(k)",
        transform=pm.distributions.transforms.ordered,
        **kwargs,
    )


ORDINAL = register(
    Family(
        name="ordinal",
        kinds=frozenset({"ordinal", "categorical", "binary"}),
        parameters=(Parameter("mu", ("logit", "probit"), defaults.centred_predictor),),
        discrete=True,
        sample=_sample,
        logp=_logp,
        dist=_dist,
        check=checks.codes,
        vectors=(
            Vector(
                name="thresholds",
                constraint="ordered",
                length=lambda n_levels, options: n_levels - 1,
                prior=Prior("Dirichlet", a=1),
                dist=_thresholds,
            ),
        ),
        options=("link",),
        intercept=False,
        default_for=frozenset({"ordinal"}),
        examples=({"link": "logit"}, {"link": "probit"}),
    )
)
restricted(ORDINAL)
