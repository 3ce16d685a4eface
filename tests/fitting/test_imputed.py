"""Missing cells drawn with the parameters, and the pattern of missing cells in copies: from ``fit`` to copies."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from arviz_stats.base import array_stats
from scipy import special

import bayessynth as bs
from bayessynth.errors import FitError, MissingDataError, MissingRowsWarning, SynthesisError
from bayessynth.fitting import Fitted, imputed, to_pymc
from bayessynth.inference.provenance import rule_for
from tests.imputation.tables import blank, found
from tests.imputation.test_chain import exact_normal

NORMAL = bs.Spec("x ~ 1", "y ~ x")
SHORT: dict[str, Any] = {"missing": "model", "draws": 400, "chains": 2, "copies": 4, "random_seed": 1, "cores": 1,
                         "progress": False}  # fmt: skip


def normal_table(n: int = 150, seed: int = 1) -> pd.DataFrame:
    """Return x and y of which many large y lack their x."""
    rng = np.random.default_rng(seed)
    x = rng.normal(1.0, 1.0, n).round(3)
    y = (0.8 * x + rng.normal(size=n)).round(3)
    return blank(pd.DataFrame({"x": x, "y": y}), "x", 0.4 * special.expit(3.0 * y - 2.0), rng)


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    return NORMAL.fit(normal_table(), **{**SHORT, "draws": 600})


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make chains too short to be trusted, where only what becomes of them is looked at."""
    for name, value in {"SWEEPS": 10, "MOST": 10, "BURN_IN": 2}.items():
        monkeypatch.setattr(imputed, name, value)


def draws(fit: Fitted, name: str) -> np.ndarray:
    return fit.idata["posterior"][name].values


def test_the_posterior_is_the_exact_one_of_what_is_observed(fitted: Fitted) -> None:
    exact = exact_normal(found(NORMAL, normal_table()))
    for name, expected in exact.items():
        own = draws(fitted, name)
        error = array_stats.mcse(own, method="mean") + expected.std() / np.sqrt(2000)
        assert abs(own.mean() - expected.mean()) < 4 * error, name
        assert abs(np.log(own.std() / expected.std())) < 4 * 0.71 * error / expected.std(), name
    # Complete rows say another thing: were it not, this would show nothing.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MissingRowsWarning)
        complete = NORMAL.fit(normal_table(), **{**SHORT, "missing": "drop"})
    for name in ("x_Intercept", "y_Intercept"):
        assert exact[name].mean() - draws(complete, name).mean() > exact[name].std(), name
    assert dict(fitted.idata["posterior"].sizes) == {"chain": 2, "draw": 600}
    for name, variable in complete.idata["posterior"].data_vars.items():
        assert fitted.idata["posterior"][name].dims == variable.dims


def test_what_was_done_is_told(fitted: Fitted) -> None:
    count = int(normal_table()["x"].isna().sum())
    assert fitted.provenance["imputed"] == {"x": count}
    assert fitted.provenance["rows"] == {"x": 150, "y": 150}
    assert fitted.provenance["engine"] == {"x": "marginal", "y": "marginal"}
    how = fitted.provenance["imputation"]
    assert how["equations"] == ["x", "y"]
    assert set(how["r_hat"]) == {"x mean", "x sd"}
    told = repr(fitted.diagnose())
    assert f"missing cells of 'x' ({count}) were drawn with the parameters, in {how['sweeps']} sweeps" in told
    assert fitted.diagnose().verdict != "fail"
    copies = fitted.synthesize(2, random_seed=1)
    assert rule_for(copies.provenance).name == "rrr"


def test_chains_of_cells_that_disagree_are_in_the_verdict(fitted: Fitted) -> None:
    how = fitted.provenance["imputation"]
    for value, verdict in ((1.3, {"warn", "fail"}), (1.6, {"fail"})):
        told = {**fitted.provenance, "imputation": {**how, "r_hat": {"x mean": value, "x sd": 1.0}}}
        other = Fitted(fitted.bound, fitted.idata, fitted.groups, told, fitted.forest)
        assert other.diagnose().verdict in verdict
        assert any(f"R-hat {value:.2f}, worst in x mean" in reason for reason in other.diagnose().reasons)


def test_harder_questions_take_more_sweeps(fitted: Fitted) -> None:
    quick = NORMAL.fit(blank(normal_table().fillna(1.0), "x", 0.03, np.random.default_rng(1)), **SHORT)
    assert quick.provenance["imputation"]["sweeps"] == imputed.SWEEPS
    assert fitted.provenance["imputation"]["sweeps"] > imputed.SWEEPS
    assert fitted.diagnose().table["ess_bulk"].min() > 150


def test_copies_have_missing_cells_that_depend_on_what_they_did(fitted: Fitted) -> None:
    table, copies = normal_table(), fitted.synthesize(4, k=4000, random_seed=1).copies
    share = table["x"].isna().mean()
    shares = np.array([copy["x"].isna().mean() for copy in copies])
    assert (np.abs(shares - share) < 4 * np.sqrt(share * (1 - share) * (1 / 150 + 1 / 4000))).all()
    for copy in copies:
        gap = copy["y"][copy["x"].isna()].mean() - copy["y"][copy["x"].notna()].mean()
        assert gap > 0.7  # in the original 1.2
        assert not copy["y"].isna().any()


def everything(n: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    z, arm = rng.normal(size=n).round(2), np.array(["a", "b", "c"])[rng.integers(0, 3, n)]
    age = pd.Series(rng.poisson(np.exp(3 + 0.2 * z)), dtype="Int64")
    cost = np.exp(2 + 0.01 * age.to_numpy(float) + (arm == "b") + rng.normal(size=n)).round(2)
    table = pd.DataFrame({"z": z, "age": age, "arm": pd.Categorical(arm), "cost": cost})
    table.loc[rng.random(n) < 0.15, "age"] = pd.NA
    table.loc[rng.random(n) < special.expit(z - 2.0), "arm"] = None
    table.loc[rng.random(n) < 0.2, "cost"] = np.nan
    # Drawn by trees: who did not tell the age is visited; z and what is left are related too.
    table["visited"] = np.where(table["age"].isna(), "yes", np.where(rng.random(n) < 0.2, "yes", "no"))
    return table


@pytest.fixture(scope="module")
def mixed() -> Fitted:
    spec = bs.Spec("z ~ 1", bs.Equation("age ~ z", family="poisson"), "arm ~ z",
                   bs.Equation("cost ~ age + arm", family="lognormal"), rest="tree")  # fmt: skip
    return spec.fit(everything(), **{**SHORT, "draws": 250})


def test_families_kinds_and_trees_go_together(mixed: Fitted) -> None:
    table = everything()
    missing = table.isna().sum()
    # Where the cost is missing too, no likelihood needs the age.
    needed = (table["age"].isna() & table["cost"].notna()).sum()
    both = (table["arm"].isna() & table["cost"].notna()).sum()
    assert mixed.provenance["imputed"] == {"age": needed, "arm": both}
    assert mixed.provenance["left_out"] == {
        "age": missing["age"] - needed, "arm": missing["arm"] - both, "cost": missing["cost"]
    }  # fmt: skip
    assert "which no equation reads, were left out of the equations of" in repr(mixed.diagnose())
    assert f"'cost' ({missing['cost']})" in repr(mixed.diagnose())
    assert mixed.provenance["rows"]["cost"] == 300 - missing["cost"]
    (copy,) = mixed.synthesize(1, k=4000, random_seed=2).copies
    assert (copy.dtypes == table.dtypes).all()
    rates, shares = copy.isna().mean(), table.isna().mean()
    assert (np.abs(rates - shares) <= 4 * np.sqrt(shares * (1 - shares) * (1 / 300 + 1 / 4000))).all()
    # A tree reads the column with its missing cells, a parametric equation the value behind each.
    assert (copy["visited"][copy["age"].isna()] == "yes").mean() > 0.9
    assert (copy["visited"][copy["age"].notna()] == "yes").mean() < 0.35
    assert copy["cost"][copy["age"].isna()].notna().any()
    assert copy["z"][copy["arm"].isna()].mean() - copy["z"][copy["arm"].notna()].mean() > 0.4


def test_a_saved_fit_makes_the_same_copies_and_holds_no_drawn_cell(
    few: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[np.ndarray] = []

    def watched(gaps: Any, *args: Any) -> Any:
        made = run(gaps, *args)
        drawn.append(made.arrays["x"][gaps.gaps[0].at])
        return made

    run = imputed.chain
    monkeypatch.setattr(imputed, "chain", watched)
    fit = NORMAL.fit(normal_table(), **SHORT)
    directory = fit.save(tmp_path / "fit")
    loaded = bs.load(directory)
    assert isinstance(loaded, Fitted)
    assert loaded.bound.masks == fit.bound.masks
    copies = [one.synthesize(2, force=True, random_seed=3)[1] for one in (loaded, fit)]
    pd.testing.assert_frame_equal(*copies)
    with xr.open_datatree(directory / "posterior.nc", engine="h5netcdf") as tree:
        kept = [v.values.ravel() for v in tree["posterior"].data_vars.values()]
    for name in ("groups.npz", "trees.npz"):
        with np.load(directory / name, allow_pickle=False) as arrays:
            kept += [a.ravel() for a in arrays.values() if a.dtype.kind == "f"]
    cells = np.concatenate(drawn)
    assert len(cells) > 20
    assert not np.isin(cells, np.concatenate(kept)).any()
    assert not any(repr(float(cell)) in (directory / "fit.json").read_text() for cell in cells)


def test_the_seed_fixes_everything_and_the_number_of_cores_nothing(few: None) -> None:
    fits = [NORMAL.fit(normal_table(60), **{**SHORT, "cores": cores}) for cores in (1, 2)]
    assert (draws(fits[0], "y_x") == draws(fits[1], "y_x")).all()
    pd.testing.assert_frame_equal(*(fit.synthesize(1, force=True, random_seed=1)[0] for fit in fits))
    other = NORMAL.fit(normal_table(60), **{**SHORT, "random_seed": 2})
    assert (draws(fits[0], "y_x") != draws(other, "y_x")).any()


def test_a_response_that_nothing_reads_is_left_out_only() -> None:
    table = normal_table().fillna(1.0)
    table.loc[:29, "y"] = np.nan
    fit = NORMAL.fit(table, **SHORT)
    assert fit.provenance["imputed"] == {}
    assert fit.provenance["left_out"] == {"y": 30}
    copies = fit.synthesize(1, k=2000, random_seed=1)
    assert copies[0]["y"].isna().mean() == pytest.approx(0.2, abs=0.13)
    assert rule_for(copies.provenance).name == "proper"
    assert fit.to_datatree(table, column="y", m=2)["observed_data"]["y"].size == 120


def sites(n: int = 240) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    site = np.arange(n) // 6
    size = rng.normal(size=n // 6).round(2)
    y = (size[site] + rng.normal(size=n // 6)[site] + rng.normal(size=n)).round(2)
    size[::4] = np.nan
    return pd.DataFrame({"site": site, "size": size[site], "y": y})


def test_a_cell_at_a_groups_level_is_missing_in_all_rows_of_the_group(few: None) -> None:
    fit = bs.Spec("size ~ 1", "y ~ size + (1 | site)").fit(sites(), **SHORT)
    assert fit.provenance["imputed"] == {"size": 10}
    copy = fit.synthesize(1, k=3000, force=True, random_seed=1)[0]
    by_site = copy["size"].isna().groupby(copy["site"]).mean()
    assert set(by_site.iloc[:-1]) == {0.0, 1.0}
    assert by_site.mean() == pytest.approx(0.25, abs=0.3)
    assert copy["y"].notna().all()


def test_nuts_serves_where_it_is_asked_for(few: None) -> None:
    fit = NORMAL.fit(normal_table(60), **{**SHORT, "engine": "kernel", "chains": 1, "draws": 100})
    assert set(fit.provenance["engine"].values()) == {"kernel"}
    table = fit.diagnose().table
    assert table["bfmi"].isna().all()
    assert (table["divergences"] < 5).all()


def test_what_cannot_be_done_is_said_before_any_sampling(fitted: Fitted) -> None:
    with pytest.raises(FitError, match=r"engine='pymc' would compile its model in every sweep.*Use engine='auto'"):
        NORMAL.fit(normal_table(), **{**SHORT, "engine": "pymc"})
    with pytest.raises(
        FitError, match=r"equation of 'x' to others, and none of the engines .* \('laplace'|'quadrature'"
    ):
        NORMAL.fit(normal_table(), **{**SHORT, "engine": "quadrature"})
    with pytest.raises(FitError, match=r"join the equations of 'x', 'y'.*no model of 'y' alone has its posterior"):
        fitted.model("y", normal_table())
    with pytest.raises(FitError, match=r"join the equations of 'x', 'y'.*Say missing='drop'"):
        to_pymc(NORMAL, normal_table(), missing="model")
    with pytest.raises(MissingDataError, match=r"'x' is missing in \d+ of 150 rows.*its family 'tree' has no density"):
        bs.Spec(bs.Equation("x ~ 1", family="tree"), "y ~ x").fit(normal_table(), **SHORT)
    with pytest.raises(SynthesisError, match=r"m=5 copies need .* which cells are missing, but the fit has 4"):
        fitted.synthesize(5)
