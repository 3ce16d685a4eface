"""How fast are rows drawn and streamed to Parquet, and how much memory does it take?

Ten mixed columns in groups of about a hundred rows (``wards.py``). Beside each figure stands its limit on the same
machine: NumPy drawing as many variates of the same kinds, and PyArrow writing them, nothing else; both in turn, by
as many threads, parts of the same size. The memory of a run is the peak resident memory of a process of its own.

    python tests/benchmarks/bench_generation.py --k 1000000 --json out.json   # a smoke run
    python tests/benchmarks/bench_generation.py --memory-k 100000000          # the memory of 10⁸ rows
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from bayessynth.fitting.cores import available_cores  # noqa: E402
from bayessynth.synthesis.generate import PART  # noqa: E402
from bayessynth.synthesis.part_file import PARTS  # noqa: E402
from tests.benchmarks.wards import copies  # noqa: E402


def variates(number: int, n: int) -> dict[str, np.ndarray]:
    """Draw the random numbers that n rows take, each as it comes, in the dtypes of the copies."""
    rng = np.random.default_rng([1, number])
    gamma = rng.standard_gamma(1.5, n)
    return {
        "site": np.arange(n) // 100,
        "beds": np.arange(n) // 100,
        "female": rng.random(n) < 0.5,
        "age": rng.standard_normal(n).astype(np.int64),
        "smoker": (rng.random(n) * 3).astype(np.int8),
        "stage": (rng.logistic(size=n) > 0).astype(np.int8),
        "bmi": rng.standard_normal(n),
        "income": np.exp(rng.standard_normal(n)),
        "visits": rng.poisson(3 * gamma),
        "cost": (rng.random(n) < 0.4) * np.exp(rng.standard_normal(n)),
        "day": rng.random(n).astype("int64").view("datetime64[us]"),
    }


def limit_table(number: int, n: int) -> pa.Table:
    """Return the limit's random numbers as Arrow has them; PyArrow copies none but the truth values."""
    words = {"smoker": ["never", "former", "current"], "stage": ["I", "II"]}
    arrays = {
        name: pa.DictionaryArray.from_arrays(values, words[name]) if name in words else pa.array(values)
        for name, values in variates(number, n).items()
    }
    return pa.table(arrays)


def limit_drawn(k: int, threads: int) -> int:
    """Draw the limit's random numbers in parts."""
    sizes = [min(PART, k - start) for start in range(0, k, PART)]
    return sum(len(found["age"]) for found in in_turn(variates, sizes, threads))


def in_turn(make: Callable, sizes: list[int], threads: int) -> Iterator:
    """Make parts in threads, with few waiting to be taken, as the copies are made."""
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future] = deque()
        for number, n in enumerate(sizes):
            waiting.append(pool.submit(make, number, n))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def limit_written(k: int, threads: int, folder: str) -> int:
    """Draw the limit's random numbers and write them, each thread its own files."""
    types = limit_table(0, 1).schema
    repeating = [field.name for field in types if not pa.types.is_floating(field.type)]

    def write(number: int, rows: int) -> int:
        with pq.ParquetWriter(f"{folder}/{number}.parquet", types, use_dictionary=repeating) as writer:
            for start in range(0, rows, PART):
                writer.write_table(limit_table(number, min(PART, rows - start)))
        return rows

    sizes = [min(PART * PARTS, k - start) for start in range(0, k, PART * PARTS)]
    return sum(in_turn(write, sizes, threads))


def timed(work: Callable[[], int]) -> float:
    """Return rows a second."""
    start = time.perf_counter()
    rows = work()
    return rows / (time.perf_counter() - start)


def speeds(k: int, rounds: int) -> dict[str, dict[str, float]]:
    """Measure ours and the limit in turn; of some rounds the best of each counts."""
    cores, syn = available_cores(), copies(k)
    best: dict[str, dict[str, float]] = {}

    def note(name: str, side: str, speed: float) -> None:
        row = best.setdefault(name, {})
        row[side] = max(speed, row.get(side, 0.0))

    def drawn(threads: int) -> int:
        return sum(map(len, syn.parts(0, threads)))

    def ours_written(k: int, threads: int, folder: str) -> int:
        syn.to_parquet(f"{folder}/out", progress=False)
        return k

    for _ in range(rounds):
        for name, threads in {"drawn, 1 thread": 1, f"drawn, {cores} threads": cores}.items():
            note(name, "ours", timed(lambda threads=threads: drawn(threads)))
            note(name, "limit", timed(lambda threads=threads: limit_drawn(k, threads)))
        name = f"Parquet, {cores} threads"
        for side, write in {"ours": ours_written, "limit": limit_written}.items():
            with tempfile.TemporaryDirectory() as folder:
                note(name, side, timed(lambda write=write, folder=folder: write(k, cores, folder)))
    return best


def megabytes() -> float:
    """Return the peak resident memory of this process so far (Linux; getrusage would report its parent's)."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024  # type: ignore[index]


def memory(k: int) -> dict[str, float]:
    """Return the peak memory, in MB, before and after streaming a copy, in a process that did nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        copies(1000).to_parquet(f"{folder}/warm", progress=False)
        before, start = megabytes(), time.perf_counter()
        copies(k).to_parquet(f"{folder}/out", progress=False)
        seconds = time.perf_counter() - start
        size = sum(path.stat().st_size for path in Path(folder, "out").rglob("*.parquet")) / 2**20
    return {"rows": k, "before_mb": before, "peak_mb": megabytes(), "seconds": seconds, "files_mb": size}


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--k", type=int, default=10_000_000, help="rows for the speeds")
    parser.add_argument("--memory-k", type=int, help="rows for the memory; by default as many")
    parser.add_argument("--rounds", type=int, default=3, help="of each speed the best of so many counts")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args()
    speeds(100_000, 1)  # imports and first calls aside
    found = speeds(options.k, options.rounds)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        used = pool.submit(memory, options.memory_k or options.k).result()
    print(f"{options.k:,} rows of 10 columns and their group; rows a second, the best of {options.rounds}")
    print(f"{'':20s}{'ours':>14s}{'the limit':>14s}{'limit/ours':>12s}")
    for name, row in found.items():
        print(f"{name:20s}{row['ours']:14,.0f}{row['limit']:14,.0f}{row['limit'] / row['ours']:12.1f}")
    print(
        f"memory of streaming {used['rows']:,} rows: {used['peak_mb']:.0f} MB at most, {used['before_mb']:.0f} MB of "
        f"it before the first row; {used['seconds']:.0f} s, {used['files_mb']:,.0f} MB of files"
    )
    if options.json:
        options.json.write_text(json.dumps({"k": options.k, "speeds": found, "memory": used}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
