"""Whether rows of one group belong together as in the original: variance, sizes, constants and means of groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from bayessynth.evaluation.measure import Measure, Verdict, over_copies
from bayessynth.evaluation.registry import measure
from bayessynth.evaluation.tables import Encoded, Tables
from bayessynth.evaluation.utility.correlations import rank_correlations
from bayessynth.evaluation.utility.parts import summarised
from bayessynth.evaluation.utility.univariate import kolmogorov_smirnov
from bayessynth.evaluation.utility.variance_components import (
    GroupSums,
    group_sums,
    intraclass_correlation,
    variance_components,
)

REPETITIONS = 50
# A variance between groups below this share of the total counts as that share: on a log scale, nothing is far away.
LEAST_SHARE = 1e-3
ICC_MARGIN, LOG_SD_MARGIN, SIZE_MARGIN, CORRELATION_MARGIN = 0.03, 0.15, 0.1, 0.1
# Share of groups in which a column may vary that should not.
VARYING = 0.01


@dataclass(frozen=True)
class Grouped:
    """One table seen by one of its grouping columns.

    Attributes
    ----------
    codes : ndarray of int, shape (n,)
        Each row's group; a missing label is a group.
    sums : mapping of str to GroupSums
        Of every column that has a variance: numbers, and columns of two levels as 0 and 1.
    """

    codes: np.ndarray
    sums: dict[str, GroupSums]

    @property
    def sizes(self) -> np.ndarray:
        """Rows of each group."""
        return np.bincount(self.codes)

    def means(self, columns: Sequence[str]) -> np.ndarray:
        """Return the groups' means, shape (groups, len(columns)); NaN where a group has no value."""
        return np.column_stack([np.where(self.sums[c].counts > 0, self.sums[c].means, np.nan) for c in columns])

    def take(self, groups: np.ndarray) -> Grouped:
        """Return some of the groups, repeated ones as groups of their own; rows are not kept in order."""
        codes = np.repeat(np.arange(len(groups)), self.sizes[groups])
        return Grouped(codes, {c: s.take(groups) for c, s in self.sums.items()})


def grouped(tables: Tables, table: Encoded, frame: pd.DataFrame, group: str) -> Grouped:
    """Return a table seen by a grouping column.

    >>> from bayessynth.evaluation.tables import read_tables
    >>> df = pd.DataFrame({"g": ["a", "a", "b"], "x": [1.0, 3.0, 5.0], "s": ["u", "v", "v"]})
    >>> tables = read_tables(df, [df], groups=["g"])
    >>> seen = grouped(tables, tables.original, df, "g")
    >>> seen.sizes.tolist(), seen.means(["x", "s"]).tolist()
    ([2, 1], [[2.0, 0.5], [5.0, 1.0]])
    """
    codes = pd.factorize(frame[group], use_na_sentinel=False)[0]
    sums = {}
    for column in tables.columns:
        if column in tables.numbers:
            sums[column] = group_sums(table.values[column], codes)
        elif len(present := np.unique(tables.original.codes[column])) == 2:
            sums[column] = group_sums((table.codes[column] == present[1]).astype(float), codes)
    return Grouped(codes, sums)


def varying_share(codes: np.ndarray, cells: pd.Series) -> float:
    """Return the share of groups of two rows and more in which a column takes more than one value; missing is a value.

    >>> varying_share(np.array([0, 0, 1, 1, 2]), pd.Series(["a", "a", "b", None, "c"]))
    0.5
    """
    values = pd.factorize(cells, use_na_sentinel=False)[0]
    distinct = np.bincount(np.unique(np.column_stack([codes, values]), axis=0)[:, 0])
    several = np.bincount(codes) >= 2
    return float((distinct[several] > 1).mean()) if several.any() else 0.0


def group_level_columns(tables: Tables, group: str) -> list[str]:
    """Return the columns that are constant within each of the original's groups, other groups included.

    Constants, and tables in which no group has two rows, tell nothing.

    Examples
    --------
    >>> from bayessynth.evaluation.tables import read_tables
    >>> df = pd.DataFrame({"g": ["a", "a", "b"], "size": [2, 2, 1], "x": [1.0, 3.0, 5.0]})
    >>> group_level_columns(read_tables(df, [df], groups=["g"]), "g")
    ['size']
    """
    frame = tables.original_frame
    codes = pd.factorize(frame[group], use_na_sentinel=False)[0]
    if np.bincount(codes).max() < 2:
        return []
    others = [c for c in (*tables.groups, *tables.columns) if c in frame and c != group]
    return [c for c in others if frame[c].nunique(dropna=False) > 1 and varying_share(codes, frame[c]) == 0]


@measure("group_structure", "utility")
def group_structure(tables: Tables) -> Iterator[Measure]:
    """Yield five measures of grouped rows; nothing for tables without groups.

    ``group_icc``, the difference of intraclass correlations; ``group_sd``, the log ratio of standard deviations between
    groups; ``group_sizes``, the Kolmogorov–Smirnov distance of group sizes; ``group_constants``, the share of groups in
    which a group-level column varies; ``group_means``, the difference of correlations between groups' means. The
    reference is what pairs of samples of whole groups score, drawn from the original with replacement, each drawn group
    a group of its own; with formal privacy, pairs of copies.
    """
    groups = [g for g in tables.groups if g in tables.original_frame]
    if not groups:
        return
    views = [_View(tables, g) for g in groups]
    yield from _variances(views)
    yield _sizes(views)
    yield from _constants(tables, groups)
    yield from _means(views)


class _View:
    """Original, copies and pairs of samples of groups, seen by one grouping column."""

    def __init__(self, tables: Tables, group: str) -> None:
        self.group = group
        self.constant = group_level_columns(tables, group)
        self.original = grouped(tables, tables.original, tables.original_frame, group)
        self.copies = [grouped(tables, c, f, group) for c, f in zip(tables.copies, tables.copy_frames, strict=True)]
        self.pair = tables.pair("samples of groups")
        rng = tables.rng("group_structure", group)
        own, drawn = len(self.original.sizes), round(float(np.mean([len(c.sizes) for c in self.copies])))
        self.samples = [
            (self.original.take(rng.integers(0, own, own)), self.original.take(rng.integers(0, own, drawn)))
            for _ in range(REPETITIONS)
        ]
        if tables.noisy:
            pairs = tables.pairs_of_copies(REPETITIONS, "group_structure")
            self.samples = [(self.copies[i], self.copies[j]) for i, j in pairs]
        self.columns = [c for c in self.original.sums if _varies(self.original.sums[c])]
        self.varying = [c for c in self.columns if c not in self.constant]
        total = [sum(float(part) for part in variance_components(self.original.sums[c])) for c in self.varying]
        self.floor = np.array([LEAST_SHARE * t or 1.0 for t in total])


def _varies(sums: GroupSums) -> bool:
    present = sums.means[sums.counts > 0]
    return bool(sums.squares.sum() > 0 or (len(present) > 1 and np.ptp(present) > 0))


def _components(seen: Grouped, view: _View) -> tuple[np.ndarray, np.ndarray]:
    """Return the intraclass correlation and the log standard deviation between groups of every column."""
    found = [variance_components(seen.sums[c]) for c in view.varying]
    between, within = (np.array([float(f[i]) for f in found]) for i in (0, 1))
    return intraclass_correlation(between, within), np.log(np.maximum(between, view.floor)) / 2


def _variances(views: list[_View]) -> Iterator[Measure]:
    names = [(v.group, c) for v in views for c in v.varying]
    if not names or all(len(v.original.sizes) < 2 or v.original.sizes.max() < 2 for v in views):
        return
    parts = pd.DataFrame(names, columns=["group", "column"])

    def each(pick: int, seen: Sequence[Grouped]) -> np.ndarray:
        return np.concatenate([_components(s, v)[pick] for s, v in zip(seen, views, strict=True)])

    m = len(views[0].copies)
    for pick, name, title, margin, reading in (
        (0, "group_icc", "Intraclass correlations (average absolute difference)", ICC_MARGIN,
         "The share of variance that lies between groups differs from the original's by {value:.3f} on average over "
         "columns; that of {pair} by {reference:.3f}. Farthest from chance is {worst} "
         "({worst_value:.3f}, by chance {worst_reference:.3f})."),
        (1, "group_sd", "Standard deviation between groups (average absolute log ratio)", LOG_SD_MARGIN,
         "The standard deviation between groups differs from the original's by a log ratio of {value:.2f} on average "
         "over columns (0.1 is a tenth); that of {pair} by {reference:.2f}. Farthest from chance is "
         "{worst} ({worst_value:.2f}, by chance {worst_reference:.2f})."),
    ):  # fmt: skip
        own = each(pick, [v.original for v in views])
        drawn = np.array([each(pick, [v.copies[j] for v in views]) for j in range(m)])
        sides = [[each(pick, [v.samples[i][side] for v in views]) for side in (0, 1)] for i in range(REPETITIONS)]
        chance = np.array([np.abs(a - b) for a, b in sides])
        found = summarised(
            name,
            title,
            parts,
            np.abs(drawn - own),
            chance,
            reading,
            margin=margin,
            part_margin=2 * margin,
            pair=views[0].pair,
        )
        shown = np.exp if pick else np.asarray
        beside = parts.assign(original=shown(own), copies=shown(drawn).mean(axis=0))
        yield _beside(found, beside, ["group", "column"])


def _sizes(views: list[_View]) -> Measure:
    def distance(a: Grouped, b: Grouped) -> float:
        return kolmogorov_smirnov(a.sizes.astype(float), b.sizes.astype(float))

    parts = pd.DataFrame({"group": [v.group for v in views]})
    own = np.array([[distance(v.original, v.copies[j]) for v in views] for j in range(len(views[0].copies))])
    chance = np.array([[distance(*v.samples[i]) for v in views] for i in range(REPETITIONS)])
    found = summarised(
        "group_sizes", "Sizes of groups (Kolmogorov–Smirnov)", parts, own, chance,
        "The distribution functions of group sizes of original and copy lie at most {value:.1%} apart; those of {pair} "
        "{reference:.1%}. Farthest from chance is {worst} ({worst_value:.1%}, by chance "
        "{worst_reference:.1%}).",
        margin=SIZE_MARGIN, part_margin=2 * SIZE_MARGIN, pair=views[0].pair,
    )  # fmt: skip
    counts = [(v.group, len(v.original.sizes), float(np.mean([len(c.sizes) for c in v.copies]))) for v in views]
    return _beside(found, pd.DataFrame(counts, columns=["group", "groups", "groups of copies"]), ["group"])


def _constants(tables: Tables, groups: list[str]) -> Iterator[Measure]:
    pairs = [(g, c) for g in groups for c in group_level_columns(tables, g)]
    if not pairs:
        return
    shares = np.array(
        [
            [varying_share(pd.factorize(f[g], use_na_sentinel=False)[0], f[c]) for g, c in pairs]
            for f in tables.copy_frames
        ]
    )
    value, interval = over_copies(shares.mean(axis=1))
    detail = pd.DataFrame(pairs, columns=["group", "column"]).assign(
        value=shares.mean(axis=0), lowest=shares.min(axis=0), highest=shares.max(axis=0), reference=0.0
    )
    detail = detail.sort_values("value", ascending=False, kind="stable").reset_index(drop=True)
    largest = float(detail["value"][0])
    verdict: Verdict = "pass" if largest == 0 else "warn" if largest <= VARYING else "fail"
    yield Measure(
        "group_constants", "utility", "Group-level columns that vary within groups", value,
        f"{len(pairs)} column{'s never vary' if len(pairs) > 1 else ' never varies'} within a group of the original; "
        f"in copies, on average over them, {value:.1%} of the groups show more than one value (none should). "
        f"Worst is {detail['column'][0]} ({largest:.1%}).",
        interval, 0.0, (0.0, 0.0), "lower", verdict, detail,
    )  # fmt: skip


def _means(views: list[_View]) -> Iterator[Measure]:
    views = [v for v in views if len(v.columns) >= 2 and len(v.original.sizes) >= 3]
    if not views:
        return

    def flat(seen: Grouped, view: _View) -> np.ndarray:
        return rank_correlations(seen.means(view.columns))[np.triu_indices(len(view.columns), 1)]

    names = [
        (v.group, v.columns[i], v.columns[j])
        for v in views
        for i, j in zip(*np.triu_indices(len(v.columns), 1), strict=True)
    ]
    parts = pd.DataFrame(names, columns=["group", "column", "with"])
    own = np.concatenate([flat(v.original, v) for v in views])
    drawn = np.array([np.concatenate([flat(v.copies[j], v) for v in views]) for j in range(len(views[0].copies))])
    chance = np.array(
        [
            np.concatenate([np.abs(flat(v.samples[i][0], v) - flat(v.samples[i][1], v)) for v in views])
            for i in range(REPETITIONS)
        ]
    )
    found = summarised(
        "group_means", "Rank correlations of groups' means (average absolute difference)", parts, np.abs(drawn - own),
        chance,
        "Spearman's correlations between the means of groups differ from the original's by {value:.2f} on average over "
        "pairs of columns; those of {pair} by {reference:.2f}. Farthest from chance is {worst} "
        "({worst_value:.2f}, by chance {worst_reference:.2f}).",
        margin=CORRELATION_MARGIN, part_margin=2 * CORRELATION_MARGIN, pair=views[0].pair,
    )  # fmt: skip
    yield _beside(found, parts.assign(original=own, copies=drawn.mean(axis=0)), ["group", "column", "with"])


def _beside(found: Measure, values: pd.DataFrame, keys: list[str]) -> Measure:
    """Return the measure with further columns of its detail."""
    return replace(found, detail=pd.DataFrame(found.detail).merge(values, on=keys, how="left"))
