"""Given columns, kept columns, and what must be given with what."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.errors import DataError, DisclosureWarning, MissingRowsWarning, SynthesisError
from tests.handmade import handmade


def test_given_rows_stand_as_they_are(clinic_fit: bs.Fitted) -> None:
    given = pd.DataFrame({"female": [True, False, True, True], "dose": [0.5, -1.25, 0.0, 1.75]})
    syn = clinic_fit.synthesize(m=3, given=given, random_seed=1)
    for copy in syn:
        pd.testing.assert_frame_equal(copy[["female", "dose"]], given)
        assert len(copy) == 4 and not copy.isna().any().any()
    assert syn.provenance["k"] == 4 and syn.provenance["given"] == ["female", "dose"]
    with pytest.raises(SynthesisError, match="k=9 beside given= with 4 rows"):
        clinic_fit.synthesize(given=given, k=9)


def test_what_is_given_moves_what_follows() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"x": rng.normal(size=50), "y": rng.normal(size=50)})
    priors = {"x": bs.Prior("Normal", mu=100, sigma=1e-6), "sigma": bs.Prior("HalfNormal", sigma=1)}
    fitted = handmade(bs.Spec("x ~ 1", bs.Equation("y ~ x", priors=priors)), frame)
    copy = fitted.synthesize(m=1, given=pd.DataFrame({"x": [-2.0, 3.0]}), random_seed=1)[0]
    assert copy["y"][1] - copy["y"][0] == pytest.approx(500, abs=10)


def test_given_group_covariates_have_a_row_a_group(school_fit: bs.Fitted) -> None:
    given = pd.DataFrame({"public": [True, False, True, True, False]})
    syn = school_fit.synthesize(m=4, given=given, random_seed=1)
    lengths = set()
    for copy in syn:
        assert copy["school"].unique().tolist() == [1, 2, 3, 4, 5]
        assert copy.groupby("school")["public"].first().tolist() == given["public"].tolist()
        assert (copy.groupby(["school", "class"])["area"].nunique() == 1).all()
        lengths.add(len(copy))
    assert len(lengths) > 1
    assert syn.provenance["k"] is None and not syn.provenance["last_group_cut"]
    assert "k=varying rows" in repr(syn)
    with pytest.raises(SynthesisError, match="k=50 beside given="):
        school_fit.synthesize(given=given, k=50)
    with pytest.raises(SynthesisError, match="makes new groups"), pytest.warns(DisclosureWarning):
        school_fit.synthesize(given=given, groups="existing")


def test_given_labels_make_the_groups(clinic_fit: bs.Fitted, clinic_table: pd.DataFrame) -> None:
    given = pd.DataFrame({"site": ["north", "south", "north", "north"], "beds": [12, 30, 12, 12]})
    syn = clinic_fit.synthesize(m=2, given=given, random_seed=1)
    for copy in syn:
        pd.testing.assert_frame_equal(copy[["site", "beds"]], given, check_dtype=False)
    assert syn.provenance["groups"] == "new" and syn.provenance["disclosing"] == []
    only = clinic_fit.synthesize(m=1, given=given[["site"]], random_seed=1)[0]
    assert (only.groupby("site")["beds"].nunique() == 1).all()


def test_given_rows_of_one_new_group_share_its_effect() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"g": np.arange(60) % 10, "y": rng.normal(size=60)})
    priors = {"sigma": bs.Prior("HalfNormal", sigma=1e-9)}
    fitted = handmade(bs.Spec(bs.Equation("y ~ (1 | g)", family="normal", priors=priors)), frame)
    copy = fitted.synthesize(m=1, given=pd.DataFrame({"g": [4, 8, 4, 8, 4]}), random_seed=1)[0]
    assert copy["y"].round(5).nunique() == 2
    assert (copy.groupby("g")["y"].std() < 1e-6).all()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"agee": [1]}, "'agee', which the fit does not"),
        ({"doses": [1.0]}, "'doses', which the fit does not.*Did you mean 'dose'"),
        ({"beds": [3, 4], "dose": [0.1, 0.2]}, "group-level column 'beds' beside row-level ones"),
        ({"site": ["a", "a"], "beds": [3, 4]}, "varies within a 'site'.*2 rows, the first is row 1: 4"),
        ({}, "at least one row and one column"),
        ({"dose": []}, "at least one row and one column"),
    ],
)
def test_what_cannot_be_given(clinic_fit: bs.Fitted, given: dict, message: str) -> None:
    with pytest.raises(SynthesisError, match=message):
        clinic_fit.synthesize(given=pd.DataFrame(given))


def test_given_values_are_checked(clinic_fit: bs.Fitted) -> None:
    with pytest.raises(DataError, match="'dose': all 2 cells are missing"):
        clinic_fit.synthesize(given=pd.DataFrame({"dose": [np.nan, np.nan]}))
    with pytest.raises(DataError, match=r"[Ii]nfinite"):
        clinic_fit.synthesize(given=pd.DataFrame({"dose": [0.1, np.inf]}))
    with pytest.raises(SynthesisError, match="must be a DataFrame"):
        clinic_fit.synthesize(given=[1, 2])


def test_part_of_the_grouping_columns_is_refused(school_fit: bs.Fitted) -> None:
    with pytest.raises(SynthesisError, match="has class but not school; give all grouping columns or none"):
        school_fit.synthesize(given=pd.DataFrame({"class": [1, 2]}))
    copy = school_fit.synthesize(m=1, given=pd.DataFrame({"school": [7, 7, 9], "class": [1, 2, 1]}), random_seed=1)[0]
    assert copy["school"].tolist() == [7, 7, 9] and copy["class"].tolist() == [1, 2, 1]


@pytest.fixture(scope="module")
def kept_table(clinic_table: pd.DataFrame) -> pd.DataFrame:
    """With a record's identifier, a category with an unused level and a gap, and a date."""
    n = len(clinic_table)
    word = pd.Categorical(np.resize(["a", "b", None, "c"], n), ["c", "b", "a", "unused"])
    day = pd.Timestamp("2024-01-01 12:00:00.123456789") + pd.to_timedelta(np.arange(n) % 50, "D")
    return clinic_table.assign(name=[f"person {i}" for i in range(n)], word=word, day=day)


@pytest.fixture(scope="module")
def partial(kept_table: pd.DataFrame) -> bs.Fitted:
    pressure = bs.Equation("pressure ~ dose + (1 + dose | site)", family="normal")
    return handmade(bs.Spec(pressure, "visits ~ female + (1 | site)", rest="keep"), kept_table)


def test_partial_synthesis_keeps_the_rest(partial: bs.Fitted, kept_table: pd.DataFrame) -> None:
    with pytest.warns(DisclosureWarning, match="beds, female, dose, name, word, day are the original's own"):
        syn = partial.synthesize(m=2, original=kept_table, random_seed=1)
    for copy in syn:
        kept = ["site", "beds", "female", "dose", "name", "word", "day"]
        pd.testing.assert_frame_equal(copy[kept], kept_table[kept], check_exact=True)
        assert list(copy) == list(kept_table) and copy.dtypes.to_dict() == kept_table.dtypes.to_dict()
        assert (copy["pressure"] != kept_table["pressure"]).all()
    record = syn.provenance
    assert record["synthesis"] == "partially" and not record["last_group_cut"] and record["k"] == len(kept_table)
    assert record["disclosing"] == ["original values of beds, female, dose, name, word, day, and the original groups"]
    assert "partially synthetic" in repr(syn) and "disclosing: original values" in repr(syn)


def test_partial_synthesis_uses_the_observed_effects() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"g": np.repeat(["q", "b", "z"], 8), "x": rng.normal(size=24), "y": rng.normal(size=24)})
    priors = {"sigma": bs.Prior("HalfNormal", sigma=1e-9)}
    fitted = handmade(bs.Spec(bs.Equation("y ~ x + (1 | g)", family="normal", priors=priors), rest="keep"), frame)
    with pytest.warns(DisclosureWarning):
        syn = fitted.synthesize(m=1, original=frame, random_seed=1)
    (chain, draw), posterior = syn.provenance["draws"][0], fitted.idata["posterior"].to_dataset()
    at = posterior.isel(chain=chain, draw=draw)
    line = at["y_Intercept"].item() + at["y_x"].item() * frame["x"] + at["y_1|g"].sel(g=frame["g"].to_numpy()).values
    np.testing.assert_allclose(syn[0]["y"], line, atol=1e-6)


def test_partial_synthesis_needs_the_original(partial: bs.Fitted, kept_table: pd.DataFrame) -> None:
    with pytest.raises(SynthesisError, match=r"keeps the original's beds.*original=df"):
        partial.synthesize(m=1)
    with pytest.raises(DataError, match="not the data that were fitted"):
        partial.synthesize(m=1, original=kept_table.assign(dose=0.5))
    with pytest.raises(DataError, match="not the data that were fitted"):
        partial.synthesize(m=1, original=kept_table.head(20))
    with pytest.raises(SynthesisError, match="leave k= and given= out"):
        partial.synthesize(m=1, k=5, original=kept_table)


def test_partial_synthesis_needs_the_effects(kept_table: pd.DataFrame, partial: bs.Fitted, tmp_path) -> None:
    released = bs.Fitted(partial.bound, partial.idata,
                         type(partial.groups)(partial.groups.plan, partial.groups.sizes, {}, {}, {}),
                         partial.provenance)  # fmt: skip
    again = bs.load(released.save(tmp_path / "fit"))
    with pytest.raises(SynthesisError, match="saved only with keep_groups=True"), pytest.warns(DisclosureWarning):
        again.synthesize(m=1, original=kept_table, force=True)


def test_gaps_in_kept_predictors_are_an_error() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"x": rng.normal(size=40), "y": rng.normal(size=40)})
    frame.loc[[7, 9], "x"] = np.nan
    spec = bs.Spec("y ~ x", rest="keep")
    with pytest.warns(MissingRowsWarning):
        fitted = handmade(spec, frame, missing="drop")
    with pytest.raises(SynthesisError, match="column 'x', 2 of 40 rows, the first is row 7"), pytest.warns():
        fitted.synthesize(m=1, original=frame)


def test_dropped_columns_are_not_in_the_copies(clinic_table: pd.DataFrame) -> None:
    fitted = handmade(bs.Spec("female ~ 1", rest="drop"), clinic_table)
    assert list(fitted.synthesize(m=1, random_seed=1)[0]) == ["female"]
