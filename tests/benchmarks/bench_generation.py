"""How fast are rows generated, and how much memory does it take? The demo's spec, k = 1,000,000 rows.

Prints rows a second for one thread and for the cores that the process may use (groups, effects, sampling and
decoding included, in parts), beside a plain NumPy draw of as many random numbers (one normal a modelled cell), and
the peak memory of materialising a copy against the size of its frame. Run by ``make bench``.
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

import bayessynth as bs

ROOT = Path(__file__).parents[2]
K = 1_000_000


def fitted() -> bs.Fitted:
    """Fit the demo's spec shortly; how long it was sampled does not matter for the speed of generation."""
    sys.path.insert(0, str(ROOT))
    from models import rand_hie

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return rand_hie.spec.fit(rand_hie.load(), missing="drop", draws=100, tune=300, chains=2, random_seed=1)


def megabytes() -> float:
    """Return the peak resident memory of this process so far (Linux; getrusage would report its parent's)."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024  # type: ignore[index]


def memory(folder: str) -> tuple[float, float]:
    """Return the size of a copy's frame and the peak memory of drawing it, in a process that did nothing else."""
    fit = bs.load(folder)
    fit.synthesize(m=1, k=1000, random_seed=1, force=True)[0]
    before = megabytes()
    frame = fit.synthesize(m=1, k=K, random_seed=1, force=True)[0]
    return frame.memory_usage(deep=True).sum() / 2**20, megabytes() - before


def speed(fit: bs.Fitted, threads: int | None) -> None:
    """Print how many rows a second are drawn and decoded."""
    syn = fit.synthesize(m=1, k=K, random_seed=1, force=True)
    start = time.perf_counter()
    rows = sum(len(part) for part in syn.parts(0, threads=threads))
    seconds = time.perf_counter() - start
    name = "one thread" if threads == 1 else "all cores"
    print(f"{name:11s} {rows / seconds:12,.0f} rows a second ({seconds:.2f} s)")


def main() -> int:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as parent:
        folder = str(fitted().save(Path(parent) / "fit"))
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            size, peak = pool.submit(memory, folder).result()
        fit = bs.load(folder)
    fit.synthesize(m=1, k=200_000, random_seed=1, force=True)[0]
    for threads in (1, None):
        speed(fit, threads)
    cells = K * len(fit.bound.equations)
    start = time.perf_counter()
    np.random.default_rng(1).standard_normal(cells)
    plain = time.perf_counter() - start
    print(f"plain NumPy {K / plain:12,.0f} rows a second for one normal a modelled cell ({cells / 1e6:.0f} M numbers)")
    print(
        f"a copy of {K:,} rows: frame {size:.0f} MB, peak memory of drawing it {peak:.0f} MB ({peak / size:.1f} frames)"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
