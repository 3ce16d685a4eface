"""Noise: the exact sampler and the seeded one follow the discrete Gaussian; the seeded one is marked everywhere."""

from __future__ import annotations

import sys
import time

import numpy as np
import pytest
from scipy import stats

import bayessynth as bs
from bayessynth.errors import PrivacyError, PrivacyWarning
from bayessynth.privacy import Exact, Seeded, marginals, moments
from bayessynth.privacy.noise import Noise
from tests.privacy.tables import DOMAIN, start, table


def seeded(seed: int) -> Seeded:
    with pytest.warns(PrivacyWarning, match=f"test_seed={seed}: the noise of this release can be repeated"):
        return Seeded(seed)


@pytest.mark.parametrize("scale", [0.7, 3.3])
@pytest.mark.parametrize("which", ["exact", "seeded"])
def test_noise_follows_the_discrete_gaussian(which: str, scale: float) -> None:
    noise: Noise = Exact() if which == "exact" else seeded(1)
    drawn = noise.gaussian([5] * 10_000, scale) - 5
    support = np.arange(-30, 31)
    weights = np.exp(-(support**2) / (2 * scale**2))
    expected = 10_000 * weights / weights.sum()
    observed = np.bincount(drawn + 30, minlength=61)
    busy = expected > 5
    observed, expected = np.r_[observed[busy], observed[~busy].sum()], np.r_[expected[busy], expected[~busy].sum()]
    assert stats.chisquare(observed, expected).pvalue > 1e-6


def test_large_scales_have_the_variance_that_is_stated() -> None:
    for noise in (Exact(), seeded(2)):
        drawn = noise.gaussian([0] * 4000, 4.0e7)
        statistic = (drawn.astype(float) ** 2).sum() / 4.0e7**2
        assert 1e-6 < stats.chi2.cdf(statistic, 4000) < 1 - 1e-6
        assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 0.1


@pytest.mark.parametrize("which", ["exact", "seeded"])
def test_a_choice_follows_the_exponential_mechanism(which: str) -> None:
    noise: Noise = Exact() if which == "exact" else seeded(3)
    weights = np.exp(np.array([0, 1, 4]) / 2)
    chosen = np.bincount([noise.largest([0, 1, 4], 2.0) for _ in range(1000)], minlength=3)
    assert stats.chisquare(chosen, 1000 * weights / weights.sum()).pvalue > 1e-6


def test_ten_thousand_numbers_take_a_tenth_of_a_second() -> None:
    exact = Exact()
    start_time = time.process_time()
    exact.gaussian([0] * 10_000, 4.05e6)
    assert time.process_time() - start_time < 0.3  # 0.09 s where nothing else runs


def test_values_beyond_64_bits_are_cut() -> None:
    drawn = Exact().gaussian([2**80, -(2**80)], 3.0)
    assert drawn[0] > 2**62 and drawn[1] < -(2**62)


def test_without_a_seed_no_two_releases_agree_and_with_one_they_do() -> None:
    frame = table(20)
    totals = [moments(start(), frame, ["x"], rho=0.01).total for _ in range(2)]
    assert (totals[0] != totals[1]).all()
    totals = [moments(start(noise=seeded(4)), frame, ["x"], rho=0.01).total for _ in range(2)]
    np.testing.assert_array_equal(*totals)
    twice = seeded(4)
    assert (twice.gaussian([0] * 9, 99.0) != twice.gaussian([0] * 9, 99.0)).any()


def test_a_seed_marks_every_output() -> None:
    with pytest.warns(PrivacyWarning):
        ask = bs.DP(1, 1e-5, domain=DOMAIN, test_seed=1)
        released = ask.release(bs.Spec("x ~ 1", "y ~ x", "arm ~ sex", "sex ~ 1"), table(50))
    assert released.test and released.moments[0].test and released.marginals[0].test
    assert all(entry.mechanism.endswith("test seed") for entry in released.ledger.entries)
    assert (released + released).moments[0].test
    real = bs.DP(1, 1e-5, domain=DOMAIN).release(bs.Spec("x ~ 1"), table(50))
    assert not real.test and not real.moments[0].test and real.ledger.entries[0].mechanism == "discrete Gaussian"
    assert not marginals(start(), table(5), [["arm"]], rho=0.01).test


def test_opendp_is_needed_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opendp.prelude", None)
    with pytest.raises(PrivacyError, match=r"OpenDP, which is not installed: pip install 'bayessynth\[dp\]'"):
        Exact()
    assert bs.DP(1, 1e-5, domain=DOMAIN).plan(bs.Spec("x ~ 1"), 100).rho > 0
