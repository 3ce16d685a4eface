"""Order in time: whether the rows of a parent stand in it, and how alike neighbours are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from bayessynth.database import Key
from bayessynth.evaluation.measure import Measure, judged
from bayessynth.evaluation.relations.registry import across
from bayessynth.evaluation.relations.related import Related, Side

MARGIN = 0.05
# Share of neighbours in order from which a column orders the rows.
ORDERED = 0.95
FEWEST = 50


def neighbours(side: Side, key: Key, column: str) -> tuple[np.ndarray, np.ndarray]:
    """Return a column in each row that follows another of its parent, before and after."""
    at, values = side.parents(key), side.numbers(key.table)[column]
    order = np.argsort(at, kind="stable")
    at, values = at[order], values[order]
    pair = (at[1:] == at[:-1]) & (at[1:] >= 0) & np.isfinite(values[1:]) & np.isfinite(values[:-1])
    return values[:-1][pair], values[1:][pair]


def _share(side: Side, key: Key, column: str) -> float:
    before, after = neighbours(side, key, column)
    return float((after >= before).mean()) if len(before) >= FEWEST else float("nan")


def _lag(side: Side, key: Key, column: str) -> float:
    before, after = neighbours(side, key, column)
    if len(before) < FEWEST or not before.std() or not after.std():
        return float("nan")
    return float(np.corrcoef(before, after)[0, 1])


@across("in_time")
def in_time(related: Related) -> Iterator[Measure]:
    """Yield the share of neighbours in order and lag-1 correlations, of children whose rows stand in order."""
    rows = []
    for key in related.keys:
        columns = related.original.numbers(key.table)
        ordered = [c for c in columns if _share(related.original, key, c) >= ORDERED]
        for column in ordered:
            rows.append((str(key), column, "in order", *_compared(related, key, column, _share)))
        for column in columns if ordered else ():
            if column not in ordered:
                rows.append((str(key), column, "lag 1", *_compared(related, key, column, _lag)))
    if not rows:
        return
    names = ["key", "column", "what", "original", "copies", "difference"]
    detail = pd.DataFrame(rows, columns=names).dropna().sort_values("difference", ascending=False, ignore_index=True)
    if not len(detail):
        return
    value, worst = float(detail["difference"].mean()), detail.iloc[0]
    yield Measure(
        "in_time", "utility", "Order in time and likeness of neighbours", value,
        f"Farthest is {worst['column']} ({worst['key']}, {worst['what']}): {worst['copies']:.2f}, in the original "
        f"{worst['original']:.2f}.",
        interval=(float(detail["difference"].min()), float(worst["difference"])), reference=0.0, better="lower",
        verdict=judged(value, 0.0, MARGIN), detail=detail,
    )  # fmt: skip


def _compared(related: Related, key: Key, column: str, of: object) -> tuple[float, float, float]:
    assert callable(of)
    own = of(related.original, key, column)
    made = np.array([of(side, key, column) for side in related.copies])
    mean = float(np.nanmean(made)) if not np.isnan(made).all() else float("nan")
    return own, mean, abs(mean - own)
