"""Simulation-based calibration of every engine on one spec of each family that it serves.

Priors are tight enough that data drawn from them are possible. The fast test takes few repetitions of few families.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import bayessynth as bs
from bayessynth import families
from bayessynth.evaluation.calibration import Calibration, calibrate
from bayessynth.families import Family
from tests.graph.tables import with_response

WITH_PARAMETERS = [n for n in families.names() if families.get(n).parameters]
GROUPED = [name for name in WITH_PARAMETERS if not families.get(name).multinomial]
GAUSSIAN = [name for name in WITH_PARAMETERS if families.get(name).gaussian]
# By the name of a parameter: priors under which a simulated column is possible.
SCALARS = {
    "sigma": bs.Prior("LogNormal", mu=0, sigma=0.3), "alpha": bs.Prior("LogNormal", mu=1, sigma=0.3),
    "kappa": bs.Prior("LogNormal", mu=2, sigma=0.3), "nu": bs.Prior("LogNormal", mu=2, sigma=0.3),
    "psi": bs.Prior("Beta", alpha=5, beta=5),
}  # fmt: skip


def equation(family: Family, groups: bool) -> bs.Equation:
    """Return an equation with one predictor, and groups or not, that states all its priors."""
    options: dict[str, Any] = dict(family.examples[0])
    priors = {"x": bs.Prior("Normal", mu=0, sigma=0.3)}
    if family.intercept:
        priors["Intercept"] = bs.Prior("Normal", mu=0.5, sigma=0.4)
    if groups:
        priors["1|site_sd"] = bs.Prior("LogNormal", mu=-1, sigma=0.4)
    priors |= {p.name: SCALARS[p.name] for p in family.parameters[1:]}
    points = tuple(map(abs, options["points"])) if "points" in options else None
    return bs.Equation("y ~ x + (1 | site)" if groups else "y ~ x", family=family.name, priors=priors,
                       trials="trials" if "trials" in options else None, points=points)  # fmt: skip


def calibrated(name: str, engine: str, groups: bool, repetitions: int, draws: int = 49, tune: int = 300) -> Calibration:
    family = families.get(name)
    options = dict(family.examples[0])
    if "points" in options:
        options["points"] = tuple(map(abs, options["points"]))
    frame, schema = with_response(family, options)
    spec = bs.Spec(equation(family, groups), rest="keep")
    with np.errstate(all="ignore"):
        return calibrate(spec, frame, schema=schema, repetitions=repetitions, draws=draws, tune=tune,
                         engine=engine, random_seed=3)  # fmt: skip


@pytest.mark.parametrize(("name", "engine", "groups"), [("bernoulli", "quadrature", True), ("normal", "marginal", True),
                                                        ("poisson", "laplace", False)])  # fmt: skip
def test_few_repetitions_find_no_gross_error(name: str, engine: str, groups: bool) -> None:
    found = calibrated(name, engine, groups, 40)
    assert found.verdict != "fail", found


@pytest.mark.slow
@pytest.mark.parametrize("name", GAUSSIAN)
def test_marginal_is_calibrated(name: str) -> None:
    found = calibrated(name, "marginal", True, 300)
    assert found.verdict == "pass", found


@pytest.mark.slow
@pytest.mark.parametrize("name", WITH_PARAMETERS)
def test_laplace_is_calibrated(name: str) -> None:
    found = calibrated(name, "laplace", False, 200)
    assert found.verdict == "pass", found


@pytest.mark.slow
@pytest.mark.parametrize("name", GROUPED)
def test_quadrature_is_calibrated(name: str) -> None:
    found = calibrated(name, "quadrature", True, 200)
    assert found.verdict == "pass", found


@pytest.mark.slow
@pytest.mark.parametrize("name", WITH_PARAMETERS)
def test_kernel_is_calibrated(name: str) -> None:
    found = calibrated(name, "kernel", True, 200, draws=199, tune=1000)  # short chains fail their diagnostics
    assert found.verdict == "pass", found
