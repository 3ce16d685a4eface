"""One Arrow schema for all parts of all copies, and what pandas makes of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import bayessynth as bs
from bayessynth.errors import DisclosureWarning, SynthesisError
from bayessynth.synthesis import SyntheticData
from bayessynth.synthesis.manifest import MANIFEST
from tests.handmade import handmade

pytestmark = pytest.mark.usefixtures("small")


def one_schema(directory: Path) -> None:
    """Check that all files have one schema, and that its text for pandas is one too."""
    schemas = [pq.read_schema(path) for path in sorted(directory.rglob("*.parquet"))]
    assert len(schemas) > 1
    assert all(schema.equals(schemas[0], check_metadata=True) for schema in schemas)


def test_dtypes_survive(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    words = np.array(["red", "green", "blue"])[rng.integers(0, 3, 80)]
    frame = pd.DataFrame(
        {
            "flag": rng.random(80) < 0.5,
            "maybe": pd.array(rng.random(80) < 0.5, dtype="boolean"),
            "word": pd.array(words, dtype="string"),
            "thing": words.astype(object),
            "number": pd.Series(rng.poisson(3, 80).tolist(), dtype=object),
            "cat": pd.Categorical(words, ["green", "red", "blue", "none"]),
            "grade": pd.Categorical(words, ["red", "green", "blue"], ordered=True),
            "code": pd.Categorical(rng.integers(3, 6, 80)),
            "whole": pd.array(rng.poisson(3, 80), dtype="Int64"),
            "small": rng.poisson(3, 80).astype("uint8"),
            "single": rng.normal(size=80).astype("float32"),
            "share": rng.uniform(0.1, 0.9, 80),
            "time": pd.DatetimeIndex(
                pd.Timestamp("2021-06-01") + pd.to_timedelta(rng.integers(0, 10**6, 80), "s"), tz="UTC"
            ).tz_convert("Europe/Paris"),
            "always": ["here"] * 80,
        }
    )
    syn = bs.Spec(*(f"{c} ~ 1" for c in frame)).synthesize_prior(frame, m=2, k=210, random_seed=1)
    out = syn.to_parquet(tmp_path / "out")
    one_schema(out)
    for j, copy in enumerate(syn):
        expected = copy.astype({"number": "int64", "code": "int64", "thing": "str"})  # Parquet knows no more of them
        pd.testing.assert_frame_equal(pd.read_parquet(out / f"copy={j}"), expected, check_exact=True)


def test_rare_levels_and_groups_of_categories_have_one_schema(tmp_path: Path) -> None:
    schema = bs.Schema(site=bs.Group(), kind=bs.Categorical("a", "b", "c"), day=bs.Datetime(bounds=(0, 99), unit="D"))
    rare = bs.Equation("kind ~ (1 | site)", priors={"Intercept": bs.Prior("Normal", mu=-9, sigma=0.1)})
    syn = bs.Spec(rare, "day ~ 1").synthesize_prior(schema, m=3, k=240, random_seed=1)
    out = syn.to_parquet(tmp_path / "declared")
    one_schema(out)
    pd.testing.assert_frame_equal(pd.read_parquet(out / "copy=1"), syn[1])
    frame = pd.DataFrame(
        {"g": pd.Categorical(np.repeat(list("abcdef"), 8)), "x": np.random.default_rng(1).normal(size=48)}
    )
    syn = handmade(bs.Spec("x ~ (1 | g)"), frame).synthesize(m=2, k=1500, random_seed=1)
    out = syn.to_parquet(tmp_path / "category")
    one_schema(out)
    assert syn[0]["g"].cat.categories.size > 127
    for j, copy in enumerate(syn):
        pd.testing.assert_frame_equal(pd.read_parquet(out / f"copy={j}"), copy, check_exact=True)


def test_small_integer_labels_that_some_copies_outgrow(tmp_path: Path) -> None:
    g = np.repeat(np.arange(12, dtype="int8"), np.random.default_rng(2).integers(1, 20, 12))
    frame = pd.DataFrame({"g": g, "x": np.random.default_rng(1).normal(size=len(g))})
    syn = handmade(bs.Spec("x ~ (1 | g)"), frame).synthesize(m=8, k=1200, random_seed=1)
    dtypes = {str(copy["g"].dtype) for copy in syn}
    assert dtypes == {"int8", "int64"}
    out = syn.to_parquet(tmp_path / "out")
    one_schema(out)
    for j, copy in enumerate(syn):
        pd.testing.assert_frame_equal(pd.read_parquet(out / f"copy={j}"), copy.astype({"g": "int64"}), check_exact=True)


def test_kept_columns_whose_first_part_has_no_missing_or_nothing_else(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    gaps = np.arange(300)
    frame = pd.DataFrame(
        {
            "number": pd.array(np.where(gaps > 250, np.nan, gaps), dtype="Int64"),
            "text": pd.Series([None] * 220 + ["late"] * 80, dtype=object),
            "float": np.where(gaps % 200 == 150, np.nan, rng.normal(size=300)),
            "g": pd.Series(rng.integers(0, 9, 300), dtype="int16"),
            "y": rng.normal(size=300),
        }
    )
    fitted = handmade(bs.Spec("y ~ (1 | g)", rest="keep"), frame)
    with pytest.warns(DisclosureWarning):
        syn = fitted.synthesize(m=2, original=frame, random_seed=1)
    out = syn.to_parquet(tmp_path / "out")
    one_schema(out)
    for j, copy in enumerate(syn):
        assert copy.dtypes.equals(frame.dtypes)
        expected = copy.astype({"text": "str"})  # as pandas reads all text
        pd.testing.assert_frame_equal(pd.read_parquet(out / f"copy={j}"), expected, check_exact=True)
    other = frame.assign(float=frame["float"] + 1)
    with pytest.warns(DisclosureWarning):
        changed = handmade(bs.Spec("y ~ (1 | g)", rest="keep"), other).synthesize(2, original=other, random_seed=1)
    with pytest.raises(SynthesisError, match="another request"):
        changed.to_parquet(out)


def test_copies_of_any_number_of_rows_and_given_groups(school_fit: bs.Fitted, tmp_path: Path) -> None:
    syn = school_fit.synthesize(m=3, given=pd.DataFrame({"public": [True, False] * 9}), random_seed=1)
    lengths = [len(copy) for copy in syn]
    assert len(set(lengths)) > 1
    out = syn.to_parquet(tmp_path / "out")
    rows = [part["rows"] for part in json.loads((out / MANIFEST).read_text())["parts"]]
    assert sum(rows) == sum(lengths) and max(rows) == 100
    pd.testing.assert_frame_equal(pd.read_parquet(out / "copy=2"), syn[2], check_exact=True)
    with pytest.warns(DisclosureWarning):
        kept = school_fit.synthesize(m=2, k=333, groups="existing", random_seed=1)
    out = kept.to_parquet(tmp_path / "existing")
    one_schema(out)
    pd.testing.assert_frame_equal(pd.read_parquet(out / "copy=1"), kept[1], check_exact=True)


def foreign(*frames: pd.DataFrame) -> SyntheticData:
    return SyntheticData(lambda j, threads: iter([frames[j]]), len(frames), {})


def test_foreign_copies(tmp_path: Path) -> None:
    syn = foreign(pd.DataFrame({"x": [1, 2], "y": ["a", None]}), pd.DataFrame({"x": [3], "y": ["b"]}))
    out = syn.to_parquet(tmp_path / "out")
    one_schema(out)
    manifest = json.loads((out / MANIFEST).read_text())
    assert [part["rows"] for part in manifest["parts"]] == [2, 1] and manifest["rows_a_part"] is None
    assert pd.read_parquet(out)["x"].tolist() == [1, 2, 3]
    assert syn.to_parquet(out) == out
    with pytest.raises(SynthesisError, match="another request"):
        foreign(pd.DataFrame({"x": [1, 2], "y": ["a", None]}), pd.DataFrame({"x": [4], "y": ["b"]})).to_parquet(out)


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (pd.DataFrame({"x": ["a"]}), "Copy 1 has cells of other types than the first one"),
        (pd.DataFrame({"x": [0.5]}), "Copy 1 has cells of other types than the first one"),
        (pd.DataFrame({"x": [1], "y": [1]}), r"Copy 1 has columns \['x', 'y'\], the first one \['x'\]"),
        (pd.DataFrame({"y": [1]}), r"Copy 1 has columns \['y'\]"),
    ],
)
def test_foreign_copies_that_differ(second: pd.DataFrame, message: str, tmp_path: Path) -> None:
    with pytest.raises(SynthesisError, match=message):
        foreign(pd.DataFrame({"x": [1]}), second).to_parquet(tmp_path / "out")


def test_what_parquet_cannot_hold(tmp_path: Path) -> None:
    with pytest.raises(SynthesisError, match=r"Parquet cannot hold the copies: .*Use to_csv"):
        foreign(pd.DataFrame({"x": pd.Series([1, "a"], dtype=object)})).to_parquet(tmp_path / "out")
    with pytest.raises(SynthesisError, match="a column 'copy' of its own"):
        foreign(pd.DataFrame({"copy": [1]})).to_parquet(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
