"""Statistics of a Dask frame: the same bytes for any number of workers, also if one dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dask
import dask.dataframe as dd
import distributed
import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.errors import DataError, MissingRowsWarning, SchemaError
from bayessynth.suffstats import partitions
from tests.suffstats.tables import read_in, same_as_rows, spec, table
from tests.suffstats.test_statistics import SHORT, SMALL
from tests.suffstats.test_storage import same


@pytest.fixture(scope="module")
def client() -> Iterator[distributed.Client]:
    """Two worker processes on this machine."""
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": ":0"}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        yield client


def parted(frame: pd.DataFrame, parts: int = 5) -> dd.DataFrame:
    return dd.from_pandas(frame, npartitions=parts, sort=False)


def alike(one: bs.SufficientStatistics, two: bs.SufficientStatistics) -> None:
    assert one.learnt.to_json() == two.learnt.to_json() and one.sources == two.sources
    for name in ("n", "facts", "structure", "parts"):
        same(getattr(one, name), getattr(two, name))


def test_workers_reduce_partitions_to_the_same_bytes(client: distributed.Client) -> None:
    frame = table()
    schema = bs.Schema.detect(frame)
    two = spec().sufficient_statistics(parted(frame), schema=schema)
    same_as_rows(two, frame, schema)
    with dask.config.set(scheduler="synchronous"):
        alone = spec().sufficient_statistics(parted(frame), schema=schema)
    alike(two, alone)
    # Dask reads text as another dtype, which a schema that is detected has.
    same_as_rows(spec().sufficient_statistics(parted(frame)), parted(frame).compute())


def test_a_worker_that_dies_changes_nothing(client: distributed.Client, tmp_path: Path) -> None:
    frame, marker = table(), tmp_path / "killed"
    schema = bs.Schema.detect(frame)
    expected = SMALL.sufficient_statistics(parted(frame), schema=schema)

    def dying(part: pd.DataFrame) -> pd.DataFrame:
        if len(part) and part.index[0] >= 200 and not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return part

    killing = parted(frame).map_partitions(dying, meta=frame.iloc[:0])
    alike(SMALL.sufficient_statistics(killing, schema=schema), expected)
    assert marker.exists()


def test_what_comes_back_does_not_grow_with_the_rows() -> None:
    with dask.config.set(scheduler="synchronous"):
        few, many = (
            SMALL.sufficient_statistics(parted(table(n)), schema=bs.Schema.detect(table(n))).size for n in (600, 6000)
        )
    assert many == few


def test_a_frame_is_fitted() -> None:
    frame = table()
    with dask.config.set(scheduler="synchronous"):
        fitted = SMALL.fit(parted(frame), schema=bs.Schema.detect(frame), **SHORT)
    reference = SMALL.fit(frame, schema=bs.Schema.detect(frame), **SHORT)
    for name, values in reference.idata["posterior"].data_vars.items():
        np.testing.assert_allclose(
            fitted.idata["posterior"][name].mean(), values.mean(), atol=0.15 * float(values.std())
        )
    assert fitted.provenance["statistics"]["made_of"] == ["Dask frame"]


def test_what_is_learnt_is_learnt_from_partitions_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitions, "LEAST", 250)
    frame = table()
    with dask.config.set(scheduler="synchronous"):
        found = SMALL.sufficient_statistics(parted(frame), schema=bs.Schema.detect(frame))
        assert found.learnt.rows == 480  # partitions of 120 rows: one, two, then four
        other = SMALL.sufficient_statistics(parted(frame), like=found)
    same_as_rows(found + other, pd.concat([frame, frame], ignore_index=True), bs.Schema.detect(frame))


def test_empty_partitions_are_passed_over() -> None:
    frame = table()
    thin = parted(frame)[parted(frame)["age"] > 2]
    with dask.config.set(scheduler="synchronous"):
        own = bs.Spec(bs.Equation("y ~ x", family="normal"), "x ~ 1", rest="drop")
        few = parted(frame.sort_values("age", ignore_index=True))
        found = own.sufficient_statistics(few[few["age"] > 2])
        same_as_rows(found, frame[frame["age"] > 2].reset_index(drop=True))
        with pytest.raises(DataError, match="empty"):
            own.sufficient_statistics(thin[thin["age"] > 99])


def test_errors_name_the_partition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitions, "LEAST", 100)
    frame = table()
    frame.loc[450, "sex"] = "q"
    with dask.config.set(scheduler="synchronous"), pytest.raises(SchemaError, match=r"Partition 3, .* row 90: 'q'"):
        SMALL.sufficient_statistics(parted(frame), schema=bs.Schema.detect(table()))
    with pytest.raises(DataError, match="a DataFrame is needed, not Series"):
        SMALL.sufficient_statistics(parted(frame)["x"])


def test_missing_rows_are_told_once() -> None:
    frame = table()
    frame.loc[::7, "x"] = np.nan
    with dask.config.set(scheduler="synchronous"), pytest.warns(MissingRowsWarning) as heard:
        SMALL.sufficient_statistics(parted(frame), schema=bs.Schema.detect(frame), missing="drop")
    assert len(heard) == 2 and "86 of 600 rows" in str(heard[0].message)


def test_dask_is_imported_for_its_frames_only() -> None:
    code = (
        "import sys, bayessynth as bs; t = bs.datasets.load('rand_hie')[['income']]\n"
        "bs.Spec(bs.Equation('income ~ 1', family='normal')).sufficient_statistics(t)\n"
        "print('dask' in sys.modules, 'pymc' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["False", "False"]


def test_chunks_within_a_partition_add_up() -> None:
    frame = table()
    with read_in(50), dask.config.set(scheduler="synchronous"):
        found = SMALL.sufficient_statistics(parted(frame, 2), schema=bs.Schema.detect(frame))
    same_as_rows(found, frame, bs.Schema.detect(frame))
