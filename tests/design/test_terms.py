"""Terms as columns: held to formulae's own matrices, to the fast sum, and to what is stored."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from formulae import design_matrices

from bayessynth.design import Frame, Predictor, TermDesign, frame_of
from bayessynth.design.predictor import learn_predictor
from bayessynth.design.term import learn_terms
from bayessynth.errors import FormulaError, SpecError
from bayessynth.schema import Schema
from bayessynth.spec import parse

N = 150


def table(seed: int, n: int = N) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({
        "y": rng.normal(size=n), "x": np.round(rng.gamma(2, 2, n) + 0.1, 3), "z": rng.normal(size=n),
        "a": rng.choice(["p", "q", "r"], n), "b": rng.choice(["u", "v"], n), "k": rng.integers(1, 4, n),
        "t": rng.choice([0, 1], n), "c": pd.Categorical(rng.choice(["m", "l"], n), categories=["m", "l"], ordered=True),
    })  # fmt: skip


DATA = table(1)
SCHEMA = Schema.detect(DATA)
FRAME = frame_of(SCHEMA, SCHEMA.encode(DATA).arrays)
NEW = FRAME.on(SCHEMA.encode(table(2, 40)).arrays)

# Right sides; formulae's own spelling where it differs.
CONTRACT = {
    "1": None, "x": None, "x + z": None, "a": None, "0 + a": None, "a + b": None, "0 + a + b": None, "b + 0 + x": None,
    "a*b": None, "0 + a*b": None, "0 + a:b": None, "a + a:b": None, "b + a:b": None, "0 + b + a:b": None,
    "x:a": None, "x*a": None, "0 + x:a": None, "0 + x + a": None, "x + a:z": None, "a*b*x": None, "a:b:x": None,
    "x:z": None, "x*z": None, "t": None, "t*a": None, "t:x": None, "C(t)": None, "c*x": None, "C(k)": None,
    "C(k)*z": None, "0 + C(k):a": None, "a/b": None, "x/a": None, "a/x": None, "(a + b + x)**2": None,
    "b*a*z - a:b:z": None, "I(x**2)": None, "I(x > 2)": None, "I(x*z - 1)": None, "scale(x)": None,
    "center(x) + scale(z)": None, "poly(x, 3)": None, "poly(x, 2)*a": None, "x:poly(z, 2)": None,
    "C(a, 'q')": "C(a, Treatment('q'))", "C(a, 'r')*x": "C(a, Treatment('r'))*x", "C(k, 2)": "C(k, Treatment(2))",
    "C(a, reference='r'):b + b": "C(a, Treatment('r')):b + b", "log(x)": "np.log(x)", "log(x)*a": "np.log(x)*a",
    "sqrt(x) + exp(z) + log1p(x)": "np.sqrt(x) + np.exp(z) + np.log1p(x)", "scale(log(x))": "scale(np.log(x))",
}  # fmt: skip
# Formulas that formulae codes by other columns of the same span, or cannot evaluate.
SPANNED = [
    "a:b", "a:b + x", "a:b:x + x", "0 + a:b + a", "a:b:C(k)", "a + b:C(k)", "a:b:C(k) + a", "a:b:C(k) + a + b",
    "0 + a:b + a:C(k)", "a:b:C(k) + a:b + C(k)", "0 + b + a:C(k)", "scale(log(x)) + scale(z)", "bs(x)", "cr(x):a + a",
    "bs(x, df=5, degree=2):b", "cr(z, df=3) + a:b",
]  # fmt: skip


def designs(right: str) -> tuple[bool, tuple[TermDesign, ...]]:
    parsed = parse(f"y ~ {right}")
    return parsed.intercept, learn_terms(parsed.terms, parsed.intercept, FRAME)


def matrix(terms: tuple[TermDesign, ...], intercept: bool, frame: Frame = FRAME, n: int = N) -> np.ndarray:
    return np.column_stack([np.ones((n, int(intercept))), *(t.columns(frame, n) for t in terms)])


def in_order(columns: np.ndarray) -> np.ndarray:
    return columns[:, np.lexsort(np.round(columns, 7))]


@pytest.mark.parametrize(("right", "spelt"), CONTRACT.items())
def test_common_matrices_are_those_of_formulae(right: str, spelt: str | None) -> None:
    intercept, terms = designs(right)
    theirs = np.asarray(design_matrices(f"y ~ {spelt or right}", DATA).common)
    ours = matrix(terms, intercept)
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(in_order(ours), in_order(theirs), atol=1e-9)


@pytest.mark.parametrize("right", [*CONTRACT, *SPANNED])
def test_columns_have_full_rank_and_a_label_each(right: str) -> None:
    intercept, terms = designs(right)
    ours = matrix(terms, intercept)
    assert np.linalg.matrix_rank(ours) == ours.shape[1]
    for term in terms:
        assert len(term.labels) == (term.width if term.labels else 0)
        assert len(set(term.labels)) == len(term.labels)
        assert term.columns(FRAME, N).shape == (N, term.width)


@pytest.mark.parametrize(
    ("right", "same"),
    [
        ("a:b", "a*b"), ("a:b + x", "a*b + x"), ("a:b:x + x", "x + a:x + b:x + a:b:x"), ("a:b:C(k)", "a*b*C(k)"),
        ("a + b:C(k)", "a + b*C(k)"), ("a:b:C(k) + a", "a*b*C(k)"), ("0 + b + a:C(k)", "b + a*C(k)"),
        ("0 + a:b + a", "a*b"), ("cr(x, df=1)", "x"), ("poly(x, 2)", "x + I(x**2)"),
    ],
)  # fmt: skip
def test_columns_span_what_the_formula_says(right: str, same: str) -> None:
    ours, other = (matrix(terms, intercept) for intercept, terms in map(designs, (right, same)))
    rank = np.linalg.matrix_rank(np.column_stack([ours, other]))
    assert rank == ours.shape[1] == other.shape[1]


@pytest.mark.parametrize("right", [*CONTRACT, *SPANNED])
@pytest.mark.parametrize(("frame", "n"), [(FRAME, N), (NEW, 40)], ids=["fitted", "new"])
def test_contributions_are_columns_times_coefficients(right: str, frame: Frame, n: int) -> None:
    for term in designs(right)[1]:
        coefficients = np.random.default_rng(3).normal(size=term.width)
        expected = term.columns(frame, n) @ coefficients
        np.testing.assert_allclose(term.contribution(frame, coefficients), expected, atol=1e-9)


@pytest.mark.parametrize("right", [*CONTRACT, *SPANNED])
def test_stored_terms_give_the_same_columns_of_new_rows(right: str) -> None:
    for term in designs(right)[1]:
        again = TermDesign.from_json(json.loads(json.dumps(term.to_json())))
        assert again == term
        assert again.labels == term.labels
        np.testing.assert_array_equal(again.columns(NEW, 40), term.columns(NEW, 40))


def test_stored_predictors_give_the_same_columns_of_new_rows() -> None:
    formula = parse("y ~ a:b + scale(x) + poly(z, 2) + offset(log(x)) + offset(center(z)) + (1 + a + x || k) + (z | b)")
    predictor = learn_predictor("mu", formula, FRAME, N, "y")
    again = Predictor.from_json(json.loads(json.dumps(predictor.to_json())))
    assert again == predictor
    np.testing.assert_array_equal(again.matrix(NEW, 40), predictor.matrix(NEW, 40))
    np.testing.assert_array_equal(again.offset(NEW, 40), predictor.offset(NEW, 40))
    for one, other in zip(again.groups, predictor.groups, strict=True):
        assert one.effects == other.effects
        np.testing.assert_array_equal(one.matrix(NEW, 40), other.matrix(NEW, 40))
    assert predictor.groups[0].effects == ("1", "a[q]", "a[r]", "x")
    assert [g.correlated for g in predictor.groups] == [False, True]


def test_new_rows_are_coded_with_what_was_learnt() -> None:
    (scaled,) = designs("scale(x)")[1]
    assert abs(scaled.columns(NEW, 40).mean()) > 1e-3
    levels = frame_of(SCHEMA, {"k": np.array([1.4, 9.0, -5.0])})
    (coded,) = designs("0 + C(k)")[1]
    assert coded.columns(levels, 3).tolist() == [[1, 0, 0], [0, 0, 1], [1, 0, 0]]


def test_labels_name_levels() -> None:
    assert [t.labels for t in designs("x + a + a:b + poly(x, 2) + C(k, 2):z")[1]] == [
        (), ("q", "r"), ("p:v", "q:v", "r:v"), ("1", "2"), ("1", "2", "3"),
    ]  # fmt: skip
    assert designs("a:b")[1][0].labels == ("p:v", "q:u", "q:v", "r:u", "r:v")


@pytest.mark.parametrize(
    ("right", "message"),
    [
        ("log(a)", "a is categorical and stands where a formula needs a number"),
        ("I(a + 1)", "a is categorical"),
        ("I(x == 'p')", "'p' is text and stands where a formula needs a number"),
        ("C(a, 'zz')", r"C\(a, 'zz'\): 'zz' is not a level; the levels are p, q, r"),
        ("C(z)", r"C\(z\): 150 distinct values are too many levels \(at most 100\)"),
        ("poly(x, z)", r"poly\(x, z\): degree must be a number, not 'z'"),
        ("bs(x, df=2)", "df must be at least the degree"),
        ("I(2)", r"'I\(2\)' is a number, not a column"),
        ("offset(a)", r"offset\(a\) is categorical; an offset must be a number"),
    ],
)
def test_terms_that_cannot_be_evaluated(right: str, message: str) -> None:
    with pytest.raises(FormulaError, match=message):
        learn_predictor("mu", parse(f"y ~ {right}"), FRAME, N, "y")


@pytest.mark.parametrize(
    ("right", "message"),
    [
        ("x + I(2*x)", r"the columns x, I\(2 \* x\) are an exact combination of each other; remove one"),
        ("x + z + I(x - z)", "the columns x, z, .* are an exact combination"),
        ("a + C(a)", "are an exact combination"),
        ("I(x > 1000)", r"'I\(x > 1000\)' does not vary in the rows of this equation, .* remove the term"),
        ("(1 | k) + (1 + x | k)", r"the effect \(1 \| k\) stands in two group-specific terms; write .*\(0 \+ x \| k\)"),
        ("(1 + x | k) + (0 + z + t | k)", r"two correlated group-specific terms for 'k'; write them as one"),
    ],
)
def test_columns_that_cannot_be_told_apart(right: str, message: str) -> None:
    with pytest.raises(SpecError, match=f"Equation for 'y': .*{message}"):
        learn_predictor("mu", parse(f"y ~ {right}"), FRAME, N, "y")
