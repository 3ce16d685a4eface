"""From a spec and a table to a posterior: seeds, names, settings, input."""

from __future__ import annotations

import warnings
from pathlib import Path

import arviz as az
import numpy as np
import pandas as pd
import pytensor
import pytest
import xarray as xr

import bayessynth as bs
from bayessynth.design import bind, component
from bayessynth.errors import DataError, FitError, MissingDataError, MissingRowsWarning, SpecError
from bayessynth.fitting.fit import read
from bayessynth.fitting.predictive import _log_prior
from bayessynth.graph import build
from tests import clinics
from tests.graph.evaluate import FLAGS, MODE, Evaluator


def test_posterior_has_all_names_and_no_others(clinic_fit: bs.Fitted) -> None:
    expected = {
        "beds_Intercept", "female_Intercept", "pressure_Intercept", "pressure_dose", "pressure_sigma",
        "pressure_1|site", "pressure_dose|site", "pressure_1|site_sd", "pressure_dose|site_sd", "pressure_site_corr",
        "visits_Intercept", "visits_female", "visits_1|site", "visits_1|site_sd",
    }  # fmt: skip
    posterior = clinic_fit.idata["posterior"]
    assert set(posterior.data_vars) == expected
    assert posterior["pressure_1|site"].dims == ("chain", "draw", "site")
    assert posterior.sizes["chain"] == 2 and posterior.sizes["draw"] == 200
    assert set(clinic_fit.idata.children) == {"posterior", "sample_stats"}
    stats = clinic_fit.idata["sample_stats"]
    assert list(stats["component"].values) == ["beds", "female", "pressure", "visits"]
    assert {"diverging", "energy", "tree_depth", "step_size", "lp"} <= set(stats.data_vars)


def test_same_seed_gives_same_bytes_on_one_core_and_on_two(clinic_fit: bs.Fitted, clinic_table: pd.DataFrame) -> None:
    alone = clinics.spec().drop("dose", "pressure", "visits")
    table = clinic_table[["site", "beds", "female"]]
    spec = alone.replace("female ~ 1", bs.Equation("beds ~ 1", family="poisson", level="row"))
    again = bs.Spec(*spec.equations, rest="drop").fit(table, cores=1, **clinics.SETTINGS)
    assert np.array_equal(
        again.idata["posterior"]["female_Intercept"], clinic_fit.idata["posterior"]["female_Intercept"]
    )
    # One equation alone has its chains side by side; two share a process.
    single = bs.Spec("female ~ 1").fit(table[["female"]], cores=1, **clinics.SETTINGS)
    assert single.idata["posterior"].to_dataset().equals(again.idata["posterior"].to_dataset()[["female_Intercept"]])
    other = bs.Spec("female ~ 1").fit(table[["female"]], cores=1, **clinics.SETTINGS | {"random_seed": 2})
    assert not np.array_equal(
        other.idata["posterior"]["female_Intercept"], clinic_fit.idata["posterior"]["female_Intercept"]
    )


def test_posterior_is_where_the_data_are(clinic_fit: bs.Fitted, clinic_table: pd.DataFrame) -> None:
    posterior = clinic_fit.idata["posterior"]
    share = 1 / (1 + np.exp(-posterior["female_Intercept"].values))
    assert share.mean() == pytest.approx(clinic_table["female"].mean(), abs=0.03)
    beds = clinic_table.groupby("site")["beds"].first()
    assert np.exp(posterior["beds_Intercept"].values).mean() == pytest.approx(beds.mean(), rel=0.03)
    assert posterior["pressure_sigma"].mean().item() == pytest.approx(1.5, abs=0.25)
    means = clinic_table.groupby("site")["pressure"].mean()
    fitted = posterior["pressure_1|site"].mean(("chain", "draw")).to_series()
    assert fitted.corr(means) > 0.8
    assert clinic_fit.provenance["rows"] == {"beds": 30, "female": 341, "dose": 341, "pressure": 341, "visits": 341}


def test_arviz_takes_the_posterior(clinic_fit: bs.Fitted) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        summary = az.summary(clinic_fit.idata)
        rhat = az.rhat(clinic_fit.idata)
    assert "pressure_sigma" in summary.index
    assert (
        0.9 < float(rhat["pressure_sigma"] if "pressure_sigma" in rhat else rhat["posterior"]["pressure_sigma"]) < 1.1
    )
    own = clinic_fit.component("visits")
    assert "component" not in own["sample_stats"].dims
    assert all(name.startswith("visits_") for name in own["posterior"].data_vars)


def test_summary_lists_groups_only_when_asked(clinic_fit: bs.Fitted) -> None:
    assert not any(name.startswith("visits_1|site[") for name in clinic_fit.summary().index)
    assert "visits_1|site[ward-00q]" in clinic_fit.summary(groups=True).index


def test_datatree_serves_loo_and_psense(clinic_fit: bs.Fitted, clinic_table: pd.DataFrame) -> None:
    tree = clinic_fit.to_datatree(clinic_table, "pressure", m=7, random_seed=1)
    assert tree["posterior_predictive"]["pressure"].shape == (1, 7, 341)
    assert np.array_equal(tree["observed_data"]["pressure"], clinic_table["pressure"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loo = az.loo(tree)
        sensitivity = az.psense_summary(tree, var_names=["pressure_dose", "pressure_sigma"])
    assert loo.n_data_points == 341 and np.isfinite(loo.elpd)
    assert list(sensitivity.index) == ["pressure_dose", "pressure_sigma"]
    again = clinic_fit.to_datatree(clinic_table, "pressure", m=7, random_seed=1)
    assert tree["posterior_predictive"].to_dataset().equals(again["posterior_predictive"].to_dataset())
    with pytest.raises(FitError, match="m=0 must be a whole number above zero"):
        clinic_fit.to_datatree(clinic_table, "pressure", m=0)


def test_datatree_of_all_equations(clinic_fit: bs.Fitted, clinic_table: pd.DataFrame) -> None:
    """Each equation has rows of its own, those at a group's level among them."""
    whole = clinic_fit.to_datatree(clinic_table, m=2, random_seed=1)
    part = clinic_fit.to_datatree(clinic_table, "pressure", m=2, random_seed=1)
    likelihood = whole["log_likelihood"]["pressure"]
    assert likelihood.dims == ("chain", "draw", "pressure_row")
    assert np.array_equal(likelihood, part["log_likelihood"]["pressure"])
    assert set(whole["observed_data"].data_vars) == set(clinic_fit.idata["sample_stats"]["component"].values)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert az.loo(whole, var_name="pressure").n_data_points == 341


PRIORS = {
    "normal": ("x ~ a + c + (1 + a | g)", "sigma ~ a"),
    "two levels": ("b ~ a + (1 || g)",),
    "category": ("c ~ a + (1 || g)",),
}


@pytest.mark.parametrize("name", PRIORS)
def test_log_prior_is_the_graph_s(name: str) -> None:
    """What psense re-weights is the density that PyMC gives each reported parameter."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "x": rng.normal(size=60), "a": rng.normal(2, 1, 60), "b": np.array(["n", "y"])[rng.integers(0, 2, 60)],
            "c": np.array(["p", "q", "r"])[rng.integers(0, 3, 60)], "g": np.arange(60) % 6,
        }
    )  # fmt: skip
    spec = bs.Spec(bs.Equation(*PRIORS[name], family="categorical" if name == "two levels" else None), rest="keep")
    column = spec.columns[0]
    made = component(*bind(spec, frame), column)
    model = build(made)
    evaluator = Evaluator(model)
    point = evaluator.at_random(np.random.default_rng(2))
    values = {
        k: (("chain", "draw", *(f"{k}_{i}" for i in range(v.ndim))), v[None, None]) for k, v in point.named.items()
    }
    ours = _log_prior(xr.Dataset(values), made)
    densities = model.logp(vars=model.free_RVs, sum=False, jacobian=False)
    with pytensor.config.change_flags(**FLAGS):
        function = pytensor.function(model.value_vars, densities, mode=MODE, on_unused_input="ignore")
    theirs = function(*(point.inputs[n] for n in evaluator.inputs))
    pairs = {v.name.removesuffix("~centred"): d for v, d in zip(model.free_RVs, theirs, strict=True)}
    assert len(ours.data_vars) >= 3
    for reported, density in ours.data_vars.items():
        assert float(density.sum()) == pytest.approx(float(np.sum(pairs[reported])), rel=1e-6)


def test_model_needs_the_data_that_were_fitted(clinic_fit: bs.Fitted, clinic_table: pd.DataFrame) -> None:
    assert "pressure_sigma" in clinic_fit.model("pressure", clinic_table).named_vars
    changed = clinic_table.copy()
    changed.loc[5, "pressure"] += 1e-9
    with pytest.raises(DataError, match="not the data that were fitted"):
        clinic_fit.model("pressure", changed)
    with pytest.raises(DataError, match="lack column 'visits'"):
        clinic_fit.to_datatree(clinic_table.drop(columns="visits"), "pressure")
    with pytest.raises(SpecError, match=r"'visit'.*'visits'"):
        clinic_fit.model("visit", clinic_table)
    with pytest.raises(SpecError, match=r"'dose'.*no parameters"):
        clinic_fit.model("dose", clinic_table)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"draws": 0}, "draws=0 must be a whole number above zero"),
        ({"tune": -1}, "tune=-1"),
        ({"chains": 1.5}, r"chains=1\.5"),
        ({"cores": True}, "cores=True"),
        ({"engine": "pymcc"}, "engine='pymcc'.*Did you mean 'pymc'"),
        ({"engine": None}, "engine=None"),
        ({"random_seed": -1}, "random_seed=-1 must be"),
        ({"random_seed": "one"}, "random_seed='one' must be"),
    ],
)
def test_bad_settings(settings: dict, message: str, clinic_table: pd.DataFrame) -> None:
    with pytest.raises(FitError, match=message):
        clinics.spec().fit(clinic_table, **settings)


def test_missing_cells_are_an_error_by_default(clinic_table: pd.DataFrame) -> None:
    gaps = clinic_table.copy()
    gaps.loc[[3, 8], "pressure"] = np.nan
    with pytest.raises(MissingDataError, match=r"'pressure' \(2 of 341 rows\)"):
        clinics.spec().fit(gaps)


def test_missing_rows_are_dropped_by_equation() -> None:
    frame = pd.DataFrame({"a": [1.5, np.nan, 2.5, 4.0], "b": [True, False, True, False]})
    spec = bs.Spec(bs.Equation("a ~ 1", family="normal"), "b ~ 1")
    with pytest.warns(MissingRowsWarning, match="'a': 1 of 4 rows"):
        bound, data = bind(spec, frame, missing="drop")
    assert [len(component(bound, data, c).y) for c in ("a", "b")] == [3, 4]


def test_no_parameters_at_all() -> None:
    frame = pd.DataFrame({"x": [1.5, 2.0, 7.5], "one": ["c", "c", "c"]})
    fitted = bs.Spec(bs.Equation("x ~ 1", family="uniform"), "one ~ 1").fit(frame, random_seed=1, progress=False)
    assert fitted.diagnose().verdict == "pass"
    copy = fitted.synthesize(m=1, random_seed=1)[0]
    assert list(copy["one"]) == ["c"] * 3
    assert list(fitted.summary().index) == []


def test_files_are_read(tmp_path: Path, clinic_table: pd.DataFrame) -> None:
    clinic_table.to_parquet(tmp_path / "t.parquet")
    clinic_table.to_csv(tmp_path / "t.csv.gz", index=False)
    assert read(tmp_path / "t.parquet").equals(clinic_table)
    pd.testing.assert_frame_equal(read(str(tmp_path / "t.csv.gz")), clinic_table, check_dtype=False)
    assert bs.Spec(bs.Equation("dose ~ 1", family="uniform"), rest="drop").fit(
        tmp_path / "t.parquet", progress=False
    ).bound.n == len(clinic_table)


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no file .*nothing\.parquet"):
        read(tmp_path / "nothing.parquet")
    (tmp_path / "t.xlsx").write_bytes(b"PK")
    with pytest.raises(DataError, match=r"t\.xlsx is neither \.parquet nor \.csv"):
        read(tmp_path / "t.xlsx")
    (tmp_path / "bad.parquet").write_bytes(b"not parquet at all")
    with pytest.raises(DataError, match=r"bad\.parquet cannot be read"):
        read(tmp_path / "bad.parquet")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(DataError, match=r"empty\.csv cannot be read"):
        read(tmp_path / "empty.csv")
    with pytest.raises(DataError, match="not list"):
        read([1, 2])
