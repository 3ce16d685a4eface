"""Membership attacks on fits with formal privacy stay under what the guarantee allows any attacker."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.errors import BayesSynthWarning
from bayessynth.privacy import attacker_auc, rho_of

NAMES = ("a", "b", "c", "d")
NUMBERS = bs.Domain({name: bs.Bounds(-4, 4) for name in NAMES}, source="codebook")
LEVELS = bs.Domain({name: bs.Levels(0, 1, 2) for name in NAMES}, source="codebook")
# Each column depends on all before it, so that few records leave many parameters open to attack.
EQUATIONS = tuple(f"{name} ~ {' + '.join(NAMES[:i]) or '1'}" for i, name in enumerate(NAMES))
ATTACKS = ["membership_nearest", "membership_density"]
QUICK = {"draws": 500, "tune": 300, "random_seed": 1, "cores": 1}


def people(n: int, seed: int, levels: bool) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    mixed = np.eye(len(NAMES)) + 0.4 * np.eye(len(NAMES), k=1)
    values = rng.standard_normal((n, len(NAMES))) @ mixed
    table = pd.DataFrame(np.clip(values, -4, 4), columns=list(NAMES))
    return table.apply(lambda c: np.digitize(c, [-0.5, 0.5])) if levels else table


def attacked(levels: bool, privacy: bs.DP | None, attacks: list[str]) -> dict[str, tuple[float, float]]:
    """Return the lower limit and the value of each attack's AUC."""
    original, holdout = people(120, 1, levels), people(120, 2, levels)

    def fit(frame: pd.DataFrame) -> bs.Fitted:
        return bs.Spec(*EQUATIONS).fit(frame, privacy=privacy, **QUICK)

    def made(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
        return fit(frame).synthesize(m=1, k=len(frame), random_seed=seed, force=True)[0]

    with warnings.catch_warnings(action="ignore", category=BayesSynthWarning):
        fitted = fit(original)
        copies = fitted.synthesize(m=20, k=len(original), random_seed=1, force=True)
        found = bs.evaluate(original, copies, holdout, fitted, measures=attacks, synthesizer=made)
    return {one.name: (one.interval[0], one.value) for one in found.measures if np.isfinite(one.value)}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("epsilon", "levels", "attacks"),
    [(0.5, False, ATTACKS), (1, False, [*ATTACKS, "membership_shadow"]), (3, False, ATTACKS), (1, True, ATTACKS),
     (3, True, ATTACKS)],
    ids=["moments .5", "moments 1", "moments 3", "tables 1", "tables 3"],
)  # fmt: skip
def test_no_attack_on_a_private_fit_beats_the_bound(epsilon: float, levels: bool, attacks: list[str]) -> None:
    domain = LEVELS if levels else NUMBERS
    found = attacked(levels, bs.DP(epsilon, 1e-5, domain=domain), attacks)
    assert set(found) == set(attacks), found
    bound = attacker_auc(rho_of(epsilon, 1e-5))
    print(f"epsilon {epsilon}, {'tables' if levels else 'moments'}: bound {bound:.3f}, {found}")
    for name, (lower, _) in found.items():
        assert lower <= bound, name


@pytest.mark.slow
def test_an_attack_on_a_fit_without_privacy_beats_it() -> None:
    """Few records and twenty proper copies: whoever knows their draws tells members from others."""
    ((lower, _),) = attacked(False, None, ["membership_weights"]).values()
    assert lower > attacker_auc(rho_of(1, 1e-5))


def test_draws_given_noisy_sums_are_weighed_by_no_record() -> None:
    with warnings.catch_warnings(action="ignore", category=BayesSynthWarning):
        table = people(500, 1, False)[["a"]]
        ask = bs.DP(3, 1e-5, domain=NUMBERS, test_seed=1)
        fitted = bs.Spec("a ~ 1").fit(table, privacy=ask, **QUICK)
        copies = fitted.synthesize(m=2, random_seed=1)
        found = bs.evaluate(table, copies, people(100, 2, False)[["a"]], fitted, measures=["membership_weights"])
    (one,) = found.measures
    assert np.isnan(one.value) and "knows them through noisy statistics only" in one.reading + "".join(one.notes)
    assert "bounds every attacker" in one.reading + "".join(one.notes)
