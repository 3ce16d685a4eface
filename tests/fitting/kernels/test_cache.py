"""Compiled kernels come from the cache on disk in a second process, those that take a family's kernel included."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CODE = """
import numpy as np
from bayessynth.fitting.kernels import integral, whole
from tests.fitting.engines.tables import bound
from bayessynth.fitting.density import Density
from bayessynth.fitting.integrated import Integrated, nodes

own = bound("flag ~ x + (1 | site)")
density = Density(own)
density(np.zeros(density.parameters.size))
made = Integrated(own, "site")
made.gradient(np.zeros(made.density.parameters.size), np.zeros((made.groups, 1)), nodes(3, 1))
for function in (density.rows.function, whole.gradient, integral.gradient):
    print(sum(function.stats.cache_hits.values()), sum(function.stats.cache_misses.values()))
"""


def counts(folder: Path) -> list[tuple[int, int]]:
    env = {**os.environ, "NUMBA_CACHE_DIR": str(folder)}
    made = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, env=env, check=True)
    return [tuple(map(int, line.split())) for line in made.stdout.splitlines()]


def test_a_second_process_compiles_nothing(tmp_path: Path) -> None:
    first, second = counts(tmp_path), counts(tmp_path)
    assert all(misses == 1 for _, misses in first)
    assert all(hits == 1 and misses == 0 for hits, misses in second)
