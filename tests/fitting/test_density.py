"""The kernels' log density and gradient are those of the PyMC graph, for every family, link and structure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytest

from bayessynth import families
from bayessynth.design import Component, centring, component, safe
from bayessynth.families import Family
from bayessynth.fitting import program as module
from bayessynth.fitting.constrain import posterior_of
from bayessynth.fitting.density import Density, unserved_family
from bayessynth.fitting.parameters import raw_name
from bayessynth.graph import build
from tests.graph.evaluate import FLAGS, MODE
from tests.graph.test_build import FAMILIES, STRUCTURES, bound_to

POINTS = 3


class Graph:
    """PyMC's log density with Jacobians, its gradient, and its named variables, at values by name."""

    def __init__(self, model: pm.Model) -> None:
        self.names = {rv.name: model.rvs_to_values[rv] for rv in model.free_RVs}
        reported = [*model.free_RVs, *model.deterministics]
        self.reported = [v.name for v in reported]
        total = model.logp()
        grads = pytensor.grad(total, list(self.names.values()), disconnected_inputs="ignore")
        outputs = [total, *grads, *model.replace_rvs_by_values(reported)]
        with pytensor.config.change_flags(**FLAGS):
            self.function = pytensor.function(list(self.names.values()), outputs, mode=MODE)

    def __call__(self, values: dict[str, np.ndarray]) -> tuple[float, dict[str, np.ndarray], dict[str, np.ndarray]]:
        total, *rest = self.function(*(values[name] for name in self.names))
        grads, named = rest[: len(self.names)], rest[len(self.names) :]
        return float(total), dict(zip(self.names, grads, strict=True)), dict(zip(self.reported, named, strict=True))


def places(d: Density) -> dict[str, tuple[str, Any]]:
    """Map each free variable of the graph to the block of the vector that holds it, and where in it."""
    column, p = safe(d.equation.response), d.parameters
    found: dict[str, tuple[str, Any]] = {}
    for name in p.blocks:
        for suffix in ("", "~centred", "~cholesky"):
            found[f"{column}_{safe(name)}{suffix}"] = (name, ...)
    for t in d.program.terms:
        prefix, factor = p.prefix(t.parameter), t.group.factor
        raw, corr = raw_name(prefix, t.group), f"{column}_{safe(f'{prefix}{factor}_corr')}"
        for j, effect in enumerate(t.group.effects):
            for kind in ("offset", "around"):
                found[f"{column}_{safe(f'{prefix}{effect}|{factor}')}~{kind}"] = (raw, (slice(None), j))
        if t.correlation is not None:
            found[f"{corr}~offset"] = (raw, (slice(None), slice(1, None)) if t.centred else ...)
            found[f"{corr}~around"] = (raw, (slice(None), 0))
    return found


def taken(d: Density, vector: np.ndarray, graph: Graph) -> dict[str, np.ndarray]:
    """Return the entries of a vector under the names of the graph's variables."""
    found = {}
    for name in graph.names:
        block, where = places(d)[name]
        own = d.parameters.blocks[block]
        part = vector[own.rows]
        if own.rows.stop <= len(d.parameters.elements):
            part = part.reshape(own.shape)
        elif block in {raw_name(d.parameters.prefix(t.parameter), t.group) for t in d.program.terms}:
            part = part.reshape(own.shape if d.family.multinomial else own.shape[:2])[where]
        found[name] = part
    return found


def agree(own: Component) -> None:
    d, graph = Density(own), Graph(build(own))
    rng = np.random.default_rng(1)
    values, totals = [], []
    for _ in range(POINTS):
        theta = 0.4 * rng.standard_normal(d.parameters.size)
        total, grads, named = graph(taken(d, theta, graph))
        ours, grad = d(theta)
        for name, expected in grads.items():
            np.testing.assert_allclose(taken(d, grad, graph)[name], expected, rtol=1e-8, atol=1e-8, err_msg=name)
        values.append(ours)
        totals.append(total)
        drawn = posterior_of(d, theta[None], chains=1, stats={"lp": np.zeros((1, 1))}, engine="",
                             seconds=0.0).variables  # fmt: skip
        assert set(drawn) == set(d.equation.variables)
        for name, (_, value) in drawn.items():
            np.testing.assert_allclose(value[0, 0], named[name], rtol=1e-8, atol=1e-10, err_msg=name)
    np.testing.assert_allclose(np.diff(values), np.diff(totals), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(("family", "options"), FAMILIES)
def test_every_family_agrees(family: Family, options: dict[str, Any]) -> None:
    groups = "(1 + x || site)" if family.multinomial else "(1 + x | site)"
    further = tuple(f"{p.name} ~ w" for p in family.parameters[1:2])
    bound, data = bound_to(family.name, (f"x + z + {groups}", *further), options, options.get("link"))
    agree(component(bound, data, "y"))


@pytest.mark.parametrize("name", [name for name in families.names() if families.get(name).parameters])
def test_every_family_agrees_with_its_parameters_as_scalars(name: str) -> None:
    bound, data = bound_to(name, ("x",))
    agree(component(bound, data, "y"))


@pytest.mark.parametrize("structure", STRUCTURES)
def test_every_structure_agrees(structure: str) -> None:
    bound, data = bound_to(*STRUCTURES[structure])
    own = component(bound, data, "y")
    assert unserved_family(own.equation) is None
    agree(own)


@pytest.mark.parametrize(
    "structure",
    [
        "correlated",
        "uncorrelated",
        "crossed",
        "group-level predictor",
        "distributional",
        "category with groups",
        "order with predictors",
    ],
)
def test_centred_effects_agree(structure: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in (centring, module):
        monkeypatch.setattr(place, "RELIABLE", -1.0)
    bound, data = bound_to(*STRUCTURES[structure])
    agree(component(bound, data, "y"))


@pytest.mark.parametrize(
    ("name", "link"),
    [(name, link) for name in families.names() for p in families.get(name).parameters[:1] for link in p.links[1:]],
)
def test_every_link_of_the_parent_agrees(name: str, link: str) -> None:
    bound, data = bound_to(name, ("x",), link=link)
    agree(component(bound, data, "y"))
