"""A family's kernel is its log density with exact derivatives, whatever the links and whichever parameters vary.

The oracle of the values is ``Family.logp``, that of the derivatives are differences of the values. The PyMC graph is
the oracle of whole models in tests/fitting/test_density.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy import special

from bayessynth import families
from bayessynth.families.curing import CURED
from bayessynth.fitting import kernels
from tests.fitting.kernels.cases import CASES, Case

each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
EXTREMES = (30.0, 300.0, 700.0)


def slope(function: Callable[[float], np.ndarray], h: float = 0.04) -> np.ndarray:
    """Return the derivative at 0: central differences, extrapolated four times (Richardson)."""
    table = [(function(h / 2**k) - function(-h / 2**k)) / (2 * h / 2**k) for k in range(5)]
    for order in range(1, 5):
        table = [b + (b - a) / (4**order - 1) for a, b in pairwise(table)]
    return table[0]


def close(found: np.ndarray, expected: np.ndarray, rtol: float) -> None:
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol * max(1.0, np.abs(expected).max()))


def test_every_family_with_parameters_has_a_kernel() -> None:
    for name in (*families.names(), *CURED):
        assert (kernels.get(name) is not None) == bool(families.get(name).parameters), name


@pytest.mark.parametrize("module", ["links", "counts", "special", "whole", "no_such_thing"])
def test_what_is_no_family_has_none(module: str) -> None:
    assert kernels.get(module) is None


@each_case
def test_values_are_the_familys(case: Case) -> None:
    reference = replace(case, eta=np.where(np.isfinite(case.eta), 0.1, case.eta))
    found, expected = case.call()[0] - reference.call()[0], case.reference() - reference.reference()
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@each_case
def test_gradient_and_curvature_are_differences(case: Case) -> None:
    _, grad, _, curvature = case.call()
    for p in range(len(case.eta)):
        close(grad[p], slope(lambda h, p=p: case.moved(p, h).call(0)[0]), 1e-9)
    if case.family.multinomial:
        assert not curvature.any()
    else:
        close(curvature, -slope(lambda h: case.moved(0, h).call(1)[1][0]), 1e-9)


@each_case
def test_gradient_of_the_vector_is_a_difference(case: Case) -> None:
    weight = np.random.default_rng(2).uniform(0.5, 2.0, len(case.y))
    for counted in (np.empty(0), weight):
        own = replace(case, weight=counted)
        for k in range(len(case.vector)):
            unit = 0.1 * np.eye(len(case.vector))[k]

            def total(h: float, unit: np.ndarray = unit, own: Case = own) -> float:
                logp = replace(own, vector=own.vector + h * unit).call(0)[0]
                return float(logp @ own.weight) if len(own.weight) else float(logp.sum())

            close(own.call(1)[2][k], slope(total) / 0.1, 1e-8)


@each_case
def test_orders_and_constants_agree(case: Case) -> None:
    whole = case.call()
    np.testing.assert_array_equal(case.call(0)[0], whole[0])
    for found, expected in zip(case.call(1)[:3], whole[:3], strict=True):
        np.testing.assert_array_equal(found, expected)
    for found, expected in zip(case.filled().call(), whole, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-13)


@each_case
def test_arguments_are_left_alone(case: Case) -> None:
    before = case.y.copy(), case.eta.copy(), case.vector.copy()
    case.call()
    for found, expected in zip((case.y, case.eta, case.vector), before, strict=True):
        np.testing.assert_array_equal(found, expected)


@each_case
def test_a_row_does_not_depend_on_the_rows_beside_it(case: Case) -> None:
    # Rows at the end of a loop are computed one by one, the others several at a time.
    options = {name: value[:-3] if np.shape(value) == case.y.shape else value for name, value in case.options.items()}
    part = replace(case, y=case.y[:-3], eta=case.eta[:, :-3].copy(), options=options)
    whole, found = case.call(), part.call()
    np.testing.assert_array_equal(found[0], whole[0][:-3])
    np.testing.assert_array_equal(found[1], whole[1][:, :-3])
    np.testing.assert_array_equal(found[3], whole[3][:-3])


@each_case
def test_extremes_have_values(case: Case) -> None:
    for size in EXTREMES:
        for p in range(len(case.eta)):
            for sign in (-1.0, 1.0):
                eta = case.eta.copy()
                eta[p] = sign * size
                logp, grad, _, curvature = replace(case, eta=eta).call()
                assert not np.isnan(logp).any() and not (logp == np.inf).any()
                assert not np.isnan(grad).any()
                assert not np.isnan(curvature).any()


def rows(name: str, y: list[float], *eta: float | list[float], link: str | None = None, **options: float) -> Case:
    """Return a case with one number a parameter, or one a row."""
    family = families.get(name)
    links = (link or family.parameters[0].links[0], *(p.links[0] for p in family.parameters[1:]))
    constant = (False, *(not isinstance(value, list) for value in eta[1:]))
    full = np.array([np.broadcast_to(np.asarray(value, dtype=float), len(y)) for value in eta])
    return Case(family, links, constant, dict(options), np.array(y), full.copy(), np.empty(0), np.empty(0))


def test_counts_above_the_number_of_rows_need_no_table() -> None:
    y = [3.0, 5000.0, 0.0]
    apart, together = rows("negative_binomial", y, 2.0, [0.3] * 3).call(), rows("negative_binomial", y, 2.0, 0.3).call()
    for found, expected in zip(together, apart, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-13)
    close(apart[0] - apart[0][2], rows("negative_binomial", y, 2.0, 0.3).reference() + special.gammaln(np.array(y) + 1)
          - rows("negative_binomial", y, 2.0, 0.3).reference()[2], 1e-11)  # fmt: skip


def test_a_huge_shape_is_the_poisson() -> None:
    y = [0.0, 1.0, 7.0, 40.0]
    poisson = rows("poisson", y, [1.0, 2.0, 3.0, 4.0]).call()
    for log_shape, rtol in ((np.log(2e10), 1e-14), (np.log(0.9e10), 1e-6)):
        found = rows("negative_binomial", y, [1.0, 2.0, 3.0, 4.0], float(log_shape)).call()
        np.testing.assert_allclose(found[0], poisson[0], rtol=rtol)
        np.testing.assert_allclose(found[1][0], poisson[1][0], rtol=rtol)
        np.testing.assert_allclose(found[3], poisson[3], rtol=rtol)
        assert np.abs(found[1][1]).max() < 1e-6


def test_many_degrees_of_freedom_are_the_normal() -> None:
    y = [-1.0, 0.0, 3.0]
    normal, found = rows("normal", y, 0.3, 0.2).call(), rows("student_t", y, 0.3, 0.2, 25.0).call()
    np.testing.assert_allclose(found[0] - found[0][0], normal[0] - normal[0][0], rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(found[1][:2], normal[1], rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("name", ["bernoulli", "binomial"])
@pytest.mark.parametrize("link", ["logit", "probit", "cloglog"])
def test_shares_keep_their_digits_in_the_tails(name: str, link: str) -> None:
    eta = [-30.0, -12.0, 2.5, 3.5] if link == "cloglog" else [-30.0, -12.0, 12.0, 30.0]
    options = {"trials": 1} if name == "binomial" else {}
    log_p = {"logit": special.log_expit, "probit": special.log_ndtr}
    x = np.array(eta)
    yes = log_p[link](x) if link in log_p else np.log(-np.expm1(-np.exp(x)))
    no = log_p[link](-x) if link in log_p else -np.exp(x)
    np.testing.assert_allclose(rows(name, [1.0] * 4, eta, link=link, **options).call()[0], yes, rtol=1e-13)
    np.testing.assert_allclose(rows(name, [0.0] * 4, eta, link=link, **options).call()[0], no, rtol=1e-13)


@pytest.mark.parametrize("link", ["logit", "probit"])
def test_levels_keep_their_digits_in_the_tails(link: str) -> None:
    y, cuts = np.array([0.0, 1.0, 2.0, 3.0]), np.array([-1.0, 0.5, 2.0])
    for mu in (-25.0, -8.0, 8.0, 25.0):
        case = Case(families.get("ordinal"), (link,), (False,), {"link": link}, y, np.full((1, 4), mu), cuts,
                    np.empty(0))  # fmt: skip
        np.testing.assert_allclose(case.call()[0], case.reference(), rtol=1e-13, atol=1e-13)
        close(case.call()[1][0], slope(lambda h, case=case: case.moved(0, h).call(0)[0]), 1e-9)


def test_a_mean_that_rounds_to_one_leaves_the_beta_its_slope() -> None:
    # 1 - mu is exp(-exp(8)): 0. The second shape is gone, its logarithm and the slope are not.
    case = rows("beta", [0.3, 0.9], [8.0, 8.0], 1.0, link="cloglog")
    close(case.call()[1][0], slope(lambda h: case.moved(0, h).call(0)[0]), 1e-9)
    assert case.call()[1][0] == pytest.approx(-np.exp(8.0), rel=1e-6)


def test_counts_at_extreme_means_stay_finite() -> None:
    for name in ("poisson", "zero_inflated_poisson", "hurdle_poisson"):
        others = [0.3] if name != "poisson" else []
        for size in EXTREMES:
            for sign in (-1.0, 1.0):
                found = rows(name, [0.0, 3.0], [sign * size] * 2, *others).call()
                assert all(np.isfinite(part).all() for part in found)
