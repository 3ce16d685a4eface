"""Singling out, linkability, attribute inference and smoke tests of copying, on tables of known answers."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from bayessynth.evaluation.disclosure.attribute_inference import attribute_inference
from bayessynth.evaluation.disclosure.copies_of_records import copies_of_records
from bayessynth.evaluation.disclosure.disco import disco
from bayessynth.evaluation.disclosure.linkability import linkability
from bayessynth.evaluation.disclosure.membership_density import membership_density
from bayessynth.evaluation.disclosure.membership_nearest import membership_nearest
from bayessynth.evaluation.disclosure.singling_out import singling_out
from bayessynth.evaluation.disclosure.tcap import tcap
from bayessynth.evaluation.disclosure.unique_replicated import unique_replicated
from bayessynth.evaluation.measure import Measure
from tests.evaluation.disclosure.people import independent, population, tables

ATTACKS = [singling_out, linkability, attribute_inference]


EVERY = [
    *ATTACKS, membership_nearest, membership_density, copies_of_records, unique_replicated, disco, tcap
]  # fmt: skip


def by_name(measures) -> dict[str, Measure]:
    return {m.name: m for m in measures}


@pytest.fixture(scope="module")
def people():
    return population(900, 1), population(300, 2)


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_copied_table_gives_its_records_away(attack, people):
    original, holdout = people
    for found in attack(tables(original, original, holdout)):
        assert found.verdict == "fail"
        assert found.value > 0.3
        assert found.interval[0] <= found.value <= found.interval[1]


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("made", ["fresh", "independent"])
def test_copies_that_know_no_record_are_no_risk(attack, made, people):
    original, holdout = people
    copies = [population(900, 3), population(900, 4)] if made == "fresh" else [independent(original, 900, 5)]
    for found in attack(tables(original, copies, holdout)):
        if made == "independent" and found.name == "singling_out_univariate":
            continue  # such copies repeat values that one person has: the next test
        # One split in forty is told apart by chance: the slow test counts how many are.
        assert found.verdict != "fail"
        assert found.value < 0.2


@pytest.mark.slow
def test_attacks_on_fresh_samples_raise_few_false_alarms():
    """Of 40 splits of fresh samples each measure warns in 2.5 % by design; five are less likely than 1 in 300."""
    alarms: Counter[str] = Counter()
    for s in range(40):
        original, holdout, copy = population(900, 100 + s), population(300, 1100 + s), population(900, 2100 + s)
        read = tables(original, copy, holdout, entropy=s)
        for found in (m for measure in EVERY for m in measure(read)):
            alarms[found.name] += found.verdict in ("warn", "fail")
    assert len(alarms) == 11
    assert max(alarms.values()) < 5, alarms


def test_values_that_one_person_has_single_it_out_though_columns_are_drawn_one_by_one(people):
    original, holdout = people
    found = by_name(singling_out(tables(original, independent(original, 900, 5), holdout)))
    assert found["singling_out_univariate"].verdict == "fail"
    assert found["singling_out_multivariate"].verdict != "fail"


@pytest.mark.parametrize("attack", ATTACKS)
def test_without_a_holdout_the_remedy_is_named(attack, people):
    for found in attack(tables(people[0], people[0])):
        assert np.isnan(found.value)
        assert "holdout=" in found.reading


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_reading_has_the_rates_the_number_of_attempts_and_guessing(attack, people):
    original, holdout = people
    for found in attack(tables(original, population(900, 3), holdout)):
        assert "attempts on training records" in found.reading
        assert "by guessing" in found.reading
        assert f"{found.value:.3f}" in found.reading


def test_the_control_of_singling_out_is_scaled_to_the_size_of_the_original(people):
    original, _ = people
    small = by_name(singling_out(tables(original, population(900, 3), population(200, 4))))
    equal = by_name(singling_out(tables(original, population(900, 3), population(900, 4))))
    for name in small:
        assert any("is scaled by" in note for note in small[name].notes)
        assert not any("is scaled by" in note for note in equal[name].notes)
        assert small[name].value == pytest.approx(equal[name].value, abs=0.15)


def test_a_description_names_the_row_that_it_fits(people):
    original, holdout = people
    found = by_name(singling_out(tables(original, original, holdout)))
    detail = found["singling_out_univariate"].detail
    for row, text in zip(detail["row"][:20], detail["description"][:20], strict=True):
        column, sign, value = text.split(" ")
        cell = original[column].iloc[row]
        assert sign in ("=", "≤", "≥")
        assert str(cell) == value


def test_values_that_all_rows_share_single_nobody_out():
    frame = pd.DataFrame({"a": ["x", "y"] * 50, "b": ["u"] * 100})
    for found in singling_out(tables(frame, frame, frame)):
        assert np.isnan(found.value)
        assert "No description" in found.reading


def test_two_parts_are_joined_by_the_record_nearest_to_both(people):
    original, holdout = people
    (found,) = linkability(tables(original, original, holdout, keys=["weight", "income"]))
    # Both halves of a training record are nearest to itself, but where other rows share all cells of a half.
    half = original[["age", "site", "ill", "smokes"]]
    first = ~half.duplicated()
    first_by_numbers = ~original[["weight", "income"]].duplicated()
    attack = float((first & first_by_numbers).mean())
    assert f"for {attack:.1%} of 900 attempts on training records" in found.reading
    assert "the keys 'weight', 'income'" in found.notes[0]


def test_one_column_cannot_be_linked():
    frame = pd.DataFrame({"x": np.arange(30.0)})
    (found,) = linkability(tables(frame, frame, frame))
    assert "two columns" in found.reading


def test_a_value_is_inferred_within_five_percent_and_missing_is_a_value():
    original = pd.DataFrame({"k": list("abcdefgh"), "x": [100.0, 100, 100, 0, 0, np.nan, np.nan, -100]})
    copy = pd.DataFrame({"k": list("abcdefgh"), "x": [105.0, 106, 95, 0, 0.01, np.nan, 1, -96]})
    right = 5  # a, c, d, f, h
    (found,) = attribute_inference(tables(original, copy, original.head(1), keys=["k"], target="x"))
    assert f"succeeds for {right / 8:.1%} of 8 attempts" in found.reading


def test_keys_and_target_are_what_is_known_and_wanted(people):
    original, holdout = people
    (found,) = attribute_inference(tables(original, original, holdout, keys=["weight"], target="site"))
    assert found.detail["column"].tolist() == ["site"]
    assert found.value > 0.8
    (several,) = attribute_inference(tables(original, original, holdout))
    assert set(several.detail["column"]) == set(original)
    assert several.detail["risk"].is_monotonic_decreasing
    assert any("6 columns in turn" in note for note in several.notes)


def test_guessing_is_the_chance_that_a_random_synthetic_row_agrees(people):
    original, holdout = people
    (found,) = attribute_inference(tables(original, original, holdout, target="ill"))
    share = original["ill"].mean()
    assert found.detail["guessing"][0] == pytest.approx(share**2 + (1 - share) ** 2, abs=0.05)


def test_exact_copies_are_counted_and_repeated_rows_told_apart():
    original = pd.DataFrame({"x": [1.0, 2, 2, None, 5], "s": ["a", "b", "b", None, "c"]})
    copy = pd.DataFrame({"x": [1.0, 2, None, 5], "s": ["a", "b", None, "b"]})
    holdout = pd.DataFrame({"x": [2.0, 9, 9, 9], "s": ["b", "b", "b", "b"]})
    found = by_name(copies_of_records(tables(original, copy, holdout)))["exact_copies"]
    assert found.value == 0.75
    assert found.reference == 0.25
    assert "75.00% of the synthetic rows" in found.reading
    assert "50.00% one that is alone of its kind (40.0% of the training rows are not)" in found.reading
    assert found.detail[["row", "alike_in_original"]].to_numpy().tolist() == [[0, 1], [3, 1], [1, 2], [2, 2]]


def test_copying_is_found_and_labelled_a_smoke_test(people):
    original, holdout = people
    copied = by_name(copies_of_records(tables(original, original, holdout)))
    fresh = by_name(copies_of_records(tables(original, population(900, 3), holdout)))
    assert {m.verdict for m in copied.values()} == {"fail"}
    assert {m.verdict for m in fresh.values()} == {"pass"}
    for found in copied.values():
        assert "smoke test" in found.title.lower()
        assert "A smoke test for copying, not a measure of privacy." in found.notes
    assert fresh["nearest_share"].value == pytest.approx(0.5, abs=0.06)


def test_the_nearest_share_is_that_of_all_pairs():
    rng = np.random.default_rng(1)
    original, holdout, copy = (pd.DataFrame({"x": rng.normal(size=40)}) for _ in range(3))
    apart = [np.abs(copy["x"].to_numpy()[:, None] - f["x"].to_numpy()).min(axis=1) for f in (original, holdout)]
    found = by_name(copies_of_records(tables(original, copy, holdout)))["nearest_share"]
    assert found.value == pytest.approx((apart[0] < apart[1]).mean())


def test_names_of_records_that_are_repeated_are_told():
    original = population(100, 1).assign(name=[f"person {i}" for i in range(100)])
    made = population(100, 3).assign(name=[f"person {i + 75}" for i in range(100)])
    found = by_name(copies_of_records(tables(original, made)))["copied_identifiers"]
    assert found.value == 0.25
    assert found.verdict == "warn"
    new = made.assign(name=[f"record {i}" for i in range(100)])
    assert by_name(copies_of_records(tables(original, new)))["copied_identifiers"].verdict == "pass"
    assert "copied_identifiers" not in by_name(copies_of_records(tables(population(100, 1), population(100, 3))))
