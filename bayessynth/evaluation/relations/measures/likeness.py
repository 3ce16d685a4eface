"""How alike the children of one parent are: intraclass correlations."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from bayessynth.evaluation.measure import Measure, judged
from bayessynth.evaluation.relations.registry import across
from bayessynth.evaluation.relations.related import Related

MARGIN = 0.05
# Fewest parents with several children.
FEWEST = 10


def intraclass(values: np.ndarray, at: np.ndarray) -> float:
    """Return the intraclass correlation by analysis of variance, of parents with unequal numbers of children.

    Parameters
    ----------
    values : ndarray of shape (n,)
    at : ndarray of int, shape (n,)
        The parent of each, negative for none.

    References
    ----------
    Donner A (1986). A review of inference procedures for the intraclass correlation coefficient in the one-way random
    effects model. International Statistical Review 54, 67-82.

    Examples
    --------
    >>> round(intraclass(np.repeat(np.arange(10.0), 4), np.repeat(np.arange(10), 4)), 3)
    1.0
    """
    present = np.isfinite(values) & (at >= 0)
    values, codes = values[present], np.unique(at[present], return_inverse=True)[1]
    if not len(values):
        return float("nan")
    sizes = np.bincount(codes)
    n, number = len(values), len(sizes)
    if (sizes > 1).sum() < FEWEST or n <= number or not values.std():
        return float("nan")
    means = np.bincount(codes, weights=values) / sizes
    inside = float(((values - means[codes]) ** 2).sum()) / (n - number)
    between = float(sizes @ (means - values.mean()) ** 2) / (number - 1)
    typical = (n - (sizes**2).sum() / n) / (number - 1)
    return float((between - inside) / (between + (typical - 1) * inside))


@across("likeness")
def likeness(related: Related) -> Iterator[Measure]:
    """Yield the average absolute difference of intraclass correlations of children's columns by parent."""
    rows = []
    for key in related.keys:
        for column, values in related.original.numbers(key.table).items():
            own = intraclass(values, related.original.parents(key))
            made = [intraclass(side.numbers(key.table)[column], side.parents(key)) for side in related.copies]
            if not np.isnan(own) and not np.isnan(made).all():
                mean = float(np.nanmean(made))
                rows.append((str(key), column, own, mean, float(np.nanmin(made)), float(np.nanmax(made)),
                             abs(mean - own)))  # fmt: skip
    if not rows:
        return
    names = ["key", "column", "original", "copies", "lowest", "highest", "difference"]
    detail = pd.DataFrame(rows, columns=names).sort_values("difference", ascending=False, ignore_index=True)
    value, worst = float(detail["difference"].mean()), detail.iloc[0]
    yield Measure(
        "likeness", "utility", "Likeness of siblings (ICC)", value,
        f"The share of a column's variance that lies between parents differs by {value:.2f} on average; farthest is "
        f"{worst['column']} ({worst['key']}): {worst['copies']:.2f}, in the original {worst['original']:.2f}.",
        interval=(float(detail["difference"].min()), float(worst["difference"])), reference=0.0, better="lower",
        verdict=judged(value, 0.0, MARGIN), detail=detail,
    )  # fmt: skip
