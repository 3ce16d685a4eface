"""A fit on disk: it comes back the same, and holds nothing of the original."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.errors import BayesSynthError, FitError, StorageError, SynthesisError
from bayessynth.fitting import storage
from bayessynth.fitting.engines.ladder import LADDER
from tests import clinics
from tests.handmade import handmade


@pytest.fixture(scope="module")
def small() -> bs.Fitted:
    """A fit without kept groups, nested and crossed groups and a level with its own column in it."""
    rng = np.random.default_rng(1)
    site = np.repeat(np.arange(8), 12)
    frame = pd.DataFrame(
        {
            "site": np.array([f"ward-{i}q" for i in range(8)])[site],
            "team": np.tile(np.repeat([1, 2], 6), 8),
            "rater": rng.integers(0, 5, 96) + 1000,
            "level": np.array(["a", "b"])[rng.integers(0, 2, 8)][site],
            "x": rng.normal(size=96),
            "y": rng.normal(size=96),
        }
    )
    spec = bs.Spec("level ~ 1", "x ~ 1", "y ~ x + level + (1 | site / team) + (1 | rater)")
    return handmade(spec, frame, keep_groups=False)


@pytest.fixture
def saved(small: bs.Fitted, tmp_path: Path) -> Path:
    return small.save(tmp_path / "fit")


def contents(directory: Path) -> tuple[list[np.ndarray], str]:
    """Return every array, decompressed, and all text of a saved fit."""
    arrays: list[np.ndarray] = []
    words = (directory / "fit.json").read_text()
    with np.load(directory / "groups.npz", allow_pickle=False) as groups:
        for name in groups.files:
            arrays.append(groups[name])
            words += f" {name} "

    def visit(name: str, item: object) -> None:
        nonlocal words
        words += f" {name} {dict(item.attrs)} "  # type: ignore[attr-defined]
        if isinstance(item, h5py.Dataset):
            arrays.append(np.asarray(item[()]))

    with h5py.File(directory / "posterior.nc") as file:
        file.visititems(visit)
    words += " ".join(str(v) for a in arrays if a.dtype.kind in "OSU" for v in a.ravel().tolist())
    return arrays, words


def assert_holds_no_record(directory: Path, frame: pd.DataFrame) -> None:
    arrays, words = contents(directory)
    numbers = np.concatenate([a.ravel().astype(float) for a in arrays if a.dtype.kind in "fiu"])
    written = set(json_numbers(json.loads((directory / "fit.json").read_text())))
    for column in ("dose", "pressure"):
        assert frame[column].is_unique
        for kind in (np.float64, np.float32):
            assert not np.isin(numbers.astype(kind), frame[column].to_numpy().astype(kind)).any(), column
        assert not written & set(frame[column])
        for value in frame[column]:
            assert f"{value:.6f}"[:-1] not in words
    for label in frame["site"].unique():
        assert label not in words


def json_numbers(data: object) -> list[float]:
    if isinstance(data, dict):
        return [n for value in data.values() for n in json_numbers(value)]
    if isinstance(data, list):
        return [n for value in data for n in json_numbers(value)]
    return [data] if isinstance(data, float) else []


def test_saved_fit_holds_no_record(clinic_fit: bs.Fitted, clinic_table: pd.DataFrame, tmp_path: Path) -> None:
    released = bs.Fitted(clinic_fit.bound, clinic_fit.idata, unlabelled(clinic_fit), clinic_fit.provenance)
    directory = released.save(tmp_path / "fit")
    assert {p.name for p in directory.iterdir()} == {"fit.json", "posterior.nc", "groups.npz"}
    assert_holds_no_record(directory, clinic_table)
    again = bs.load(directory)
    assert "site" not in again.idata["posterior"].dims
    assert "pressure_1|site_sd" in again.idata["posterior"]
    with pytest.raises(FitError, match=r"effects of the observed groups.*keep_groups=True"):
        again.to_datatree(clinic_table, "pressure")
    with pytest.raises(SynthesisError, match="keep_groups=True"):
        again.synthesize(groups="existing", force=True)


def test_the_search_would_find_a_record(clinic_fit: bs.Fitted, clinic_table: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(AssertionError):  # labels of groups that were kept
        assert_holds_no_record(clinic_fit.save(tmp_path / "kept"), clinic_table)
    idata = clinic_fit.idata.copy()
    idata["posterior"] = idata["posterior"].to_dataset().assign(one=("any", clinic_table["dose"].to_numpy()[[9]]))
    leaky = bs.Fitted(clinic_fit.bound, idata, unlabelled(clinic_fit), clinic_fit.provenance)
    with pytest.raises(AssertionError, match="dose"):
        assert_holds_no_record(leaky.save(tmp_path / "array"), clinic_table)
    record = clinic_fit.provenance | {"note": float(clinic_table["pressure"][5])}
    leaky = bs.Fitted(clinic_fit.bound, clinic_fit.idata, unlabelled(clinic_fit), record)
    with pytest.raises(AssertionError):
        assert_holds_no_record(leaky.save(tmp_path / "text"), clinic_table)


def unlabelled(fitted: bs.Fitted):
    """Return the group structure as a fit without ``keep_groups`` has it."""
    groups = fitted.groups
    return type(groups)(groups.plan, groups.sizes, groups.crossed, {}, {})


def test_kept_groups_come_back(clinic_fit: bs.Fitted, tmp_path: Path) -> None:
    again = bs.load(clinic_fit.save(tmp_path / "fit"))
    assert again.groups.labels == clinic_fit.groups.labels
    assert np.array_equal(again.groups.observed["site"], clinic_fit.groups.observed["site"])
    assert again.idata["posterior"].to_dataset().equals(clinic_fit.idata["posterior"].to_dataset())
    assert repr(again) == repr(clinic_fit)
    assert repr(again.diagnose()) == repr(clinic_fit.diagnose())


def test_loaded_fit_makes_the_same_copies(small: bs.Fitted, saved: Path) -> None:
    again = bs.load(saved)
    assert again.bound == small.bound
    assert again.provenance == small.provenance
    for name, variable in again.idata["posterior"].data_vars.items():
        assert np.array_equal(variable, small.idata["posterior"][name]), name
    first = small.synthesize(m=2, random_seed=4, force=True)
    second = again.synthesize(m=2, random_seed=4, force=True)
    for one, other in zip(first, second, strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_loaded_fit_conditions_on_the_data_again(clinic_fit: bs.Fitted, clinic_table: pd.DataFrame,
                                                 tmp_path: Path) -> None:  # fmt: skip
    again = bs.load(clinic_fit.save(tmp_path / "fit"))
    assert "pressure_sigma" in again.model("pressure", clinic_table).named_vars
    tree = again.to_datatree(clinic_table, "visits", m=2, random_seed=1)
    mine = clinic_fit.to_datatree(clinic_table, "visits", m=2, random_seed=1)
    assert tree["log_likelihood"].to_dataset().equals(mine["log_likelihood"].to_dataset())


def test_nothing_saved_is_a_pickle(saved: Path) -> None:
    assert h5py.is_hdf5(saved / "posterior.nc")
    with zipfile.ZipFile(saved / "groups.npz") as archive:
        assert all(name.endswith(".npy") for name in archive.namelist())
    with np.load(saved / "groups.npz", allow_pickle=False) as groups:
        assert all(groups[name].dtype.kind in "fiu" for name in groups.files)


def test_saving_again_replaces_a_fit_and_nothing_else(small: bs.Fitted, saved: Path) -> None:
    small.save(saved)
    (saved / "notes.txt").write_text("mine")
    with pytest.raises(StorageError, match="exists and is not a saved fit"):
        small.save(saved)
    with pytest.raises(StorageError, match="not a saved fit"):
        small.save(saved / "notes.txt")
    assert (saved / "notes.txt").read_text() == "mine"


def test_interrupted_save_leaves_nothing(small: bs.Fitted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(storage.np, "savez_compressed", interrupted)
    with pytest.raises(KeyboardInterrupt):
        small.save(tmp_path / "fit")
    assert list(tmp_path.iterdir()) == []


def test_interrupted_save_leaves_the_old_fit(small: bs.Fitted, saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage.np, "savez_compressed", lambda *a, **k: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        small.save(saved)
    assert [p.name for p in saved.parent.iterdir()] == ["fit"]
    assert bs.load(saved).bound == small.bound


def test_labels_that_json_cannot_hold(tmp_path: Path) -> None:
    day = pd.to_datetime(["2020-01-01", "2021-01-01"])[np.arange(40) % 2]
    fitted = handmade(
        bs.Spec("y ~ (1 | day)"), pd.DataFrame({"day": day, "y": np.random.default_rng(1).normal(size=40)})
    )
    with pytest.raises(StorageError, match=r"Timestamp.*fit that column as text"):
        fitted.save(tmp_path / "fit")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_fit(tmp_path: Path, saved: Path) -> None:
    with pytest.raises(StorageError, match=r"is no saved fit: there is no fit\.json, posterior\.nc, groups\.npz"):
        bs.load(tmp_path)
    (saved / "posterior.nc").unlink()
    with pytest.raises(StorageError, match=r"there is no posterior\.nc in it"):
        bs.load(saved)


@pytest.mark.parametrize("text", ["{", "[1, 2]", "{}", "\x00"])
def test_damaged_json(saved: Path, text: str) -> None:
    (saved / "fit.json").write_text(text)
    with pytest.raises(StorageError, match=r"fit\.json is damaged.*Fit again"):
        bs.load(saved)


def test_json_without_a_part(saved: Path) -> None:
    declared = json.loads((saved / "fit.json").read_text())
    for part in ("bound", "groups", "provenance"):
        (saved / "fit.json").write_text(json.dumps({k: v for k, v in declared.items() if k != part}))
        with pytest.raises(StorageError, match=f"damaged.*{part}"):
            bs.load(saved)


@pytest.mark.parametrize("name", ["posterior.nc", "groups.npz"])
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_truncated_files(saved: Path, name: str, share: float) -> None:
    data = (saved / name).read_bytes()
    (saved / name).write_bytes(data[: int(share * len(data))])
    with pytest.raises(StorageError, match=r"is damaged.*Fit again"):
        bs.load(saved)


def test_posterior_of_another_fit(saved: Path, clinic_fit: bs.Fitted, tmp_path: Path) -> None:
    other = clinic_fit.save(tmp_path / "other")
    (saved / "posterior.nc").write_bytes((other / "posterior.nc").read_bytes())
    with pytest.raises(StorageError, match=r"damaged.*posterior has no"):
        bs.load(saved)


@pytest.mark.parametrize("written", [2, "2", None])
def test_newer_format(saved: Path, written: object) -> None:
    declared = json.loads((saved / "fit.json").read_text())
    (saved / "fit.json").write_text(json.dumps(declared | {"format": written, "version": "9.9"}))
    with pytest.raises(StorageError, match=r"9\.9 in format .*up to format 1.*Upgrade"):
        bs.load(saved)


def test_loaded_formula_is_data_and_not_code(saved: Path) -> None:
    text = (saved / "fit.json").read_text()
    (saved / "fit.json").write_text(text.replace("y ~ x", "y ~ __import__('os') + x"))
    with pytest.raises(Exception, match="__import__") as raised:
        bs.load(saved)
    assert isinstance(raised.value, BayesSynthError)


def test_settings_are_saved(clinic_fit: bs.Fitted, tmp_path: Path) -> None:
    record = bs.load(clinic_fit.save(tmp_path / "fit")).provenance
    expected = {k: v for k, v in clinics.SETTINGS.items() if k != "progress"}
    assert {k: record[k] for k in expected} == expected
    assert set(record["engine"].values()) <= set(LADDER) and record["groups_kept"] is True
