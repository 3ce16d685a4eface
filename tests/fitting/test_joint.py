"""Equations that share group effects: kernels against graphs, a model written by hand, recovery, copies, refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayessynth as bs
from bayessynth.design import Bound, bind, centring, component
from bayessynth.errors import EngineWarning, FitError, SpecError
from bayessynth.fitting import program
from bayessynth.fitting.joint import joint
from bayessynth.fitting.joint_density import JointDensity
from tests.fitting.test_density import Graph, taken
from tests.panels import shared_effects

GROUPS, EACH, RHO = 60, 12, 0.7


def simulated(groups: int = GROUPS, each: int = EACH, seed: int = 4) -> pd.DataFrame:
    """Two outcomes, and a count and a yes or no, whose site effects are correlated."""
    rng = np.random.default_rng(seed)
    root = np.linalg.cholesky([[1.0, RHO], [RHO, 1.0]])
    u = rng.standard_normal((groups, 2)) @ root.T * [1.0, 0.8]
    site = np.repeat(np.arange(groups), each)
    n = len(site)
    frame = pd.DataFrame({"site": site, "x": rng.normal(size=n).round(3), "ward": rng.integers(0, 5, n)})
    frame["y"] = (1 + 0.5 * frame["x"] + u[site, 0] + rng.normal(0, 1, n)).round(3)
    frame["z"] = (-1 + 0.3 * frame["y"] + u[site, 1] + rng.normal(0, 1, n)).round(3)
    frame["visits"] = rng.poisson(np.exp(0.5 + 0.5 * u[site, 0] + 0.1 * frame["x"]))
    frame["ill"] = (rng.random(n) < 1 / (1 + np.exp(-0.5 - u[site, 1]))).astype(int)
    return frame


TABLE = simulated()
NORMAL = {"family": "normal"}
SPECS = {
    "two outcomes": bs.Spec(bs.Equation("y ~ (1 |p| site)", **NORMAL), bs.Equation("z ~ y + (1 |p| site)", **NORMAL),
                            rest="drop"),
    "three families, slopes, a factor of its own": bs.Spec(
        bs.Equation("x ~ 1", **NORMAL),
        bs.Equation("y ~ x + (1 + x |p| site) + (1 | ward)", **NORMAL,
                    priors={"site_p_corr": bs.Prior("LKJ", eta=1.5)}),
        "visits ~ x + (1 |p| site)", "ill ~ (1 |p| site)", rest="drop",
    ),
    "location and scale": bs.Spec(bs.Equation("y ~ (1 |p| site)", "sigma ~ (1 |p| site)", **NORMAL), rest="drop"),
    "two ids": bs.Spec(
        bs.Equation("y ~ (1 |p| site)", **NORMAL), bs.Equation("z ~ (1 |p| site) + (0 + y |q| site)", **NORMAL),
        "visits ~ (1 |q| site)", rest="drop",
    ),
}  # fmt: skip


def bound_joint(spec: bs.Spec, frame: pd.DataFrame) -> tuple[Bound, Any]:
    bound, data = bind(spec, frame, missing="drop")
    (columns,) = bound.joined
    return bound, joint(bound, {c: component(bound, data, c) for c in columns}, columns[0])


def split(density: JointDensity, vector: np.ndarray, graph: Graph) -> dict[str, np.ndarray]:
    """Return the entries of a vector under the names of the joint graph's variables."""
    found: dict[str, np.ndarray] = {}
    for block in density.shared:
        found[f"{block.name}~cholesky"] = vector[density.correlations[block.name]]
    for column, own in density.densities.items():
        part = vector[density.starts[column] : density.starts[column] + own.parameters.size]
        names = [n for n in graph.names if n.startswith(f"{column}_")]
        found |= taken(own, part, _Names(names))
    return found


class _Names:
    def __init__(self, names: list[str]) -> None:
        self.names = names


SPECS["a marker and the hazard"] = bs.Spec(
    "treat ~ 1", bs.Equation("y ~ start + (1 + start |p| id)", **NORMAL),
    bs.Survival("(start, stop) ~ treat + (1 |p| id)", event="d"), rest="drop", unit="id", time="start",
)  # fmt: skip
PANEL = shared_effects(40)
CASES = [*((name, None) for name in SPECS), ("three families, slopes, a factor of its own", -1.0), ("two ids", -1.0),
         ("three families, slopes, a factor of its own", 2.0)]  # fmt: skip


@pytest.mark.parametrize(("name", "reliable"), CASES)
def test_the_kernels_density_is_that_of_the_joint_graph(
    name: str, reliable: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Groups are sampled around their centre where the data say much of them; here also all, and none."""
    if reliable is not None:
        for module in (centring, program):
            monkeypatch.setattr(module, "RELIABLE", reliable)
    _, own = bound_joint(SPECS[name], PANEL if name == "a marker and the hazard" else TABLE.iloc[: 20 * EACH])
    density, graph = JointDensity(own.components, own.shared), Graph(own.model())
    rng = np.random.default_rng(1)
    ours, theirs = [], []
    for _ in range(3):
        theta = 0.4 * rng.standard_normal(density.size)
        total, grads, named = graph(split(density, theta, graph))
        value, grad = density(theta)
        mine = split(density, grad, graph)
        assert mine.keys() == grads.keys()
        for variable, expected in grads.items():
            np.testing.assert_allclose(mine[variable], expected, rtol=1e-8, atol=1e-8, err_msg=variable)
        ours.append(value)
        theirs.append(total)
        reported = {n: v[0, 0] for p in density.posteriors(theta[None], chains=1, stats={}, engine="kernel", seconds=0)
                    for n, (_, v) in p.variables.items()}  # fmt: skip
        hidden = ("~offset", "~centred", "~cholesky", "~around")
        assert reported.keys() == {n for n in named if not n.endswith(hidden)}
        for variable, drawn in reported.items():
            np.testing.assert_allclose(drawn, named[variable], rtol=1e-8, atol=1e-10, err_msg=variable)
    np.testing.assert_allclose(np.diff(ours), np.diff(theirs), rtol=1e-8)


def test_the_graph_is_the_model_written_by_hand() -> None:
    """y ~ N(a + u, s), z ~ N(b + c y + v, t), (u, v) ~ N(0, Σ) with Σ of two deviations and ρ ~ LKJ(2)."""
    frame = TABLE.iloc[: 20 * EACH]
    bound, own = bound_joint(SPECS["two outcomes"], frame)
    density, graph = JointDensity(own.components, own.shared), Graph(own.model())
    site, y, z = (frame[c].to_numpy() for c in ("site", "y", "z"))
    rng, ours, theirs = np.random.default_rng(2), [], []
    for _ in range(3):
        parts = split(density, 0.4 * rng.standard_normal(density.size), graph)
        total, _, at = graph(parts)
        number = float(parts["site_p_corr~cholesky"][0])
        rho = number / np.sqrt(1 + number**2)
        assert at["site_p_corr"][0, 1] == pytest.approx(rho)
        sds = np.array([at["y_1|site_sd"], at["z_1|site_sd"]])
        effects = np.stack([at["y_1|site"], at["z_1|site"]], axis=1)
        covariance = np.outer(sds, sds) * [[1, rho], [rho, 1]]
        by_hand = stats.norm.logpdf(y, at["y_Intercept"] + effects[site, 0], at["y_sigma"]).sum()
        by_hand += stats.norm.logpdf(z, at["z_Intercept"] + at["z_y"] * y + effects[site, 1], at["z_sigma"]).sum()
        by_hand += stats.multivariate_normal.logpdf(effects, np.zeros(2), covariance).sum()
        # Where effects are sampled standardised the density is that of z: du/dz = σ₁, or σ₂ √(1-ρ²), for each site.
        for column, slope in (("y", sds[0]), ("z", sds[1] * np.sqrt(1 - rho**2))):
            by_hand += 20 * np.log(slope) if f"{column}_1|site~offset" in parts else 0.0
        # LKJ(2) is proportional to 1 - ρ²; the number behind ρ has dρ/dnumber = (1 + number²)^(-3/2).
        by_hand += np.log(1 - rho**2) - 1.5 * np.log(1 + number**2)
        for column in ("y", "z"):
            for key, prior in bound[column].priors.items():
                value = float(at[f"{column}_{key}"])
                if key == "Intercept":
                    value += float(at["z_y"]) * y.mean() if column == "z" else 0.0
                by_hand += float(prior.logp(np.array(value))) + (np.log(value) if prior.support[0] == 0 else 0.0)
        ours.append(by_hand)
        theirs.append(total)
    np.testing.assert_allclose(np.diff(ours), np.diff(theirs), rtol=1e-8)


@pytest.fixture(scope="module")
def fitted() -> bs.Fitted:
    return SPECS["two outcomes"].fit(TABLE, random_seed=1, keep_groups=True)


@pytest.fixture(scope="module")
def apart() -> bs.Fitted:
    """The same without sharing."""
    spec = bs.Spec(bs.Equation("y ~ (1 | site)", **NORMAL), bs.Equation("z ~ y + (1 | site)", **NORMAL), rest="drop")
    return spec.fit(TABLE, random_seed=1)


def test_the_correlation_is_found_again(fitted: bs.Fitted) -> None:
    assert fitted.diagnose().verdict != "fail"
    rho = fitted.idata["posterior"]["site_p_corr"].sel(
        **{"site_p_corr_effect": "y: 1", "site_p_corr_effect_bis": "z: 1"}
    )
    low, high = np.quantile(rho, [0.001, 0.999])
    assert low < RHO < high and low > 0.1
    assert fitted.provenance["engine"] == {"y": "kernel", "z": "kernel"}
    assert "site_p_corr[y: 1, z: 1]" in fitted.summary().index
    assert fitted.component("y")["posterior"]["site_p_corr"].shape[2:] == (2, 2)
    assert "site_p_corr" not in fitted.component("z")["posterior"]


@pytest.mark.slow
def test_intervals_of_the_correlation_cover_it() -> None:
    means, covered = [], 0
    small = {"draws": 250, "tune": 400, "chains": 2}
    for seed in range(6):
        frame = simulated(groups=200, seed=100 + seed)
        posterior = SPECS["two outcomes"].fit(frame, random_seed=1, **small).idata["posterior"]
        rho = posterior["site_p_corr"].values[..., 0, 1]
        low, high = np.quantile(rho, [0.05, 0.95])
        means.append(rho.mean())
        covered += int(low < RHO < high)
    # The correlation of 200 sites has a standard error of about .045; LKJ(2) pulls its mean down by about .02.
    assert np.mean(means) == pytest.approx(RHO, abs=0.06) and covered >= 3


def between(frame: pd.DataFrame) -> float:
    """Correlation of the sites' means of y and of what z has beyond its dependence on y within sites."""
    within = frame[["y", "z"]] - frame.groupby("site")[["y", "z"]].transform("mean")
    slope = (within["y"] * within["z"]).sum() / (within["y"] ** 2).sum()
    means = frame.assign(rest=frame["z"] - slope * frame["y"]).groupby("site")[["y", "rest"]].mean()
    return float(means.corr().iloc[0, 1])


def test_copies_keep_the_correlation_between_sites_and_lose_it_where_it_is_not_shared(
    fitted: bs.Fitted, apart: bs.Fitted
) -> None:
    shared, lost = (np.mean([between(c) for c in f.synthesize(20, random_seed=2, force=True)]) for f in (fitted, apart))
    assert shared == pytest.approx(between(TABLE), abs=0.12)
    assert abs(lost) < 0.1
    with pytest.warns(bs.errors.DisclosureWarning):
        existing = fitted.synthesize(5, groups="existing", random_seed=2)
    assert np.mean([between(c) for c in existing]) == pytest.approx(between(TABLE), abs=0.12)


def test_one_outcome_given_tells_of_the_other_by_way_of_the_sites_effect(fitted: bs.Fitted) -> None:
    """y and z | y given y in new groups of one row: E(z | y) has the slope c + cov(u, v) / (var(u) + s²)."""
    y = np.linspace(-2, 4, 1500).round(3)
    syn = fitted.synthesize(1, given=pd.DataFrame({"y": y}), random_seed=3)
    chain, draw = syn.provenance["draws"][0]
    at = {n: v.values[chain, draw] for n, v in fitted.idata["posterior"].to_dataset().data_vars.items()}
    shared = at["site_p_corr"][0, 1] * at["y_1|site_sd"] * at["z_1|site_sd"]
    wanted = at["z_y"] + shared / (at["y_1|site_sd"] ** 2 + at["y_sigma"] ** 2)
    found = np.polyfit(y, syn[0]["z"], 1)[0]
    assert found == pytest.approx(wanted, abs=4 * 1.3 / (y.std() * np.sqrt(len(y))))


def test_it_is_saved_and_read_without_effects_of_observed_groups(fitted: bs.Fitted, tmp_path: Path) -> None:
    fitted.save(tmp_path / "kept")
    again = bs.load(tmp_path / "kept")
    assert again.bound.shared == fitted.bound.shared
    pd.testing.assert_frame_equal(again.synthesize(1, random_seed=4)[0], fitted.synthesize(1, random_seed=4)[0])
    own = bs.Fitted(fitted.bound, fitted.idata, _without_observed(fitted), fitted.provenance)
    own.save(tmp_path / "let go")
    posterior = bs.load(tmp_path / "let go").idata["posterior"]
    assert "site_p_corr" in posterior and "y_1|site" not in posterior


def _without_observed(fitted: bs.Fitted) -> Any:
    from dataclasses import replace

    return replace(fitted.groups, observed={}, labels={})


def test_what_needs_the_data_takes_it_again(fitted: bs.Fitted) -> None:
    model = fitted.model("z", TABLE)
    assert [rv.name for rv in model.observed_RVs] == ["y", "z"]
    tree = fitted.to_datatree(TABLE, m=2)
    assert tree["log_likelihood"]["z"].sizes["z_row"] == len(TABLE)


def test_the_same_seed_gives_the_same_draws(fitted: bs.Fitted) -> None:
    small = {"draws": 60, "tune": 100, "chains": 2}
    one, two = (SPECS["two outcomes"].fit(TABLE, random_seed=1, cores=c, **small).idata["posterior"] for c in (1, 2))
    assert one.to_dataset().identical(two.to_dataset())


def test_a_column_of_the_groups_shares_the_effects_of_a_column_of_their_rows() -> None:
    """The bridge of joint models: a marker is measured again and again, an outcome once; both know the person."""
    rng = np.random.default_rng(9)
    n, each = 150, 6
    u = rng.standard_normal(n)
    person = np.repeat(np.arange(n), each)
    frame = pd.DataFrame({"person": person, "marker": (1 + u[person] + rng.normal(0, 0.5, n * each)).round(3)})
    frame["died"] = (rng.random(n) < 1 / (1 + np.exp(-2 * u))).astype(int)[person]
    spec = bs.Spec(bs.Equation("marker ~ (1 |p| person)", **NORMAL), "died ~ (1 |p| person)")
    fitted = spec.fit(frame, random_seed=1, draws=250, tune=400, chains=2)
    assert fitted.bound.levels["died"] == "person"

    def correlation(copy: pd.DataFrame) -> float:
        return float(copy.groupby("person").mean().corr().loc["marker", "died"])

    copies = list(fitted.synthesize(10, random_seed=2, force=True))
    assert all(copy.groupby("person")["died"].nunique().max() == 1 for copy in copies)
    assert np.mean([correlation(copy) for copy in copies]) == pytest.approx(correlation(frame), abs=0.12)
    with pytest.raises(SpecError, match="cannot be told from"):
        bind(bs.Spec("died ~ (1 |p| person)", rest="drop"), frame)


def test_prior_predictive_sites_are_correlated_as_the_prior_says() -> None:
    equations = [bs.Equation(f"{c} ~ (1 |p| site)", family="normal", priors={
        "1|site_sd": bs.Prior("HalfNormal", sigma=3), "sigma": bs.Prior("HalfNormal", sigma=0.01),
        "Intercept": bs.Prior("Normal", mu=0, sigma=1)}) for c in "yz"]  # fmt: skip
    copies = bs.Spec(*equations, rest="drop").synthesize_prior(TABLE, m=200, random_seed=1)
    found = [copy.groupby("site")[["y", "z"]].mean().corr().iloc[0, 1] for copy in copies]
    # LKJ(2) of two: ρ = 2 B - 1 with B ~ Beta(2, 2), so a standard deviation of 1/√5.
    assert np.mean(found) == pytest.approx(0, abs=0.1) and np.std(found) == pytest.approx(5**-0.5, abs=0.06)


@pytest.mark.slow
def test_three_families_are_fitted_together_and_agree_with_the_reference() -> None:
    spec = bs.Spec(bs.Equation("y ~ (1 |p| site)", **NORMAL), "visits ~ x + (1 |p| site)", "ill ~ (1 |p| site)",
                   rest="drop", rules=())  # fmt: skip
    spec = spec.replace(bs.Equation("x ~ 1", **NORMAL))
    by_kernel, by_pymc = (spec.fit(TABLE, random_seed=1, engine=e).summary() for e in ("kernel", "pymc"))
    for name in by_pymc.index:
        one, other = (float(s.loc[name, "mean"]) for s in (by_kernel, by_pymc))
        # ArviZ rounds what it prints; effective sizes are in the hundreds.
        assert one == pytest.approx(other, abs=0.3 * float(by_pymc.loc[name, "sd"]) + 0.002), name


def test_an_id_that_stands_once_is_a_plain_term() -> None:
    spec = bs.Spec(bs.Equation("y ~ (1 |p| site)", **NORMAL), rest="drop")
    bound, _ = bind(spec, TABLE)
    assert bound.shared == () and bound["y"].predictors["mu"].groups[0].shared is None
    alone = spec.fit(TABLE, random_seed=1)
    plain = bs.Spec(bs.Equation("y ~ (1 | site)", **NORMAL), rest="drop").fit(TABLE, random_seed=1)
    assert alone.provenance["engine"] == plain.provenance["engine"]
    assert alone.idata["posterior"].to_dataset().identical(plain.idata["posterior"].to_dataset())


def test_it_is_shown_written_and_listed() -> None:
    spec = SPECS["three families, slopes, a factor of its own"]
    assert "(1 + x |p| site)" in str(spec)
    assert bs.Spec.from_json(spec.to_json()) == spec
    scope: dict[str, Any] = {"bs": bs}
    exec(spec.to_python(), scope)
    assert scope["spec"] == spec
    listed = spec.priors(TABLE).set_index("parameter")
    row = listed.loc["site_p_corr"]
    assert row["column"] == "y, visits, ill" and row["prior"] == "LKJ(eta=1.5)" and row["source"] == "declared"
    bound, _ = bind(spec, TABLE)
    assert bound.shared[0].labels == ("y: 1", "y: x", "visits: 1", "ill: 1")
    assert Bound.from_json(bound.to_json()) == bound
    scale, _ = bind(SPECS["location and scale"], TABLE)
    assert scale.shared[0].labels == ("y: 1", "y: sigma_1") and scale.joined == (("y",),)
    models = SPECS["two ids"].to_pymc(TABLE)
    assert models["y"] is models["z"] is models["visits"]


def test_an_id_of_two_factors_is_refused() -> None:
    with pytest.raises(SpecError, match=r"id 'p' stands for effects of 'site' in the equation for 'y' and of 'ward'"):
        bs.Spec("y ~ (1 |p| site)", "z ~ (1 |p| ward)")


def test_trees_categories_and_contradicting_priors_are_refused() -> None:
    with pytest.raises(SpecError, match=r"family 'tree' has no parameters that could be correlated.*\(1 \| site\)"):
        bs.Spec("y ~ (1 |p| site)", bs.Equation("z ~ (1 |p| site)", family="tree"))
    frame = TABLE.assign(kind=TABLE["ward"].map({0: "a", 1: "b", 2: "c", 3: "a", 4: "b"}))
    with pytest.raises(SpecError, match=r"effects of family 'categorical' cannot be shared"):
        bind(bs.Spec("y ~ (1 |p| site)", "kind ~ (1 |p| site)", rest="drop"), frame)
    eta = [bs.Equation(f"{c} ~ (1 |p| site)", priors={"site_p_corr": bs.Prior("LKJ", eta=e)}) for c, e in
           (("y", 1), ("z", 2))]  # fmt: skip
    with pytest.raises(SpecError, match=r"give 'site_p_corr'.*different priors: LKJ\(eta=1\) and LKJ\(eta=2\)"):
        bind(bs.Spec(*eta, rest="drop"), TABLE)
    wrong = bs.Equation("y ~ (1 |p| site)", priors={"site_p_corr": bs.Prior("Normal", mu=0, sigma=1)})
    with pytest.raises(SpecError, match=r"prior of 'site_p_corr' must be LKJ"):
        bind(bs.Spec(wrong, "z ~ (1 |p| site)", rest="drop"), TABLE)


def test_engines_of_one_equation_statistics_and_imputation_are_refused() -> None:
    spec = SPECS["two outcomes"]
    with pytest.raises(FitError, match=r"'marginal' fits one equation at a time, and those for 'y', 'z' share"):
        spec.fit(TABLE, engine="marginal")
    with pytest.raises(SpecError, match=r"effects of an id, \(1 \|p\| site\), need the rows of all equations"):
        spec.sufficient_statistics(TABLE)
    gaps = TABLE.assign(y=TABLE["y"].where(TABLE.index % 9 > 0))
    with pytest.raises(FitError, match=r"Missing cells would have to be drawn.*'y', 'z', which share group effects"):
        spec.fit(gaps, missing="model")
    with pytest.raises(FitError, match=r"'y' is fitted together with others \('y', 'z'\)"):
        bs.calibrate(spec, TABLE, repetitions=2)


def test_rows_without_a_cell_may_differ_between_equations() -> None:
    gaps = TABLE.assign(z=TABLE["z"].where(TABLE.index % 5 > 0))
    with pytest.warns(bs.errors.MissingRowsWarning):
        found = SPECS["two outcomes"].fit(gaps, missing="drop", random_seed=1, draws=100, tune=200, chains=2)
    assert found.provenance["rows"]["y"] == len(TABLE) > found.provenance["rows"]["z"]


def test_a_family_without_kernel_is_fitted_by_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    from bayessynth.fitting import joint as module

    monkeypatch.setattr(module, "unserved_joint", lambda components: "'y': family 'new' has no kernel")
    with pytest.raises(FitError, match=r"cannot be fitted by 'kernel': 'y': family 'new' has no kernel"):
        SPECS["two outcomes"].fit(TABLE, engine="kernel")
    monkeypatch.setattr(module, "sample_model", _sampled_nothing)
    with pytest.warns(EngineWarning, match="PyMC model is compiled"), pytest.raises(_Reached):
        SPECS["two outcomes"].fit(TABLE)


class _Reached(Exception):
    pass


def _sampled_nothing(*args: Any) -> Any:
    raise _Reached
