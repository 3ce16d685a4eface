"""Draws from trees: leaves reached as scikit-learn reaches them, shares kept, limits held on every row."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.tree import DecisionTreeRegressor

from bayessynth.errors import SpecError
from bayessynth.rules import Narrowed
from bayessynth.trees import TreeSettings
from bayessynth.trees.conditional import Ensemble, Grown, Target, grown
from bayessynth.trees.design import block
from bayessynth.trees.draw import Grove
from bayessynth.trees.features import Seen, learn
from bayessynth.trees.grow import grow
from bayessynth.trees.leaves import Records, of_values
from bayessynth.trees.ranks import ranked, ranks_of, ranks_on_grid

N = 4000
RNG = np.random.default_rng(1)
SEX = RNG.integers(0, 2, N)
AGE = np.round(RNG.uniform(20, 80, N))
INCOME = np.where(RNG.random(N) < 0.3, 0.0, np.round(np.exp(6 + 0.02 * AGE + 0.5 * SEX + RNG.normal(0, 0.5, N)), 2))
INCOME[RNG.random(N) < 0.1 + 0.2 * SEX] = np.nan


def tree(target: Target, *, settings: TreeSettings | None = None, seed: int = 1, trees: int = 10) -> Grown:
    seen = Seen([SEX, AGE], [block(SEX, 2), block(AGE, None)], [2, None], [])
    weights = np.random.default_rng(seed).exponential(size=N)
    return grown(target, seen, weights / weights.mean(), settings or TreeSettings(), trees, np.random.default_rng(seed))


def drawn(made: Grown, narrowed: Narrowed | None = None, levels: int = 0, n: int = N) -> np.ndarray:
    grove = Grove({"y": made.ensembles}, 0.5)
    return grove.draw("y", [SEX[:n], AGE[:n]], {}, n, narrowed or Narrowed(), levels, np.random.default_rng(2))


def test_missing_cells_zeros_and_the_tail_are_kept() -> None:
    copy = drawn(tree(Target(INCOME, None, 2)))
    frame = pd.DataFrame({"sex": SEX, "age": AGE, "original": INCOME, "copy": copy})
    gaps = frame.groupby("sex")[["original", "copy"]].agg(lambda v: v.isna().mean())
    np.testing.assert_allclose(gaps["copy"], gaps["original"], atol=0.03)
    assert (copy == 0).mean() == pytest.approx((INCOME == 0).mean(), abs=0.02)
    draws = [drawn(tree(Target(INCOME, None, 2), seed=seed)) for seed in range(6)]
    spread = np.mean([np.log(own[own > 0]).std() for own in draws])
    assert spread == pytest.approx(np.log(INCOME[INCOME > 0]).std(), rel=0.03)
    positive = frame[frame["copy"] > 0]
    slope = np.polyfit(positive["age"], np.log(positive["copy"]), 1)[0]
    assert slope == pytest.approx(0.02, abs=0.003)


def test_no_value_of_a_unique_column_can_be_read_out_of_a_tree() -> None:
    unique, other = np.round(RNG.normal(size=(2, N)), 9)
    seen = Seen([other], [block(other, None)], [None], [])
    made = grown(Target(unique, None, 9), seen, np.ones(N), TreeSettings(), 10, np.random.default_rng(1))
    (tree_,) = made.ensembles
    held = np.concatenate(
        [a.ravel().astype(float) for part in (tree_.features, tree_.nodes, tree_.leaves) for a in part]
    )
    assert not np.isin(unique, held).any()
    assert not np.isin(other, held).any()
    # The one score is a number times the one predictor: neither a score of a record may stand there.
    (slope,), center, scale = tree_.features.slopes[0], tree_.features.center[0], tree_.features.scale[0]
    scores = np.sort(slope * (other - center) / scale)
    nearest = np.clip(np.searchsorted(scores, held), 1, N - 1)
    off = np.minimum(np.abs(scores[nearest] - held), np.abs(scores[nearest - 1] - held))
    gap = np.median(np.diff(scores))
    assert (off[np.abs(held) < np.abs(scores).max()] < 1e-3 * gap).mean() < 0.01


def test_records_reach_the_leaves_that_scikit_learn_puts_them_in() -> None:
    y = AGE + 5 * SEX + RNG.normal(size=N)
    seen = Seen([SEX, AGE], [block(SEX, 2), block(AGE, None)], [2, None], [])
    learnt = learn(seen, np.arange(N), y, np.ones(N))
    seen_by = [*learnt.ranks, *map(ranks_of, learnt.scores.T)]
    nodes, leaf = grow(ranked(seen_by, N), y, np.ones(N), 15, trees=1, seed=3)
    matrix = np.column_stack([own.values[own.codes] for own in seen_by])
    fitted = DecisionTreeRegressor(min_samples_leaf=15, random_state=3).fit(matrix, y)
    numbered = np.unique(fitted.apply(matrix), return_inverse=True)[1]
    # Some nodes have two equally good cuts, of which either tree takes another: the same leaves, numbered otherwise.
    assert len(np.unique(np.stack([leaf[0], numbered]), axis=1).T) == len(np.unique(numbered)) == leaf[0].max() + 1
    assert nodes.last[0] == len(nodes.upto) - 1
    nothing = np.zeros((N, learnt.scores.shape[1]))
    names = of_values(Records(leaf, np.ones(N), learnt.scores, nothing, len(nodes.upto) - 1), leaf[0].astype(float))
    grove = Grove({"y": (Ensemble(learnt.features, nodes, names),)}, smoothing=0.0)
    reached = grove.draw("y", [SEX, AGE], {}, N, Narrowed(), 0, np.random.default_rng(2))
    assert (reached == leaf[0]).mean() > 0.999


def test_a_record_is_drawn_from_any_one_of_several_trees() -> None:
    x = RNG.normal(size=(3, N))
    seen = Seen([*x], [block(own, None) for own in x], [None] * 3, [])
    learnt = learn(seen, np.arange(N), x.sum(axis=0), np.ones(N))
    features = ranked([*learnt.ranks, *map(ranks_on_grid, learnt.scores.T)], N)
    nodes, leaf = grow(features, x.sum(axis=0), np.ones(N), 15, trees=4, seed=3)
    assert leaf.shape == (4, N)
    nothing = np.zeros((N, learnt.scores.shape[1]))
    named = of_values(Records(leaf, np.ones(N), learnt.scores, nothing, len(nodes.upto) - 1), np.arange(float(N)))
    grove = Grove({"y": (Ensemble(learnt.features, nodes, named),)}, smoothing=0.0)
    other = grove.draw("y", list(x), {}, N, Narrowed(), 0, np.random.default_rng(2)).astype(int)
    together = leaf == leaf[:, other]
    assert together.any(axis=0).mean() > 0.999
    alone = together[:, together.sum(axis=0) == 1].sum(axis=1)
    np.testing.assert_allclose(alone / alone.sum(), 0.25, atol=0.05)


@pytest.mark.parametrize("levels", [2, 5, 200])
def test_shares_of_levels_are_kept_however_many_there_are(levels: int) -> None:
    codes = np.minimum((levels * ((AGE - 20) / 61) ** 2).astype(int) + RNG.integers(0, 2, N), levels - 1)
    copy = drawn(tree(Target(codes, levels)), levels=levels)
    width = max(levels // 5, 1)
    original = np.bincount(codes // width, minlength=5) / N
    np.testing.assert_allclose(np.bincount(copy.astype(int) // width, minlength=5) / N, original, atol=0.035)
    assert np.corrcoef(copy, AGE)[0, 1] == pytest.approx(np.corrcoef(codes, AGE)[0, 1], abs=0.04)


def test_limits_hold_on_every_row() -> None:
    low, high = np.full(N, 5.0), np.linspace(5.0, 5000.0, N)
    copy = drawn(tree(Target(INCOME, None, 2)), Narrowed(lower=low, upper=high))
    there = ~np.isnan(copy)
    assert (copy[there] >= 5).all()
    assert (copy[there] <= high[there] + 1e-9).all()
    assert 0.1 < (~there).mean() < 0.6


def test_limits_outside_all_that_was_seen_still_hold() -> None:
    copy = drawn(tree(Target(AGE, None, 0)), Narrowed(lower=np.full(N, 1000.0), upper=np.full(N, 1010.0)))
    assert ((copy >= 1000) & (copy <= 1010)).all()


def test_absent_and_present_cells() -> None:
    absent, present = SEX == 1, SEX == 0
    copy = drawn(tree(Target(INCOME, None, 2)), Narrowed(absent=absent, present=present))
    assert np.array_equal(np.isnan(copy), absent)
    codes = np.where(RNG.random(N) < 0.3, -1, RNG.integers(0, 3, N))
    copy = drawn(tree(Target(codes, 3)), Narrowed(absent=absent, present=present), levels=3)
    assert np.array_equal(copy < 0, absent)


def test_only_allowed_levels_are_drawn() -> None:
    codes = RNG.integers(0, 4, N)
    allowed = np.zeros((N, 4), dtype=bool)
    allowed[:, 1] = True
    allowed[SEX == 1, 3] = True
    copy = drawn(tree(Target(codes, 4)), Narrowed(allowed=allowed), levels=4).astype(int)
    assert allowed[np.arange(N), copy].all()
    assert (copy[SEX == 1] == 3).mean() == pytest.approx(0.5, abs=0.06)


def test_smoothing_moves_draws_out_of_pure_leaves() -> None:
    # A cut of several trees may not see the column that tells all; that of a single one does.
    made = tree(Target(SEX, 2), trees=1)
    pure, mixed = (
        Grove({"y": made.ensembles}, smoothing).draw("y", [SEX, AGE], {}, N, Narrowed(), 2, np.random.default_rng(2))
        for smoothing in (0.0, 1e9)
    )
    assert (pure == SEX).all()
    assert (mixed != SEX).mean() > 0.05


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"leaf": 1}, "leaf=1 must be a whole number from 2 up"),
        ({"interval": 2.5}, "interval=2.5 must be a whole number from 2 up"),
        ({"heap": True}, "heap=True must be a whole number from 2 up"),
        ({"smoothing": -1}, "smoothing=-1 must be a number from 0 up"),
    ],
)
def test_settings_out_of_range_are_named(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        TreeSettings(**wrong)  # type: ignore[arg-type]
