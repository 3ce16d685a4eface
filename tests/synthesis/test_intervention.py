"""Interventions: the posterior of an average effect, what stands before, groups, trees, rules, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.errors import SchemaError, SynthesisError
from tests.handmade import handmade

N = 400


def trial() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    age = np.round(rng.normal(50, 10, N), 1)
    treat = (rng.random(N) < 1 / (1 + np.exp(-(age - 50) / 5))).astype(int)
    pressure = np.round(120 + 0.8 * (age - 50) - 6 * treat + rng.normal(0, 5, N), 4)
    return pd.DataFrame({"age": age, "treat": treat, "pressure": pressure})


@pytest.fixture(scope="module")
def fitted() -> bs.Fitted:
    normal = [bs.Equation(formula, family="normal") for formula in ("age ~ 1", "pressure ~ treat + age")]
    spec = bs.Spec(normal[0], "treat ~ age", normal[1])
    return spec.fit(trial(), draws=500, random_seed=1)


def effects(fitted: bs.Fitted, m: int) -> np.ndarray:
    treated, others = (fitted.synthesize(m, do={"treat": t}, k=50, random_seed=2) for t in (1, 0))
    return np.array([(a["pressure"] - b["pressure"]).mean() for a, b in zip(treated, others, strict=True)])


def test_paired_copies_differ_by_the_coefficient_of_their_draw(fitted: bs.Fitted) -> None:
    treated, others = (fitted.synthesize(3, do={"treat": t}, k=50, random_seed=2) for t in (1, 0))
    posterior = fitted.idata["posterior"]["pressure_treat"].values
    for j, (chain, draw) in enumerate(treated.provenance["draws"]):
        one, other = treated[j], others[j]
        pd.testing.assert_series_equal(one["age"], other["age"])
        # Both are rounded to the original's four decimals.
        np.testing.assert_allclose(one["pressure"] - other["pressure"], posterior[chain, draw], atol=1.01e-4)


def test_spread_of_the_average_effect_is_the_coefficients_posterior(fitted: bs.Fitted) -> None:
    found, posterior = effects(fitted, 1000), fitted.idata["posterior"]["pressure_treat"].values.ravel()
    assert found.mean() == pytest.approx(posterior.mean(), abs=4 * posterior.std() / np.sqrt(1000))
    assert found.std() == pytest.approx(posterior.std(), rel=0.1)


def test_confounding_is_cut_and_conditioning_is_not(fitted: bs.Fitted) -> None:
    """E(y | do(t)) is the regression averaged over all ages, E(y | t) over the ages of those who had t."""
    data = trial()
    done = [fitted.synthesize(1, do={"treat": t}, k=20_000, random_seed=2)[0] for t in (1, 0)]
    seen = [fitted.synthesize(1, where={"treat": t}, k=4_000, random_seed=2)[0] for t in (1, 0)]
    assert done[0]["age"].mean() == pytest.approx(data["age"].mean(), abs=1.5)
    assert seen[0]["age"].mean() > data["age"].mean() + 3
    naive = data.groupby("treat")["pressure"].mean()
    assert seen[0]["pressure"].mean() - seen[1]["pressure"].mean() == pytest.approx(naive[1] - naive[0], abs=2.5)
    assert done[0]["pressure"].mean() - done[1]["pressure"].mean() == pytest.approx(-6, abs=1.5)


def test_given_conditions_within_the_treated_population(fitted: bs.Fitted) -> None:
    """p(age | y, do(t)) by Bayes' rule in the normal model, t saying nothing of age."""
    given = pd.DataFrame({"pressure": np.full(3000, 130.0)})
    syn = fitted.synthesize(1, do={"treat": 1}, given=given, random_seed=4)
    chain, draw = syn.provenance["draws"][0]
    at = {name: float(v[chain, draw]) for name, v in fitted.idata["posterior"].data_vars.items() if v.ndim == 2}
    b, s2, v = at["pressure_age"], at["pressure_sigma"] ** 2, at["age_sigma"] ** 2
    rest = 130 - at["pressure_Intercept"] - at["pressure_treat"]
    precision = 1 / v + b**2 / s2
    mean = (at["age_Intercept"] / v + b * rest / s2) / precision
    copy = syn[0]
    assert (copy["treat"] == 1).all() and (copy["pressure"] == 130).all()
    assert copy["age"].mean() == pytest.approx(mean, abs=5 / np.sqrt(precision * 3000) + 0.1)
    assert copy["age"].std() == pytest.approx(precision**-0.5, rel=0.08)
    assert syn.provenance["population"] == "intervened" and syn.provenance["given"] == ["pressure"]


def test_values_may_differ_by_row(fitted: bs.Fitted) -> None:
    dose = pd.Series(np.tile([0, 1], 15), index=np.arange(30) + 7)
    syn = fitted.synthesize(1, do={"treat": dose}, k=30, random_seed=1)
    assert syn[0]["treat"].tolist() == dose.tolist() and syn[0]["treat"].dtype == trial()["treat"].dtype
    assert syn.provenance["do"] == {"treat": "30 values"}
    kept = fitted.synthesize(1, do={"treat": 1, "age": 61.5}, k=30, random_seed=1)
    assert (kept[0]["age"] == 61.5).all() and kept.provenance["do"] == {"treat": 1, "age": 61.5}


def test_same_seed_gives_the_same_bytes_and_the_digest_knows_what_was_set(fitted: bs.Fitted) -> None:
    one, two = (fitted.synthesize(2, do={"treat": 1}, random_seed=5) for _ in range(2))
    pd.testing.assert_frame_equal(one[1], two[1])
    assert one._source.digest() == two._source.digest()
    assert fitted.synthesize(2, do={"treat": 0}, random_seed=5)._source.digest() != one._source.digest()


def test_pooled_results_say_that_they_stand_for_another_population(fitted: bs.Fitted) -> None:
    syn = fitted.synthesize(5, do={"treat": 1}, random_seed=5)
    with pytest.warns(bs.errors.PoolingWarning, match=r"under do\(treat = 1\).*set from outside"):
        syn.pool("pressure ~ age", model="ols")


def test_columns_of_groups_are_set_for_every_group(
    clinic_fit: bs.Fitted, clinic_table: pd.DataFrame, school_fit: bs.Fitted
) -> None:
    for groups in ("new", "existing"):
        with pytest.warns(bs.errors.DisclosureWarning) if groups == "existing" else _nothing():
            syn = school_fit.synthesize(1, groups=groups, do={"public": True}, random_seed=1)
        assert syn[0]["public"].all()
    one, other = (school_fit.synthesize(1, do={"public": p}, random_seed=1)[0] for p in (True, False))
    shift = one.groupby(["school", "class"])["area"].first() - other.groupby(["school", "class"])["area"].first()
    assert shift.std() < 1e-6 < abs(shift.mean())
    with pytest.raises(SynthesisError, match=r"'public' to 3 values, but it has one value a 'school'"):
        school_fit.synthesize(1, do={"public": [True, False, True]})
    with pytest.raises(SynthesisError, match=r"'school', which has no equation that could be cut"):
        school_fit.synthesize(1, do={"school": 500})


class _nothing:
    def __enter__(self) -> None: ...
    def __exit__(self, *args: Any) -> None: ...


@pytest.fixture(scope="module")
def trees() -> bs.Fitted:
    rng = np.random.default_rng(8)
    frame = pd.DataFrame({"low": rng.integers(0, 50, N)})
    frame["high"] = frame["low"] + rng.integers(0, 50, N)
    frame["arm"] = rng.choice(["a", "b"], N)
    frame["cost"] = np.where(frame["arm"] == "a", 10, 30) + rng.integers(0, 5, N)
    frame["twice"] = 2 * frame["cost"]
    rules = [bs.Inequality("low", "high"), bs.Derived("twice", "2 * cost"), bs.Range("cost", 0, 40)]
    spec = bs.Spec(bs.Equation("low ~ 1", family="tree"), rest="tree", rules=rules)
    return spec.fit(frame, copies=3, random_seed=1)


def test_trees_follow_and_computed_columns_too(trees: bs.Fitted) -> None:
    a, b = (trees.synthesize(3, do={"arm": arm}, k=500, random_seed=1).concat() for arm in "ab")
    assert b["cost"].mean() - a["cost"].mean() == pytest.approx(20, abs=1.5)
    pd.testing.assert_frame_equal(a[["low", "high"]], b[["low", "high"]])
    set_cost = trees.synthesize(1, do={"cost": 7}, random_seed=1)[0]
    assert (set_cost["twice"] == 14).all()
    assert (trees.synthesize(1, do={"low": 40}, random_seed=1)[0]["high"] >= 40).all()
    both = trees.synthesize(1, do={"high": 30, "low": 20}, random_seed=1)[0]
    assert (both["high"] == 30).all()


def test_what_breaks_a_rule_is_refused(trees: bs.Fitted) -> None:
    with pytest.raises(SynthesisError, match=r"do= sets 'high', which Inequality.* ties to 'low', drawn before it"):
        trees.synthesize(1, do={"high": 30})
    with pytest.raises(SynthesisError, match=r"do= breaks the rule Inequality.*low=40, high=30"):
        trees.synthesize(1, do={"high": 30, "low": 40})
    with pytest.raises(SynthesisError, match=r"do= breaks the rule Range\('cost', 0, 40\)"):
        trees.synthesize(1, do={"cost": 41})
    with pytest.raises(SynthesisError, match=r"sets 'twice', which Derived.*computes.*Set 'cost' instead"):
        trees.synthesize(1, do={"twice": 14})


REFUSED: list[tuple[Any, dict[str, Any], str]] = [
    ({}, {}, r"do= maps columns to what they are set to"),
    ({"treta": 1}, {}, r"has column 'treta', which the fit does not.*'treat'"),
    ({"treat": 2}, {}, r"do= asks column 'treat' for 2, which is none of its levels: 0, 1"),
    ({"treat": None}, {}, r"sets 'treat' to nothing"),
    ({"age": "old"}, {}, r"do= asks column 'age' for 'old', which is no finite number"),
    ({"age": 40.25}, {}, r"sets 'age' to 40.25, which its cells cannot hold: the nearest is .*40.2"),
    ({"treat": [1, 0]}, {"k": 3}, r"to 2 values for 3 rows"),
    ({"treat": [1, None, 0]}, {"k": 3}, r"to nothing in 1 of 3 rows, the first is row 1"),
    ({"treat": 1}, {"where": {"treat": 1}}, r"stands in do= and in given=, where= or shares="),
    ({"treat": 1}, {"given": pd.DataFrame({"treat": [1]})}, r"stands in do= and in given="),
]


@pytest.mark.parametrize(("do", "options", "message"), REFUSED)
def test_what_has_no_meaning_is_refused(fitted: bs.Fitted, do: Any, options: Any, message: str) -> None:
    with pytest.raises(SynthesisError, match=message):
        fitted.synthesize(1, do=do, **options)


def test_an_array_of_unknown_levels_is_refused(fitted: bs.Fitted) -> None:
    with pytest.raises(SchemaError, match="treat"):
        fitted.synthesize(1, do={"treat": [0, 1, 5]}, k=3)


def test_partial_synthesis_under_an_intervention() -> None:
    data = trial()
    kept = handmade(bs.Spec("treat ~ age", "pressure ~ treat + age", rest="keep"), data)
    with pytest.warns(bs.errors.DisclosureWarning):
        syn = kept.synthesize(1, do={"treat": 1}, original=data, random_seed=1)
    assert (syn[0]["treat"] == 1).all()
    pd.testing.assert_series_equal(syn[0]["age"], data["age"])
    with pytest.raises(SynthesisError, match=r"'age', which has no equation.*original's own"), pytest.warns():
        kept.synthesize(1, do={"age": 50}, original=data)
