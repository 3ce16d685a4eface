"""The groups of a copy: labels, nesting, crossing, sizes, and what is constant within them."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayessynth as bs
from bayessynth.design import bind, new_effects
from bayessynth.errors import DisclosureWarning, SynthesisError
from bayessynth.fitting.groups import Crossed, GroupPosterior, Sizes
from bayessynth.synthesis import groups as module
from bayessynth.synthesis.groups import new_groups
from bayessynth.synthesis.prior import prior_draws
from tests import clinics
from tests.handmade import handmade


def test_new_groups_have_new_labels(clinic_fit: bs.Fitted, clinic_table: pd.DataFrame) -> None:
    copy = clinic_fit.synthesize(m=1, random_seed=1)[0]
    assert set(copy["site"]).isdisjoint(clinic_table["site"])
    width = len(str(copy["site"].nunique()))
    expected = [f"site_{i:0{width}d}" for i in range(1, copy["site"].nunique() + 1)]
    assert list(copy["site"].unique()) == expected
    assert copy["site"].dtype == clinic_table["site"].dtype


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (np.arange(6) + 0.5, [1.0, 2.0]),
        (pd.array(np.arange(6), dtype="Int8"), [1, 2]),
        (pd.array(list("abcdef"), dtype="string"), ["g_01", "g_02"]),
        (pd.Categorical([3, 1, 4, 5, 9, 2]), [1, 2]),
        (pd.Categorical(list("abcdef"), list("fedcba"), ordered=True), ["g_01", "g_02"]),
    ],
)
def test_labels_are_of_the_original_s_dtype(labels: object, expected: list) -> None:
    frame = pd.DataFrame({"g": labels, "y": 0.0}).iloc[np.arange(48) % 6].reset_index(drop=True)
    frame["y"] = np.random.default_rng(1).normal(size=48)
    copy = handmade(bs.Spec("y ~ (1 | g)"), frame).synthesize(m=1, k=100, random_seed=1)[0]
    assert copy["g"].nunique() == 13 and list(copy["g"].unique()[:2]) == expected
    assert str(copy["g"].dtype) == str(frame["g"].dtype)


@pytest.mark.parametrize("labels", [[False, True], pd.to_datetime(["2020-01-01", "2021-01-01"])])
def test_dtypes_without_new_labels(labels: object) -> None:
    frame = pd.DataFrame({"g": labels}).iloc[np.arange(40) % 2].reset_index(drop=True)
    frame["y"] = np.random.default_rng(1).normal(size=40)
    fitted = handmade(bs.Spec("y ~ (1 | g)"), frame)
    with pytest.raises(SynthesisError, match=r"'g' is of dtype .*\.astype\(str\)"):
        fitted.synthesize(m=1, random_seed=1)[0]
    with pytest.warns(DisclosureWarning):
        assert fitted.synthesize(m=1, groups="existing", random_seed=1)[0]["g"].equals(frame["g"])


def test_group_level_columns_are_constant_within_groups(clinic_fit: bs.Fitted, school_fit: bs.Fitted) -> None:
    for copy in clinic_fit.synthesize(m=5, k=2000, random_seed=1):
        assert (copy.groupby("site")["beds"].nunique() == 1).all()
        assert copy["beds"].nunique() > 1
    for copy in school_fit.synthesize(m=5, k=2000, random_seed=1):
        assert (copy.groupby("school")["public"].nunique() == 1).all()
        assert (copy.groupby(["school", "class"])["area"].nunique() == 1).all()
        assert copy.groupby("school")["area"].nunique().max() > 1


def test_nested_labels_begin_anew(school_fit: bs.Fitted, school_table: pd.DataFrame) -> None:
    copy = school_fit.synthesize(m=1, k=600, random_seed=2)[0]
    assert copy["school"].tolist() == sorted(copy["school"]) and copy["school"].min() == 1
    assert set(copy["school"]).isdisjoint(school_table["school"])
    for _, numbers in copy.groupby("school")["class"]:
        assert list(numbers.unique()) == list(range(1, numbers.nunique() + 1))
    assert copy["class"].dtype == "Int64"


def test_nested_labels_of_their_own_go_on() -> None:
    rng = np.random.default_rng(1)
    klass = np.repeat(np.arange(12), 5)
    frame = pd.DataFrame({"school": klass // 3, "class": [f"c{i:02d}" for i in klass], "y": rng.normal(size=60)})
    copy = handmade(bs.Spec("y ~ (1 | school / class)"), frame).synthesize(m=1, random_seed=1)[0]
    assert (copy.groupby("class")["school"].nunique() == 1).all()
    assert (copy.groupby("school")["class"].nunique() == 3).all()  # constant in the original
    assert (copy["class"].value_counts() == 5).all()


def test_sizes_are_plausible(clinic_fit: bs.Fitted, clinic_table: pd.DataFrame) -> None:
    """Sizes of new sites over many draws look like those of the original, whatever the row count cuts."""
    original = clinic_table["site"].value_counts()
    sizes = np.concatenate([
        copy["site"].value_counts(sort=False).to_numpy()[:-1] for copy in clinic_fit.synthesize(m=60, random_seed=1)
    ])  # fmt: skip
    assert sizes.mean() == pytest.approx(original.mean(), rel=0.1)
    assert 0.6 < sizes.std() / original.std() < 1.8
    assert sizes.min() >= 1


def test_number_of_groups_follows_from_the_sizes(clinic_fit: bs.Fitted) -> None:
    counts = [copy["site"].nunique() for copy in clinic_fit.synthesize(m=30, random_seed=1)]
    assert 25 < np.mean(counts) < 36 and len(set(counts)) > 3


def crossed(rows: int, keep: np.ndarray | slice = slice(None)) -> pd.DataFrame:
    cells = pd.DataFrame(list(itertools.product(range(6), range(4), range(rows))), columns=["plate", "sample", "i"])
    cells["y"] = np.random.default_rng(1).normal(size=len(cells))
    return cells.drop(columns="i")[keep]


@pytest.mark.parametrize("k", [48, 96, 30])
def test_balanced_crossing_is_reproduced(k: int) -> None:
    fitted = handmade(bs.Spec("y ~ (1 | plate) + (1 | sample)"), crossed(2))
    for copy in fitted.synthesize(m=2, k=k, random_seed=1):
        table = pd.crosstab(copy["plate"], copy["sample"])
        assert (table.iloc[: k // 8] == 2).all().all() and table.iloc[: k // 8].shape == (k // 8, 4)


def test_unbalanced_crossing_is_drawn() -> None:
    rng = np.random.default_rng(2)
    shares = np.array([0.5, 0.3, 0.15, 0.05])
    frame = pd.DataFrame({"doctor": np.repeat(np.arange(20), 20), "room": rng.choice(4, 400, p=shares) + 70})
    frame["cost"] = np.array([3.0, 5.0, 4.0, 8.5])[frame["room"] - 70]
    frame["y"] = rng.normal(size=400)
    spec = bs.Spec(bs.Equation("cost ~ 1", family="normal"), "y ~ cost + (1 | doctor) + (1 | room)")
    fitted = handmade(spec, frame)
    assert fitted.bound.plan.crossed == {"room": "row"} and fitted.bound.levels["cost"] == "room"
    found = np.zeros(4)
    for copy in fitted.synthesize(m=20, random_seed=1):
        assert set(copy["room"]) <= {1, 2, 3, 4}
        assert (copy.groupby("room")["cost"].nunique() == 1).all()
        assert (copy.groupby("doctor")["room"].nunique() > 1).mean() > 0.8
        found += np.bincount(copy["room"], minlength=5)[1:]
    assert found / found.sum() == pytest.approx(shares, abs=0.05)


def test_choice_among_crossed_groups_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many contexts are held at once, shares within a context have the mean of a Dirichlet."""
    shares = np.array([0.6, 0.3, 0.1])
    made = Crossed(shares[None], np.array([5.0]))
    ends = np.arange(4, 12001, 4)
    for block, units in ((4_000_000, 1 << 20), (3 * 7, 5)):
        monkeypatch.setattr(module, "_BLOCK", block)
        monkeypatch.setattr(module, "_UNITS", units)
        chosen = module._choose(made, 0, ends, np.random.default_rng(1))
        assert np.bincount(chosen) / len(chosen) == pytest.approx(shares, abs=0.02)
        together = (chosen.reshape(-1, 4)[:, :1] == chosen.reshape(-1, 4)[:, 1:]).mean()
        expected = (shares * (5 * shares + 1) / 6).sum()  # two draws from one Dirichlet agree so often
        assert together == pytest.approx(expected, abs=0.02)


def test_tiny_concentration_gives_a_context_one_group() -> None:
    made = Crossed(np.array([[0.5, 0.5]]), np.array([1e-320]))
    chosen = module._choose(made, 0, np.arange(5, 1001, 5), np.random.default_rng(1)).reshape(-1, 5)
    assert (chosen == chosen[:, :1]).all() and 0.3 < chosen.mean() < 0.7


def test_cut_leaves_no_empty_group(school_fit: bs.Fitted) -> None:
    for k in range(1, 60):
        groups = new_groups(school_fit.groups, 3, k, np.random.default_rng(k))
        assert groups.k == k == len(groups.parent["row"])
        for factor in groups.chain:
            assert np.array_equal(np.unique(groups.codes("row", factor)), np.arange(groups.sizes[factor]))


def test_sizes_far_from_their_average_still_fill_a_copy() -> None:
    plan = bind(clinics.spec(), clinics.clinics())[0].plan
    posterior = GroupPosterior(plan, {"site": Sizes(np.array([500.0]), np.array([0.05]))}, {}, {}, {})
    for seed in range(5):
        assert new_groups(posterior, 0, 700, np.random.default_rng(seed)).k == 700


def test_new_effects_have_the_drawn_covariance(clinic_table: pd.DataFrame) -> None:
    bound, _ = bind(clinics.spec(), clinic_table)
    equation = bound["pressure"]
    corr = np.array([[1.0, -0.6], [-0.6, 1.0]])
    values = {"pressure_1|site_sd": np.array(2.0), "pressure_dose|site_sd": np.array(0.5), "pressure_site_corr": corr}
    effects = new_effects(equation, values, {"site": 200_000}, np.random.default_rng(1))["mu", 0]
    scale = np.array([2.0, 0.5])
    np.testing.assert_allclose(np.cov(effects.T), corr * np.outer(scale, scale), rtol=0.02)
    edge = values | {"pressure_site_corr": np.array([[1.0, 1.0], [1.0, 1.0]])}
    tied = new_effects(equation, edge, {"site": 50}, np.random.default_rng(1))["mu", 0]
    np.testing.assert_allclose(tied[:, 0], 4 * tied[:, 1], rtol=1e-6)


def test_effects_of_categories_differ_by_level() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"g": np.arange(60) % 6, "y": np.array(["a", "b", "c"])[rng.integers(0, 3, 60)]})
    bound, _ = bind(bs.Spec("y ~ (1 | g)"), frame)
    effects = new_effects(bound["y"], {"y_1|g_sd": np.array([0.1, 3.0])}, {"g": 50_000}, rng)["mu", 0]
    assert effects.shape == (50_000, 1, 2)
    assert effects.std(axis=(0, 1)) == pytest.approx([0.1, 3.0], rel=0.03)


def test_existing_groups_keep_labels_sizes_and_effects(clinic_fit: bs.Fitted, clinic_table: pd.DataFrame) -> None:
    with pytest.warns(DisclosureWarning, match="original's groups"):
        syn = clinic_fit.synthesize(m=2, groups="existing", random_seed=1)
    assert (syn[0]["site"] == clinic_table["site"]).all()
    assert not (syn[0]["beds"] == clinic_table["beds"]).all()
    assert syn.provenance["groups"] == "existing" and not syn.provenance["last_group_cut"]
    assert "labels, sizes and effects" in syn.provenance["disclosing"][0]
    with pytest.warns(DisclosureWarning):
        short = clinic_fit.synthesize(m=1, k=100, groups="existing", random_seed=1)[0]
    assert len(short) == 100 and set(short["site"]) <= set(clinic_table["site"])


def test_existing_groups_have_their_own_effects() -> None:
    """With no noise but the group effect, a row shows the effect of its site at the copy's draw."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"g": np.repeat([f"g{i}" for i in range(9)], 5), "y": rng.normal(size=45)})
    tight = {"sigma": bs.Prior("HalfNormal", sigma=1e-9)}
    fitted = handmade(bs.Spec(bs.Equation("y ~ (1 | g)", family="normal", priors=tight)), frame)
    given = pd.DataFrame({"g": ["g7", "g2", "g7"]})
    with pytest.warns(DisclosureWarning):
        whole = fitted.synthesize(m=1, groups="existing", random_seed=1)
    with pytest.warns(DisclosureWarning):
        some = fitted.synthesize(m=1, groups="existing", given=given, random_seed=1)
    (chain, draw), posterior = whole.provenance["draws"][0], fitted.idata["posterior"]
    value = posterior["y_Intercept"].values[chain, draw] + posterior["y_1|g"].sel(g=frame["g"].to_numpy())[chain, draw]
    np.testing.assert_allclose(whole[0]["y"], value, atol=1e-6)
    assert list(some[0]["g"]) == ["g7", "g2", "g7"]
    np.testing.assert_allclose(some[0]["y"], whole[0].groupby("g")["y"].first()[given["g"]], atol=1e-6)
    with pytest.raises(SynthesisError, match="group 'g9' of 'g', which the original does not have"), pytest.warns():
        fitted.synthesize(m=1, groups="existing", given=pd.DataFrame({"g": ["g9"]}))


def test_existing_nested_groups(school_fit: bs.Fitted, school_table: pd.DataFrame) -> None:
    with pytest.warns(DisclosureWarning):
        copy = school_fit.synthesize(m=1, groups="existing", random_seed=1)[0]
    pd.testing.assert_frame_equal(copy[["school", "class"]], school_table[["school", "class"]])


def test_existing_groups_need_keep_groups(clinic_table: pd.DataFrame) -> None:
    fitted = handmade(clinics.spec(), clinic_table, keep_groups=False)
    with pytest.raises(SynthesisError, match="fit with keep_groups=True"):
        fitted.synthesize(groups="existing")


def test_existing_without_any_groups_discloses_nothing() -> None:
    frame = pd.DataFrame({"x": np.random.default_rng(1).normal(size=30)})
    syn = handmade(bs.Spec("x ~ 1"), frame).synthesize(m=1, groups="existing", random_seed=1)
    assert syn.provenance["groups"] == "none" and syn.provenance["disclosing"] == []


@pytest.mark.parametrize(("size", "eta"), [(2, 2), (3, 2), (4, 1)])
def test_prior_correlations_follow_lkj(size: int, eta: int) -> None:
    """Each correlation of LKJ(η) in d dimensions is 2 Beta(a, a) - 1 with a = η - 1 + d / 2."""
    rng = np.random.default_rng(1)
    slopes = [f"x{i}" for i in range(size - 1)]
    frame = pd.DataFrame(rng.normal(size=(60, size - 1)), columns=slopes).assign(g=np.arange(60) % 6)
    frame["y"] = rng.normal(size=60)
    equation = bs.Equation(f"y ~ (1 + {' + '.join(slopes)} | g)", priors={"g_corr": bs.Prior("LKJ", eta=eta)})
    bound, _ = bind(bs.Spec(equation, rest="keep"), frame)
    draws = prior_draws(bound, 3000, rng)["y_g_corr"][0]
    assert np.linalg.eigvalsh(draws).min() > 0
    shape = eta - 1 + size / 2
    for i, j in itertools.combinations(range(size), 2):
        assert stats.kstest((draws[:, i, j] + 1) / 2, stats.beta(shape, shape).cdf).pvalue > 1e-4
