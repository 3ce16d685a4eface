"""Compiled kernels come from the cache on disk in a second process, those that take a family's kernel included."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bayessynth import families
from bayessynth.families.curing import CURED

CODE = """
import numpy as np
from bayessynth.fitting.density import Density
from bayessynth.fitting.integrated import Integrated, nodes
from bayessynth.fitting.kernels import chunks, integral, native
from tests.fitting.engines.tables import bound

own = bound("flag ~ x + (1 | site)")
density = Density(own)
density(np.zeros(density.parameters.size))
made = Integrated(own, "site")
made.gradient(np.zeros(made.density.parameters.size), np.zeros((made.groups, 1)), nodes(3, 1), 1,
              made.parts)
native.addresses()
for function in (density.rows.function, chunks.gradient, native.log_density, native.expand, integral.gradient):
    print(sum(function.stats.cache_hits.values()), sum(function.stats.cache_misses.values()))
"""


ROWS = """
import sys
from importlib import import_module

for name in sys.argv[1:]:
    rows = import_module(f"bayessynth.fitting.kernels.{name}").rows
    print(sum(rows.stats.cache_hits.values()), sum(rows.stats.cache_misses.values()))
"""
NAMES = [*(name for name in families.names() if families.get(name).parameters), *CURED]
FEW = ["bernoulli", "normal", "lognormal", "categorical", "cure_weibull", "cure_lognormal"]


def counts(folder: Path, code: str, *names: str) -> list[tuple[int, int]]:
    env = {**os.environ, "NUMBA_CACHE_DIR": str(folder)}
    made = subprocess.run([sys.executable, "-c", code, *names], capture_output=True, text=True, env=env, check=True)
    return [tuple(map(int, line.split())) for line in made.stdout.splitlines()]


@pytest.mark.slow  # it compiles all that there is
def test_a_second_process_compiles_nothing(tmp_path: Path) -> None:
    first, second = counts(tmp_path, CODE), counts(tmp_path, CODE)
    assert all(misses == 1 for _, misses in first)
    assert all(hits == 1 and misses == 0 for hits, misses in second)


@pytest.mark.parametrize("names", [FEW, pytest.param(NAMES, marks=pytest.mark.slow)], ids=["few", "all"])
def test_a_second_process_compiles_no_family(names: list[str], tmp_path: Path) -> None:
    first, second = counts(tmp_path, ROWS, *names), counts(tmp_path, ROWS, *names)
    assert first == [(0, 1)] * len(names)
    assert second == [(1, 0)] * len(names)
