"""Copies: how many, how large, from which draws, of which dtypes, with which seed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.errors import FitError, MissingRowsWarning, SynthesisError
from bayessynth.synthesis import generate
from bayessynth.synthesis.draws import Draws
from tests import clinics
from tests.handmade import handmade


@pytest.mark.parametrize("k", [1, 2, 17, 341, 3000])
def test_exactly_k_rows(clinic_fit: bs.Fitted, school_fit: bs.Fitted, k: int) -> None:
    for fitted in (clinic_fit, school_fit):
        syn = fitted.synthesize(m=3, k=k, random_seed=1)
        assert [len(copy) for copy in syn] == [k] * 3
        assert syn.provenance["k"] == k and len(syn) == syn.m == 3


def test_k_is_n_by_default(clinic_fit: bs.Fitted, clinic_table: pd.DataFrame) -> None:
    syn = clinic_fit.synthesize(m=2, random_seed=1)
    assert len(syn[0]) == len(clinic_table) == syn.provenance["k"] == syn.provenance["n"]
    assert list(syn[0]) == list(clinic_table)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"m": 0}, "m=0 must be a whole number above zero"),
        ({"m": -2}, "m=-2"),
        ({"m": 2.5}, r"m=2\.5"),
        ({"m": True}, "m=True"),
        ({"k": 0}, "k=0 must be a whole number above zero"),
        ({"k": -1}, "k=-1"),
        ({"m": 121}, "m=121 copies need as many posterior draws, but the fit has 120; fit with more draws="),
        ({"groups": "exisitng"}, "groups='exisitng'.*Did you mean 'existing'"),
        ({"random_seed": -3}, "random_seed=-3 must be a whole number"),
        ({"original": pd.DataFrame()}, "original= is for specs with rest='keep'"),
    ],
)
def test_bad_arguments(clinic_fit: bs.Fitted, options: dict, message: str) -> None:
    with pytest.raises(SynthesisError, match=message):
        clinic_fit.synthesize(**options)


@pytest.mark.parametrize(("m", "chains", "draws"), [(1, 4, 100), (4, 4, 100), (7, 3, 10), (30, 3, 10), (29, 3, 10)])
def test_copies_use_draws_spread_over_chains(m: int, chains: int, draws: int) -> None:
    chosen = Draws({}, (chains, draws)).spread(m)
    assert len(set(chosen)) == m
    assert all(0 <= c < chains and 0 <= d < draws for c, d in chosen)
    by_chain = np.bincount([c for c, _ in chosen], minlength=chains)
    assert by_chain.max() - by_chain.min() <= 1
    if m >= 2 * chains:
        assert max(d for _, d in chosen) - min(d for _, d in chosen) >= draws / 2


def test_each_copy_has_a_draw_of_its_own(clinic_fit: bs.Fitted) -> None:
    """With a family whose sampler is all mean, the copy shows the draw: P(female) near its draw's."""
    syn = clinic_fit.synthesize(m=6, k=40_000, random_seed=1)
    posterior = clinic_fit.idata["posterior"]["female_Intercept"].values
    for (chain, draw), copy in zip(syn.provenance["draws"], syn, strict=True):
        share = 1 / (1 + np.exp(-posterior[chain, draw]))
        assert copy["female"].mean() == pytest.approx(share, abs=4.5 * np.sqrt(share * (1 - share) / 40_000) + 1e-9)
    assert len({tuple(pair) for pair in syn.provenance["draws"]}) == 6


def test_same_seed_same_bytes(clinic_fit: bs.Fitted) -> None:
    one, two = (clinic_fit.synthesize(m=2, random_seed=9) for _ in range(2))
    for first, second in zip(one, two, strict=True):
        pd.testing.assert_frame_equal(first, second, check_exact=True)
    pd.testing.assert_frame_equal(one[1], two[-1], check_exact=True)
    assert not one[0].equals(clinic_fit.synthesize(m=2, random_seed=10)[0])
    assert not one[0].equals(one[1])
    fresh = clinic_fit.synthesize(m=1)
    again = clinic_fit.synthesize(m=1, random_seed=fresh.provenance["random_seed"])
    pd.testing.assert_frame_equal(fresh[0], again[0], check_exact=True)
    assert one[0].equals(clinic_fit.synthesize(m=2, random_seed=np.int64(9))[0])


def test_parts_make_up_the_copy(school_fit: bs.Fitted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "PART", 64)
    syn = school_fit.synthesize(m=2, k=1000, random_seed=3)
    parts = list(syn.parts(1))
    assert [len(part) for part in parts] == [64] * 15 + [40]
    assert all((part.dtypes == parts[0].dtypes).all() for part in parts)
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), syn[1], check_exact=True)
    for threads in (1, 3):
        pd.testing.assert_frame_equal(pd.concat(syn.parts(1, threads), ignore_index=True), syn[1], check_exact=True)
    assert (syn[1].groupby(["school", "class"])["area"].nunique() == 1).all()


def test_small_integer_labels_are_of_one_dtype_in_all_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "PART", 100)
    frame = pd.DataFrame(
        {"g": np.repeat(np.arange(10, dtype="int8"), 4), "x": np.random.default_rng(1).normal(size=40)}
    )
    fitted = handmade(bs.Spec("x ~ (1 | g)"), frame)
    parts = list(fitted.synthesize(m=1, k=900, random_seed=1).parts(0))
    assert len({str(part["g"].dtype) for part in parts}) == 1
    assert pd.concat(parts)["g"].nunique() == 225


def test_there_is_no_such_copy(clinic_fit: bs.Fitted) -> None:
    syn = clinic_fit.synthesize(m=2, random_seed=1)
    assert syn.copies[1].equals(syn[-1])
    for ask in (lambda: syn[2], lambda: syn[-3], lambda: syn.parts(2)):
        with pytest.raises(IndexError, match="there are 2, from 0 to 1"):
            ask()


def test_a_failed_fit_needs_force(clinic_table: pd.DataFrame) -> None:
    failed = handmade(clinics.spec(), clinic_table, verdict="fail")
    with pytest.raises(FitError, match=r"(?s)diagnostics say 'fail'.*force=True"):
        failed.synthesize(m=1)
    syn = failed.synthesize(m=1, force=True, random_seed=1)
    assert (syn.provenance["verdict"], syn.provenance["forced"]) == ("fail", True)
    assert "fail (forced)" in repr(syn)
    warned = handmade(clinics.spec(), clinic_table, verdict="warn").synthesize(m=1, force=True, random_seed=1)
    assert (warned.provenance["verdict"], warned.provenance["forced"]) == ("warn", False)


def test_provenance_of_plain_copies(clinic_fit: bs.Fitted) -> None:
    record = clinic_fit.synthesize(m=2, k=50, random_seed=1).provenance
    expected = {
        "synthesis": "fully", "proper": True, "m": 2, "k": 50, "n": 341, "groups": "new", "random_seed": 1,
        "verdict": "pass", "forced": False, "disclosing": [], "privacy": "no formal guarantee", "given": [],
        "last_group_cut": True, "spec": clinic_fit.spec.hash,
    }  # fmt: skip
    assert {key: record[key] for key in expected} == expected


def dtypes_table() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    n = 80
    words = np.array(["red", "green", "blue"])[rng.integers(0, 3, n)]
    return pd.DataFrame(
        {
            "flag": rng.random(n) < 0.5,
            "maybe": pd.array(rng.random(n) < 0.5, dtype="boolean"),
            "word": pd.array(words, dtype="string"),
            "thing": words.astype(object),
            "cat": pd.Categorical(words, ["green", "red", "blue", "none"]),
            "grade": pd.Categorical(words, ["red", "green", "blue"], ordered=True),
            "small": rng.poisson(3, n).astype("uint8"),
            "whole": pd.array(rng.poisson(3, n), dtype="Int64"),
            "signed": rng.integers(-5, 5, n).astype("int16"),
            "single": rng.normal(size=n).astype("float32"),
            "nullable": pd.array(rng.normal(size=n), dtype="Float64"),
            "price": rng.lognormal(3, 1, n).round(2),
            "share": rng.uniform(0.1, 0.9, n),
            "yes": np.array(["no", "yes"])[rng.integers(0, 2, n)],
            "day": pd.Timestamp("2020-02-28") + pd.to_timedelta(rng.integers(0, 90, n), "D"),
            "time": pd.DatetimeIndex(
                pd.Timestamp("2021-06-01") + pd.to_timedelta(rng.integers(0, 10**6, n), "s"), tz="UTC"
            ).tz_convert("Europe/Paris"),
            "always": ["here"] * n,
        }
    )


def test_dtypes_are_the_originals() -> None:
    frame = dtypes_table()
    spec = bs.Spec(*(f"{c} ~ 1" for c in frame))
    for syn in (handmade(spec, frame).synthesize(m=2, k=50, random_seed=1),
                spec.synthesize_prior(frame, m=2, k=50, random_seed=1)):  # fmt: skip
        for copy in syn:
            assert copy.dtypes.to_dict() == frame.dtypes.to_dict()
            assert list(copy) == list(frame) and not copy.isna().any().any()
            assert set(copy["thing"]) <= {"red", "green", "blue"} and set(copy["yes"]) <= {"no", "yes"}
            assert (copy["always"] == "here").all()
            assert np.array_equal(copy["price"], copy["price"].round(2))
            assert (copy["day"].dt.normalize() == copy["day"]).all()


def test_uniform_and_point_and_constant_columns() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"u": rng.uniform(-1, 3, 50), "c": 7, "z": rng.normal(size=50)})
    spec = bs.Spec(bs.Equation("u ~ 1", family="uniform"), "c ~ 1", bs.Equation("z ~ 1", family="uniform"))
    fitted = handmade(spec, frame)
    copy = fitted.synthesize(m=1, k=5000, random_seed=1)[0]
    low, high = fitted.schema["u"].bounds
    assert low <= copy["u"].min() < frame["u"].min() and frame["u"].max() < copy["u"].max() <= high
    assert (copy["c"] == 7).all() and copy["c"].dtype == frame["c"].dtype


def test_predictors_are_the_generated_ones(clinic_table: pd.DataFrame) -> None:
    """A tight normal given rounded ages shows them: y is on its line through the released x."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"x": rng.normal(50, 9, 80).round(1), "y": rng.normal(size=80)})
    tight = {"sigma": bs.Prior("HalfNormal", sigma=1e-9)}
    spec = bs.Spec(bs.Equation("x ~ 1", family="normal"), bs.Equation("y ~ x", family="normal", priors=tight))
    fitted = handmade(spec, frame)
    syn = fitted.synthesize(m=2, random_seed=1)
    posterior = fitted.idata["posterior"]
    for (chain, draw), copy in zip(syn.provenance["draws"], syn, strict=True):
        line = posterior["y_Intercept"].values[chain, draw] + posterior["y_x"].values[chain, draw] * copy["x"]
        np.testing.assert_allclose(copy["y"], line, atol=1e-6)


def test_rows_with_missing_cells_are_modelled_but_not_copied() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"a": rng.normal(size=60), "b": rng.normal(size=60), "g": np.arange(60) % 6})
    frame.loc[[4, 5, 31], "a"] = np.nan
    spec = bs.Spec("a ~ 1", "b ~ a + (1 | g)")
    with pytest.warns(MissingRowsWarning, match="cells are missing in a"):
        fitted = handmade(spec, frame, missing="drop")
    for syn in (fitted.synthesize(m=1, random_seed=1), spec.synthesize_prior(frame, m=1, random_seed=1)):
        assert not syn[0].isna().any().any() and len(syn[0]) == 60
