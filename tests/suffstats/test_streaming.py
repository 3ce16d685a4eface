"""Tables read in chunks: files give what frames give, errors name rows of the file, memory holds few chunks."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import bayessynth as bs
from bayessynth.errors import (
    BayesSynthError,
    DataError,
    MissingDataError,
    MissingRowsWarning,
    SchemaError,
    SpecError,
)
from bayessynth.families import Moments
from bayessynth.suffstats import Counts, Gram, Source, accumulate, bind_statistics, chunks, source_of
from bayessynth.suffstats.chunks import Chunk
from bayessynth.suffstats.encode import encode_chunk
from bayessynth.suffstats.labels import Labels, Pairs
from bayessynth.suffstats.scan import scan
from tests.suffstats.tables import read_in, same_as_rows, spec, table
from tests.suffstats.test_statistics import SHORT, SMALL


def parts_of(frame: pd.DataFrame, directory: Path, cuts: Sequence[int]) -> Path:
    """Write a table as a directory of Parquet files."""
    directory.mkdir()
    edges = [0, *cuts, len(frame)]
    for i, (start, stop) in enumerate(pairwise(edges)):
        frame[start:stop].to_parquet(directory / f"part-{i:03d}.parquet", row_group_size=64)
    return directory


@pytest.mark.parametrize("how", ["parquet", "directory", "csv", "csv.gz"])
def test_a_file_gives_what_its_table_gives(how: str, tmp_path: Path) -> None:
    frame = table()
    text = frame.assign(stage=frame["stage"].astype(str))
    if how == "parquet":
        path = tmp_path / "table.parquet"
        frame.to_parquet(path, row_group_size=150)
    elif how == "directory":
        path = parts_of(frame, tmp_path / "parts", [100, 101, 400])
    else:
        frame = text
        path = tmp_path / f"table.{how}"
        text.to_csv(path, index=False)
    whole = source_of(path).whole()
    pd.testing.assert_frame_equal(whole, frame, check_dtype=how != "csv")
    own = spec() if "csv" not in how else spec().replace(bs.Equation("cost ~ stage", family="lognormal"))
    with read_in(120):
        found = own.sufficient_statistics(path, schema=bs.Schema.detect(whole))
    assert found.learnt.rows >= 120
    same_as_rows(found, whole, bs.Schema.detect(whole))


def every_dtype(n: int = 400) -> pd.DataFrame:
    """Every dtype that a Parquet file brings."""
    rng = np.random.default_rng(4)
    frame = pd.DataFrame(
        {
            "g": pd.Categorical(rng.choice(["a", "b", "c"], n)),
            "h": pd.array(rng.integers(0, 5, n), dtype="Int64"),
            "x": rng.normal(size=n).astype(np.float32),
            "k": rng.integers(0, 9, n).astype(np.int8),
            "flag": rng.random(n) < 0.4,
            "day": pd.Timestamp("2021-03-04") + pd.to_timedelta(rng.integers(0, 500, n), unit="D"),
            "odd name": pd.array(rng.integers(0, 50, n), dtype="Int64"),
            "level": pd.array(rng.choice(["lo", "hi", "mid"], n), dtype="string[pyarrow]"),
        }
    )
    frame["y"] = frame["x"].astype(float) + frame["g"].cat.codes + rng.normal(size=n)
    return frame


def test_every_dtype_of_a_file_is_read_as_pandas_reads_it(tmp_path: Path) -> None:
    frame = every_dtype()
    frame.index = np.arange(len(frame)) + 5
    path = tmp_path / "table.parquet"
    frame.to_parquet(path, row_group_size=90)
    own = bs.Spec(
        bs.Equation("y ~ x + flag + day + level + (1 | g)", family="normal"),
        bs.Equation("`odd name` ~ k + (1 | h)", family="poisson"),
        "flag ~ 1",
        bs.Equation("x ~ 1", family="normal"),
        bs.Equation("k ~ 1", family="poisson"),
        "day ~ 1",
        "level ~ flag",
    )
    schema = bs.Schema.detect(frame)
    with read_in(100):
        same_as_rows(own.sufficient_statistics(path, schema=schema), frame, schema)
        same_as_rows(own.sufficient_statistics(frame, schema=schema), frame, schema)


def test_only_the_columns_that_are_needed_are_read() -> None:
    read: list[Sequence[str]] = []

    def reading(columns: Sequence[str]) -> Iterator[pd.DataFrame]:
        read.append(list(columns))
        yield table()[list(columns)]

    from bayessynth.suffstats.stream import needed

    source = Source(tuple(table().columns), reading, "test", True, table)
    columns = needed(SMALL, source, None, None)
    assert sorted(columns) == ["sex", "site", "x", "y"]
    assert [c.n for c in chunks.chunks(source, columns)] == [600] and read == [columns]


def test_few_chunks_are_held_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "AHEAD", 1)
    alive: list[int] = []
    refs: list[weakref.ref[Any]] = []

    def reading(columns: Sequence[str]) -> Iterator[pd.DataFrame]:
        for _ in range(6):
            gc.collect()
            alive.append(sum(ref() is not None for ref in refs))
            part = table()[list(columns)]
            refs.append(weakref.ref(part))
            yield part
            del part

    from bayessynth.suffstats.stream import of_chunks

    source = Source(tuple(table().columns), reading, "test", False, table)
    with read_in(600):
        found = of_chunks(SMALL, chunks.chunks(source, ["y", "x", "sex", "site"]), None, "error", None, "test")
    assert found.n == 3600 and max(alive) <= 3


@pytest.mark.parametrize("size", [3, 50, 600])
def test_chunks_begin_where_the_last_ended(size: int) -> None:
    with read_in(size):
        found = list(chunks.chunks(source_of(table()), ["x"]))
    assert [c.start for c in found] == list(range(0, 600, size)) and sum(c.n for c in found) == 600
    np.testing.assert_array_equal(np.concatenate([c.numbers("x") for c in found]), table()["x"])


def test_small_parts_are_joined() -> None:
    with read_in(7, 20):
        assert [c.n for c in chunks.chunks(source_of(table()), ["x"])][:2] == [21, 21]
        assert [c.n for c in chunks.chunks(source_of(table()), ["x"], 36)][:2] == [42, 21]


@pytest.mark.parametrize(("order", "statistic"), [("any", Gram), ("sorted", Counts)])
def test_sums_are_kept_where_combinations_of_groups_run_out(order: str, statistic: type) -> None:
    """A third as many groups as the first rows, which come in any order, or one group after the other."""
    rng = np.random.default_rng(1)
    site = rng.permutation(np.arange(900) % 100) if order == "any" else np.arange(900) // 3
    frame = pd.DataFrame({"site": site, "y": rng.normal(size=900)})
    schema = bs.Schema.detect(frame).override(site="group")
    with read_in(300):
        found = bs.Spec("y ~ 1 + (1 | site)", rest="drop").sufficient_statistics(frame, schema=schema)
    assert isinstance(found.parts["y"].statistic, statistic) and found.n == 900


def put(column: str, value: Any) -> Callable[[pd.DataFrame], None]:
    def change(frame: pd.DataFrame) -> None:
        frame[column] = frame[column].astype(object if isinstance(value, str | None) else float)
        frame.loc[450, column] = value

    return change


def finer(frame: pd.DataFrame) -> None:
    frame["x"] = np.round(frame["x"] * 4) / 4
    frame.loc[450, "x"] = 1.015625


FAULTS: dict[str, tuple[Callable[[pd.DataFrame], None], type[BayesSynthError], str]] = {
    "kind": (put("visits", -1.0), SchemaError,
             r"Kind 'count'.*column 'visits', 1 of rows 400 to 599, the first is row 450: -1\.0.*The schema was "
             r"detected on the first 200 rows: pass schema="),
    "fraction": (put("visits", 0.5), SchemaError, "whole number.*row 450"),
    "infinite": (put("x", np.inf), DataError, "Infinite values: column 'x', 1 of rows 400 to 599, .* row 450"),
    "level": (put("sex", "q"), SchemaError, "Not one of the declared levels 'f', 'm'.*row 450: 'q'.*pass schema="),
    "missing": (put("x", np.nan), MissingDataError, r"Missing cells in column 'x' \(1 of rows 400 to 599,.* 450\)"),
    "group": (put("site", None), MissingDataError, "A row without a group: column 'site'.*row 450"),
    "positive": (put("cost", -1.0), SchemaError, "not above zero: column 'cost'.*row 450"),
    "text": (put("age", "many"), SchemaError, "Not a number: column 'age'.*row 450: 'many'"),
    "trials": (put("share", 7.0), DataError, "at most their trials: column 'share'.*row 450: 7"),
    "precision": (finer, SchemaError, "Not numbers of at most 2 decimals: column 'x'.*row 450: 1.015625.*pass schema="),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("file", [False, True])
def test_errors_name_the_row_of_the_table(fault: str, file: bool, tmp_path: Path) -> None:
    change, kind, message = FAULTS[fault]
    frame = table()
    change(frame)
    if file and fault == "text":
        pytest.skip("a Parquet column is of one type")
    if file:
        frame.to_parquet(tmp_path / "table.parquet", row_group_size=200)
    with read_in(200), pytest.raises(kind, match=message):
        spec().sufficient_statistics(tmp_path / "table.parquet" if file else frame)


def test_a_number_that_c_has_not_met_is_an_error() -> None:
    frame = table()
    frame.loc[450, "age"] = 4
    own = bs.Spec(bs.Equation("y ~ C(age)", family="normal"), "age ~ 1", rest="drop")
    with (
        read_in(200),
        pytest.raises(DataError, match=r"Not one of the 4 levels that the first 200 rows have: .* 450: 4"),
    ):
        own.sufficient_statistics(frame)
    same_as_rows(own.sufficient_statistics(frame), frame)


def test_a_term_that_is_not_finite_names_the_row() -> None:
    frame = table()
    frame["age"] += 1
    frame.loc[450, "age"] = 0
    own = bs.Spec(bs.Equation("y ~ log(age)", family="normal"), "age ~ 1", rest="drop")
    with read_in(200), pytest.raises(DataError, match=r"not finite.*1 of rows 400 to 599, the first is row 450: 0"):
        own.sufficient_statistics(frame)


def test_a_date_finer_than_those_before_is_an_error() -> None:
    frame = every_dtype()
    frame["day"] = frame["day"].astype("datetime64[us]")
    frame.loc[350, "day"] += pd.Timedelta("3h")
    own = bs.Spec("day ~ 1", rest="drop")
    with read_in(100), pytest.raises(SchemaError, match=r"Not whole units of 'D': column 'day'.*row 350"):
        own.sufficient_statistics(frame)


def test_a_range_that_was_detected_is_no_bound() -> None:
    frame = table()
    frame.loc[450, "x"] = 77.5
    own = bs.Spec(bs.Equation("x ~ 1", family="uniform"), rest="drop")
    with read_in(200):
        found = own.sufficient_statistics(frame)
    same_as_rows(found, frame)
    declared = bs.Schema.detect(frame).override(x=bs.Continuous(bounds=(-20, 20)))
    with read_in(200), pytest.raises(SchemaError, match=r"Outside the declared bounds.*row 450: 77\.5"):
        own.sufficient_statistics(frame, schema=declared)


def test_first_rows_without_a_complete_one_teach_nothing() -> None:
    frame = table()
    frame.loc[:250, "x"] = np.nan
    with read_in(200), pytest.raises(DataError, match=r"column 'x'|'x'"):
        SMALL.sufficient_statistics(frame, schema=bs.Schema.detect(table()), missing="drop")


def test_a_column_without_any_value_is_an_error() -> None:
    frame = table()
    own = SMALL.sufficient_statistics(frame, missing="drop")
    with pytest.warns(MissingRowsWarning, match="600 of 600 rows"):
        empty = SMALL.sufficient_statistics(frame.assign(x=np.nan), like=own, missing="drop")
    with pytest.raises(DataError, match="Column 'x': all 600 cells are missing"):
        bind_statistics(empty)


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (3, DataError, "a path to a Parquet or CSV file, not int"),
        ("nowhere.csv", DataError, "There is no file nowhere.csv"),
        (pd.DataFrame({"y": [], "x": [], "sex": [], "site": []}), DataError, "The table is empty"),
        (pd.DataFrame({"y": [1.0], "x": [1.0]}), SpecError, "Column 'sex' .* is not in the data"),
        (pd.DataFrame([[1.0, 2.0]]), DataError, "Column names must be text"),
    ],
)
def test_what_is_no_table_is_an_error(data: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        SMALL.sufficient_statistics(data)


def test_files_that_are_no_table_are_errors(tmp_path: Path) -> None:
    (tmp_path / "odd.parquet").write_text("odd")
    with pytest.raises(DataError, match=r"odd\.parquet cannot be read"):
        SMALL.sufficient_statistics(tmp_path / "odd.parquet")
    (tmp_path / "odd.xlsx").write_text("odd")
    with pytest.raises(DataError, match=r"odd\.xlsx is neither \.parquet nor \.csv"):
        SMALL.sufficient_statistics(tmp_path / "odd.xlsx")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no Parquet file in the directory"):
        SMALL.sufficient_statistics(tmp_path / "empty")
    other = parts_of(table(), tmp_path / "parts", [300])
    table().drop(columns="sex").to_parquet(other / "part-009.parquet")
    with pytest.raises(DataError, match=r"part-009\.parquet has other columns"):
        SMALL.sufficient_statistics(other)


def test_a_large_file_is_fitted_from_its_statistics(tmp_path: Path) -> None:
    frame = table()
    path = tmp_path / "table.parquet"
    frame.to_parquet(path, row_group_size=200)
    small = SMALL.fit(path, **SHORT)
    assert "statistics" not in small.provenance
    with read_in(200):
        large = SMALL.fit(path, schema=bs.Schema.detect(frame), **SHORT)
        laplace = bs.Spec(bs.Equation("x ~ 1", family="normal"), rest="drop").fit(path, engine="laplace", **SHORT)
    assert large.provenance["statistics"]["made_of"] == ["1 Parquet file"]
    assert large.provenance["engine"] == small.provenance["engine"]
    for name, values in small.idata["posterior"].data_vars.items():
        np.testing.assert_allclose(
            large.idata["posterior"][name].mean(), values.mean(), atol=0.15 * float(values.std())
        )
    # Sums of products do not serve that engine, so the rows are read.
    assert laplace.provenance["engine"] == {"x": "laplace"}
    assert laplace.provenance["statistics"]["kinds"]["x"] == "counts of distinct rows"


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_one_pass_finds_what_numpy_finds(offset: float) -> None:
    rng = np.random.default_rng(2)
    values = np.concatenate([rng.normal(offset, 2.0, 5000), rng.integers(-3, 4, 500)])
    full = np.concatenate([[np.nan], values, [np.inf, -np.inf, np.nan]])
    found = scan(full)
    assert (found.missing, found.infinite, found.n) == (2, 2, 5500)
    assert found.fractional == (values % 1 != 0).sum() and found.positive == (values > 0).sum()
    assert (found.low, found.high) == (values.min(), values.max())
    expected = Moments.of(values)
    assert found.moments.mean == pytest.approx(expected.mean, rel=1e-13)
    assert found.moments.squares == pytest.approx(expected.squares, rel=1e-11)
    v = (values - 3.0) / 2.0
    np.testing.assert_allclose(found.products(3.0, 2.0), [[5500, v.sum()], [v.sum(), v @ v]], rtol=1e-11)
    assert scan(np.array([np.nan])).moments == Moments() and scan(np.empty(0)).n == 0


@pytest.mark.parametrize("columns", [2, 5, 8, 9])
def test_many_rows_are_summed_as_few_are(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(7)
    values = [np.broadcast_to(1.0, 900), *rng.normal(3.0, 2.0, (columns - 1, 900))]
    shift, scale = np.r_[0.0, np.full(columns - 1, 2.5)], np.r_[1.0, np.full(columns - 1, 1.5)]
    cells = rng.integers(0, 6, 900)
    v = (np.column_stack(values) - shift) / scale
    for least in (1, 901):
        monkeypatch.setattr(accumulate, "_MANY_ROWS", least)
        for size, where in ((6, cells), (1, np.zeros(900, dtype=np.int64))):
            counts, moments = accumulate.accumulate(values, where, size, shift, scale)
            np.testing.assert_array_equal(counts, np.bincount(where, minlength=size))
            for cell in range(size):
                np.testing.assert_allclose(moments[cell], v[where == cell].T @ v[where == cell], rtol=1e-12, atol=1e-9)


def test_moments_of_parts_add_up() -> None:
    values = np.random.default_rng(3).lognormal(size=100)
    parts = [Moments.of(v) for v in np.split(values, [0, 1, 40])]
    total, whole = parts[0] + parts[1] + parts[2] + parts[3], Moments.of(values)
    for name in ("mean", "squares", "log_mean", "log_squares", "low", "high", "n", "positive"):
        assert getattr(total, name) == pytest.approx(getattr(whole, name), rel=1e-12)
    weights = np.random.default_rng(4).integers(1, 5, 100)
    assert Moments.of(values, weights).squares == pytest.approx(
        Moments.of(np.repeat(values, weights)).squares, rel=1e-12
    )


def test_labels_keep_their_codes_as_others_come() -> None:
    labels, pairs = Labels(), Pairs()
    rng = np.random.default_rng(5)
    seen: dict[int, int] = {}
    for low, high in ((5, 9), (0, 20), (-40, 3), (2**40, 2**40 + 9), (0, 9)):
        values = rng.integers(low, high, 50)
        codes = labels.of_numbers(values)
        for value, code in zip(values.tolist(), codes.tolist(), strict=True):
            assert seen.setdefault(value, code) == code and labels.found[code] == value
        joint = pairs.of(codes, codes % 3)
        np.testing.assert_array_equal(pairs.firsts[joint], codes)
        np.testing.assert_array_equal(pairs.seconds[joint], codes % 3)
    assert len(labels.found) == len(seen) == len(pairs.firsts)


def test_arrays_of_a_chunk_are_those_of_the_frame() -> None:
    frame = every_dtype()
    schema = bs.Schema.detect(frame)
    arrow = encode_chunk(Chunk(pa.Table.from_pandas(frame)), schema, {}, 400)
    expected = schema.encode(frame)
    for name in schema:
        np.testing.assert_array_equal(arrow.arrays[name], expected[name], err_msg=name)


def test_a_file_of_one_type_twice_is_read_twice_the_same(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pandas(table()), tmp_path / "table.parquet", row_group_size=100)
    with read_in(100):
        one, two = (SMALL.sufficient_statistics(tmp_path / "table.parquet") for _ in range(2))
    assert isinstance(one.parts["sex"].statistic, Counts)
    np.testing.assert_array_equal(one.parts["y"].statistic.moments, two.parts["y"].statistic.moments)


def test_times_and_numbers_that_stand_as_text_are_read() -> None:
    rng = np.random.default_rng(1)
    days = pd.Series(pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 400, 500), unit="D"))
    frame = pd.DataFrame({"day": days.dt.strftime("%Y-%m-%d"), "cost": [f"{v:,.2f}" for v in rng.uniform(1, 5e4, 500)]})
    statistics = bs.Spec("day ~ 1", "cost ~ day").sufficient_statistics(frame)
    assert (statistics.n, statistics.exact) == (500, True)
