"""The parts that a copy is made of, each by itself."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.database.covariates import Known, RowNumber, Summary, from_json, summaries
from bayessynth.database.key import Key
from bayessynth.database.labels import Labels
from bayessynth.database.pairing import adjusted
from bayessynth.database.screen import Judged, telling
from bayessynth.database.structure import Link
from bayessynth.errors import SynthesisError
from bayessynth.schema import Column


def test_summaries_are_those_of_a_group_by():
    rng = np.random.default_rng(1)
    at = rng.integers(0, 20, 200)
    values = np.where(rng.random(200) < 0.1, np.nan, rng.normal(size=200))
    codes = rng.integers(-1, 3, 200)
    known = Known({"p": 21}, {"s": {"x": values, "c": codes}}, {"p>s": at, "p>t": np.arange(21)})
    frame = pd.DataFrame({"at": at, "x": values, "c": codes})
    for statistic, name in (("mean", "mean"), ("lowest", "min"), ("highest", "max")):
        found = Summary("n", "p>t", "p>s", "p", "s", "x", None, statistic).values(known)
        np.testing.assert_allclose(found, frame.groupby("at")["x"].agg(name).reindex(range(21)))
    share = Summary("n", "p>t", "p>s", "p", "s", "c", 1, "share").values(known)
    np.testing.assert_allclose(share, (frame["c"] == 1).groupby(frame["at"]).mean().reindex(range(21)))


def test_row_numbers_count_within_owners():
    known = Known({}, {}, {"l": np.array([2, 0, 2, -1, 2])})
    np.testing.assert_array_equal(RowNumber("n", "l", False).values(known), [1, 1, 2, np.nan, 3])
    np.testing.assert_allclose(RowNumber("n", "l", True).values(known), [1 / 3, 1, 2 / 3, np.nan, 1])


@pytest.mark.parametrize(("counts", "total", "least", "most"), [
    ([1, 2, 1, 2], 7, 1, 2), ([1, 2, 1, 2], 4, 1, 2), ([0, 0, 0], 5, 0, 3), ([100, 10, 1], 222, 1, 500),
    ([1, 1], 9, 1, 2), ([3, 3], 1, 1, 3), ([5, 5], 0, 0, 9),
])  # fmt: skip
def test_counts_are_made_to_sum_up_within_their_limits(counts, total, least, most):
    found = adjusted(np.array(counts), total, least, most, np.random.default_rng(1))
    assert found.sum() == total
    if least * len(counts) <= total <= most * len(counts):
        assert least <= found.min() <= found.max() <= most
    if counts == [100, 10, 1]:
        assert abs(found[0] - 200) < 3


def test_covariates_that_say_nothing_pass_the_screen_as_rarely_as_they_should():
    rng = np.random.default_rng(1)
    at = np.repeat(np.arange(50), 40)
    passed = 0
    for _ in range(200):
        # Owners differ, and rows within them are alike: a test of rows would let nearly everything pass.
        y = rng.normal(size=50)[at] + 0.2 * rng.normal(size=2000)
        passed += len(telling(y, 0, {"x": Judged(rng.normal(size=50)[at], 0, at)}))
    assert passed <= 8


def test_a_levels_covariate_and_a_rows_number_are_heard():
    rng = np.random.default_rng(2)
    at = np.repeat(np.arange(60), 5)
    kind = rng.integers(0, 3, 60)
    y = (rng.random(300) < 0.2 + 0.3 * kind[at]).astype(int)
    place = np.tile(np.arange(1.0, 6), 60)
    found = telling(y, 2, {"kind": Judged(kind[at], 3, at), "row": Judged(place, 0, at, within=True)})
    assert found == ["kind"]
    assert telling((place > 1).astype(int), 2, {"row": Judged(place, 0, at, within=True)}) == ["row"]


@pytest.mark.parametrize("cells", [
    pd.Series(["a-1", "b-2", "c-3"], name="k"), pd.Series([3, 8, 21], name="k"),
    pd.Series(["x", "yy", "z z"], name="k", dtype="category"), pd.Series([1.0, 2.0], name="k"),
])  # fmt: skip
def test_labels_have_the_originals_dtype_and_none_twice(cells):
    labels = Labels.of(cells, "t")
    made = labels.make(500, np.random.default_rng(1))
    assert made.is_unique
    assert isinstance(made.dtype, type(cells.dtype))
    assert Labels.from_json(labels.to_json()) == labels


def test_a_given_column_is_not_drawn_and_says_so():
    frame = pd.DataFrame({"x": ["a", "b"] * 50, "y": np.random.default_rng(1).normal(size=100)})
    spec = bs.Spec(bs.Equation("x ~ 1", family="given"), bs.Equation("y ~ x", family="tree"))
    fitted = spec.fit(frame, copies=2, random_seed=1)
    assert "x" not in fitted.forest.trees
    given = pd.DataFrame({"x": ["a", None, "b"]})
    made = fitted.synthesize(1, given=given, random_seed=1)[0]
    assert made["x"].isna().tolist() == [False, True, False]
    assert made["y"].notna().all()
    with pytest.raises(SynthesisError, match=r"Column 'x' has the family 'given'.*hand its values in"):
        fitted.synthesize(1, random_seed=1)[0]


def test_an_only_sibling_is_summed_up_by_its_numbers_and_each_of_its_levels():
    stage = Column("stage", "categorical", "str", levels=("a", "b", "c", "d"))
    known = Known({"patient": 6, "tumour": 4, "visit": 5})
    known.links |= {"patient>tumour:id": np.array([2, 0, 4, 5]), "patient>visit:id": np.array([0, 0, 1, 2, -1])}
    known.arrays["tumour"] = {"size": np.array([7.0, 3.0, 1.0, 1.0]), "stage": np.array([1, 2, 0, 3])}
    links = [Link(Key(t, "id", "patient", "id"), "patient", t, True) for t in ("visit", "tumour")]
    size, *levels = summaries(*links, "tumour", [Column("size", "continuous", "float64"), stage], known)
    assert [own.name for own in levels] == [f"share of tumour.stage {level}" for level in "abcd"]
    np.testing.assert_array_equal(size.values(known), [3, 3, np.nan, 7, np.nan])
    np.testing.assert_array_equal(levels[2].values(known), [1, 1, np.nan, 0, np.nan])
    assert from_json(levels[2].to_json()) == levels[2]


def test_what_tells_only_beside_another_covariate_passes_the_screen():
    rng = np.random.default_rng(3)
    at = np.arange(300)
    size = rng.normal(size=300)
    bad = size + 0.5 * rng.normal(size=300)
    y = size - 0.8 * bad + 0.4 * rng.normal(size=300)
    y = y - (y @ (bad - bad.mean())) / ((bad - bad.mean()) @ bad) * bad  # nothing of it shows alone
    other = rng.normal(size=300)
    judged = {name: Judged(values, 0, at) for name, values in (("bad", bad), ("size", size), ("other", other))}
    assert telling(y, 0, {"bad": judged["bad"]}) == []
    assert telling(y, 0, judged) == ["bad", "size"]
