"""Statistics on disk: what is loaded is what was saved, whole or not at all, and no pickle is ever read."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bayessynth as bs
from bayessynth.errors import StorageError
from bayessynth.suffstats import Counts, Gram, Rows, counts, storage
from tests.suffstats.tables import read_in, same_as_rows, spec, table
from tests.suffstats.test_statistics import SHORT, SMALL


@pytest.fixture
def statistics(monkeypatch: pytest.MonkeyPatch) -> bs.SufficientStatistics:
    """Of every kind."""
    monkeypatch.setattr(counts, "FEW", 30)
    found = spec().sufficient_statistics(table())
    assert {type(p.statistic) for p in found.parts.values()} == {Gram, Counts, Rows}
    return found


def same(one: Any, two: Any) -> None:
    """Hold two objects to each other, field by field, bytes by bytes."""
    if isinstance(one, np.ndarray):
        assert one.dtype == two.dtype and one.shape == two.shape and one.tobytes() == two.tobytes()
    elif isinstance(one, dict):
        assert list(one) == list(two)
        for key, value in one.items():
            same(value, two[key])
    elif hasattr(one, "__dataclass_fields__") and not isinstance(one, bs.Spec):
        assert type(one) is type(two)
        for name in one.__dataclass_fields__:
            same(getattr(one, name), getattr(two, name))
    else:
        assert one == two


def test_what_is_loaded_is_what_was_saved(statistics: bs.SufficientStatistics, tmp_path: Path) -> None:
    path = statistics.save(tmp_path / "new" / "mine.npz")
    found = bs.SufficientStatistics.load(path)
    assert json.dumps(found.learnt.to_json()) == json.dumps(statistics.learnt.to_json())
    for name in ("n", "facts", "structure", "parts", "sources"):
        same(getattr(found, name), getattr(statistics, name))
    same_as_rows(found, table())
    assert repr(found) == repr(statistics)
    assert [p.name for p in path.parent.iterdir()] == ["mine.npz"]


def test_what_was_saved_adds_up_and_is_fitted(tmp_path: Path) -> None:
    frame = table()
    own = SMALL.sufficient_statistics(frame[:400], schema=bs.Schema.detect(frame))
    loaded = bs.SufficientStatistics.load(own.save(tmp_path / "a.npz"))
    other = SMALL.sufficient_statistics(frame[400:], like=loaded)
    one, two = SMALL.fit(own + other, **SHORT), SMALL.fit(loaded + other, **SHORT)
    for name, values in one.idata["posterior"].data_vars.items():
        np.testing.assert_array_equal(two.idata["posterior"][name], values)


def test_the_same_statistics_have_the_same_bytes(statistics: bs.SufficientStatistics, tmp_path: Path) -> None:
    one, two = (statistics.save(tmp_path / name) for name in ("a.npz", "b.npz"))
    assert one.read_bytes() == two.read_bytes()


def test_only_statistics_are_replaced(statistics: bs.SufficientStatistics, tmp_path: Path) -> None:
    path = statistics.save(tmp_path / "mine.npz")
    assert statistics.save(path) == path
    other = tmp_path / "thesis.txt"
    other.write_text("important")
    with pytest.raises(StorageError, match="holds no sufficient statistics"):
        statistics.save(other)
    assert other.read_text() == "important"


def test_a_file_stands_whole_or_not_at_all(
    statistics: bs.SufficientStatistics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = statistics.save(tmp_path / "mine.npz").read_bytes()

    def breaking(file: Any, **arrays: Any) -> None:
        file.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(storage.np, "savez_compressed", breaking)
    with pytest.raises(OSError, match="disk full"):
        statistics.save(tmp_path / "mine.npz")
    assert (tmp_path / "mine.npz").read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def test_a_damaged_file_is_an_error(statistics: bs.SufficientStatistics, tmp_path: Path) -> None:
    path = statistics.save(tmp_path / "mine.npz")
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(StorageError, match="is damaged"):
        bs.SufficientStatistics.load(path)


def test_objects_are_not_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "evil.npz", names=np.array([{"a": 1}], dtype=object))
    with pytest.raises(StorageError, match="allow_pickle=False"):
        bs.SufficientStatistics.load(tmp_path / "evil.npz")


def test_a_newer_format_is_said(
    statistics: bs.SufficientStatistics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "FORMAT", 2)
    path = statistics.save(tmp_path / "mine.npz")
    monkeypatch.undo()
    with pytest.raises(StorageError, match=r"in format 2; this version .* reads up to format 1\. Upgrade"):
        bs.SufficientStatistics.load(path)


def test_nothing_in_the_file_is_a_pickle(statistics: bs.SufficientStatistics, tmp_path: Path) -> None:
    with zipfile.ZipFile(statistics.save(tmp_path / "mine.npz")) as archive:
        for name in archive.namelist():
            assert b"'descr': '|O'" not in archive.read(name)[:200]


def test_names_may_hold_slashes(tmp_path: Path) -> None:
    frame = table()[["y", "x"]].rename(columns={"y": "a", "x": "a/rows/a"})
    own = bs.Spec(bs.Equation("a ~ `a/rows/a`", family="normal"), bs.Equation("`a/rows/a` ~ 1", family="student_t"))
    with read_in(100):
        found = own.sufficient_statistics(frame, schema=bs.Schema.detect(frame))
    loaded = bs.SufficientStatistics.load(found.save(tmp_path / "a.npz"))
    same(loaded.parts, found.parts)


def test_a_label_of_another_type_is_an_error(tmp_path: Path) -> None:
    frame = table()
    frame["site"] = pd_dates(frame["ward"])
    found = SMALL.sufficient_statistics(frame)
    with pytest.raises(StorageError, match="make that column text"):
        found.save(tmp_path / "a.npz")


def pd_dates(ward: Any) -> Any:
    import pandas as pd

    return pd.Timestamp("2020-01-01") + pd.to_timedelta(ward, unit="D")
