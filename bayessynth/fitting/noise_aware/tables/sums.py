"""Sums over a junction tree: tables of probabilities of its sets, of any columns within one, and records from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from bayessynth.fitting.noise_aware.tables.junction import Axes, JunctionTree


def spread(axes: Axes, sizes: Sequence[int], factors: Mapping[Axes, np.ndarray]) -> np.ndarray:
    """Return the sum of tables over some of the columns, spread over all of them.

    Tables that lack a column are added up before they are spread over it, so that few sums run over all cells.

    Parameters
    ----------
    axes : tuple of int
        All columns, in rising order.
    sizes : sequence of int
        Levels of each column.
    factors : mapping of tuple of int to ndarray
        Tables by their columns, in rising order.

    Examples
    --------
    >>> spread((0, 1), (2, 2), {(0,): np.array([1.0, 2.0]), (1,): np.array([10.0, 20.0])}).tolist()
    [[11.0, 21.0], [12.0, 22.0]]
    """
    if not factors:
        return np.zeros([1] * len(axes))
    if set(factors) == {axes}:
        return factors[axes]
    apart = min((a for a in axes if any(a not in f for f in factors)), key=lambda a: sum(a in f for f in factors))
    without = {f: table for f, table in factors.items() if apart not in f}
    rest = tuple(a for a in axes if a != apart)
    total = np.expand_dims(spread(rest, sizes, without), axes.index(apart))
    within = {f: table for f, table in factors.items() if apart in f}
    return total + spread(axes, sizes, within) if within else total


def gathered(table: np.ndarray, axes: Axes, wanted: Iterable[Axes]) -> dict[Axes, np.ndarray]:
    """Return a table summed over all columns but those wanted, once for each wanted set of columns.

    Examples
    --------
    >>> found = gathered(np.arange(4.0).reshape(2, 2), (0, 1), [(0,), (1,)])
    >>> found[(0,)].tolist(), found[(1,)].tolist()
    ([1.0, 5.0], [2.0, 4.0])
    """
    left = set(wanted)
    found = {axes: table} if axes in left else {}
    left.discard(axes)
    while left:
        summed = max(axes, key=lambda a: sum(a not in one for one in left))
        without = {one for one in left if summed not in one}
        rest = tuple(a for a in axes if a != summed)
        found |= gathered(table.sum(axis=axes.index(summed)), rest, without)
        left -= without
    return found


def calibrated(tree: JunctionTree, factors: Mapping[Axes, np.ndarray]) -> list[np.ndarray]:
    """Return the table of probabilities of each set of a tree.

    Parameters
    ----------
    tree : JunctionTree
    factors : mapping of tuple of int to ndarray
        Logarithms of factors whose product is the model, up to a constant.

    Returns
    -------
    list of ndarray
        One axis a column, each table with a sum of 1.

    Examples
    --------
    >>> from bayessynth.fitting.noise_aware.tables.junction import junction_tree
    >>> tree = junction_tree([(0, 1), (1, 2)], (2, 2, 2))
    >>> first, second = calibrated(tree, {(0, 1): np.log([[3.0, 1.0], [1.0, 3.0]]), (2,): np.log([1.0, 3.0])})
    >>> [table.sum(axis=0).round(3).tolist() for table in (first, second)]
    [[0.5, 0.5], [0.25, 0.75]]
    """
    own: list[dict[Axes, np.ndarray]] = [{} for _ in tree.cliques]
    for axes, table in factors.items():
        own[tree.home(axes)][axes] = table
    logs = [spread(clique, tree.sizes, parts) + np.zeros([tree.sizes[i] for i in clique])
            for clique, parts in zip(tree.cliques, own, strict=True)]  # fmt: skip
    up: list[np.ndarray] = [np.zeros(())] * len(logs)
    for place in range(len(logs) - 1, -1, -1):
        top = logs[place].real.max()
        logs[place] = np.exp(logs[place] - top)
        if place:
            up[place] = _onto(logs[place], tree.cliques[place], tree.shared(place))
            with np.errstate(divide="ignore"):
                logs[tree.parents[place]] += _as(np.log(up[place]), tree, place)
    logs[0] /= logs[0].sum()
    for place in range(1, len(logs)):
        parent = tree.parents[place]
        down = _onto(logs[parent], tree.cliques[parent], tree.shared(place))
        ratio = np.divide(down, up[place], out=np.zeros_like(down), where=up[place].real > 0)
        logs[place] *= np.expand_dims(ratio, _others(tree.cliques[place], tree.shared(place)))
    return logs


def records(tree: JunctionTree, tables: Sequence[np.ndarray], k: int, rng: np.random.Generator) -> np.ndarray:
    """Draw independent records: the tree's first set, then each set given the columns that it shares.

    Parameters
    ----------
    tree : JunctionTree
    tables : sequence of ndarray
        What :func:`calibrated` returned.
    k : int
    rng : Generator

    Returns
    -------
    ndarray of int, shape (k, number of columns)
    """
    drawn = np.zeros((k, len(tree.sizes)), dtype=np.int32)
    for place, (clique, table) in enumerate(zip(tree.cliques, tables, strict=True)):
        shared = tree.shared(place)
        rest = tuple(i for i in clique if i not in shared)
        flat = table.transpose([clique.index(i) for i in (*shared, *rest)])
        width = int(np.prod(flat.shape[len(shared):]))  # fmt: skip
        ends = np.concatenate([[0.0], np.cumsum(flat.ravel())])
        base = np.zeros(k, dtype=np.int64)
        if shared:
            base += np.ravel_multi_index(drawn[:, shared].T, flat.shape[: len(shared)]) * width
        low, high = ends[base], ends[base + width]
        found = np.searchsorted(ends, low + rng.random(k) * (high - low), side="right") - 1
        # Rounding may lead past a cell of no probability at either end.
        found = np.clip(found, base, base + width - 1) - base
        for i, codes in zip(rest, np.unravel_index(found, flat.shape[len(shared):]), strict=True):  # fmt: skip
            drawn[:, i] = codes
    return drawn


def _others(clique: Axes, kept: Axes) -> tuple[int, ...]:
    return tuple(place for place, i in enumerate(clique) if i not in kept)


def _onto(table: np.ndarray, clique: Axes, kept: Axes) -> np.ndarray:
    return table.sum(axis=_others(clique, kept))


def _as(message: np.ndarray, tree: JunctionTree, place: int) -> np.ndarray:
    """Return a message shaped so that it spreads over the parent's table."""
    return np.expand_dims(message, _others(tree.cliques[tree.parents[place]], tree.shared(place)))
