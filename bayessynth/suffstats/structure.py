"""The groups of a table as they stream by: labels, the combinations that occur, and what is constant within them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayessynth.design import Grouping
from bayessynth.design.grouping import closure, group
from bayessynth.schema import Columns
from bayessynth.schema.detect import sortable
from bayessynth.spec import Spec
from bayessynth.suffstats.encode import Encoded
from bayessynth.suffstats.labels import Labels, Pairs

# Rows that are looked at before all are.
_FEW = 4096


def group_columns(spec: Spec) -> tuple[str, ...]:
    """Return the columns of a spec's grouping factors, each once."""
    return tuple(dict.fromkeys(c for factor in closure(spec.factors) for c in factor))


@dataclass(frozen=True)
class Structure:
    """The combinations of groups that occur in a table, and the columns that are constant within each.

    Attributes
    ----------
    labels : mapping of str to tuple
        Labels of each grouping column, by code.
    cells : mapping of str to ndarray of int64, shape (C,)
        Label codes of the combinations, by grouping column.
    counts : ndarray of int64, shape (C,)
        Rows of each combination.
    constant : mapping of str to ndarray of shape (C,)
        Encoded values of the columns that do not vary within any combination.
    """

    labels: Mapping[str, tuple[Any, ...]]
    cells: Mapping[str, np.ndarray]
    counts: np.ndarray
    constant: Mapping[str, np.ndarray]

    @property
    def size(self) -> int:
        """Bytes that the arrays take."""
        return int(sum(a.nbytes for a in (*self.cells.values(), self.counts, *self.constant.values())))

    def ordered(self) -> tuple[Structure, dict[str, np.ndarray]]:
        """Return the structure with labels in their order, and the new code of every old one, by column."""
        places, labels = {}, {}
        for name, found in self.labels.items():
            ranked = sorted(range(len(found)), key=lambda i: sortable(found[i]))
            places[name] = np.empty(len(found), dtype=np.int64)
            places[name][ranked] = np.arange(len(found))
            labels[name] = tuple(found[i] for i in ranked)
        cells = {name: places[name][codes] for name, codes in self.cells.items()}
        order = np.lexsort(tuple(cells.values())[::-1]) if cells else np.arange(len(self.counts))
        cells = {name: codes[order] for name, codes in cells.items()}
        constant = {name: values[order] for name, values in self.constant.items()}
        return Structure(labels, cells, self.counts[order], constant), places

    def grouping(self, spec: Spec, at_least: int = 2) -> Grouping:
        """Return the grouping factors, each combination standing for its rows.

        Raises
        ------
        DataError
            If a factor has fewer groups than ``at_least``.
        """
        columns = Columns(self.cells, len(self.counts), self.labels)
        return group(columns, closure(spec.factors), at_least, self.counts)

    def joined(self, other: Structure) -> tuple[Structure, dict[str, np.ndarray]]:
        """Return both structures as one, and the codes that the other's labels have in it, by column."""
        labels, places = {}, {}
        for name, found in self.labels.items():
            coded = Labels()
            coded.of(found)
            places[name] = coded.of(other.labels[name])
            labels[name] = tuple(coded.found)
        cells = Cells(tuple(self.cells))
        one = cells.of(self.cells, len(self.counts))
        two = cells.of({n: places[n][codes] for n, codes in other.cells.items()}, len(other.counts))
        place = np.concatenate([one, two])
        counts = np.bincount(place, np.concatenate([self.counts, other.counts]), cells.size).astype(np.int64)
        constant = {}
        for name in (n for n in self.constant if n in other.constant):
            values = np.concatenate([self.constant[name], other.constant[name]])
            kept = _first(values, place, np.full(cells.size, np.nan), 0)
            if _same(kept[place], values):
                constant[name] = kept
        return Structure(labels, cells.codes, counts, constant), places


class Cells:
    """Codes of the combinations of some grouping columns.

    Examples
    --------
    >>> cells = Cells(("a", "b"))
    >>> cells.of({"a": np.array([0, 1, 0]), "b": np.array([2, 2, 2])}, 3).tolist(), cells.size
    ([0, 1, 0], 2)
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.size = 0 if names else 1
        self._pairs = [Pairs() for _ in self.names[1:]]

    def of(self, groups: Mapping[str, np.ndarray], n: int) -> np.ndarray:
        """Return the combination of each of n rows."""
        if not self.names:
            return np.zeros(n, dtype=np.int64)
        found = groups[self.names[0]]
        for name, pairs in zip(self.names[1:], self._pairs, strict=True):
            found = pairs.of(found, groups[name])
        self.size = max(self.size, int(found.max(initial=-1)) + 1)
        return found

    @property
    def codes(self) -> dict[str, np.ndarray]:
        """Label codes of every combination, by column."""
        codes: dict[str, np.ndarray] = {}
        place = np.arange(self.size)
        for name, pairs in zip(self.names[:0:-1], self._pairs[::-1], strict=True):
            codes[name], place = pairs.seconds[place], pairs.firsts[place]
        if self.names:
            codes[self.names[0]] = place
        return {name: codes[name] for name in self.names}


class Growing:
    """A structure that chunks are added to.

    Parameters
    ----------
    names : sequence of str
        Grouping columns.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.labels = {name: Labels() for name in names}
        self.cells = Cells(names)
        self.counts = np.zeros(0, dtype=np.int64)
        self.constant: dict[str, np.ndarray] | None = None

    def add(self, encoded: Encoded) -> None:
        """Count a chunk's rows, and compare its columns with those before."""
        before = self.cells.size if len(self.counts) else 0
        place = self.cells.of(encoded.groups, encoded.n)
        counts = np.bincount(place, minlength=self.cells.size)
        counts[: len(self.counts)] += self.counts
        self.counts = counts.astype(np.int64)
        if not self.labels:
            return
        candidates = encoded.arrays if self.constant is None else self.constant
        kept = {}
        for name in candidates:
            old = np.empty(0) if self.constant is None else self.constant[name]
            grown = np.concatenate([old, np.full(self.cells.size - len(old), np.nan)])
            values = encoded.arrays[name].astype(float, copy=False)
            if self.constant is None and _varies_soon(values, place):
                continue
            grown = _first(values, place, grown, before)
            if _same(grown[place], values):
                kept[name] = grown
        self.constant = kept

    def result(self) -> Structure:
        """Return the structure of all that was added."""
        labels = {name: tuple(found.found) for name, found in self.labels.items()}
        return Structure(labels, self.cells.codes, self.counts, self.constant or {})


def _first(values: np.ndarray, place: np.ndarray, known: np.ndarray, before: int) -> np.ndarray:
    """Enter the first value of every place from ``before`` on."""
    fresh = place >= before
    if fresh.any():
        known[place[fresh][::-1]] = values[fresh][::-1]
    return known


def _varies_soon(values: np.ndarray, place: np.ndarray) -> bool:
    """Tell whether a few rows show already that a column varies within places."""
    few = slice(0, _FEW)
    local = np.unique(place[few], return_inverse=True)[1]
    return not _same(_first(values[few], local, np.full(_FEW, np.nan), 0)[local], values[few])


def _same(one: np.ndarray, two: np.ndarray) -> bool:
    return bool(((one == two) | (np.isnan(one) & np.isnan(two))).all())
