"""Copies on disk and in one table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

import bayessynth as bs
from bayessynth.errors import SynthesisError
from bayessynth.synthesis import SyntheticData, generate


@pytest.fixture
def copies(clinic_fit: bs.Fitted, monkeypatch: pytest.MonkeyPatch) -> SyntheticData:
    """Three copies, drawn in parts of 50 rows."""
    monkeypatch.setattr(generate, "PART", 50)
    return clinic_fit.synthesize(m=3, k=170, random_seed=4)


def test_parquet_holds_the_copies(copies: SyntheticData, tmp_path: Path) -> None:
    directory = copies.to_parquet(tmp_path / "out")
    names = sorted(p.name for p in directory.iterdir())
    assert names == ["copy-000.parquet", "copy-001.parquet", "copy-002.parquet", "provenance.json"]
    for name, copy in zip(names, copies, strict=False):
        pd.testing.assert_frame_equal(pd.read_parquet(directory / name), copy, check_exact=True)
    assert pq.ParquetFile(directory / names[0]).num_row_groups == 4
    assert json.loads((directory / "provenance.json").read_text()) == json.loads(json.dumps(copies.provenance))


def test_csv_holds_the_copies(copies: SyntheticData, tmp_path: Path) -> None:
    directory = copies.to_csv(tmp_path / "deep" / "out")
    for name, copy in zip(("copy-000.csv", "copy-001.csv", "copy-002.csv"), copies, strict=True):
        pd.testing.assert_frame_equal(pd.read_csv(directory / name), copy, check_dtype=False, rtol=1e-14)


def test_categories_are_streamed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(generate, "PART", 7)
    schema = bs.Schema(site=bs.Group(), kind=bs.Categorical("a", "b", "c"), day=bs.Datetime(bounds=(0, 99), unit="D"))
    syn = bs.Spec("kind ~ (1 | site)", "day ~ 1").synthesize_prior(schema, m=1, k=40, random_seed=1)
    back = pd.read_parquet(syn.to_parquet(tmp_path / "out") / "copy-000.parquet")
    pd.testing.assert_frame_equal(back, syn[0])


def test_nothing_is_overwritten(copies: SyntheticData, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for name in ("full", "file"):
        for write in (copies.to_parquet, copies.to_csv):
            with pytest.raises(SynthesisError, match="exists already; name a new directory"):
                write(tmp_path / name)
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["file", "full", "mine.txt"]
    (tmp_path / "empty").mkdir()
    assert len(list(copies.to_csv(tmp_path / "empty").iterdir())) == 4


@pytest.mark.parametrize("write", ["to_parquet", "to_csv"])
def test_interrupted_writing_leaves_nothing(write: str, tmp_path: Path) -> None:
    def parts(copy: int, threads: int | None) -> Iterator[pd.DataFrame]:
        yield pd.DataFrame({"x": [1, 2]})
        if copy == 1:
            raise KeyboardInterrupt

    syn = SyntheticData(parts, 3, {})
    with pytest.raises(KeyboardInterrupt):
        getattr(syn, write)(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_concat(copies: SyntheticData) -> None:
    table = copies.concat()
    assert table["copy"].tolist() == [0] * 170 + [1] * 170 + [2] * 170
    pd.testing.assert_frame_equal(table.iloc[170:340].drop(columns="copy").reset_index(drop=True), copies[1])
    named = SyntheticData(lambda copy, threads: iter([pd.DataFrame({"copy": [1]})]), 2, {})
    with pytest.raises(SynthesisError, match="a column 'copy' of its own"):
        named.concat()


def test_text_says_what_the_copies_are(copies: SyntheticData) -> None:
    assert repr(copies).splitlines() == [
        "SyntheticData: m=3 copies of k=170 rows, fully synthetic, proper",
        "groups: new; diagnostics: pass; random seed: 4",
        "privacy: no formal guarantee",
    ]
