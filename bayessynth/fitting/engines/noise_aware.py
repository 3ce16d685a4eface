"""Equations given a release of noisy sums of products, all together: their posterior knows the noise.

Not on the ladder: it takes a release instead of rows, and all equations of the release at once, since noisy sums make
the parameters of one depend on those of another.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from bayessynth.design import Bound
from bayessynth.errors import DiagnosticsWarning, warn
from bayessynth.fitting.engines import importance
from bayessynth.fitting.engines.laplace import LARGEST
from bayessynth.fitting.engines.mode import find
from bayessynth.fitting.engines.nutpie import USUAL_ACCEPT, explained, sample_compiled, statistics
from bayessynth.fitting.engines.settings import Settings
from bayessynth.fitting.noise_aware import Bounds, NoisyDensity, chain
from bayessynth.fitting.noise_aware.constrain import posteriors_of, rows_of
from bayessynth.fitting.noise_aware.start import start_of
from bayessynth.fitting.posterior import Posterior
from bayessynth.privacy import NoisyMoments

NAME = "noise-aware"
#: Share of the declared model outside the bounds that is worth a warning; it is given where all but a small share of
#: draws say so, among so many of them.
OUTSIDE, _SURE, _SOME = 0.01, 0.05, 200
# Chains start as far from the estimate by moments, in the scales of its directions.
_APART = 0.5


@dataclass(frozen=True)
class NoiseAware:
    """Posteriors given one release.

    Attributes
    ----------
    posteriors : mapping of str to Posterior
        By response; draws of one number belong together in all of them.
    rows : ndarray of shape (chains, draws, groups)
        Draws of the numbers of rows; all the same where the number is public.
    """

    posteriors: Mapping[str, Posterior]
    rows: np.ndarray


def sample(bound: Bound, released: NoisyMoments, bounds: Bounds, settings: Settings, seed: int) -> NoiseAware:
    """Draw from the posterior of the equations of a release's columns.

    Without group effects a density fitted around the mode is resampled by importance, which verifies itself; with
    them, and where it fails, NUTS samples.

    Parameters
    ----------
    bound : Bound
        The spec, bound to what is public.
    released : NoisyMoments
    bounds : mapping of str to tuple of float
        Public bounds of the numbers, with which their moments were released.
    settings : Settings
    seed : int

    Returns
    -------
    NoiseAware

    Warns
    -----
    DiagnosticsWarning
        If more than 1 % of the declared model lies outside a column's bounds.

    Raises
    ------
    FitError
        If an equation has no noise-aware posterior, or the sampler cannot start.

    Notes
    -----
    Where the noise in a column's sum of squares is of its size, the data do not exclude a standard deviation near
    zero, where a coefficient on that column may be anything. A prior of the standard deviation whose density vanishes
    at zero then makes for narrower intervals than the default, and for a posterior that is easier to sample: a power
    of it for each moment that it scales makes the prior uniform in the moments (``Prior("Beta", alpha=4, beta=1)`` on
    a unit scale for a predictor of one response).

    Examples
    --------
    >>> import bayessynth as bs
    >>> from bayessynth.design import bind
    >>> schema = bs.Schema(y=bs.Continuous(bounds=(0, 10)))
    >>> bound, _ = bind(bs.Spec("y ~ 1"), schema.example(100, np.random.default_rng(1)), schema)
    >>> sums = np.array([[5000.0, 500.0, 500.0]])  # a mean of 0.1 on a scale from -1 to 1
    >>> released = NoisyMoments(("y",), (False,), ((0, 0), (0, 1), (1, 1)), sums, 25.0 * np.eye(3), None, ())
    >>> found = sample(bound, released, {"y": (0, 10)}, Settings(draws=500, tune=500, chains=2), 1)
    >>> found.posteriors["y"].variables["y_Intercept"][1].mean().round(1).item()
    5.5
    """
    begun = time.perf_counter()
    laid = chain(bound, released, bounds)
    density = NoisyDensity(laid)
    # One BLAS thread: sums must not depend on how many cores there are.
    with threadpool_limits(1), explained(laid.parts[-1].column.name):
        drawn = _independent(density, settings, seed)
        if isinstance(drawn, str):
            tree = _sampled(density, settings, seed)
            theta = tree["posterior"].to_dataset()["theta"].values.reshape(-1, density.size)
            reported: dict[str, Any] = {"chains": settings.chains, "stats": statistics(tree)}
            refused = {"importance": drawn}
        else:
            theta, reported, refused = drawn.values, drawn.reported(settings.chains), {}
    _warn_of_bounds(density, theta, bounds)
    found = posteriors_of(laid, theta, engine=NAME, seconds=time.perf_counter() - begun, **reported)
    rows = rows_of(laid, theta).reshape(settings.chains, settings.draws, -1)
    return NoiseAware({name: replace(p, refused=refused) for name, p in found.items()}, rows)


def _warn_of_bounds(density: NoisyDensity, theta: np.ndarray, bounds: Bounds) -> None:
    """Warn where the posterior is sure that more than a small share of the model lies outside the bounds."""
    few = theta[:: max(1, len(theta) // _SOME)]
    for name, shares in density.beyond(few).items():
        if np.quantile(shares, _SURE) > OUTSIDE:
            low, high = bounds[name]
            warn(
                f"Column {name!r}: about {np.median(shares):.1%} of the declared model lies outside the public bounds "
                f"{low:g} to {high:g}. If the table has values there, they were clipped, and spread and slopes come "
                "out too small: release with wider bounds. If the column ends there, no normal equation has its shape, "
                "and copies go beyond.",
                DiagnosticsWarning,
            )


def _independent(density: NoisyDensity, settings: Settings, seed: int) -> importance.Draws | str:
    """Return independent draws, or why there are none."""
    if density.chain.factor:
        return "the equations have group-specific effects"
    if density.size > LARGEST:
        return f"{density.size} parameters are too many for importance sampling"
    mode = find(density, *start_of(density.chain))
    if mode is None:
        return "the posterior has no mode with curvature in every direction"
    drawn = importance.sample(lambda thetas: density.values(thetas, settings.cores), mode.theta, mode.covariance,
                              settings.draws * settings.chains, np.random.default_rng(seed))  # fmt: skip
    return importance.refusal(drawn) or drawn


def _sampled(density: NoisyDensity, settings: Settings, seed: int) -> Any:
    """Sample with steps of usual length; where any draw diverges, anew with short ones."""
    from nutpie.compiled_pyfunc import from_pyfunc

    start, scale = start_of(density.chain)

    def begin(seed: int) -> np.ndarray:
        return start + _APART * scale * np.random.default_rng(seed).uniform(-1.0, 1.0, len(start))

    model = from_pyfunc(
        density.size, lambda: density, lambda *seeds: _expanded, [np.dtype(float)], [(density.size,)], ["theta"],
        make_initial_point_fn=begin,
    )  # fmt: skip
    tree = sample_compiled(model, settings, seed, USUAL_ACCEPT)
    if statistics(tree)["diverging"].any():
        return sample_compiled(model, settings, seed)
    return tree


def _expanded(theta: np.ndarray) -> dict[str, np.ndarray]:
    return {"theta": np.array(theta)}
