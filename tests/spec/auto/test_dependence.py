"""Dependence between columns: against the definition, against chance, with gaps, however it is cut in blocks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import mutual_info_score

from bayessynth.schema import Columns
from bayessynth.spec.auto import associations, dependence
from bayessynth.spec.auto.classes import ALL, BINS, LEVELS, classify
from tests.spec.auto.tables import dependence_of, encoded, persons


def test_information_is_the_definition_less_what_chance_shows() -> None:
    table = persons(800)
    schema, columns = encoded(table)
    found, codes = dependence_of(table), classify(columns, schema).codes
    i, j = found.names.index("school"), found.names.index("income")
    freedom = codes[i].max() * codes[j].max()
    expected = mutual_info_score(codes[i], codes[j]) - freedom / (2 * columns.n)
    assert found.information[i, j] == pytest.approx(expected, rel=1e-4)
    shares = np.bincount(codes[i]) / columns.n
    assert found.entropy[i] == pytest.approx(-(shares * np.log(shares)).sum(), rel=1e-4)


def test_matrix_is_symmetric_between_zero_and_one() -> None:
    found = dependence_of(persons(800))
    assert found.matrix.dtype == np.float32
    np.testing.assert_array_equal(found.matrix, found.matrix.T)
    np.testing.assert_array_equal(np.diagonal(found.matrix), 1)
    assert found.matrix.min() == 0
    assert found.matrix.max() == 1


def test_independent_columns_tell_nothing_and_twins_everything() -> None:
    rng = np.random.default_rng(3)
    table = pd.DataFrame(rng.normal(size=(2000, 12)), columns=[f"x{i}" for i in range(12)])
    table["twin"] = -3 * table["x0"] + 1
    found = dependence_of(table)
    twin, first = found.names.index("twin"), found.names.index("x0")
    assert found.matrix[twin, first] == pytest.approx(1, abs=1e-3)
    others = found.matrix[1:12, 1:12][~np.eye(11, dtype=bool)]
    assert (others == 0).mean() > 0.9
    assert others.max() < 0.01


def test_that_a_cell_is_missing_is_information() -> None:
    rng = np.random.default_rng(4)
    working = rng.integers(0, 2, 1500)
    wage = np.where(working == 1, rng.normal(size=1500), np.nan)
    found = dependence_of(pd.DataFrame({"working": working, "wage": wage, "noise": rng.normal(size=1500)}))
    assert found.known[found.names.index("working"), found.names.index("wage")] > 0.99
    assert found.matrix[2, 1] < 0.01


def test_a_number_that_many_share_is_a_class_of_its_own() -> None:
    rng = np.random.default_rng(5)
    cost = np.where(rng.random(2000) < 0.7, 0, rng.exponential(size=2000))
    ill = (cost > 0).astype(int)
    found = dependence_of(pd.DataFrame({"cost": cost, "ill": ill}))
    assert found.known[1, 0] > 0.99


def test_classes_are_few_however_many_levels_rows_or_columns() -> None:
    rng = np.random.default_rng(6)
    table = pd.DataFrame({"zip": rng.integers(0, 400, 5000).astype(str), "x": rng.normal(size=5000)})
    table["zip"] = "z" + table["zip"]
    schema, columns = encoded(table)
    assert classify(columns, schema).counts.tolist() == [LEVELS, BINS]
    some = columns.take(np.arange(60))
    assert classify(some, schema).counts.max() <= 4
    wide = Columns({f"x{i}": columns["x"][:300] for i in range(2000)}, 300, {})
    counts = classify(wide, dict.fromkeys(wide.names, schema["x"])).counts
    assert counts.sum() <= ALL


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    table = persons(600)
    whole = dependence_of(table)
    monkeypatch.setattr(dependence, "BLOCK", 7)
    np.testing.assert_allclose(dependence_of(table).information, whole.information, atol=1e-6)


def test_only_some_rows_are_looked_at_and_the_seed_says_which() -> None:
    schema, columns = encoded(persons(3000))
    one, two, other = (associations(columns, schema, np.random.default_rng(s), rows=500) for s in (1, 1, 2))
    np.testing.assert_array_equal(one.information, two.information)
    assert not np.array_equal(one.information, other.information)


def test_a_constant_column_has_no_entropy_and_tells_nothing() -> None:
    table = persons(300).assign(country="PL")
    found = dependence_of(table)
    at = found.names.index("country")
    assert found.entropy[at] == 0
    assert not found.matrix[at].any()
    assert not found.known[at].any()


def test_a_table_without_columns_has_no_dependence() -> None:
    found = associations(Columns({}, 10, {}), {}, np.random.default_rng(1))
    assert found.matrix.shape == (0, 0)
