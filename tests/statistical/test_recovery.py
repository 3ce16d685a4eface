"""Every registered family finds the parameters that its own sampler drew the data with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth import families
from bayessynth.design import bind
from bayessynth.families import Family
from bayessynth.synthesis.prior import prior_draws

pytestmark = pytest.mark.slow

ROWS, SITES, LEVELS = 750, 25, 4
# On the scale of the linear predictor; every further parameter has the value that its link gives 0.6.
INTERCEPT, SLOPE, SD, OTHER = 0.3, 0.5, 0.6, 0.6
CASES = [
    # A column of the kinds that semicontinuous serves has no value below zero.
    pytest.param(
        families.get(name),
        {k: tuple(map(abs, v)) if k == "points" else v for k, v in options.items()},
        id=f"{name}-{index}",
    )
    for name in families.names()
    for index, options in enumerate(families.get(name).examples)
    if families.get(name).parameters and not options.get("cuts")
]


def simulate(family: Family, options: dict[str, Any]) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Draw a table by the family's sampler and return it with the parameters' true values."""
    rng = np.random.default_rng(11)
    site, x = rng.permutation(ROWS) % SITES, rng.normal(size=ROWS)
    categories = (LEVELS - 1,) if family.multinomial else ()
    factor = np.linspace(0.6, 1.4, LEVELS - 1) if family.multinomial else np.ones(())
    effects = SD * rng.standard_normal((SITES, *categories))
    effects = SD * (effects - effects.mean(axis=0)) / effects.std(axis=0)  # so that the sample's is the truth
    parent = family.parameters[0]
    truth: dict[str, Any] = {"x": SLOPE * factor, "1|site_sd": np.full(categories, SD)}
    eta = SLOPE * x.reshape(-1, *([1] * len(categories))) * factor + effects[site]
    if family.intercept:
        truth["Intercept"] = INTERCEPT * factor
        eta = eta + truth["Intercept"]
    own_link = "link" in family.options
    params = {parent.name: families.inverse("identity" if own_link else parent.links[0], eta)}
    for parameter in family.parameters[1:]:
        truth[parameter.name] = params[parameter.name] = families.inverse(parameter.links[0], OTHER)
    for vector in family.vectors:
        length = vector.length(LEVELS, options)
        if length:
            even = np.linspace(-1.2, 1.2, length) if vector.constraint == "ordered" else np.full(length, 1 / length)
            truth[vector.name] = params[vector.name] = even
    if "trials" in options:
        options = options | {"trials": rng.integers(5, 12, ROWS)}
    y: Any = family.sample(rng, ROWS, **params, **options)
    if not family.kinds.isdisjoint({"binary", "categorical", "ordinal"}):
        names = [f"level {i}" for i in range(int(y.max()) + 1)]
        y = pd.Categorical.from_codes(y, names, ordered="ordinal" in family.default_for)
    if family.learn:  # drawn with a constant hazard, fitted with the cuts that the rows suggest
        truth["baseline"] = np.zeros(len(family.learn(y)["cuts"]))
    frame = pd.DataFrame({"site": site, "x": x, "y": y})
    if "trials" in options:
        frame["trials"] = options["trials"]
    return frame, truth


def declare(family: Family, options: dict[str, Any], frame: pd.DataFrame) -> tuple[bs.Spec, bs.Schema]:
    """Return the spec that simulated the table, and a schema in which the column has a kind that the family serves."""
    schema = bs.Schema.detect(frame)
    if schema["y"].kind not in family.kinds:
        schema = schema.override(y=sorted(family.kinds)[0])
    trials = "trials" if "trials" in options else None
    equation = bs.Equation("y ~ x + (1 | site)", family=family.name, trials=trials, points=options.get("points"),
                           link=options.get("link"))  # fmt: skip
    return bs.Spec(equation, rest="keep"), schema


@pytest.mark.parametrize(("family", "options"), CASES)
def test_fit_recovers_the_truth(family: Family, options: dict[str, Any]) -> None:
    frame, truth = simulate(family, options)
    spec, schema = declare(family, options, frame)
    fitted = spec.fit(frame, schema=schema, draws=1500, tune=1000, chains=2, cores=1, random_seed=5, progress=False)
    assert fitted.diagnose().verdict != "fail", fitted.diagnose()
    prior = prior_draws(bind(spec, frame, schema)[0], 4000, np.random.default_rng(1))
    assert {f"y_{name}" for name in truth} == set(prior)
    for name, value in truth.items():
        draws = fitted.idata["posterior"][f"y_{name}"].values.reshape(-1, *np.shape(value))
        low, high = np.quantile(draws, [0.0005, 0.9995], axis=0)
        assert ((low <= value) & (value <= high)).all(), (name, low, value, high)
        wide = np.ptp(np.quantile(prior[f"y_{name}"][0], [0.05, 0.95], axis=0), axis=0)
        assert (np.ptp(np.quantile(draws, [0.05, 0.95], axis=0), axis=0) <= wide).all(), (name, wide)
