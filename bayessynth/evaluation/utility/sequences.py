"""Whether rows of a unit follow each other as in the original: autocorrelation, transitions, times, and violations.

For copies of a spec with ``unit=`` and ``time=``. The reference is what pairs of samples of whole units score, drawn
from the original with replacement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayessynth.evaluation.measure import Measure, over_copies
from bayessynth.evaluation.registry import measure
from bayessynth.evaluation.tables import Encoded, Tables
from bayessynth.evaluation.utility.group_structure import group_level_columns, varying_share
from bayessynth.evaluation.utility.parts import summarised
from bayessynth.evaluation.utility.univariate import kolmogorov_smirnov

REPETITIONS = 50
LAG_MARGIN, TRANSITION_MARGIN, TIME_MARGIN = 0.03, 0.03, 0.06
# Columns of more levels have more transitions than sequences tell of.
MAX_LEVELS = 12


@dataclass(frozen=True)
class Follow:
    """One table in the order of unit and time.

    Attributes
    ----------
    order : ndarray of int64
        Rows of the table, sorted.
    codes : ndarray of int64
        Unit of each sorted row.
    later : ndarray of int64
        Sorted rows that have one before.
    times : ndarray of float
    """

    order: np.ndarray
    codes: np.ndarray
    later: np.ndarray
    times: np.ndarray

    @property
    def sizes(self) -> np.ndarray:
        """Rows of each unit."""
        return np.bincount(self.codes)


def follow(frame: pd.DataFrame, times: np.ndarray, unit: str) -> Follow:
    """Sort a table by unit and time.

    >>> follow(pd.DataFrame({"id": ["b", "a", "a"]}), np.array([1.0, 5.0, 2.0]), "id").order.tolist()
    [0, 2, 1]
    """
    codes = pd.factorize(frame[unit], use_na_sentinel=False)[0]
    order = np.lexsort((times, codes))
    codes = codes[order]
    return Follow(order, codes, np.flatnonzero(np.r_[False, np.diff(codes) == 0]), times[order])


def lag_products(seen: Follow, values: np.ndarray, within: bool) -> np.ndarray:
    """Return of each unit the sums whose totals give the correlation of a row with the row before.

    Parameters
    ----------
    seen : Follow
    values : ndarray of shape (n,)
        In the table's order.
    within : bool
        Whether of distances from the unit's own mean.

    Returns
    -------
    ndarray of shape (units, 6)
        Pairs, then sums of x, y, x², y², xy.
    """
    y = values[seen.order].astype(float)
    units = len(seen.sizes)
    there = np.isfinite(y)
    centre = y[there].mean() if there.any() else 0.0
    y = y - centre
    if within:
        counts = np.bincount(seen.codes[there], minlength=units)
        means = np.bincount(seen.codes[there], weights=y[there], minlength=units) / np.maximum(counts, 1)
        y = y - means[seen.codes]
    now, before = y[seen.later], y[seen.later - 1]
    both = np.isfinite(now) & np.isfinite(before)
    now, before, codes = now[both], before[both], seen.codes[seen.later][both]
    parts = (np.ones(len(now)), before, now, before**2, now**2, before * now)
    return np.column_stack([np.bincount(codes, weights=part, minlength=units) for part in parts])


def correlation(sums: np.ndarray) -> np.ndarray:
    """Return correlations from totals of :func:`lag_products`, along the last axis; 0 where nothing varies.

    >>> float(correlation(np.array([3.0, 6.0, 12.0, 14.0, 56.0, 28.0])))
    1.0
    """
    n, x, y, xx, yy, xy = np.moveaxis(np.asarray(sums, dtype=float), -1, 0)
    n = np.maximum(n, 1)
    spread = np.sqrt(np.maximum(xx - x * x / n, 0) * np.maximum(yy - y * y / n, 0))
    return np.divide(xy - x * y / n, spread, out=np.zeros_like(spread), where=spread > 1e-12)


@measure("sequences", "utility")
def sequences(tables: Tables) -> Iterator[Measure]:
    """Yield four measures of copies whose rows follow each other; nothing for others.

    ``sequence_lags``, the difference of lag-1 autocorrelations, of all rows and within units; ``sequence_transitions``,
    the total variation distance of what a level is followed by; ``sequence_times``, the Kolmogorov–Smirnov distance of
    rows a unit and of times between rows; ``sequence_violations``, rows that cannot be.
    """
    stated = (tables.provenance or {}).get("sequence")
    if not stated or stated["unit"] not in tables.original_frame or stated["time"] not in tables.numbers:
        return
    view = _View(tables, stated)
    yield from view.lags()
    yield from view.transitions()
    yield view.lengths()
    yield view.violations()


class _View:
    """Original and copies in the order of unit and time."""

    def __init__(self, tables: Tables, stated: Mapping[str, Any]) -> None:
        self.tables, self.unit, self.time, self.ends = tables, stated["unit"], stated["time"], stated["ends"]
        self.encoded = [tables.original, *tables.copies]
        self.frames = [tables.original_frame, *tables.copy_frames]
        self.seen = [follow(f, e.values[self.time], self.unit) for f, e in zip(self.frames, self.encoded, strict=True)]
        self.constant = group_level_columns(tables, self.unit)
        self.varying = [c for c in tables.columns if c not in self.constant and c != self.time]

    def _samples(self, each: Callable[[np.ndarray], np.ndarray], purpose: str) -> np.ndarray:
        """Return scores of pairs of samples of units, from weights of units."""
        rng = self.tables.rng("sequences", purpose)
        own, drawn = len(self.seen[0].sizes), round(float(np.mean([len(s.sizes) for s in self.seen[1:]])))

        def weights(count: int) -> np.ndarray:
            return np.bincount(rng.integers(0, own, count), minlength=own)

        return np.array([np.abs(each(weights(own)) - each(weights(drawn))) for _ in range(REPETITIONS)])

    def lags(self) -> Iterator[Measure]:
        """Yield the difference of autocorrelations."""
        numbers = [(c, w) for c in self.varying for w in (False, True) if self._values(self.encoded[0], c) is not None]
        if not numbers or not len(self.seen[0].later):
            return
        sums = [[lag_products(s, self._number(e, c), w) for c, w in numbers]
                for s, e in zip(self.seen, self.encoded, strict=True)]  # fmt: skip
        found = np.array([[correlation(own.sum(axis=0)) for own in table] for table in sums])
        chance = self._samples(lambda w: np.array([correlation(w @ own) for own in sums[0]]), "lags")
        parts = pd.DataFrame({"column": [c for c, _ in numbers],
                              "rows": ["within units" if w else "all" for _, w in numbers]})  # fmt: skip
        yield summarised(
            "sequence_lags", "Lag-1 autocorrelation (average absolute difference)", parts, np.abs(found[1:] - found[0]),
            chance, "The correlation of a row with the row before differs from the original's by {value:.3f} on "
            "average over columns; that of two samples of units by {reference:.3f}. Farthest from chance is {worst} "
            "({worst_value:.3f}, by chance {worst_reference:.3f}).", margin=LAG_MARGIN, part_margin=2 * LAG_MARGIN,
        )  # fmt: skip

    def _values(self, table: Encoded, column: str) -> np.ndarray | None:
        """Return a column's numbers, or one of two levels as 0 and 1; None of others."""
        if column in table.values:
            return table.values[column]
        if self.tables.sizes[column] != 4:  # two levels, "another" and "missing"
            return None
        codes = table.codes[column]
        return np.where(codes >= 2, np.nan, codes.astype(float))

    def _number(self, table: Encoded, column: str) -> np.ndarray:
        found = self._values(table, column)
        assert found is not None
        return found

    def transitions(self) -> Iterator[Measure]:
        """Yield the distance of what levels are followed by."""
        columns = [c for c in self.varying if c in self.tables.levels and self.tables.sizes[c] <= MAX_LEVELS + 2]
        if not columns or not len(self.seen[0].later):
            return
        counts = [[self._pairs(s, e, c) for c in columns] for s, e in zip(self.seen, self.encoded, strict=True)]

        def shares(found: np.ndarray) -> np.ndarray:
            return found / max(found.sum(), 1)

        drawn = [[np.abs(shares(own.sum(axis=0)) - shares(first.sum(axis=0))).sum() / 2
                  for own, first in zip(table, counts[0], strict=True)] for table in counts[1:]]  # fmt: skip
        chance = np.column_stack([
            self._samples(lambda w, own=own: shares(w @ own), f"transitions of {c}").sum(axis=1) / 2  # type: ignore[misc]
            for c, own in zip(columns, counts[0], strict=True)])  # fmt: skip
        yield summarised(
            "sequence_transitions", "Transitions of levels (total variation)", pd.DataFrame({"column": columns}),
            np.array(drawn), chance, "On average over columns, {value:.1%} of the pairs of a level and the one that "
            "follows it would have to change for a copy to agree with the original; two samples of units differ by "
            "{reference:.1%}. Farthest from chance is {worst} ({worst_value:.1%}, by chance {worst_reference:.1%}).",
            margin=TRANSITION_MARGIN, part_margin=2 * TRANSITION_MARGIN,
        )  # fmt: skip

    def _pairs(self, seen: Follow, table: Encoded, column: str) -> np.ndarray:
        """Return how often each level follows each in every unit."""
        size = self.tables.sizes[column]
        codes = table.codes[column][seen.order].astype(np.int64)
        pair = codes[seen.later - 1] * size + codes[seen.later]
        joint = np.bincount(seen.codes[seen.later] * size**2 + pair, minlength=len(seen.sizes) * size**2)
        return joint.reshape(-1, size**2).astype(float)

    def lengths(self) -> Measure:
        """Return the distance of rows a unit and of times between rows."""
        sizes = [s.sizes.astype(float) for s in self.seen]
        gaps = [s.times[s.later] - s.times[s.later - 1] for s in self.seen]
        rng = self.tables.rng("sequences", "times")
        units, owner = len(sizes[0]), self.seen[0].codes[self.seen[0].later]
        place = np.argsort(owner, kind="stable")
        ends = np.cumsum(np.bincount(owner, minlength=units))

        def drawn(count: int) -> tuple[np.ndarray, np.ndarray]:
            chosen = rng.integers(0, units, count)
            rows = [place[ends[u] - int(sizes[0][u]) + 1 : ends[u]] for u in chosen]
            return sizes[0][chosen], gaps[0][np.concatenate(rows)]

        def distance(a: Sequence[np.ndarray], b: Sequence[np.ndarray]) -> list[float]:
            return [kolmogorov_smirnov(one, other) for one, other in zip(a, b, strict=True)]

        own = (sizes[0], gaps[0])
        by_copy = [distance(own, pair) for pair in zip(sizes[1:], gaps[1:], strict=True)]
        count = round(float(np.mean([len(s) for s in sizes[1:]])))
        chance = [distance(drawn(units), drawn(count)) for _ in range(REPETITIONS)]
        parts = pd.DataFrame({"of": [f"rows of one {self.unit}", f"{self.time} between rows"]})
        return summarised(
            "sequence_times", "Lengths of sequences and times between rows (Kolmogorov–Smirnov)", parts,
            np.array(by_copy), np.array(chance), "On average the distribution functions lie at most {value:.1%} apart, "
            "those of two samples of units {reference:.1%}. Farther from chance: {worst} ({worst_value:.1%}, by chance "
            "{worst_reference:.1%}).", margin=TIME_MARGIN, part_margin=TIME_MARGIN,
        )  # fmt: skip

    def violations(self) -> Measure:
        """Return how many rows of a copy cannot be: after an end, at the time of another, with a changed constant."""
        rows = [
            {**{f"{c} ends, and a row follows": self._after_end(s, f, c) for c in self.ends if c in f},
             f"{self.time} does not grow": int((s.times[s.later] <= s.times[s.later - 1]).sum()),
             **{f"{c} varies": round(varying_share(s.codes, f[c].iloc[s.order]) * int((s.sizes > 1).sum()))
                for c in self.constant}}
            for s, f in zip(self.seen[1:], self.frames[1:], strict=True)
        ]  # fmt: skip
        table = pd.DataFrame(rows)
        value, interval = over_copies(table.sum(axis=1).to_numpy(dtype=float))
        detail = pd.DataFrame({"what": table.columns, "value": table.mean().to_numpy()})
        return Measure(
            "sequence_violations", "utility", "Rows that cannot follow each other", value,
            "No copy has a row after an end, two rows of a unit in the wrong order, or a constant that varies."
            if value == 0 else f"A copy has {value:,.1f} rows or units of which that is so, on average.",
            interval, 0.0, None, "lower", "pass" if value == 0 else "fail",
            detail.sort_values("value", ascending=False, ignore_index=True),
        )  # fmt: skip

    def _after_end(self, seen: Follow, frame: pd.DataFrame, column: str) -> int:
        ended = frame[column].isin(self.ends[column]).to_numpy()[seen.order]
        return int(ended[seen.later - 1].sum())
