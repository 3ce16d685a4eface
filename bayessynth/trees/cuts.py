"""Compiled: the best cut of a node.

A node's records are looked at one feature at a time, in the order of their ranks: every cut leaves the records before
it on the left. Best is the cut after which targets vary least about the means of both sides (Breiman et al. 1984): by
squares of numbers, or of indicators of levels, whose sum is their Gini impurity. With targets less their mean in the
node, that is the cut with the largest square of the sum on the left, over the product of both sides' weights.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

# Bits of ranks that a pass of a sort tells apart: more of many records, so that passes are few; fewer of others, so
# that each ends sooner.
MANY, MANY_BITS, FEW_BITS = 1024, 11, 8
# A place in an order: rank above, record below.
RECORD = 32
MASK = (1 << RECORD) - 1
# Ranks up to which sums are kept by rank.
BINS = 1 << 12


class Room(NamedTuple):
    """Room to work in, as long as there are records, of which a node's come first.

    Attributes
    ----------
    weight : ndarray of shape (n,)
    pull : ndarray of shape (n, axes)
        Numbers less their mean in the node, times the weight.
    label : ndarray of int32, shape (n,)
    shares : ndarray of shape (levels,)
        Of the node's weight; empty for numbers.
    left : ndarray of shape (levels + axes,)
        Sums of the records before a cut.
    places, spare : ndarray of int64, shape (n,)
        Ranks and records in order.
    counts : ndarray of int64, shape (2 ** MANY_BITS,)
    bins : ndarray of shape (BINS, 3)
        Records, weight and pull of each rank.
    """

    weight: np.ndarray
    pull: np.ndarray
    label: np.ndarray
    shares: np.ndarray
    left: np.ndarray
    places: np.ndarray
    spare: np.ndarray
    counts: np.ndarray
    bins: np.ndarray


def room_for(n: int, axes: int, levels: int) -> Room:
    """Return room for so many records, with numbers on so many axes or so many levels."""
    return Room(np.empty(n), np.empty((n, axes)), np.empty(n, dtype=np.int32), np.empty(levels),
                np.empty(levels + axes), np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64),
                np.empty(1 << MANY_BITS, dtype=np.int64), np.empty((BINS, 3)))  # fmt: skip


class Cut(NamedTuple):
    """A cut of one feature.

    Attributes
    ----------
    gain : float
        Larger is better, among the cuts of one node; minus infinity where there is none with enough records on a side.
    low, high : int
        The ranks that it falls between.
    constant : bool
        Whether the feature has one rank only in the node.
    """

    gain: float
    low: int
    high: int
    constant: bool


@njit(cache=True, nogil=True)
def gather_numbers(
    numbers: np.ndarray, weights: np.ndarray, rows: np.ndarray, weight: np.ndarray, pull: np.ndarray
) -> float:
    """Write down weight and pull of a node's records, and return how much their numbers vary about the mean.

    Parameters
    ----------
    numbers : ndarray of shape (n, axes)
    weights : ndarray of shape (n,)
    rows : ndarray of int32
        The node's records.
    weight, pull : ndarray
        Of :class:`Room`.
    """
    total, variance = 0.0, 0.0
    for i in range(len(rows)):
        weight[i] = weights[rows[i]]
        total += weight[i]
    for a in range(numbers.shape[1]):
        mean = 0.0
        for i in range(len(rows)):
            mean += weight[i] * numbers[rows[i], a]
        mean /= total
        for i in range(len(rows)):
            away = numbers[rows[i], a] - mean
            pull[i, a] = weight[i] * away
            variance += pull[i, a] * away
    return variance / total


@njit(cache=True, nogil=True)
def gather_labels(
    labels: np.ndarray, weights: np.ndarray, rows: np.ndarray, weight: np.ndarray, label: np.ndarray, shares: np.ndarray
) -> float:
    """Write down weight and label of a node's records, and return their Gini impurity.

    Parameters
    ----------
    labels : ndarray of int32, shape (n,)
    weights, rows
        As in :func:`gather_numbers`.
    weight, label, shares : ndarray
        Of :class:`Room`.
    """
    total, impurity = 0.0, 1.0
    for k in range(len(shares)):
        shares[k] = 0.0
    for i in range(len(rows)):
        weight[i], label[i] = weights[rows[i]], labels[rows[i]]
        shares[label[i]] += weight[i]
        total += weight[i]
    for k in range(len(shares)):
        shares[k] /= total
        impurity -= shares[k] * shares[k]
    return impurity


@njit(cache=True, nogil=True)
def cut_by_bins(
    codes: np.ndarray, ranks: int, rows: np.ndarray, leaf: int, weight: np.ndarray, pull: np.ndarray, bins: np.ndarray
) -> Cut:
    """Return the best cut for numbers on one axis by sums of each rank: without an order, where ranks are few.

    Parameters
    ----------
    codes : ndarray of unsigned int, shape (n,)
        Rank of every record's value.
    ranks : int
        How many there are, at most ``BINS``.
    rows : ndarray of int32
        The node's records.
    leaf : int
        Fewest records of a side.
    weight, pull, bins : ndarray
        Of :class:`Room`, the former as :func:`gather_numbers` leaves them.
    """
    size, total = len(rows), 0.0
    for k in range(ranks):
        bins[k, 0] = bins[k, 1] = bins[k, 2] = 0.0
    for i in range(size):
        k = codes[rows[i]]
        bins[k, 0] += 1.0
        bins[k, 1] += weight[i]
        bins[k, 2] += pull[i, 0]
        total += weight[i]
    best, low, high, last = -np.inf, -1, -1, -1
    count, own, moment = 0.0, 0.0, 0.0
    for k in range(ranks):
        if bins[k, 0] == size:
            return Cut(best, -1, -1, True)
        if bins[k, 0] > 0 and leaf <= count <= size - leaf:
            gain = moment * moment / (own * (total - own))
            if gain > best:
                best, low, high = gain, last, k
        if bins[k, 0] > 0:
            last = k
        count += bins[k, 0]
        own += bins[k, 1]
        moment += bins[k, 2]
    return Cut(best, low, high, False)


@njit(cache=True, nogil=True)
def in_order(
    codes: np.ndarray, ranks: int, rows: np.ndarray, places: np.ndarray, spare: np.ndarray, counts: np.ndarray
) -> bool:
    """Write down a node's records in the order of their ranks, and return whether these differ: a radix sort.

    Parameters
    ----------
    codes, ranks, rows
        As in :func:`cut_by_bins`, with any number of ranks.
    places, spare, counts : ndarray
        Of :class:`Room`.
    """
    size, least, most, bits = len(rows), np.int64(0), np.int64(ranks - 1), 0
    for i in range(size):
        spare[i] = np.int64(codes[rows[i]]) << RECORD | i
    if ranks > min(size, len(counts)):
        # Ranks of few records may be close together.
        least = most = spare[0] >> RECORD
        for i in range(size):
            least, most = min(least, spare[i] >> RECORD), max(most, spare[i] >> RECORD)
    while (most - least) >> bits:
        bits += 1
    width = MANY_BITS if size >= MANY or bits > 2 * FEW_BITS else FEW_BITS
    passes = -(-bits // width)
    source, goes, low = spare, places, least << RECORD
    for turn in range(passes):
        shift, last, before = RECORD + turn * width, (1 << min(width, bits - turn * width)) - 1, 0
        for k in range(last + 1):
            counts[k] = 0
        for i in range(size):
            counts[(source[i] - low) >> shift & last] += 1
        for k in range(last + 1):
            before, counts[k] = before + counts[k], before
        for i in range(size):
            k = (source[i] - low) >> shift & last
            goes[counts[k]] = source[i]
            counts[k] += 1
        source, goes = goes, source
    if passes > 0 and passes % 2 == 0:
        for i in range(size):
            places[i] = spare[i]
    return passes > 0 and places[0] >> RECORD < places[size - 1] >> RECORD


@njit(cache=True, nogil=True)
def cut_labels(
    size: int, leaf: int, places: np.ndarray, weight: np.ndarray, label: np.ndarray, shares: np.ndarray,
    left: np.ndarray,
) -> Cut:  # fmt: skip
    """Return the best cut for levels of records :func:`in_order`: each changes a sum of squares by one of its terms.

    Parameters
    ----------
    size : int
        Of the node.
    leaf : int
        Fewest records of a side.
    places, weight, label, shares, left : ndarray
        Of :class:`Room`, as :func:`gather_labels` leaves them.
    """
    best, low, high, last, total, even = -np.inf, -1, -1, places[0] >> RECORD, 0.0, 0.0
    for i in range(size):
        total += weight[i]
    for k in range(len(shares)):
        left[k] = 0.0
        even += shares[k] * shares[k]
    squares, expected, own = 0.0, 0.0, 0.0
    for p in range(size - leaf + 1):
        rank, i = places[p] >> RECORD, places[p] & MASK
        if rank != last:
            if p >= leaf:
                gain = (squares - 2 * own * expected + own * own * even) / (own * (total - own))
                if gain > best:
                    best, low, high = gain, last, rank
            last = rank
        k, w = label[i], weight[i]
        squares += (2 * left[k] + w) * w
        left[k] += w
        expected += shares[k] * w
        own += w
    return Cut(best, low, high, False)


@njit(cache=True, nogil=True)
def cut_numbers(
    size: int, leaf: int, places: np.ndarray, weight: np.ndarray, pull: np.ndarray, left: np.ndarray
) -> Cut:
    """Return the best cut for numbers on any axes of records :func:`in_order`.

    Parameters
    ----------
    size, leaf
        As in :func:`cut_labels`.
    places, weight, pull, left : ndarray
        Of :class:`Room`, as :func:`gather_numbers` leaves them.
    """
    best, low, high, last, total, own = -np.inf, -1, -1, places[0] >> RECORD, 0.0, 0.0
    for i in range(size):
        total += weight[i]
    for a in range(pull.shape[1]):
        left[a] = 0.0
    for p in range(size - leaf + 1):
        rank, i = places[p] >> RECORD, places[p] & MASK
        if rank != last:
            if p >= leaf:
                gain = 0.0
                for a in range(pull.shape[1]):
                    gain += left[a] * left[a]
                gain /= own * (total - own)
                if gain > best:
                    best, low, high = gain, last, rank
            last = rank
        for a in range(pull.shape[1]):
            left[a] += pull[i, a]
        own += weight[i]
    return Cut(best, low, high, False)
