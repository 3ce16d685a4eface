"""The visiting order: what tells most comes first, constraints hold, contradictions are named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import bayessynth as bs
from bayessynth.errors import SpecError
from bayessynth.spec.auto import GroupFinding, screen, visiting_order
from tests.spec.auto.tables import chosen_dependence, dependence_of, encoded, found_in, persons, pupils

HUB = chosen_dependence({("a", "c"): 0.3, ("b", "c"): 0.5, ("c", "d"): 0.4, ("d", "e"): 0.9}, "abcde")
NUMBERS = bs.Schema(**dict.fromkeys("abcde", bs.Count(bounds=(0, 9))))


def test_the_column_that_tells_most_is_first_and_its_kin_follow() -> None:
    assert visiting_order(HUB, NUMBERS) == ["d", "e", "c", "b", "a"]


def test_given_columns_come_first_in_the_given_order() -> None:
    assert visiting_order(HUB, NUMBERS, fixed_first=["b", "a"]) == ["b", "a", "c", "d", "e"]


def test_columns_wait_for_those_that_must_precede_them() -> None:
    order = visiting_order(HUB, NUMBERS, after={"d": {"a", "e"}, "e": {"b"}})
    assert order.index("d") > order.index("e") > order.index("b")
    assert order.index("d") > order.index("a")


def test_a_column_of_many_levels_comes_last_unless_another_waits_for_it() -> None:
    schema = NUMBERS.override(d=bs.Categorical(*range(16)))
    assert visiting_order(HUB, schema)[-1] == "d"
    assert visiting_order(HUB, schema, after={"a": {"d"}})[-2:] == ["d", "a"]


def test_columns_of_groups_come_before_those_of_rows_the_outer_ones_first() -> None:
    table = pupils()
    schema, _ = encoded(table)
    groups = list(found_in(table).values())
    order = visiting_order(dependence_of(table), schema, groups=groups)
    assert order[0] == "budget"
    assert set(order[1:3]) == {"sector", "enrolment"}
    assert set(order) == {"budget", "sector", "enrolment", "female", "ses", "score"}


def test_the_order_does_not_change_from_call_to_call_and_holds_every_column_once() -> None:
    table = persons()
    schema, columns = encoded(table)
    dependence = dependence_of(table)
    order = visiting_order(dependence, schema)
    assert sorted(order) == sorted(columns.names)
    assert order == visiting_order(dependence, schema)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"fixed_first": ["f"]}, r"No column 'f' can be put in order\..* There are: a, b, c, d, e\."),
        ({"after": {"a": {"bb"}}}, r"No column 'bb' can be put in order\. Did you mean 'b'\?"),
        ({"after": {"a": {"b"}, "b": {"a"}}}, r"Columns wait for each other: '.' after '.' after '.'\. Take away"),
        ({"after": {"a": {"b"}}, "fixed_first": ["a", "b"]}, r"Columns wait for each other"),
    ],
)
def test_what_cannot_be_ordered_is_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        visiting_order(HUB, NUMBERS, **arguments)


def test_few_columns_are_all_predictors_in_order() -> None:
    order = ["d", "e", "c", "b", "a"]
    assert screen(HUB, order) == {name: tuple(order[:i]) for i, name in enumerate(order)}


def test_a_copy_of_a_chosen_column_is_passed_over() -> None:
    known = chosen_dependence({("a", "b"): 1.0, ("a", "d"): 0.5, ("b", "d"): 0.5, ("c", "d"): 0.2}, "abcd")
    assert screen(known, "abcd", most=2)["d"] == ("a", "c")


def test_a_column_that_tells_nothing_is_passed_over_though_there_is_room() -> None:
    known = chosen_dependence({("a", "d"): 0.5}, "abcd")
    assert screen(known, "abcd", most=2)["d"] == ("a",)


def test_strata_are_read_by_every_later_column() -> None:
    order = ["d", "e", "c", "b", "a"]
    chosen = screen(HUB, order, most=1, always=["d"])
    assert all(chosen[name] == ("d",) for name in order[1:])


def test_a_column_of_groups_reads_no_column_of_rows_or_of_other_groups() -> None:
    school = GroupFinding("school", 40, (5, 9), ("a", "b"), ("district",), "…")
    district = GroupFinding("district", 8, (20, 40), ("c",), (), "…")
    rater = GroupFinding("rater", 20, (5, 9), ("d",), (), "…")
    found = screen(HUB, ["c", "d", "b", "a", "e"], groups=[school, district, rater])
    assert found == {"c": (), "d": (), "b": ("c",), "a": ("c", "b"), "e": ("c", "d", "b", "a")}


def test_predictors_do_not_grow_with_the_number_of_columns() -> None:
    rng = np.random.default_rng(7)
    strength = np.abs(rng.normal(size=(300, 300)).astype(np.float32)) * 0.1
    matrix = np.minimum(strength + strength.T, 0.9)
    np.fill_diagonal(matrix, 1)
    names = tuple(f"x{i}" for i in range(300))
    found = screen(type(HUB)(names, matrix, matrix), names, most=20)
    assert max(map(len, found.values())) == 20
    assert all(list(read) == sorted(read, key=names.index) for read in found.values())
