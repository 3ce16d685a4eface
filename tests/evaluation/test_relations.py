"""Measures across tables against numbers that are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.errors import DataError
from bayessynth.evaluation.relations.measures.likeness import intraclass
from bayessynth.evaluation.relations.measures.parent_child import correlations
from bayessynth.evaluation.relations.related import read_related
from tests.database import tables


def test_a_database_judged_against_itself_is_without_fault():
    database = bs.Database(tables.clinics())
    result = bs.evaluate(database, [database.tables, database.tables])
    assert result.verdict == "pass"
    assert {m.name: m.value for m in result} == pytest.approx(
        {"children": 0, "in_time": 0, "likeness": 0, "orphans": 0, "parent_child": 0}
    )
    assert set(result.tables) == {"patient", "visit"}
    assert set(result.tables["visit"].tables.numbers) == {"day", "score"}
    assert "across tables" in repr(result)
    assert result.to_frame()["name"].tolist()[:5] == ["children", "in_time", "likeness", "orphans", "parent_child"]


def test_orphans_and_double_keys_of_other_synthesizers_are_counted():
    frames = tables.clinics()
    broken = {name: frame.copy() for name, frame in frames.items()}
    broken["visit"].loc[[3, 9], "patient_id"] = "nobody"
    broken["patient"].loc[5, "patient_id"] = broken["patient"]["patient_id"][4]
    lost = int((frames["visit"]["patient_id"] == frames["patient"]["patient_id"][5]).sum())
    found = bs.evaluate(bs.Database(frames), broken)["orphans"]
    assert found.detail[["orphans", "parents_twice"]].iloc[0].tolist() == [2 + lost, 1]
    assert found.verdict == "fail"


def test_numbers_of_children_are_compared_with_their_distance_and_its_limit():
    parent = pd.DataFrame({"g_id": np.arange(100), "x": np.arange(100.0)})
    one = pd.DataFrame({"g_id": np.arange(100), "y": np.arange(100.0)})
    two = pd.DataFrame({"g_id": np.repeat(np.arange(100), np.where(np.arange(100) < 30, 2, 1))})
    two["y"] = np.arange(130.0)
    found = bs.evaluate({"g": parent, "h": one}, [{"g": parent, "h": two}] * 2)["children"].detail.iloc[0]
    assert found["pooled_ks"] == pytest.approx(0.3)
    assert found["limit"] == pytest.approx(1.63 * np.sqrt(2 / 100))
    assert found["within_limit"] == 0


def test_correlations_across_a_key_are_those_of_the_joined_table():
    frames = tables.clinics()
    side = read_related(bs.Database(frames), frames, None).original
    joined = frames["visit"].merge(frames["patient"], on="patient_id")
    found = correlations(side, bs.Database(frames).keys[0])
    assert found["age", "score", "rows"] == pytest.approx(joined["score"].corr(joined["age"]))
    means = frames["visit"].groupby("patient_id")["score"].mean().reindex(frames["patient"]["patient_id"]).to_numpy()
    assert found["age", "score", "means"] == pytest.approx(np.corrcoef(means, frames["patient"]["age"])[0, 1])


def test_likeness_agrees_with_the_textbook_for_equal_groups():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(60, 5)) + rng.normal(size=(60, 1))
    between = 5 * values.mean(axis=1).var(ddof=1)
    inside = values.var(axis=1, ddof=1).mean()
    expected = (between - inside) / (between + 4 * inside)
    assert intraclass(values.ravel(), np.repeat(np.arange(60), 5)) == pytest.approx(expected)


def test_order_in_time_is_missed_where_it_is_gone():
    frames = tables.clinics()
    mixed = {**frames, "visit": frames["visit"].sample(frac=1, random_state=1)}
    found = bs.evaluate(bs.Database(frames), mixed)["in_time"].detail.set_index("column")
    assert found.loc["day", "original"] == 1
    assert 0.3 < found.loc["day", "copies"] < 0.7


def test_copies_that_lack_something_are_refused():
    frames = tables.clinics()
    with pytest.raises(DataError, match="Copy 0 has no table 'visit'; it has patient"):
        bs.evaluate(bs.Database(frames), {"patient": frames["patient"]})
    with pytest.raises(DataError, match="Copy 0, table 'visit' has no column 'score'"):
        bs.evaluate(bs.Database(frames), {**frames, "visit": frames["visit"].drop(columns="score")})
    with pytest.raises(DataError, match="There is no copy to judge"):
        bs.evaluate(bs.Database(frames), [])
    with pytest.raises(DataError, match=r"There is no measure 'orphan' across tables\. Did you mean 'orphans'"):
        bs.evaluate(bs.Database(frames), frames)["orphan"]
