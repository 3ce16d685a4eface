"""Rows of an owner follow each other: order is found, ties are put right by sums, and copies keep both."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.database import draw
from bayessynth.database.order import in_order, time_of
from bayessynth.database.structure import structure_of
from bayessynth.schema import Schema
from bayessynth.trees.settings import FEWEST
from tests.database import tables

RULE = bs.Running("balance", "amount", "account_id", sign="kind", minus="out")


def test_rows_of_one_day_are_put_in_the_order_that_the_balance_tells():
    database = bs.Database(tables.bank())
    assert RULE.violations(database["booking"]).any()
    ordered, how = in_order(database.tables, structure_of(database.tables, database.keys, database.primary))
    assert how["booking"].column == "day" and how["booking"].total is not None
    assert not RULE.violations(ordered["booking"]).any()
    both = [
        frame.sort_values(list(frame)).reset_index(drop=True) for frame in (database["booking"], ordered["booking"])
    ]
    pd.testing.assert_frame_equal(*both)


def test_copies_have_exact_balances_days_in_order_and_the_same_bytes(bank):
    database, fitted = bank
    assert fitted["booking"].bound.sequence is not None
    for copy in fitted.synthesize(4, random_seed=2):
        booking = copy["booking"]
        assert list(booking) == list(database["booking"])
        assert not RULE.violations(booking).any()
        assert (booking.groupby("account_id")["day"].diff().dropna() >= pd.Timedelta(0)).all()
    again = fitted.synthesize(4, random_seed=2)[3]
    pd.testing.assert_frame_equal(again["booking"], booking)


def test_how_low_a_balance_falls_stays_the_accounts_own(bank):
    database, fitted = bank

    def below(frames):
        lowest = frames["booking"].groupby("account_id")["balance"].min()
        credit = frames["account"].set_index("account_id")["credit"]
        return (lowest < 0).groupby(credit.reindex(lowest.index)).mean()

    own = below(database.tables)
    made = pd.concat([below(copy) for copy in fitted.synthesize(4, random_seed=3)], axis=1).mean(axis=1)
    assert own["no"] == 0 and own["yes"] > 0.5
    assert made["no"] < 0.15
    assert made["yes"] > 0.5
    lowest = min(copy["booking"]["balance"].min() for copy in fitted.synthesize(4, random_seed=3))
    # A tail ends within its leaf's mean gap; a leaf has FEWEST of the accounts that overdraw, at least.
    reached = database["booking"].groupby("account_id")["balance"].min()
    assert lowest >= reached.min() - np.ptp(reached[reached < 0]) / (FEWEST - 1)


def test_a_balance_comes_down_to_the_lowest_that_was_drawn_in_the_row_that_was_drawn(bank):
    _, fitted = bank
    assert {"lowest balance", "row of lowest balance", "mean balance", "spread of balance"} <= set(
        fitted["booking"].schema
    )
    (floor,) = [rule for rule in fitted["booking"].bound.rules if isinstance(rule, bs.Floor)]
    drawn = []
    take = draw._Copy.take

    def seen(self, table, begun, made):
        if table == "booking":
            drawn.append(made[1].assign(owner=begun.at))
        take(self, table, begun, made)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(draw._Copy, "take", seen)
        list(fitted.synthesize(4, random_seed=5))
    for rows in drawn:
        rows["place"] = rows.groupby("owner").cumcount() + 1
        rows["before"] = rows.groupby("owner")["balance"].shift(fill_value=0.0)
        reached = rows[rows["place"] == rows["row of lowest balance"]]
        assert len(reached) == rows["owner"].nunique()
        # Where the row before has reached it (a lowest of nothing, before the first row), any amount leads away.
        reached = reached[(reached["before"] - reached["lowest balance"]).abs() >= 0.01]
        assert len(reached) > 0.95 * rows["owner"].nunique()
        np.testing.assert_allclose(reached["balance"], reached["lowest balance"], atol=0.006)
        assert (rows["balance"] >= rows["lowest balance"] - 0.006).all()
    assert floor.reached == "row of lowest balance"


def test_rows_that_run_back_or_are_few_are_no_sequence():
    days = pd.Series(pd.date_range("2020-01-01", periods=40))
    at = np.repeat([0, 1], 20)
    frame = pd.DataFrame({"day": days, "x": np.random.default_rng(1).normal(size=40)})
    assert time_of(frame, Schema.detect(frame), at) == "day"
    frame.loc[[3, 4], "day"] = frame.loc[[4, 3], "day"].to_numpy()
    assert time_of(frame, Schema.detect(frame), at) is None
    structure = structure_of(tables.clinics(), bs.Database(tables.clinics()).keys, {})
    assert in_order(tables.clinics(), structure)[1] == {}


def test_the_switch_leaves_rows_beside_each_other():
    database = bs.Database(tables.bank(60))
    fitted = database.fit(copies=1, random_seed=1, in_time=False)
    assert fitted["booking"].bound.sequence is None
