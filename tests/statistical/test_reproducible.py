"""The same seed gives the same bytes: on one core and on two, with Numba's caches empty and filled."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SCRIPT = """
import hashlib, sys
import numpy as np, pandas as pd
import bayessynth as bs

rng = np.random.default_rng(0)
site = np.repeat(list("abcdefgh"), 40)
frame = pd.DataFrame({"site": site, "x": rng.normal(size=320), "y": rng.poisson(3, size=320)})
spec = bs.Spec(bs.Equation("x ~ 1", family="normal"), bs.Equation("y ~ x + (1 | site)", family="negative_binomial"))
fitted = spec.fit(frame, random_seed=3, draws=100, tune=200, chains=2, cores=int(sys.argv[1]), progress=False)
digest = hashlib.sha256()
for name in sorted(fitted.idata["posterior"].data_vars):
    digest.update(fitted.idata["posterior"][name].values.tobytes())
digest.update(fitted.synthesize(m=1, random_seed=1, force=True)[0].to_csv().encode())
print(digest.hexdigest())
"""


def test_cores_and_caches_do_not_change_a_byte(tmp_path: Path) -> None:
    def run(cache: str, cores: int) -> str:
        folder = tmp_path / cache
        environment = os.environ | {"NUMBA_CACHE_DIR": str(folder), "PYTENSOR_FLAGS": f"base_compiledir={folder}"}
        command = [sys.executable, "-c", SCRIPT, str(cores)]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout

    cold, warm, parallel, cold_parallel = run("one", 1), run("one", 1), run("one", 2), run("two", 2)
    assert cold == warm == parallel == cold_parallel
