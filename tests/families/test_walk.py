"""Steps of a random walk that share a scale: density and draws, held to SciPy's, PyMC's and the integral over it."""

from __future__ import annotations

import re

import numpy as np
import pymc as pm
import pytensor
import pytest
from scipy import integrate, stats

import bayessynth as bs
from bayessynth import families
from bayessynth.errors import SpecError
from bayessynth.fitting import kernels
from bayessynth.fitting.kernels import vectors
from tests.design.test_survival import bound, table

STEPS = families.Prior("MvStudentT", nu=2, sigma=0.15)
MODE = pytensor.compile.mode.Mode(linker="py", optimizer="fast_compile")


def test_the_density_is_that_of_normal_steps_with_an_unknown_scale() -> None:
    steps = np.array([0.3, -0.1, 0.2])

    def joint(precision: float) -> float:
        # nu sigma² times the precision of a step is chi-squared with nu degrees of freedom.
        scale = 2 * 0.15**2
        own = scale * stats.chi2(2).pdf(scale * precision)
        return float(own * np.prod(stats.norm(0, precision**-0.5).pdf(steps)))

    total = integrate.quad(joint, 0, 500, limit=200)[0]
    assert float(STEPS.logp(steps)) == pytest.approx(np.log(total), rel=1e-6)


def test_draws_share_one_scale() -> None:
    drawn = STEPS.sample(np.random.default_rng(1), (20_000, 3))
    assert stats.kstest(drawn[:, 1] / 0.15, stats.t(2).cdf).pvalue > 1e-4
    ratio = drawn[:, 0] / drawn[:, 2]
    assert stats.kstest(ratio, stats.cauchy.cdf).pvalue > 1e-4


def test_kernel_and_graph_have_one_density() -> None:
    walk = vectors.Walk(STEPS, 4)
    laid = vectors.vectors([(0, walk)])
    rng = np.random.default_rng(2)
    vector = families.get("piecewise").vectors[0]
    with pm.Model() as model:
        vector.dist(pm, "v", 4, STEPS, {}, shape=(4,))
    logp = model.compile_logp(mode=MODE)
    dlogp = model.compile_dlogp(mode=MODE)
    found = []
    for _ in range(3):
        at, grad = rng.normal(size=4), np.zeros(4)
        own = vectors.pull_back(kernels.get("piecewise"), laid, np.empty(0), at, at, np.zeros(4), grad)
        np.testing.assert_allclose(grad, dlogp({"v": at}), rtol=1e-8)
        found.append(own - float(logp({"v": at})))
    np.testing.assert_allclose(found, found[0], rtol=1e-8)


def test_a_walk_takes_priors_of_single_steps_and_nothing_else_takes_a_joint_one() -> None:
    normal = bs.Prior("Normal", mu=0, sigma=1)
    assert bound(table(), priors={"baseline": normal})["time"].priors["baseline"] == normal
    for prior, name in ((STEPS, "x"), (bs.Prior("LKJ", eta=2), "baseline")):
        with pytest.raises(SpecError, match=re.escape(f"the prior of {name!r} must be")):
            bound(table(), priors={name: prior})
