"""Pooling copies that carry the noise of formal privacy: one rule only, enough copies, and what others would miss."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.errors import DataError
from bayessynth.inference.combining import RULES
from bayessynth.inference.pooling import combine, estimates

DOMAIN = bs.Domain({"x": bs.Bounds(-10, 10), "y": bs.Bounds(-10, 10)}, source="made up")
SPEC = bs.Spec("x ~ 1", "y ~ x")
SLOPE, N = 0.5, 1000


def table(rng: np.random.Generator, n: int = N) -> pd.DataFrame:
    x = rng.normal(0.0, 3.0, n)
    return pd.DataFrame({"x": x, "y": SLOPE * x + rng.normal(0.0, 2.5, n)})


def fitted(seed: int, epsilon: float = 1.0, draws: int = 250) -> bs.Fitted:
    ask = bs.DP(epsilon, 1e-5, domain=DOMAIN, test_seed=seed)
    with warnings.catch_warnings(action="ignore", category=bs.errors.BayesSynthWarning):
        return SPEC.fit(
            table(np.random.default_rng(seed)), privacy=ask, draws=draws, tune=200, random_seed=seed, cores=1
        )


@pytest.fixture(scope="module")
def copies() -> bs.SyntheticData:
    return fitted(1).synthesize(m=100, k=200, force=True, random_seed=1)


def test_a_hundred_copies_are_pooled_by_the_rule_that_holds_the_noise(copies: bs.SyntheticData) -> None:
    pooled = copies.pool("y ~ x")
    assert pooled.rule.name == "rrr" and pooled.m == 100
    assert pooled.table.loc["x", "low"] < SLOPE < pooled.table.loc["x", "high"]


REASON = (
    r"leaves out the noise of formal privacy, .* Only rule='rrr' \(Raghunathan, Reiter and Rubin 2003\) with m ≥ 100"
)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda c: c.pool("y ~ x", rule="proper"), r"rule='proper' \(Raab, Nowok and Dibben \(2016\)\) " + REASON),
        (lambda c: c.pool("y ~ x", rule="plug_in"), r"rule='plug_in' \(Raab, Nowok and Dibben \(2016\)\) " + REASON),
        (lambda c: c.pool("y ~ x", rule="partial"), r"rule='partial' \(Reiter \(2003\)\) " + REASON),
        (lambda c: c.pool("y ~ x", nests=10), r"The rule 'nested' \(Reiter \(2004\)\) " + REASON),
        (lambda c: bs.compare(c[0], c, "y ~ x", rule="proper"), r"rule='proper' \(Raab"),
    ],
)
def test_other_rules_are_refused_by_name(
    copies: bs.SyntheticData, ask: Callable[[bs.SyntheticData], Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        ask(copies)


def test_fewer_than_a_hundred_copies_are_refused() -> None:
    few = fitted(1).synthesize(m=99, k=50, force=True, random_seed=1)
    message = "'rrr' needs at least 100 copies where they carry the noise of formal privacy; there are 99"
    for ask in (lambda: few.pool("y ~ x"), lambda: bs.compare(few[0], few, "y ~ x")):
        with pytest.raises(DataError, match=message):
            ask()


@pytest.mark.slow
def test_intervals_cover_by_this_rule_and_not_by_raabs() -> None:
    """In 150 repetitions of {draw a table, release, fit, synthesise 100 copies of n rows, pool} at epsilon 1.

    Declared priors are wide, so that coverage is that of repeated tables: for rrr within three standard errors of 95 %
    or above it; Raab's rule takes b/v̄ = 2 for granted where the noise makes it many times larger.
    """
    covers: dict[str, list[bool]] = {"rrr": [], "proper": []}
    for seed in range(150):
        made = fitted(seed)
        frames = list(made.synthesize(m=100, k=N, force=True, random_seed=seed))
        found = estimates(frames, "y ~ x", "ols", {})
        for name, kept in covers.items():
            row = combine(found, RULES[name], N, made.bound.n).table.loc["x"]
            kept.append(bool(row["low"] <= SLOPE <= row["high"]))
    coverage = {name: float(np.mean(kept)) for name, kept in covers.items()}
    assert coverage["rrr"] >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / 150), coverage
    assert coverage["proper"] < 0.75, coverage
