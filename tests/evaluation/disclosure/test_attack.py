"""AUC, excess, rates and risks against scikit-learn, statsmodels and hand computation."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from bayessynth.evaluation.disclosure._attack import (
    Rate,
    Scores,
    auc,
    conclusion,
    excess,
    judge_excess,
    membership,
    risk,
    true_positives,
)
from bayessynth.evaluation.disclosure._risk import judge_risk, risk_measure


def scores(seed: int, n1: int = 300, n0: int = 200, shift: float = 0.3, decimals: int = 1) -> Scores:
    rng = np.random.default_rng(seed)
    return Scores(rng.normal(shift, 1, n1).round(decimals), rng.normal(size=n0).round(decimals))


@pytest.mark.parametrize("decimals", [0, 1, 6])
def test_the_auc_is_scikit_learns(decimals):
    s = scores(1, decimals=decimals)
    truth = np.append(np.ones(300), np.zeros(200))
    assert auc(s)[0] == pytest.approx(roc_auc_score(truth, np.append(s.members, s.others)), abs=1e-12)


def test_the_standard_error_is_the_spread_over_repetitions():
    areas, errors = zip(*(auc(scores(i)) for i in range(400)), strict=True)
    assert np.mean(errors) == pytest.approx(np.std(areas), rel=0.1)


def test_scores_that_say_nothing_have_the_standard_error_of_the_theory():
    errors = [auc(scores(i, 400, 400, 0.0, 6))[1] for i in range(20)]
    assert np.mean(errors) == pytest.approx(1 / np.sqrt(6 * 400), rel=0.03)


def test_the_interval_of_an_excess_is_narrower_for_a_control_on_the_same_records():
    rng = np.random.default_rng(2)
    control = scores(2, decimals=6)
    attack = Scores(control.members + rng.normal(0, 0.1, 300), control.others + rng.normal(0, 0.1, 200))
    other = scores(3, decimals=6)
    paired, apart = (excess(attack, c, np.random.default_rng(1)) for c in (control, other))
    assert paired[0] == pytest.approx(auc(attack)[0] - auc(control)[0])
    assert paired[1] <= paired[0] <= paired[2]
    assert paired[2] - paired[1] < 0.5 * (apart[2] - apart[1])


@pytest.mark.slow
def test_the_interval_of_an_excess_covers():
    """Of two noisy scores of the same records, the first better: 95 % intervals cover 92-97 % of the time."""
    truth, covered = [], []
    for i in range(300):
        rng = np.random.default_rng(i)
        known = Scores(rng.normal(0.4, 1, 200), rng.normal(size=200))
        pair = [
            Scores(known.members + rng.normal(0, sd, 200), known.others + rng.normal(0, sd, 200)) for sd in (0.5, 2)
        ]
        found = excess(pair[0], pair[1], rng)
        truth.append(found[0])
        covered.append(found[1:])
    center = np.mean(truth)
    low, high = np.array(covered).T
    assert 0.92 < ((low <= center) & (center <= high)).mean() < 0.975


def test_true_positives_at_the_rate_that_rests_on_ten_false_alarms():
    s = scores(5, 2000, 1500, 1.0, 6)
    rate, found = true_positives(s)
    false, true, _ = roc_curve(np.append(np.ones(2000), np.zeros(1500)), np.append(s.members, s.others))
    assert rate == 0.01
    assert found == pytest.approx(true[false <= 0.01].max(), abs=1e-12)
    assert true_positives(scores(5, 2000, 99)) is None
    assert true_positives(scores(5, 20, 100))[0] == 0.1


def test_true_positives_never_exceed_their_rate_of_false_alarms_where_scores_tie():
    s = Scores(np.ones(50), np.append(np.ones(60), np.zeros(40)))
    assert true_positives(s) == (0.1, 0.0)


def test_wilsons_interval_by_hand():
    z, p, n = 1.959964, 0.3, 50
    center = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    assert Rate(15, 50).interval() == pytest.approx((center - half, center + half), abs=1e-6)


def test_the_risk_by_hand():
    value, (low, high) = risk(Rate(60, 100), Rate(20, 100))
    assert value == pytest.approx(0.5)
    (a_low, a_high), (c_low, c_high) = Rate(60, 100).interval(), Rate(20, 100).interval()
    assert low == pytest.approx(0.5 - np.hypot((0.6 - a_low) / 0.8, (c_high - 0.2) * 0.4 / 0.64))
    assert high == pytest.approx(0.5 + np.hypot((a_high - 0.6) / 0.8, (0.2 - c_low) * 0.4 / 0.64))


def test_a_control_that_always_succeeds_leaves_no_risk():
    assert risk(Rate(10, 10), Rate(10, 10)) == (0.0, (0.0, 0.0))


def test_a_risk_covers_the_truth():
    rng = np.random.default_rng(7)
    truth = (0.4 - 0.25) / 0.75
    covered = []
    for _ in range(2000):
        low, high = risk(Rate(rng.binomial(300, 0.4), 300), Rate(rng.binomial(300, 0.25), 300))[1]
        covered.append(low <= truth <= high)
    assert 0.935 < np.mean(covered) < 0.965


def test_a_verdict_needs_an_interval_above_zero():
    assert judge_excess(0.5, -0.01) == "pass"
    assert judge_excess(0.01, 0.005) == "pass"
    assert judge_excess(0.05, 0.01) == "warn"
    assert judge_excess(0.3, 0.11) == "fail"


def test_an_attack_below_its_baseline_failed_and_is_no_proof():
    assert judge_risk(Rate(50, 100), Rate(10, 100), baseline=0.6) == "info"
    found = risk_measure("x", "X", "Guessing", Rate(50, 100), Rate(10, 100), 0.6)
    assert found.verdict == "info"
    assert "it failed, which speaks of the attack and not of protection" in found.reading


def test_a_scaled_rate_stays_a_share():
    rate = Rate(40, 100, 3.0)
    assert rate.value == 1.0
    assert max(rate.interval()) == 1.0
    assert Rate(10, 100, 2.0).value == 0.2


def test_a_membership_reads_its_number_and_its_reference():
    found = membership("m", "M", "something", scores(1), scores(2), np.random.default_rng(1))
    assert f"{found.value:.1%}" in found.reading
    assert f"{found.reference:.1%}" in found.reading
    assert found.interval[0] < found.value < found.interval[1]
    alone = membership("m", "M", "something", scores(1), None, np.random.default_rng(1))
    assert alone.reference == 0.5
    assert "50 % is guessing" in alone.reading


@pytest.mark.parametrize("verdict", ["info", "pass", "warn", "fail"])
def test_no_conclusion_claims_protection(verdict):
    said = conclusion(verdict).lower()
    assert not any(word in said for word in ("anonym", "safe", "complian"))
