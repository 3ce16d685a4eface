"""Compiled: what trees read of records, some records at a time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from bayessynth.trees.calendar import DAY, PARTS, date_of
from bayessynth.trees.design import REACH
from bayessynth.trees.features import EFFECT, Features

# Records that are read at a time: so few that all features of them stay at hand.
BLOCK = 64


class Room(NamedTuple):
    """Room to work in, and what is known of some records.

    Attributes
    ----------
    known : ndarray of float32, shape (p + 2 * scores, BLOCK)
        Predictors and linear scores by record, and the scores with effects of groups.
    values, standard : ndarray of shape (BLOCK,)
    gap : ndarray of bool, shape (BLOCK,)
    inverse : ndarray of shape (p,)
        One by the scale.
    """

    known: np.ndarray
    values: np.ndarray
    standard: np.ndarray
    gap: np.ndarray
    inverse: np.ndarray


@njit(cache=True, nogil=True)
def room_for(features: Features) -> Room:
    """Return room for some records."""
    predictors, scores = features.slopes.shape
    return Room(np.empty((predictors + 2 * scores, BLOCK), dtype=np.float32), np.empty(BLOCK), np.empty(BLOCK),
                np.empty(BLOCK, dtype=np.bool_), 1 / features.scale)  # fmt: skip


@njit(cache=True, nogil=True)
def features_of(table: np.ndarray, rows: np.ndarray, features: Features, room: Room) -> None:
    """Write down what trees read of some rows: one predictor after the other, each of all rows in one go.

    Parameters
    ----------
    table : ndarray of shape (n, columns)
        Encoded predictors as floats, parts of times left out.
    rows : ndarray of int64
        At most ``BLOCK``.
    features : Features
    room : Room
        Where it is written.
    """
    predictors, scores = features.slopes.shape
    known, n, column = room.known, len(rows), 0
    known[predictors:] = 0.0
    for j in range(predictors):
        first = features.first[j]
        if first < EFFECT:
            # Parts of a time stand side by side.
            if first == DAY:
                _parts(table, rows, features.source[j], known[j : j + len(PARTS)])
            continue
        for k in range(n):
            room.values[k] = table[rows[k], column]
        column += 1
        if first >= 0:
            _level(first, n, features, room, j)
        elif first == EFFECT:
            for s in range(scores):
                own, slope = known[predictors + scores + s], features.slopes[j, s]
                for k in range(n):
                    own[k] += np.float32(slope * room.values[k])
        else:
            _number(n, features, room, j)
    for s in range(scores):
        for k in range(n):
            known[predictors + scores + s, k] += known[predictors + s, k]


@njit(cache=True, nogil=True)
def _level(first: int, n: int, features: Features, room: Room, j: int) -> None:
    predictors, scores = features.slopes.shape
    own = room.known[j]
    for k in range(n):
        own[k] = features.order[first + int(room.values[k]) + 1]
    for s in range(scores):
        score = room.known[predictors + s]
        for k in range(n):
            score[k] += np.float32(features.effects[first + int(room.values[k]) + 1, s])


@njit(cache=True, nogil=True)
def _number(n: int, features: Features, room: Room, j: int) -> None:
    predictors, scores = features.slopes.shape
    own, values, standard, gap = room.known[j], room.values, room.standard, room.gap
    fill, center, inverse = features.fill[j], features.center[j], room.inverse[j]
    for k in range(n):
        gap[k] = np.isnan(values[k])
        own[k] = fill if gap[k] else values[k]
        standard[k] = min(max((values[k] - center) * inverse, -REACH), REACH)
    for s in range(scores):
        score, slope, without = room.known[predictors + s], features.slopes[j, s], np.float32(features.gaps[j, s])
        if slope == 0 and without == 0:
            continue
        for k in range(n):
            score[k] += without if gap[k] else np.float32(slope * standard[k])


@njit(cache=True, nogil=True)
def _parts(table: np.ndarray, rows: np.ndarray, column: int, known: np.ndarray) -> None:
    """Write down all parts of a time; a date is worked out once."""
    for k in range(len(rows)):
        day, left, weekday, month, clock = date_of(table[rows[k], column])
        known[0, k], known[1, k], known[2, k], known[3, k], known[4, k] = day, left, weekday, month, clock


@njit(cache=True, nogil=True)
def scores_of(room: Room, k: int, scores: np.ndarray) -> None:
    """Take down the scores with effects of groups of one of the records that are known."""
    first = len(room.known) - len(scores)
    for s in range(len(scores)):
        scores[s] = room.known[first + s, k]
