"""Rebalancing by trees: frequencies of the original, exact shares, rules, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.errors import SynthesisError
from bayessynth.fitting import Fitted

N = 2000
RNG = np.random.default_rng(9)


def table() -> pd.DataFrame:
    frame = pd.DataFrame({"region": RNG.choice(["north", "south", "west"], N, p=[0.5, 0.3, 0.2])})
    frame["age"] = RNG.integers(18, 80, N)
    late = frame["region"].map({"north": 0.02, "south": 0.05, "west": 0.2}) * np.where(frame["age"] < 40, 2, 1)
    frame["fraud"] = (RNG.random(N) < late).astype(int)
    frame["amount"] = np.where(
        RNG.random(N) < 0.2, 0.0, np.round(np.exp(4 + frame["fraud"] + RNG.normal(0, 0.5, N)), 1)
    )
    frame["fee"] = np.round(frame["amount"] * 0.1, 2)
    frame["reason"] = np.where(frame["fraud"] == 1, RNG.choice(["card", "wire"], N), None)
    return frame


DATA = table()
RULES = [
    bs.Skip("reason", "fraud", values=(0,)),
    bs.Derived("fee", "0.1 * amount"),
    bs.Range("age", 18, 79),
]


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    return bs.Spec(bs.Equation("region ~ 1", family="tree"), rest="tree", rules=RULES).fit(
        DATA, missing="model", copies=2, random_seed=1
    )


def test_rows_of_a_level_have_the_frequencies_of_the_original(fitted: Fitted) -> None:
    syn = fitted.synthesize(2, where={"fraud": 1}, k=500, random_seed=1)
    original = DATA[DATA["fraud"] == 1]
    found = syn.concat()
    assert (found["fraud"] == 1).all() and len(found) == 1000
    shares = found["region"].value_counts(normalize=True)
    # Two draws of the bootstrap of some 120 frauds, seen through leaves.
    np.testing.assert_allclose(
        shares.sort_index(), original["region"].value_counts(normalize=True).sort_index(), atol=0.12
    )
    assert (found["age"] < 40).mean() == pytest.approx((original["age"] < 40).mean(), abs=0.12)
    assert syn.provenance["given"] == ["fraud"] and syn.provenance["where"] == {"fraud": 1}
    assert syn.provenance["effective"]["minimum"] >= 10


def test_conditioning_is_what_many_copies_show(fitted: Fitted) -> None:
    many = fitted.synthesize(1, k=100_000, random_seed=2)[0]
    wanted = many[many["fraud"] == 1]
    found = fitted.synthesize(1, where={"fraud": 1}, k=800, random_seed=3)[0]
    atol = 5 * np.sqrt(0.25 * (1 / 800 + 1 / len(wanted)))
    for region in ("north", "south", "west"):
        assert (found["region"] == region).mean() == pytest.approx((wanted["region"] == region).mean(), abs=atol)
    assert (found["age"] < 40).mean() == pytest.approx((wanted["age"] < 40).mean(), abs=atol)
    assert (found["amount"] == 0).mean() == pytest.approx((wanted["amount"] == 0).mean(), abs=atol)
    assert (found["reason"] == "card").mean() == pytest.approx((wanted["reason"] == "card").mean(), abs=atol)


def test_a_number_and_a_computed_one_are_given_at_their_precision(fitted: Fitted) -> None:
    many = fitted.synthesize(1, k=100_000, random_seed=2)[0]
    for column, value in (("amount", 0.0), ("fee", 0.0)):
        found = fitted.synthesize(1, given=pd.DataFrame({column: np.full(400, value)}), random_seed=3)[0]
        wanted = many[many[column] == value]
        assert (found["amount"] == 0).all() and (found["fee"] == 0).all()
        assert (found["fraud"] == 1).mean() == pytest.approx((wanted["fraud"] == 1).mean(), abs=0.05)
    found = fitted.synthesize(1, where={"amount": (150, 400)}, k=400, random_seed=3)[0]
    wanted = many[many["amount"].between(150, 400)]
    assert found["amount"].between(150, 400).all()
    assert (found["fraud"] == 1).mean() == pytest.approx((wanted["fraud"] == 1).mean(), abs=0.1)
    assert found["amount"].mean() == pytest.approx(wanted["amount"].mean(), rel=0.05)


def test_rules_hold_whatever_is_given(fitted: Fitted) -> None:
    asked = [{"fraud": 1}, {"fraud": [0, 1], "age": (70, None)}, {"reason": "wire"}, {"fee": (5, 20)}]
    for where in asked:
        copy = fitted.synthesize(1, where=where, k=80, random_seed=1)[0]
        assert not any(rule.violations(copy).any() for rule in RULES), where
    assert (fitted.synthesize(1, where={"reason": "wire"}, k=80, random_seed=1)[0]["fraud"] == 1).all()
    given = pd.DataFrame({"fraud": [0, 1], "age": [17, 20]})
    with pytest.raises(SynthesisError, match=r"breaks the rule Range\('age', 18, 79\) in 1 of 2 rows.*row 0: age=17"):
        fitted.synthesize(1, given=given)


def test_shares_are_exact_and_shuffled(fitted: Fitted) -> None:
    shares = {"fraud": {"1": 0.5, "0": 0.5}, "region": {"west": 0.31, "north": 0.69}}
    syn = fitted.synthesize(2, shares=shares, k=401, random_seed=1)
    for copy in syn:
        assert sorted(copy["fraud"].value_counts()) == [200, 201]
        assert copy["region"].value_counts().to_dict() == {"north": 277, "west": 124}
        assert 0.3 < copy["fraud"][:200].mean() < 0.7
        assert (copy["reason"].notna() == (copy["fraud"] == 1)).all()
    assert syn.provenance["shares"] == {"fraud": {"1": 0.5, "0": 0.5}, "region": {"west": 0.31, "north": 0.69}}
    again = fitted.synthesize(2, shares=shares, k=401, random_seed=1)
    pd.testing.assert_frame_equal(again[1], syn[1])
    assert syn.provenance["population"] == "given"


def test_where_goes_with_given(fitted: Fitted) -> None:
    given = pd.DataFrame({"age": [20, 50, 70]})
    copy = fitted.synthesize(1, given=given, where={"fraud": 1}, random_seed=1)[0]
    assert copy["age"].tolist() == [20, 50, 70] and (copy["fraud"] == 1).all()


def test_the_impossible_is_refused_by_row(fitted: Fitted) -> None:
    given = pd.DataFrame({"fraud": [1, 0, 1], "amount": [60.0, 1e9, 0.0]})
    with pytest.raises(SynthesisError, match=r"impossible under the model.*1 of 3 rows, row 1. In row 1 .*'amount'"):
        fitted.synthesize(1, given=given, random_seed=1)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"where": {"frod": 1}}, "where= has column 'frod', which the fit does not. Did you mean 'fraud'"),
        ({"where": {"region": "nort"}}, "asks column 'region' for 'nort', which is none of its levels.*mean 'north'"),
        ({"where": {"region": []}}, "leaves column 'region' no level"),
        ({"where": {"age": (1, 2, 3)}}, "column 'age' holds numbers or times; give one, or the two ends"),
        ({"where": {"age": (30, 18)}}, "the first end is above the second"),
        ({"where": {"age": "old"}}, "asks column 'age' for 'old', which is no finite number"),
        ({"where": {}}, r"where= maps columns to what they must be, such as where=\{'fraud': 1\}"),
        ({"shares": {"fraud": {1: 0.6, 0: 0.6}}}, "shares= of column 'fraud' sum to 1.2, not to 1"),
        ({"shares": {"fraud": {1: 0.5, "1": 0.5}}}, "names a level of column 'fraud' twice"),
        ({"shares": {"fraud": {1: -0.5, 0: 1.5}}}, "gives level 1 of column 'fraud' -0.5, no share from 0 to 1"),
        ({"shares": {"fraud": 0.5}}, "gives each level of 'fraud' a share, such as"),
        ({"shares": {"age": {20: 1.0}}}, "column 'age' of kind 'count', which has no levels"),
        ({"where": {"fraud": 1}, "shares": {"fraud": {1: 1.0}}}, "'fraud' stands in two of given=, where= and shares="),
    ],
)
def test_what_cannot_be_asked(fitted: Fitted, asked: dict, message: str) -> None:
    with pytest.raises(SynthesisError, match=message):
        fitted.synthesize(1, k=10, **asked)
