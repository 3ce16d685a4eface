"""Given columns that depend on others: conditionals known in closed form, by Bayes' rule, or from many copies."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.errors import ConditioningWarning, DisclosureWarning, PoolingWarning, SynthesisError
from bayessynth.synthesis import generate, part_file
from tests.handmade import handmade

EACH = 4000
RNG = np.random.default_rng(6)


def tight(scales: dict[str, float], **centres: float) -> dict[str, bs.Prior]:
    return {name: bs.Prior("Normal", mu=centre, sigma=1e-6) for name, centre in centres.items()} | {
        name: bs.Prior("LogNormal", mu=np.log(scale), sigma=1e-6) for name, scale in scales.items()
    }


@pytest.fixture(scope="module")
def normals() -> bs.Fitted:
    frame = pd.DataFrame(RNG.normal(size=(50, 3)), columns=["x", "y", "z"])
    spec = bs.Spec(
        bs.Equation("x ~ 1", priors=tight({"sigma": 1.0}, Intercept=1.0)),
        bs.Equation("y ~ x", priors=tight({"sigma": 0.8}, Intercept=0.0, x=2.0)),
        bs.Equation("z ~ x + y", priors=tight({"sigma": 1.2}, Intercept=0.0, x=-1.0, y=1.5)),
    )
    return handmade(spec, frame)


def at(fitted: bs.Fitted, syn: bs.SyntheticData, name: str, copy: int = 0) -> float:
    chain, draw = syn.provenance["draws"][copy]
    return float(fitted.idata["posterior"].to_dataset()[name].isel(chain=chain, draw=draw))


def joint(fitted: bs.Fitted, syn: bs.SyntheticData) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and covariance of x, y and z."""
    a, b, c = (at(fitted, syn, f"{name}_Intercept") for name in "xyz")
    b1, c1, c2 = (at(fitted, syn, name) for name in ("y_x", "z_x", "z_y"))
    scale = np.diag([at(fitted, syn, f"{name}_sigma") for name in "xyz"])
    root = np.array([[1, 0, 0], [b1, 1, 0], [c1 + c2 * b1, c2, 1]]) @ scale
    return np.array([a, b + b1 * a, c + c1 * a + c2 * (b + b1 * a)]), root @ root.T


def check_normal(found: np.ndarray, known: np.ndarray, values: np.ndarray, mean: np.ndarray, cov: np.ndarray) -> None:
    """Check that the open coordinates have the distribution given the known ones."""
    open_ = np.setdiff1d(np.arange(3), known)
    slope = cov[np.ix_(open_, known)] @ np.linalg.inv(cov[np.ix_(known, known)])
    left = cov[np.ix_(open_, open_)] - slope @ cov[np.ix_(known, open_)]
    centre = mean[open_] + slope @ (values - mean[known])
    standard = np.linalg.solve(np.linalg.cholesky(left), (found - centre).T)
    np.testing.assert_allclose(standard.mean(axis=1), 0, atol=4 / np.sqrt(EACH) + 0.02)
    np.testing.assert_allclose(np.cov(standard), np.eye(len(open_)), atol=6 / np.sqrt(EACH) + 0.02)


def test_what_comes_before_has_its_distribution_given_what_follows(normals: bs.Fitted) -> None:
    given = pd.DataFrame({"z": np.repeat([-1.0, 2.0], EACH)})
    syn = normals.synthesize(1, given=given, random_seed=1)
    copy, (mean, cov) = syn[0], joint(normals, syn)
    pd.testing.assert_frame_equal(copy[["z"]], given)
    for z in (-1.0, 2.0):
        found = copy.loc[copy["z"] == z, ["x", "y"]].to_numpy()
        check_normal(found, np.array([2]), np.array([z]), mean, cov)


def test_a_column_in_the_middle_and_one_downstream(normals: bs.Fitted) -> None:
    syn = normals.synthesize(1, given=pd.DataFrame({"y": np.full(EACH, 3.0)}), random_seed=1)
    copy, (mean, cov) = syn[0], joint(normals, syn)
    check_normal(copy[["x", "z"]].to_numpy(), np.array([1]), np.array([3.0]), mean, cov)


def test_missing_cells_are_not_given(normals: bs.Fitted) -> None:
    given = pd.DataFrame({"x": np.tile([1.0, np.nan], EACH), "z": np.repeat(1.5, 2 * EACH)})
    syn = normals.synthesize(1, given=given, random_seed=1)
    copy, (mean, cov) = syn[0], joint(normals, syn)
    assert (copy["x"][::2] == 1).all() and copy["x"].notna().all() and (copy["z"] == 1.5).all()
    check_normal(copy[["y"]].to_numpy()[::2], np.array([0, 2]), np.array([1.0, 1.5]), mean, cov)
    check_normal(copy[["x", "y"]].to_numpy()[1::2], np.array([2]), np.array([1.5]), mean, cov)


def test_intervals_truncate(normals: bs.Fitted) -> None:
    syn = normals.synthesize(1, where={"z": (0.0, None)}, k=EACH, random_seed=1)
    copy, (mean, cov) = syn[0], joint(normals, syn)
    assert (copy["z"] >= 0).all()
    free = np.random.default_rng(1).multivariate_normal(mean, cov, 400_000)
    wanted = free[free[:, 2] >= 0]
    away = (copy.mean() - wanted.mean(axis=0)) / wanted.std(axis=0)
    np.testing.assert_allclose(away, 0, atol=5 / np.sqrt(EACH))
    np.testing.assert_allclose(copy.std(), wanted.std(axis=0), rtol=0.06)
    assert syn.provenance["where"] == {"z": [0.0, None]}


def test_effective_sizes_are_reported_and_little_ones_are_warned_of(normals: bs.Fitted) -> None:
    given = pd.DataFrame({"z": np.linspace(-2, 2, 50)})
    syn = normals.synthesize(2, given=given, random_seed=1)
    sizes = syn.effective_sizes(0)
    assert len(sizes) == 50 and (sizes > 20).all() and (sizes < 4096).all()
    stated = syn.provenance["effective"]
    assert stated["minimum"] == pytest.approx(sizes.min(), abs=0.1)
    assert stated["median"] == pytest.approx(sizes.median(), abs=0.1)
    assert not sizes.equals(syn.effective_sizes(1))
    assert "given: z; effective proposals a row: median" in repr(syn)
    far = pd.DataFrame({"z": [0.0, 30.0]})
    with pytest.warns(
        ConditioningWarning, match=r"for 1 of 2 given rows, fewer than 10 are effective.*of 4,096\): row 1"
    ):
        normals.synthesize(1, given=far, random_seed=1)
    with pytest.raises(SynthesisError, match="No draw of these copies was weighed"):
        normals.synthesize(1, given=pd.DataFrame({"x": [0.0]}), random_seed=1).effective_sizes()


def test_what_is_given_upstream_alone_is_not_weighed(normals: bs.Fitted) -> None:
    syn = normals.synthesize(1, given=pd.DataFrame({"x": [0.0, 1.0], "y": [2.0, 2.5]}), random_seed=1)
    assert syn.provenance["effective"] is None and syn.provenance["population"] == "given"
    assert normals.synthesize(1, random_seed=1).provenance["population"] == "original"


def test_the_same_seed_gives_the_same_bytes(normals: bs.Fitted, monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    given = pd.DataFrame({"z": np.linspace(-2, 2, 300)})
    whole = normals.synthesize(2, given=given, random_seed=5)
    first, second = whole[0], whole[1]
    pd.testing.assert_frame_equal(normals.synthesize(2, given=given, random_seed=5)[1], second)
    assert not first["x"].equals(normals.synthesize(2, given=given, random_seed=6)[0]["x"])
    monkeypatch.setattr(generate, "PART", 50)
    monkeypatch.setattr(part_file, "PARTS", 2)
    streamed = normals.synthesize(2, given=given, random_seed=5)
    read = pd.read_parquet(streamed.to_parquet(tmp_path / "out", progress=False))
    for number, copy in enumerate([first, second]):
        own = read[read["copy"] == number].drop(columns="copy").reset_index(drop=True)
        pd.testing.assert_frame_equal(own[["z", "x"]], copy[["z", "x"]])


def test_pooling_says_that_the_population_is_another(normals: bs.Fitted) -> None:
    syn = normals.synthesize(5, where={"z": (0, 1)}, k=60, random_seed=1)
    with pytest.warns(PoolingWarning, match="drawn given z: they stand for a population"):
        syn.pool("y ~ x")


@pytest.fixture(scope="module")
def wards() -> bs.Fitted:
    """A number with a large effect of wards, and one that depends on it."""
    ward = np.repeat(np.arange(12), 5)
    frame = pd.DataFrame({"ward": [f"w{w}" for w in ward], "x": RNG.normal(size=60), "y": RNG.normal(size=60)})
    own = tight({"sigma": 1.0, "1|ward_sd": 1.5}, Intercept=0.0)
    spec = bs.Spec(
        bs.Equation("x ~ (1 | ward)", family="normal", priors=own),
        bs.Equation("y ~ x", family="normal", priors=tight({"sigma": 1.0}, Intercept=0.0, x=1.0)),
    )
    return handmade(spec, frame)


def test_effects_of_groups_are_drawn_with_the_proposals(wards: bs.Fitted) -> None:
    n = 3000
    given = pd.DataFrame({"ward": np.arange(n), "y": np.full(n, 1.0)})
    syn = wards.synthesize(1, given=given.assign(ward=given["ward"].astype(str)), random_seed=1)
    sd, sx, sy = (at(wards, syn, name) for name in ("x_1|ward_sd", "x_sigma", "y_sigma"))
    a, b, c = (at(wards, syn, name) for name in ("x_Intercept", "y_Intercept", "y_x"))
    prior = sd**2 + sx**2
    gain = prior * c / (c**2 * prior + sy**2)
    found = syn[0]["x"]
    left = np.sqrt(prior * (1 - gain * c))
    assert found.mean() == pytest.approx(a + gain * (1.0 - b - c * a), abs=4 * left / np.sqrt(n) + 0.02 * left)
    assert found.std() == pytest.approx(left, rel=0.06)


def test_rows_of_one_group_are_drawn_together(wards: bs.Fitted) -> None:
    n = 1500
    given = pd.DataFrame({"ward": np.repeat(np.arange(n), 2).astype(str), "y": np.tile([1.0, -0.5], n)})
    syn = wards.synthesize(1, given=given, random_seed=1)
    sd, sx, sy = (at(wards, syn, name) for name in ("x_1|ward_sd", "x_sigma", "y_sigma"))
    a, b, c = (at(wards, syn, name) for name in ("x_Intercept", "y_Intercept", "y_x"))
    prior = np.full((2, 2), sd**2) + sx**2 * np.eye(2)
    gain = c * prior @ np.linalg.inv(c**2 * prior + sy**2 * np.eye(2))
    left = prior - c * gain @ prior
    found = syn[0]["x"].to_numpy().reshape(n, 2)
    standard = np.linalg.solve(np.linalg.cholesky(left), (found - a - gain @ (np.array([1.0, -0.5]) - b - c * a)).T)
    np.testing.assert_allclose(standard.mean(axis=1), 0, atol=0.13)
    np.testing.assert_allclose(np.cov(standard), np.eye(2), atol=0.2)
    sizes = syn.effective_sizes()
    assert (sizes[::2].to_numpy() == sizes[1::2].to_numpy()).all()


def test_observed_groups_keep_their_effects(wards: bs.Fitted) -> None:
    given = pd.DataFrame({"ward": ["w3"] * 500, "y": 1.0})
    with pytest.warns(DisclosureWarning):
        syn = wards.synthesize(1, given=given, groups="existing", random_seed=1)
    chain, draw = syn.provenance["draws"][0]
    effect = float(wards.idata["posterior"].to_dataset()["x_1|ward"].isel(chain=chain, draw=draw).sel(ward="w3"))
    sx, sy, a, b, c = (at(wards, syn, v) for v in ("x_sigma", "y_sigma", "x_Intercept", "y_Intercept", "y_x"))
    gain = sx**2 * c / (c**2 * sx**2 + sy**2)
    wanted = a + effect + gain * (1.0 - b - c * (a + effect))
    assert syn[0]["x"].mean() == pytest.approx(wanted, abs=5 * sx / np.sqrt(500))


def test_given_columns_of_groups_tell_of_others(school_fit: bs.Fitted) -> None:
    syn = school_fit.synthesize(1, k=1, random_seed=1)
    p = 1 / (1 + np.exp(-at(school_fit, syn, "public_Intercept")))
    a, b, sd, sigma = (at(school_fit, syn, f"area_{v}") for v in ("Intercept", "public", "1|school_sd", "sigma"))
    area = round(a + b / 3, 2)
    given = pd.DataFrame({"school": np.repeat(np.arange(2000), 2), "class": np.tile([1, 2], 2000), "area": area})
    copy = school_fit.synthesize(1, given=given, random_seed=1)[0]
    assert (copy["area"] == area).all()
    assert (copy.groupby("school")["public"].nunique() == 1).all()
    away = area - a - b * np.array([0.0, 1.0])
    density = np.exp(-0.5 * away**2 * np.linalg.inv(np.full((2, 2), sd**2) + sigma**2 * np.eye(2)).sum())
    wanted = p * density[1] / (p * density[1] + (1 - p) * density[0])
    assert copy.groupby("school")["public"].first().mean() == pytest.approx(wanted, abs=2 / np.sqrt(2000))


def test_columns_of_groups_one_row_a_group(school_fit: bs.Fitted) -> None:
    copy = school_fit.synthesize(1, where={"public": True}, k=200, random_seed=1)[0]
    assert copy["public"].all() and copy["school"].nunique() > 1


def test_columns_given_by_group_that_tell_of_others_of_the_group() -> None:
    site = np.repeat(np.arange(20), 4)
    frame = pd.DataFrame({"site": site, "big": (RNG.random(20) < 0.5)[site], "beds": RNG.normal(size=20)[site]})
    frame["x"], frame["y"], frame["other"] = RNG.normal(size=(3, 80))
    spec = bs.Spec(
        bs.Equation("big ~ 1", priors=tight({}, Intercept=0.0)),
        bs.Equation("beds ~ big", family="normal", priors=tight({"sigma": 1.0}, Intercept=0.0, big=1.5)),
        bs.Equation("x ~ 1", priors=tight({"sigma": 1.0}, Intercept=0.0)),
        bs.Equation("y ~ x + beds", priors=tight({"sigma": 1.0}, Intercept=0.0, x=1.0, beds=1.0)),
        "other ~ (1 | site)",
    )
    fitted = handmade(spec, frame)
    given = pd.DataFrame({"beds": np.full(3000, 1.0)})
    syn = fitted.synthesize(1, given=given, random_seed=1)
    a, b, sigma = (at(fitted, syn, f"beds_{name}") for name in ("Intercept", "big", "sigma"))
    odds = np.exp(at(fitted, syn, "big_Intercept") - ((1 - a - b) ** 2 - (1 - a) ** 2) / (2 * sigma**2))
    share = syn[0].groupby("site")["big"].first()
    assert len(share) == 3000 and len(syn.effective_sizes()) == 3000
    assert share.mean() == pytest.approx(odds / (1 + odds), abs=4 * 0.5 / np.sqrt(3000))
    # Rows by themselves, which read what is given of their group.
    rows = pd.DataFrame({"site": np.repeat(np.arange(50), 40), "big": True, "beds": 1.0, "y": 3.0})
    syn = fitted.synthesize(1, given=rows, random_seed=1)
    a, b, c = (at(fitted, syn, f"y_{name}") for name in ("Intercept", "x", "beds"))
    x, sx, sy = at(fitted, syn, "x_Intercept"), at(fitted, syn, "x_sigma"), at(fitted, syn, "y_sigma")
    gain = b * sx**2 / (b**2 * sx**2 + sy**2)
    left = sx * np.sqrt(1 - gain * b)
    assert syn[0]["x"].mean() == pytest.approx(
        x + gain * (3 - a - c - b * x), abs=4 * left / np.sqrt(2000) + 0.02 * left
    )
    gaps = given.assign(beds=np.tile([1.0, np.nan], 1500))
    share = fitted.synthesize(1, given=gaps, random_seed=1)[0].groupby("site")["big"].first()
    assert share[::2].mean() == pytest.approx(odds / (1 + odds), abs=4 * 0.5 / np.sqrt(1500))
