"""What goes wrong without the combining rules: coverage of nominal 95 % intervals, 5,000 repetitions a line.

The population and the exact posteriors are those of tests/statistical/coverage.py. Prints the README's table, then the
same for 30 groups instead of 160.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.statistical.coverage import CASES, simulate_nested, table

REPETITIONS = 5000


def main() -> None:
    """Print coverage, width and share of T ≤ 0."""
    order = [str(case) for case in CASES]
    for groups in (160, 30):
        found = table(REPETITIONS, groups)
        for what in ("coverage", "width", "fallback"):
            shown = found.pivot(index="case", columns="estimand", values=what).reindex(order)
            print(f"\n{what}, {groups} groups of 10 rows, {REPETITIONS} repetitions")
            with pd.option_context("display.width", 160, "display.max_columns", 20):
                print(shown.round(3).to_string())
    print(f"\ncoverage of Reiter's (2004) rule, 10 imputations of 5 copies: {simulate_nested(REPETITIONS):.3f}")


if __name__ == "__main__":
    main()
