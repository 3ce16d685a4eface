"""Keys are found, declared, and refused with a message that says where and what to do."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.database import OrphanWarning
from bayessynth.database.structure import structure_of
from bayessynth.errors import DataError, SpecError, TableWarning
from tests.database import tables

PARENT = pd.DataFrame({"ward_id": [1, 2, 3], "beds": [4, 6, 8]})
CHILD = pd.DataFrame({"bed_id": [1, 2, 3, 4], "ward_id": [1, 1, 3, 2], "age": [50, 60, 70, 80]})


def keys(database: bs.Database) -> list[str]:
    return [f"{k.table}.{k.column}>{k.parent}.{k.parent_column}" for k in database.keys]


def test_a_column_of_the_parents_key_is_found_and_explained():
    database = bs.Database({"ward": PARENT, "bed": CHILD})
    assert keys(database) == ["bed.ward_id>ward.ward_id"]
    assert database.explain()["why"].tolist() == ["it has the key's name, and all its values are keys there"]
    assert "bed.ward_id → ward.ward_id  0–2" not in repr(database)
    assert "1–2, mean 1.33" in repr(database)


def test_a_column_named_for_the_table_is_found_whose_key_is_called_id():
    parent = PARENT.rename(columns={"ward_id": "id"})
    child = CHILD.rename(columns={"bed_id": "id"})
    assert keys(bs.Database({"wards": parent, "beds": child})) == ["beds.ward_id>wards.id"]


def test_a_bare_id_that_names_no_row_refers_to_the_table_in_which_it_does():
    labs = pd.DataFrame({"id": [1, 1, 2], "value": [0.5, 1.5, 2.5]})
    assert keys(bs.Database({"labs": labs, "person": pd.DataFrame({"id": [1, 2], "age": [3, 4]})})) == [
        "labs.id>person.id"
    ]


def test_of_two_tables_with_one_key_the_one_it_is_named_for_is_the_parent():
    more = pd.DataFrame({"ward_id": [1, 2], "nurses": [3, 4]})
    assert keys(bs.Database({"extra": more, "ward": PARENT})) == ["extra.ward_id>ward.ward_id"]


def test_a_declared_key_with_a_column_of_another_name():
    child = CHILD.rename(columns={"ward_id": "place"})
    database = bs.Database({"ward": PARENT, "bed": child}, keys=[bs.Key("bed", "place", "ward")])
    assert keys(database) == ["bed.place>ward.ward_id"]


def test_the_structure_of_berka_like_tables_turns_a_one_to_one_key():
    frames = tables.ringed()
    database = bs.Database(frames)
    found = structure_of(database.tables, database.keys, database.primary)
    assert found.order == ("town", "account", "disp", "client")
    turned = [link for link in found.links if link.inverted]
    assert [(link.owner, link.member) for link in turned] == [("disp", "client")]
    assert [link.owner for link in found.owners("client")] == ["disp", "town"]


def test_keys_that_agree_in_part_only_are_no_keys_and_that_is_said():
    child = CHILD.assign(ward_id=[1, 77, 78, 79])
    with pytest.warns(TableWarning, match="No key ties table 'ward' to another"):
        database = bs.Database({"ward": PARENT, "bed": child})
    assert "only 25% of its values are keys there" in database.explain()["why"][0]


@pytest.mark.parametrize("column", ["ward_id"])
def test_orphans_are_an_error_with_table_column_and_rows(column):
    child = CHILD.assign(**{column: [1, 9, 3, 2]})
    with pytest.raises(DataError, match=r"Table 'bed', column 'ward_id': 1 of 4 rows refer to no row of 'ward'; rows 1,"
                       r" the first has 9\. Mend them, or say orphans='drop'"):  # fmt: skip
        bs.Database({"ward": PARENT, "bed": child})
    with pytest.warns(OrphanWarning, match="They are left out"):
        assert len(bs.Database({"ward": PARENT, "bed": child}, orphans="drop")["bed"]) == 3


def test_orphans_of_dropped_orphans_are_dropped():
    frames = {"ward": PARENT, "bed": CHILD.assign(ward_id=[1, 9, 3, 2]),
              "visit": pd.DataFrame({"bed_id": [1, 2, 2, 3, 4, 1], "n": range(6)})}  # fmt: skip
    with pytest.warns(OrphanWarning):
        assert len(bs.Database(frames, orphans="drop")["visit"]) == 4


@pytest.mark.parametrize(
    ("parent", "message"),
    [
        ([1, 1, 3], r"Table 'ward', key 'ward_id': in 1 of 3 rows the key occurs before, the first is row 1: 1"),
        ([1, None, 3], r"Table 'ward', key 'ward_id': in 1 of 3 rows the key is missing, the first is row 1: nan"),
    ],
)
def test_a_parents_key_that_names_no_one_row_is_an_error(parent, message):
    with pytest.raises(DataError, match=message):
        bs.Database({"ward": PARENT.assign(ward_id=parent), "bed": CHILD.assign(ward_id=[1, 1, 3, 3])},
                    keys=[bs.Key("bed", "ward_id", "ward")])  # fmt: skip


def test_a_cycle_is_an_error_that_names_it():
    a = pd.DataFrame({"a_id": [1, 2], "b_id": [1, 2]})
    b = pd.DataFrame({"b_id": [1, 2], "a_id": [1, 2]})
    with pytest.raises(SpecError, match=r"Key cycle: (a → b → a|b → a → b)\. No table can be drawn before the others"):
        bs.Database({"a": a, "b": b}, keys=[bs.Key("a", "b_id", "b"), bs.Key("b", "a_id", "a")])
    with pytest.raises(SpecError, match=r"Key cycle: a → a\. Rows that refer to rows of their own table"):
        bs.Database({"a": a, "b": b}, keys=[bs.Key("a", "b_id", "a", "a_id")])


def test_a_column_that_may_refer_to_two_tables_is_an_error():
    frames = {"x": pd.DataFrame({"code_id": [1, 2]}), "y": pd.DataFrame({"code_id": [1, 2]}),
              "z": pd.DataFrame({"code_id": [1, 1, 2]})}  # fmt: skip
    with pytest.raises(DataError, match=r"Column 'code_id' of table 'z' may refer to x or y: declare which"):
        bs.Database(frames)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (bs.Key("bd", "ward_id", "ward"), r"there is no table 'bd'\. Did you mean 'bed'\?"),
        (bs.Key("bed", "wardid", "ward"), r"table 'bed' has no column 'wardid'\. Did you mean 'ward_id'\?"),
        ("bed.ward_id", r"keys= takes bs\.Key\('child', 'column', 'parent'\), not 'bed\.ward_id'"),
    ],
)
def test_declared_keys_are_checked(key, message):
    with pytest.raises(SpecError, match=message):
        bs.Database({"ward": PARENT, "bed": CHILD}, keys=[key])


def test_two_keys_of_one_column_and_two_primary_parents_are_errors():
    key = bs.Key("bed", "ward_id", "ward")
    with pytest.raises(SpecError, match="Column 'ward_id' of table 'bed' has two keys"):
        bs.Database({"ward": PARENT, "bed": CHILD}, keys=[key, key])
    frames = {"ward": PARENT, "nurse": pd.DataFrame({"nurse_id": [1, 2]}), "bed": CHILD.assign(nurse_id=[1, 2, 2, 1])}
    both = [bs.Key("bed", "ward_id", "ward", primary=True), bs.Key("bed", "nurse_id", "nurse", primary=True)]
    with pytest.raises(SpecError, match="Table 'bed' has two primary parents"):
        bs.Database(frames, keys=both)


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ({}, "A database is made of tables by name"),
        ({"a": [1]}, "Table 'a' is a list, not a DataFrame"),
        ({"a/b": PARENT}, "'a/b' is no name for a table"),
        ({"a": pd.DataFrame({3: [1]})}, r"columns whose names are no text, the first is 3\. Rename them"),
    ],
)
def test_what_is_no_database_is_refused(frames, message):
    with pytest.raises(DataError, match=message):
        bs.Database(frames)


def test_keys_of_two_types_are_an_error():
    with pytest.raises(DataError, match="Give both one type"):
        bs.Database({"ward": PARENT, "bed": CHILD.assign(ward_id=list("abca"))},
                    keys=[bs.Key("bed", "ward_id", "ward")])  # fmt: skip
    assert np.isin(["ward"], list(bs.Database({"ward": PARENT, "bed": CHILD}).tables)).all()
