"""A share that never has the event: found again, kept in copies, and refused where nothing says of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth import families
from bayessynth.errors import DataError, SpecError
from bayessynth.families.curing import NEVER
from bayessynth.inference.product_limit import product_limit

N = 1500


def trial() -> pd.DataFrame:
    """Return times of a trial whose follow-up outlasts all events: treatment cures, and does not delay."""
    rng = np.random.default_rng(1)
    treat, x = rng.integers(0, 2, N), rng.normal(size=N).round(2)
    ever = rng.random(N) < families.inverse("logit", 0.8 - 1.2 * treat)
    t = np.where(ever, 2.0 * rng.weibull(1.4, N) * np.exp(-0.4 * x), np.inf)
    limit = rng.uniform(6.0, 14.0, N)
    return pd.DataFrame(
        {"treat": treat, "x": x, "t": np.maximum(np.minimum(t, limit), 0.01).round(2), "d": (t <= limit).astype(int)}
    )


@pytest.mark.parametrize(("family", "sign"), [("weibull", -1.0), ("piecewise", 1.4)])
def test_the_share_and_its_predictors_are_recovered(family: str, sign: float) -> None:
    data = trial()
    survival = bs.Survival("t ~ x", event="d", family=family, cure="~ treat", censoring="~ 1")
    fit = bs.Spec("treat ~ 1", bs.Equation("x ~ 1", family="normal"), survival).fit(
        data, random_seed=1, cores=1, progress=False, draws=1000
    )
    assert fit.diagnose().verdict == "pass", fit.diagnose()
    assert fit.provenance["engine"]["t"] == "laplace"
    table = fit.summary()[["mean", "sd"]].astype(float)
    truth = {"t_susceptible_Intercept": 0.8, "t_susceptible_treat": -1.2, "t_x": 0.4 * sign}
    for name, value in truth.items():
        mean, sd = table.loc[name]
        assert abs(mean - value) < 3.5 * sd and sd < 0.2, name
    together = pd.concat(fit.synthesize(m=10, random_seed=2))
    assert together["t"].max() <= 15.0 and together["d"].mean() == pytest.approx(data["d"].mean(), abs=0.04)
    for arm in (0, 1):
        curves = [product_limit(f["t"].to_numpy(), f["d"].to_numpy()).at(np.array([1.0, 3.0, 6.0]))[0]
                  for f in (data[data["treat"] == arm], together[together["treat"] == arm])]  # fmt: skip
        np.testing.assert_allclose(curves[0], curves[1], atol=0.06)


def test_who_never_has_the_event_is_drawn_as_often_given_survival_until_entry() -> None:
    rng = np.random.default_rng(2)
    drawn = families.get("cure_exponential").sample(rng, 40_000, scale=1.0, susceptible=0.6, entry=np.full(40_000, 1.0))
    left = 0.6 * np.exp(-1.0)
    assert (drawn >= NEVER).mean() == pytest.approx(0.4 / (0.4 + left), abs=0.012)
    assert drawn.min() >= 1.0


def test_declaration_round_trip_and_refusals() -> None:
    own = bs.Survival("t ~ x", event="d", cure="~ treat")
    assert bs.Survival.from_json(own.to_json()) == own and "cure='~ treat'" in repr(own)
    assert bs.Spec("x ~ 1", "treat ~ 1", own).columns == ("x", "treat", "t", "d")
    with pytest.raises(SpecError, match="write 'p ~ x' as a right side"):
        bs.Survival("t ~ x", event="d", cure="p ~ x")
    with pytest.raises(SpecError, match=r"no equation can name it\. Declare the times as bs\.Survival"):
        bs.Equation("t ~ x", "susceptible ~ treat", family="cure_weibull")
    with pytest.raises(SpecError, match=r"'cure_weibull' is none of times until an event\. Did"):
        bs.Survival("t ~ x", event="d", family="cure_weibull")
    data = trial().query("d == 1").reset_index(drop=True)
    with pytest.raises(DataError, match="has an event, so that nothing says of a share that never has it"):
        bs.Spec(own, rest="keep").fit(data, progress=False)
