"""Copies drawn and written by the workers of a Dask cluster: the same bytes, whatever happens to a worker."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import distributed
import numpy as np
import pandas as pd
import pyarrow as pa
import pymc as pm
import pytest
import xarray as xr

import bayessynth as bs
from bayessynth.design.grouping import plan_groups
from bayessynth.errors import PrecisionWarning, SynthesisError, warn
from bayessynth.fitting.diagnose import Diagnosis
from bayessynth.fitting.groups import fit_groups
from bayessynth.fitting.pymc_fitted import FittedPyMC
from bayessynth.synthesis import SyntheticData
from bayessynth.synthesis.cluster import _EAR
from bayessynth.synthesis.source import Source
from tests.synthesis.test_streaming import contents


@pytest.fixture(scope="module")
def client() -> Iterator[distributed.Client]:
    """Two worker processes on this machine."""
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": ":0"}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        yield client


@pytest.fixture
def copies(clinic_fit: bs.Fitted, small: None) -> SyntheticData:
    return clinic_fit.synthesize(m=3, k=170, random_seed=4)


@dataclass(frozen=True)
class Killing:
    """A source whose drawing kills the worker: in the midst of one file, once; or every time."""

    source: Source
    marker: str | None

    @property
    def part(self) -> int | None:
        return self.source.part

    def rows(self, copy: int) -> int | None:
        return self.source.rows(copy)

    def types(self) -> pa.Schema:
        return self.source.types()

    def digest(self) -> str:
        return self.source.digest()

    def frames(self, copy: int, parts: range | None, threads: int | None) -> Iterator[pd.DataFrame]:
        for i, frame in enumerate(self.source.frames(copy, parts, threads)):
            yield frame
            if i == 0 and copy == 1 and (self.marker is None or not os.path.exists(self.marker)):
                if self.marker is not None:
                    Path(self.marker).touch()
                os.kill(os.getpid(), signal.SIGKILL)


def test_workers_write_the_same_bytes(copies: SyntheticData, client: distributed.Client, tmp_path: Path) -> None:
    alone = copies.to_parquet(tmp_path / "alone")
    assert contents(copies.to_parquet(tmp_path / "cluster", client=client)) == contents(alone)
    prior = bs.Spec("x ~ (1 | g)").synthesize_prior(
        bs.Schema(x=bs.Continuous(bounds=(0, 9)), g=bs.Group()), m=2, k=120, random_seed=1
    )
    alone = prior.to_parquet(tmp_path / "prior")
    assert contents(prior.to_parquet(tmp_path / "prior-cluster", client=client)) == contents(alone)


def test_what_is_missing_alone_is_written(copies: SyntheticData, client: distributed.Client, tmp_path: Path) -> None:
    out = copies.to_parquet(tmp_path / "out")
    whole = contents(out)
    (out / "copy=2" / "part-00001.parquet").unlink()
    kept = {path: path.stat().st_ino for path in out.rglob("*.parquet")}
    copies.to_parquet(out, client=client)
    assert contents(out) == whole
    assert {path: path.stat().st_ino for path in kept} == kept


def test_a_worker_that_is_killed_loses_nothing(
    copies: SyntheticData, client: distributed.Client, tmp_path: Path
) -> None:
    alone = contents(copies.to_parquet(tmp_path / "alone"))
    killing = SyntheticData(Killing(copies._source, str(tmp_path / "killed")), copies.m, copies.provenance)
    before = set(client.run(os.getpid).values())
    out = killing.to_parquet(tmp_path / "out", client=client)
    assert (tmp_path / "killed").exists()
    client.wait_for_workers(2)
    assert len(before - set(client.run(os.getpid).values())) == 1
    assert contents(out) == alone  # nor is the half of the file left that the worker had written


def test_workers_that_die_again_and_again(copies: SyntheticData, client: distributed.Client, tmp_path: Path) -> None:
    killing = SyntheticData(Killing(copies._source, None), copies.m, copies.provenance)
    scheduler: Any = client.cluster.scheduler
    scheduler.allowed_failures = 0
    with pytest.raises(SynthesisError, match=r"Workers died again and again .*What is finished stays"):
        killing.to_parquet(tmp_path / "out", client=client)
    scheduler.allowed_failures = 3
    client.wait_for_workers(2)
    alone = contents(copies.to_parquet(tmp_path / "alone"))
    assert contents(copies.to_parquet(tmp_path / "out", client=client)) == alone


def test_warnings_reach_the_user(client: distributed.Client, tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": np.random.default_rng(1).poisson(50, 60).astype("int8")})
    priors = {"Intercept": bs.Prior("Normal", mu=6, sigma=0.01)}
    spec = bs.Spec(bs.Equation("x ~ 1", family="poisson", priors=priors))
    syn = spec.synthesize_prior(frame, m=2, k=100, random_seed=1)
    with pytest.warns(PrecisionWarning, match="Beyond what int8 can hold: column 'x', 100 of 100 rows") as caught:
        syn.to_parquet(tmp_path / "out", client=client)
    assert len(caught) == 2
    assert (pd.read_parquet(tmp_path / "out")["x"] == 127).all()


def test_errors_of_a_task_reach_the_user(copies: SyntheticData, client: distributed.Client, tmp_path: Path) -> None:
    finished, here = tmp_path / "out" / "copy=0" / "part-00000.parquet", os.getpid()

    def drawn(copy: int, threads: int) -> Iterator[pd.DataFrame]:
        """Have a worker draw copy 1, whose cells are of another type, once copy 0 is written."""
        until = time.monotonic() + 60
        while copy and os.getpid() != here and not finished.exists() and time.monotonic() < until:
            time.sleep(0.01)
        yield pd.DataFrame({"x": ["a" if copy else 1]})

    with pytest.raises(SynthesisError, match="Copy 1 has cells of other types"):
        SyntheticData(drawn, 2, {}).to_parquet(tmp_path / "out", client=client)
    assert list(tmp_path.rglob("*.parquet")) == [finished]


def test_what_cannot_be_sent(client: distributed.Client, tmp_path: Path) -> None:
    lock, frame = threading.Lock(), pd.DataFrame({"x": [1]})
    syn = SyntheticData(lambda j, threads: iter([frame] if lock else []), 1, {})
    with pytest.raises(SynthesisError, match=r"cannot be sent to other processes: .*Define build= at the top"):
        syn.to_parquet(tmp_path / "out", client=client)


def build(data: dict[str, Any], coords: dict[str, Any]) -> pm.Model:
    with pm.Model(coords=coords) as model:
        u = pm.Normal("u", 0, pm.HalfNormal("tau"), dims="site")
        pm.Normal("x", u[data["site"]], 1, observed=data["x"])
    return model


def test_copies_of_a_pymc_model(client: distributed.Client, tmp_path: Path) -> None:
    """Of a user's model a copy is one file; the fit is made by hand, so nothing is sampled."""
    frame = pd.DataFrame({"site": np.repeat(list("abcd"), 9), "x": np.random.default_rng(1).normal(size=36)})
    declared = bs.from_pymc(build, frame, groups={"site": "site"})
    grouping = declared._source.grouping
    structure = fit_groups(plan_groups(grouping), grouping, 6, np.random.default_rng(1), keep_groups=False)
    posterior = xr.Dataset({"tau": (("chain", "draw"), np.linspace(1, 2, 6).reshape(2, 3))})
    tree = xr.DataTree.from_dict({"posterior": posterior})
    fitted = FittedPyMC(declared.layout, tree, structure, {"draws": 3, "chains": 2}, build)
    fitted.__dict__["_diagnosis"] = Diagnosis("pass", (), pd.DataFrame())
    syn = fitted.synthesize(m=2, k=40, random_seed=1)
    alone = syn.to_parquet(tmp_path / "alone")
    names = ["copy=0/part-00000.parquet", "copy=1/part-00000.parquet", "_manifest.json", "_provenance.json"]
    assert sorted(contents(alone)) == sorted(names)
    for j, copy in enumerate(syn):
        pd.testing.assert_frame_equal(pd.read_parquet(alone / f"copy={j}"), copy, check_exact=True)
    assert contents(syn.to_parquet(tmp_path / "cluster", client=client)) == contents(alone)


def test_threads_of_a_worker_share_an_ear() -> None:
    before, both, heard = warnings.showwarning, threading.Barrier(2), []

    def task(number: int) -> None:
        with _EAR.listening() as told:
            both.wait()
            warn(f"of {number}", PrecisionWarning)
            both.wait()
        heard.extend(told)

    threads = [threading.Thread(target=task, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(heard) == [(PrecisionWarning, "of 0"), (PrecisionWarning, "of 1")]
    assert warnings.showwarning is before
    with pytest.warns(PrecisionWarning, match="heard by all"):
        warn("heard by all", PrecisionWarning)


def test_what_is_no_client(copies: SyntheticData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SynthesisError, match=r"client= takes a distributed\.Client that is not asynchronous, not 4"):
        copies.to_parquet(tmp_path / "out", client=4)  # type: ignore[arg-type]
    monkeypatch.delitem(sys.modules, "bayessynth.synthesis.cluster", raising=False)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(SynthesisError, match=r"pip install 'bayessynth\[dask\]'"):
        copies.to_parquet(tmp_path / "out", client=object())  # type: ignore[arg-type]
    assert len(contents(copies.to_parquet(tmp_path / "out"))) == 8  # and without Dask all works as before
