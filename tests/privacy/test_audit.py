"""Audits: the mechanisms pass all three, and each audit finds the faults that it is there for."""

from __future__ import annotations

import dataclasses
import logging
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.errors import PrivacyError
from bayessynth.privacy import Exact, Ledger, Release, marginals, moments, rho_of
from bayessynth.privacy.accounting import noise_scale
from bayessynth.privacy.audit import audit_canary, audit_ledger, audit_output, power
from bayessynth.privacy.dp import carried_out
from bayessynth.privacy.moments import moment_layout, moment_sums
from bayessynth.privacy.noise import Noise
from bayessynth.privacy.routes import routes
from tests.privacy.tables import DOMAIN, FILLED, Silent, start, table

READ = ["x", "sex"]
CANARY = pd.DataFrame({"x": [100.0], "y": [3.0], "sex": ["m"], "arm": ["c"], "site": [3], "person": [99]})
FRAME = table(5)
NEIGHBOUR = pd.concat([FRAME, CANARY], ignore_index=True)
REPLACE = bs.Unit(relation="replace_one")
SPEC = bs.Spec("sex ~ 1", "x ~ sex", "y ~ x + (1 | site)", "arm ~ 1")
LAYOUT = moment_layout(DOMAIN, bs.Unit(), READ)
WEIGHTS = np.array(LAYOUT.weights, dtype=object)


class HalfNoise(Exact):
    """A sampler with half the scale that it is asked for."""

    def gaussian(self, values: Any, scale: float) -> np.ndarray:
        return super().gaussian(values, scale / 2)


def canary() -> np.ndarray:
    added = (moment_sums(DOMAIN, bs.Unit(), LAYOUT, CANARY, 1)[0] * WEIGHTS).astype(float)
    assert (added**2).sum() == LAYOUT.squared  # no record moves the sums further
    return added


@pytest.mark.parametrize(
    ("noise", "squared", "passes"),
    [(Exact(), LAYOUT.squared, True), (HalfNoise(), LAYOUT.squared, False), (Exact(), 1, False)],
    ids=["sound", "half the noise", "forgotten k"],
)
def test_a_canary_is_found_where_noise_is_too_small(noise: Noise, squared: int, passes: bool) -> None:
    runs = 10_000 if passes else 4_000
    scale = noise_scale(squared, rho_of(1, 1e-5))
    drawn = []
    for frame in (FRAME, NEIGHBOUR):
        sums = moment_sums(DOMAIN, bs.Unit(), LAYOUT, frame, 1) * WEIGHTS
        # Noise is independent from number to number, so that many runs are one.
        drawn.append(noise.gaussian(np.repeat(sums, runs, axis=0).ravel().tolist(), scale).reshape(runs, -1))
    audit = audit_canary(*drawn, canary(), epsilon=1, delta=1e-5)
    assert audit.passes is passes, audit
    assert audit.runs == runs


@pytest.mark.slow
@pytest.mark.parametrize(("noise", "runs", "passes"), [(Exact(), 10_000, True), (HalfNoise(), 4_000, False)])
def test_a_canary_in_runs_of_the_whole_mechanism(noise: Noise, runs: int, passes: bool) -> None:
    def run(frame: pd.DataFrame, noise: Noise) -> np.ndarray:
        own = start(noise=noise)
        found = moments(own, frame, READ, rho=own.ledger.total)
        return np.linalg.solve(np.linalg.cholesky(found.covariance), found.total[0])

    added = run(NEIGHBOUR, Silent()) - run(FRAME, Silent())
    drawn = [np.array([run(frame, noise) for _ in range(runs)]) for frame in (FRAME, NEIGHBOUR)]
    assert audit_canary(*drawn, added, epsilon=1, delta=1e-5).passes is passes


def test_what_the_canary_can_find_is_known() -> None:
    found = power([1, 1.25, 1.5, 2], epsilon=1, delta=1e-5, repeats=60)
    assert found[1] == 0 and found[1.25] < 0.4 and found[1.5] > 0.6 and found[2] > 0.98


def test_runs_that_all_err_tell_nothing() -> None:
    audit = audit_canary(np.ones((10, 1)), np.zeros((10, 1)), np.ones(1), epsilon=1, delta=1e-5)
    assert audit.mu == 0 and audit.passes


def release(frame: pd.DataFrame) -> Any:
    return bs.DP(1, 1e-5, domain=DOMAIN).release(SPEC, frame)


def with_log(frame: pd.DataFrame) -> Any:
    logging.getLogger("bayessynth").info("read %d rows", len(frame))
    return release(frame)


def with_warning(frame: pd.DataFrame) -> Any:
    if (frame["x"] >= 100).any():
        warnings.warn("a value lies at its bound", UserWarning, stacklevel=1)
    return release(frame)


def with_error(frame: pd.DataFrame) -> Any:
    if (frame["x"] >= 100).any():
        raise ValueError("a value lies at its bound")
    return release(frame)


def with_text(frame: pd.DataFrame) -> Any:
    print(len(frame))
    return release(frame)


def with_groups_of_the_data(frame: pd.DataFrame) -> Any:
    levels = bs.Levels(*sorted(set(frame["person"])))
    domain = bs.Domain({**DOMAIN, "person": levels}, source="looked up")
    return bs.DP(1, 1e-5, domain=domain).release(bs.Spec("x ~ (1 | person)"), frame)


def with_bounds_of_the_data(frame: pd.DataFrame) -> Any:
    domain = bs.Domain({"x": bs.Bounds(frame["x"].min(), frame["x"].max())}, source="looked up")
    return bs.DP(1, 1e-5, domain=domain).release(bs.Spec("x ~ 1"), frame)


def with_the_number_of_rows(frame: pd.DataFrame) -> Any:
    found = release(frame)
    return dataclasses.replace(found, moments=(dataclasses.replace(found.moments[0], n=len(frame)),))


def with_exact_counts(frame: pd.DataFrame) -> Any:
    return {**vars(release(frame)), "counts": np.bincount(frame["site"])}


@pytest.mark.parametrize(
    ("run", "where"),
    [
        (with_log, "log is"), (with_warning, "warnings is"), (with_error, "error is"), (with_text, "text is"),
        (with_groups_of_the_data, "length of result.moments[0].groups is"),
        (with_bounds_of_the_data, "result.domain['x'].high is"),
        (with_the_number_of_rows, "result.moments[0].n is 5 on one table and 6 on the other"),
        (with_exact_counts, "result['counts'][3] is"),
    ],
)  # fmt: skip
def test_any_output_that_differs_without_noise_is_found(run: Callable[[Any], Any], where: str) -> None:
    found = audit_output(run, FRAME, NEIGHBOUR)
    assert any(line.startswith(where) for line in found), found


def test_a_sound_release_differs_in_nothing_but_noise() -> None:
    assert audit_output(release, FRAME, NEIGHBOUR) == []
    replaced = pd.concat([FRAME, table(1, 9)], ignore_index=True)
    ask = bs.DP(1, 1e-5, bs.Unit(relation="replace_one"), FILLED)
    assert audit_output(lambda frame: ask.release(SPEC, frame), NEIGHBOUR, replaced) == []


def every_mechanism(frame: pd.DataFrame, noise: Noise, unit: bs.Unit, domain: bs.Domain) -> Ledger:
    """Release all kinds of statistics, the later ones chosen by the earlier."""
    own = Release(domain, unit, Ledger(3, 1e-5), noise)
    ask = bs.DP(0.5, 1e-5, unit, domain)
    carried_out(ask.plan(SPEC, 100), routes(SPEC, domain), own, frame)
    used = frame[unit.keep(frame)]
    counts = [int((used["arm"] == level).sum()) for level in "abc"]
    best = own.largest(counts, unit.cap, 0.01, "the most frequent arm")
    cliques = [("arm",), ("sex", "arm"), ("arm", "x")][best:]
    marginals(own, frame, cliques, rho=0.02)
    moments(own, frame, READ, rho=0.01, group="site")
    return own.ledger


@pytest.mark.parametrize("domain", [DOMAIN, FILLED])
@pytest.mark.parametrize(
    ("unit", "one", "two"),
    [
        (bs.Unit(), FRAME, NEIGHBOUR),
        (REPLACE, NEIGHBOUR, pd.concat([FRAME, CANARY.assign(x=0, y=-1, sex="f", arm="a", site=1)])),
        (bs.Unit("person", cap=2), FRAME, pd.concat([FRAME, CANARY, CANARY, CANARY])),
    ],
    ids=["add", "replace", "person"],
)
def test_the_ledger_pays_for_what_neighbours_cost(
    unit: bs.Unit, one: pd.DataFrame, two: pd.DataFrame, domain: bs.Domain
) -> None:
    audit = audit_ledger(lambda frame, noise: every_mechanism(frame, noise, unit, domain), one, two, Exact())
    assert audit.passes, audit
    assert audit.realised > 0.3 * audit.paid and audit.calls == 5


def run_moments(frame: pd.DataFrame, noise: Noise) -> Ledger:
    own = Release(DOMAIN, bs.Unit(), Ledger(1, 1e-5), noise)
    moments(own, frame, READ, rho=0.01)
    return own.ledger


def run_forgotten_k(frame: pd.DataFrame, noise: Noise) -> Ledger:
    own = Release(DOMAIN, bs.Unit(), Ledger(1, 1e-5), noise)
    sums = moment_sums(DOMAIN, bs.Unit(), LAYOUT, frame, 1024)
    own.gaussian(sums.ravel().tolist(), squared=1024**4, rho=0.01, what="moments")
    return own.ledger


def run_unpaid_choice(frame: pd.DataFrame, noise: Noise) -> Ledger:
    own = Release(DOMAIN, bs.Unit(), Ledger(1, 1e-5), noise)
    noise.largest([len(frame), 3], 10.0)
    moments(own, frame, READ, rho=0.01)
    return own.ledger


def run_halved_scale(frame: pd.DataFrame, noise: Noise) -> Ledger:
    own = Release(DOMAIN, bs.Unit(), Ledger(1, 1e-5), noise)
    own.ledger.spend("discrete Gaussian", "rows", 0.01)
    noise.gaussian([len(frame)], noise_scale(1, 0.01) / 2)
    return own.ledger


def test_the_ledger_is_met_exactly_by_the_record_that_costs_most() -> None:
    audit = audit_ledger(run_moments, FRAME, NEIGHBOUR, Exact())
    assert audit.passes and audit.realised == audit.paid


@pytest.mark.parametrize("run", [run_forgotten_k, run_unpaid_choice, run_halved_scale])
def test_what_was_not_paid_for_is_found(run: Callable[[pd.DataFrame, Noise], Ledger]) -> None:
    assert not audit_ledger(run, FRAME, NEIGHBOUR, Exact()).passes


def test_calls_that_follow_from_records_are_refused() -> None:
    def run(frame: pd.DataFrame, noise: Noise) -> Ledger:
        own = Release(DOMAIN, bs.Unit(), Ledger(1, 1e-5), noise)
        for site in set(frame["site"]) | set(frame["person"]):
            own.gaussian([int((frame["site"] == site).sum())], 1, 0.001, f"rows of {site}")
        return own.ledger

    with pytest.raises(PrivacyError, match="two tables led to different calls"):
        audit_ledger(run, FRAME, NEIGHBOUR, Exact())
