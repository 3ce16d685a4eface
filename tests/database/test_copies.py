"""Copies keep what is known to hold: keys, counts, dependence across tables, likeness of siblings."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.errors import SpecError, SynthesisError
from bayessynth.evaluation.relations.measures.likeness import intraclass
from tests.database import tables


def count(copy: dict[str, pd.DataFrame], child: str, parent: str, key: str) -> pd.Series:
    return copy[child].groupby(key).size().reindex(copy[parent][key]).fillna(0).astype(int)


def test_every_child_has_its_parent_and_every_key_names_one_row(clinics, levels, crossed, ringed):
    for database, fitted in (clinics, levels, crossed, ringed):
        for copy in fitted.synthesize(2, random_seed=3):
            for key in database.keys:
                assert copy[key.table][key.column].isin(copy[key.parent][key.parent_column]).all()
            for table, column in database.primary.items():
                assert copy[table][column].is_unique
            for table, frame in database.tables.items():
                assert list(copy[table]) == list(frame)
                assert (copy[table].dtypes == frame.dtypes).all()


def test_counts_that_follow_from_a_parents_column_do_so_in_every_copy(clinics):
    _, fitted = clinics
    for copy in fitted.synthesize(6, random_seed=2):
        visits = count(copy, "visit", "patient", "patient_id").to_numpy()
        arm = copy["patient"]["arm"].to_numpy()
        assert ((visits == 1) == (arm == "a")).mean() > 0.99
        assert set(visits) <= {1, 4}


def test_new_keys_are_written_as_the_original_ones_and_are_others(clinics):
    database, fitted = clinics
    copy = fitted.synthesize(1, random_seed=2)[0]
    assert copy["patient"]["patient_id"].str.fullmatch(r"P-\d{4}").all()
    assert copy["visit"]["visit_id"].tolist() == list(range(1, len(copy["visit"]) + 1))
    assert len(set(copy["patient"]["patient_id"]) & set(database["patient"]["patient_id"])) < 30


def test_siblings_are_as_alike_and_depend_as_much_on_their_parent_as_in_the_original(clinics):
    database, fitted = clinics

    def told(frames):
        at = frames["patient"].set_index("patient_id").index.get_indexer(frames["visit"]["patient_id"])
        joined = frames["visit"].merge(frames["patient"], on="patient_id")
        return intraclass(frames["visit"]["score"].to_numpy(), at), joined["score"].corr(joined["age"])

    icc, r = told(database.tables)
    made = np.array([told(copy) for copy in fitted.synthesize(6, random_seed=4)])
    assert icc > 0.7
    assert abs(made[:, 0].mean() - icc) < 0.12
    assert abs(made[:, 1].mean() - r) < 0.15


def test_the_rows_number_in_its_parent_tells_what_it_told(clinics):
    _, fitted = clinics
    visit = fitted.synthesize(1, random_seed=5)[0]["visit"]
    number = visit.groupby("patient_id").cumcount()
    assert (visit["day"] == 7 * number).mean() > 0.95


def test_three_levels_keep_constant_counts_and_what_the_top_says_of_the_bottom(levels):
    _, fitted = levels
    for copy in fitted.synthesize(2, random_seed=2):
        assert (count(copy, "class", "school", "school_id") == 2).all()
        assert (count(copy, "pupil", "class", "class_id") == 3).all()
        joined = copy["pupil"].merge(copy["class"], on="class_id").merge(copy["school"], on="school_id")
        means = joined.groupby("sector")["mark"].mean()
        assert 2 < means["church"] - means["state"] < 4
        assert (copy["class"].groupby("school_id")["grade"].nunique() == 2).mean() > 0.9


def test_with_two_parents_both_margins_hold_and_what_goes_together_does(crossed):
    database, fitted = crossed

    def told(frames):
        joined = frames["loan"].merge(frames["reader"], on="reader_id").merge(frames["book"], on="book_id")
        return joined["age"].corr(joined["year"])

    own = told(database.tables)
    copies = list(fitted.synthesize(6, random_seed=2))
    assert own < -0.6
    assert abs(np.mean([told(copy) for copy in copies]) - own) < 0.15
    result = bs.evaluate(database, copies, measures=["univariate"])
    assert result["orphans"].value == 0
    assert result["children"].detail["pooled_ks"].max() < 0.1
    assert result["children"].detail["within_limit"].min() == 1


def test_a_one_to_one_key_comes_out_one_to_one_and_origins_agree_as_often(ringed):
    database, fitted = ringed

    def same(frames):
        lives = frames["disp"].merge(frames["client"], on="client_id").merge(frames["account"], on="account_id")
        return (lives["town_id_x"] == lives["town_id_y"]).mean()

    copies = list(fitted.synthesize(4, random_seed=2))
    for copy in copies:
        assert sorted(copy["disp"]["client_id"]) == sorted(copy["client"]["client_id"])
        owners = copy["disp"][copy["disp"]["role"] == "owner"].groupby("account_id").size()
        assert (owners.reindex(copy["account"]["account_id"]) == 1).mean() > 0.97
    assert abs(np.mean([same(c) for c in copies]) - same(database.tables)) < 0.06


def test_rows_without_a_parent_stay_so_often(clinics):
    frames = {name: frame.copy() for name, frame in tables.clinics().items()}
    lost = np.random.default_rng(1).random(len(frames["visit"])) < 0.2
    frames["visit"].loc[lost, "patient_id"] = None
    fitted = bs.Database(frames).fit(copies=4, random_seed=1)
    shares = [copy["visit"]["patient_id"].isna().mean() for copy in fitted.synthesize(4, random_seed=2)]
    assert abs(np.mean(shares) - lost.mean()) < 0.05


def test_an_empty_table_is_empty_in_every_copy_with_its_dtypes():
    frames = tables.clinics() | {"death": pd.DataFrame({"patient_id": pd.Series(dtype="str"), "cause": pd.Series(
        dtype="float64")})}  # fmt: skip
    copy = bs.Database(frames).fit(copies=1, random_seed=1).synthesize(1, random_seed=2)[0]
    assert len(copy["death"]) == 0
    assert (copy["death"].dtypes == frames["death"].dtypes).all()
    assert list(copy) == ["patient", "visit", "death"]


def test_a_table_of_keys_alone_has_the_parents_counts():
    frames = tables.clinics()
    frames["visit"] = frames["visit"][["patient_id"]]
    copy = bs.Database(frames).fit(copies=1, random_seed=1).synthesize(1, random_seed=2)[0]
    assert set(count(copy, "visit", "patient", "patient_id")) <= {1, 4}


def test_the_same_seed_gives_the_same_bytes_and_copies_differ(clinics):
    _, fitted = clinics
    one, two = fitted.synthesize(3, random_seed=7), fitted.synthesize(3, random_seed=7)
    for table in ("patient", "visit"):
        pd.testing.assert_frame_equal(one[1][table], two[1][table])
    assert not one[0]["visit"]["score"].equals(one[1]["visit"]["score"])
    again = bs.Database(tables.clinics()).fit(copies=6, random_seed=1, cores=1).synthesize(3, random_seed=7)
    pd.testing.assert_frame_equal(one[2]["visit"], again[2]["visit"])


def test_the_number_of_rows_is_that_of_the_root(clinics, crossed):
    _, fitted = clinics
    copies = fitted.synthesize(2, k=40, random_seed=1)
    assert [len(copy["patient"]) for copy in copies] == [40, 40]
    assert len(crossed[1].synthesize(1, k={"reader": 30}, random_seed=1)[0]["reader"]) == 30


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"m": 7}, r"m=7 copies need as many draws, but the fit has 6: fit with copies=7"),
        ({"m": 0}, r"m=0 must be a whole number above zero"),
        ({"k": -1}, r"k=-1 must be a whole number above zero"),
        ({"k": {"visit": 3}}, r"k= names table 'visit', which is no root"),
    ],
)
def test_what_cannot_be_drawn_is_refused(clinics, arguments, message):
    with pytest.raises(SynthesisError, match=message):
        clinics[1].synthesize(**arguments)


def test_with_several_roots_a_number_says_of_which(crossed):
    with pytest.raises(SynthesisError, match=r"k=5, of which root\? There are"):
        crossed[1].synthesize(1, k=5)
    with pytest.raises(IndexError, match="There is no copy 9"):
        crossed[1].synthesize(1)[9]


def test_a_spec_of_ones_own_reads_the_parents_columns():
    spec = bs.Spec(bs.Equation("day ~ `row of patient`", family="tree"),
                   bs.Equation("score ~ day + `patient.age` + (1 | patient_id)", family="normal"))  # fmt: skip
    fitted = bs.Database(tables.clinics()).fit(specs={"visit": spec}, copies=2, random_seed=1)
    slope = float(fitted["visit"].idata["posterior"]["score_patient.age"].mean())
    assert abs(slope - 0.2) < 0.06
    copy = fitted.synthesize(2, random_seed=1)[1]
    joined = copy["visit"].merge(copy["patient"], on="patient_id")
    assert joined["score"].corr(joined["age"]) > 0.4


def test_specs_are_checked():
    database = bs.Database(tables.clinics())
    with pytest.raises(SpecError, match=r"specs= names table 'visits', which has no rows here\. Did you mean 'visit'"):
        database.fit(specs={"visits": bs.Spec("day ~ 1")})
    with pytest.raises(SpecError, match=r"'patient\.age' is a column of another table, which is drawn there"):
        database.fit(specs={"visit": bs.Spec("`patient.age` ~ 1", rest="drop")})
    frames = tables.clinics()
    frames["patient"]["number of visit"] = 1
    with pytest.raises(SpecError, match="has a column 'number of visit', the name of an internal one; rename it"):
        bs.Database(frames).fit()


def test_explain_says_what_is_drawn_from_what(clinics):
    told = clinics[1].explain("visit").set_index("column")
    assert "patient.age" in told.loc["score", "drawn given"]
    assert told.loc["score", "shares effects of"] == "patient_id"
    with pytest.raises(SynthesisError, match=r"There is no fit of table 'visits'\. Did you mean 'visit'"):
        clinics[1]["visits"]
