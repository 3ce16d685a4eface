"""The commands ``evaluate`` and ``compare``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bayessynth.cli.copies import read_copies
from bayessynth.errors import DataError
from bayessynth.synthesis import SyntheticData
from tests.cli.test_cli import refused, run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An original, a holdout, two good copies, a bad one, and a directory of copies with provenance."""
    path = tmp_path_factory.mktemp("evaluate")
    rng = np.random.default_rng(1)

    def table(slope: float) -> pd.DataFrame:
        x = rng.normal(size=150)
        y = slope * x + rng.normal(size=150)
        return pd.DataFrame({"x": x.round(3), "y": y.round(3), "sex": rng.choice(["f", "m"], 150)})

    table(1.0).to_csv(path / "original.csv", index=False)
    table(1.0).to_csv(path / "holdout.csv", index=False)
    table(1.0).to_parquet(path / "copy-a.parquet")
    table(1.0).to_csv(path / "copy-b.csv", index=False)
    table(-1.0).to_csv(path / "bad.csv", index=False)
    made = path / "made"
    made.mkdir()
    for j in range(2):
        table(1.0).to_parquet(made / f"copy-{j:03d}.parquet")
    provenance = {"synthesis": "fully", "proper": True, "n": 150, "k": 150, "m": 2, "privacy": "no formal guarantee",
                  "groups": "none", "verdict": "pass", "forced": False, "random_seed": 1, "disclosing": []}  # fmt: skip
    (made / "provenance.json").write_text(json.dumps(provenance))
    return path


def test_good_copies_end_with_0_and_bad_ones_with_1(folder: Path) -> None:
    good = run("evaluate", folder / "original.csv", folder / "copy-a.parquet", folder / "copy-b.csv", "--holdout",
               folder / "holdout.csv", "--target", "y", "--keys", "sex, x", "--out", folder / "report.html", "--card",
               folder / "card.html")  # fmt: skip
    assert good.exit_code == 0, good.output
    assert "Evaluation of 2 copies (n=150, k=150)" in good.output
    assert "Report for the data's steward" in good.output
    assert (folder / "report.html").stat().st_size > 1000
    assert (folder / "card.html").stat().st_size > 500
    bad = run("evaluate", folder / "original.csv", folder / "bad.csv")
    assert bad.exit_code == 1, bad.output
    assert "Verdict: fail" in bad.output


def test_streamed_copies_are_read_whole_and_in_order(folder: Path, tmp_path: Path) -> None:
    frames = [pd.DataFrame({"x": np.arange(5) + 10 * j, "y": list("abcde")}) for j in range(12)]
    syn = SyntheticData(lambda j, threads: iter([frames[j]]), 12, {"random_seed": 1, "k": 5})
    out = syn.to_parquet(tmp_path / "out")
    read = read_copies([out])
    assert isinstance(read, SyntheticData) and read.provenance == syn.provenance and len(read) == 12
    for frame, copy in zip(frames, read, strict=True):
        pd.testing.assert_frame_equal(frame, copy)
    some = read_copies([out / "copy=11", folder / "copy-a.parquet", out / "copy=2" / "part-00000.parquet"])
    assert isinstance(some, list) and [len(frame) for frame in some] == [5, 150, 5]
    assert some[0].equals(frames[11]) and some[2].equals(frames[2])
    halves = tmp_path / "halves"
    halves.mkdir()
    for i in (1, 0):
        frames[0][i * 3 : i * 3 + 3].to_parquet(halves / f"part-{i:05d}.parquet", index=False)
    assert read_copies([halves])[0].equals(frames[0])
    (out / "copy=3" / "part-00000.parquet").unlink()
    with pytest.raises(DataError, match=r"unfinished: 1 of 12 files are missing, the first is copy=3/part"):
        read_copies([out])
    (out / "_manifest.json").write_text("{")
    with pytest.raises(DataError, match="is damaged"):
        read_copies([out])
    (halves / "part-00000.parquet").write_text("")
    with pytest.raises(DataError, match="cannot be read as one copy"):
        read_copies([halves])


def test_compare_prints_the_overlap(folder: Path) -> None:
    found = run("compare", folder / "original.csv", folder / "made", "--formula", "y ~ x")
    assert found.exit_code == 0, found.output
    assert "Mean overlap of intervals" in found.output
    assert "against m=2 copies" in found.output


def test_errors_are_short(folder: Path) -> None:
    assert "There is no file" in refused("evaluate", folder / "original.csv", folder / "none.csv")
    assert "no column 'sx'" in refused("evaluate", folder / "original.csv", folder / "copy-b.csv", "--keys", "sx")
    empty = folder / "empty"
    empty.mkdir()
    assert "holds no copies: no copy=0, no copy-*.csv" in refused("evaluate", folder / "original.csv", empty)
    broken = folder / "broken"
    broken.mkdir()
    (broken / "copy-000.csv").write_text((folder / "copy-b.csv").read_text())
    (broken / "provenance.json").write_text("{")
    assert "is no JSON" in refused("evaluate", folder / "original.csv", broken)
    message = refused("compare", folder / "original.csv", folder / "made", "--formula", "y ~ xx", "--model", "ols")
    assert "'xx' is not defined" in message
