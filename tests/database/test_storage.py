"""A fitted database on disk, folders of copies, and the command line."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import bayessynth as bs
from bayessynth.cli import app
from bayessynth.database import FittedDatabase
from bayessynth.errors import DataError, StorageError, SynthesisError
from tests.database import tables


def test_a_saved_fit_gives_the_same_bytes(crossed, ringed, tmp_path):
    for number, (_, fitted) in enumerate((crossed, ringed)):
        loaded = bs.load(fitted.save(tmp_path / str(number)))
        assert isinstance(loaded, FittedDatabase)
        one, two = fitted.synthesize(2, random_seed=3)[1], loaded.synthesize(2, random_seed=3)[1]
        for table in one:
            pd.testing.assert_frame_equal(one[table], two[table])


def test_no_original_value_of_a_column_without_repeats_is_in_the_artefact(tmp_path):
    frames = tables.clinics()
    rng = np.random.default_rng(5)
    frames["patient"]["age"] = rng.normal(50, 10, len(frames["patient"]))
    frames["visit"]["score"] = rng.normal(0, 1, len(frames["visit"]))
    folder = bs.Database(frames).fit(copies=2, random_seed=1).save(tmp_path / "fit")
    originals = np.unique(np.concatenate([frames["patient"]["age"], frames["visit"]["score"]]))
    found = []
    for path in folder.rglob("*"):
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                found += [a.ravel() for a in arrays.values() if a.dtype.kind == "f"]
        elif path.is_file():
            content = path.read_bytes()
            assert not any(repr(float(v)).encode() in content for v in originals)
    assert not np.isin(originals, np.concatenate(found)).any()
    names = set(frames["patient"]["patient_id"])
    text = " ".join(p.read_text() for p in folder.rglob("*.json"))
    assert not any(name in text for name in names)


def test_what_is_no_saved_database_is_refused(clinics, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x.txt").write_text("x")
    with pytest.raises(StorageError, match="exists and is not a saved database"):
        clinics[1].save(tmp_path / "other")
    folder = clinics[1].save(tmp_path / "fit")
    with pytest.raises(StorageError, match="needs no code; leave build= out"):
        bs.load(folder, build=lambda data, coords: None)
    declared = json.loads((folder / "database.json").read_text())
    (folder / "database.json").write_text(json.dumps({**declared, "format": 99}))
    with pytest.raises(StorageError, match=r"in format 99; this version .* reads up to format 1\. Upgrade"):
        bs.load(folder)
    (folder / "database.json").write_text("{}")
    with pytest.raises(StorageError, match="is damaged"):
        bs.load(folder)


@pytest.mark.parametrize(("write", "ending", "read"), [
    ("to_parquet", "parquet", pd.read_parquet), ("to_csv", "csv", pd.read_csv)])  # fmt: skip
def test_copies_are_written_a_folder_each_and_writing_goes_on(clinics, tmp_path, write, ending, read):
    copies = clinics[1].synthesize(3, random_seed=3)
    target = getattr(copies, write)(tmp_path / "out")
    assert sorted(p.name for p in target.iterdir()) == ["_manifest.json", "_provenance.json", "copy=0", "copy=1",
                                                        "copy=2"]  # fmt: skip
    frame = read(target / "copy=1" / f"visit.{ending}")
    pd.testing.assert_frame_equal(frame, copies[1]["visit"], check_dtype=ending == "parquet")
    gone = target / "copy=1" / f"visit.{ending}"
    kept = gone.read_bytes()
    for path in list((target / "copy=1").iterdir()):
        path.unlink()
    (target / "copy=1").rmdir()
    getattr(copies, write)(tmp_path / "out")
    assert gone.read_bytes() == kept
    assert json.loads((target / "_manifest.json").read_text())["complete"]
    with pytest.raises(SynthesisError, match=r"holds copies of another request \(m=3, random seed 3"):
        getattr(clinics[1].synthesize(2, random_seed=4), write)(tmp_path / "out")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("")
    with pytest.raises(SynthesisError, match="exists already; name a new directory"):
        getattr(copies, write)(tmp_path / "full")


def test_a_folder_is_read_and_what_is_none_is_refused(tmp_path):
    for name, frame in tables.clinics().items():
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    (tmp_path / "readme.txt").write_text("no table")
    assert [str(k) for k in bs.Database.read(tmp_path).keys] == ["visit.patient_id → patient"]
    tables.clinics()["visit"].to_parquet(tmp_path / "visit.parquet")
    with pytest.raises(DataError, match=r"holds table 'visit' twice, visit\.csv and visit\.parquet"):
        bs.Database.read(tmp_path)
    with pytest.raises(DataError, match="is no folder"):
        bs.Database.read(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no table"):
        bs.Database.read(tmp_path / "empty")


def test_the_command_line_takes_a_folder(tmp_path):
    (tmp_path / "in").mkdir()
    for name, frame in tables.clinics(60).items():
        frame.to_csv(tmp_path / "in" / f"{name}.csv", index=False)
    arguments = ["auto", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--m", "2", "--seed", "1"]
    done = CliRunner().invoke(app, [*arguments, "--format", "csv"])
    assert done.exit_code == 0, done.output
    assert "visit.patient_id → patient" in done.output
    assert len(pd.read_csv(tmp_path / "out" / "copy=1" / "patient.csv")) == 60
    done = CliRunner().invoke(app, [*arguments, "--strata", "arm"])
    assert done.exit_code == 2
    assert "--strata is for one table" in " ".join(done.output.split())
