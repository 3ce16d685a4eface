"""repU, DiSCO and TCAP against their definitions; defaults of keys and target."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bayessynth.evaluation.disclosure._keys import known
from bayessynth.evaluation.disclosure.disco import disco
from bayessynth.evaluation.disclosure.tcap import tcap
from bayessynth.evaluation.disclosure.unique_replicated import unique_replicated
from tests.evaluation.disclosure.people import independent, population, tables

KEYS, TARGET = ["age", "site", "smokes"], "ill"


def by_definition(original: pd.DataFrame, copy: pd.DataFrame, keys: list[str], target: str) -> tuple[float, ...]:
    """Return repU, DiSCO and TCAP, row by row; missing is a value."""
    own, made = (list(map(tuple, f[keys].astype(object).fillna("missing").to_numpy())) for f in (original, copy))
    wanted, guessed = original[target].tolist(), copy[target].tolist()
    unique = sum(own.count(k) == 1 and made.count(k) == 1 for k in own)
    found = [{g for m, g in zip(made, guessed, strict=True) if m == k} for k in own]
    certain = [len(values) == 1 for values in found]
    right = [c and w in values for c, w, values in zip(certain, wanted, found, strict=True)]
    n = len(original)
    return 100 * unique / n, 100 * sum(right) / n, 100 * sum(right) / sum(certain)


@pytest.mark.parametrize("keys", [["age"], KEYS, ["smokes", "site"]])
def test_the_three_figures_are_those_of_the_definitions_averaged_over_copies(keys):
    original = population(150, 1)
    copies = [independent(original, 120, 2), population(200, 3)]
    expected = np.mean([by_definition(original, copy, keys, TARGET) for copy in copies], axis=0)
    read = tables(original, copies, keys=keys, target=TARGET)
    found = [next(measure(read)).value for measure in (unique_replicated, disco, tcap)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_the_figures_of_the_holdout_are_those_of_its_records():
    original, holdout, copy = population(150, 1), population(90, 2), population(200, 3)
    read = tables(original, copy, holdout, keys=KEYS, target=TARGET)
    _, share, right = by_definition(holdout, copy, KEYS, TARGET)
    assert next(disco(read)).reference == pytest.approx(share)
    assert next(tcap(read)).reference == pytest.approx(right)
    own, made, held = (
        list(map(tuple, f[KEYS].astype(object).fillna("missing").to_numpy())) for f in (original, copy, holdout)
    )
    alone = sum(k not in own and made.count(k) == 1 for k in held)
    assert next(unique_replicated(read)).reference == pytest.approx(100 * alone / 90)


@pytest.mark.parametrize("measure", [unique_replicated, disco, tcap])
def test_a_copied_table_exposes_its_records_and_a_fresh_sample_does_not(measure):
    original, holdout = population(800, 1), population(800, 2)
    known_of = {"keys": ["age", "income"], "target": "site"}
    (copied,) = measure(tables(original, original, holdout, **known_of))
    assert copied.verdict == "fail"
    assert copied.value > copied.reference + 20
    (fresh,) = measure(tables(original, population(800, 3), holdout, keys=KEYS, target=TARGET))
    assert fresh.verdict == "pass"


def test_a_copied_table_has_all_figures_at_their_largest():
    original = population(300, 1)
    read = tables(original, original, keys=["weight", "income", "age"], target="ill")
    assert next(disco(read)).value == 100
    assert next(tcap(read)).value == 100
    assert next(unique_replicated(read)).value == 100


def test_missing_is_a_value_of_keys_and_of_the_target():
    original = pd.DataFrame({"k": ["a", None, None, "b"], "t": ["x", None, None, "y"]})
    (found,) = disco(tables(original, original, keys=["k"], target="t"))
    assert found.value == 100
    other = original.assign(t=["x", "z", "z", "y"])
    assert next(disco(tables(original, other, keys=["k"], target="t"))).value == 50


def test_the_records_that_most_copies_disclose_come_first():
    original = population(100, 1)
    copies = [original, original.head(40), original.head(10)]
    (found,) = disco(tables(original, copies, keys=["weight"], target="age"))
    assert found.detail["copies"].is_monotonic_decreasing
    assert set(found.detail["row"][found.detail["copies"] == 3]) >= set(range(10))


def test_defaults_are_announced():
    original = population(300, 1)
    chosen = known(tables(original, original))
    assert chosen.target == "smokes"
    assert chosen.keys == ("age", "site", "ill")  # weight and income have too many values
    assert any("No keys= were given" in note for note in chosen.notes)
    assert any("No target= was given" in note for note in chosen.notes)
    given = known(tables(original, original, keys=KEYS, target=TARGET))
    assert (given.keys, given.target, given.notes) == (tuple(KEYS), TARGET, ())


def test_keys_with_many_values_are_used_as_they_are_and_named():
    original = population(300, 1)
    chosen = known(tables(original, original, keys=["income"], target="ill"))
    assert chosen.keys == ("income",)
    assert any("without rounding" in note and "'income'" in note for note in chosen.notes)


@pytest.mark.parametrize("measure", [unique_replicated, disco, tcap])
def test_a_table_without_keys_says_so(measure):
    frame = pd.DataFrame({"x": np.random.default_rng(1).normal(size=300)})
    (found,) = measure(tables(frame, frame))
    assert np.isnan(found.value)
    assert "keys=" in found.reading


def test_without_a_certain_key_there_is_no_attribution():
    original = pd.DataFrame({"k": ["a", "a", "b", "b"], "t": ["x", "y", "x", "y"]})
    (found,) = tcap(tables(original, original, keys=["k"], target="t"))
    assert np.isnan(found.value)
    assert "In no copy" in found.reading


def test_without_a_holdout_no_verdict_is_given():
    original = population(200, 1)
    (found,) = disco(tables(original, original, keys=KEYS, target=TARGET))
    assert found.verdict == "info"
    assert "Without a holdout" in found.reading
