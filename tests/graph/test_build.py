"""A component's PyMC model means what the NumPy road of generation computes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytest

import bayessynth as bs
from bayessynth import families
from bayessynth.design import Bound, Component, Data, bind, centring, component
from bayessynth.errors import DataError
from bayessynth.families import Family
from bayessynth.graph import build as module_build
from tests.graph.evaluate import Evaluator, agree, build_for
from tests.graph.tables import LEVELS, predictors, with_response

FAMILIES = [
    pytest.param(families.get(name), dict(options), id=f"{name}-{index}")
    for name in families.names()
    for index, options in enumerate(families.get(name).examples)
    if families.get(name).parameters
]
# Right sides (and formulas of further parameters) with the family that they are tried with.
STRUCTURES: dict[str, tuple[str, tuple[str, ...]]] = {
    "intercept only": ("normal", ("1",)),
    "no intercept": ("normal", ("0 + x",)),
    "a cell for each level": ("normal", ("0 + z",)),
    "category": ("normal", ("z + w",)),
    "interaction": ("normal", ("x * z + z:w",)),
    "functions": ("normal", ("scale(x) + bs(height, df=4) + I(x**2) + poly(years, 2)",)),
    "group intercept only": ("normal", ("1 + (1 | site)",)),
    "groups without common part": ("normal", ("0 + (1 | site)",)),
    "correlated": ("normal", ("x + (1 + x + w | site)",)),
    "slope without intercept": ("normal", ("x + (0 + x | site)",)),
    "uncorrelated": ("normal", ("x + (1 + x || site)",)),
    "category by group": ("normal", ("z + (1 + z || site)",)),
    "nested": ("normal", ("x + (1 | site / ward)",)),
    "crossed": ("normal", ("x + (1 + x | site) + (1 | rater)",)),
    "group-level predictor": ("normal", ("height + (1 | site)",)),
    "distributional": ("normal", ("x + (1 | site)", "sigma ~ x * z + (1 + x | site) + (1 | rater)")),
    "offset": ("poisson", ("x + offset(log(years)) + (1 | site)",)),
    "only an offset": ("poisson", ("0 + offset(log(years))",)),
    "category alone": ("categorical", ("1",)),
    "category without anything": ("categorical", ("0 + x",)),
    "category with groups": ("categorical", ("x + z + offset(years) + (1 + x || site) + (1 | rater)",)),
    "order alone": ("ordinal", ("1",)),
    "order with predictors": ("ordinal", ("x * z + offset(years) + (1 + x | site)",)),
    "trials": ("binomial", ("x + (1 | site)",)),
}


def bound_to(name: str, formulas: tuple[str, ...], options: dict[str, Any] | None = None,
             link: str | None = None) -> tuple[Bound, Data]:  # fmt: skip
    family = families.get(name)
    options = dict(family.examples[0]) if options is None else options
    if "points" in options:  # a column of the kinds that the family serves has no value below zero
        options = options | {"points": tuple(map(abs, options["points"]))}
    frame, schema = with_response(family, options)
    trials = "trials" if "trials" in options else None
    equation = bs.Equation(f"y ~ {formulas[0]}", *formulas[1:], family=name, trials=trials, link=link,
                           points=options.get("points"))  # fmt: skip
    return bind(bs.Spec(equation, rest="keep"), frame, schema)


@pytest.mark.parametrize(("family", "options"), FAMILIES)
def test_every_family_agrees(family: Family, options: dict[str, Any]) -> None:
    groups = "(1 + x || site)" if family.multinomial else "(1 + x | site)"
    further = tuple(f"{p.name} ~ w" for p in family.parameters[1:2])
    bound, data = bound_to(family.name, (f"x + z + {groups}", *further), options, options.get("link"))
    point = agree(bound, data, "y")
    assert np.isfinite(point.observed).all()


@pytest.mark.parametrize("structure", STRUCTURES)
def test_every_structure_agrees(structure: str) -> None:
    bound, data = bound_to(*STRUCTURES[structure])
    agree(bound, data, "y")


@pytest.mark.parametrize(
    ("name", "link"),
    [(name, link) for name in families.names() for p in families.get(name).parameters[:1] for link in p.links[1:]],
)
def test_every_link_of_the_parent_agrees(name: str, link: str) -> None:
    bound, data = bound_to(name, ("x",), link=link)
    agree(bound, data, "y")


def test_group_level_equation_has_a_row_a_group() -> None:
    frame = predictors()
    frame["beds"] = frame["height"].astype(int) + 3
    spec = bs.Spec(bs.Equation("beds ~ height", family="poisson"), "x ~ 1 + (1 | site)", rest="keep")
    bound, data = bind(spec, frame)
    assert bound["beds"].level == "site"
    assert agree(bound, data, "beds").observed.shape == (9,)


@pytest.mark.parametrize(
    ("family", "formula"),
    [
        ("normal", "x + (1 + x | site)"),
        ("normal", "x + (1 + x || site) + (1 | rater)"),
        ("normal", "(1 | site)"),
        ("normal", "x + height + (1 + x | site)"),
        ("normal", "height + z + (1 | site) + (1 | rater)"),
        ("categorical", "height + (1 | site)"),
        ("categorical", "x + (1 + x || site) + (1 | rater)"),
        ("categorical", "(1 | site)"),
    ],
)
def test_centred_and_non_centred_are_one_model(family: str, formula: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Log densities at the same effects differ by the Jacobian of the offsets alone."""
    bound, data = bound_to(family, (formula,))
    choose = module_build.__globals__
    monkeypatch.setitem(choose, "centred", lambda component, factor: False)
    raw = build_for(bound, data, "y")
    monkeypatch.setitem(choose, "centred", lambda component, factor: True)
    direct = build_for(bound, data, "y")
    point = Evaluator(raw).at_random(np.random.default_rng(3))
    intercept = point.named.get("y_Intercept~centred", point.named["y_Intercept"])
    inputs, jacobian = {}, 0.0
    factors = [f for f in ("site", "rater") if f"y_1|{f}" in point.named]
    own = component(bound, data, "y")
    around = max(factors, key=lambda f: centring.reliability(own, f))
    if "y_height" in point.named and around == "site":  # one value a site
        first = np.unique(own.index["site"], return_index=True)[1]
        height = own.matrices[next(iter(own.matrices))][first, own.equation.predictors["mu"].slices["height"]]
        intercept = intercept + np.squeeze(height * point.named["y_height"])
    for variable in direct.free_RVs:
        value, name = direct.rvs_to_values[variable].name, variable.name
        if name == "y_site_corr~offset":
            inputs[value] = point.inputs[value][:, 1:]
        elif not name.endswith("~around"):
            inputs[value] = point.inputs[value]
        else:
            name = name.replace("y_site_corr~around", "y_1|site~around")
            effects = point.named[name.removesuffix("~around")]
            centre = intercept if name == f"y_1|{around}~around" else 0.0
            inputs[value] = effects + centre
            sd = point.named[name.removesuffix("~around") + "_sd"]
            jacobian += effects.size / np.size(sd) * np.log(sd).sum()
    other = Evaluator(direct)(inputs)
    for name in bound["y"].variables:
        np.testing.assert_allclose(other.named[name], point.named[name], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(other.observed, point.observed, rtol=1e-9)
    assert other.total + jacobian == pytest.approx(point.total, rel=1e-9)


def test_names_and_dims() -> None:
    bound, data = bound_to("normal", STRUCTURES["crossed"][1])
    model = build_for(bound, data, "y")
    assert {v.name for v in model.free_RVs} >= {"y_x", "y_1|site_sd", "y_x|site_sd", "y_1|rater_sd", "y_sigma"}
    dims = {name: tuple(d) for name, d in model.named_vars_to_dims.items()}
    assert dims["y_1|site"] == dims["y_x|site"] == ("site",)
    assert dims["y_1|rater"] == ("rater",)
    assert dims["y_site_corr"] == ("y_site_corr_effect", "y_site_corr_effect_bis")
    assert dims["y"] == ("row",)
    assert list(model.coords["site"]) == [f"s{i}" for i in range(9)]
    assert list(model.coords["rater"]) == [10, 11, 12, 13, 14]
    assert list(model.coords["y_site_corr_effect"]) == ["1", "x"]
    assert len(model.coords["row"]) == len(data.rows["y"])


def test_levels_and_categories_have_dims() -> None:
    bound, data = bound_to("categorical", ("x + z + (1 | site)",))
    model = build_for(bound, data, "y")
    dims = {name: tuple(d) for name, d in model.named_vars_to_dims.items()}
    assert dims["y_Intercept"] == dims["y_x"] == ("y_category",)
    assert dims["y_z"] == ("y_z_level", "y_category")
    assert dims["y_1|site"] == ("site", "y_category")
    assert list(model.coords["y_z_level"]) == ["mid", "high"]
    assert list(model.coords["y_category"]) == [f"level {i}" for i in range(1, LEVELS)]
    for values in model.coords.values():
        assert {type(v) for v in values} <= {str, int, np.int64}


def test_thresholds_and_distributional_names() -> None:
    ordinal = build_for(*bound_to("ordinal", ("x",)), "y")
    assert ordinal.named_vars_to_dims["y_thresholds"] == ("y_thresholds_level",)
    assert "y_Intercept" not in ordinal.named_vars
    normal = build_for(*bound_to("normal", STRUCTURES["distributional"][1]), "y")
    assert {"y_sigma_Intercept", "y_sigma_x", "y_sigma_x:z", "y_sigma_1|site_sd"} <= set(normal.named_vars)
    assert "y_sigma" not in normal.named_vars


def test_odd_names_survive() -> None:
    frame = predictors().rename(columns={"site": "sample", "x": "dose/kg"})
    spec = bs.Spec("height ~ `dose/kg` + I(years / 2) + (1 | sample)", rest="keep")
    bound, data = bind(spec.replace(bs.Equation(spec.equations[0].formulas[0], level="row")), frame)
    point = agree(bound, data, "height")
    assert "height_I(years ∕ 2)" in point.named
    assert "height_1|sample" in point.named


def test_group_index_is_checked_before_the_graph() -> None:
    bound, data = bound_to("normal", ("(1 | site)",))
    good = component(bound, data, "y")
    index = good.index["site"].copy()
    index[[4, 7]] = 9
    with pytest.raises(DataError, match=r"'site' is outside 0\.\.8 in 2 rows, the first is row 4: 9"):
        Component(good.equation, good.y, good.matrices, good.offsets, good.effects, {"site": index}, good.labels, None)


def test_centring_follows_what_the_data_say_of_groups() -> None:
    rng = np.random.default_rng(5)
    frame = predictors(900)
    site = np.unique(frame["site"], return_inverse=True)[1]
    for spread, expected in ((5.0, True), (0.05, False)):
        frame["y"] = rng.normal(0, spread, 9)[site] + rng.normal(size=900)
        bound, data = bind(bs.Spec("y ~ (1 | site)", rest="keep"), frame)
        made = component(bound, data, "y")
        assert centring.centred(made, "site") is expected
        assert ("y_1|site~around" in module_build(made).named_vars) is expected


def test_reliability_is_that_of_analysis_of_variance() -> None:
    """With values that are their own ranks: 1 - MS within / MS between, by hand."""
    frame = predictors(18)
    frame["y"] = np.array([1, 9, 2, 8, 3, 7, 6, 4, 5, 18, 10, 17, 11, 16, 12, 15, 13, 14], dtype=float)
    bound, data = bind(bs.Spec(bs.Equation("y ~ (1 | site)", family="normal"), rest="keep"), frame)
    means = frame.groupby("site")["y"].mean()
    within = ((frame["y"] - frame["site"].map(means)) ** 2).sum() / (18 - 9)
    between = (2 * (means - frame["y"].mean()) ** 2).sum() / (9 - 1)
    expected = max(0.0, 1 - within / between)
    assert centring.reliability(component(bound, data, "y"), "site") == pytest.approx(expected)


def test_model_is_a_pymc_model() -> None:
    models = bs.Spec("x ~ 1", rest="drop").to_pymc(predictors())
    assert isinstance(models["x"], pm.Model)
    assert list(models) == ["x"]
