"""How many children a parent has: Kolmogorov–Smirnov distance of each copy, and of all copies together."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from bayessynth.evaluation.measure import Measure, Verdict
from bayessynth.evaluation.relations.registry import across
from bayessynth.evaluation.relations.related import Related
from bayessynth.evaluation.utility.univariate import kolmogorov_smirnov

# Of the pooled copies, what passes and what fails.
POOLED, FAR = 0.05, 0.15
# The 1 % point of Kolmogorov's distribution.
CRITICAL = 1.63


@across("children")
def children(related: Related) -> Iterator[Measure]:
    """Yield the distance of the numbers of children a parent, of the key where it is largest.

    A copy may differ from the original by chance: its limit is the 1 % critical value of two samples of J and J′
    parents, 1.63 √(1/J + 1/J′).
    """
    rows = []
    for key in related.keys:
        own = related.original.children(key).astype(float)
        made = [side.children(key).astype(float) for side in related.copies]
        if not len(own) or not all(len(counts) for counts in made):
            continue
        each = np.array([kolmogorov_smirnov(own, counts) for counts in made])
        limits = np.array([CRITICAL * np.sqrt(1 / len(own) + 1 / len(counts)) for counts in made])
        pooled = kolmogorov_smirnov(own, np.concatenate(made))
        rows.append((str(key), own.mean(), np.mean([c.mean() for c in made]), pooled, each.max(), limits.min(),
                     float((each <= limits).mean())))  # fmt: skip
    if not rows:
        return
    names = ["key", "original_mean", "mean", "pooled_ks", "largest_ks", "limit", "within_limit"]
    detail = pd.DataFrame(rows, columns=names).sort_values("pooled_ks", ascending=False, ignore_index=True)
    worst = detail.iloc[0]
    passed = worst["pooled_ks"] <= POOLED and detail["within_limit"].min() >= 1 - 0.05
    verdict: Verdict = "pass" if passed else "fail" if worst["pooled_ks"] > FAR else "warn"
    yield Measure(
        "children", "utility", "Children a parent (KS, all copies)", float(worst["pooled_ks"]),
        f"Farthest from the original is {worst['key']}: {worst['mean']:.3g} children a parent on average, in the "
        f"original {worst['original_mean']:.3g}; {detail['within_limit'].min():.0%} or more of the copies lie within "
        "what two samples differ by.",
        interval=(float(worst["pooled_ks"]), float(detail["largest_ks"].max())), reference=0.0, better="lower",
        verdict=verdict, detail=detail,
    )  # fmt: skip
