"""Persons with several rows that are alike: what their unit estimates, and how sure its posterior is."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.errors import PrivacyWarning
from bayessynth.fitting.engines.noise_aware import sample
from bayessynth.fitting.engines.settings import Settings
from bayessynth.fitting.private import prepare
from bayessynth.privacy import Released
from tests.privacy.tables import table

DOMAIN = bs.Domain({"x": bs.Bounds(-4, 4), "y": bs.Bounds(-5, 5), "arm": bs.Levels("a", "b")}, source="codebook")
SPEC = bs.Spec("x ~ 1", "y ~ x")
CAPPED, WEIGHTED = bs.Unit("person", cap=3), bs.Unit("person", weighted=True)
QUICK: dict[str, Any] = {"tune": 200, "random_seed": 1, "cores": 1}


def alike(persons: int, seed: int) -> pd.DataFrame:
    """Return one to five rows of each person, three quarters of their variance between persons; y is 0.5 x and rest."""
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(persons), rng.integers(1, 6, persons))
    own = np.sqrt(0.75) * rng.standard_normal((2, persons))
    x, rest = own[:, person] + 0.5 * rng.standard_normal((2, len(person)))
    return pd.DataFrame({"person": person, "x": x, "y": 0.5 * x + rest, "arm": np.where(own[0][person] > 0, "b", "a")})


def released(unit: bs.Unit, frame: pd.DataFrame, spec: bs.Spec = SPEC, epsilon: float = 3, seed: int = 1) -> Released:
    with warnings.catch_warnings(action="ignore", category=PrivacyWarning):
        return spec.sufficient_statistics(frame, privacy=bs.DP(epsilon, 1e-5, unit, DOMAIN, test_seed=seed))


def test_how_many_rows_copies_have() -> None:
    frame = alike(1500, 1)
    kept = int(CAPPED.keep(frame).sum())
    for unit, rows in ((CAPPED, kept), (WEIGHTED, 1500)):
        fitted = SPEC.fit(released(unit, frame), **QUICK)
        assert abs(fitted.bound.n - rows) < 0.05 * rows, unit
        tables = bs.Spec("arm ~ 1").fit(released(unit, frame, bs.Spec("arm ~ 1")), **QUICK)
        assert abs(tables.bound.n - rows) < 0.05 * rows, unit


def test_the_statement_says_what_is_used(tmp_path: Path) -> None:
    own = released(WEIGHTED, alike(300, 2), bs.Spec("arm ~ 1"))
    assert "per person (column 'person', all rows, together one)" in own.statement
    assert own.record()["statistics"][0]["scale"] == "persons" and own.record()["unit"]["weighted"]
    assert bs.privacy.Released.load(own.save(tmp_path / "own.npz")).unit == WEIGHTED
    plan = bs.DP(3, 1e-5, WEIGHTED, DOMAIN).plan(SPEC, n=300)
    assert "of a person (column 'person', all rows, together one), added or removed" in repr(plan)
    copies = SPEC.fit(released(WEIGHTED, alike(1500, 2)), **QUICK).synthesize(2, random_seed=1)
    copies.to_card(tmp_path / "card.html")
    card = (tmp_path / "card.html").read_text()
    assert "all, together with the weight of one (column" in card and "each person counts as one row" in card


def test_pairs_are_chosen_for_weighted_persons_as_for_records() -> None:
    frame = table(3000).assign(person=range(3000))
    domain = bs.Domain({c: bs.Levels(*sorted(frame[c].unique())) for c in ("sex", "arm", "site")}, source="codebook")
    with warnings.catch_warnings(action="ignore", category=PrivacyWarning):
        copies = bs.synthesize(frame, 2, privacy=bs.DP(3, 1e-5, WEIGHTED, domain, test_seed=1), random_seed=1)
    assert abs(len(copies[0]) - 3000) < 100 and abs((copies[0]["sex"] == "f").mean() - 0.5) < 0.05


@pytest.mark.slow
@pytest.mark.parametrize(("unit", "least"), [(CAPPED, 0.93), (WEIGHTED, 0.93), (None, 0.0)])
def test_intervals_cover_though_rows_are_alike(unit: bs.Unit | None, least: float) -> None:
    """Taken as independent records they cover far less, which shows that the table is hard enough."""
    settings, own, truth = Settings(500, 300, 2), unit or CAPPED, {"x_Intercept": 0.0, "y_Intercept": 0.0, "y_x": 0.5}
    ready = prepare(SPEC, DOMAIN, own)
    covered = []
    for seed in range(300):
        (sums,) = released(own, alike(400, seed), epsilon=10, seed=seed).moments
        sums = sums.scaled(1 / own.cap) if unit else sums
        found = sample(ready.bound, sums, ready.bounds, settings, seed).posteriors
        draws = {name: values for p in found.values() for name, (_, values) in p.variables.items()}
        ends = {name: np.quantile(draws[name], [0.025, 0.975]) for name in truth}
        covered.append([ends[name][0] <= true <= ends[name][1] for name, true in truth.items()])
    coverage = np.mean(covered, axis=0)
    if unit is None:
        assert coverage[0] < 0.9, coverage
    assert (coverage >= least).all(), coverage
