"""Running sums: found where they are, computed row by row and all at once alike, refused where they make no sense."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bayessynth.errors import SpecError
from bayessynth.rules import Floor, Running, detect
from bayessynth.schema import Schema

RULE = Running("balance", "amount", "account", sign="kind", minus=("fee", "out"))


def bookings(seed: int = 1, decimals: int = 2) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({
        "account": np.repeat(np.arange(40), 12), "kind": rng.choice(["in", "out", "fee"], 480),
        "amount": rng.lognormal(3, 1, 480).round(2), "note": rng.normal(size=480),
    })  # fmt: skip
    signed = frame["amount"].where(frame["kind"].eq("in"), -frame["amount"])
    frame["balance"] = signed.groupby(frame["account"]).cumsum().round(2)
    return frame.assign(amount=frame["amount"].round(decimals), balance=frame["balance"].round(decimals))


def found(frame: pd.DataFrame) -> list[Running]:
    schema = Schema.detect(frame).override(account="group")
    return [f.rule for f in detect(frame, schema, groups=("account",)) if isinstance(f.rule, Running)]


@pytest.mark.parametrize("decimals", [2, 1])
def test_a_balance_is_found_with_what_takes_away(decimals):
    # With one decimal the parts were rounded each by itself, and do not add up to the last digit.
    assert found(bookings(decimals=decimals)) == [RULE]


def test_a_sum_without_sign_is_found():
    frame = bookings().drop(columns="kind")
    frame["balance"] = frame["amount"].groupby(frame["account"]).cumsum().round(2)
    assert found(frame) == [Running("balance", "amount", "account")]


@pytest.mark.parametrize("spoil", ["one cell", "one sign", "another order", "noise"])
def test_what_is_no_running_sum_is_not_found(spoil):
    frame = bookings()
    if spoil == "one cell":
        frame.loc[200, "balance"] += 5
    elif spoil == "one sign":
        frame.loc[200, "kind"] = "in" if frame.loc[200, "kind"] != "in" else "out"
    elif spoil == "another order":
        frame = frame.sample(frac=1, random_state=1).reset_index(drop=True)
    else:
        frame["balance"] = np.random.default_rng(2).normal(size=480).round(2)
    assert found(frame) == []


def test_row_by_row_is_as_all_at_once():
    frame = bookings()
    schema = Schema.detect(frame).override(account="group")
    arrays = dict(schema.encode(frame).arrays)
    whole = RULE.compute(arrays, schema, len(frame), np.random.default_rng(1))
    np.testing.assert_allclose(whole, frame["balance"], atol=1e-9)
    before = None
    for step in range(12):
        rows = {c: values[step::12] for c, values in arrays.items()}
        before = RULE.follows(rows, before, schema)
        np.testing.assert_allclose(before, whole[step::12], atol=1e-9)
    assert not RULE.violations(frame).any()


def test_a_floor_limits_what_is_taken_and_leaves_adding_free():
    schema = Schema.detect(bookings().assign(least=-10.0 * (np.arange(480) % 7))).override(account="group")
    rule = Floor("amount", "balance", "least", "kind", ("fee", "out"))
    kinds = schema["kind"].levels
    arrays = {"lag(balance)": np.array([20.0, np.nan, -10.0]), "least": np.array([-10.0, -10.0, -10.0])}
    allowed = rule.allowed("kind", arrays, schema, 3)
    assert allowed[:, kinds.index("in")].all()
    assert allowed[:, kinds.index("out")].tolist() == [True, True, False]
    out = {**arrays, "kind": np.full(3, kinds.index("out"))}
    # A positive amount cannot be less than its last decimal; where nothing is left the row adds, as above.
    assert rule.limits("amount", out, schema, 3)[1].tolist() == [30.0, 10.0, 0.01]
    assert np.isinf(rule.limits("amount", {**arrays, "kind": np.full(3, kinds.index("in"))}, schema, 3)[1]).all()


def test_a_floor_is_reached_in_the_row_that_a_column_names():
    schema = Schema.detect(bookings().assign(least=-10.0 * (np.arange(480) % 7), row=2.0, at=2.0)).override(
        account="group", row="count", at="count")  # fmt: skip
    rule = Floor("amount", "balance", "least", "kind", ("fee", "out"), "row", "at")
    kinds = schema["kind"].levels
    arrays = {"lag(balance)": np.array([20.0, np.nan, 5.0, np.nan]), "least": np.array([-10.0, -10.0, -10.0, 3.0]),
              "row": np.array([2.0, 2.0, 4.0, 1.0]), "at": np.array([2.0, 1.0, 2.0, 1.0])}  # fmt: skip
    allowed = rule.allowed("kind", arrays, schema, 4)
    # Due and above the floor: it takes. A first row below its floor adds.
    assert allowed[:, kinds.index("in")].tolist() == [False, True, True, True]
    assert allowed[:, kinds.index("out")].tolist() == [True, True, True, False]
    out = rule.limits("amount", {**arrays, "kind": np.full(4, kinds.index("out"))}, schema, 4)
    assert [ends[0] for ends in out] == [30.0, 30.0] and np.isinf(out[0][1])
    into = rule.limits("amount", {**arrays, "kind": np.full(4, kinds.index("in"))}, schema, 4)
    assert [ends[3] for ends in into] == [3.0, 3.0] and np.isinf(into[1][1])
    # The last row leads away from a floor that the row before had reached.
    frame = pd.DataFrame({"balance": [-10.0, 0.0, -11.0, 4.0], "least": -10.0, "row": 2, "at": [2, 2, 1, 2],
                          "amount": [5.0, 5.0, 1.0, 14.0], "kind": ["out", "out", "fee", "in"]})  # fmt: skip
    assert rule.violations(frame).tolist() == [False, True, True, False]
    with pytest.raises(SpecError, match="state both reached= and place="):
        Floor("a", "b", "least", "kind", "out", reached="row")


@pytest.mark.parametrize(("made", "message"), [
    (lambda: Running("b", "a", "id", sign="kind"), "state both sign= and minus="),
    (lambda: Running("b", "a", "id", minus="out"), "state both sign= and minus="),
    (lambda: Running("b", "b", "id"), "names a column twice"),
    (lambda: Floor("a", "b", "least", "kind", ()), "names no level that takes away"),
    (lambda: RULE.check_schema(Schema.detect(bookings().replace({"fee": "charge"}))),
     r"'fee' is not one of the levels of column 'kind': 'charge', 'in', 'out'"),
    (lambda: Running("balance", "kind", "account").check_schema(Schema.detect(bookings())),
     "column 'kind' is of kind 'categorical' and cannot be calculated with"),
    (lambda: Floor("amount", "balance", "note", "kind", ("fee", "in", "out")).check_schema(Schema.detect(bookings())),
     "all levels of column 'kind' take away, and none adds"),
])  # fmt: skip
def test_what_makes_no_sense_is_refused(made, message):
    with pytest.raises(SpecError, match=message):
        made()
