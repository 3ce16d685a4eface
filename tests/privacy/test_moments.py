"""Moments: exact sums, sensitivity over all neighbours, noise scale, and how releases add up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

import bayessynth as bs
from bayessynth.errors import DataError, PrivacyError
from bayessynth.privacy import NoisyMoments, moments
from bayessynth.privacy.accounting import noise_cost
from bayessynth.privacy.moments import moment_layout, moment_sums
from tests.privacy.tables import DOMAIN, FILLED, Silent, start, table

REPLACE = bs.Unit(relation="replace_one")
WEIGHTED = bs.Unit("person", weighted=True)
READ = ["x", "y", "sex"]


def by_hand(frame: pd.DataFrame) -> np.ndarray:
    w = np.column_stack([np.ones(len(frame)), frame["x"] / 50 - 1, (frame["y"] - 1) / 2,
                         np.where(frame["sex"] == "m", 1, -1)])  # fmt: skip
    w[:, 1:3] = np.round(w[:, 1:3] * 1024) / 1024
    return np.array([(w[:, i] * w[:, j]).sum() for i in range(4) for j in range(i, 4) if (i, j) != (3, 3)])


def test_without_noise_they_are_the_sums_of_products() -> None:
    frame = table(200)
    found = moments(start(noise=Silent()), frame, READ, rho=0.01)
    np.testing.assert_array_equal(found.total, by_hand(frame)[None])
    assert found.columns == ("x", "y", "sex[m]") and found.binary == (False, False, True)
    assert found.pairs[:3] == ((0, 0), (0, 1), (0, 2)) and (3, 3) not in found.pairs and len(found.pairs) == 9
    assert found.groups == () and found.n is None


def test_groups_part_the_sums_and_cost_nothing_more() -> None:
    frame = table(200)
    release = start(noise=Silent())
    found = moments(release, frame, READ, rho=0.01, group="site")
    assert found.groups == ("1", "2", "3") and found.total.shape == (3, 9)
    for g, total in enumerate(found.total, start=1):
        np.testing.assert_array_equal(total, by_hand(frame[frame["site"] == g]))
    whole = moments(start(noise=Silent()), frame, READ, rho=0.01)
    np.testing.assert_array_equal(found.covariance, whole.covariance)
    # A group without rows has a row of sums all the same.
    assert moments(start(), frame[frame["site"] > 1], READ, rho=0.01, group="site").groups == found.groups


def test_sums_are_exact_beyond_what_floats_hold() -> None:
    frame = pd.DataFrame({"x": np.full(2_100_001, 100.0)})
    layout = moment_layout(DOMAIN, bs.Unit(), ["x"])
    assert moment_sums(DOMAIN, bs.Unit(), layout, frame, 65536).tolist() == [[2_100_001 * 2**32] * 3]


def test_weights_make_the_noise_small_beside_sampling_errors() -> None:
    """Weights are the whole numbers next to where the ratios of variances are smallest, averaged by kind of sum."""
    layout = moment_layout(DOMAIN, bs.Unit(), READ)
    s, kinds = np.array([1.0, 0.5, 0.5, 1.0]), np.array([(j > 0) + 2 * (i > 0) + (i == j > 0) for i, j in layout.pairs])
    own = np.array([max((i == j) + 1, 1) * s[i] ** 2 * s[j] ** 2 if j else 1.0 for i, j in layout.pairs])

    def cost(logarithms: np.ndarray) -> float:
        weights = np.exp(logarithms)
        scaled = replace(layout, weights=tuple(weights))
        ratios = np.diag(scaled.told(np.zeros((1, 9)), float(np.linalg.norm(weights)))[1]) / own
        return float(sum(ratios[kinds == kind].mean() for kind in range(5) if (kinds == kind).any()))

    best = minimize(cost, np.zeros(9), method="BFGS").x
    found = 16 * np.exp(best - best[layout.pairs.index((0, 1))])
    np.testing.assert_array_equal(layout.weights, found.round())


def test_noise_has_the_scale_that_sensitivity_and_budget_ask_for() -> None:
    for read, unit, squared in [(["x"], bs.Unit(), 650), (READ, bs.Unit(), 2524),
                                (READ, bs.Unit("person", cap=2), 4 * 2524)]:  # fmt: skip
        release = start(unit=unit)
        found = moments(release, table(30), read, rho=0.01)
        (entry,) = release.ledger.entries
        product = found.pairs.index((0, 1))
        assert found.covariance[product, product] == pytest.approx(squared / (2 * 0.01) / 16**2) and entry.rho <= 0.01
        assert entry.sensitivity == pytest.approx(np.sqrt(squared) * 1024**2)
        assert entry.scale is not None and entry.rho == noise_cost(squared * 1024**4, entry.scale)
    found = moments(start(), table(0), ["x"], rho=0.02)
    totals = np.array([moments(start(), table(0), ["x"], rho=0.02).total[0] for _ in range(400)])
    whitened = np.linalg.solve(np.linalg.cholesky(found.covariance), totals.T)
    np.testing.assert_allclose(whitened @ whitened.T / 400, np.eye(3), atol=0.25)


@pytest.mark.parametrize(
    ("unit", "domain", "group", "squared", "counted"),
    [
        (bs.Unit(), DOMAIN, None, 2524, False), (bs.Unit(), FILLED, "site", 2524, False),
        (REPLACE, FILLED, None, 16, True), (REPLACE, DOMAIN, None, 16, False), (REPLACE, FILLED, "site", 18, True),
        (bs.Unit("p", cap=3), DOMAIN, "site", 9 * 2524, False),
        (bs.Unit("p", cap=3, relation="replace_one"), FILLED, None, 144, False),
    ],
)  # fmt: skip
def test_sensitivity_by_relation(
    unit: bs.Unit, domain: bs.Domain, group: str | None, squared: int, counted: bool
) -> None:
    layout = moment_layout(domain, unit, READ, group)
    assert layout.squared == squared and layout.counted == counted
    assert ((0, 0) in layout.pairs) == (not counted or group is not None)


def test_many_binary_columns_move_further_within_a_group_than_between() -> None:
    domain = bs.Domain({**{f"b{i}": bs.Levels(0, 1) for i in range(5)}, "g": bs.Levels(1, 2)}, source="codebook")
    layout = moment_layout(domain, REPLACE, [f"b{i}" for i in range(5)], "g")
    assert 2 * len(layout.pairs) == 32 and layout.squared == 36


CELLS = st.tuples(st.one_of(st.floats(-1e3, 1e3), st.sampled_from([None, 0, 100])),
                  st.sampled_from([-1, 0, 1, 3, -9, None]), st.sampled_from(["f", "m", "?"]),
                  st.sampled_from([1, 2, 3, None]), st.sampled_from(["p", "q", None]))  # fmt: skip
ROWS = st.lists(CELLS, max_size=6)


@given(ROWS, CELLS, CELLS, st.sampled_from([DOMAIN, FILLED]), st.sampled_from([None, "site"]))
@settings(max_examples=40, deadline=None)
def test_no_record_moves_the_sums_further_than_the_sensitivity(rows: list[Any], one: Any, two: Any, domain: bs.Domain,
                                                              group: str | None) -> None:  # fmt: skip
    def sums(cells: list[Any], unit: bs.Unit) -> np.ndarray:
        frame = pd.DataFrame(cells, columns=["x", "y", "sex", "site", "person"])
        layout = moment_layout(domain, unit, READ, group)
        return moment_sums(domain, unit, layout, frame, 8) * np.array(layout.weights)

    others = [row for row in rows if row[4] != "p"]
    for unit, d, d2 in [
        (bs.Unit(), rows, [*rows, one]),
        (REPLACE, [*rows, one], [*rows, two]),
        (bs.Unit("person", cap=2), rows, others),
        (bs.Unit("person", cap=2, relation="replace_one"), rows, [*others, (*one[:4], "p"), (*two[:4], "p")]),
        (WEIGHTED, rows, others),
        (replace(WEIGHTED, relation="replace_one"), rows, [*others, (*one[:4], "p"), (*two[:4], "p")]),
    ]:
        moved = (sums(d, unit) - sums(d2, unit)).astype(float)
        assert (moved**2).sum() <= moment_layout(domain, unit, READ, group).on_grid(unit, 8)


@pytest.mark.parametrize("group", [None, "site"])
def test_rows_of_a_person_count_together_as_one(group: str | None) -> None:
    frame = table(60)
    frame["person"] = np.arange(60) % 7
    frame.loc[3, "x"] = np.nan  # a row that is left out leaves more weight to the person's others
    found = moments(start(unit=WEIGHTED, noise=Silent()), frame, READ, rho=0.01, group=group)
    used = frame.dropna(subset="x")
    expected = np.zeros_like(found.total)
    for _, rows in used.groupby("person"):
        for g, site in enumerate([1, 2, 3] if group else [None]):
            expected[g] += by_hand(rows if site is None else rows[rows["site"] == site]) / len(rows)
    np.testing.assert_allclose(found.total, expected, atol=1e-5)
    one = moments(start(noise=Silent()), used, READ, rho=0.01, group=group)
    each = moments(start(unit=WEIGHTED, noise=Silent()), used.assign(person=range(59)), READ, rho=0.01, group=group)
    np.testing.assert_array_equal(each.total, one.total)


def test_the_bounds_are_met_by_some_records() -> None:
    corner = {"x": 100, "y": 3, "sex": "m", "site": 1}
    opposite = {"x": 0, "y": -1, "sex": "m", "site": 1}
    for unit, pair, group in [(bs.Unit(), [corner], None), (REPLACE, [corner, opposite], None),
                              (REPLACE, [corner, {**corner, "site": 2}], "site")]:  # fmt: skip
        layout = moment_layout(FILLED, unit, READ, group)
        sums = [moment_sums(FILLED, unit, layout, pd.DataFrame([row]), 8).astype(float) for row in pair]
        moved = (sums[0] - (sums[1] if len(sums) > 1 else 0)) * layout.weights
        assert (moved**2).sum() == layout.squared * 8**4


def test_releases_add_up_with_their_variances() -> None:
    parts = [moments(start(noise=Silent(), epsilon=e), table(50, seed), READ, rho=0.01 * e)
             for seed, e in enumerate((1.0, 2.0, 0.5))]  # fmt: skip
    total = parts[0] + parts[1] + parts[2]
    whole = pd.concat([table(50, seed) for seed in range(3)])
    np.testing.assert_array_equal(total.total, by_hand(whole)[None])
    np.testing.assert_allclose(total.covariance, np.sum([part.covariance for part in parts], axis=0))
    assert total.test
    counted = [moments(start(FILLED, REPLACE), table(9), READ, rho=0.01) for _ in range(2)]
    assert (counted[0] + counted[1]).n == 18
    with pytest.raises(DataError, match="number of rows is public in one and private in the other"):
        moments(start(FILLED), table(9), ["x"], rho=0.01, group="site") + moments(
            start(FILLED, REPLACE), table(9), ["x"], rho=0.01, group="site"
        )
    with pytest.raises(DataError, match=r"columns are \('x',\) in one and \('y',\) in the other"):
        moments(start(), table(9), ["x"], rho=0.01) + moments(start(), table(9), ["y"], rho=0.01)
    with pytest.raises(TypeError):
        parts[0] + cast(NoisyMoments, 1)


def test_what_cannot_be_released_is_refused_before_it_is_paid() -> None:
    release = start()
    for call, message in [
        (lambda: moments(release, table(3).drop(columns="x"), ["x"], rho=0.01), "no column 'x'"),
        (lambda: moments(release, table(3), ["z"], rho=0.01), "'z' is not in the domain"),
        (lambda: moments(release, table(3), ["x"], rho=0.01, group="y"), "'y': list its groups"),
        (lambda: moments(release, table(3), ["x"], rho=0.01, grid=70_000), "grid=70000"),
        (lambda: moments(start(unit=bs.Unit("who", cap=2)), table(3), ["x"], rho=0.01), "no column 'who'"),
    ]:
        with pytest.raises((DataError, PrivacyError), match=message):
            call()
    assert release.ledger.entries == ()
