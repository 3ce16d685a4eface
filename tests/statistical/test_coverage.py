"""Pooled 95 % intervals cover the population's value as often as they say, rule by rule."""

from __future__ import annotations

import pytest

from tests.statistical import coverage
from tests.statistical.coverage import CASES, Case, simulate, simulate_nested

FEW = [Case("proper", 5), Case("partial", 5), Case("rrr", 100), Case("proper", 1, low=0.72, high=0.76, naive=True)]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=str)
def test_coverage_of_5000_repetitions(case: Case) -> None:
    found = simulate(case, 5000).set_index("estimand")["coverage"]
    assert found.between(case.low, case.high).all(), found.to_string()


@pytest.mark.parametrize("case", FEW, ids=str)
def test_coverage_of_some_rules(case: Case) -> None:
    found = simulate(case, 5000, seed=2).set_index("estimand")["coverage"]
    assert found.between(case.low, case.high).all(), found.to_string()


def test_coverage_of_partially_synthetic_copies_of_imputations() -> None:
    assert 0.94 <= simulate_nested(5000) <= 0.96


@pytest.mark.parametrize(("copies", "wrong"), [("proper", "plug_in"), ("plug_in", "proper"), ("proper", "partial")])
def test_the_simulation_finds_a_wrong_rule(copies: str, wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies pooled by a rule for other copies miss the range: T is too small, or too large."""
    monkeypatch.setattr(coverage, "RULES", {**coverage.RULES, copies: coverage.RULES[wrong]})
    case = Case(copies, 1) if wrong != "partial" else Case(copies, 2, ratio=5)
    found = simulate(case, 2000).set_index("estimand")["coverage"]
    assert not found.between(0.94, 0.96).any(), found.to_string()
