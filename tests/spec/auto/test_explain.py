"""What was chosen and why: true sentences in a table; strata."""

from __future__ import annotations

import pytest

import bayessynth as bs
from bayessynth.errors import SpecError
from bayessynth.spec.auto import Choice, choices, explain, screen, strata_of, visiting_order
from tests.spec.auto.tables import dependence_of, encoded, found_in, persons, pupils

SCHEMA = bs.Schema(
    sex=bs.Binary("f", "m"), age=bs.Count(bounds=(0, 110)), zip=bs.Categorical(*range(60)), country=bs.Constant("PL")
)  # fmt: skip


def chosen(table, strata: tuple[str, ...] = (), most: int = 25) -> dict[str, Choice]:
    schema, _ = encoded(table)
    dependence, groups = dependence_of(table), list(found_in(table).values())
    order = visiting_order(dependence, schema, fixed_first=strata, groups=groups)
    read = screen(dependence, order, most=most, always=strata, groups=groups)
    return {choice.column: choice for choice in choices(dependence, schema, read, groups, strata)}


def test_the_table_has_a_row_for_every_factor_and_column() -> None:
    found = chosen(pupils())
    table = explain(list(found.values()))
    assert table.columns.tolist() == ["column", "kind", "family", "predictors", "level", "why"]
    assert table["column"].tolist()[:3] == ["district", "school", "budget"]
    assert table.set_index("column")["level"].to_dict() == {
        "district": "row", "school": "district", "budget": "district", "sector": "school", "enrolment": "school",
        "female": "row", "ses": "row", "score": "row",
    }  # fmt: skip
    assert (table["family"] == ["", "", *["tree"] * 6]).all()


def test_reasons_name_levels_and_what_tells_most() -> None:
    found = chosen(pupils())
    assert found["sector"].reason.startswith("Constant within school, so drawn once a group; ")
    assert found["school"].reason.startswith("school: 60 groups of 8–24 rows; ")
    later = max(("ses", "score"), key=list(found).index)
    assert f"most is known from {'ses' if later == 'score' else 'score'} (" in found[later].reason


def test_reasons_say_how_many_predictors_are_left_out() -> None:
    table = persons()
    found = chosen(table, most=3)
    assert max(len(choice.predictors) for choice in found.values()) == 3
    last = next(name for name in reversed(found) if found[name].predictors)
    assert found[last].reason.startswith(
        f"{len(found[last].predictors)} of the {list(found).index(last)} columns before it are read;"
    )


def test_reasons_of_constants_first_and_many_leveled_columns() -> None:
    table = persons().assign(country="PL")
    table["town"] = [f"town {'abcdefghijklmnopqrst'[i % 20]}" for i in range(len(table))]
    found = chosen(table)
    assert found["country"].reason == "All its cells are 'PL'."
    assert found["country"].family == "point"
    assert found["town"].reason.startswith("20 levels; ")
    assert next(iter(found.values())).reason == "No column comes before it."


def test_strata_come_first_and_are_read_by_all() -> None:
    found = chosen(persons(), strata=("north",), most=3)
    assert next(iter(found)) == "north"
    assert all("north" in choice.predictors for choice in list(found.values())[1:])
    assert found["north"].reason.startswith("Declared a stratum: comes first, and every later column reads it")


def test_strata_are_none_by_default_one_or_several() -> None:
    assert strata_of(None, SCHEMA) == ()
    assert strata_of("sex", SCHEMA) == ("sex",)
    assert strata_of(["sex", "age", "sex"], SCHEMA) == ("sex", "age")


@pytest.mark.parametrize(
    ("strata", "message"),
    [
        ("sx", r"strata='sx': there is no such column\. Did you mean 'sex'\?"),
        ("country", r"strata='country': a column of kind 'constant' parts the rows into no strata\. Leave it out\."),
        ("zip", r"strata='zip' has 60 levels, and strata have at most 50; join levels first"),
    ],
)
def test_what_can_be_no_stratum_is_refused(strata: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        strata_of(strata, SCHEMA)
