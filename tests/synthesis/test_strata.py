"""Strata whose hazards cross: each has its own baseline, and copies have curves that cross as theirs do."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.design import bind
from bayessynth.errors import SpecError
from bayessynth.inference.product_limit import product_limit

N = 900
SURVIVAL = bs.Survival("t ~ x", event="d", strata="arm", censoring="~ 1")


def trial() -> pd.DataFrame:
    """Return times of two arms, in one of which the hazard falls and in the other it rises; x acts in both alike."""
    rng = np.random.default_rng(3)
    arm, x = rng.choice(["early", "late"], N), rng.normal(size=N).round(3)
    shape, scale = np.where(arm == "early", 0.6, 2.5), np.where(arm == "early", 4.0, 3.0)
    t = scale * (rng.exponential(1.0, N) / np.exp(0.6 * x)) ** (1 / shape)
    limit = np.minimum(rng.exponential(12.0, N), 6.0)
    return pd.DataFrame({"arm": arm, "x": x, "t": np.minimum(t, limit).clip(0.001), "d": (t <= limit).astype(int)})


def curve(frame: pd.DataFrame, arm: str) -> np.ndarray:
    own = frame[frame["arm"] == arm]
    return product_limit(own["t"].to_numpy(), own["d"].to_numpy()).at(np.linspace(0.25, 5.5, 22))[0]


@pytest.fixture(scope="module")
def fitted() -> bs.Fitted:
    spec = bs.Spec("arm ~ 1", bs.Equation("x ~ 1", family="normal"), SURVIVAL)
    return spec.fit(trial(), draws=500, random_seed=1, cores=1, progress=False)


def test_the_effect_within_strata_is_recovered(fitted: bs.Fitted) -> None:
    assert fitted.diagnose().verdict == "pass", fitted.diagnose()
    mean, sd = fitted.summary().loc["t_x", ["mean", "sd"]].astype(float)
    assert abs(mean - 0.6) < 3.5 * sd and sd < 0.08
    assert fitted.bound["t"].cause.strata == "arm" and "t_arm[late]" in fitted.summary().index


def test_curves_of_copies_cross_as_the_originals_do(fitted: bs.Fitted) -> None:
    together = pd.concat(fitted.synthesize(m=20, random_seed=2))
    data = trial()
    for arm in ("early", "late"):
        np.testing.assert_allclose(curve(together, arm), curve(data, arm), atol=0.06)
    apart = [curve(together, "early") - curve(together, "late"), curve(data, "early") - curve(data, "late")]
    assert all(gap[0] < -0.1 and gap[-1] > 0.1 for gap in apart)
    assert together["t"].max() <= 6.0


def test_without_strata_they_do_not(fitted: bs.Fitted) -> None:
    data = trial()
    alike = fitted.bound.spec.replace(bs.Survival("t ~ x + arm", event="d", censoring="~ 1"))
    fit = alike.fit(data, draws=200, random_seed=1, cores=1, progress=False)
    together = pd.concat(fit.synthesize(m=10, random_seed=2, force=True))
    assert np.abs(curve(together, "late") - curve(data, "late")).max() > 0.1


def test_pooled_stratified_cox_regression(fitted: bs.Fitted) -> None:
    found = bs.compare(trial(), fitted.synthesize(m=20, random_seed=3), "t ~ x", "cox", event="d", strata="arm")
    assert found.overlap > 0.75 and found.table.loc["x", "copies"] == pytest.approx(0.6, abs=0.2)


def test_declaration_and_refusals() -> None:
    assert bs.Survival.from_json(json.loads(json.dumps(SURVIVAL.to_json()))) == SURVIVAL
    assert "strata='arm'" in repr(SURVIVAL)
    spec = bs.Spec("arm ~ 1", bs.Equation("x ~ 1", family="normal"), SURVIVAL)
    assert [str(e.formula) for e in spec.equations[-2:]] == ["t ~ x + arm", "t_censored ~ 1"]
    with pytest.raises(SpecError, match=r"strata= is for family='piecewise'.*'alpha ~ arm'"):
        bs.Survival("t ~ x", event="d", family="weibull", strata="arm")
    with pytest.raises(SpecError, match="names one column twice among time, event, entry, until and strata"):
        bs.Survival("t ~ x", event="d", strata="d")
    with pytest.raises(SpecError, match="strata='x' is continuous, and strata are levels"):
        bind(spec.replace(bs.Survival("t ~ arm", event="d", strata="x")), trial())
