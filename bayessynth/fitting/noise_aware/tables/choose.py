"""Which pairs of columns to measure: those that depend on each other most, chosen under the same budget."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from bayessynth.errors import PrivacyError
from bayessynth.fitting.noise_aware.tables.junction import junction_tree
from bayessynth.fitting.noise_aware.tables.layout import sums_of
from bayessynth.fitting.noise_aware.tables.mode import MOST_CELLS, MOST_EFFECTS, find, model_of
from bayessynth.fitting.noise_aware.tables.sums import records
from bayessynth.privacy import NoisyMarginals, Release, marginals
from bayessynth.privacy.accounting import noise_scale
from bayessynth.privacy.marginals import Clique, cell_labels, marginal_counts, marginals_squared

#: Pairs that are measured beyond a tree where not all can be.
BEYOND = 18
# Shares of the budget for tables of single columns, and for choices: noise on a choice is small beside the scores.
_SINGLES, _CHOICES = 0.1, 0.05
# The first round chooses as many pairs as there are columns, a later one a part of that; records that tell what a model
# expects of a pair.
_ROUND, _RECORDS = 2, 300_000


def measure(
    release: Release, frame: pd.DataFrame, columns: Sequence[str], *, rho: float, pairs: int | None = None
) -> tuple[NoisyMarginals, ...]:
    """Release noisy tables of pairs of columns, chosen by how far the columns depend on each other.

    Single columns are measured first, then pairs in rounds: as many as there are columns, then half as many a round.
    Pairs are chosen one by one by noisy maximum: the score of a pair is the sum over its cells of the distance of the
    count from what a model of all tables so far expects, less the noise that the table will carry; one row moves it by
    at most 1. Pairs that would bind too many cells together for exact sums are passed over. Where all pairs are
    measured, nothing is spent on choices, nor on single columns.

    Parameters
    ----------
    release : Release
    frame : DataFrame
        The confidential table. Where the domain does not say what a missing cell counts as, tables of different columns
        leave out different rows.
    columns : sequence of str
        Two or more, with levels or with a grid.
    rho : float
        What may be spent on all of it.
    pairs : int, optional
        How many pairs to measure; by default all where exact sums over them are within reach, since what pairs leave
        out costs more than the noise that they add, else 18 more than a tree has.

    Returns
    -------
    tuple of NoisyMarginals
        One of all pairs; or one of single columns and one of the pairs of each round.

    Raises
    ------
    PrivacyError, DataError
        If columns or pairs are too few, a column has no grid, or the budget does not suffice; then nothing is drawn.

    Examples
    --------
    >>> import bayessynth as bs
    >>> domain = bs.Domain({name: bs.Levels(0, 1) for name in "abc"}, source="codebook")
    >>> release = bs.DP(1, 1e-5, domain=domain).start()
    >>> frame = pd.DataFrame({"a": [0, 1] * 5000, "b": [0, 1] * 5000, "c": [0, 0, 1, 1] * 2500})
    >>> singles, chosen = measure(release, frame, ["a", "b", "c"], rho=0.03, pairs=1)
    >>> chosen.cliques, len(release.ledger.entries)
    ((('a', 'b'),), 3)
    """
    names = tuple(dict.fromkeys(columns))
    if len(names) < 2:
        raise PrivacyError(f"Tables of pairs need two columns or more, not {names!r}.")
    if pairs is not None and pairs < 1:
        raise PrivacyError(f"pairs={pairs!r}: state one pair or more, or None for the default.")
    every: list[Clique] = list(combinations(names, 2))
    marginals_squared(release.domain, release.unit, every)
    cells = {name: len(cell_labels(release.domain, name)) for name in names}
    whole = _fits(every, cells)
    wanted = min(len(every), pairs or (len(every) if whole else len(names) - 1 + BEYOND))
    if wanted == len(every) and whole:
        return (marginals(release, frame, every, rho=rho),)
    if rho > release.ledger.left:
        raise PrivacyError(
            f"The budget does not suffice for tables of {', '.join(names)}: rho = {rho:.3g} is asked for, and "
            f"{release.ledger.left:.3g} is left."
        )
    noisy = [marginals(release, frame, [(name,) for name in names], rho=rho * _SINGLES)]
    each = rho * (1 - _SINGLES - _CHOICES) * (1 - 1e-9) / wanted
    chosen: list[Clique] = []
    while len(chosen) < wanted:
        most = min(wanted - len(chosen), len(names) if not chosen else math.ceil(len(names) / _ROUND))
        if not (found := _chosen(release, frame, cells, noisy, chosen, most, (each, rho * _CHOICES / wanted))):
            break
        noisy.append(marginals(release, frame, found, rho=each * len(found)))
        chosen += found
    return tuple(noisy)


def _chosen(
    release: Release, frame: pd.DataFrame, cells: Mapping[str, int], noisy: Sequence[NoisyMarginals],
    before: Sequence[Clique], most: int, shares: tuple[float, float],
) -> list[Clique]:  # fmt: skip
    """Choose the pairs of a round one by one, each choice paid for; ``shares`` of a table and of a choice."""
    unit = release.unit
    moves = unit.cap * unit.parts * (1 if unit.adds else 2)
    chosen: list[Clique] = []
    scores: dict[Clique, int] = {}
    left = [pair for pair in combinations(cells, 2) if pair not in before]
    while len(chosen) < most:
        fitting = [pair for pair in left if pair not in chosen and _fits([*before, *chosen, pair], cells)]
        if not fitting:
            break
        if not scores:
            scale = noise_scale(unit.cap**2 * (1 if unit.adds else 2), shares[0])
            scores = _scores(release, frame, _expected(noisy, left), scale)
        what = f"pair {len(before) + len(chosen) + 1}"
        chosen.append(fitting[release.largest([scores[pair] for pair in fitting], moves, shares[1], what)])
    return chosen


def _expected(noisy: Sequence[NoisyMarginals], pairs: Sequence[Clique]) -> dict[Clique, np.ndarray]:
    """Return the counts of pairs, in whole numbers, that a model of noisy tables expects."""
    model = model_of(sums_of(noisy))
    drawn = records(model.tree, model.tables(find(model).effects), _RECORDS, np.random.default_rng(0))
    layout, found = model.sums.layout, {}
    for pair in pairs:
        axes = [layout.columns.index(name) for name in pair]
        shape = [layout.sizes[i] for i in axes]
        flat = np.ravel_multi_index(drawn[:, axes].T, shape)
        share = np.bincount(flat, minlength=math.prod(shape)).reshape(shape) / _RECORDS
        found[pair] = np.rint(max(0.0, model.sums.total) * share).astype(np.int64)
    return found


def _scores(
    release: Release, frame: pd.DataFrame, expected: Mapping[Clique, np.ndarray], scale: float
) -> dict[Clique, int]:  # fmt: skip
    """Return the scores of pairs in units of 1/unit.parts, which are confidential whole numbers."""
    pairs = list(expected)
    tables, parts = marginal_counts(release.domain, release.unit, pairs, frame), release.unit.parts
    return {
        pair: int(np.abs(table - parts * expected[pair]).sum())
        - round(parts * scale * math.sqrt(2 / math.pi) * table.size)
        for pair, table in zip(pairs, tables, strict=True)
    }


def _fits(pairs: Sequence[Clique], cells: Mapping[str, int]) -> bool:
    """Return whether exact sums over a model with these pairs, and its effects, are within reach."""
    place = {name: i for i, name in enumerate(cells)}
    effects = sum(size - 1 for size in cells.values()) + sum((cells[a] - 1) * (cells[b] - 1) for a, b in pairs)
    tree = junction_tree([tuple(place[name] for name in pair) for pair in pairs], tuple(cells.values()))
    return effects <= MOST_EFFECTS and tree.cells <= MOST_CELLS
