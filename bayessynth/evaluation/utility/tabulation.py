"""Overlap of the joint tables of several columns: what pairs and triples share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from math import comb

import numpy as np
import pandas as pd

from bayessynth.evaluation.measure import Measure
from bayessynth.evaluation.tables import Encoded, Tables
from bayessynth.evaluation.utility.parts import summarised
from bayessynth.evaluation.utility.thinning import thinned

MAX_ROWS = 50_000
# Joint tables that the pairs of samples behind a reference may cost; at least the least number of pairs is drawn.
BUDGET, LEAST, MOST = 5_000, 5, 20
HALVINGS = 4


def shares(table: Encoded, columns: Sequence[str], sizes: Sequence[int]) -> np.ndarray:
    """Return the share of records in every cell of a joint table, flattened, last column fastest.

    >>> table = Encoded({}, {"a": np.array([0, 0, 1, 1]), "b": np.array([0, 1, 1, 1])}, 4)
    >>> shares(table, ["a", "b"], [2, 2]).tolist()
    [0.25, 0.25, 0.0, 0.5]
    """
    code = table.codes[columns[0]].astype(np.int64)
    for column, size in zip(columns[1:], sizes[1:], strict=True):
        code = code * size + table.codes[column]
    return np.bincount(code, minlength=int(np.prod(sizes))) / table.n


def overlaps(a: Encoded, others: Sequence[Encoded], sets: Sequence[Sequence[str]], tables: Tables) -> np.ndarray:
    """Return 1 − total variation distance of every set's joint table, shape (len(others), len(sets)).

    >>> from bayessynth.evaluation.tables import read_tables
    >>> df = pd.DataFrame({"a": ["x", "x", "y", "y"], "b": ["u", "v", "u", "v"]})
    >>> tables = read_tables(df, [df.assign(b=["u", "v", "v", "v"])])
    >>> overlaps(tables.original, tables.copies, [("a", "b")], tables).tolist()
    [[0.75]]
    """
    found = np.empty((len(others), len(sets)))
    for j, columns in enumerate(sets):
        sizes = [tables.sizes[c] for c in columns]
        own = shares(a, columns, sizes)
        for i, other in enumerate(others):
            found[i, j] = 1 - np.abs(own - shares(other, columns, sizes)).sum() / 2
    return found


def chosen_sets(tables: Tables, order: int, most: int) -> tuple[list[tuple[str, ...]], tuple[str, ...]]:
    """Return all sets of so many columns, or a random part of them and a note that says so.

    >>> from bayessynth.evaluation.tables import read_tables
    >>> df = pd.DataFrame({c: ["a", "b"] for c in "stuvw"})
    >>> sets, notes = chosen_sets(read_tables(df, [df]), 3, 4)
    >>> len(sets), notes
    (4, ('4 of the 10 sets of 3 columns, drawn at random.',))
    """
    q, columns = len(tables.columns), tables.columns
    total = comb(q, order)
    if total <= most:
        return list(combinations(columns, order)), ()
    rng = tables.rng("sets", order)
    found: set[tuple[int, ...]] = set()
    while len(found) < most:
        drawn = np.sort(rng.random((most, q)).argpartition(order, axis=1)[:, :order], axis=1)
        found.update(map(tuple, drawn.tolist()))
    every = sorted(found)
    kept = sorted(every[i] for i in rng.permutation(len(every))[:most])
    note = f"{most:,} of the {total:,} sets of {order} columns, drawn at random."
    return [tuple(columns[i] for i in some) for some in kept], (note,)


def singletons(table: Encoded, sets: Sequence[Sequence[str]], tables: Tables) -> np.ndarray:
    """Return the share of records that are alone in their cell of each set's joint table, shape (len(sets),).

    >>> from bayessynth.evaluation.tables import read_tables
    >>> df = pd.DataFrame({"a": ["x", "x", "x", "y"], "b": ["u", "u", "v", "v"]})
    >>> tables = read_tables(df, [df])
    >>> singletons(tables.original, [("a", "b")], tables).tolist()
    [0.5]
    """
    counts = [np.rint(shares(table, columns, [tables.sizes[c] for c in columns]) * table.n) for columns in sets]
    return np.array([(c == 1).sum() / table.n for c in counts])


def halves(tables: Tables, rng: np.random.Generator) -> tuple[Tables, Tables]:
    """Return the original cut at random into two, whole groups together where rows come in groups.

    >>> from bayessynth.evaluation.tables import read_tables
    >>> df = pd.DataFrame({"s": ["a", "b"] * 5})
    >>> [half.n for half in halves(read_tables(df, [df]), np.random.default_rng(0))]
    [5, 5]
    """
    units = np.arange(tables.n) if tables.clusters is None else tables.clusters
    order = rng.permutation(int(units.max()) + 1)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    first = rank[units] < len(order) // 2
    return tuple(
        replace(tables, original=tables.original.take(rows), original_frame=tables.original_frame.iloc[rows], cache={})
        for rows in (np.flatnonzero(first), np.flatnonzero(~first))
    )  # type: ignore[return-value]


def sparseness(tables: Tables, sets: Sequence[Sequence[str]], name: str) -> np.ndarray:
    """Return by how much redrawn samples understate the distance of independent ones, 1 or more for every set.

    Redrawn samples share the cells that the original happens to fill, so that where cells are many and records few
    they agree too well. Two halves of the original are independent; how far apart they are, over how far apart
    samples redrawn from one half are, tells by how much at half the size; the excess over 1 is carried to the full
    size in proportion to the records that are alone in their cell (their share is the Good–Turing estimate of what
    falls into cells not yet seen). It is 1 for full tables and nears 2 where no two records share a cell.

    References
    ----------
    Good (1953). The population frequencies of species and the estimation of population parameters. Biometrika 40,
    237–264.

    Examples
    --------
    >>> from bayessynth.evaluation.tables import read_tables
    >>> df = pd.DataFrame({"s": ["a", "b"] * 50, "t": ["u"] * 100})
    >>> sparseness(read_tables(df, [df]), [("t",)], "example").tolist()
    [1.0]
    """
    rng = tables.rng("halves", name)
    apart, redrawn, alone = np.zeros(len(sets)), np.zeros(len(sets)), np.zeros(len(sets))
    for _ in range(HALVINGS):
        first, second = halves(tables, rng)
        if not first.n or not second.n:
            return np.ones(len(sets))
        apart += 1 - overlaps(first.original, [second.original], sets, tables)[0]
        for half in (first, second):
            one, other = (half.original.take(half.redraw(half.n, rng)) for _ in range(2))
            redrawn += (1 - overlaps(one, [other], sets, tables)[0]) / 2
        alone += singletons(first.original, sets, tables) / HALVINGS
    excess = np.divide(apart, redrawn, out=np.ones(len(sets)), where=redrawn > 0) - 1
    fewer = np.divide(singletons(tables.original, sets, tables), alone, out=np.zeros(len(sets)), where=alone > 0)
    return 1 + (excess * fewer.clip(0, 1)).clip(0, 1)


def tabulated(
    tables: Tables, name: str, title: str, order: int, most: int, margin: float, part_margin: float
) -> Measure | None:
    """Return the average overlap of the joint tables of so many columns; None for tables of fewer columns.

    Numbers are cut at the original's deciles; missing is a level of its own. 1 says that the tables agree cell by
    cell. Both the copies and the pairs of samples behind the reference are computed on the same rows and sets; the
    reference is corrected for what redrawing hides in sparse tables (see :func:`sparseness`).

    Examples
    --------
    >>> from bayessynth.evaluation.tables import read_tables
    >>> df = pd.DataFrame({"a": ["x", "y"] * 10, "b": ["u", "v"] * 10})
    >>> tabulated(read_tables(df, [df]), "pairs", "Pairs", 2, 10, 0.01, 0.05).value
    1.0
    """
    if len(tables.columns) < order:
        return None
    tables, notes = thinned(tables, MAX_ROWS, name)
    sets, drawn = chosen_sets(tables, order, most)
    own = overlaps(tables.original, tables.copies, sets, tables)
    repetitions = int(np.clip(BUDGET // len(sets), LEAST, MOST))
    redrawn = np.vstack([overlaps(a, [b], sets, tables) for a, b in tables.resamples(repetitions, name)])
    # Copies share no cells by being redrawn from one table.
    chance = redrawn if tables.noisy else 1 - np.minimum(1, (1 - redrawn) * sparseness(tables, sets, name))
    parts = pd.DataFrame(sets, columns=["column", "with", "and"][:order])
    sets_of = {2: "pairs", 3: "triples"}.get(order, f"sets of {order}")
    return summarised(
        name, title, parts, own, chance,
        f"On average over {sets_of} of columns, {{value:.1%}} of the records of original and copy fall into the "
        "same cells of their joint table; of {pair} {reference:.1%}. Farthest from chance is "
        "{worst} ({worst_value:.1%}, by chance {worst_reference:.1%}).",
        margin=margin, part_margin=part_margin, better="higher", notes=(*notes, *drawn), pair=tables.pair(),
    )  # fmt: skip
