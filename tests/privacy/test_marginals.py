"""Tables of counts: exact counts, sensitivity, noise scale, and how releases add up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bayessynth as bs
from bayessynth.errors import DataError, PrivacyError
from bayessynth.privacy import NoisyMarginals, marginals
from bayessynth.privacy.marginals import Clique, marginal_counts, marginals_squared
from tests.privacy.tables import DOMAIN, FILLED, Silent, start, table

CLIQUES: list[Clique] = [("sex", "arm"), ("x",), ("arm", "x", "site")]
REPLACE = bs.Unit(relation="replace_one")


def test_without_noise_they_are_the_counts() -> None:
    frame = table(300)
    found = marginals(start(noise=Silent()), frame, CLIQUES, rho=0.01)
    bins = pd.cut(frame["x"], [-1, 24.999999, 49.999999, 74.999999, 101], labels=False)
    for clique, counts, shape in zip(CLIQUES, found.counts, ((2, 3), (4,), (3, 4, 3)), strict=True):
        columns = [bins if name == "x" else pd.Categorical(frame[name]).codes for name in clique]
        expected = np.zeros(shape)
        np.add.at(expected, tuple(columns), 1)
        np.testing.assert_array_equal(counts, expected)
    assert found.shapes == ((2, 3), (4,), (3, 4, 3)) and found.cells["x"][-1] == "[75, 100]"
    assert found.variance == pytest.approx(3 / 0.02) and found.n is None


def test_a_value_on_a_cut_lies_above_it() -> None:
    frame = pd.DataFrame({"x": [0, 25, 24.99, 100, 1e9, -1]})
    assert marginal_counts(DOMAIN, bs.Unit(), [("x",)], frame)[0].tolist() == [3, 1, 0, 2]


CELLS = st.tuples(st.sampled_from(["f", "m", None]), st.sampled_from(["a", "b", "c", 0]), st.floats(0, 100),
                  st.sampled_from([1, 2, 3]), st.sampled_from(["p", "q"]))  # fmt: skip


@given(st.lists(CELLS, max_size=5), CELLS, CELLS, st.sampled_from([DOMAIN, FILLED]))
@settings(max_examples=30, deadline=None)
def test_no_unit_moves_the_counts_further_than_the_sensitivity(
    rows: list[Any], one: Any, two: Any, domain: bs.Domain
) -> None:
    def counts(cells: list[Any], unit: bs.Unit) -> np.ndarray:
        frame = pd.DataFrame(cells, columns=["sex", "arm", "x", "site", "person"])
        return np.concatenate([found.ravel() for found in marginal_counts(domain, unit, CLIQUES, frame)])

    person = bs.Unit("person", cap=2)
    weighted, others = bs.Unit("person", weighted=True), [row for row in rows if row[4] != "p"]
    for unit, d, d2 in [
        (bs.Unit(), rows, [*rows, one]), (REPLACE, [*rows, one], [*rows, two]), (person, rows, others),
        (weighted, rows, others),
        (replace(weighted, relation="replace_one"), rows, [*others, (*one[:4], "p"), (*two[:4], "p")]),
    ]:  # fmt: skip
        moved = counts(d, unit) - counts(d2, unit)
        assert (moved**2).sum() <= marginals_squared(domain, unit, CLIQUES) * unit.parts**2


def test_rows_of_a_person_count_together_as_one() -> None:
    frame = pd.DataFrame({"sex": ["f", "f", "m", "m"], "person": ["p", "p", "p", "q"]})
    found = marginals(start(unit=bs.Unit("person", weighted=True), noise=Silent()), frame, [("sex",)], rho=0.01)
    np.testing.assert_allclose(found.counts[0], [2 / 3, 1 / 3 + 1], atol=2**-19)
    assert found.variance == pytest.approx(1 / 0.02)


def test_sensitivity_by_relation() -> None:
    assert marginals_squared(DOMAIN, bs.Unit(), CLIQUES) == 3
    assert marginals_squared(DOMAIN, REPLACE, CLIQUES) == 6
    assert marginals_squared(DOMAIN, bs.Unit("p", cap=2, relation="replace_one"), CLIQUES) == 24
    assert marginals(start(FILLED, REPLACE), table(7), CLIQUES, rho=0.01).n == 7


def test_releases_add_up_with_their_variances() -> None:
    one, two = (marginals(start(noise=Silent()), table(20, seed), CLIQUES, rho=0.01) for seed in (1, 2))
    both = marginals(start(noise=Silent()), pd.concat([table(20, 1), table(20, 2)]), CLIQUES, rho=0.01)
    total = one + two
    for counts, expected in zip(total.counts, both.counts, strict=True):
        np.testing.assert_array_equal(counts, expected)
    assert total.variance == 2 * one.variance and total.test
    with pytest.raises(DataError, match="Release both with the same domain and cliques"):
        one + marginals(start(), table(5), [("sex",)], rho=0.01)
    with pytest.raises(DataError, match="public in one and private in the other"):
        marginals(start(FILLED), table(5), [("sex",)], rho=0.01) + marginals(
            start(FILLED, REPLACE), table(5), [("sex",)], rho=0.01
        )
    with pytest.raises(TypeError):
        one + cast(NoisyMarginals, 1)


def test_what_cannot_be_released_is_refused_before_it_is_paid() -> None:
    wide = bs.Domain({c: bs.Bounds(0, 1, grid=200) for c in "abc"}, source="codebook")
    for domain, cliques, message in [
        (DOMAIN, [], "No tables of counts are asked for"),
        (DOMAIN, [("sex", "sex")], "each once"),
        (DOMAIN, [("y",)], "'y' is a number without a grid"),
        (DOMAIN, [("z",)], "'z' is not in the domain"),
        (wide, [("a",), ("a", "b", "c")], r"8,000,200 cells are more than 1,000,000; the largest is a × b × c"),
    ]:
        release = start(domain)
        with pytest.raises(PrivacyError, match=message):
            marginals(release, table(3), cast(Any, cliques), rho=0.01)
        assert release.ledger.entries == ()
