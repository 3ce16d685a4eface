"""Times and events from a fit: recovered, generated as they were seen, and no record kept."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats
from statsmodels.duration.hazard_regression import PHReg

import bayessynth as bs
from bayessynth.design import FollowUp
from bayessynth.errors import BayesSynthError, SynthesisError
from bayessynth.inference.product_limit import product_limit
from bayessynth.report import plot_survival
from bayessynth.synthesis.latent import chances_of
from tests.fitting.test_storage import contents

N, END = 900, 1095.0


@pytest.fixture(scope="module")
def trial() -> pd.DataFrame:
    """Two causes, one of them in sites; random censoring and an administrative end; a score after follow-up."""
    rng = np.random.default_rng(1)
    x, treat, site = rng.normal(size=N).round(3), rng.choice(["A", "B"], N), rng.integers(0, 15, N)
    level = 0.4 * rng.standard_normal(15)
    relapse = 500 * rng.exponential(np.exp(-(0.6 * x - 0.8 * (treat == "B") + level[site])))
    died, limit = 1500 * rng.exponential(np.exp(0.5 * x)), rng.uniform(60, 1800, N)
    latent = np.stack([relapse, died, np.minimum(limit, END)])
    end = np.array(["relapse", "died", "censored"])[latent.argmin(axis=0)]
    days = np.where(end == "censored", np.floor(latent.min(axis=0)), np.ceil(latent.min(axis=0)))
    score = days / 500 + (end == "died") + rng.normal(size=N)
    return pd.DataFrame({"x": x, "treat": treat, "site": site, "days": days.astype(int), "end": end, "score": score})


@pytest.fixture(scope="module")
def fitted(trial: pd.DataFrame) -> bs.Fitted:
    spec = bs.Spec(
        bs.Equation("x ~ 1", family="normal"), "treat ~ 1", bs.Equation("score ~ days + end", family="normal"),
        bs.Survival("days ~ treat + x + (1 | site)", event="end", causes={"died": "~ x"}, censoring="~ 1"),
    )  # fmt: skip
    return spec.fit(trial, draws=500, random_seed=1, cores=1, progress=False)


def test_coefficients_are_recovered_by_fast_engines(fitted: bs.Fitted) -> None:
    assert fitted.diagnose().verdict == "pass", fitted.diagnose()
    engines = fitted.provenance["engine"]
    assert engines["days_relapse"] == "quadrature" and engines["days_died"] == engines["days_censored"] == "laplace"
    table = fitted.summary()[["mean", "sd"]].astype(float)
    truth = {"days_relapse_x": 0.6, "days_relapse_treat[B]": -0.8, "days_relapse_1|site_sd": 0.4, "days_died_x": -0.5}
    for name, value in truth.items():
        mean, sd = table.loc[name]
        assert abs(mean - value) < 3.5 * sd, name
    assert {"days_relapse_baseline[1]", "days_censored_Intercept"} <= set(table.index)


def test_copies_have_times_and_events_like_the_original(fitted: bs.Fitted, trial: pd.DataFrame) -> None:
    copies = list(fitted.synthesize(m=10, random_seed=2))
    assert copies[0].dtypes.equals(trial.dtypes) and list(copies[0]) == list(trial)
    together = pd.concat(copies)
    assert together["days"].min() >= 1 and together["days"].max() <= END
    shares = together["end"].value_counts(normalize=True)
    for end, share in trial["end"].value_counts(normalize=True).items():
        assert shares[end] == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / N))
    at_end = ((trial["days"] == END) & (trial["end"] == "censored")).mean()
    assert ((together["days"] == END) & (together["end"] == "censored")).mean() == pytest.approx(at_end, abs=0.03)
    grid = np.linspace(50, 1000, 20)
    code = {"censored": 0, "relapse": 1, "died": 2}
    for arm in ("A", "B"):
        own, other = trial[trial["treat"] == arm], together[together["treat"] == arm]
        found = [product_limit(t["days"].to_numpy(), t["end"].map(code).to_numpy(), causes=2).at(grid)
                 for t in (own, other)]  # fmt: skip
        np.testing.assert_allclose(found[0][0], found[1][0], atol=0.08)
        np.testing.assert_allclose(found[0][2], found[1][2], atol=0.08)


def test_columns_after_follow_up_depend_on_it(fitted: bs.Fitted, trial: pd.DataFrame) -> None:
    copy = fitted.synthesize(m=1, k=4000, random_seed=3).copies[0]
    assert copy["score"].corr(copy["days"]) == pytest.approx(trial["score"].corr(trial["days"]), abs=0.08)


def test_same_seed_same_bytes_and_parts(fitted: bs.Fitted, tmp_path: Path) -> None:
    one = fitted.synthesize(m=2, random_seed=5)
    again = bs.load(fitted.save(tmp_path / "fit")).synthesize(m=2, random_seed=5)
    pd.testing.assert_frame_equal(one.copies[1], again.copies[1])
    large = fitted.synthesize(m=1, k=100_000, random_seed=5)
    assert len(large.copies[0]) == 100_000


def test_a_saved_fit_holds_no_time_of_a_record(trial: pd.DataFrame, tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    data = pd.DataFrame({"x": rng.normal(size=300), "t": rng.exponential(3.0, 300), "d": rng.integers(0, 2, 300)})
    fit = bs.Spec("x ~ 1", bs.Survival("t ~ x", event="d")).fit(data, random_seed=1, cores=1, progress=False, draws=200)
    arrays, words = contents(fit.save(tmp_path / "fit"))
    kept = np.unique(np.concatenate([a.ravel().astype(float) for a in arrays if a.dtype.kind in "iuf"]))
    assert not np.isin(data["t"], kept).any()
    assert not [v for v in data["t"] if repr(v)[:8] in words]


def test_models_of_latent_times(fitted: bs.Fitted, trial: pd.DataFrame) -> None:
    assert "days_relapse_events" not in fitted.bound.spec
    model = fitted.model("days_died", trial)
    assert {v.name for v in model.free_RVs} == {"days_died_Intercept~centred", "days_died_x", "days_died_baseline"}
    assert [v.name for v in model.observed_RVs] == ["days_died"]
    with pytest.raises(BayesSynthError, match=r"'days' comes of latent times.*'days_died', 'days_relapse'"):
        fitted.model("days", trial)


def test_given_columns_come_before_the_times(fitted: bs.Fitted) -> None:
    given = pd.DataFrame({"treat": ["A"] * 300})
    assert (fitted.synthesize(m=1, given=given, random_seed=1).copies[0]["treat"] == "A").all()
    for column, value in (("days", 20), ("end", "died"), ("score", 1.0)):
        message = f"given= has {column!r}, which is or depends on the survival time 'days'"
        with pytest.raises(SynthesisError, match=re.escape(message)):
            list(fitted.synthesize(m=1, given=pd.DataFrame({column: [value] * 3}), random_seed=1))
    with pytest.raises(SynthesisError, match="where= has 'end', which is or depends"):
        list(fitted.synthesize(m=1, where={"end": "died"}, random_seed=1))


def test_the_prior_predictive_has_times_and_events(trial: pd.DataFrame) -> None:
    spec = bs.Spec("treat ~ 1", bs.Survival("days ~ treat", event="end", family="weibull"), rest="drop")
    copy = spec.synthesize_prior(trial, m=2, random_seed=1).copies[0]
    assert (copy["days"] > 0).all() and set(copy["end"]) <= {"relapse", "died", "censored"}


def test_evaluation_draws_curves(fitted: bs.Fitted, trial: pd.DataFrame) -> None:
    copies = fitted.synthesize(m=6, random_seed=2)
    own = {m.name: m for m in bs.evaluate(trial, copies, measures=["survival_curves"])}
    curves, censored = own["survival_curves_days"], own["censored_days"]
    assert curves.verdict == censored.verdict == "pass"
    assert curves.detail is not None
    assert set(curves.detail["curve"]) == {"without event", "relapse", "died"}
    assert set(curves.detail["arm"]) == {"all", "treat = A", "treat = B"}
    late = [c.assign(days=c["days"] * 2, end="died") for c in copies]
    bad = bs.evaluate(trial, late, fitted=fitted, measures=["survival_curves"])
    assert [m.verdict for m in bad] == ["fail", "fail"]
    assert not list(bs.evaluate(trial, late, measures=["survival_curves"]))


def test_curves_are_drawn(fitted: bs.Fitted, trial: pd.DataFrame, tmp_path: Path) -> None:
    result = bs.evaluate(trial, fitted.synthesize(m=6, random_seed=2), measures=["survival_curves"])
    figure = plot_survival(result)
    titles = [ax.get_title(loc="left") for ax in figure.axes if ax.get_title(loc="left")]
    assert titles[:3] == ["without event, all", "died, all", "relapse, all"]
    page = result.to_html(tmp_path / "report.html").read_text()
    assert 'id="survival"' in page and "days: relapse, treat = B" in page


def test_entry_is_before_every_time() -> None:
    rng = np.random.default_rng(6)
    n = 3000
    entry = rng.gamma(2.0, 0.5, n).round(1)
    t, limit = 4.0 * rng.weibull(1.5, n), rng.uniform(1, 12, n)
    kept = np.minimum(t, limit) > entry + 0.1
    data = pd.DataFrame({"entry": entry, "t": np.minimum(t, limit).round(1), "d": (t <= limit).astype(int)})[kept]
    data = data[data["t"] > data["entry"]].reset_index(drop=True)
    spec = bs.Spec(bs.Equation("entry ~ 1", family="tree"), bs.Survival("t ~ 1", event="d", family="weibull",
                                                                        entry="entry"))  # fmt: skip
    fit = spec.fit(data, random_seed=1, cores=1, progress=False, draws=200)
    post = fit.idata["posterior"]
    assert float(post["t_alpha"].mean()) == pytest.approx(1.5, abs=0.15)
    assert float(np.exp(post["t_Intercept"].mean())) == pytest.approx(4.0, abs=0.3)
    copy = fit.synthesize(m=1, random_seed=1).copies[0]
    assert (copy["t"] > copy["entry"]).all()
    assert stats.ks_2samp(copy["t"], data["t"]).pvalue > 1e-4


def test_ends_of_intervals_are_learnt_from() -> None:
    rng = np.random.default_rng(7)
    n = 1500
    x = rng.normal(size=n)
    t = 5.0 * rng.weibull(2.0, n) * np.exp(0.3 * x)
    visit = np.floor(t)  # seen at whole times only: in (visit, visit + 1], from 0 where it was before the first
    over = t > 6
    data = pd.DataFrame({"x": x, "t": np.where(over, 6.0, visit), "u": np.where(over, 6.0, visit + 1.0),
                         "d": (~over).astype(int)})  # fmt: skip
    spec = bs.Spec("x ~ 1", bs.Survival("t ~ x", event="d", family="weibull", until="u", censoring="~ 1"))
    fit = spec.fit(data, random_seed=1, cores=1, progress=False, draws=200)
    post = fit.idata["posterior"]
    assert float(post["t_alpha"].mean()) == pytest.approx(2.0, abs=0.2)
    assert float(post["t_x"].mean()) == pytest.approx(0.3, abs=0.06)
    copy = fit.synthesize(m=1, random_seed=1).copies[0]
    event = copy["d"] == 1
    assert (copy["u"] - copy["t"])[event].eq(1.0).all() and (copy["u"] == copy["t"])[~event].all()


def test_chances_of_administrative_ends_are_those_of_their_posterior() -> None:
    own = FollowUp("t", "d", (("t", 1.0),), 0.0, times=(5.0,), watched=(40,), ended=(10,), last=9.0)
    draws = np.array([chances_of(own, np.random.default_rng(i))[0] for i in range(2000)])
    assert stats.kstest(draws, stats.beta(10.5, 30.5).cdf).pvalue > 1e-4


def test_a_family_of_times_serves_a_plain_equation() -> None:
    rng = np.random.default_rng(8)
    x = rng.normal(size=600)
    data = pd.DataFrame({"x": x, "dose": 3.0 * rng.weibull(1.7, 600) * np.exp(0.5 * x)})
    fit = bs.Spec("x ~ 1", bs.Equation("dose ~ x", family="weibull")).fit(
        data, random_seed=1, cores=1, progress=False, draws=200
    )
    shape, scale = stats.weibull_min.fit(data["dose"] / np.exp(0.5 * x), floc=0)[::2]
    assert float(fit.idata["posterior"]["dose_alpha"].mean()) == pytest.approx(shape, abs=0.1)
    assert float(np.exp(fit.idata["posterior"]["dose_Intercept"].mean())) == pytest.approx(scale, abs=0.15)
    assert (fit.synthesize(m=1, random_seed=1).copies[0]["dose"] > 0).all()


CENSORED_LIKELIHOODS = {
    "exponential": lambda p: stats.expon(scale=np.exp(p[0])),
    "weibull": lambda p: stats.weibull_min(np.exp(p[1]), scale=np.exp(p[0])),
    "loglogistic": lambda p: stats.fisk(np.exp(p[1]), scale=np.exp(p[0])),
    "lognormal": lambda p: stats.lognorm(np.exp(p[1]), scale=np.exp(p[0])),
}


@pytest.mark.parametrize("family", CENSORED_LIKELIHOODS)
def test_each_family_is_fitted_to_censored_times(family: str) -> None:
    rng = np.random.default_rng(9)
    t, limit = 3.0 * rng.weibull(1.3, 500), rng.uniform(0.5, 6.0, 500)
    data = pd.DataFrame({"t": np.minimum(t, limit), "d": (t <= limit).astype(int)})
    made = CENSORED_LIKELIHOODS[family]

    def loss(p: np.ndarray) -> float:
        own = made(p)
        return -float(np.where(data["d"] == 1, own.logpdf(data["t"]), own.logsf(data["t"])).sum())

    best = optimize.minimize(loss, [1.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-6}).x
    spec = bs.Spec(bs.Survival("t ~ 1", event="d", family=family, censoring="~ 1"))
    post = spec.fit(data, random_seed=1, cores=1, progress=False, draws=300).idata["posterior"]
    # With 300 events the prior moves the mean by less than a tenth of its standard deviation of about 0.05.
    assert float(post["t_Intercept"].mean()) == pytest.approx(best[0], abs=0.02)
    for name in {"t_alpha", "t_sigma"} & set(post.data_vars):
        assert float(np.log(post[name]).mean()) == pytest.approx(best[1], abs=0.02)


def test_piecewise_is_cox_with_a_smooth_baseline() -> None:
    rng = np.random.default_rng(10)
    x, z = rng.normal(size=800), rng.integers(0, 2, 800)
    t, limit = rng.exponential(np.exp(0.7 - 0.6 * x + 0.4 * z)), rng.uniform(0.3, 5.0, 800)
    data = pd.DataFrame({"x": x, "z": z, "t": np.minimum(t, limit), "d": (t <= limit).astype(int)})
    spec = bs.Spec("x ~ 1", "z ~ 1", bs.Survival("t ~ x + z", event="d"))
    post = spec.fit(data, random_seed=1, cores=1, progress=False, draws=500).idata["posterior"]
    cox = PHReg(data["t"], data[["x", "z"]], status=data["d"]).fit()
    for name, estimate, error in zip(("t_x", "t_z"), cox.params, cox.bse, strict=True):
        assert float(post[name].mean()) == pytest.approx(estimate, abs=0.25 * error)
        assert float(post[name].std()) == pytest.approx(error, rel=0.1)
