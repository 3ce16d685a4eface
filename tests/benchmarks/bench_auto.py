"""How long do the parts of an automatic spec take on a wide and on a long table?

A wide table of 1,503 numbers in 5,000 rows, and a long one of fifteen mixed columns, persons in sites. Prints seconds
a part, predictors a column, and the peak memory of the process.

    python tests/benchmarks/bench_auto.py
    python tests/benchmarks/bench_auto.py --columns 200 --rows 10000
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

import bayessynth as bs  # noqa: E402
from bayessynth.spec.auto import associations, choices, explain, find_groups, screen, visiting_order  # noqa: E402


def wide(columns: int, rows: int) -> pd.DataFrame:
    """Return numbers that follow a few hidden ones."""
    rng = np.random.default_rng(1)
    hidden = rng.normal(size=(rows, 10))
    values = hidden @ rng.normal(size=(10, columns)) + 2 * rng.normal(size=(rows, columns))
    return pd.DataFrame(values, columns=[f"x{i}" for i in range(columns)])


def long(rows: int) -> pd.DataFrame:
    """Return persons in sites: fifteen columns of all kinds."""
    rng = np.random.default_rng(2)
    site = rng.integers(0, 200, rows)
    table = {"site_id": site, "region": rng.integers(0, 10, 200)[site], "funded": rng.integers(0, 2, 200)[site]}
    table |= {f"yes{i}": rng.integers(0, 2, rows) for i in range(4)}
    table |= {f"count{i}": rng.poisson(3 + site % 5) for i in range(4)}
    table |= {f"number{i}": rng.normal(size=rows).round(3) for i in range(4)}
    return pd.DataFrame(table)


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print the seconds that something takes."""
    start = time.perf_counter()
    yield
    print(f"  {what:14s} {time.perf_counter() - start:7.2f} s")


def measure(name: str, table: pd.DataFrame) -> None:
    """Print what each part takes on one table."""
    print(f"{name}: {table.shape[0]:,} rows of {table.shape[1]:,} columns")
    schema = bs.Schema.detect(table)
    columns = schema.encode(table, missing="keep")
    with timed("groups"):
        groups = find_groups(table, columns, schema)
    with timed("dependence"):
        dependence = associations(columns, schema, np.random.default_rng(1))
    with timed("order"):
        order = visiting_order(dependence, schema, groups=groups)
    with timed("predictors"):
        read = screen(dependence, order, groups=groups)
    with timed("explanation"):
        explain(choices(dependence, schema, read, groups))
    print(f"  {np.mean([len(r) for r in read.values()]):.1f} predictors a column, {len(groups)} grouping factors, "
          f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")  # fmt: skip


def main() -> None:
    """Measure both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--columns", type=int, default=1503)
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    measure("wide", wide(options.columns, 5000))
    measure("long", long(options.rows))


if __name__ == "__main__":
    main()
