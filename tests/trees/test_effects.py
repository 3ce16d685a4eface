"""Group effects of tree equations against the model that they come from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.trees import Forest
from bayessynth.trees.effects import drawn_effects, law, new_effects
from bayessynth.trees.odds import odds_effects

RNG = np.random.default_rng(1)
CODES = np.repeat(np.arange(200), 10)


@pytest.mark.parametrize("sd", [0.0, 0.5, 2.0])
def test_drawn_effects_vary_as_the_groups_do(sd: float) -> None:
    truth = RNG.normal(0, sd, 200)
    left = (truth[CODES] + RNG.normal(size=2000))[:, None]
    drawn = drawn_effects(left, np.ones(2000), CODES, 200, np.random.default_rng(2))
    assert drawn.std() == pytest.approx(sd, abs=0.12)
    if sd == 2:
        assert np.corrcoef(drawn[:, 0], truth)[0, 1] > 0.95


def test_effects_of_a_binary_column_are_log_odds() -> None:
    truth = RNG.normal(0, 1, 200)
    codes = np.repeat(np.arange(200), 50)
    y = (RNG.logistic(size=10_000) < truth[codes]).astype(float)
    drawn = odds_effects(y, np.full(10_000, y.mean()), codes, 200, np.random.default_rng(2))
    assert drawn.std() == pytest.approx(truth.std(), abs=0.1)
    assert np.corrcoef(drawn, truth)[0, 1] > 0.85


def test_new_effects_have_the_covariance_of_the_drawn_ones() -> None:
    wanted = np.array([[1.0, 0.6], [0.6, 2.0]])
    drawn = RNG.multivariate_normal([0, 0], wanted, size=5000)
    own = law(drawn, np.full(5000, 7), np.ones(5000))
    found = new_effects(own, np.full(20_000, 7.0), np.random.default_rng(3))
    np.testing.assert_allclose(np.cov(found.T), wanted, atol=0.1)


def test_few_groups_say_little_of_correlations() -> None:
    drawn = np.array([[1.0, 1.0], [-1.0, -1.0]])
    found = law(drawn, np.full(2, 3), np.ones(2)).covariance
    assert found[0, 0] == 1.0
    assert found[0, 1] == 0.5


def test_effects_of_a_rare_level_do_not_run_away() -> None:
    truth = RNG.normal(0, 1, 2000)
    codes = np.repeat(np.arange(2000), 6)
    y = (RNG.random(12_000) < 1 / (1 + np.exp(5 - truth[codes]))).astype(float)
    drawn = odds_effects(y, np.full(12_000, y.mean()), codes, 2000, np.random.default_rng(2))
    assert drawn.std() == pytest.approx(1.0, abs=0.35)


def test_effects_follow_sizes_and_average_zero_over_rows() -> None:
    rng = np.random.default_rng(5)
    rows = rng.poisson(rng.gamma(2.0, 10.0, 3000)) + 1
    truth = 0.8 * np.log(rows) + rng.normal(0, 0.5, 3000)
    truth = (truth - np.average(truth, weights=rows))[:, None]
    own = law(truth, rows, np.ones(3000))
    drawn = new_effects(own, rows.astype(float), rng)[:, 0]
    assert np.average(drawn, weights=rows) == pytest.approx(0, abs=0.05)
    assert drawn.mean() == pytest.approx(truth.mean(), abs=0.08)
    assert np.corrcoef(drawn, np.log(rows))[0, 1] == pytest.approx(
        np.corrcoef(truth[:, 0], np.log(rows))[0, 1], abs=0.05
    )
    unknown = new_effects(own, np.full(30_000, np.nan), rng)[:, 0]
    assert unknown.std() == pytest.approx(truth.std(), abs=0.1)


def test_copies_have_the_share_of_a_mean_row_where_large_groups_differ(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    sizes = rng.poisson(rng.gamma(1.5, 12.0, 300)) + 1
    group = np.repeat(np.arange(300), sizes)
    chance = 1 / (1 + np.exp(-(1.2 * (np.log(sizes) - 2.5) + rng.normal(0, 0.5, 300))))
    frame = pd.DataFrame({"site": [f"s{g:03d}" for g in group], "x": rng.normal(size=len(group)).round(2),
                          "y": np.where(rng.random(len(group)) < chance[group], "yes", "no")})  # fmt: skip
    spec = bs.Spec(bs.Equation("x ~ 1", family="tree"), bs.Equation("y ~ x + (1 | site)", family="tree"))
    fitted = spec.fit(frame, copies=4, random_seed=1)
    copies = fitted.synthesize(m=4, random_seed=2)
    by_row = frame["y"].eq("yes").mean()
    by_group = frame["y"].eq("yes").groupby(frame["site"]).mean().mean()
    assert by_row - by_group > 0.15
    assert np.mean([c["y"].eq("yes").mean() for c in copies]) == pytest.approx(by_row, abs=0.05)
    assert np.mean([c["y"].eq("yes").groupby(c["site"]).mean().mean() for c in copies]) < by_row - 0.07
    loaded = bs.load(fitted.save(tmp_path / "fit"))
    assert isinstance(loaded, bs.Fitted)
    pd.testing.assert_frame_equal(loaded.synthesize(m=4, random_seed=2)[1], copies[1])


@pytest.fixture(scope="module")
def large_sites_are_rich() -> tuple[pd.DataFrame, bs.Fitted]:
    rng = np.random.default_rng(8)
    sizes = rng.choice([2, 10], 400)
    rich = rng.random(400) < np.where(sizes == 10, 0.9, 0.2)
    site = np.repeat(np.arange(400), sizes)
    budget = np.where(rng.random(400) < 0.1, np.nan, rng.normal(np.where(rich, 60, 40), 15)).round(1)
    frame = pd.DataFrame({"site": [f"s{g:03d}" for g in site], "rich": np.where(rich, "yes", "no")[site],
                          "budget": budget[site], "y": rng.normal(rich[site] * 1.0, 1.0).round(2)})  # fmt: skip
    spec = bs.Spec(bs.Equation("rich ~ 1", family="tree", level="site"),
                   bs.Equation("budget ~ rich", family="tree", level="site"),
                   bs.Equation("y ~ rich + (1 | site)", family="tree"))  # fmt: skip
    return frame, spec.fit(frame, missing="model", copies=6, random_seed=1)


def test_columns_of_groups_go_with_how_many_rows_these_have(
    large_sites_are_rich: tuple[pd.DataFrame, bs.Fitted], tmp_path: Path
) -> None:
    frame, fitted = large_sites_are_rich
    copies = fitted.synthesize(m=6, random_seed=2)
    frames = [copies[j] for j in range(6)]

    def shares(table: pd.DataFrame) -> list[float]:
        by_site = table.groupby("site")["rich"].agg(["first", "size"])
        large = by_site["size"] > 5
        return [table["rich"].eq("yes").mean(), by_site["first"].eq("yes")[large].mean(),
                by_site["first"].eq("yes")[~large].mean()]  # fmt: skip

    expected, found = shares(frame), np.array([shares(copy) for copy in frames])
    np.testing.assert_allclose(found.mean(axis=0), expected, atol=0.05)
    loaded = bs.load(fitted.save(tmp_path / "fit"))
    assert isinstance(loaded, bs.Fitted)
    pd.testing.assert_frame_equal(loaded.synthesize(m=6, random_seed=2)[1], frames[1])


def test_groups_given_by_columns_that_go_with_their_size(
    large_sites_are_rich: tuple[pd.DataFrame, bs.Fitted],
) -> None:
    """What is upstream of a given column is drawn by Bayes' rule, given how many rows each group has."""
    _, fitted = large_sites_are_rich
    given = pd.DataFrame(
        {"site": np.repeat([f"g{i:03d}" for i in range(300)], np.repeat([2, 10], 150)), "budget": 50.0}
    )
    copy = fitted.synthesize(m=1, given=given, random_seed=3)[0]
    large = copy.groupby("site")["rich"].agg(["first", "size"])
    yes = large["first"].eq("yes").groupby(large["size"]).mean()
    assert yes[10] - yes[2] > 0.4


def test_rows_alone_lie_in_groups_of_the_usual_size(large_sites_are_rich: tuple[pd.DataFrame, bs.Fitted]) -> None:
    """Without their groups given rows have one each, of the mean size, which is nearer to that of large ones here."""
    frame, fitted = large_sites_are_rich
    copy = fitted.synthesize(m=1, given=pd.DataFrame({"budget": np.full(600, 50.0)}), random_seed=4)[0]
    assert copy["site"].nunique() == 600
    by_size = frame.groupby("site")["rich"].agg(["first", "size"])
    few = by_size["first"][by_size["size"] == 2].eq("yes").mean()
    assert copy["rich"].eq("yes").mean() > few + 0.2


def test_effects_that_an_earlier_version_wrote_are_read() -> None:
    covariance = np.array([[4.0, 1.0], [1.0, 0.25]])
    declared = {"columns": [], "copies": 2, "settings": {}, "places": {"site": [["y", 0], ["z", 0]]}}
    (one, _) = Forest.of_arrays(declared, {"effects|0": np.stack([covariance, covariance])}).effects["site"]
    drawn = new_effects(one, np.full(20_000, np.nan), np.random.default_rng(1))
    np.testing.assert_allclose(drawn.std(axis=0), [2.0, 0.5], rtol=0.05)
    assert np.corrcoef(drawn.T)[0, 1] == pytest.approx(1.0, abs=0.02)


def test_what_columns_decide_is_not_laid_on_groups() -> None:
    rng = np.random.default_rng(7)
    person = np.repeat(np.arange(800), 4)
    frail = rng.normal(0, 1.5, 800)[person]
    drugs = np.where(rng.random(3200) < 1 / (1 + np.exp(-frail)), rng.lognormal(3, 1, 3200), 0).round(2)
    visits = np.where(rng.random(3200) < 1 / (1 + np.exp(-frail)), rng.lognormal(4, 1, 3200), 0).round(2)
    other = np.where((drugs + visits > 0) & (rng.random(3200) < 0.3), rng.lognormal(2, 1, 3200), 0)
    frame = pd.DataFrame({"person_id": person, "drugs": drugs, "visits": visits,
                          "paid": np.where(drugs + visits > 0, drugs * 0.7 + visits + other, 0).round(1)})  # fmt: skip
    copies = bs.synthesize(frame, m=3, random_seed=1)
    for copy in (copies[j] for j in range(3)):
        none = (copy["drugs"] == 0) & (copy["visits"] == 0)
        assert (copy["paid"][none] == 0).mean() > 0.93
        assert (copy["paid"] == 0).mean() == pytest.approx((frame["paid"] == 0).mean(), abs=0.04)
