"""Residuals that follow each other, integrated: held to a dense normal density and to NUTS on the kernels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from bayessynth.design import Component
from bayessynth.fitting.engines import kernel, marginal
from bayessynth.fitting.engines.settings import Settings
from bayessynth.fitting.posterior import Posterior
from bayessynth.fitting.whitened import Whitened, unserved
from tests.fitting.engines.test_agree import error
from tests.fitting.engines.test_marginal import common, constrained, response, within
from tests.fitting.test_following_density import GAPS, SHAPES, own

pytestmark = pytest.mark.filterwarnings("ignore::bayessynth.errors.GroupWarning")


def dense(found: Component, density: Whitened, theta: np.ndarray) -> float:
    """Return the log density of the rows as jointly normal ones, with the prior of what is not integrated."""
    chain, place = found.chain, len(density.elements) - 1
    assert chain is not None
    low, high = found.equation.priors["ar"].support
    share = special.expit(theta[place])
    rho = low + (high - low) * share
    elapsed, unit = np.zeros(len(found.y)), np.zeros(len(found.y))
    for i, before in enumerate(chain.before):
        elapsed[i] = elapsed[before] + chain.power[i] if before >= 0 else 0.0
        unit[i] = unit[before] if before >= 0 else i
    apart = np.abs(elapsed[:, None] - elapsed)
    sd, _ = constrained(found, density, theta)
    rows = sd[0] ** 2 / (1 - rho**2) * np.sign(rho) ** np.round(apart) * np.abs(rho) ** apart
    rows *= unit[:, None] == unit
    # What constrained() takes for the first number of a correlation is that of the residuals.
    for columns, index, effects in within(found, density, theta):
        rows += columns @ effects @ columns.T * (index[:, None] == index)
    design, centre, spread = common(found)
    total = stats.multivariate_normal.logpdf(response(found), design @ centre, rows + (design * spread**2) @ design.T)
    prior = density.elements.evaluate(theta[: place + 1])[0]
    at = place + 1
    for made in density.correlations:
        if made is not None:
            count = made.q * (made.q - 1) // 2
            prior, at = prior + made.prior(theta[at : at + count])[0], at + count
    return float(total + prior)


@pytest.mark.parametrize(("shape", "gaps"), [(s, "multiples") for s in SHAPES] + [("slopes of units", g) for g in GAPS])
def test_density_is_that_of_a_dense_normal(shape: str, gaps: str) -> None:
    found = own(shape, gaps)
    assert marginal.unserved(found) is None
    density = Whitened(found)
    thetas = density.start() + 0.5 * np.random.default_rng(1).normal(size=(5, density.size))
    away = density.values(thetas, 1) - [dense(found, density, theta) for theta in thetas]
    np.testing.assert_allclose(away, away[0], rtol=0, atol=1e-7)


@pytest.mark.parametrize("shape", ["alone", "levels of units", "two factors"])
def test_engine_agrees_with_nuts(shape: str) -> None:
    found, settings = own(shape, "multiples", units=40), Settings(draws=500, tune=400, chains=4, cores=2)
    ours, theirs = marginal.sample(found, settings, 1), kernel.sample(found, settings, 2)
    assert isinstance(ours, Posterior), ours
    assert set(ours.variables) == set(theirs.variables) == set(found.equation.variables)
    for name, (dims, values) in ours.variables.items():
        other_dims, other = theirs.variables[name]
        assert dims == other_dims
        flat, other_flat = values.reshape(2000, -1), other.reshape(2000, -1)
        allowed = 4.5 * np.hypot(error(values, ours.ess), error(other, None)) + 1e-12
        assert (np.abs(flat.mean(axis=0) - other_flat.mean(axis=0)) <= allowed).all(), name
        spread, other_spread = (np.diff(np.quantile(v, [0.1, 0.9], axis=0), axis=0) for v in (flat, other_flat))
        np.testing.assert_allclose(spread, other_spread, rtol=0.15, atol=1e-9, err_msg=name)


def test_units_must_stay_in_their_groups() -> None:
    found = own("levels of units", "multiples")
    moved = found.index["id"].copy()
    moved[np.flatnonzero(~found.chain.first)[0]] = 3  # type: ignore[union-attr]
    apart = Component(**{**vars(found), "index": {"id": moved}})
    assert unserved(apart) == "rows of one unit are in several groups of 'id'"


def test_too_many_different_times_are_left_to_nuts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bayessynth.fitting.whitened.LARGEST", 30)
    assert unserved(own("alone", "uneven")) == "times between rows are too many different ones"
