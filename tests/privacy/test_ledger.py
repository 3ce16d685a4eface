"""The ledger: composition, refusal before noise is drawn, earlier releases, JSON."""

from __future__ import annotations

import json
import math
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

import bayessynth as bs
from bayessynth.errors import PrivacyError
from bayessynth.privacy import Entry, epsilon_of
from tests.privacy.tables import Silent, start


def test_costs_add_up_and_convert_once() -> None:
    ledger = bs.Ledger(1, 1e-5)
    assert ledger.epsilon_spent == 0 and ledger.left == ledger.total
    for i in range(5):
        ledger.spend("discrete Gaussian", f"release {i}", 0.005, sensitivity=1, scale=10)
    assert ledger.spent == pytest.approx(0.025) and ledger.left == pytest.approx(ledger.total - 0.025)
    assert ledger.epsilon_spent == epsilon_of(ledger.spent, 1e-5) < 1
    assert "epsilon 0.8" in repr(ledger) and "release 4 (discrete Gaussian)" in repr(ledger)


def test_overspending_is_refused_before_noise_is_drawn() -> None:
    class Counting(Silent):
        drawn = 0

        def gaussian(self, values: Any, scale: float) -> Any:
            Counting.drawn += 1
            return super().gaussian(values, scale)

        largest = gaussian  # type: ignore[assignment]

    release = start(noise=Counting())
    total = release.ledger.total
    release.gaussian([1], 1, total / 2, "half")
    before = release.ledger.entries
    with pytest.raises(PrivacyError, match=r"does not suffice for 'more': it costs .* 0\.0153 of 0\.03"):
        release.gaussian([1], 1, total * 0.500001, "more")
    with pytest.raises(PrivacyError, match="does not suffice for 'a tree'"):
        release.largest([1, 2], 1, total, "a tree")
    assert Counting.drawn == 1 and release.ledger.entries == before
    release.gaussian([1], 1, total - release.ledger.spent, "the rest")
    assert release.ledger.left == pytest.approx(0, abs=1e-16)


def test_entries_cannot_be_changed() -> None:
    ledger = bs.Ledger(1, 1e-5)
    entry = ledger.spend("noisy max", "a tree", 0.001)
    with pytest.raises(FrozenInstanceError):
        entry.rho = 0.0  # type: ignore[misc]
    with pytest.raises(AttributeError):
        ledger.entries = ()  # type: ignore[misc]


def test_earlier_releases_are_paid_too() -> None:
    earlier = [Entry.earlier("counts 2023", epsilon=0.1), Entry.earlier("means 2024", rho=0.02)]
    ledger = bs.Ledger(1, 1e-5, earlier)
    assert ledger.spent == pytest.approx(0.025)
    with pytest.raises(PrivacyError, match="does not suffice for 'counts 2023'"):
        bs.Ledger(0.1, 1e-5, earlier)
    with pytest.raises(PrivacyError, match="'both': state either rho= or"):
        Entry.earlier("both", rho=0.1, epsilon=1)


def test_a_ledger_survives_json() -> None:
    ledger = bs.Ledger(1, 1e-5, [Entry.earlier("counts", rho=0.01)])
    ledger.spend("discrete Gaussian", "moments", 0.01, sensitivity=2.0, scale=9.5)
    again = bs.Ledger.from_json(json.loads(json.dumps(ledger.to_json())))
    assert again.entries == ledger.entries and again.spent == ledger.spent and again.total == ledger.total


@pytest.mark.parametrize("rho", [0.0, -1.0, math.inf, math.nan, "1"])
def test_a_cost_is_a_number_above_zero(rho: Any) -> None:
    with pytest.raises(PrivacyError, match="must be a finite number above zero"):
        bs.Ledger(1, 1e-5).spend("discrete Gaussian", "moments", rho)
