"""A table of 5·10⁷ rows in Parquet, fitted by a local Dask cluster of two workers and by one process.

Both reduce the same files to sufficient statistics and fit them; each in a new process, in turn, after one small run
that fills the caches. Beside the seconds stand how far the two posteriors are apart, how often a partition was read,
how many a worker held at a time, and its peak memory; then once more with a worker that is killed in mid-run.

    python tests/benchmarks/bench_dask.py [--files 50] [--rows 1000000] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import warnings
import weakref
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).parents[2]
SEED, GROUPS, DRAWS = 1, 1000, 1000
HELD: list[weakref.ref[pd.DataFrame]] = []


def write(folder: Path, files: int, rows: int) -> None:
    """Write the table: a number given three others, and intercepts and slopes of 1,000 groups."""
    effects = np.random.default_rng(SEED).normal(size=(GROUPS, 2)) * [0.6, 0.3]
    for i in range(files):
        rng = np.random.default_rng([SEED, i])
        site, x = rng.integers(0, GROUPS, rows), rng.normal(size=(rows, 3))
        y = 2.5 + x @ [0.4, -0.3, 0.2] + effects[site, 0] + effects[site, 1] * x[:, 0] + rng.normal(size=rows)
        table = pa.table({"site": site, "a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "y": y})
        pq.write_table(table, folder / f"part-{i:05d}.parquet", use_dictionary=False)


def read(path: str, log: str, fatal: str) -> pd.DataFrame:
    """Read a partition and note it; the file ``fatal`` kills the worker that first meets it."""
    killed = Path(log).with_suffix(".killed")
    if fatal and path.endswith(fatal) and not killed.exists():
        killed.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    frame = pq.read_table(path).to_pandas()
    HELD[:] = [held for held in HELD if held() is not None] + [weakref.ref(frame)]
    with open(log, "a") as lines:
        lines.write(f"{Path(path).name} {len(HELD)}\n")
    return frame


def peak() -> float:
    """Return the peak resident memory of this process in megabytes; Linux."""
    status = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) / 1024


def fitted(data: Any, folder: Path) -> dict[str, Any]:
    """Fit, and return seconds and the posterior's means and standard deviations."""
    import bayessynth as bs

    head = pq.ParquetFile(next(iter(sorted(folder.iterdir())))).iter_batches(batch_size=10_000).__next__().to_pandas()
    normal = [bs.Equation(f"{c} ~ 1", family="normal") for c in "abc"]
    spec = bs.Spec(*normal, bs.Equation("y ~ a + b + c + (1 + a | site)", family="normal"))
    schema = bs.Schema.detect(head).override(site="group")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        fit = spec.fit(data, schema=schema, draws=DRAWS, random_seed=SEED, progress=False)
        seconds = time.perf_counter() - start
    posterior = fit.idata["posterior"].to_dataset()
    moments = {v: (float(posterior[v].mean()), float(posterior[v].std())) for v in posterior.data_vars
               if posterior[v].ndim == 2}  # fmt: skip
    return {"seconds": seconds, "moments": moments, "peak MB": peak()}


def alone(folder: str) -> dict[str, Any]:
    """Fit in this process, chunk by chunk."""
    return fitted(folder, Path(folder))


def clustered(folder: str, log: str, fatal: str = "") -> dict[str, Any]:
    """Fit by two workers of one thread, each with two gigabytes."""
    import dask.dataframe as dd
    import distributed

    paths = sorted(map(str, Path(folder).iterdir()))
    meta = pq.ParquetFile(paths[0]).iter_batches(batch_size=1).__next__().to_pandas().iloc[:0]
    options = {"n_workers": 2, "threads_per_worker": 1, "memory_limit": "2GB", "dashboard_address": ":0"}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        frame = dd.from_map(read, paths, log=log, fatal=fatal, meta=meta)
        found = fitted(frame, Path(folder))
        memory = client.run(peak)
    lines = [line.split() for line in Path(log).read_text().splitlines()]
    times = Counter(name for name, _ in lines)
    return found | {
        "workers' peak MB": sorted(round(m) for m in memory.values()), "partitions": len(times),
        "read more than once": {name: k for name, k in times.items() if k > 1},
        "held at a time": max(int(held) for _, held in lines),
        "killed": Path(log).with_suffix(".killed").exists(),
    }  # fmt: skip


def cold(*arguments: str) -> dict[str, Any]:
    """Do a piece of work in a new process."""
    call = [sys.executable, __file__, "--work", *arguments]
    done = subprocess.run(call, capture_output=True, text=True, check=True, cwd=ROOT)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def apart(one: dict[str, Any], two: dict[str, Any]) -> dict[str, float]:
    """Return the largest differences of means, in standard deviations, and of standard deviations."""
    pairs = [(one["moments"][k], two["moments"][k]) for k in one["moments"]]
    return {"means apart, sd": max(abs(a[0] - b[0]) / a[1] for a, b in pairs),
            "sds apart": max(abs(a[1] / b[1] - 1) for a, b in pairs)}  # fmt: skip


def measured(files: int, rows: int) -> dict[str, Any]:
    """Fit alone, by the cluster, and by the cluster that loses a worker."""
    with tempfile.TemporaryDirectory() as name:
        folder, small = Path(name) / "table", Path(name) / "small"
        for path, size in ((folder, (files, rows)), (small, (2, 100_000))):
            path.mkdir()
            write(path, *size)
        cold("alone", str(small))
        cold("clustered", str(small), f"{name}/small.txt")
        one = cold("alone", str(folder))
        two = cold("clustered", str(folder), f"{name}/two.txt")
        lost = cold("clustered", str(folder), f"{name}/lost.txt", f"part-{files // 2:05d}.parquet")
    found = {"rows": files * rows, "one process": one, "two workers": two | apart(one, two),
             "two workers, one killed": lost | apart(two, lost)}  # fmt: skip
    return {k: {c: w for c, w in v.items() if c != "moments"} if isinstance(v, dict) else v for k, v in found.items()}


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--files", type=int, default=50)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of each file")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--work", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        import bayessynth.fitting.engines.marginal  # noqa: F401  # what a user's session has imported

        name, *arguments = given.work
        print(json.dumps({"alone": alone, "clustered": clustered}[name](*arguments)))
        return 0
    found = measured(given.files, given.rows)
    for name, figures in found.items():
        print(f"{name}: {figures}", flush=True)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
