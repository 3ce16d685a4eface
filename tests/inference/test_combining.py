"""Combining rules against hand computation and against one another."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bayessynth.errors import DataError
from bayessynth.inference.combining import (
    RULES,
    interval,
    moments,
    nested,
    original_variance,
    rule_named,
    variance,
    wald,
)
from bayessynth.inference.estimate import SCALES

Q, V = np.array([1.0, 1.4, 1.2, 1.8]), np.array([0.10, 0.20, 0.16, 0.14])
# By hand: q̄ = 1.35, b = (.1225 + .0025 + .0225 + .2025)/3 = .116667, v̄ = .15.
B, W = 0.35 / 3, 0.15


def test_moments_by_hand() -> None:
    q, b, v = moments(Q, V)
    assert (q, b, v) == pytest.approx((1.35, B, W))


@pytest.mark.parametrize(
    ("rule", "ratio", "total", "df"),
    [
        ("proper", 1.0, 0.15 * (1 + 2 / 4), np.inf),
        ("proper", 2.0, 0.15 * (2 + 3 / 4), np.inf),
        ("plug_in", 1.0, 0.15 * (1 + 1 / 4), np.inf),
        ("partial", 1.0, 0.15 + B / 4, 3 * (1 + 0.15 * 4 / B) ** 2),
    ],
)
def test_totals_by_hand(rule: str, ratio: float, total: float, df: float) -> None:
    found = variance(RULES[rule], B, W, 4, ratio)
    assert found.total == pytest.approx(total)
    assert found.df == pytest.approx(df)
    assert not found.fallback


def test_rrr_by_hand_and_its_fallback() -> None:
    found = variance(RULES["rrr"], 0.4, 0.15, 4, 1.0)
    r = 1.25 * 0.4 / 0.15
    assert found.total == pytest.approx(0.35)
    assert found.df == pytest.approx(3 * (1 - 1 / r) ** 2)
    fallen = variance(RULES["rrr"], B, W, 4, 2.0)  # 1.25 · .1167 < .15
    assert (fallen.total, fallen.df, bool(fallen.fallback)) == (pytest.approx(0.30), np.inf, True)


def test_interval_is_t_with_the_rules_degrees_of_freedom() -> None:
    found = variance(RULES["partial"], B, W, 4, 1.0)
    low, high = interval(1.35, found, 0.9)
    half = stats.t.ppf(0.95, found.df) * np.sqrt(found.total)
    assert (low, high) == (pytest.approx(1.35 - half), pytest.approx(1.35 + half))


def test_entries_of_matrices_are_combined_as_numbers_are() -> None:
    b, v = np.array([[0.2, 0.1], [0.1, 0.3]]), np.array([[0.15, 0.05], [0.05, 0.15]])
    for rule in RULES.values():
        whole = rule.total(b, v, 5, 1.0)
        assert whole[0, 1] == pytest.approx(rule.total(b[0, 1], v[0, 1], 5, 1.0))


def test_about_the_originals_estimate() -> None:
    assert original_variance(RULES["proper"], 0.15, 5, 2.0) == pytest.approx(0.15 * 3 / 5)
    assert original_variance(RULES["plug_in"], 0.15, 5, 2.0) == pytest.approx(0.03)
    with pytest.raises(DataError, match="needs the rule 'proper' or 'plug_in'"):
        original_variance(RULES["rrr"], 0.15, 5, 2.0)


def test_nested_by_hand() -> None:
    q = np.array([[1.0, 1.2, 1.1], [1.5, 1.3, 1.4]])
    v = np.full((2, 3), 0.2)
    mean, found = nested(q, v)
    between, within = np.var([1.1, 1.4], ddof=1), 0.01
    total = 1.5 * between - within / 3 + 0.2
    assert mean == pytest.approx(1.25)
    assert found.total == pytest.approx(total)
    inverse = (1.5 * between) ** 2 / (1 * total**2) + (within / 3) ** 2 / (2 * 2 * total**2)
    assert found.df == pytest.approx(1 / inverse)
    with pytest.raises(DataError, match="at least 2 imputations"):
        nested(q[:1], v[:1])


def test_wald_of_one_coefficient_is_the_square_of_its_z() -> None:
    statistic, df, p = wald(RULES["proper"], np.array([1.35]), np.array([[B]]), np.array([[W]]), 4, 1.0)
    z = 1.35 / np.sqrt(variance(RULES["proper"], B, W, 4, 1.0).total)
    assert (statistic, df) == (pytest.approx(z**2), np.inf)
    assert p == pytest.approx(2 * stats.norm.sf(z))


def test_wald_of_partial_copies_is_reiters() -> None:
    """Reiter (2005): S = q̄'V̄⁻¹q̄/(p(1 + r)), r = tr(B V̄⁻¹)/(pm), F with w = 4 + (t − 4)(1 + (1 − 2/t)/r)²."""
    q, b, v, m = np.array([0.6, -0.4]), np.diag([0.08, 0.12]), np.diag([0.2, 0.1]), 5
    r = (0.08 / 0.2 + 0.12 / 0.1) / 2 / m
    t = 2 * (m - 1)
    w = 4 + (t - 4) * (1 + (1 - 2 / t) / r) ** 2
    s = (0.36 / 0.2 + 0.16 / 0.1) / (2 * (1 + r))
    assert wald(RULES["partial"], q, b, v, m, 1.0) == pytest.approx((s, w, stats.f.sf(s, 2, w)))


def test_a_misspelt_rule_is_met_with_the_nearest() -> None:
    with pytest.raises(DataError, match=r"no combining rule 'propr'. Did you mean 'proper'"):
        rule_named("propr")


@pytest.mark.parametrize("name", SCALES)
def test_scales_go_forward_and_back(name: str) -> None:
    scale, x, step = SCALES[name], 0.3, 1e-6
    assert scale.back(scale.forward(x)) == pytest.approx(x)
    assert scale.slope(x) == pytest.approx((scale.forward(x + step) - scale.forward(x - step)) / (2 * step), rel=1e-6)
