"""Copies in one table, in batches, in CSV files, and as text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.errors import SynthesisError
from bayessynth.synthesis import SyntheticData, generate


@pytest.fixture
def copies(clinic_fit: bs.Fitted, monkeypatch: pytest.MonkeyPatch) -> SyntheticData:
    """Three copies, drawn in parts of 50 rows."""
    monkeypatch.setattr(generate, "PART", 50)
    return clinic_fit.synthesize(m=3, k=170, random_seed=4)


def named_copy() -> SyntheticData:
    """Copies of a table that has a column 'copy' of its own."""
    return SyntheticData(lambda copy, threads: iter([pd.DataFrame({"copy": [1]})]), 2, {})


def test_csv_holds_the_copies(copies: SyntheticData, tmp_path: Path) -> None:
    directory = copies.to_csv(tmp_path / "deep" / "out")
    names = sorted(p.name for p in directory.iterdir())
    assert names == ["copy-000.csv", "copy-001.csv", "copy-002.csv", "provenance.json"]
    for name, copy in zip(names, copies, strict=False):
        pd.testing.assert_frame_equal(pd.read_csv(directory / name), copy, check_dtype=False, rtol=1e-14)
    assert json.loads((directory / "provenance.json").read_text()) == json.loads(json.dumps(copies.provenance))


def test_csv_overwrites_nothing(copies: SyntheticData, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for name in ("full", "file"):
        with pytest.raises(SynthesisError, match="exists already; name a new directory"):
            copies.to_csv(tmp_path / name)
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["file", "full", "mine.txt"]
    (tmp_path / "empty").mkdir()
    assert len(list(copies.to_csv(tmp_path / "empty").iterdir())) == 4


def test_interrupted_csv_leaves_nothing(tmp_path: Path) -> None:
    def parts(copy: int, threads: int | None) -> Iterator[pd.DataFrame]:
        yield pd.DataFrame({"x": [1, 2]})
        if copy == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        SyntheticData(parts, 3, {}).to_csv(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_concat(copies: SyntheticData) -> None:
    table = copies.concat()
    assert table["copy"].tolist() == [0] * 170 + [1] * 170 + [2] * 170
    pd.testing.assert_frame_equal(table.iloc[170:340].drop(columns="copy").reset_index(drop=True), copies[1])
    with pytest.raises(SynthesisError, match="a column 'copy' of its own"):
        named_copy().concat()


@pytest.mark.parametrize(("rows", "sizes"), [(None, [50, 50, 50, 20]), (170, [170]), (1000, [170]), (60, [60, 60, 50]),
                                             (17, [17] * 10), (49, [49, 49, 49, 23])])  # fmt: skip
def test_batches_make_up_the_copies(copies: SyntheticData, rows: int | None, sizes: list[int]) -> None:
    one = list(copies.batches(copy=1, rows=rows))
    assert [len(frame) for frame in one] == sizes
    assert all(frame.index.equals(pd.RangeIndex(len(frame))) for frame in one)
    pd.testing.assert_frame_equal(pd.concat(one, ignore_index=True), copies[1], check_exact=True)
    every = list(copies.batches(rows=rows))
    assert [len(frame) for frame in every] == sizes * 3
    assert all(frame["copy"].nunique() == 1 for frame in every)
    pd.testing.assert_frame_equal(pd.concat(every, ignore_index=True), copies.concat(), check_exact=True)


def test_bad_batches(copies: SyntheticData) -> None:
    with pytest.raises(SynthesisError, match="rows=0 must be a whole number above zero"):
        copies.batches(rows=0)
    with pytest.raises(IndexError, match="there are 3, from 0 to 2"):
        copies.batches(copy=3)
    with pytest.raises(SynthesisError, match="a column 'copy' of its own"):
        next(named_copy().batches())
    assert next(named_copy().batches(copy=0))["copy"].tolist() == [1]


def test_text_says_what_the_copies_are(copies: SyntheticData) -> None:
    assert repr(copies).splitlines() == [
        "SyntheticData: m=3 copies of k=170 rows, fully synthetic, proper",
        "groups: new; diagnostics: pass; random seed: 4",
        "privacy: no formal guarantee",
    ]
