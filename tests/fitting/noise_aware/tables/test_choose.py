from itertools import combinations

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.errors import PrivacyError
from bayessynth.fitting.noise_aware.tables import choose, decoded, measure
from bayessynth.privacy import marginals

NAMES = ("a", "b", "c", "d")


def domain(names=NAMES, levels=3):
    return bs.Domain({name: bs.Levels(*range(levels), missing=0) for name in names}, source="codebook")


def table(n=5000, names=NAMES):
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({name: rng.integers(0, 3, n) for name in names})
    frame["b"] = np.where(rng.random(n) < 0.8, frame["a"], frame["b"])
    frame["d"] = np.where(rng.random(n) < 0.6, frame["c"], frame["d"])
    return frame


def start(known, unit="record"):
    return bs.DP(1, 1e-5, unit=unit, domain=known).start()


def test_all_pairs_are_measured_at_once_where_sums_are_within_reach():
    release = start(domain())
    (noisy,) = measure(release, table(), NAMES, rho=0.03)
    assert noisy.cliques == tuple(combinations(NAMES, 2))
    assert [entry.mechanism for entry in release.ledger.entries] == ["discrete Gaussian"]


def test_the_pairs_that_depend_most_are_chosen_and_each_choice_is_paid():
    release = start(domain())
    singles, chosen = measure(release, table(), NAMES, rho=0.03, pairs=2)
    assert chosen.cliques == (("a", "b"), ("c", "d"))
    assert singles.cliques == tuple((name,) for name in NAMES)
    entries = release.ledger.entries
    assert [e.mechanism for e in entries] == ["discrete Gaussian", "noisy max", "noisy max", "discrete Gaussian"]
    assert [e.what for e in entries][1:3] == ["pair 1", "pair 2"]
    assert [e.sensitivity for e in entries][1:3] == [1.0, 1.0]
    assert 0.0299 < release.ledger.spent <= 0.03


@pytest.mark.parametrize(
    ("unit", "moves"),
    [("record", 1.0), (bs.Unit(relation="replace_one"), 2.0), (bs.Unit("p", cap=3), 3.0)],
)
def test_scores_move_as_far_as_a_unit_can_move_them(unit, moves):
    release = start(domain(), unit)
    frame = table().assign(p=[f"p{i}" for i in range(5000)])
    measure(release, frame, NAMES, rho=0.03, pairs=1)
    assert [e.sensitivity for e in release.ledger.entries if e.mechanism == "noisy max"] == [moves]


def test_one_record_moves_no_score_by_more_than_one():
    release, frame = start(domain()), table(200)
    noisy = measure(release, frame, NAMES, rho=0.02, pairs=1)
    expected = choose._expected(noisy, list(combinations(NAMES, 2)))
    whole = choose._scores(release, frame, expected, 10.0)
    for row in range(0, 200, 10):
        without = choose._scores(release, frame.drop(index=row), expected, 10.0)
        assert max(abs(whole[pair] - without[pair]) for pair in expected) <= 1


def test_later_rounds_choose_what_the_tables_so_far_do_not_explain():
    rng, frame = np.random.default_rng(1), table(20_000)
    frame["b"] = np.where(rng.random(len(frame)) < 0.9, frame["a"], frame["b"])
    frame["c"] = np.where(rng.random(len(frame)) < 0.9, frame["b"], frame["c"])  # a and c are alike only through b
    frame["e"] = np.where(rng.random(len(frame)) < 0.2, frame["d"], rng.integers(0, 3, len(frame)))
    names = ("a", "b", "c", "e", "d")
    release = start(domain(names))
    noisy = [measure(release, frame, names, rho=0.001, pairs=1)[0]]
    noisy.append(marginals(release, frame, [("a", "b"), ("b", "c")], rho=0.02))
    scores = choose._scores(release, frame, choose._expected(noisy, [("a", "c"), ("e", "d")]), 1.0)
    assert scores[("e", "d")] > 3 * scores[("a", "c")] > 0


def test_pairs_are_chosen_in_rounds():
    release = start(domain())
    assert [len(one.cliques) for one in measure(release, table(), NAMES, rho=0.03, pairs=5)] == [4, 4, 1]
    assert release.ledger.spent <= 0.03


def test_pairs_beyond_exact_sums_are_passed_over(monkeypatch):
    monkeypatch.setattr(choose, "MOST_CELLS", 20)
    _, chosen = measure(start(domain()), table(), NAMES, rho=0.03)
    assert len(chosen.cliques) == 2  # two sets of 9 cells; a third pair would make 27 of them


def test_pairs_with_too_many_effects_are_passed_over(monkeypatch):
    monkeypatch.setattr(choose, "MOST_EFFECTS", 13)
    _, chosen = measure(start(domain()), table(), NAMES, rho=0.03)
    assert len(chosen.cliques) == 1  # 8 effects of single columns, 4 of each pair


def test_errors_come_before_anything_is_spent():
    release = start(domain())
    with pytest.raises(PrivacyError, match=r"Tables of pairs need two columns or more, not \('a',\)"):
        measure(release, table(), ["a"], rho=0.01)
    with pytest.raises(PrivacyError, match=r"not suffice for tables of a, b, c, d: rho = 1 is asked for, and 0\.03"):
        measure(release, table(), NAMES, rho=1.0, pairs=2)
    with pytest.raises(PrivacyError, match="pairs=0: state one pair or more"):
        measure(release, table(), NAMES, rho=0.01, pairs=0)
    assert release.ledger.entries == ()


def test_numbers_are_drawn_within_their_cells():
    facts = {
        "age": bs.Bounds(17, 90, kind="count", grid=(18, 65)), "pay": bs.Bounds(0, 100, grid=4),
        "rate": bs.Bounds(0, 1, decimals=1, grid=2), "sex": bs.Levels("f", "m"),
    }  # fmt: skip
    known, rng = bs.Domain(facts, source="codebook"), np.random.default_rng(1)
    codes = {"age": rng.integers(0, 3, 4000), "pay": rng.integers(0, 4, 4000), "rate": rng.integers(0, 2, 4000),
             "sex": rng.integers(0, 2, 4000)}  # fmt: skip
    found = decoded(known, codes, rng)
    for name in ("age", "pay", "rate"):
        np.testing.assert_array_equal(np.searchsorted(known[name].cuts, found[name], side="right"), codes[name])
    assert sorted(found["rate"].unique()) == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    assert found["age"].dtype == np.int64 and found["age"].min() == 17 and found["age"].max() == 90
    assert list(found["sex"]) == ["fm"[code] for code in codes["sex"]]
    assert abs(found.loc[codes["pay"] == 0, "pay"].mean() - 12.5) < 1
