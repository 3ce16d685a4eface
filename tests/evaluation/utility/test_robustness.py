"""Every measure of utility on tables as they come: gaps, dates, odd names, constants, few rows, other sizes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bayessynth.errors import BayesSynthWarning
from tests.evaluation.utility.samples import in_groups, independent, related, utility

PERFECT = {"univariate_levels": 0, "univariate_numbers": 0, "wasserstein": 0, "missing": 0, "pairs": 1, "triples": 1,
           "correlations": 0}  # fmt: skip


def odd(n: int, seed: int) -> pd.DataFrame:
    """Return a table of every kind of column, with gaps in all that can have them."""
    rng = np.random.default_rng(seed)

    def gaps(values: object) -> pd.Series:
        return pd.Series(values).where(rng.random(n) > 0.15)

    return pd.DataFrame(
        {
            "a number, with `ticks`": gaps(rng.normal(size=n)),
            "": gaps(rng.choice(["a", "b"], n)),
            "Größe/µ": rng.choice([1.5, 2.5, 1e9], n),
            "constant": 1,
            "constant text": "same",
            "nothing": np.nan,
            "no text": pd.Series([None] * n, dtype=object),
            "day": gaps(pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 400, n), "D")),
            "yes": rng.random(n) < 0.3,
            "maybe": pd.array(np.where(rng.random(n) < 0.2, None, rng.random(n) < 0.5), dtype="boolean"),
            "whole": pd.array(np.where(rng.random(n) < 0.2, None, rng.poisson(3, n)), dtype="Int64"),
            "grade": pd.Categorical(rng.choice(["I", "II", "III"], n), ["I", "II", "III", "never"], ordered=True),
            "infinite": np.where(rng.random(n) < 0.1, np.inf, rng.normal(size=n)),
        }
    )


@pytest.mark.parametrize(("n", "k"), [(10, 10), (40, 25), (120, 180)])
def test_odd_tables_are_measured_and_say_what_cannot_be(n, k):
    found = utility(odd(n, 1), [odd(k, 2), odd(k, 3)], holdout=odd(max(10, n // 3), 4), target="grade")
    for name, one in found.items():
        assert np.isfinite(one.value) or one.verdict == "info", name
        assert one.reading.endswith("."), name
        assert one.detail is None or len(one.detail), name
    assert {"pairs", "triples", "pmse", "missing", "tstr", "c2st_boosting", "correlations"} <= set(found)


def test_fresh_odd_tables_do_not_fail():
    found = utility(odd(300, 1), odd(300, 2))
    assert [name for name, one in found.items() if one.verdict == "fail"] == []


@pytest.mark.parametrize("target", ["", "day", "nothing", "constant", "yes", "maybe", "infinite"])
def test_any_column_can_be_the_target(target):
    table = odd(150, 1)
    found = utility(table, odd(150, 2), holdout=odd(80, 3), target=target, measures=["tstr"])["tstr"]
    assert np.isfinite(found.value) or found.verdict == "info"


def test_identical_tables_score_perfectly():
    table = related(300, 1)
    found = utility(table, table)
    for name, value in PERFECT.items():
        assert found[name].value == pytest.approx(value, abs=1e-12), name
        assert found[name].verdict == "pass"
    assert found["pmse"].value == pytest.approx(0, abs=1e-6)


def test_independent_margins_pass_column_by_column_and_fail_on_pairs():
    table = related(1200, 1)
    found = utility(table, independent(table, 2))
    for name in ("univariate_levels", "univariate_numbers", "wasserstein", "missing", "pmse"):
        assert found[name].verdict == "pass", name
    for name in ("pairs", "triples", "correlations", "c2st_boosting"):
        assert found[name].verdict == "fail", name


def test_a_column_that_a_copy_lacks_is_left_out_of_all():
    table = in_groups(12, 1)
    with pytest.warns(BayesSynthWarning, match="not judged: 'site', 'y'"):
        found = utility(table, [table, table.drop(columns=["y", "site"])], groups=["site"], holdout=table, target="y")
    assert "group_icc" not in found
    assert "copy lacks" in found["tstr"].reading
    assert "y" not in set(found["pairs"].detail["column"])


def test_levels_never_seen_cost_as_much_as_their_share():
    table = pd.DataFrame({"s": ["a", "b"] * 100, "t": ["u", "v"] * 100})
    copy = table.assign(s=np.where(np.arange(200) < 50, "never", table["s"]))
    assert utility(table, copy)["univariate_levels"].detail["value"].max() == pytest.approx(0.25)


def test_the_same_seed_gives_the_same_numbers():
    tables = (related(100, 1), [related(80, 2), related(120, 3)])
    first, second = (utility(*tables, holdout=related(100, 4), target="s", random_seed=5) for _ in range(2))
    assert list(first) == list(second)
    for name, one in first.items():
        assert one.to_row() == second[name].to_row(), name
        assert one.reference_interval == second[name].reference_interval


def test_every_reading_carries_its_number_and_reference():
    found = utility(related(400, 1), related(400, 2), holdout=related(200, 3), target="s")
    for one in found.values():
        assert any(character.isdigit() for character in one.reading), one.name
        assert one.reference is not None, one.name
        assert one.reference_interval is not None, one.name
        assert one.interval is None


@pytest.mark.parametrize("table", ["adult", "sd2011"])
@pytest.mark.slow
def test_a_holdout_as_copy_passes_on_real_tables(shared_data, table):
    frame = pd.read_csv(shared_data / f"{table}.csv.gz", low_memory=False)
    order = np.random.default_rng(0).permutation(len(frame))
    first, second = frame.iloc[order[: len(frame) // 2]], frame.iloc[order[len(frame) // 2 :]]
    found = utility(first, second)
    assert [(name, one.reading) for name, one in found.items() if one.verdict == "fail"] == []
    assert found["pairs"].verdict == found["triples"].verdict == found["pmse"].verdict == "pass"
