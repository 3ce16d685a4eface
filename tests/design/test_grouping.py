"""Grouping factors: nesting, levels, and the plan by which new groups are made."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bayessynth.design import Component, Grouping, GroupPlan, bind, component, coordinate
from bayessynth.design.grouping import closure, group, level_of, plan_groups
from bayessynth.errors import DataError, MissingDataError, SpecError
from bayessynth.schema import Schema
from bayessynth.spec import Equation, Spec, parse

N = 120
ROW = np.arange(N)
RNG = np.random.default_rng(5)
DATA = pd.DataFrame({
    "region": ROW // 40, "school": [f"s{i // 10}" for i in ROW], "room": ROW % 10 // 5 + 1, "pupil": ROW // 2,
    "rater": [f"r{i}" for i in RNG.permutation(ROW) % 7], "item": ROW % 10, "batch": [f"b{i % 8}" for i in ROW // 15],
    "y": RNG.normal(size=N),
})  # fmt: skip


def grouped(*factors: tuple[str, ...], data: pd.DataFrame = DATA) -> Grouping:
    names = {c for f in factors for c in f}
    schema = Schema.detect(data).override(**dict.fromkeys(names, "group"))
    return group(schema.encode(data, columns=list(names), missing="keep"), closure(factors))


def factors(right: str) -> tuple[tuple[str, ...], ...]:
    return parse(f"y ~ {right}").factors


def test_codes_labels_and_first_rows() -> None:
    found = grouped(("school",), ("school", "room"))
    assert found.size("school") == 12
    assert found.labels["school"][:3] == ("s0", "s1", "s10")
    assert found.labels["school:room"][0] == ("s0", 1)
    for factor, labels in found.labels.items():
        assert (found.codes[factor][found.first[factor]] == np.arange(len(labels))).all()
    rows = found.codes["school"] == found.labels["school"].index("s7")
    assert DATA["school"][rows].unique().tolist() == ["s7"]
    assert found.rows("row").tolist() == ROW.tolist()
    assert len(found.rows("school")) == 12


def test_nesting_is_found_in_the_data() -> None:
    found = grouped(("school",), ("region",), ("pupil",), ("rater",))
    assert found.ancestors == {
        "school": ("region",), "region": (), "pupil": ("region", "school"), "rater": (),
    }  # fmt: skip
    assert found.determines("pupil", "region")
    assert found.determines("row", "rater")
    assert not found.determines("school", "pupil")
    assert (found.within("school", "region") == DATA["region"].to_numpy()[found.first["school"]]).all()


def test_a_factor_of_two_columns_brings_the_one_above_it() -> None:
    assert closure((("a", "b", "c"), ("d",))) == (("a",), ("a", "b"), ("a", "b", "c"), ("d",))
    assert grouped(("school", "room")).ancestors["school:room"] == ("school",)


@pytest.mark.parametrize(
    ("right", "chain", "crossed", "balanced", "reused"),
    [
        ("x", (), {}, 0, ()),
        ("(1 | school)", ("school",), {}, 0, ()),
        ("(1 | region) + (1 | school) + (1 | pupil)", ("region", "school", "pupil"), {}, 0, ()),
        ("(1 | school/room)", ("school", "school:room"), {}, 0, ("school:room",)),
        ("(1 | region/school)", ("region", "region:school"), {}, 0, ()),
        ("(1 | school) + (1 | rater)", ("school",), {"rater": "row"}, 0, ()),
        ("(1 | school) + (1 | item)", ("school",), {"item": "row"}, 1, ()),
        ("(1 | item) + (1 | school)", ("school",), {"item": "row"}, 1, ()),
        ("(1 | region) + (1 | school) + (1 | rater)", ("region", "school"), {"rater": "row"}, 0, ()),
        ("(1 | pupil) + (1 | batch)", ("pupil",), {"batch": "row"}, 0, ()),
    ],
)  # fmt: skip
def test_plans(right: str, chain: tuple[str, ...], crossed: dict[str, str], balanced: int, reused: Any) -> None:
    plan = plan_groups(grouped(*factors(right)))
    assert (plan.chain, plan.crossed, plan.balanced, plan.reused) == (chain, crossed, balanced, reused)
    assert GroupPlan.from_json(json.loads(json.dumps(plan.to_json()))) == plan
    assert [below for _, below in plan.steps] == [*chain[1:], *(["row"] if chain else [])]


def test_a_factor_may_cross_above_the_rows() -> None:
    df = pd.DataFrame({"pupil": ROW // 4, "school": ROW // 4 % 5, "home": ROW // 4 % 7, "y": RNG.normal(size=N)})
    plan = plan_groups(grouped(("school",), ("home",), ("pupil",), data=df))
    assert (plan.chain, plan.crossed) == (("school", "pupil"), {"home": "pupil"})


def test_a_crossed_factor_that_is_itself_nested_has_no_plan() -> None:
    df = pd.DataFrame({"school": ROW // 10, "district": ROW // 40, "city": ROW % 12 // 4, "home": ROW % 12})
    found = grouped(("district",), ("school",), ("home",), ("city",), data=df)
    with pytest.raises(SpecError, match=r"Grouping factor 'home' is nested in 'city' and crossed with 'school'|"
                                        "'school' is nested in 'district' and crossed with 'home'"):  # fmt: skip
        plan_groups(found)


def test_the_level_of_a_column_is_the_coarsest_that_holds_it() -> None:
    found = grouped(("region",), ("school",), ("pupil",))
    values = RNG.normal(size=N)
    assert level_of(values, found) == "row"
    assert level_of(values[DATA["pupil"]], found) == "pupil"
    assert level_of(values[DATA["school"].str[1:].astype(int)], found) == "school"
    assert level_of(values[DATA["region"]], found) == "region"
    assert level_of(np.full(N, 3.0), found) == "row"
    gap = values[DATA["region"]]
    assert level_of(np.where(DATA["region"] == 1, np.nan, gap), found) == "region"
    assert level_of(np.where(ROW == 0, np.nan, gap), found) == "row"


def test_groups_that_all_have_one_row_are_no_level() -> None:
    df = DATA.assign(key=[f"k{i}" for i in ROW])
    assert level_of(RNG.normal(size=N), grouped(("key",), data=df)) == "row"


def test_rows_without_a_group_are_named() -> None:
    df = DATA.assign(school=DATA["school"].where(ROW > 2))
    with pytest.raises(MissingDataError, match=r"A row without a group: column 'school', 3 of 120 rows, the first is "
                                               r"row 0.*Give these rows a label of their own"):  # fmt: skip
        grouped(("school",), data=df)


def test_one_group_is_refused() -> None:
    with pytest.raises(DataError, match=r"'region' has only one group.*remove the terms \(… \| region\) from the spec"):
        grouped(("region",), data=DATA.assign(region=1))


def test_two_names_for_the_same_groups_do_not_nest() -> None:
    found = grouped(("school",), ("label",), data=DATA.assign(label=DATA["school"].str.upper()))
    assert found.ancestors == {"school": (), "label": ()}


def test_coordinates_are_text_or_integers() -> None:
    assert coordinate((3, 1)) == (3, 1)
    assert coordinate(("a", "b")) == ("a", "b")
    assert coordinate((1.0, 2.0)) == ("1.0", "2.0")
    assert coordinate((True, False)) == ("True", "False")
    assert coordinate((("a", 1), ("b", 2))) == ("a:1", "b:2")


def test_components_hold_rows_at_their_level() -> None:
    df = DATA.assign(size=np.repeat(RNG.integers(5, 90, 12), 10))[["school", "size", "y"]]
    bound, data = bind(Spec("size ~ 1", "y ~ size + (1 + size | school)"), df)
    assert bound.levels == {"size": "school", "y": "row"}
    upper, lower = component(bound, data, "size"), component(bound, data, "y")
    assert len(upper.y) == 12
    assert lower.y.tolist() == df["y"].tolist()
    assert abs(lower.matrices["mu"].mean()) < 1e-12
    assert lower.effects["mu"][0].shape == (N, 2)
    assert [lower.labels["school"][i] for i in lower.index["school"]] == df["school"].tolist()


def test_an_index_outside_its_groups_is_refused() -> None:
    bound, data = bind(Spec("y ~ (1 | school)"), DATA[["school", "y"]])
    good = component(bound, data, "y")
    index = good.index["school"].copy()
    index[3] = 12
    with pytest.raises(DataError, match=r"Group index of 'school' is outside 0..11 in 1 rows, the first is row 3: 12"):
        Component(
            good.equation, good.y, good.matrices, good.offsets, good.effects, {"school": index}, good.labels, None
        )


def test_reused_labels_are_groups_of_their_own() -> None:
    bound, data = bind(Spec(Equation("y ~ (1 | school/room)", family="normal")), DATA[["school", "room", "y"]])
    assert bound["y"].factors == ("school", "school:room")
    assert data.grouping.size("school:room") == 24
    assert component(bound, data, "y").labels["school:room"][:2] == ("s0:1", "s0:2")
