"""Sums that run through a sequence hold in every copy, and what is taken away depends on what there was."""

from __future__ import annotations

import pandas as pd
import pytest

import bayessynth as bs
from tests.database.tables import bank


@pytest.fixture(scope="module")
def bookings() -> pd.DataFrame:
    table = bank()["booking"]
    signed = table["amount"].where(table["kind"].eq("in"), -table["amount"])
    return table.assign(balance=signed.groupby(table["account_id"]).cumsum().round(2),
                        number=table.groupby("account_id").cumcount() + 1)  # fmt: skip


@pytest.fixture(scope="module")
def fitted(bookings) -> bs.Fitted:
    return bs.Spec.auto(bookings, unit="account_id", time="number").fit(bookings, copies=3, random_seed=1)


RULE = bs.Running("balance", "amount", "account_id", sign="kind", minus="out")


def test_the_automatic_spec_sums_up_and_reads_what_there_was(fitted):
    assert RULE in fitted.spec.rules
    assert {"lag(balance)"} <= set(fitted.spec["amount"].columns) & set(fitted.spec["kind"].columns)
    assert "day" in fitted.bound.sequence.differences.values()
    assert "change(day)" in fitted.bound.sequence.rising


def test_the_sum_is_exact_in_every_copy_and_times_do_not_run_back(fitted, bookings):
    for copy in fitted.synthesize(3, random_seed=2):
        assert not RULE.violations(copy).any()
        assert (copy.groupby("account_id")["day"].diff().dropna() >= pd.Timedelta(0)).all()
        assert copy["kind"].eq("out").mean() == pytest.approx(bookings["kind"].eq("out").mean(), abs=0.1)


def test_a_given_unit_goes_on_from_row_to_row(fitted):
    given = pd.DataFrame({"account_id": [7, 7, 7, 9, 9]})
    copy = fitted.synthesize(1, given=given, random_seed=3)[0]
    assert copy["account_id"].tolist() == [7, 7, 7, 9, 9]
    assert copy["number"].tolist() == [1, 2, 3, 1, 2]
    assert not RULE.violations(copy).any()


def test_a_saved_fit_draws_the_same(fitted, tmp_path):
    fitted.save(tmp_path / "fit")
    again = bs.load(tmp_path / "fit")
    pd.testing.assert_frame_equal(again.synthesize(1, random_seed=4)[0], fitted.synthesize(1, random_seed=4)[0])
