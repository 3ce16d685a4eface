"""Sums of products hold what the rows hold."""

from __future__ import annotations

import numpy as np
import pytest

import bayessynth as bs
from bayessynth.suffstats import Gram, gram, unserved
from bayessynth.suffstats.accumulate import accumulate
from tests.fitting.engines.tables import bound, table


def columns(n: int = 5000, seed: int = 1) -> list[np.ndarray]:
    """Ones, a year, an income and a response: far from zero, on scales far apart."""
    rng = np.random.default_rng(seed)
    year = rng.integers(2000, 2021, n).astype(float)
    return [np.ones(n), year, rng.lognormal(13, 1, n), 1e6 + 3.0 * year + rng.normal(size=n)]


def summed(values: list[np.ndarray], cells: np.ndarray, size: int) -> Gram:
    shift = np.array([0.0, *(v[:100].mean() for v in values[1:])])
    scale = np.array([1.0, *(v[:100].std() for v in values[1:])])
    counts, moments = accumulate(values, cells, size, shift, scale)
    return Gram(("1", "year", "income", "y"), shift, scale, {"g": np.arange(size)}, counts, moments)


def residual(sums: Gram) -> float:
    """Return the sum of squares that a regression of the last column on the others leaves."""
    whole = sums.moments.sum(axis=0)
    return float(whole[-1, -1] - whole[-1, :-1] @ np.linalg.solve(whole[:-1, :-1], whole[:-1, -1]))


@pytest.mark.parametrize("size", [1, 7])
def test_a_regression_from_sums_is_that_from_rows(size: int) -> None:
    values, cells = columns(), np.random.default_rng(2).integers(0, size, 5000)
    sums = summed(values, cells, size)
    own = sums.about(np.array([0.0, *(v.mean() for v in values[1:])]), np.array([1.0, *(v.std() for v in values[1:])]))
    design = np.column_stack([(v - v.mean()) / v.std() if i else v for i, v in enumerate(values)])
    found = np.linalg.lstsq(design[:, :-1], design[:, -1], rcond=None)[1][0]
    assert residual(own) == pytest.approx(found, rel=1e-9)
    np.testing.assert_array_equal(own.counts, np.bincount(cells, minlength=size))


def test_sums_of_parts_add_up_in_any_order() -> None:
    values, cells = columns(), np.random.default_rng(2).integers(0, 5, 5000)
    whole = summed(values, cells, 5)
    parts = [summed([v[rows] for v in values], cells[rows], 5)
             for rows in (slice(0, 200), slice(200, 1200), slice(1200, 5000))]  # fmt: skip
    for order in ((0, 1, 2), (2, 1, 0), (1, 0, 2)):
        total = parts[order[0]] + parts[order[1]] + parts[order[2]]
        again = total.about(whole.shift, whole.scale)
        np.testing.assert_allclose(again.moments, whole.moments, rtol=1e-9, atol=1e-9 * np.abs(whole.moments).max())
        np.testing.assert_array_equal(again.counts, whole.counts)


def test_cells_that_only_one_part_has_are_kept() -> None:
    sums = [Gram(("1",), np.zeros(1), np.ones(1), {"g": np.array(g)}, np.array([1, 2]), np.ones((2, 1, 1)))
            for g in ([0, 3], [1, 3])]  # fmt: skip
    both = sums[0] + sums[1]
    assert both.codes["g"].tolist() == [0, 1, 3] and both.counts.tolist() == [1, 1, 4]


def test_other_columns_cannot_be_added() -> None:
    one = Gram(("1",), np.zeros(1), np.ones(1), {}, np.array([1]), np.ones((1, 1, 1)))
    two = Gram(("1", "x"), np.zeros(2), np.ones(2), {}, np.array([1]), np.ones((1, 2, 2)))
    with pytest.raises(ValueError, match="different columns"):
        one + two


def test_a_cell_outside_its_number_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"reach from 0 to 3, outside 0\.\.2"):
        accumulate([np.ones(2)], np.array([0, 3]), 3, np.zeros(1), np.ones(1))


def test_crossed_factors_make_a_cell_of_every_combination() -> None:
    frame = table()
    own = bound("number ~ x + (1 + x | site) + (1 | rater)", frame)
    sums = gram(own)
    assert len(sums.counts) == len(frame[["site", "rater"]].drop_duplicates()) and sums.n == len(frame)
    assert sums.columns == ("1", "x", "number") and sums.exact and sums.size > 0


def test_what_sums_cannot_hold_is_named() -> None:
    assert unserved(bound("number ~ x").equation) is None
    assert "is not the identity" in str(
        unserved(bound(bs.Equation("amount ~ x", family="normal", link="log")).equation)
    )
