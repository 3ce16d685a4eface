"""What trees read of records, some at a time, against the same worked out record by record."""

from __future__ import annotations

import numpy as np
import pytest

from bayessynth.trees.calendar import PARTS, parts_of
from bayessynth.trees.design import REACH
from bayessynth.trees.features import EFFECT, NUMBER, Features
from bayessynth.trees.known import BLOCK, features_of, room_for, scores_of


def features(scores: int) -> Features:
    """A number that may be missing, three levels, parts of a time that stands fourth, an effect for each score."""
    rng = np.random.default_rng(1)
    first = np.concatenate([[NUMBER, 0, NUMBER], PARTS, np.full(scores, EFFECT)]).astype(np.int64)
    p, parts = len(first), slice(3, 3 + len(PARTS))
    slopes, gaps = rng.normal(size=(p, scores)), np.zeros((p, scores))
    slopes[1], slopes[parts], slopes[parts.stop :] = 0, 0, np.eye(scores)
    gaps[0] = rng.normal(size=scores)
    source = np.full(p, -1, dtype=np.int64)
    source[parts] = 2
    return Features(np.where(np.arange(p) == 0, -9.0, 0.0), first, rng.permutation(4).astype(np.float32),
                    rng.normal(size=(4, scores)), np.where(np.arange(p) < 1, 2.0, 0.0),
                    np.where(np.arange(p) < 1, 3.0, 1e4), slopes, gaps, source)  # fmt: skip


def table(n: int, scores: int) -> np.ndarray:
    rng = np.random.default_rng(2)
    number = np.where(rng.random(n) < 0.2, np.nan, rng.normal(2, 9, n))
    time = np.where(rng.random(n) < 0.1, np.nan, rng.uniform(0, 20_000, n))
    return np.column_stack([number, rng.integers(-1, 3, n), time, rng.normal(size=(n, scores))])


@pytest.mark.parametrize("scores", [0, 1, 3])
@pytest.mark.parametrize("order", ["C", "F"])
def test_what_is_read_of_some_records_is_that_of_each(scores: int, order: str) -> None:
    own, values, n = features(scores), np.asarray(table(200, scores), order=order), BLOCK - 1
    rows = np.random.default_rng(3).permutation(200)[:n]
    room = room_for(own)
    features_of(values, rows, own, room)
    number, level, time = values[rows, :3].T
    gap, code = np.isnan(number), level.astype(int) + 1
    wanted = np.column_stack([np.where(gap, -9, number), own.order[code], np.where(np.isnan(time), 0, time),
                              parts_of(time)])  # fmt: skip
    np.testing.assert_array_equal(room.known[: wanted.shape[1], :n].T, wanted.astype(np.float32))
    standard = np.clip((np.nan_to_num(number) - 2) / 3, -REACH, REACH)[:, None]
    days = np.clip(np.nan_to_num(time) / 1e4, -REACH, REACH)[:, None]
    linear = np.where(gap[:, None], own.gaps[0], own.slopes[0] * standard) + own.effects[code] + own.slopes[2] * days
    p = len(own.first)
    np.testing.assert_allclose(room.known[p : p + scores, :n].T, linear, atol=1e-5)
    one = np.empty(scores, dtype=np.float32)
    for k in (0, n - 1):
        scores_of(room, k, one)
        np.testing.assert_allclose(one, linear[k] + values[rows[k], 3:], atol=1e-5)
