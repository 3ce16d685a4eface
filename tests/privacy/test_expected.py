"""What copies with formal privacy can be expected to keep: references that know the noise, and what the copies tell."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayessynth as bs
from bayessynth.evaluation.expected import expected_utility
from bayessynth.evaluation.registry import entries
from bayessynth.evaluation.tables import read_tables
from bayessynth.report.card import card
from tests.privacy import tables
from tests.privacy.tables import DOMAIN

SPEC = bs.Spec("sex ~ 1", "x ~ sex", "y ~ x + sex")
MEASURES = ["univariate", "pairs", "correlations", "wasserstein", "pmse", "c2st"]


def table(n: int, seed: int = 0) -> pd.DataFrame:
    return tables.table(n, seed)[["x", "y", "sex"]]


def copies_of(frame: pd.DataFrame, epsilon: float, seed: int = 3, m: int = 100) -> bs.SyntheticData:
    ask = bs.DP(epsilon, 1e-5, domain=DOMAIN, test_seed=seed)
    with warnings.catch_warnings(action="ignore", category=bs.errors.PrivacyWarning):
        return SPEC.fit(frame, privacy=ask, tune=200, random_seed=seed, cores=1).synthesize(m=m, random_seed=seed)


@pytest.fixture(scope="module")
def original() -> pd.DataFrame:
    return table(2000)


@pytest.fixture(scope="module")
def copies(original: pd.DataFrame) -> bs.SyntheticData:
    return copies_of(original, 0.3)


def judged(original: pd.DataFrame, copies: bs.SyntheticData, known: bool = True, shift: float = 0.0) -> dict[str, Any]:
    """Judge eight copies, of which it is known that they carry noise, or not."""
    frames = [frame.assign(x=frame["x"] + shift) for frame in list(copies)[:8]]
    read = read_tables(original, frames, provenance=copies.provenance if known else None, max_rows=1000)
    return {one.name: one for e in entries("utility") if e.name in MEASURES for one in e.compute(read)}


def test_references_know_the_noise(original: pd.DataFrame, copies: bs.SyntheticData) -> None:
    """At so small a budget copies of a right model differ by more than samples do, which sampling alone would fail."""
    known, blind = judged(original, copies), judged(original, copies, known=False)
    for name in ("correlations", "pairs", "wasserstein"):
        assert blind[name].verdict in ("warn", "fail"), blind[name]
        assert known[name].verdict == "pass", known[name]
        assert known[name].value == blind[name].value
        assert "two copies (noise of formal privacy included)" in known[name].reading
    assert {one.verdict for one in known.values()} == {"pass"}
    assert known["c2st_boosting"].reference > 0.5 and known["pmse"].reference > 1


def test_the_noise_excuses_no_wrong_model(original: pd.DataFrame, copies: bs.SyntheticData) -> None:
    found = judged(original, copies, shift=30.0)
    for name in ("univariate_numbers", "wasserstein"):
        assert found[name].verdict == "fail", found[name]
    assert found["c2st_boosting"].verdict != "pass", found["c2st_boosting"]


def test_a_comparison_expects_the_noise(original: pd.DataFrame, copies: bs.SyntheticData) -> None:
    found = bs.compare(original, copies, "y ~ x + sex")
    assert found.noise is not None and (found.noise > 1).all()
    assert found.reference < 0.6 < bs.compare(original, list(copies), "y ~ x + sex").reference
    assert abs(found.overlap - found.reference) < 0.25
    assert found.p_value > 0.01 and "with this noise of formal privacy" in found.summary()


def test_the_card_tells_what_to_expect_and_reads_no_original(original: pd.DataFrame, copies: bs.SyntheticData) -> None:
    shown = card(copies).measures
    assert [one.title for one in shown][:1] == ["Expected: Rank correlations of numbers (average absolute difference)"]
    with warnings.catch_warnings(action="ignore"):
        other = bs.evaluate(table(2000, seed=9), copies, measures=["univariate"])
    assert card(other).measures == shown
    assert card(replace(other, measures=())).measures == shown


def test_what_copies_score_against_each_other_bounds_what_they_score_against_the_original(
    original: pd.DataFrame, copies: bs.SyntheticData
) -> None:
    expected = {one.name: one for one in expected_utility(list(copies)[:10])}
    found = judged(original, copies)
    for name in ("univariate_numbers", "correlations"):
        assert found[name].value < 1.5 * expected[f"expected_{name}"].value
        assert found[name].value > 0.4 * expected[f"expected_{name}"].value
    assert expected_utility(list(copies)[:1]) == []


@pytest.mark.slow
def test_the_lack_of_fit_of_a_right_model_is_uniform() -> None:
    originals = {seed: table(1000, seed) for seed in range(60)}
    found = [bs.compare(one, copies_of(one, 1.0, seed, 150), "y ~ x + sex") for seed, one in originals.items()]
    assert stats.kstest([one.p_value for one in found], "uniform").pvalue > 0.01
    distance = np.mean([one.distance for one in found])
    assert distance == pytest.approx(np.mean([one.reference_distance for one in found]), rel=0.15)
