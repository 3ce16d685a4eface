"""Requests: what they accept, that a plan spends nothing, and what a release holds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bayessynth as bs
from bayessynth.errors import DataError, PrivacyError
from bayessynth.privacy import Entry, Release
from bayessynth.privacy.audit import audit_output
from bayessynth.privacy.dp import carried_out
from bayessynth.privacy.routes import routes
from tests.privacy.tables import DOMAIN, FILLED, Silent, table

SPEC = bs.Spec("sex ~ 1", "x ~ sex", "y ~ x + (1 | site)", "arm ~ 1")
ASK = bs.DP(1, 1e-5, domain=DOMAIN)


def test_a_release_holds_what_the_plan_says_and_spends_the_budget() -> None:
    plan = ASK.plan(SPEC, n=100)
    assert ASK.ledger().entries == ()
    released = ASK.release(SPEC, table(100))
    (sums,) = released.moments
    assert sums.columns == ("sex[m]", "x", "y") and sums.groups == ("1", "2", "3")
    assert released.marginals[0].cliques == (("arm",),)
    assert [entry.rho for entry in released.ledger.entries] == pytest.approx([*plan.block_rho, plan.clique_rho])
    assert 0.999999 * released.ledger.total < released.ledger.spent <= released.ledger.total
    assert released.ledger.epsilon_spent <= 1
    of_x = sums.pairs.index((0, 2))
    assert sums.covariance[of_x, of_x] == pytest.approx(plan.served[0].sd ** 2)


def test_a_second_release_needs_budget_of_its_own() -> None:
    first = ASK.release(SPEC, table(50))
    with pytest.raises(PrivacyError, match=r"Nothing is left of the budget .* after 2 earlier releases"):
        bs.DP(1, 1e-5, domain=DOMAIN, earlier=first.ledger).release(SPEC, table(50))
    both = bs.DP(2, 1e-5, domain=DOMAIN, earlier=first.ledger).release(SPEC, table(50))
    assert len(both.ledger.entries) == 4 and both.ledger.epsilon_spent <= 2


def test_releases_of_several_tables_add_up() -> None:
    plan, found = ASK.plan(SPEC, n=60), routes(SPEC, DOMAIN)

    def silent(frame: pd.DataFrame) -> Any:
        return carried_out(plan, found, Release(DOMAIN, bs.Unit(), ASK.ledger(), Silent()), frame)

    one, two = table(30, 1), table(40, 2)
    total, whole = silent(one) + silent(two), silent(pd.concat([one, two]))
    np.testing.assert_array_equal(total.moments[0].total, whole.moments[0].total)
    np.testing.assert_array_equal(total.marginals[0].counts[0], whole.marginals[0].counts[0])
    np.testing.assert_array_equal(total.moments[0].covariance, 2 * whole.moments[0].covariance)
    with pytest.raises(PrivacyError, match="differ in domain, unit or spec"):
        ASK.release(SPEC, one) + bs.DP(1, 1e-5, domain=FILLED).release(SPEC, two)
    with pytest.raises(TypeError):
        whole + 1


ODD = st.fixed_dictionaries({
    "x": st.sampled_from([None, "ten", np.inf, -1e300, 5, [1]]), "y": st.sampled_from([None, 0, np.nan, "?", 10**400]),
    "sex": st.sampled_from(["f", "other", None, 1.5]), "arm": st.sampled_from(["a", "z", None, pd.Timestamp("2020")]),
    "site": st.sampled_from([1, "1", 99, None]), "person": st.sampled_from(["p", None, 3]),
})  # fmt: skip


@given(st.lists(ODD, max_size=2), ODD)
@settings(max_examples=3, deadline=None)
def test_ingestion_shows_nothing_of_a_record_but_through_noise(rows: list[Any], odd: Any) -> None:
    frame = pd.concat([table(3), pd.DataFrame(rows)], ignore_index=True)
    neighbour = pd.concat([frame, pd.DataFrame([odd])], ignore_index=True)
    assert audit_output(lambda data: ASK.release(SPEC, data), frame, neighbour) == []


def test_ingestion_of_awkward_tables() -> None:
    awkward = pd.DataFrame([{"x": "ten", "y": [1], "sex": None, "arm": 7, "site": "99", "person": None}])
    for ask, d, d2 in [
        (ASK, table(0), awkward), (ASK, table(1), table(0)),
        (bs.DP(1, 1e-5, bs.Unit("person", cap=1), DOMAIN), table(3), pd.concat([table(3), awkward])),
        (bs.DP(1, 1e-5, bs.Unit(relation="replace_one"), FILLED), pd.concat([table(3), awkward]), table(4)),
    ]:  # fmt: skip
        assert audit_output(lambda data, ask=ask: ask.release(SPEC, data), d, d2) == []  # type: ignore[misc]


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: bs.DP(0, 1e-5), "epsilon=0"),
        (lambda: bs.DP(1, 0), "delta=0"),
        (lambda: bs.DP(1, 1e-5, unit="person"), r"unit='person': state 'record', or .* bs.Unit\('patient', cap=3\)"),
        (lambda: bs.DP(0.1, 1e-5, earlier=[Entry.earlier("all", rho=0.5)]), "does not suffice for 'all'"),
        (lambda: bs.DP(1, 1e-5).plan(SPEC, 100), "needs a domain"),
        (lambda: ASK.plan(SPEC, 0), "n=0: state about how many rows"),
        (lambda: ASK.plan(SPEC, 100_000), "delta=1e-05 is not below 1 / n for n = 100000.*such as 1e-06"),
        (lambda: ASK.release(SPEC, table(3).drop(columns="arm")), "no column 'arm'"),
        (lambda: ASK.release(bs.Spec("x ~ log(y)", "y ~ 1"), table(3)), "'x' has no formal route"),
        (lambda: ASK.release(SPEC, cast(Any, None)), "must be a pandas DataFrame"),
    ],
)
def test_what_makes_no_sense_is_refused(ask: Callable[[], Any], message: str) -> None:
    with pytest.raises((PrivacyError, DataError), match=message):
        ask()


def test_a_release_of_the_first_format_opens(tmp_path: Path) -> None:
    """It has one variance for all sums of a block."""
    ASK.release(SPEC, table(50)).save(tmp_path / "now.npz")
    arrays = dict(np.load(tmp_path / "now.npz"))
    declared = json.loads(arrays["release.json"].tobytes())
    declared["format"], declared["moments"][0]["variance"] = 1, 7.0
    arrays["release.json"] = np.frombuffer(json.dumps(declared).encode(), dtype=np.uint8)
    del arrays["noise 0"]
    np.savez(tmp_path / "before.npz", **arrays)
    (found,) = bs.Released.load(tmp_path / "before.npz").moments
    np.testing.assert_array_equal(found.covariance, 7.0 * np.eye(len(found.pairs)))
    np.testing.assert_array_equal(found.total, bs.Released.load(tmp_path / "now.npz").moments[0].total)
