"""Rows that refer to no row of their parent, and keys that name two."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from bayessynth.evaluation.measure import Measure
from bayessynth.evaluation.relations.registry import across
from bayessynth.evaluation.relations.related import Related


@across("orphans")
def orphans(related: Related) -> Iterator[Measure]:
    """Yield the number of orphans in all copies: referential integrity holds if there is none."""
    if not related.keys:
        return
    rows = []
    for key in related.keys:
        lost = [int((side.parents(key) == -2).sum()) for side in related.copies]
        twice = [int(side.tables[key.parent][str(key.parent_column)].duplicated().sum()) for side in related.copies]
        rows.append((str(key), sum(lost), sum(twice), np.mean([(side.parents(key) == -1).mean()
                     for side in related.copies]), (related.original.parents(key) == -1).mean()))  # fmt: skip
    detail = pd.DataFrame(rows, columns=["key", "orphans", "parents_twice", "without", "original_without"])
    total = int(detail["orphans"].sum() + detail["parents_twice"].sum())
    reading = (
        "Every row refers to a row of its parent, and every key names one."
        if not total
        else f"{total} rows in {len(related.copies)} copies refer to no row of their parent, or share a key."
    )
    yield Measure("orphans", "utility", "Orphans and double keys", float(total), reading, reference=0.0, better="lower",
                  verdict="fail" if total else "pass", detail=detail)  # fmt: skip
