"""Comparison with the original: overlap and its reference, distances, signs, lack of fit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayessynth as bs
from bayessynth.errors import DataError
from bayessynth.inference.overlap import expected_distance, expected_overlap, overlap
from tests.inference.test_pooling import proper_copies


def test_overlap_by_hand() -> None:
    # Karr et al.: ½ [(4 − 2)/(4 − 0) + (4 − 2)/(6 − 2)].
    assert overlap(0.0, 4.0, 2.0, 6.0) == pytest.approx(0.5)
    assert overlap(0.0, 4.0, 2.0, 3.0) == pytest.approx(0.5 * (1 / 4 + 1))
    assert overlap(0.0, 1.0, 3.0, 4.0) == 0
    assert overlap(0.0, 1.0, 3.0, 4.0, clipped=False) == pytest.approx(-2.0)


def test_references_are_what_perfect_copies_reach() -> None:
    """The published values, which for one copy leave out that intervals may lie apart, and simulated estimates."""
    assert [round(expected_overlap(m, 1.0), 3) for m in (1, 5, 10, 20, 100)] == [0.713, 0.871, 0.909, 0.936, 0.971]
    assert [round(expected_overlap(m, 1.0, proper=False), 3) for m in (1, 20)] == [0.796, 0.954]


@pytest.mark.parametrize(("m", "ratio", "noise"), [(1, 1.0, 0.0), (5, 4.0, 0.0), (5, 0.5, 2.0), (100, 1.0, 25.0)])
def test_references_with_noise_and_other_sizes_are_what_perfect_copies_reach(
    m: int, ratio: float, noise: float
) -> None:
    """An estimate of 0 is released with noise; copies are drawn from its posterior, and estimated; se_o is 1."""
    rng, repetitions = np.random.default_rng(1), 100_000
    released = rng.normal(0, np.sqrt(noise), repetitions)
    spread_of_mean = np.sqrt((noise + 1 + 1 / ratio) / m)
    z = released + spread_of_mean * rng.normal(size=repetitions)
    assert np.abs(z).mean() == pytest.approx(expected_distance(m, ratio, noise=noise), rel=0.01)
    found = overlap(-1.96, 1.96, z - 1.96, z + 1.96)
    assert found.mean() == pytest.approx(expected_overlap(m, ratio, noise=noise), abs=0.002)


def test_the_original_as_its_own_copy_agrees_with_itself() -> None:
    df = proper_copies(1)[0]
    found = bs.compare(df, [df, df], "y ~ x")
    assert (found.overlap, found.distance, found.lack_of_fit) == pytest.approx((1.0, 0.0, 0.0), abs=1e-12)
    assert found.p_value == pytest.approx(1.0)
    assert found.signs == (2, 2)


def test_perfect_copies_reach_the_reference_and_the_lack_of_fit_is_uniform() -> None:
    rng = np.random.default_rng(0)
    n, found = 200, []
    for _ in range(60):
        x = rng.normal(size=(6, n))
        y = 1 + 0.5 * x[0] + rng.normal(size=n)
        X = np.column_stack([np.ones(n), x[0]])
        b, res = np.linalg.lstsq(X, y, rcond=None)[:2]
        s2 = res[0] / (n - 2)
        copies = []
        for row in x[1:]:
            beta = rng.multivariate_normal(b, s2 * np.linalg.inv(X.T @ X))
            copies.append(pd.DataFrame({"x": row, "y": beta[0] + beta[1] * row + np.sqrt(s2) * rng.normal(size=n)}))
        found.append(bs.compare(pd.DataFrame({"x": x[0], "y": y}), copies, "y ~ x"))
    overlaps = [f.table["overlap_unclipped"].mean() for f in found]
    assert np.mean(overlaps) == pytest.approx(found[0].reference, abs=0.02)
    assert np.mean([f.distance for f in found]) == pytest.approx(found[0].reference_distance, rel=0.12)
    assert stats.kstest([f.p_value for f in found], "uniform").pvalue > 0.01


def test_a_shifted_copy_is_found_out() -> None:
    df, *copies = proper_copies(6)
    moved = [c.assign(y=c["y"] - 3 * c["x"]) for c in copies]
    found = bs.compare(df, moved, "y ~ x")
    assert found.table.loc["x", "overlap"] == 0
    assert found.table.loc["x", "overlap_unclipped"] < 0
    assert found.signs == (1, 2)
    assert found.significances == (1, 2)
    assert found.p_value < 1e-6


def test_levels_are_learnt_from_the_original_too() -> None:
    df = pd.DataFrame({"y": np.arange(12.0) % 5, "s": list("abcabcabcabc")})
    found = bs.compare(df, [df[df["s"] != "c"], df], "y ~ s")
    assert "'s[T.c]' (1 of 2)" in " ".join(found.pooled.notes)
    assert found.table.loc["s[T.c]", "difference"] == pytest.approx(0.0)


def test_the_printed_comparison_has_its_references() -> None:
    df, *copies = proper_copies(6)
    text = str(bs.compare(df, copies, "y ~ x"))
    assert "perfect copies reach 0.871" in text
    assert "Lack of fit: chi-squared" in text
    assert "significance is kept in 2 of 2 with |z| > 3" in text
    assert len(bs.compare(df, copies, "y ~ x").plot().axes) == 1


def test_errors() -> None:
    df, *copies = proper_copies(3)
    with pytest.raises(DataError, match="needs at least 2 copies"):
        bs.compare(df, copies[:1], "y ~ x", rule="partial")
    with pytest.raises(DataError, match="no analysis model='olz'"):
        bs.compare(df, copies, "y ~ x", model="olz")
