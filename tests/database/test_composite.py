"""Keys of several columns are found, declared, kept unique, and refused with a message that says what to do."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.errors import DataError, SpecError
from tests.database import tables


def rows(frame: pd.DataFrame, *columns: str) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(frame[list(columns)])


def test_they_are_found_and_what_they_repeat_is_left_out():
    database = bs.Database(tables.sites())
    assert sorted(map(str, database.keys)) == [
        "lab.(site, no, visit) → visit", "patient.site → site", "visit.(site, no) → patient",
    ]  # fmt: skip
    why = database.explain().set_index("key")
    assert not why.loc["visit.site → site", "taken"] and not why.loc["lab.(site, no) → patient", "taken"]
    assert why.loc["visit.site → site", "why"] == "a key of several columns leads there already"
    assert database.children().set_index("key").loc["visit.(site, no) → patient", "most"] == 4


def test_columns_that_tell_rows_apart_by_chance_or_in_part_are_no_key():
    rng = np.random.default_rng(1)
    measured = pd.DataFrame({"weight": rng.normal(size=50), "height": rng.normal(size=50)})
    with pytest.warns(bs.errors.TableWarning, match="No key ties"):
        assert bs.Database({"one": measured, "two": measured.head(20)}).keys == ()
    frames = tables.sites()
    frames["visit"].loc[0, "no"] = 99
    found = [str(key) for key in bs.Database({t: frames[t] for t in ("visit", "patient", "site")}).keys]
    assert "visit.(site, no) → patient" not in found


def test_copies_hold_them_in_every_table_with_the_originals_columns(sites):
    database, fitted = sites
    for copy in fitted.synthesize(3, random_seed=2):
        patient, visit = rows(copy["patient"], "site", "no"), rows(copy["visit"], "site", "no", "visit")
        assert patient.is_unique and visit.is_unique
        assert rows(copy["visit"], "site", "no").isin(patient).all()
        assert rows(copy["lab"], "site", "no", "visit").isin(visit).all()
        assert copy["patient"]["site"].isin(copy["site"]["site"]).all()
        # Numbers run from 1 within the rest of the key.
        assert (copy["patient"].groupby("site")["no"].max() == copy["patient"].groupby("site").size()).all()
        for table, frame in database.tables.items():
            assert list(copy[table]) == list(frame)
            assert (copy[table].dtypes == frame.dtypes).all()
    joined = copy["visit"].merge(copy["patient"], on=["site", "no"])
    assert joined["pressure"].corr(joined["age"]) > 0.9


def test_relations_across_them_are_judged(sites):
    database, fitted = sites
    result = bs.evaluate(database, list(fitted.synthesize(2, random_seed=2)), measures=["univariate"])
    assert result["orphans"].detail["orphans"].sum() == 0 and result["orphans"].detail["parents_twice"].sum() == 0
    assert "visit.(site, no) → patient" in set(result["children"].detail["key"])
    assert not {"no", "visit"} & set(result["parent_child"].detail["child"])


def test_a_saved_fit_gives_the_same_bytes(sites, tmp_path):
    _, fitted = sites
    fitted.save(tmp_path / "fit")
    made, again = (f.synthesize(2, random_seed=5)[1] for f in (fitted, bs.load(tmp_path / "fit")))
    for table in made:
        pd.testing.assert_frame_equal(made[table], again[table])


def test_constant_parts_text_and_optional_parents_may_be_declared():
    frames = tables.sites()
    frames["patient"]["no"] = frames["patient"]["no"].map("P-{:03d}".format)
    frames["visit"] = frames["visit"].assign(nr=frames["visit"]["no"].map("P-{:03d}".format)).drop(columns="no")
    frames["visit"].loc[::9, "nr"] = None
    key = bs.Key("visit", ("study", "site", "nr"), "patient", ("study", "site", "no"))
    database = bs.Database({t: frames[t] for t in ("visit", "patient")}, [key])
    assert str(key) == "visit.(study, site, nr) → patient.(study, site, no)"
    copy = database.fit(copies=1, random_seed=1).synthesize(1, random_seed=1)[0]
    known = copy["visit"].dropna(subset=["nr"])
    assert rows(copy["patient"], "study", "site", "no").is_unique
    parents = rows(copy["patient"].rename(columns={"no": "nr"}), "study", "site", "nr")
    assert rows(known, "study", "site", "nr").isin(parents).all()
    assert copy["patient"]["no"].str.fullmatch(r"P-\d{3}").all()
    assert 0.02 < copy["visit"]["nr"].isna().mean() < 0.25


def test_an_orphan_is_an_error_that_shows_all_its_columns():
    frames = tables.sites()
    frames["visit"].loc[3, "no"] = 77
    keys = [bs.Key("visit", ("site", "no"), "patient")]
    with pytest.raises(DataError, match=r"Table 'visit', column 'site and no': 1 of \d+ rows refer to no row of 'patie"
                                        r"nt'; rows 3, the first has 'S01 and 77'"):  # fmt: skip
        bs.Database({t: frames[t] for t in ("visit", "patient")}, keys)
    frames["patient"].loc[1, "no"] = 1
    frames["visit"] = frames["visit"].drop(index=3)
    with pytest.raises(DataError, match=r"key 'site and no': in 1 of \d+ rows the key occurs before.*'S01 and 1'"):
        bs.Database({t: frames[t] for t in ("visit", "patient")}, keys)


@pytest.mark.parametrize(("made", "message"), [
    (lambda: bs.Key("visit", ("site", "no"), "patient", "id"), "child and parent need as many columns"),
    (lambda: bs.Key("visit", ("site", "site"), "patient"), "names a column twice"),
    (lambda: bs.Database(tables.sites(), [bs.Key("visit", ("site", "number"), "patient")]),
     r"visit.\(site, number\) → patient: table 'visit' has no column 'number'"),
    (lambda: bs.Database(
        {"a": pd.DataFrame({"a": [1, 2]}), "b": pd.DataFrame({"b": [1, 2]}),
         "pair": pd.DataFrame({"a": [1, 1, 2], "b": [1, 2, 1]}), "use": pd.DataFrame({"a": [1, 2], "b": [2, 1]})},
        [bs.Key("pair", "a", "a"), bs.Key("pair", "b", "b"), bs.Key("use", ("a", "b"), "pair")]),
     "Table 'pair': all of its key's columns 'a', 'b' refer to other tables .* give it a key of its own"),
])  # fmt: skip
def test_what_makes_no_sense_is_refused(made, message):
    with pytest.raises((SpecError, DataError), match=message):
        made()
