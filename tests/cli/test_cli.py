from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

import bayessynth as bs
from bayessynth.cli import app

PLAIN = {"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}
QUICK = ("--draws", "20", "--tune", "20", "--chains", "2", "--cores", "1", "--seed", "1")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments], env=PLAIN)


def refused(*arguments: object) -> str:
    """Return the message of a command that must end with exit code 2, without a traceback."""
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    assert result.stdout == ""
    return " ".join(result.stderr.split())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table, and with specs of it in Python and in JSON."""
    path = tmp_path_factory.mktemp("cli")
    x = np.random.default_rng(1).normal(10, 2, 60).round(2)
    pd.DataFrame({"x": x}).to_csv(path / "x.csv.gz", index=False)
    pd.DataFrame({"x": x}).to_parquet(path / "x.parquet")
    pd.DataFrame({"x": [*x, np.nan]}).to_csv(path / "gaps.csv", index=False)
    (path / "x.py").write_text("import bayessynth as bs\nspec = bs.Spec(bs.Equation('x ~ 1', family='normal'))\n")
    spec = bs.Spec(bs.Equation("x ~ 1", family="normal"))
    (path / "x.json").write_text(json.dumps(spec.to_json()))
    return path


@pytest.fixture(scope="module")
def failed(folder: Path) -> Path:
    """A saved fit whose diagnostics say "fail"."""
    result = run("fit", folder / "x.json", folder / "x.parquet", "--out", folder / "failed", *QUICK)
    assert result.exit_code == 1, result.output
    assert "Diagnostics: fail" in result.output
    assert "few effective draws" in result.output
    assert "Saved in" in result.output
    return folder / "failed"


def test_help_is_quick_and_loads_nothing_heavy():
    code = (
        "import sys\nfrom bayessynth.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    print({'pandas', 'pymc', 'scipy', 'arviz'} & set(sys.modules))"
    )
    seconds = []
    for _ in range(3):  # the quickest of three: another process on the same cores slows one, seldom all
        start = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", code, "--help"], check=True, capture_output=True, text=True)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 1.0  # 0.25 to 0.45 s are usual
    assert done.stdout.strip().endswith("set()")
    for command in ("demo", "fit", "synthesize", "show", "datasets"):
        assert command in done.stdout


def test_it_runs_as_a_module():
    command = [sys.executable, "-m", "bayessynth", "--version"]
    assert (
        subprocess.run(command, check=True, capture_output=True, text=True).stdout == f"bayessynth {bs.__version__}\n"
    )


def test_datasets_are_listed_and_described():
    assert "rand_hie  The RAND Health Insurance Experiment" in run("datasets").output
    assert "Known oddities" in run("datasets", "rand_hie").output
    assert "Did you mean 'rand_hie'" in refused("datasets", "rand_hei")


def test_show_prints_the_spec_and_with_data_the_priors(folder):
    alone = run("show", folder / "x.py")
    assert (alone.exit_code, "x ~ 1" in alone.output, "Priors" in alone.output) == (0, True, False)
    for spec in ("x.py", "x.json"):
        shown = run("show", folder / spec, folder / "x.csv.gz")
        assert "HalfStudentT" in shown.output
        assert "60 rows, 1 columns: x" in shown.output


def test_show_finds_gallery_specs_by_name():
    assert "visits_" not in run("show", "rand_hie").output
    assert "grouping factors: site, person" in run("show", "rand_hie").output
    assert "Did you mean 'rand_hie'" in refused("show", "rand_hei")


def test_a_good_fit_ends_with_0_and_gives_copies(folder):
    result = run("fit", folder / "x.py", folder / "x.csv.gz", "--out", folder / "good", "--cores", 1, "--seed", 1)
    assert result.exit_code == 0, result.output
    assert "Diagnostics: pass" in result.output
    drawn = run("synthesize", folder / "good", "--m", 2, "--k", 7, "--seed", 3, "--out", folder / "copies")
    assert drawn.exit_code == 0, drawn.output
    assert "no formal guarantee" in drawn.output
    names = ["_manifest.json", "_provenance.json", "copy=0", "copy=1"]
    assert sorted(p.name for p in (folder / "copies").iterdir()) == names
    expected = bs.load(folder / "good").synthesize(2, k=7, random_seed=3)[0]
    pd.testing.assert_frame_equal(pd.read_parquet(folder / "copies" / "copy=0"), expected)
    assert "exists already" in refused("synthesize", folder / "good", "--out", folder / "copies")
    asked = run("synthesize", folder / "good", "--m", 1, "--k", 3, "--where", "x=9.5", "--out", folder / "asked")
    assert asked.exit_code == 0, asked.output
    assert pd.read_parquet(folder / "asked" / "copy=0")["x"].tolist() == [9.5] * 3
    assert "names no value" in refused("synthesize", folder / "good", "--where", "x", "--out", folder / "other")
    done = run("synthesize", folder / "good", "--m", 1, "--k", 3, "--do", "x=9.5", "--out", folder / "done")
    assert done.exit_code == 0, done.output
    assert pd.read_parquet(folder / "done" / "copy=0")["x"].tolist() == [9.5] * 3
    assert "write --do COLUMN=VALUE" in refused("synthesize", folder / "good", "--do", "x", "--out", folder / "other")


def test_a_failed_fit_is_saved_and_its_draws_are_refused_unless_forced(failed, tmp_path):
    assert "diagnostics say 'fail'" in refused("synthesize", failed, "--out", tmp_path / "copies")
    forced = run("synthesize", failed, "--m", 1, "--format", "csv", "--force", "--out", tmp_path / "copies")
    assert forced.exit_code == 0, forced.output
    assert len(pd.read_csv(tmp_path / "copies" / "copy-000.csv")) == 60
    assert json.loads((tmp_path / "copies" / "provenance.json").read_text())["forced"] is True


def test_missing_cells_are_an_error_or_a_shown_warning(folder):
    assert "Missing cells in column 'x' (1 of 61 rows)" in refused(
        "fit", folder / "x.py", folder / "gaps.csv", "--out", folder / "gaps", *QUICK
    )
    result = run("fit", folder / "x.py", folder / "gaps.csv", "--out", folder / "gaps", "--missing", "drop", *QUICK)
    assert result.exit_code == 1, result.output
    assert result.stderr.startswith("Warning: Equation for 'x': 1 of 61 rows")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import bayessynth as bs\n", "must define spec = bs.Spec(…), but it has no 'spec'"),
        ("spec = 'x ~ 1'\n", "but its 'spec' is a str"),
        ("import bayessynth as bs\nspec = bs.Spec('x ~ 1')\nschema = {}\n", "'schema' must be a bs.Schema, not dict"),
        ("import bayessynth as bs\nspec = bs.Spec('x ~ (')\n", "line 2: "),
        ("x = 1\ny = x / 0\n", "line 2: ZeroDivisionError"),
        ("x = (\n", "line 1: "),
    ],
)
def test_a_faulty_spec_file_is_named_with_its_line(tmp_path, source, message):
    (tmp_path / "faulty.py").write_text(source)
    answer = refused("show", tmp_path / "faulty.py")
    assert "faulty.py" in answer
    assert message in answer


def test_what_cannot_be_read_is_said_before_any_fitting(folder, tmp_path):
    assert "does not load data itself" in refused("fit", folder / "x.py", "--out", tmp_path / "fit")
    assert "There is no file" in refused("fit", folder / "x.py", tmp_path / "none.csv", "--out", tmp_path / "fit")
    assert "There is no spec file" in refused("show", "zzz.py")
    (tmp_path / "spec.txt").write_text("")
    assert "neither a Python (.py) nor a JSON (.json) spec" in refused("show", tmp_path / "spec.txt")
    (tmp_path / "spec.json").write_text("[]")
    assert "is no spec that Spec.to_json wrote" in refused("show", tmp_path / "spec.json")
    assert "is not a saved fit" in refused("fit", folder / "x.py", folder / "x.csv.gz", "--out", tmp_path)
    assert "is no saved fit" in refused("synthesize", tmp_path, "--out", tmp_path / "copies")


def test_the_demo_leaves_foreign_files_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    assert "'mine.txt', which no demo wrote" in refused("demo", "--quick", "--out", tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "mine"
    assert "is a file" in refused("demo", "--out", tmp_path / "mine.txt")


@pytest.mark.slow
def test_the_demo_writes_spec_fit_copies_and_plots(tmp_path):
    result = run("demo", "--quick", "--out", tmp_path / "demo")
    assert result.exit_code == 0, result.output
    assert "no formal guarantee" in result.output
    written = {str(p.relative_to(tmp_path / "demo")) for p in (tmp_path / "demo").rglob("*") if p.is_file()}
    assert {"spec.json", "fit/fit.json", "copies/copy=19/part-00000.parquet", "copies/_provenance.json"} <= written
    assert {"report.html", "card.html"} <= written
    assert {f"plots/{name}.png" for name in ("columns", "site_means", "graph")} <= written
    saved = bs.Spec.from_json(json.loads((tmp_path / "demo" / "spec.json").read_text()))
    assert saved == bs.load(tmp_path / "demo" / "fit").spec


def test_auto_takes_rows_that_follow_each_other(tmp_path):
    rng = np.random.default_rng(1)
    ids, days, sex = np.repeat(np.arange(60), 4), np.tile([0, 7, 14, 21], 60), rng.choice(["f", "m"], 60)
    table = pd.DataFrame({"id": ids, "day": days, "sex": np.repeat(sex, 4), "y": rng.normal(size=240).round(2)})
    table.to_csv(tmp_path / "visits.csv", index=False)
    result = run("auto", tmp_path / "visits.csv", "--out", tmp_path / "out", "--m", 1, "--seed", 1, "--unit", "id",
                 "--time", "day", "--spec-out", tmp_path / "spec.py", "--format", "csv")  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "unit='id', time='day'" in (tmp_path / "spec.py").read_text()
    (written,) = (tmp_path / "out").rglob("*.csv*")
    copy = pd.read_csv(written)
    assert copy["day"].tolist() == np.tile([0, 7, 14, 21], 60).tolist()
    assert (copy.groupby("id")["sex"].nunique() == 1).all()


def test_auto_writes_a_spec_explains_it_and_draws_copies(folder, tmp_path):
    result = run("auto", folder / "gaps.csv", "--out", tmp_path / "out", "--m", 2, "--seed", 1, "--spec-out",
                 tmp_path / "spec.py")  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "why" in result.output
    assert len(list((tmp_path / "out").glob("copy=*"))) == 2
    written = (tmp_path / "spec.py").read_text()
    assert written.startswith("import bayessynth as bs")
    assert 'family="tree"' in written or "family='tree'" in written
