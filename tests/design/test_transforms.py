"""Transforms: the closed set, their states, and splines beyond their knots."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from formulae.transforms import BSpline as TheirSpline

from bayessynth.design import Frame, transforms
from bayessynth.design.evaluate import evaluate
from bayessynth.errors import DataError
from bayessynth.spec import FUNCTIONS, parse
from bayessynth.spec.language import SEQUENCE

RNG = np.random.default_rng(4)
VALUES = RNG.lognormal(3, 1, 400)


def learnt(call: str, values: np.ndarray = VALUES) -> dict[str, Any]:
    states: dict[str, Any] = {}
    (term,) = parse(f"y ~ {call}").terms
    evaluate(term.factors[0], Frame({"x": values}), states, learn=True)
    return states


def applied(call: str, values: np.ndarray, states: dict[str, Any]) -> np.ndarray:
    (term,) = parse(f"y ~ {call}").terms
    return np.asarray(evaluate(term.factors[0], Frame({"x": values}), states))


CALLS = [
    "log(x)", "log1p(x)", "sqrt(x)", "I(x / 3)", "scale(x)", "center(x)", "poly(x, 4)", "bs(x)",
    "bs(x, df=8, degree=2)", "cr(x)", "cr(x, df=7)", "scale(log(x))", "bs(log(x), df=4)",
]  # fmt: skip


def test_the_language_has_the_functions_that_are_registered() -> None:
    assert set(FUNCTIONS) == {*transforms.names(), "C", "offset", *SEQUENCE}
    with pytest.raises(ValueError, match="'log' is registered already"):
        transforms.register(transforms.get("log"))


@pytest.mark.parametrize("call", CALLS)
def test_states_are_json_and_give_the_same_values(call: str) -> None:
    states = learnt(call)
    again = json.loads(json.dumps(states))
    np.testing.assert_array_equal(applied(call, VALUES[:50], again), applied(call, VALUES, states)[:50])


def numbers_in(data: Any) -> set[float]:
    parts = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return set().union(*map(numbers_in, parts)) | ({float(data)} if isinstance(data, int | float) else set())


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("n", [15, 400])
def test_states_hold_no_value_of_a_record(call: str, n: int) -> None:
    for values in (VALUES[:n], np.round(VALUES[:n], 2)):
        held = numbers_in(learnt(call, values))
        assert not held & {*values, *np.log(values), *(values - values.mean())}


@pytest.mark.parametrize(("low", "high"), [(17.0, 65.0), (0.0, 1.0), (1.1, 1.6), (-3.0, 1e6), (5.0, 5.0)])
def test_boundaries_stand_outside_the_data(low: float, high: float) -> None:
    below, above = transforms.outward(low, high)
    assert below < low <= high < above
    assert above - below <= 1.5 * (high - low) or low == high


@pytest.mark.parametrize("call", ["bs(x)", "bs(x, df=5, degree=2)", "cr(x)", "cr(x, df=2)"])
def test_splines_go_on_linearly(call: str) -> None:
    values = RNG.uniform(2, 9, 300)
    states = learnt(call, values)
    (state,) = states.values()
    low, high = (state["low"], state["high"]) if "low" in state else (state["knots"][0], state["knots"][-1])
    for start, step in ((low, -1.0), (high, 1.0)):
        grid = start + step * np.arange(6)
        found = applied(call, grid, states)
        np.testing.assert_allclose(np.diff(found, n=2, axis=0), 0, atol=1e-9)
        near = applied(call, start + step * np.array([-1e-6, 0.0, 1e-6]), states)
        np.testing.assert_allclose(near[1] - near[0], near[2] - near[1], atol=1e-10)


def test_natural_splines_have_no_curvature_at_their_ends_and_span_lines() -> None:
    values = RNG.uniform(0, 10, 200)
    states = learnt("cr(x, df=5)", values)
    basis = np.column_stack([np.ones(200), applied("cr(x, df=5)", values, states)])
    fit = basis @ np.linalg.lstsq(basis, 3 - 2 * values, rcond=None)[0]
    np.testing.assert_allclose(fit, 3 - 2 * values, atol=1e-8)
    assert basis.shape[1] == 6


def test_the_b_spline_spans_that_of_formulae_at_the_same_knots() -> None:
    values = RNG.uniform(2, 9, 300)
    states = learnt("bs(x, df=7)", values)
    (state,) = states.values()
    theirs = TheirSpline()(
        values, knots=np.array(state["inner"]), lower_bound=state["low"], upper_bound=state["high"], degree=3
    )
    one = np.ones((300, 1))
    ours, other = np.column_stack([one, applied("bs(x, df=7)", values, states)]), np.column_stack([one, theirs])
    np.testing.assert_allclose(ours @ np.linalg.lstsq(ours, other, rcond=None)[0], other, atol=1e-9)
    assert np.linalg.matrix_rank(ours) == np.linalg.matrix_rank(other) == 8


def test_knots_follow_the_quantiles() -> None:
    (state,) = learnt("bs(x, df=7)").values()
    np.testing.assert_allclose(state["inner"], np.quantile(VALUES, [0.2, 0.4, 0.6, 0.8]), rtol=0.03)


def test_ties_leave_fewer_knots() -> None:
    (state,) = learnt("bs(x, df=9)", np.repeat([1.0, 2.0], 50)).values()
    assert len(state["inner"]) < 6


@pytest.mark.parametrize(
    ("call", "values", "message"),
    [
        (
            "log(x)",
            [1.0, 0.0, -2.0],
            r"'log\(x\)', 2 of 3 rows, the first is row 1: 0.0. Use another transform \(log1p",
        ),
        ("sqrt(x)", [1.0, 4.0, -2.0], r"'sqrt\(x\)', 1 of 3 rows, the first is row 2: -2.0"),
        ("exp(x)", [1.0, 4.0, 800.0], r"'exp\(x\)', 1 of 3 rows, the first is row 2: 800.0"),
        ("I(1/x)", [1.0, 0.0, 3.0], r"'1 / x', 1 of 3 rows"),
        ("I(x**0.5)", [1.0, 2.0, -3.0], r"'x \*\* 0.5', 1 of 3 rows, the first is row 2: -3.0"),
    ],
)
def test_terms_that_are_not_finite_name_their_rows(call: str, values: list[float], message: str) -> None:
    with pytest.raises(DataError, match=f"A formula's term is not finite: column {message}"):
        learnt(call, np.array(values))
