"""Formal privacy on the command line: a plan that spends nothing, a fit that says its guarantee, refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from tests.cli.test_cli import refused, run

BUDGET = ("--epsilon", 3, "--delta", "1e-6")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("privacy")
    rng = np.random.default_rng(1)
    x = rng.normal(10, 3, 3000).clip(0, 20).round(2)
    pd.DataFrame({"x": x, "patient": rng.integers(0, 1500, 3000)}).to_csv(path / "x.csv", index=False)
    (path / "x.py").write_text("import bayessynth as bs\nspec = bs.Spec('x ~ 1')\n")
    domain = bs.Domain({"x": bs.Bounds(0, 20)}, source="manual")
    (path / "domain.json").write_text(json.dumps(domain.to_json()))
    return path


def command(folder: Path, *more: object) -> tuple[object, ...]:
    return ("fit", folder / "x.py", folder / "x.csv", "--out", folder / "fit", *more)


def test_a_plan_spends_nothing_and_needs_no_data(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bs.DP, "release", lambda *args: pytest.fail("released"))
    domain = ("--domain", folder / "domain.json")
    result = run("fit", folder / "x.py", "--out", folder / "no", *BUDGET, *domain, "--plan", "--rows", 3000)
    assert result.exit_code == 0, result.output
    assert "(3, 1e-06)-differential privacy of a record, added or removed; this release spends rho" in result.output
    assert "moments of 1 columns" in result.output and "with n = 3000" in result.output
    assert not (folder / "no").exists()


@pytest.mark.parametrize(
    ("unit", "said"),
    [((), "per record"), (("--person", "patient", "--cap", 2), "per person (column 'patient', at most 2 rows each)")],
)
def test_a_fit_says_its_guarantee(folder: Path, unit: tuple[object, ...], said: str) -> None:
    more = (*BUDGET, "--domain", folder / "domain.json", *unit, "--cores", 1, "--seed", 1)
    result = run(*command(folder, *more))
    assert result.exit_code == 0, result.output
    assert "noise-aware" in result.output and f"Privacy: (3, 1e-06)-differential privacy {said}" in result.output
    fitted = bs.load(folder / "fit")
    assert fitted.provenance["privacy"]["epsilon"] == 3 and not fitted.provenance["privacy"]["test"]
    drawn = run("synthesize", folder / "fit", "--m", 1, "--k", 5, "--out", folder / f"copies{len(unit)}")
    assert f"(3, 1e-06)-differential privacy {said}" in " ".join(drawn.output.split())


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--epsilon", 1), "--epsilon needs --delta"),
        (BUDGET, "--epsilon needs --domain"),
        (("--plan",), "--plan goes with a privacy budget"),
        (("--person", "patient"), "--person goes with a privacy budget"),
        ((*BUDGET, "--domain", "nowhere.json"), "There is no file nowhere.json"),
        ((*BUDGET, "--domain", "domain.json", "--plan"), "--plan needs --rows"),
        ((*BUDGET, "--domain", "domain.json", "--person", "patient"), "--person goes with --cap or --weighted"),
        ((*BUDGET, "--domain", "domain.json", "--weighted"), "--person goes with --cap or --weighted"),
        ((*BUDGET, "--domain", "domain.json", "--person", "who", "--cap", 2), "no column 'who'"),
        ((*BUDGET, "--domain", "domain.json", "--keep-groups"), "keep_groups= does not go with"),
        ((*BUDGET, "--domain", "domain.json", "--plan", "--rows", 10_000_000), "delta=1e-06 is not below 1 / n"),
        ((*BUDGET, "--domain", "x.py"), "is no domain that Domain.to_json wrote"),
    ],
)
def test_what_makes_no_sense_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, more: tuple[object, ...], message: str
) -> None:
    monkeypatch.chdir(folder)
    assert message in refused(*command(folder, *more))


def test_a_table_without_a_spec(folder: Path) -> None:
    domain = bs.Domain({"x": bs.Bounds(0, 20, grid=4, decimals=2), "patient": bs.Bounds(0, 1500, grid=2)}, source="m")
    (folder / "grid.json").write_text(json.dumps(domain.to_json()))
    ask = ("auto", folder / "x.csv", "--out", folder / "auto", "--m", 2, "--seed", 1)
    result = run(*ask, *BUDGET, "--domain", folder / "grid.json", "--format", "csv")
    assert result.exit_code == 0, result.output
    assert "(3, 1e-06)-differential privacy per record" in " ".join(result.output.split())
    copy = pd.read_csv(next((folder / "auto").rglob("*.csv")))
    assert list(copy) == ["x", "patient"] and copy["x"].min() >= 0 and copy["x"].max() <= 20
    stray = refused(*ask, *BUDGET, "--domain", folder / "grid.json", "--strata", "x")
    assert "--strata and --spec-out do not go with --epsilon" in stray
