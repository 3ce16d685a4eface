"""Tilted probabilities of leaves are right on average, and so are the shares of copies along a chain of columns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import optimize

import bayessynth as bs
from bayessynth.trees.calibrate import calibrated
from bayessynth.trees.grow import grow
from bayessynth.trees.ranks import ranked, ranks_of, ranks_on_grid
from bayessynth.trees.tilt import FURTHEST, SEEN


def leaf(rng: np.random.Generator, records: int, entries: int) -> tuple[np.ndarray, ...]:
    scores = rng.normal(size=(records, 2)).astype(np.float32)
    pull = rng.normal(0, 1.5, (entries, 2)).astype(np.float32)
    weights = rng.exponential(size=records)
    weight = np.bincount(np.arange(records) % entries, weights=weights)
    middle = np.average(scores, axis=0, weights=weights).astype(np.float32)[None]
    spread = scores.std(axis=0)[None]
    return scores, pull, weights, weight, middle, spread


def tilts(scores: np.ndarray, pull: np.ndarray, middle: np.ndarray, spread: np.ndarray) -> np.ndarray:
    away = np.clip(scores - middle, -SEEN * spread, SEEN * spread)
    return np.exp(np.clip(away @ pull.T, -FURTHEST, FURTHEST))


# Of more records than are held at once, tilts are worked out anew in each round.
@pytest.mark.parametrize(("records", "entries"), [(50, 3), (6000, 5)])
def test_records_expect_as_many_of_each_entry_as_there_are(records: int, entries: int) -> None:
    scores, pull, weights, weight, middle, spread = leaf(np.random.default_rng(1), records, entries)
    rows, runs, start = np.arange(records), np.array([0, records]), np.array([0, entries])
    found = calibrated(weight, weight, start, pull, middle, spread, rows, runs, weights, scores)
    own = found * tilts(scores, pull, middle, spread)
    expected = weights @ (own / own.sum(axis=1, keepdims=True))
    raw = weight * tilts(scores, pull, middle, spread)
    biased = weights @ (raw / raw.sum(axis=1, keepdims=True))
    assert np.abs(expected - weight).max() < 0.01 * weight.sum()
    assert np.abs(expected - weight).max() < 0.2 * np.abs(biased - weight).max()
    assert found.sum() == pytest.approx(weight.sum())


def test_the_intercept_is_that_of_maximum_likelihood() -> None:
    rng = np.random.default_rng(2)
    scores = rng.normal(size=(400, 1)).astype(np.float32)
    y = rng.random(400) < 1 / (1 + np.exp(2.5 - 1.5 * np.clip(scores[:, 0], -2, 2)))
    weight, pull = np.array([(~y).sum(), y.sum()], dtype=float), np.array([[0.0], [1.5]], dtype=np.float32)
    middle, spread = np.zeros((1, 1), dtype=np.float32), np.ones((1, 1), dtype=np.float32)
    found = calibrated(weight, weight, np.array([0, 2]), pull, middle, spread, np.arange(400), np.array([0, 400]),
                       np.ones(400), scores)  # fmt: skip
    away = 1.5 * np.clip(scores[:, 0].astype(float), -2, 2)
    wanted = optimize.brentq(lambda a: (y - 1 / (1 + np.exp(-a - away))).sum(), -9, 9)
    assert np.log(found[1] / found[0]) == pytest.approx(wanted, abs=0.05)


def test_cuts_of_scores_part_records_as_they_part_those_on_the_grid() -> None:
    rng = np.random.default_rng(3)
    matrix = rng.normal(size=(2000, 3)).astype(np.float32)
    target = (matrix.sum(axis=1) + rng.normal(size=2000)).astype(float)
    features = ranked([ranks_of(matrix[:, 0]), *map(ranks_on_grid, matrix[:, 1:].T)], len(matrix))
    nodes, at = grow(features, target, np.ones(2000), 20, 4, 5)
    sizes = [np.bincount(own, minlength=len(nodes.upto) - 1) for own in at]
    counted = np.sum(sizes, axis=0)
    leaves = np.flatnonzero(nodes.feature < 0)
    np.testing.assert_array_equal(counted, nodes.size[leaves])
    assert counted.min() >= 20


def test_missing_cells_do_not_grow_along_a_chain_of_columns() -> None:
    rng = np.random.default_rng(4)
    n = 3000
    shy = rng.normal(size=n)
    answers = {
        f"q{i}": pd.Series(rng.choice(["a", "b", "c"], n)).mask(rng.random(n) < 1 / (1 + np.exp(4.5 - 1.5 * shy)))
        for i in range(12)
    }
    frame = pd.DataFrame(answers)
    copies = bs.Spec.auto(frame).fit(frame, missing="model", copies=4, random_seed=1).synthesize(m=4, random_seed=2)
    gone = frame.isna().mean()
    noise = np.sqrt(gone * (1 - gone) * 2 / n)
    z = np.array([(copy.isna().mean() - gone) / noise for copy in copies])
    assert abs(z.mean()) < 0.6
    assert np.sqrt((z**2).mean()) < 1.5
