"""Rows that depend on the row before: the kernels' log density and gradient are those of the PyMC graph."""

from __future__ import annotations

import numpy as np
import pytest

import bayessynth as bs
from bayessynth.design import Component, bind, component
from bayessynth.fitting.density import Density, unserved_apart, unserved_family
from tests.design.test_autoregression import SEQUENCE, panel
from tests.fitting.test_density import agree

SHAPES = {
    "alone": ("y ~ x", {}),
    "levels of units": ("y ~ x + (1 | id)", {}),
    "slopes of units": ("y ~ x + (1 + day | id)", {}),
    "lognormal": ("y ~ x + (1 | id)", {"family": "lognormal"}),
    "two factors": ("y ~ x + (1 | id) + (1 | place)", {}),
    "declared priors": ("y ~ x", {"priors": {"ar": bs.Prior("Beta", alpha=2, beta=2)}}),
}
GAPS = {"even": (1.0,), "multiples": (1.0, 1.0, 3.0), "uneven": (0.7, 1.1, 2.3)}


def own(shape: str, gaps: str, units: int = 12) -> Component:
    formula, options = SHAPES[shape]
    table = panel(GAPS[gaps], units)
    table["y"] += np.random.default_rng(3).normal(size=units).round(3)[table["id"]]
    table["place"] = table["id"].mod(4).map(dict(enumerate("abcd")))
    if options.get("family") == "lognormal":
        table["y"] = np.exp(0.3 * table["y"]).round(4)
    spec = bs.Spec(bs.Equation(formula, **{"family": "normal", "ar": 1, **options}), rest="tree", **SEQUENCE)
    bound, data = bind(spec, table)
    return component(bound, data, "y")


@pytest.mark.filterwarnings("ignore::bayessynth.errors.GroupWarning")
@pytest.mark.parametrize(("shape", "gaps"), [(s, "multiples") for s in SHAPES] + [("alone", g) for g in GAPS])
def test_kernel_agrees_with_the_graph(shape: str, gaps: str) -> None:
    found = own(shape, gaps)
    assert unserved_family(found.equation) is None
    assert "row before" in str(unserved_apart(found.equation))
    agree(found)


def test_many_rows_agree_too() -> None:
    """More rows than are taken at a time, sorted by group."""
    agree(own("levels of units", "uneven", units=400))


def test_order_of_rows_does_not_matter() -> None:
    found = own("levels of units", "multiples")
    order = np.random.default_rng(1).permutation(len(found.y))
    one, other = Density(found), Density(found.take(order))
    theta = 0.3 * np.random.default_rng(2).normal(size=one.parameters.size)
    assert one(theta)[0] == pytest.approx(other(theta)[0], rel=1e-12)
    assert one.values(theta[None], 1)[0] == one(theta)[0]


def test_rows_whose_row_before_is_left_out_are_first() -> None:
    chain = own("alone", "multiples").chain
    assert chain is not None
    left = chain.take(np.flatnonzero(np.arange(len(chain.before)) % 2 == 1))
    assert left.first.all() and (left.power == 1.0).all()
