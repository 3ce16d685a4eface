"""The noise-aware log density: against a PyMC graph, quadrature of the moments, finite differences, merged releases."""

from __future__ import annotations

from itertools import product

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest

import bayessynth as bs
from bayessynth.fitting.noise_aware import Chain, NoisyDensity, chain
from bayessynth.privacy import NoisyMoments
from tests.fitting.noise_aware.releases import bound_to, pairs_of
from tests.graph.evaluate import FLAGS, MODE

BOUNDS = {"x": (0.0, 10.0), "y": (-20.0, 30.0)}
COLUMNS = {
    "sex": bs.Binary("f", "m"), "drug": bs.Binary("no", "yes"), "x": bs.Continuous(bounds=BOUNDS["x"]),
    "y": bs.Continuous(bounds=BOUNDS["y"]),
}  # fmt: skip
SPEC = bs.Spec("sex ~ 1", "drug ~ sex + (1 | site)", "x ~ drug", "y ~ x + sex + (1 + x || site)")
FLAT = bs.Spec("x ~ 1", "y ~ x")
SITES = ("a", "b", "c")


def released(names: tuple[str, ...], groups: tuple[str, ...] = (), n: int | None = None, seed: int = 1) -> NoisyMoments:
    """Return sums that could be those of a table of 40 to 60 rows a group."""
    rng = np.random.default_rng(seed)
    binary = tuple("[" in name for name in names)
    pairs = pairs_of(binary)
    total = rng.normal(0.0, 8.0, (max(1, len(groups)), len(pairs)))
    total[:, 0] = rng.uniform(40, 60, len(total))
    noise = 30.0 * np.eye(len(pairs)) + 5.0  # that of the sums hangs together
    return NoisyMoments(names, binary, pairs, total, noise, n, groups)


def laid(**kwargs: object) -> Chain:
    """Lay out the chain of all kinds of equations."""
    bound = bound_to(SPEC, ("site",), **COLUMNS)
    return chain(bound, released(("y", "x", "sex[m]", "drug[no]"), SITES, **kwargs), BOUNDS)  # type: ignore[arg-type]


def flat(**kwargs: object) -> Chain:
    """Lay out a regression of a single number of rows."""
    return chain(bound_to(FLAT, x=COLUMNS["x"], y=COLUMNS["y"]), released(("x", "y"), **kwargs), BOUNDS)  # type: ignore[arg-type]


def point(own: Chain, seed: int = 1) -> np.ndarray:
    theta = 0.4 * np.random.default_rng(seed).standard_normal(own.size)
    theta[own.tables.first[1] :] += 4.0
    return theta


@pytest.mark.parametrize("own", [laid(), flat(), flat(n=50)], ids=["groups", "flat", "public n"])
def test_gradient_is_that_of_finite_differences(own: Chain) -> None:
    density, theta, step = NoisyDensity(own), point(own), 1e-5
    value, grad = density(theta)
    np.testing.assert_allclose(density.values(np.stack([theta, theta]), 1), value, rtol=1e-12)
    numeric = [(density(theta + e)[0] - density(theta - e)[0]) / (2 * step) for e in step * np.eye(own.size)]
    np.testing.assert_allclose(grad, numeric, rtol=1e-6, atol=1e-6)


def products(location: pt.TensorVariable, root: pt.TensorVariable, pairs: np.ndarray) -> tuple:
    """Return E[t] and E[t tᵀ] of products t of a normal w: of degree four, so a rule of three nodes is exact."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(3)
    moments, squares = [], []
    for (a, first), (b, second) in product(zip(nodes, weights, strict=True), repeat=2):
        w = location + pt.concatenate([pt.zeros(3), root @ pt.stack([a, b])])
        t, share = w[pairs[:, 0]] * w[pairs[:, 1]], first * second / (2 * np.pi)
        moments.append(share * t)
        squares.append(share * pt.outer(t, t))
    return sum(moments), sum(squares)


def graph(own: Chain) -> pm.Model:
    """Write the density of :func:`laid` as a PyMC model, from its definition, on the original scale."""
    means, t = {p.column.name: p.predictor.means for p in own.parts}, own.tables
    with pm.Model() as model:
        v = {f"{p.column.name}_{k}": prior.dist(pm, f"{p.column.name}_{k}")
             for p in own.parts for k, prior in p.equation.priors.items()}  # fmt: skip
        drug = pm.Normal("z_drug_1|site", shape=(len(own.labels), 1))
        both = pm.Normal("z_y_1+x|site", shape=(len(own.labels), 2))
        z = {"drug_1|site": drug[:, 0], "y_1|site": both[:, 0], "y_x|site": both[:, 1]}
        log_n = pm.Flat("log_n", shape=len(own.labels))
        pm.Potential("flat in n", log_n.sum())
        for g in range(len(own.labels)):
            u = {name: v[f"{name}_sd"] * effects[g] for name, effects in z.items()}
            slope = v["y_x"] + u["y_x|site"]
            sx, sy = v["x_sigma"] / 5.0, v["y_sigma"] / 25.0
            root = pt.stack([sx, 0.0, slope / 5.0 * sx, sy]).reshape((2, 2))
            mean, square = 0.0, 0.0
            for sex, no in product((-1.0, 1.0), repeat=2):  # 1 at sex m, 1 at drug no
                m, yes = (sex + 1) / 2, (1 - no) / 2
                eta = v["drug_Intercept"] + v["drug_sex"] * (m - means["drug"][0]) + u["drug_1|site"]
                share = pm.math.sigmoid(sex * v["sex_Intercept"]) * pm.math.sigmoid(-no * eta)
                x = v["x_Intercept"] + v["x_drug"] * (yes - means["x"][0])
                y = v["y_Intercept"] + v["y_x"] * (x - means["y"][0]) + v["y_sex"] * (m - means["y"][1])
                y = y + u["y_1|site"] + u["y_x|site"] * x
                parts = products(pt.stack([1.0, sex, no, (x - 5.0) / 5.0, (y - 5.0) / 25.0]), root, t.pairs)
                mean, square = mean + share * parts[0], square + share * parts[1]
            n = pm.math.exp(log_n[g])
            cov = n * (square - pt.outer(mean, mean)) + t.noise
            pm.MvNormal(f"sums_{g}", n * mean, cov, observed=t.total[g])
    return model


def variables(own: Chain, theta: np.ndarray) -> dict[str, np.ndarray]:
    """Return a point under the names of the graph; coefficients of normal columns divided as the chain says."""
    plain = theta.copy()
    over = own.tables.over
    plain[: len(over)] = np.where(over >= 0, own.constrain(theta[None])[0], theta[: len(over)])
    found = {"log_n": plain[own.tables.first[1] :]}
    for part in own.parts:
        for name, block in part.parameters.blocks.items():
            d, key = len(part.parameters.elements), f"{part.column.name}_{name}"
            if block.rows.stop <= d:
                found[key] = plain[part.own][block.rows].reshape(())
            else:
                raw = plain[part.raw][block.rows.start - d : block.rows.stop - d]
                found[f"z_{key}"] = raw.reshape(len(own.labels), -1)
    return found


def test_density_is_that_of_the_pymc_graph() -> None:
    own = laid()
    assert [p.column.name for p in own.parts] == ["sex", "drug", "x", "y"]
    model, density = graph(own), NoisyDensity(own)
    with pytensor.config.change_flags(**FLAGS):
        inputs = [model.rvs_to_values[rv] for rv in model.free_RVs]
        function = pytensor.function(inputs, model.logp(), mode=MODE)
    ours, theirs = [], []
    for seed in range(3):
        theta = point(own, seed)
        found, x, over = variables(own, theta), own.constrain(theta[None])[0], own.tables.over
        jacobian = -np.log(x[over[over >= 0]]).sum()
        theirs.append(float(function(*(found[rv.name] for rv in model.free_RVs))) + jacobian)
        ours.append(density(theta)[0])
    np.testing.assert_allclose(np.diff(ours), np.diff(theirs), rtol=1e-8)


def test_posterior_of_releases_added_is_that_of_their_sums() -> None:
    """Institutions' releases: totals and covariances add, and so do numbers of rows."""
    bound = bound_to(FLAT, x=COLUMNS["x"], y=COLUMNS["y"])
    parts = [released(("x", "y"), seed=seed) for seed in (1, 2, 3)]
    merged = NoisyDensity(chain(bound, parts[0] + parts[1] + parts[2], BOUNDS))
    total = np.sum([p.total for p in parts], axis=0)
    summed = NoisyMoments(("x", "y"), (False, False), parts[0].pairs, total, 3 * parts[0].covariance, None, ())
    other = NoisyDensity(chain(bound, summed, BOUNDS))
    theta = point(other.chain)
    np.testing.assert_allclose(merged(theta)[0], other(theta)[0], rtol=1e-8)
    np.testing.assert_allclose(merged(theta)[1], other(theta)[1], rtol=1e-8)


def test_a_point_without_a_density_is_told_by_minus_infinity() -> None:
    own = flat()
    assert NoisyDensity(own)(np.full(own.size, 800.0))[0] == -np.inf
