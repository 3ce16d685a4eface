"""The commands ``evaluate`` and ``compare``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

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
    assert "holds no copy-*.parquet" in refused("evaluate", folder / "original.csv", empty)
    broken = folder / "broken"
    broken.mkdir()
    (broken / "copy-000.csv").write_text((folder / "copy-b.csv").read_text())
    (broken / "provenance.json").write_text("{")
    assert "is no JSON" in refused("evaluate", folder / "original.csv", broken)
    message = refused("compare", folder / "original.csv", folder / "made", "--formula", "y ~ xx", "--model", "ols")
    assert "'xx' is not defined" in message
