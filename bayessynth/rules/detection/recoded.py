"""Columns that are functions of another: levels mapped, numbers cut into bands."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bayessynth.rules.detection.finding import Finding
from bayessynth.rules.detection.table import CHANCE, ROWS, Table, disagreement, roundest
from bayessynth.rules.recode import Recode
from bayessynth.schema.column import CODES, plain

# A rule with more bands than this is no banding, and one with more levels no coding that anybody made.
MOST_BANDS, MOST_LEVELS = 30, 2000
# A factor with more levels than this names things rather than describing them: it is a source only of levels that
# are not very much coarser.
MANY, COARSER = 60, 10
# A value of which fewer rows speak is somebody's own, and is not written into a rule.
ROWS_BEHIND = 5


def recodes(table: Table, keys: set[str]) -> Iterator[Finding]:
    """Yield every column that is a function of another one that is no key, the coarsest sources first.

    Every column is sorted by on a sample of rows. A function of levels never differs between neighbours with the same
    level; a banding of a number changes rarely. Only what passes is verified on all rows.
    """
    spread = np.array([disagreement(table.codes[name]) for name in table.names])
    sources = [name for name in table.names if name not in keys]
    found = [finding for name in sources for finding in _functions(name, spread, table)]
    yield from (finding for _, finding in sorted(found, key=lambda pair: pair[0]))


def _functions(source: str, spread: np.ndarray, table: Table) -> Iterator[tuple[tuple[int, int], Finding]]:
    place = table.names.index(source)
    order = np.argsort(table.sampled[:, place], kind="stable")
    codes = table.sampled[order]
    changes = codes[1:] != codes[:-1]
    if len(table.holed):
        gaps = table.passed_over[order]
        changes[:, table.holed] &= ~(gaps[1:] | gaps[:-1])
    same = ~changes[:, place]
    mapped = ~changes[same].any(axis=0) & (spread * same.sum() >= 1)
    steps = changes.sum(axis=0)
    sizes = np.array([table.distinct(name) for name in table.names])
    banded = (steps <= np.minimum(MOST_BANDS, 3 * sizes + 1)) & (spread * len(codes) - steps >= CHANCE / 2)
    levels = table.schema[source].kind in CODES
    for target in np.flatnonzero(mapped if levels else banded):
        name = table.names[target]
        if name == source or sizes[target] > sizes[place] or not _has_evidence(source, name, spread[target], table):
            continue
        if sizes[target] == sizes[place] and not _comes_first(source, name, table):
            continue
        rule = _mapping(source, name, table) if levels else _bands(source, name, table)
        if rule is not None:
            yield (int(sizes[place]), place), _finding(rule, table)


def _has_evidence(source: str, target: str, spread: float, table: Table) -> bool:
    """Tell whether a target that had nothing to do with the source would have broken the rule in many rows."""
    column = table.schema[target]
    if table.n < ROWS or column.kind in ("group", "datetime", "constant"):
        return False
    if table.schema[source].kind in CODES:
        many = table.distinct(source) > MANY
        if many and (column.kind not in CODES or table.distinct(target) * COARSER < table.distinct(source)):
            return False
        return spread * (table.n - table.distinct(source)) >= CHANCE
    return spread * table.n >= CHANCE + table.distinct(target)


def _comes_first(source: str, target: str, table: Table) -> bool:
    """Of two columns that are functions of each other, levels come before numbers, else the first before the second."""
    kinds = [table.schema[name].kind in CODES for name in (source, target)]
    if kinds[0] != kinds[1]:
        return kinds[0]
    return table.names.index(source) < table.names.index(target)


def _mapping(source: str, target: str, table: Table) -> Recode | None:
    if table.distinct(source) > MOST_LEVELS:
        return None
    codes, mapped = table.codes[source] + 1, table.codes[target]
    counted = ~table.missing(target) if table.is_rarely_missing(target) else np.ones(table.n, dtype=bool)
    image = np.full(table.distinct(source) + 1, -1)
    image[codes[counted]] = mapped[counted]
    if (image[codes] != mapped)[counted].any() or not _may_be_stored(target, table):
        return None
    known = dict(zip(table.values[source], (_value(code, target, table) for code in image[1:]), strict=True))
    levels = table.schema[source].levels
    if any(level not in known for level in levels):
        return None
    if len(set(known.values())) == 1:
        return None  # it says where the source is missing, which is said the other way round
    missing = _value(image[0], target, table) if (codes == 0).any() else None
    return Recode(target, source, {level: known[level] for level in levels}, missing=missing)


def _bands(source: str, target: str, table: Table) -> Recode | None:
    numbers, mapped = table.numbers[source], table.codes[target]
    counted = ~table.missing(target) if table.is_rarely_missing(target) else np.ones(table.n, dtype=bool)
    numbers, mapped = numbers[counted], mapped[counted]
    gaps = np.isnan(numbers)
    for_missing = np.unique(mapped[gaps])
    if len(for_missing) > 1 or gaps.all():
        return None
    order = np.argsort(numbers[~gaps], kind="stable")
    ascending, band = numbers[~gaps][order], mapped[~gaps][order]
    starts = np.flatnonzero(band[1:] != band[:-1]) + 1
    if not 0 < len(starts) <= MOST_BANDS or (ascending[starts] == ascending[starts - 1]).any():
        return None
    tied = len(ascending) >= ROWS_BEHIND * table.distinct(source)
    if not tied and np.diff(np.r_[0, starts, len(band)]).min() < ROWS_BEHIND:
        return None
    if not _may_be_stored(target, table) or table.schema[source].kind == "datetime":
        return None
    cuts = tuple(_short(roundest(ascending[i - 1], ascending[i])) for i in starts)
    values = tuple(_value(code, target, table) for code in band[np.r_[0, starts]])
    missing = _value(for_missing[0], target, table) if len(for_missing) else None
    return Recode(target, source, cuts=cuts, values=values, missing=missing)


def _may_be_stored(target: str, table: Table) -> bool:
    """Tell whether a rule may hold the target's values: levels, or numbers that several rows share."""
    if table.schema[target].kind in CODES:
        return True
    present = table.codes[target][~table.missing(target)]
    return len(present) > 0 and bool(np.bincount(present).min() >= ROWS_BEHIND)


def _value(code: int, target: str, table: Table) -> object:
    value = None if code < 0 else plain(table.values[target][code])
    return _short(value) if isinstance(value, float) and table.schema[target].kind not in CODES else value


def _short(value: float) -> float | int:
    return int(value) if value == int(value) else value


def _finding(rule: Recode, table: Table) -> Finding:
    rows = int((~(table.missing(rule.source) | table.missing(rule.column))).sum())
    what = f"{len(rule.values)} bands" if rule.cuts else f"{len(rule.mapping)} levels"
    reason = f"In all {rows:,} rows with both cells {rule.column!r} follows from {what} of {rule.source!r}."
    return Finding(rule, reason, rows)
