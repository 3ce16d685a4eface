"""The likelihood of records: against ArviZ's group of the fit, closed forms and quadrature."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

import bayessynth as bs
from bayessynth.errors import FitError
from bayessynth.fitting.record_likelihood import encode_rows, record_log_likelihood, row_equations
from tests import clinics
from tests.handmade import handmade

DRAWS = [(0, 0), (1, 7), (0, 19)]


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return clinics.clinics()


@pytest.fixture(scope="module")
def fitted(table: pd.DataFrame) -> bs.Fitted:
    return handmade(clinics.spec(), table, draws=20)


def without_effects(fitted: bs.Fitted) -> bs.Fitted:
    posterior = fitted.idata["posterior"].to_dataset()
    kept = posterior[[v for v in posterior.data_vars if "site" not in posterior[v].dims]]
    return bs.Fitted(fitted.bound, xr.DataTree.from_dict({"posterior": kept}), fitted.groups, fitted.provenance)


def test_training_records_have_the_likelihood_of_the_fit(fitted, table):
    tree = fitted.to_datatree(table, m=1, random_seed=1)["log_likelihood"]
    columns = [e.response for e in row_equations(fitted)]
    assert columns == ["female", "pressure", "visits"]  # beds belong to sites, dose has no parameter
    expected = [sum(tree[c].values[chain, draw] for c in columns) for chain, draw in DRAWS]
    found = record_log_likelihood(fitted, encode_rows(fitted, table), DRAWS)
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_records_are_taken_one_by_one_in_any_order(fitted, table):
    rows = np.random.default_rng(1).permutation(len(table))[:40]
    whole = record_log_likelihood(fitted, encode_rows(fitted, table), DRAWS)
    some = record_log_likelihood(fitted, encode_rows(fitted, table.iloc[rows]), DRAWS)
    np.testing.assert_allclose(some, whole[:, rows], rtol=1e-12)


def test_a_new_group_is_averaged_over_the_distribution_of_groups():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"g": np.repeat([f"g{i}" for i in range(8)], 6), "y": rng.normal(size=48)})
    fitted = handmade(bs.Spec(bs.Equation("y ~ 1 + (1 | g)", family="normal")), frame, draws=10)
    new = frame.head(5).assign(g="another")
    found = record_log_likelihood(fitted, encode_rows(fitted, new), [(0, 3)])[0]
    posterior = fitted.idata["posterior"].to_dataset().isel(chain=0, draw=3)
    mean, sd, between = (float(posterior[v]) for v in ("y_Intercept", "y_sigma", "y_1|g_sd"))
    exact = stats.norm.logpdf(new["y"], mean, np.hypot(sd, between))
    # 32 effects stand for their distribution; the error is theirs.
    draws = stats.norm.pdf(new["y"].to_numpy()[:, None], mean + between * rng.normal(size=(1, 10_000)), sd)
    error = draws.std(axis=1) / np.sqrt(32) / np.exp(exact)
    assert (np.abs(np.exp(found - exact) - 1) < 4 * error).all()


def test_groups_new_ignores_the_effects_of_a_records_own_group(fitted, table):
    own = record_log_likelihood(fitted, encode_rows(fitted, table), DRAWS)
    new = record_log_likelihood(fitted, encode_rows(fitted, table), DRAWS, groups="new")
    unseen = record_log_likelihood(fitted, encode_rows(fitted, table.assign(site="elsewhere")), DRAWS)
    np.testing.assert_allclose(new, unseen, rtol=1e-12)
    assert np.abs(own - new).max() > 1


def test_seen_and_unseen_groups_stand_side_by_side(fitted, table):
    mixed = table.head(30).copy()
    mixed.loc[::2, "site"] = "elsewhere"
    found = record_log_likelihood(fitted, encode_rows(fitted, mixed), DRAWS)
    seen = record_log_likelihood(fitted, encode_rows(fitted, table.head(30)), DRAWS)
    unseen = record_log_likelihood(fitted, encode_rows(fitted, table.head(30)), DRAWS, groups="new")
    np.testing.assert_allclose(found[:, 1::2], seen[:, 1::2], rtol=1e-12)
    np.testing.assert_allclose(found[:, ::2], unseen[:, ::2], rtol=1e-12)


def test_groups_that_are_pairs_of_columns_are_found(fitted):
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"a": np.repeat([1, 2, 3], 20), "b": np.tile(np.repeat(["x", "y"], 10), 3)})
    frame["y"] = rng.normal(size=60)
    nested = handmade(bs.Spec(bs.Equation("y ~ 1 + (1 | a / b)", family="normal")), frame, draws=5)
    rows = encode_rows(nested, frame)
    assert rows.index["a"].tolist() == np.repeat([0, 1, 2], 20).tolist()
    assert rows.index["a:b"].tolist() == np.repeat(range(6), 10).tolist()
    floats = frame.assign(a=frame["a"].astype(float))
    assert encode_rows(nested, floats).index["a"].tolist() == rows.index["a"].tolist()
    tree = nested.to_datatree(frame, m=1, random_seed=1)["log_likelihood"]["y"].values[1, 2]
    np.testing.assert_allclose(record_log_likelihood(nested, rows, [(1, 2)])[0], tree, rtol=1e-10)


def test_missing_cells_add_nothing_and_unknown_levels_have_no_likelihood(table):
    frame = table.assign(sex=np.where(table["female"], "f", "m"))[["sex", "dose"]]
    spec = bs.Spec("sex ~ 1", bs.Equation("dose ~ sex", family="normal"))
    fitted = handmade(spec, frame, draws=5)
    gaps = frame.head(4).copy()
    gaps.loc[0, "dose"] = np.nan
    gaps.loc[1, "sex"] = None
    gaps.loc[2, "sex"] = "x"
    found = record_log_likelihood(fitted, encode_rows(fitted, gaps), [(0, 0)])[0]
    alone = record_log_likelihood(fitted, encode_rows(fitted, gaps), [(0, 0)], equations=fitted.bound.equations[:1])[0]
    assert found[0] == alone[0]
    assert found[1] == 0
    assert np.isnan(found[2])
    assert np.isfinite(found[3])


def test_a_value_outside_the_support_has_none():
    frame = pd.DataFrame({"n": [0, 1, 2, 5, 3, 9, 4, 7]})
    fitted = handmade(bs.Spec(bs.Equation("n ~ 1", family="poisson")), frame, draws=5)
    found = record_log_likelihood(fitted, encode_rows(fitted, pd.DataFrame({"n": [3.0, 2.5, -1.0]})), [(0, 0)])[0]
    assert np.isfinite(found[0])
    assert np.isneginf(found[1:]).all()


def test_categories_and_booleans_are_the_levels_of_the_fit(table):
    frame = pd.DataFrame(
        {"female": table["female"], "level": pd.Categorical(np.where(table["dose"] > 0, "up", "down"))}
    )
    fitted = handmade(bs.Spec("female ~ 1", "level ~ female"), frame, draws=5)
    plain = frame.assign(level=frame["level"].astype(object))
    found, same = (record_log_likelihood(fitted, encode_rows(fitted, f), [(0, 0)]) for f in (frame, plain))
    np.testing.assert_array_equal(found, same)
    assert np.isfinite(found).all()


def test_a_fit_that_let_go_its_groups_says_so(fitted, table):
    bare = without_effects(fitted)
    rows = encode_rows(fitted, table)
    with pytest.raises(FitError, match=r"effects of the observed groups \(site\) are not in this fit"):
        record_log_likelihood(bare, rows, DRAWS)
    # Groups that are new need them not, and the posterior has no labels by which to find the others.
    new = record_log_likelihood(bare, rows, DRAWS, groups="new")
    np.testing.assert_allclose(new, record_log_likelihood(fitted, rows, DRAWS, groups="new"), rtol=1e-12)
    assert (encode_rows(bare, table).index["site"] == -1).all()
