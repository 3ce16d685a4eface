"""Correlations between parents' columns and their children's, and children's means."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from bayessynth.database import Key
from bayessynth.evaluation.measure import Measure, judged
from bayessynth.evaluation.relations.registry import across
from bayessynth.evaluation.relations.related import Related, Side

# Differences that matter in practice, of the mean over copies.
MARGIN = 0.05
# Fewest parents, or pairs of cells, that a correlation is measured on.
FEWEST = 20


def correlations(side: Side, key: Key) -> dict[tuple[str, str, str], float]:
    """Return Pearson's correlation of each numeric column of the parent with each of the child, and with its means."""
    at = side.parents(key)
    there = at >= 0
    parent, child = side.numbers(key.parent), side.numbers(key.table)
    sizes = np.bincount(at[there], minlength=len(side.tables[key.parent]))
    some = sizes > 0
    found: dict[tuple[str, str, str], float] = {}
    for name, values in child.items():
        means = _means(values[there], at[there], len(sizes))
        for other, above in parent.items():
            found[other, name, "rows"] = _pearson(above[at[there]], values[there])
            found[other, name, "means"] = _pearson(above[some], means[some])
        found["number of children", name, "means"] = _pearson(sizes[some].astype(float), means[some])
    for other, above in parent.items():
        found[other, "number of children", "means"] = _pearson(above, sizes.astype(float))
    return found


def _means(values: np.ndarray, at: np.ndarray, n: int) -> np.ndarray:
    present = np.isfinite(values)
    count = np.bincount(at[present], minlength=n)
    total = np.bincount(at[present], weights=values[present], minlength=n)
    return np.divide(total, count, out=np.full(n, np.nan), where=count > 0)


def _pearson(x: np.ndarray, y: np.ndarray) -> float:
    present = np.isfinite(x) & np.isfinite(y)
    x, y = x[present], y[present]
    if len(x) < FEWEST or not x.std() or not y.std():
        return float("nan")
    return float(np.corrcoef(x, y)[0, 1])


@across("parent_child")
def parent_child(related: Related) -> Iterator[Measure]:
    """Yield the average absolute difference of correlations across keys, of the mean over copies."""
    rows = []
    for key in related.keys:
        own = correlations(related.original, key)
        made = [correlations(side, key) for side in related.copies]
        for pair, value in own.items():
            values = np.array([copy.get(pair, np.nan) for copy in made])
            if np.isnan(value) or np.isnan(values).all():
                continue
            mean = float(np.nanmean(values))
            rows.append((str(key), *pair, value, mean, abs(mean - value)))
    if not rows:
        return
    names = ["key", "parent", "child", "of", "original", "copies", "difference"]
    detail = pd.DataFrame(rows, columns=names).sort_values("difference", ascending=False, ignore_index=True)
    value, worst = float(detail["difference"].mean()), detail.iloc[0]
    within = float((detail["difference"] <= MARGIN).mean())
    yield Measure(
        "parent_child", "utility", "Correlations of parents and children", value,
        f"{within:.0%} of {len(detail)} correlations differ by {MARGIN} or less in the mean over copies; farthest is "
        f"{worst['parent']} with {worst['child']} ({worst['key']}, {worst['of']}): {worst['copies']:.2f}, in the "
        f"original {worst['original']:.2f}.",
        interval=(float(detail["difference"].min()), float(worst["difference"])), reference=0.0, better="lower",
        verdict=judged(value, 0.0, MARGIN), detail=detail,
    )  # fmt: skip
