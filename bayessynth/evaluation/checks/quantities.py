"""Posterior predictive checks of the copies: test quantities of columns, pairs and groups beside the original's."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from bayessynth.evaluation.checks.block import Block, Place, Sample, samples_of
from bayessynth.evaluation.checks.by_column import column_blocks
from bayessynth.evaluation.checks.by_group import group_blocks
from bayessynth.evaluation.checks.by_pair import pair_blocks
from bayessynth.evaluation.measure import Measure, Verdict, over_copies, worst
from bayessynth.evaluation.registry import measure
from bayessynth.evaluation.tables import Tables

# Resamples from which a standard error is taken, and the rows of each.
RESAMPLES, RESAMPLED_ROWS = 50, 3000
# From so many copies on, the share of copies beyond the original is given beside the normal approximation.
MANY_COPIES = 20
FAIL, WARN = 0.001, 0.01
ROUNDING = 1e-10

TITLES: dict[Place, str] = {
    "columns": "Checks of single columns",
    "pairs": "Checks of pairs of columns",
    "groups": "Checks of groups",
}
_ORDER: tuple[Verdict, ...] = ("fail", "warn", "pass", "info")


@measure("quantities", "checks")
def quantities(tables: Tables) -> Iterator[Measure]:
    r"""Yield how many test quantities of columns, of pairs and of groups lie beyond chance and a practical size.

    A test quantity T (a mean, a share, a correlation, …) is computed of the original and of each copy. If the copies
    come from the model that the original came from, T of the original is one more draw from the distribution of T over
    copies. The value of the measure is the number of quantities that are not, by more than matters: it should be 0.

    With few copies, the spread over copies is known badly; the sampling variance is not. Let v be the resampling
    variance of T in the original (of whole groups where groups are known; never below that of the quantity's textbook
    formula, since resamples of rare cells vary too little), n and k the rows of original and copy, b the variance over
    m copies and d the average copy's T less the original's. Then, of two bounds, the larger is taken:

    - v (1 + n / (km)): the original's sampling error, and that of the average copy. For m = 1 this is the error of
      the difference of two samples, v (1 + k/n) n/k. It bounds the variance of d for proper copies whether the model
      reproduces T by its parameters (then it is v (1 + n/k) / m) or not;
    - b (1 + 1/m): how far one more draw lies from the average of m. It sees what v does not: few groups, weak priors.

    z is d over the root of that variance, p its two-sided tail (Student's t with 49 degrees of freedom, since v comes
    from 50 resamples). With 20 copies or more ``p_copies`` is twice the smaller share of copies on one side of the
    original, (1 + count)/(m + 1), which needs no approximation but cannot fall below 2/(m + 1). p-values are adjusted
    over all quantities of columns, pairs and groups together (Benjamini & Hochberg). A quantity fails at an adjusted p
    below .001, and is warned of below .01, only if its effect also exceeds a practical size:

    ============================  ========================================================  ==============
    quantity                      effect                                                    practical size
    ============================  ========================================================  ==============
    share, missing rate           Cohen's h (.1 is .05 at a share of .5, .02 at .02)        .1
    share below a quantile        the same; below the original's 5, 25, 50, 75, 95 %        .1
    mean                          in standard deviations of the original                    .1
    mean at a level               in standard deviations of the original                    .2
    standard deviations, sizes    log ratio                                                 log 1.2
    skewness                      in units of the original's, at least of 1                 .5
    correlation, Cramér's V       difference                                                .1
    ============================  ========================================================  ==============

    Posterior predictive p-values are conservative: a quantity that the model's parameters reproduce, such as the mean
    of a normal model, lies near the middle of the copies by construction. "pass" is no proof of fit.

    References
    ----------
    Gelman, Meng & Stern (1996). Posterior predictive assessment of model fitness via realized discrepancies.
    Statistica Sinica 6. Benjamini & Hochberg (1995). Controlling the false discovery rate. JRSS B 57.

    Examples
    --------
    >>> from bayessynth.evaluation.tables import read_tables
    >>> rng = np.random.default_rng(1)
    >>> x = rng.normal(size=500)
    >>> original = pd.DataFrame({"x": x, "y": x + rng.normal(size=500)})
    >>> shuffled = original.assign(y=rng.permutation(original["y"].to_numpy()))
    >>> [(m.name, m.value, m.verdict) for m in quantities(read_tables(original, [shuffled]))]
    [('quantities_columns', 0.0, 'pass'), ('quantities_pairs', 1.0, 'fail')]
    """
    original, copies = samples_of(tables)
    labels = {c: tables.labels[c] for c in tables.levels}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        # A quantity without a value is NaN, here and in every average over copies, and is said to be so.
        warnings.simplefilter("ignore", RuntimeWarning)
        pairs, left_out = pair_blocks(original, labels)
        blocks = [*column_blocks(original, copies, labels), *pairs, *group_blocks(original, labels)]
        if not blocks:
            return
        table, by_copy = _compared(blocks, original, copies, tables)
    notes: dict[str, list[str]] = {"columns": [], "pairs": left_out, "groups": []}
    for place in TITLES:
        own = np.array([b.place == place for b in blocks for _ in b.names])
        if own.any():
            yield _summarised(place, table[own], by_copy[:, own], tuple(notes[place]))


def _compared(
    blocks: list[Block], original: Sample, copies: Sequence[Sample], tables: Tables
) -> tuple[pd.DataFrame, np.ndarray]:
    """Return a row a quantity, and of each copy by itself which quantities are beyond chance and practical size."""
    observed, drawn = _computed(blocks, original), np.array([_computed(blocks, copy) for copy in copies])
    at, over = _scaled(blocks, observed), _scaled(blocks, drawn)
    m, ratio = tables.m, tables.n / tables.k
    floor = np.concatenate([np.broadcast_to(b.floor, len(b.names)) for b in blocks])
    variance = np.maximum(_resampling_variance(blocks, original, tables), floor / tables.n)
    size = np.concatenate([np.full(len(b.names), b.size) for b in blocks])
    effect = np.nanmean(over, axis=0) - at
    spread = variance * (1 + ratio / m)
    if m > 1:
        spread = np.fmax(spread, np.nanvar(over, axis=0, ddof=1) * (1 + 1 / m))
    z, p, adjusted = _tested(effect, spread)
    table = pd.DataFrame(
        {"subject": [s for b in blocks for s, _ in b.names], "quantity": [q for b in blocks for _, q in b.names],
         "original": observed, "copies": np.nanmean(drawn, axis=0), "lowest": np.nanmin(drawn, axis=0),
         "highest": np.nanmax(drawn, axis=0), "z": z, "p": p, "adjusted_p": adjusted, "effect": effect,
         "practical_size": size, "verdict": _verdicts(adjusted, effect, size)}
    )  # fmt: skip
    if m >= MANY_COPIES:
        below, above = (over <= at).sum(axis=0), (over >= at).sum(axis=0)
        p_copies = np.minimum(1.0, 2 * (1 + np.minimum(below, above)) / (m + 1))
        table.insert(8, "p_copies", np.where(np.isnan(effect), np.nan, p_copies))
    alone = [_verdicts(_tested(e, variance * (1 + ratio))[2], e, size) for e in over - at]
    return table, np.isin(np.array(alone, dtype=object), ("warn", "fail"))


def _computed(blocks: list[Block], sample: Sample) -> np.ndarray:
    return np.concatenate([np.asarray(b.compute(sample), dtype=float) for b in blocks])


def _scaled(blocks: list[Block], values: np.ndarray) -> np.ndarray:
    ends = np.cumsum([len(b.names) for b in blocks])[:-1]
    parts = np.split(values, ends, axis=-1)
    return np.concatenate([b.scaled(part) for b, part in zip(blocks, parts, strict=True)], axis=-1)


def _tested(effect: np.ndarray, variance: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return z, two-sided p and adjusted p; NaN where there is no effect to test."""
    # Where one column determines the other, rounding alone has a variance.
    z = np.where(np.abs(effect) < ROUNDING, 0.0, effect / np.sqrt(np.where(variance < ROUNDING**2, 0.0, variance)))
    p = 2 * stats.t.sf(np.abs(z), RESAMPLES - 1)
    adjusted = np.full(len(p), np.nan)
    tested = ~np.isnan(p)
    if tested.any():
        adjusted[tested] = stats.false_discovery_control(p[tested])
    return z, p, adjusted


def _verdicts(adjusted: np.ndarray, effect: np.ndarray, size: np.ndarray) -> list[Verdict]:
    matters = np.abs(effect) > size
    return [
        "info" if np.isnan(p) else "fail" if large and p < FAIL else "warn" if large and p < WARN else "pass"
        for p, large in zip(adjusted, matters, strict=True)
    ]


def _resampling_variance(blocks: list[Block], original: Sample, tables: Tables) -> np.ndarray:
    """Return the sampling variance of every scaled quantity at the original's size.

    By the bootstrap on m out of n rows, scaled up: the variance of all quantities here falls as 1/n.
    """
    rng = tables.rng("quantities")
    draw, factor = _resampler(original, rng)
    found = np.array([_scaled(blocks, _computed(blocks, draw())) for _ in range(RESAMPLES)])
    return np.nan_to_num(np.nanvar(found, axis=0, ddof=1)) * factor


def _resampler(original: Sample, rng: np.random.Generator) -> tuple[Callable[[], Sample], float]:
    """Return what draws a resample, and the factor from its variance to that at the original's size."""
    n = original.table.n
    share = min(1.0, RESAMPLED_ROWS / n)
    clusters = {c: int(codes.max()) + 1 for c, codes in original.groups.items()}
    top = min((c for c, count in clusters.items() if 2 < count < n), key=lambda c: clusters[c], default=None)
    if top is None:
        rows = max(2, round(share * n))
        return lambda: _taken(original, rng.integers(0, n, rows), {}), rows / max(1, n - 1)
    own, count = original.groups[top], clusters[top]
    order, starts = np.argsort(own, kind="stable"), np.concatenate([[0], np.cumsum(np.bincount(own))])
    nested = [c for c, codes in original.groups.items() if c != top and _nested(codes, own)]
    chosen = max(3, round(share * count))

    def draw() -> Sample:
        drawn = rng.integers(0, count, chosen)
        rows = np.concatenate([order[starts[g] : starts[g + 1]] for g in drawn])
        anew = np.repeat(np.arange(chosen), starts[drawn + 1] - starts[drawn])
        # A group drawn twice is two groups, and so are the groups within it.
        renamed = {top: anew} | {
            c: np.unique(anew * clusters[c] + original.groups[c][rows], return_inverse=True)[1] for c in nested
        }
        return _taken(original, rows, renamed)

    return draw, chosen / (count - 1)


def _nested(codes: np.ndarray, above: np.ndarray) -> bool:
    """Tell whether each group lies within one group above."""
    size = int(above.max()) + 1
    return len(np.unique(codes.astype(np.int64) * size + above)) == len(np.unique(codes))


def _taken(sample: Sample, rows: np.ndarray, renamed: dict[str, np.ndarray]) -> Sample:
    groups = {
        c: renamed[c] if c in renamed else np.unique(codes[rows], return_inverse=True)[1]
        for c, codes in sample.groups.items()
    }
    return Sample(sample.table.take(rows), groups)


def _summarised(place: Place, table: pd.DataFrame, by_copy: np.ndarray, notes: tuple[str, ...]) -> Measure:
    beyond = table["verdict"].isin(["warn", "fail"])
    count = int(beyond.sum())
    rank = table["verdict"].map({v: float(i) for i, v in enumerate(_ORDER)})
    sized = -(table["effect"].abs() / table["practical_size"]).fillna(0.0)
    detail = table.iloc[np.lexsort((sized, rank))].reset_index(drop=True)
    _, interval = over_copies(by_copy.sum(axis=1))
    reading = f"{count} of {len(table)} test quantities of {place} differ between original and copies by more than "
    reading += "chance and more than a practical size; copies from the right model would have 0."
    if count:
        first = detail.iloc[0]
        reading += (
            f" Worst: {first['quantity']} of {first['subject']}, {first['original']:.3g} in the original and "
            f"{first['copies']:.3g} in the copies."
        )
    undefined = int((table["verdict"] == "info").sum())
    if undefined:
        notes = (*notes, f"{undefined} quantities have no value in the original or in any copy and are not tested.")
    return Measure(
        f"quantities_{place}", "checks", TITLES[place], float(count), reading, interval, 0.0, None, "lower",
        worst(list(table["verdict"])), detail, notes,
    )  # fmt: skip
