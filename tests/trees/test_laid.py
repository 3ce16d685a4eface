"""Leaves as they are laid out for draws, against the leaves themselves."""

from __future__ import annotations

import numpy as np
import pytest

from bayessynth.trees.laid import laid
from bayessynth.trees.leaves import Leaves


def leaves(sizes: list[int], scores: int, seed: int) -> Leaves:
    rng, start = np.random.default_rng(seed), np.cumsum([0, *sizes])
    n = int(start[-1])
    pull, middle = (rng.normal(size=(k, scores)).astype(np.float32) for k in (n, len(sizes)))
    spread = rng.random((len(sizes), scores)).astype(np.float32)
    low = rng.normal(size=n)
    return Leaves(start, rng.random(n).astype(np.float32), low, low + rng.random(n),
                  np.full(n, 0.1, dtype=np.float32), pull, middle, spread)  # fmt: skip


@pytest.mark.parametrize("scores", [0, 1, 3])
def test_every_entry_of_every_leaf_is_found_again(scores: int) -> None:
    every = [leaves([2, 1, 4], scores, 1), leaves([3], scores, 2)]
    found, leaf = laid(every), 0
    for own in every:
        for number in range(len(own.middle)):
            rows = slice(int(found.head[leaf, 0]), int(found.head[leaf + 1, 0]))
            there = slice(own.start[number], own.start[number + 1])
            np.testing.assert_array_equal(found.curve[rows], np.column_stack([own.upto, own.pull])[there])
            np.testing.assert_array_equal(found.span[rows], np.column_stack([own.low, own.high])[there])
            np.testing.assert_array_equal(found.grid[rows], own.grid[there])
            np.testing.assert_array_equal(found.head[leaf, 1:], [*own.middle[number], *own.spread[number]])
            leaf += 1
    assert leaf == 4 and found.head[4, 0] == len(found.grid) == 10
