"""How long does a fit take? Our engines beside hand-written PyMC models sampled by nutpie, each in a new process.

Imports are left out on both sides, compilation is not: compiled code comes from the caches as a user has them after
one earlier run, so each fit, ours and theirs, is run once before it is measured. Both sides draw 4 x 1,000 draws and
are run in turn. Prints a table, and writes it with ``--json FILE``. Run by ``make bench``.

    python tests/benchmarks/bench_engines.py [--json FILE] [--only NAME]

``rows`` fits tables of 10,000 to 1,000,000 rows in memory; against it stands the gradient of the same PyMC model on
all rows, measured, times the 8,000 draws (warm-up included) and the 15 gradients a draw that NUTS needs at the least:
an extrapolation, in favour of PyMC, of what would take hours.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[2]
SEED, DRAWS, CHAINS = 1, 1000, 4
GRADIENTS = 15


def gaussian_table(n: int = 2000, groups: int = 50) -> pd.DataFrame:
    """Eight columns, each a normal given those before it and its group."""
    rng = np.random.default_rng(SEED)
    site = rng.integers(0, groups, n)
    frame = pd.DataFrame({"site": site})
    for j in range(8):
        before = frame.drop(columns="site").to_numpy()[:, -2:]
        common = before @ np.full(before.shape[1], 0.4) if j else 0.0
        frame[f"x{j}"] = 1.0 + common + 0.6 * rng.normal(size=groups)[site] + rng.normal(size=n)
    return frame


def terms(j: int) -> list[str]:
    """Return the predictors of the j-th column."""
    return [f"x{i}" for i in range(max(0, j - 2), j)]


def binary_table(n: int = 5000, groups: int = 50) -> pd.DataFrame:
    """Five predictors and a yes or no that depends on them and on its group."""
    rng = np.random.default_rng(SEED)
    site, x = rng.integers(0, groups, n), rng.normal(size=(n, 5))
    eta = -0.5 + x @ np.array([0.5, -0.3, 0.2, 0.0, 0.1]) + 0.7 * rng.normal(size=groups)[site]
    return pd.DataFrame(x, columns=list("abcde")).assign(site=site, y=rng.random(n) < 1 / (1 + np.exp(-eta)))


def large_table(n: int, family: str, groups: int = 1000) -> pd.DataFrame:
    """Random intercepts and slopes of 1,000 groups, two numbers and a category."""
    rng = np.random.default_rng(SEED)
    site, x, k = rng.integers(0, groups, n), rng.normal(size=(n, 2)), rng.integers(0, 3, n)
    u = rng.normal(size=(groups, 2)) * [0.6, 0.3]
    eta = -0.5 + x @ [0.4, -0.3] + np.array([0.0, 0.3, -0.2])[k] + u[site, 0] + u[site, 1] * x[:, 0]
    y = rng.random(n) < 1 / (1 + np.exp(-eta)) if family == "bernoulli" else 3 + eta + rng.normal(size=n)
    levels = pd.Categorical.from_codes(k, ["p", "q", "r"])
    return pd.DataFrame({"site": site, "a": x[:, 0], "b": x[:, 1], "k": levels, "y": y})


def fitted(spec: Any, frame: pd.DataFrame, **options: Any) -> dict[str, Any]:
    """Fit a spec; return seconds, engines, verdict, and means and standard deviations."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        fit = spec.fit(frame, draws=DRAWS, tune=DRAWS, chains=CHAINS, random_seed=SEED, progress=False, **options)
        seconds = time.perf_counter() - start
        verdict = fit.diagnose().verdict
    posterior = fit.idata["posterior"].to_dataset()
    kept = {v: posterior[v] for v in posterior.data_vars if posterior[v].ndim == 2}
    moments = {name: (float(v.mean()), float(v.std())) for name, v in kept.items()}
    return {"seconds": seconds, "engines": fit.provenance["engine"], "verdict": verdict, "moments": moments}


def sampled(model: Any) -> dict[str, Any]:
    """Compile and sample a hand-written model with nutpie."""
    import nutpie

    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiled = nutpie.compile_pymc_model(model)
        compiling = time.perf_counter() - start
        tree = nutpie.sample(compiled, draws=DRAWS, tune=DRAWS, chains=CHAINS, seed=SEED, progress_bar=False)
    posterior = tree["posterior"].to_dataset()
    moments = {str(n): (float(v.mean()), float(v.std())) for n, v in posterior.data_vars.items() if v.ndim == 2}
    return {"seconds": time.perf_counter() - start, "compiling": compiling, "moments": moments}


def ours_gaussian() -> dict[str, Any]:
    import bayessynth as bs

    spec = bs.Spec(*(f"x{j} ~ {' + '.join([*terms(j), '(1 | site)'])}" for j in range(8)))
    return fitted(spec, gaussian_table())


def pymc_gaussian() -> dict[str, Any]:
    """One model of all eight columns, with the priors that our spec has, non-centred."""
    import pymc as pm

    frame = gaussian_table()
    site, groups = frame["site"].to_numpy(), int(frame["site"].max()) + 1
    with pm.Model() as model:
        for j in range(8):
            y = frame[f"x{j}"].to_numpy()
            eta = pm.Normal(f"x{j}_level", y.mean(), 2.5 * y.std())
            for name in terms(j):
                x = frame[name].to_numpy()
                slope = pm.Normal(f"x{j}_{name}", 0, 2.5 * y.std() / x.std())
                eta = eta + slope * (x - x.mean())
            sd = pm.HalfNormal(f"x{j}_1|site_sd", y.std())
            z = pm.Normal(f"x{j}_z", shape=groups)
            sigma = pm.HalfStudentT(f"x{j}_sigma", nu=4, sigma=y.std())
            pm.Normal(f"x{j}", eta + (sd * z)[site], sigma, observed=y)
    return sampled(model)


def ours_binary(engine: str = "auto") -> dict[str, Any]:
    import bayessynth as bs

    return fitted(bs.Spec("y ~ a + b + c + d + e + (1 | site)", rest="keep"), binary_table(), engine=engine)


def ours_binary_nuts() -> dict[str, Any]:
    return ours_binary("kernel")


def pymc_binary() -> dict[str, Any]:
    import pymc as pm

    frame = binary_table()
    x, site = frame[list("abcde")].to_numpy(), frame["site"].to_numpy()
    with pm.Model() as model:
        level = pm.Normal("level", 0, 3.75)
        slopes = [pm.Normal(f"y_{name}", 0, 3.75) for name in "abcde"]
        sd = pm.HalfNormal("y_1|site_sd", 1.5)
        z = pm.Normal("z", shape=50)
        eta = level + pm.math.dot(x, pm.math.stack(slopes)) + (sd * z)[site]
        pm.Bernoulli("y", logit_p=eta, observed=frame["y"].to_numpy().astype(int))
    return sampled(model)


def large_spec() -> Any:
    import bayessynth as bs

    return bs.Spec("y ~ a + b + k + (1 + a | site)", rest="keep")


def ours_large(n: int, family: str) -> dict[str, Any]:
    return fitted(large_spec(), large_table(n, family))


def parquet_spec() -> Any:
    import bayessynth as bs

    normal = [bs.Equation(f"{c} ~ 1", family="normal") for c in "abc"]
    return bs.Spec(*normal, bs.Equation("y ~ a + b + c + (1 + a | site)", family="normal"))


def parquet_file(n: int, path: str) -> dict[str, Any]:
    """Write a table of five columns, a million rows at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng, writer = np.random.default_rng(SEED), None
    u = rng.normal(size=(1000, 2)) * [0.6, 0.3]
    for start in range(0, n, 1_000_000):
        size = min(1_000_000, n - start)
        site, x = rng.integers(0, 1000, size), rng.normal(size=(size, 3))
        y = 2.5 + x @ [0.4, -0.3, 0.2] + u[site, 0] + u[site, 1] * x[:, 0] + rng.normal(size=size)
        table = pa.table({"site": site, "a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "y": y})
        writer = writer or pq.ParquetWriter(path, table.schema, use_dictionary=False)
        writer.write_table(table)
    assert writer is not None
    writer.close()
    return {}


def memory(what: str) -> float:
    """Return resident memory in megabytes: now (``VmRSS``) or at its peak (``VmHWM``); Linux."""
    status = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in status if line.startswith(what)).split()[1]) / 1024


def ours_parquet(n: int, path: str) -> dict[str, Any]:
    import pyarrow.parquet as pq

    import bayessynth as bs

    head = pq.ParquetFile(path).iter_batches(batch_size=10_000).__next__().to_pandas()
    schema = bs.Schema.detect(head).override(site="group")
    before = memory("VmRSS")
    found = fitted(parquet_spec(), path, schema=schema)
    return found | {"megabytes": memory("VmHWM") - before}


def read_parquet(n: int, path: str) -> dict[str, Any]:
    """Return the seconds in which pyarrow reads the columns, batch by batch."""
    import pyarrow.parquet as pq

    start = time.perf_counter()
    rows = sum(batch.num_rows for batch in pq.ParquetFile(path).iter_batches(batch_size=1_000_000))
    assert rows == n
    return {"seconds": time.perf_counter() - start}


def pymc_gradient(n: int, family: str) -> dict[str, Any]:
    """Return the seconds of one gradient of the spec's PyMC model, from a few draws of one chain."""
    import nutpie

    from bayessynth.fitting.engines.pymc import compile_model

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiled = compile_model(large_spec().to_pymc(large_table(n, family))["y"])
        start = time.perf_counter()
        tree = nutpie.sample(compiled, draws=4, tune=8, chains=1, cores=1, seed=SEED, progress_bar=False,
                             save_warmup=True, maxdepth=5)  # fmt: skip
        seconds = time.perf_counter() - start
    steps = sum(int(tree[group]["n_steps"].sum()) for group in ("sample_stats", "warmup_sample_stats"))
    return {"seconds": seconds / steps}


def demo() -> dict[str, Any]:
    sys.path.insert(0, str(ROOT))
    from models import rand_hie

    frame = rand_hie.load()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        fit = rand_hie.spec.fit(frame, draws=900, tune=600, chains=4, random_seed=SEED, progress=False)
        seconds = time.perf_counter() - start
    return {"seconds": seconds, "engines": fit.provenance["engine"], "verdict": fit.diagnose().verdict}


_PIECES = (
    ours_gaussian, pymc_gaussian, ours_binary, ours_binary_nuts, pymc_binary, ours_large, parquet_file, ours_parquet,
    read_parquet, pymc_gradient, demo,
)  # fmt: skip
WORK: dict[str, Callable[..., dict[str, Any]]] = {piece.__name__: piece for piece in _PIECES}


def cold(name: str, *arguments: Any) -> dict[str, Any]:
    """Do a piece of work in a new process that has imported all it needs."""
    call = [sys.executable, __file__, "--work", name, *map(str, arguments)]
    done = subprocess.run(call, capture_output=True, text=True, check=True, cwd=ROOT)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def do(name: str, arguments: list[str]) -> None:
    """Import, work, and print the result as JSON."""
    import arviz  # noqa: F401  # what a user's session has imported
    import nutpie  # noqa: F401
    import pymc  # noqa: F401

    import bayessynth as bs
    from bayessynth.fitting.engines import kernel, laplace, marginal, quadrature  # noqa: F401

    bs.Spec  # noqa: B018  # public names load when they are asked for
    print(json.dumps(WORK[name](*(int(a) if a.isdigit() else a for a in arguments))))


def agreement(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, float]:
    """Return the largest difference of means in standard deviations, and of standard deviations in per cent."""
    shared = sorted(set(ours["moments"]) & set(theirs["moments"]))
    means = max(abs(ours["moments"][k][0] - theirs["moments"][k][0]) / theirs["moments"][k][1] for k in shared)
    sds = max(abs(ours["moments"][k][1] / theirs["moments"][k][1] - 1) for k in shared)
    return {"parameters": len(shared), "means": means, "sds": sds}


def small(name: str, ours: list[str], theirs: str) -> list[dict[str, Any]]:
    """Compare fits of a small table, in turn, after one run each that fills the caches."""
    lines = []
    cold(theirs)
    for own in ours:
        cold(own)
        mine, other = cold(own), cold(theirs)
        lines.append({"work": name, "engine": own, "seconds": mine["seconds"], "against": other["seconds"],
                      "ratio": other["seconds"] / mine["seconds"], "verdict": mine["verdict"],
                      **agreement(mine, other)})  # fmt: skip
    return lines


def large(family: str, sizes: tuple[int, ...]) -> list[dict[str, Any]]:
    """Fit large tables; beside the largest, what row-wise NUTS would take at the least."""
    lines = []
    cold("ours_large", 2000, family)
    for n in sizes:
        mine = cold("ours_large", n, family)
        lines.append({"work": f"{family}, 1,000 groups with slopes, n = {n:,}", "engine": str(mine["engines"]["y"]),
                      "seconds": mine["seconds"], "verdict": mine["verdict"]})  # fmt: skip
    gradient = cold("pymc_gradient", sizes[-1], family)["seconds"]
    lines[-1] |= {
        "gradient": gradient,
        "against": gradient * GRADIENTS * 2 * DRAWS * CHAINS / 2,
    }  # two chains at a time
    lines[-1]["ratio"] = lines[-1]["against"] / lines[-1]["seconds"]
    return lines


def parquet(sizes: tuple[int, ...], times: int = 5) -> list[dict[str, Any]]:
    """Fit from Parquet files; beside it pyarrow reading their columns, and the bar: twice that and the smallest fit.

    Medians of several rounds, in each of which every file is read and fitted in turn.
    """
    with tempfile.TemporaryDirectory() as folder:
        paths = {n: str(Path(folder) / f"{n}.parquet") for n in sizes}
        for n, path in paths.items():
            cold("parquet_file", n, path)
            cold("ours_parquet", n, path)
        rounds = [{n: (cold("read_parquet", n, path), cold("ours_parquet", n, path)) for n, path in paths.items()}
                  for _ in range(times)]  # fmt: skip
    lines = []
    for n in sizes:
        reading, seconds = (float(np.median([each[n][side]["seconds"] for each in rounds])) for side in (0, 1))
        mine = rounds[0][n][1]
        lines.append({"work": f"from Parquet, n = {n:,}", "engine": mine["engines"]["y"], "seconds": seconds,
                      "reading": reading, "megabytes": mine["megabytes"], "verdict": mine["verdict"]})  # fmt: skip
        lines[-1]["bar"] = 2 * reading + lines[0]["seconds"]
    return lines


def demo_line() -> list[dict[str, Any]]:
    cold("demo")
    found = cold("demo")
    return [{"work": "the demo's fit", "engine": ", ".join(sorted(set(found["engines"].values()))),
             "seconds": found["seconds"], "verdict": found["verdict"]}]  # fmt: skip


PARTS: dict[str, Callable[[], list[dict[str, Any]]]] = {
    "gaussian": lambda: small("8 normal columns, n = 2,000, 50 groups", ["ours_gaussian"], "pymc_gaussian"),
    "binary": lambda: small("bernoulli, n = 5,000, 50 groups", ["ours_binary", "ours_binary_nuts"], "pymc_binary"),
    "rows": lambda: large("normal", (10_000, 100_000, 1_000_000)),
    "binary_rows": lambda: large("bernoulli", (10_000, 1_000_000)),
    "parquet": lambda: parquet((10_000, 1_000_000, 10_000_000)),
    "demo": demo_line,
}


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--only", choices=PARTS, help="one part alone")
    parser.add_argument("--work", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        do(given.work[0], given.work[1:])
        return 0
    lines: list[dict[str, Any]] = []
    for name in [given.only] if given.only else list(PARTS):
        for line in PARTS[name]():
            lines.append(line)
            shown = {k: f"{v:.3g}" if isinstance(v, float) else v for k, v in line.items()}
            print("  ".join(f"{k} {v}" for k, v in shown.items()), flush=True)
    if given.json:
        given.json.write_text(json.dumps(lines, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
