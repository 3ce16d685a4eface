"""Cells of groups moved against the effects of the groups."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayessynth as bs
from bayessynth.imputation import Gaps, redraw, shifted
from tests.imputation.tables import found

GROUPS, SEEN, ROWS = 1000, 20, 20
SD, SIGMA = 0.8, 0.4


def table(formula: str = "y ~ x + (1 | site)") -> tuple[Gaps, np.ndarray]:
    """Return groups of which most miss x, with their y; x, effects and rows are normal, each with coefficient 1."""
    rng = np.random.default_rng(1)
    site = np.repeat(np.arange(GROUPS), ROWS)
    x = rng.normal(size=GROUPS)
    y = (x + SD * rng.normal(size=GROUPS))[site] + SIGMA * rng.normal(size=len(site))
    x[SEEN:] = np.nan
    frame = pd.DataFrame({"site": site, "x": x[site], "y": y, "z": rng.normal(size=len(site))})
    return found(bs.Spec("z ~ 1", "x ~ 1", formula), frame), y.reshape(GROUPS, ROWS).mean(axis=1)[SEEN:]


def joint(means: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw x and effects exactly, given the means of y."""
    noise = SIGMA**2 / ROWS
    x = means / (1 + SD**2 + noise) + np.sqrt(1 - 1 / (1 + SD**2 + noise)) * rng.normal(size=len(means))
    return x, effects(means - x, rng)


def effects(left: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    noise = SIGMA**2 / ROWS
    variance = 1 / (1 / SD**2 + 1 / noise)
    return variance * left / noise + np.sqrt(variance) * rng.normal(size=len(left))


def values(own: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
    known = {"y_Intercept": 0.0, "y_x": 1.0, "y_sigma": SIGMA, "y_1|site_sd": SD}
    return {
        "x": {"x_Intercept": np.asarray(0.0), "x_sigma": np.asarray(1.0)},
        "y": {**{name: np.asarray(v) for name, v in known.items()}, "y_1|site": np.append(np.zeros(SEEN), own)},
    }


def test_a_move_leaves_the_joint_distribution_and_what_rows_see():
    gaps, means = table()
    rng = np.random.default_rng(2)
    x, own = joint(means, rng)
    arrays = gaps.gaps[0].fill(gaps.frame.arrays, x)
    made, moved = shifted(gaps, values(own), arrays, rng)
    new, at = made["x"][gaps.gaps[0].at], moved["y"]["y_1|site"][SEEN:]
    assert (moved["y"]["y_1|site"][:SEEN] == 0).all()
    assert np.allclose(new + at, x + own)
    assert abs(np.corrcoef(new - means, x - means)[0, 1]) < 0.9  # it moved
    again = joint(means, np.random.default_rng(3))
    for drawn, expected in ((new, again[0]), (at, again[1]), (new - at, again[0] - again[1])):
        assert stats.ks_2samp(drawn, expected).pvalue > 1e-4


def test_cells_and_effects_in_turn_forget_where_they_started():
    gaps, means = table()
    slopes = {}
    for moving in (False, True):
        rng = np.random.default_rng(4)
        arrays, own = gaps.gaps[0].fill(gaps.frame.arrays, means), np.zeros(len(means))
        for _ in range(8):
            arrays = redraw(gaps, values(own), arrays, rng)
            if moving:
                arrays, _ = shifted(gaps, values(own), arrays, rng)
            own = effects(means - arrays["x"][gaps.gaps[0].at], rng)
        slopes[moving] = np.polyfit(means, arrays["x"][gaps.gaps[0].at], 1)[0]
    exact = 1 / (1 + SD**2 + SIGMA**2 / ROWS)
    assert abs(slopes[True] - exact) < 0.1
    assert slopes[False] > exact + 0.2  # it began at 1


@pytest.mark.parametrize("formula", ["y ~ x + z", "y ~ x:z + (1 | site)", "y ~ x + (1 + z | site)"])
def test_where_no_effect_takes_up_a_change_nothing_moves(formula):
    gaps, means = table(formula if "site" in formula else f"{formula} + (0 + z | site)")
    arrays = gaps.gaps[0].fill(gaps.frame.arrays, means)
    made, moved = shifted(gaps, {}, arrays, np.random.default_rng(1))
    assert moved == {}
    assert (made["x"] == arrays["x"]).all()
