"""Copies streamed to Parquet: layout, readers, resuming, requests, one schema for all parts."""

from __future__ import annotations

import json
import pickle
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dask.dataframe as dd
import numpy as np
import pandas as pd
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

import bayessynth as bs
from bayessynth.errors import DisclosureWarning, SynthesisError
from bayessynth.synthesis import SyntheticData, generate, stream
from bayessynth.synthesis.manifest import MANIFEST, PROVENANCE
from tests import clinics
from tests.handmade import handmade

pytestmark = pytest.mark.usefixtures("small")

FILES = [f"copy={j}/part-{i:05d}.parquet" for j in range(3) for i in range(2)]


@pytest.fixture
def copies(clinic_fit: bs.Fitted, small: None) -> SyntheticData:
    return clinic_fit.synthesize(m=3, k=170, random_seed=4)


@pytest.fixture
def undisturbed(copies: SyntheticData, tmp_path: Path) -> dict[str, bytes]:
    return contents(copies.to_parquet(tmp_path / "undisturbed"))


def contents(directory: Path) -> dict[str, bytes]:
    """Return all files below a directory, by name."""
    return {str(p.relative_to(directory)): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


def failing(monkeypatch: pytest.MonkeyPatch, after: int, error: BaseException) -> None:
    """Let drawing fail after so many parts."""
    draw, drawn = generate.draw_part, []

    def part(plan: Any, number: int) -> Any:
        if len(drawn) == after:
            raise error
        drawn.append(number)
        return draw(plan, number)

    monkeypatch.setattr(generate, "draw_part", part)


def counting(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Note the parts that are drawn."""
    draw, drawn = generate.draw_part, []

    def part(plan: Any, number: int) -> Any:
        drawn.append(number)
        return draw(plan, number)

    monkeypatch.setattr(generate, "draw_part", part)
    return drawn


def test_files_hold_the_copies(copies: SyntheticData, tmp_path: Path) -> None:
    directory = copies.to_parquet(tmp_path / "deep" / "out")
    assert directory == tmp_path / "deep" / "out"
    assert sorted(contents(directory)) == sorted([*FILES, MANIFEST, PROVENANCE])
    for j, copy in enumerate(copies):
        pd.testing.assert_frame_equal(pd.read_parquet(directory / f"copy={j}"), copy, check_exact=True)
    assert [pq.ParquetFile(directory / name).num_row_groups for name in FILES] == [2] * 6
    assert json.loads((directory / PROVENANCE).read_text()) == json.loads(json.dumps(copies.provenance))


def test_the_manifest_says_what_there_is(copies: SyntheticData, tmp_path: Path) -> None:
    manifest = json.loads((copies.to_parquet(tmp_path / "out") / MANIFEST).read_text())
    assert {key: manifest[key] for key in ("random_seed", "m", "rows_a_part", "complete")} == {
        "random_seed": 4, "m": 3, "rows_a_part": 100, "complete": True,
    }  # fmt: skip
    rows = [100, 70] * 3
    assert manifest["parts"] == [
        {"file": name, "copy": i // 2, "rows": rows[i], "finished": True} for i, name in enumerate(FILES)
    ]


def test_readers_see_all_copies(copies: SyntheticData, tmp_path: Path) -> None:
    directory, expected = copies.to_parquet(tmp_path / "out"), copies.concat()
    plain = expected.drop(columns="copy")
    by_pandas = pd.read_parquet(directory)
    pd.testing.assert_frame_equal(by_pandas.drop(columns="copy"), plain, check_exact=True)
    assert by_pandas["copy"].tolist() == expected["copy"].tolist()
    by_arrow = ds.dataset(directory, partitioning="hive").to_table(filter=ds.field("copy") == 2).to_pandas()
    pd.testing.assert_frame_equal(by_arrow.drop(columns="copy"), copies[2], check_exact=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of pandas, of how Dask calls it
        by_dask = dd.read_parquet(directory).compute(scheduler="synchronous")
    assert by_dask["copy"].tolist() == expected["copy"].tolist()
    assert by_dask["pressure"].tolist() == expected["pressure"].tolist()


@pytest.mark.parametrize("after", [0, 1, 2, 5, 7, 11])
@pytest.mark.parametrize("cores", [1, 2])
def test_a_run_that_was_broken_off_goes_on(
    copies: SyntheticData, undisturbed: dict[str, bytes], after: int, cores: int, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    out = tmp_path / "out"
    monkeypatch.setattr(stream, "available_cores", lambda: cores)
    with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
        failing(broken, after, KeyboardInterrupt())
        copies.to_parquet(out)
    left = contents(out)
    finished = sorted(name for name in left if name.endswith(".parquet"))
    manifest = json.loads(left[MANIFEST])
    assert [part["file"] for part in manifest["parts"] if part["finished"]] == finished and not manifest["complete"]
    assert len(finished) >= after // 2 - 1 - (cores == 2)
    assert all(left[name] == undisturbed[name] for name in finished)
    before = {name: (out / name).stat().st_ino for name in finished}
    drawn = counting(monkeypatch)
    assert copies.to_parquet(out) == out
    assert len(drawn) == 12 - 2 * len(finished)
    assert contents(out) == undisturbed
    assert {name: (out / name).stat().st_ino for name in finished} == before


def test_a_killed_writer_s_leavings_do_not_count(
    copies: SyntheticData, undisturbed: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a power cut: a file that was cut short, one that is missing, a temporary one, an old manifest."""
    out = copies.to_parquet(tmp_path / "out")
    (out / FILES[0]).write_bytes(undisturbed[FILES[0]][:-9])
    (out / FILES[3]).unlink()
    (out / FILES[4]).write_bytes(undisturbed[FILES[5]])  # whole, but of fewer rows
    (out / "copy=1" / ".part-00001.parquet.0123").write_bytes(b"PAR1")
    assert len(pd.read_parquet(out / "copy=1")) == 100
    drawn = counting(monkeypatch)
    copies.to_parquet(out)
    assert sorted(drawn) == [0, 0, 1, 1, 2, 3]
    assert contents(out) == undisturbed


def test_nothing_is_drawn_when_all_is_there(
    copies: SyntheticData, clinic_fit: bs.Fitted, undisturbed: dict[str, bytes], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    drawn = counting(monkeypatch)
    again = clinic_fit.synthesize(m=3, k=170, random_seed=4)
    assert contents(again.to_parquet(tmp_path / "undisturbed")) == undisturbed
    assert drawn == []


@pytest.mark.parametrize("cores", [1, 2, 24])
def test_the_number_of_threads_changes_no_byte(
    copies: SyntheticData, undisturbed: dict[str, bytes], cores: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "available_cores", lambda: cores)
    assert contents(copies.to_parquet(tmp_path / "out")) == undisturbed


@pytest.mark.parametrize("changed", [{"random_seed": 5}, {"m": 2}, {"k": 171}, {"seed": 1}])
@pytest.mark.parametrize("complete", [True, False])
def test_another_request_is_refused(
    clinic_table: pd.DataFrame, copies: SyntheticData, changed: dict[str, int], complete: bool, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    out = tmp_path / "out"
    if complete:
        copies.to_parquet(out)
    else:
        with monkeypatch.context() as broken, pytest.raises(ValueError, match="broken"):
            failing(broken, 5, ValueError("broken"))
            copies.to_parquet(out)
    before = contents(out)
    fitted = handmade(clinics.spec(), clinic_table, seed=changed.get("seed", 0))  # another posterior, else the same
    asked = {"m": 3, "k": 170, "random_seed": 4} | {name: value for name, value in changed.items() if name != "seed"}
    other = fitted.synthesize(**asked)
    state = "holds copies" if complete else "holds unfinished copies"
    with pytest.raises(SynthesisError, match=rf"{state} of another request \(m=3, random seed 4; .*or delete this one"):
        other.to_parquet(out)
    assert contents(out) == before


def test_a_request_is_also_the_data_behind_a_prior(tmp_path: Path) -> None:
    x = np.random.default_rng(1).normal(size=40)
    one, two = (bs.Spec("x ~ 1").synthesize_prior(pd.DataFrame({"x": x * s}), m=1, random_seed=1) for s in (1, 9))
    assert one.provenance == two.provenance
    one.to_parquet(tmp_path / "out")
    with pytest.raises(SynthesisError, match="another request"):
        two.to_parquet(tmp_path / "out")


def test_nothing_is_overwritten(copies: SyntheticData, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for name in ("full", "file"):
        with pytest.raises(SynthesisError, match="exists already; name a new directory"):
            copies.to_parquet(tmp_path / name)
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["file", "full", "mine.txt"]
    (tmp_path / "empty").mkdir()
    assert len(contents(copies.to_parquet(tmp_path / "empty"))) == 8


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 99}'])
def test_a_damaged_manifest_is_named(copies: SyntheticData, text: str, tmp_path: Path) -> None:
    out = copies.to_parquet(tmp_path / "out")
    (out / MANIFEST).write_text(text)
    with pytest.raises(SynthesisError, match=r"_manifest\.json is damaged, or written by another version"):
        copies.to_parquet(out)


def sources(clinic_fit: bs.Fitted, school_fit: bs.Fitted) -> Iterator[SyntheticData]:
    yield clinic_fit.synthesize(m=2, k=170, random_seed=4)
    yield bs.Spec("x ~ 1").synthesize_prior(bs.Schema(x=bs.Count(bounds=(0, 9))), m=2, k=60, random_seed=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DisclosureWarning)
        yield school_fit.synthesize(m=2, k=120, groups="existing", random_seed=1)


def test_what_makes_copies_can_be_pickled(clinic_fit: bs.Fitted, school_fit: bs.Fitted) -> None:
    for syn in sources(clinic_fit, school_fit):
        expected = syn[1]
        packed = pickle.dumps(syn._source)
        assert len(packed) < 200_000  # the draws of the copies, no others, and no plan
        again = pickle.loads(packed)
        assert again.digest() == syn._source.digest()
        frame = pd.concat(again.frames(1, None, 1), ignore_index=True)
        pd.testing.assert_frame_equal(frame, expected, check_exact=True)


@pytest.mark.parametrize("ask", [SyntheticData.to_parquet, SyntheticData.to_csv])
def test_no_bar_is_shown_outside_a_terminal(
    copies: SyntheticData, ask: Callable, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    ask(copies, tmp_path / "out")
    assert capfd.readouterr() == ("", "")


def test_a_bar_with_rows_a_second_is_shown_on_a_terminal(
    copies: SyntheticData, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    copies.to_parquet(tmp_path / "shown")
    shown = capfd.readouterr().err
    assert "Writing copies" in shown and "510 rows" in shown and "a second" in shown
    copies.to_parquet(tmp_path / "hidden", progress=False)
    assert "rows" not in capfd.readouterr().err
