"""Models that the user writes: checks before fitting, posterior, new groups, seeds, storage."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pymc as pm
import pytest

import bayessynth as bs
from bayessynth.errors import (
    DataError,
    DisclosureWarning,
    FitError,
    MissingDataError,
    StorageError,
    SynthesisError,
)

N_SITES, ROWS = 12, 30
TAU = 0.6


@pytest.fixture(scope="session")
def table() -> pd.DataFrame:
    rng = np.random.default_rng(7)
    site = np.repeat(np.arange(N_SITES), rng.integers(ROWS - 15, ROWS + 15, N_SITES))
    age = np.round(rng.normal(45, 12, len(site)), 1)
    sex = rng.random(len(site)) < 0.4
    effects = rng.normal(0, TAU, N_SITES)
    visits = rng.poisson(np.exp(0.5 + 0.02 * (age - 45) + 0.3 * sex + effects[site]))
    labels = np.array([f"clinic {chr(65 + i)}" for i in range(N_SITES)])
    return pd.DataFrame({"site": labels[site], "age": age, "sex": np.where(sex, "m", "f"), "visits": visits})


def build(data, coords):
    with pm.Model(coords=coords) as model:
        age = pm.Normal("age", pm.Normal("age_mean", 45, 20), pm.HalfNormal("age_sd", 20), observed=data["age"])
        sex = pm.Bernoulli("sex", pm.Beta("share", 1, 1), observed=data["sex"])
        tau = pm.HalfNormal("tau", 1)
        u = pm.Normal("u", pm.Normal("level"), tau, dims="site")
        pm.Deterministic("risk", pm.math.exp(u), dims="site")
        slope, by_sex = pm.Normal("slope", 0, 0.1), pm.math.stack([0.0, pm.Normal("by_sex")])
        eta = slope * (age - 45) + by_sex[sex] + u[data["site"]]
        pm.Deterministic("eta", eta)
        pm.Poisson("visits", pm.math.exp(eta), observed=data["visits"])
    return model


@pytest.fixture(scope="session")
def declared(table):
    return bs.from_pymc(build, table, groups={"site": "site"})


@pytest.fixture(scope="session")
def fitted(declared):
    return declared.fit(draws=500, tune=500, chains=2, random_seed=1, keep_groups=True, progress=False)


def variant(text: str, replacement: str):
    """Return ``build`` with one piece of its code replaced."""
    import inspect
    import textwrap

    source = textwrap.dedent(inspect.getsource(build))
    assert text in source
    scope = {"pm": pm, "np": np}
    exec(source.replace(text, replacement), scope)
    return scope["build"]


def test_levels_of_variables_follow_from_their_shapes(declared):
    layout = declared.layout
    assert layout.columns == ("age", "sex", "visits")
    assert layout.trace == ("age_mean", "age_sd", "share", "tau", "level", "slope", "by_sex")
    assert layout.groups == ("u", "risk")
    assert layout.rows == ("eta",)
    assert "site (12)" in repr(declared)
    assert "drawn anew for new groups and rows: u" in repr(declared)


def test_group_variables_are_found_without_a_dim(table):
    lengths = bs.from_pymc(
        variant('pm.Normal("level"), tau, dims="site"', 'pm.Normal("level"), tau, shape=len(coords["site"])'),
        table,
        groups={"site": "site"},
    )
    assert lengths.layout.groups == ("u", "risk")


def test_posterior_has_parameters_and_no_entry_a_row(fitted):
    posterior = fitted.idata["posterior"]
    assert {"age_mean", "tau", "by_sex", "u", "risk"} <= set(posterior.data_vars)
    assert "eta" not in posterior.data_vars
    assert posterior["u"].dims == ("chain", "draw", "site")
    assert "tau" in fitted.summary().index
    assert not any(name.startswith("u[") for name in fitted.summary().index)
    assert any(name.startswith("u[") for name in fitted.summary(groups=True).index)
    assert fitted.diagnose().table["equation"].tolist() == ["model"]
    assert "FittedPyMC: columns age, sex, visits" in repr(fitted)


def test_copies_have_new_groups_and_the_original_dtypes(fitted, table):
    syn = fitted.synthesize(m=3, random_seed=2)
    for copy in syn:
        assert copy.shape == table.shape
        assert copy.dtypes.equals(table.dtypes)
        assert list(copy.columns) == list(table.columns)
        assert not set(copy["site"]) & set(table["site"])
        assert set(copy["sex"]) <= {"f", "m"}
        assert np.array_equal(copy["age"], copy["age"].round(1))
    assert len({tuple(d) for d in syn.provenance["draws"]}) == 3
    assert "fully synthetic" in repr(syn)


def test_copies_agree_with_the_posterior(fitted, table):
    copies = fitted.synthesize(m=40, k=2000, random_seed=3)
    ages = np.array([copy["age"].mean() for copy in copies])
    draws = fitted.idata["posterior"]["age_mean"].to_numpy()
    assert abs(ages.mean() - draws.mean()) < 4 * draws.std() / np.sqrt(40) + 0.1
    # Between-group sd of log means, by moments: the variance of group means less what sampling within groups adds.
    between = []
    for copy in copies:
        residual = np.log1p(copy["visits"]) - np.log1p(copy["visits"]).mean()
        grouped = residual.groupby(copy["site"])
        between.append(grouped.mean().var() - (grouped.var() / grouped.size()).mean())
    residual = np.log1p(table["visits"]) - np.log1p(table["visits"]).mean()
    grouped = residual.groupby(table["site"])
    original = grouped.mean().var() - (grouped.var() / grouped.size()).mean()
    assert np.quantile(between, 0.05) < original < np.quantile(between, 0.95)
    assert np.median(between) > 0.3 * original


def test_effects_of_new_groups_have_the_posterior_sd(table):
    from bayessynth.fitting.pymc_run import draw_rows

    def wide(data, coords):
        with pm.Model(coords=coords) as model:
            tau = pm.HalfNormal("tau", 1)
            u = pm.Normal("u", 0, tau, dims="site")
            pm.Normal("age", 40 + u[data["site"]], 1e-6, observed=data["age"])
        return model

    layout = bs.from_pymc(wide, table[["site", "age"]], groups={"site": "site"}).layout
    codes = {"site": np.arange(4000)}
    drawn = draw_rows(wide, layout, codes, {"site": 4000}, {"tau": np.array(3.0)}, 4000, [1])
    assert drawn["age"].std() == pytest.approx(3.0, rel=0.05)


def test_same_seed_same_bytes_in_any_order(fitted):
    first, second = (fitted.synthesize(m=3, random_seed=5) for _ in range(2))
    other = fitted.synthesize(m=3, random_seed=6)
    pd.testing.assert_frame_equal(first[2], second[2])
    pd.testing.assert_frame_equal(first[0], second[0])
    assert not first[0].equals(first[1])
    assert not first[0].equals(other[0])


def test_columns_depend_on_values_as_released():
    from bayessynth.fitting.pymc_run import draw_rows

    def rounded(data, coords):
        with pm.Model(coords=coords) as model:
            x = pm.Normal("x", pm.Normal("mean", 10, 5), 3, observed=data["x"])
            pm.Normal("y", 100 * x, 1e-9, observed=data["y"])
        return model

    x = np.array([7.0, 12, 15, 9])
    layout = bs.from_pymc(rounded, pd.DataFrame({"x": x, "y": 100 * x + [0.25, 0.1, 0, 0]})).layout
    drawn = draw_rows(rounded, layout, {}, {}, {"mean": np.array(10.0)}, 500, [1])
    np.testing.assert_allclose(drawn["y"], 100 * drawn["x"].round(), atol=1e-6)
    assert len(np.unique(drawn["x"])) == 500


@pytest.mark.slow
def test_same_seed_same_draws(declared):
    fits = [declared.fit(draws=20, tune=50, chains=2, random_seed=4, cores=c, progress=False) for c in (1, 2)]
    assert np.array_equal(*(f.idata["posterior"]["tau"].to_numpy() for f in fits))


def test_existing_groups_keep_labels_and_are_marked(fitted, table):
    with pytest.warns(DisclosureWarning, match="original's groups"):
        syn = fitted.synthesize(m=2, groups="existing", random_seed=1)
    copy = syn[0]
    assert copy["site"].tolist() == table["site"].tolist()
    assert syn.provenance["disclosing"]
    means = copy.groupby("site")["visits"].mean()
    with pytest.warns(DisclosureWarning):
        few = fitted.synthesize(m=1, k=50, groups="existing", random_seed=1)[0]
    assert len(few) == 50
    assert set(few["site"]) <= set(table["site"])
    assert np.corrcoef(means, table.groupby("site")["visits"].mean())[0, 1] > 0.7


def test_saved_fits_hold_no_code_and_no_groups(fitted, table, tmp_path):
    with_groups = bs.load(fitted.save(tmp_path / "kept"), build=build)
    assert "u" in with_groups.idata["posterior"].data_vars
    pd.testing.assert_frame_equal(
        with_groups.synthesize(m=2, random_seed=5)[1], fitted.synthesize(m=2, random_seed=5)[1]
    )
    without = type(fitted)(
        fitted.layout,
        fitted.idata,
        type(fitted.groups)(fitted.groups.plan, fitted.groups.sizes, fitted.groups.crossed, {}, {}),
        fitted.provenance,
        build,
    )
    closed = bs.load(without.save(tmp_path / "let go"))
    assert not {"u", "risk"} & set(closed.idata["posterior"].data_vars)
    assert "site" not in closed.idata["posterior"].dims
    assert "no build= yet" in repr(closed)
    with pytest.raises(FitError, match=r"bs\.load\(directory, build=build\)"):
        closed.synthesize(m=1)
    opened = bs.load(tmp_path / "let go", build=build)
    pd.testing.assert_frame_equal(opened.synthesize(m=2, random_seed=5)[0], fitted.synthesize(m=2, random_seed=5)[0])
    with pytest.raises(SynthesisError, match="keep_groups=True"):
        opened.synthesize(m=1, groups="existing")
    artefact = b"".join(p.read_bytes() for p in (tmp_path / "let go").iterdir())
    assert not any(label.encode() in artefact for label in table["site"].unique())


def test_another_function_than_the_fitted_one_is_refused(fitted, tmp_path):
    other = bs.load(fitted.save(tmp_path / "fit"), build=variant('"slope"', '"gradient"'))
    with pytest.raises(FitError, match="makes no variable 'slope'"):
        other.synthesize(m=1, random_seed=1)[0]


def test_build_is_for_fits_of_pymc_models_alone(tmp_path):
    for name in ("fit.json", "posterior.nc", "groups.npz"):
        (tmp_path / name).touch()
    with pytest.raises(StorageError, match="damaged"):
        bs.load(tmp_path, build=build)


def test_nested_groups_with_labels_that_begin_anew():
    rng = np.random.default_rng(3)
    school = np.repeat(np.arange(8), 24)
    room = np.tile(np.repeat(np.arange(3), 8), 8)
    df = pd.DataFrame({"school": school + 1, "room": room + 1, "score": rng.normal(50, 5, len(school)).round(2)})

    def nested(data, coords):
        with pm.Model(coords=coords) as model:
            s = pm.Normal("s", 0, pm.HalfNormal("sd_s", 3), dims="school")
            r = pm.Normal("r", 0, pm.HalfNormal("sd_r", 3), dims="room")
            mean = pm.Normal("mean", 50, 20) + s[data["school"]] + r[data["room"]]
            pm.Normal("score", mean, pm.HalfNormal("sigma", 5), observed=data["score"])
        return model

    model = bs.from_pymc(nested, df, groups={"school": "school", "room": ("school", "room")})
    assert model.layout.groups == ("s", "r")
    fitted = model.fit(draws=30, tune=100, chains=2, random_seed=1, progress=False)
    copy = fitted.synthesize(m=1, force=True, random_seed=1)[0]
    assert copy.shape == df.shape
    assert copy.groupby("school")["room"].unique().map(sorted).tolist() == [[1, 2, 3]] * 8


def test_crossed_groups():
    rng = np.random.default_rng(5)
    reader, item = rng.integers(0, 9, 240), rng.integers(0, 6, 240)
    score = rng.normal(0, 1, 9)[reader] + rng.normal(0, 1, 6)[item] + rng.normal(0, 0.3, 240)
    df = pd.DataFrame({"reader": reader, "item": item + 100, "score": score.round(3)})

    def crossed(data, coords):
        with pm.Model(coords=coords) as model:
            effects = [
                pm.Normal(f"of_{dim}", 0, pm.HalfNormal(f"sd_{dim}", 1), dims=dim)[data[dim]]
                for dim in ("reader", "item")
            ]
            mean = pm.Normal("mean", 0, 1) + sum(effects)
            pm.Normal("score", mean, pm.HalfNormal("sigma", 1), observed=data["score"])
        return model

    model = bs.from_pymc(crossed, df, groups={"reader": "reader", "item": "item"})
    assert model.layout.groups == ("of_reader", "of_item")
    fitted = model.fit(draws=30, tune=150, chains=2, random_seed=1, progress=False)
    for copy in fitted.synthesize(m=3, force=True, random_seed=1):
        assert copy.shape == df.shape
        assert copy["item"].nunique() <= 6 < copy.groupby("reader")["item"].nunique().sum()
        within = copy.groupby(["reader", "item"])["score"].std().mean()
        assert within < 0.5 < copy["score"].std()


def test_rows_of_another_number_than_the_original(fitted):
    assert len(fitted.synthesize(m=1, k=7, random_seed=1)[0]) == 7
    with pytest.raises(SynthesisError, match="m=0"):
        fitted.synthesize(m=0)


@pytest.mark.parametrize(
    ("text", "replacement", "message"),
    [
        ("return model", "return None", r"returned NoneType, not a pymc\.Model; end it with 'return model'"),
        ('pm.Poisson("visits"', 'pm.Poisson("visit"', r"'visit' is no column of the data\. Did you mean 'visits'"),
        (
            'sex = pm.Bernoulli("sex", pm.Beta("share", 1, 1), observed=data["sex"])',
            'sex = data["sex"]',
            r"No variable observes column 'sex'.*df\.drop\(columns=\['sex'\]\)",
        ),
        ("slope * (age - 45)", 'slope * (data["age"] - 45)', r"'visits' uses data\['age'\] as plain numbers"),
        ("slope * (age - 45)", 'slope * (age - data["age"].mean())', r"'visits' uses data\['age'\].*outside of build"),
        ("by_sex[sex]", 'by_sex[data["sex"]]', r"'visits' uses data\['sex'\] as plain numbers"),
        ("by_sex[sex]", "by_sex[sex + 1]", r"an expression of by_sex has 2 entries .* an index .* row \d+: 2"),
        (
            'tau, dims="site")\n        pm.Deterministic("risk", pm.math.exp(u), dims="site"',
            "tau, shape=5",
            r"'u' has 5 entries along axis 0, but data\['site'\] reaches beyond in \d+ of \d+ rows, .* row \d+: 5",
        ),
        (
            'observed=data["visits"]',
            'observed=np.log1p(data["visits"]).round()',
            r"'visits' observes something else than data\['visits'\].*the first is row \d+",
        ),
        ('pm.Normal("age", ', 'pm.Poisson("age", 40 + 0 * ', "'age' is discrete, but the column is not whole"),
        ('pm.Deterministic("eta", eta)', 'pm.Potential("eta", eta.sum())', "Potential 'eta' depends on .*'u'"),
        ('pm.Deterministic("eta", eta)', 'eta = eta + pm.Poisson("k", 1)', "'k' is discrete and not observed"),
    ],
)  # fmt: skip
def test_what_cannot_be_generated_is_refused_at_once(table, text, replacement, message):
    replaced = variant(text, replacement)
    if 'pm.Poisson("age"' in replacement:
        replaced = variant('pm.Normal("age", pm.Normal("age_mean", 45, 20), pm.HalfNormal("age_sd", 20)',
                           'pm.Poisson("age", pm.HalfNormal("age_mean", 45)')  # fmt: skip
    with pytest.raises(DataError, match=message):
        bs.from_pymc(replaced, table, groups={"site": "site"})


def test_arrays_from_outside_of_build_are_refused(table):
    codes = pd.factorize(table["site"])[0]

    def outside(data, coords):
        with pm.Model(coords=coords) as model:
            u = pm.Normal("u", 0, pm.HalfNormal("tau", 1), dims="site")
            pm.Normal("age", 40 + u[codes], 10, observed=data["age"])
        return model

    def observed_outside(data, coords):
        with pm.Model(coords=coords) as model:
            pm.Normal("age", pm.Normal("mean", 40, 10), 10, observed=table["age"].to_numpy())
        return model

    with pytest.raises(DataError, match="rows"):
        bs.from_pymc(outside, table[["site", "age"]], groups={"site": "site"})
    with pytest.raises(DataError, match=r"observed=data\['age'\]|nothing of the kind from outside"):
        bs.from_pymc(observed_outside, table[["age"]])


def test_models_without_data_or_parameters_are_refused(table):
    def unobserved(data, coords):
        with pm.Model(coords=coords) as model:
            pm.Normal("age")
        return model

    def fixed(data, coords):
        with pm.Model(coords=coords) as model:
            pm.Normal("age", 40, 10, observed=data["age"])
        return model

    with pytest.raises(DataError, match=r"no observed variable.*pm\.Normal\('age', …, observed=data\['age'\]\)"):
        bs.from_pymc(unobserved, table[["age"]])

    def continuous(data, coords):
        with pm.Model(coords=coords) as model:
            pm.Normal("sex", pm.Normal("mean"), 1, observed=data["sex"])
        return model

    with pytest.raises(DataError, match=r"variable 'sex' is continuous\. Use pm.Bernoulli"):
        bs.from_pymc(continuous, table[["sex"]])
    with pytest.raises(DataError, match="no parameters"):
        bs.from_pymc(fixed, table[["age"]])


@pytest.mark.parametrize("kind", ["pm.Data", "custom", "no random", "row latent", "no groups"])
def test_other_ways_to_write_a_model(table, kind):
    def other(data, coords):
        with pm.Model(coords=coords) as model:
            u = pm.Normal("u", 0, 1, dims="site")[pm.Data("index", data["site"])]
            match kind:
                case "pm.Data":
                    pm.Normal("age", u, pm.HalfFlat("s"), observed=pm.Data("ages", data["age"]))
                case "custom":
                    pm.CustomDist(
                        "age", u, dist=lambda mu, size: pm.Normal.dist(mu, 1, size=size), observed=data["age"]
                    )
                case "no random":
                    pm.CustomDist("age", u, logp=lambda value, mu: -((value - mu) ** 2), observed=data["age"])
                case "row latent":
                    pm.Normal("age", pm.Normal("z", u, 1) + pm.Flat("a"), 1, observed=data["age"])
        return model

    def without_groups(data, coords):
        with pm.Model(coords=coords) as model:
            pm.Normal("age", pm.Normal("a"), 1, observed=data["age"])
        return model

    frame, groups = table[["site", "age"]], {"site": "site"}
    if kind == "no random":
        with pytest.raises(DataError, match=r"could not be drawn: .*'CustomDist_age'.*random="):
            bs.from_pymc(other, frame, groups=groups)
    elif kind == "no groups":
        assert bs.from_pymc(without_groups, frame[["age"]]).layout.trace == ("a",)
    else:
        layout = bs.from_pymc(other, frame, groups=groups).layout
        assert layout.groups == ("u",)
        assert layout.rows == (("z",) if kind == "row latent" else ())


def test_data_that_cannot_be_used_are_named(table):
    groups = {"site": "site"}
    with pytest.raises(DataError, match=r"'sites'.*Did you mean 'site'"):
        bs.from_pymc(build, table, groups={"site": "sites"})
    with pytest.raises(
        MissingDataError, match=r"row without a group: column 'site', 1 of \d+ rows, the first is row 3"
    ):
        bs.from_pymc(build, table.assign(site=table["site"].where(table.index != 3)), groups=groups)
    with pytest.raises(MissingDataError, match=r"'age' \(1 of"):
        bs.from_pymc(build, table.assign(age=table["age"].where(table.index != 3)), groups=groups)
    with pytest.raises(DataError, match=r"Infinite values: column 'age', 1 of \d+ rows, the first is row 3"):
        bs.from_pymc(build, table.assign(age=table["age"].where(table.index != 3, np.inf)), groups=groups)
    with pytest.raises(DataError, match="looks like an identifier"):
        bs.from_pymc(build, table.assign(who=[f"p{i}" for i in range(len(table))]), groups=groups)
    with pytest.raises(DataError, match=r"No variable observes column 'clinic'.*groups="):
        bs.from_pymc(build, table.assign(clinic=table["site"]), groups=groups)
    with pytest.raises(DataError, match="another column"):
        bs.from_pymc(build, table, groups={"age": "site"})
