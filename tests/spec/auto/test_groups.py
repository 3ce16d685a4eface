"""Grouping factors: found where they are, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.errors import SpecError
from bayessynth.spec.auto import GroupFinding, find_groups, levels_of
from bayessynth.spec.auto.units import name_says, natural, written_as_labels
from tests.spec.auto.tables import encoded, found_in, persons, pupils


def test_schools_in_districts_are_found_with_what_is_constant_in_them() -> None:
    table = pupils()
    found = found_in(table)
    assert list(found) == ["district", "school"]
    school, district = found["school"], found["district"]
    sizes = table["school"].value_counts()
    assert (school.groups, school.sizes) == (60, (sizes.min(), sizes.max()))
    assert school.within == ("district",)
    assert set(school.constant_columns) == {"sector", "enrolment", "budget"}
    assert district.constant_columns == ("budget",)
    assert district.within == ()


def test_reasons_say_what_was_found() -> None:
    found = found_in(pupils())
    assert found["school"].reason == (
        "school: 60 groups of 8–24 rows; sector, enrolment, budget are constant within them; they lie within those of "
        "district."
    )
    assert found["district"].reason.endswith("budget is constant within them.")


def test_unrelated_persons_have_no_groups() -> None:
    assert found_in(persons()) == {}


@pytest.mark.parametrize("seed", range(10))
def test_pure_chance_makes_no_groups(seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.integers(0, 60, (400, 6)), columns=["v1", "no", "site", "county", "v2", "v3"])
    table[["rare", "yes"]] = rng.random((400, 2)) < [0.01, 0.5]
    assert found_in(table) == {}


def test_labels_without_a_telling_name_are_found_by_what_is_constant() -> None:
    table = pupils()[["school", "sector", "enrolment", "ses", "score"]].rename(columns={"school": "v1"})
    assert list(found_in(table)) == ["v1"]


def test_repeated_measures_are_found_by_likeness_alone() -> None:
    rng = np.random.default_rng(8)
    subject = np.repeat(rng.permutation(40), 6)
    table = pd.DataFrame({"subject": subject, "day": np.tile(np.arange(6), 40)})
    for name in ("reaction", "pulse"):
        table[name] = rng.normal(size=40)[subject] + rng.normal(size=240)
    assert list(found_in(table.iloc[3:])) == ["subject"]
    assert "rows of a group are alike (intraclass correlation: " in found_in(table.iloc[3:])["subject"].reason


def test_a_quantity_with_the_name_of_a_unit_is_no_label() -> None:
    rng = np.random.default_rng(9)
    years = np.clip(rng.normal(12, 3, 4000).round(), 0, 19).astype(int)
    table = pd.DataFrame({"school": years, "a": years + rng.normal(size=4000), "b": years + rng.normal(size=4000)})
    assert found_in(table) == {}


def test_levels_that_determine_others_are_no_groups() -> None:
    rng = np.random.default_rng(10)
    code = rng.integers(0, 30, 3000)
    table = pd.DataFrame(
        {"illness": [f"ill of {'abcdefgh'[c % 8]} {'xyzw'[c // 8]}" for c in code], "x": rng.normal(size=3000)}
    )
    table["chapter"], table["severity"] = (code % 4).astype(str), (code % 7).astype(str)
    table[["chapter", "severity"]] = "k" + table[["chapter", "severity"]]
    assert found_in(table) == {}


def test_the_name_of_an_identifier_suffices_but_not_where_cells_are_missing() -> None:
    rng = np.random.default_rng(11)
    table = pd.DataFrame({"account_id": rng.integers(0, 50, 400), "x": rng.normal(size=400)})
    assert found_in(table)["account_id"].reason.endswith("; the name says that it is an identifier.")
    table["account_id"] = table["account_id"].astype(float).where(rng.random(400) < 0.9)
    assert found_in(table) == {}


def test_keys_too_long_to_be_numbers_are_found() -> None:
    table = pupils()
    table["school"] = table["school"].astype(np.int64) + 9 * 10**17
    assert bs.Schema.detect(table)["school"].kind == "identifier"
    assert "school" in found_in(table)


def test_a_declared_group_needs_no_evidence() -> None:
    table = pd.DataFrame({"g": ["a", "b", "a", "b"] * 3, "x": np.random.default_rng(1).normal(size=12)})
    schema = bs.Schema.detect(table).override(g="group")
    (found,) = find_groups(table, schema.encode(table), schema)
    assert found.reason == "g: 2 groups of 6 rows; they were declared."


def test_declared_factors_are_the_only_ones() -> None:
    table = pupils()
    schema, columns = encoded(table)
    (found,) = find_groups(table, columns, schema, only=["school"])
    assert (found.factor, found.within) == ("school", ())
    assert set(found.constant_columns) == {"district", "sector", "enrolment", "budget"}
    assert find_groups(table, columns, schema, only=[]) == ()


def test_what_cannot_be_a_factor_is_refused() -> None:
    table = pupils()
    table.loc[:2, "school"] = np.nan
    schema, columns = encoded(table)
    with pytest.raises(SpecError, match=r"groups='scool': there is no such column\. Did you mean 'school'\?"):
        find_groups(table, columns, schema, only=["scool"])
    with pytest.raises(
        SpecError, match=rf"Grouping factor 'school': 3 of {len(table)} cells are missing, but every row"
    ):
        find_groups(table, columns, schema, only=["school"])


def test_of_two_labels_of_the_same_groups_one_is_the_factor() -> None:
    table = pupils()
    table["school_name"] = "School " + table["school"].astype(str)
    found = found_in(table)
    assert "school_name" in found["school"].constant_columns
    assert "school_name" not in found


def test_what_is_constant_by_chance_is_left_to_rows() -> None:
    rng = np.random.default_rng(12)
    pair = np.repeat(np.arange(30), 2)
    table = pd.DataFrame({"pair_id": pair, "x": rng.normal(size=60), "rare": (pair == 3).astype(int)})
    assert found_in(table)["pair_id"].constant_columns == ()
    table["treated"] = rng.integers(0, 2, 30)[pair]
    assert found_in(table)["pair_id"].constant_columns == ("treated",)


def test_rows_in_another_order_give_the_same_groups() -> None:
    table = pupils()
    shuffled = table.sample(frac=1, random_state=1).reset_index(drop=True)
    assert found_in(table) == found_in(shuffled)


def test_levels_follow_the_factor_of_the_fewest_groups() -> None:
    school = GroupFinding("school", 40, (5, 9), ("sector", "budget"), ("district",), "…")
    district = GroupFinding("district", 8, (20, 40), ("budget",), (), "…")
    for groups in ([school, district], [district, school]):
        assert levels_of(["sector", "budget", "ses"], groups) == {
            "sector": "school", "budget": "district", "ses": "row",
        }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("id", "identifier"), ("Patient.ID", "identifier"), ("childid", "identifier"), ("idcode", "identifier"),
        ("classroomNR", "identifier"), ("customer_no", "identifier"), ("Subject", "unit"), ("site", "unit"),
        ("policePrecinct", "place"), ("state_name", "place"), ("RANDID", "number"), ("sponsor_code", "number"),
        ("nofriend", None), ("paid", None), ("humid", None), ("schoolSES", None), ("survey_year", "quantity"),
        ("___", None),
    ],
)  # fmt: skip
def test_what_names_say(name: str, says: str | None) -> None:
    assert name_says(name) == says


def test_labels_are_told_from_words_numbers_and_dates() -> None:
    assert written_as_labels(["01-701-1015", "01-701-1023"])
    assert not written_as_labels(["A4", "B"])
    assert not written_as_labels(["A4", "4B"])
    assert not written_as_labels(["2012-07-22", "2013-01-01"])
    assert not written_as_labels(["8/14/2013", "1/27/2013"])
    assert not written_as_labels(["12", "1e5"])
    assert sorted(["b2", 3, "b10", 1.5], key=natural) == [1.5, 3, "b2", "b10"]


KNOWN = {
    "autism": ["childid"], "bdf": ["schoolNR", "classNR"], "bladder2": ["id"], "bodyweight": ["Rat"],
    "cbpp": ["herd"], "cgd": ["center"], "chem97": ["lea", "school"], "colon": ["id"], "contraception": ["district"],
    "dyestuff": ["Batch"], "egsingle": ["schoolid", "childid"], "empluk": ["firm"], "epil": ["subject"],
    "exam_london": ["school"], "grouseticks": ["LOCATION", "BROOD"], "hsb82": ["school"], "insteval": ["d", "s"],
    "kidney_catheter": ["id"], "medpar": ["provnum"], "mmmec": ["region"], "nlswork": ["idcode"],
    "orthodont": ["Subject"], "pbcseq": ["id"], "penicillin": ["sample", "plate"], "prothro_long": ["id"],
    "radon_mn": ["county"], "randhie_full": ["zper"], "retinopathy": ["id"], "rwm5yr": ["id"],
    "framingham_long": ["RANDID"], "schizophrenia": ["id"], "sleepstudy": ["Subject"], "toenail": ["patientID"],
    "verbagg": ["item", "id"], "wagepan": ["nr"],
}  # fmt: skip
FLAT = (
    "acs", "adult", "bank_marketing", "biochemists", "birthwt", "br2000", "caravan", "credit_data", "datacar",
    "default_islr", "doctorvisits", "flchain", "gbsg2", "german_credit", "gss_spending", "gss7402", "heart_statlog",
    "hmda", "indo_rct", "lending_club", "lung", "maternal_health_risk", "mgus2", "nhefs", "nmes1988", "pbc",
    "pima_768", "sd2011", "stroke_5110", "taiwan_default", "thyroid_disease", "veteran", "wvs", "yrbss",
)  # fmt: skip


@pytest.mark.parametrize(("name", "factors"), [*KNOWN.items(), *((name, []) for name in FLAT)])
def test_the_groups_of_public_tables(name: str, factors: list[str], shared_data: Path) -> None:
    table = pd.read_csv(shared_data / f"{name}.csv.gz", low_memory=False).dropna(axis=1, how="all")
    texts = table.select_dtypes(["object", "str"]).columns
    table[texts] = table[texts].apply(lambda text: text.astype("category"))
    assert list(found_in(table)) == factors
