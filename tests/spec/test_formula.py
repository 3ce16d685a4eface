"""The parser: what formulas mean, how they are written back, and what is refused."""

from __future__ import annotations

import contextlib
import logging
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayessynth.design import Frame
from bayessynth.design.evaluate import evaluate
from bayessynth.errors import DataError, FormulaError
from bayessynth.spec import Expression, Literal, Name, Operation, parse, text

MEANT = {
    "y ~ 1": "y ~ 1", "y ~ 0": "y ~ 0", "y ~ a*b": "y ~ a + b + a:b", "y ~ a/b": "y ~ a + a:b",
    "y ~ (a + b):c": "y ~ a:c + b:c", "y ~ (a + b + c)**2 - a:b": "y ~ a + b + c + a:c + b:c",
    "y ~ a*b*c": "y ~ a + b + a:b + c + a:c + b:c + a:b:c", "y ~ a + b - a": "y ~ b", "y ~ a + a": "y ~ a",
    "y ~ a - 1": "y ~ 0 + a", "y ~ 0 + a": "y ~ 0 + a", "y ~ -1 + a": "y ~ 0 + a", "y ~ a + 0": "y ~ 0 + a",
    "y ~ a + offset(log(t)) + offset(w)": "y ~ a + offset(log(t)) + offset(w)",
    "y ~ C(a) + C(b, 'x') + C(c, 2) + C(d, reference='it')": "y ~ C(a) + C(b, 'x') + C(c, 2) + C(d, reference='it')",
    "y ~ poly(x, 3) + bs(x, df=5, degree=2) + cr(x, df=4):a": "y ~ poly(x, 3) + bs(x, df=5, degree=2) + cr(x, df=4):a",
    "y ~ I(x**2) + {z + 1}": "y ~ I(x ** 2) + I(z + 1)", "y ~ scale(log(x + 1))": "y ~ scale(log(x + 1))",
    "y ~ I(1e-3*x) + I(.5*x)": "y ~ I(0.001 * x) + I(0.5 * x)", "y ~ I(x > 3)": "y ~ I(x > 3)",
    "y ~ I(-(x**2)) + I((-x)**2)": "y ~ I(-(x ** 2)) + I((-x) ** 2)",
    "y ~ I(a - (b - c)) + I(a - b - c) + I(a/(b*c))": "y ~ I(a - (b - c)) + I(a - b - c) + I(a / (b * c))",
    "y ~ scale(log(a)) + scale(b) + log( a) + log(a) + log(a + 1)":
        "y ~ scale(log(a)) + scale(b) + log(a) + log(a + 1)",
    "y ~ poly(a, 2)*log(b)": "y ~ poly(a, 2) + log(b) + poly(a, 2):log(b)",
    "y ~ (1|g)": "y ~ (1 | g)", "y ~ (x|g)": "y ~ (1 + x | g)", "y ~ (0 + x||g)": "y ~ (0 + x || g)",
    "y ~ (1|a/b)": "y ~ (1 | a) + (1 | a:b)", "y ~ (1|a:b)": "y ~ (1 | a:b)",
    "y ~ (1|a/b/c)": "y ~ (1 | a) + (1 | a:b) + (1 | a:b:c)", "y ~ (1|g + h)": "y ~ (1 | g) + (1 | h)",
    "y ~ (a|g) + b": "y ~ b + (1 + a | g)", "y ~ x + (1 + x*z|g)": "y ~ x + (1 + x + z + x:z | g)",
    "log.radon ~ body.mass + (1|state.name)": "log.radon ~ body.mass + (1 | state.name)",
    "`a b` ~ `c-d` + log(`e:f`):`1` + (1|`g|h`:i)": "`a b` ~ `c-d` + log(`e:f`):`1` + (1 | `g|h`:i)",
    "é ~ 名 + _x + x_ + True + class": "é ~ 名 + _x + x_ + True + class",
    "y ~ C(x, \"it's\") + C(x, 'a\"b') + C(x, '~ . |')": "y ~ C(x, \"it's\") + C(x, 'a\"b') + C(x, '~ . |')",
}  # fmt: skip


@pytest.mark.parametrize(("formula", "meant"), MEANT.items())
def test_formulas_mean_what_they_say(formula: str, meant: str) -> None:
    parsed = parse(formula)
    assert str(parsed) == meant
    assert parse(str(parsed)) == parsed


def test_parts_of_a_formula() -> None:
    parsed = parse("visits ~ log(income)*female + offset(t) + (1 + age || site/ward) + (z | g)")
    assert parsed.columns == ("income", "female", "t", "age", "z")
    assert parsed.factors == (("site",), ("site", "ward"), ("g",))
    assert [g.correlated for g in parsed.groups] == [False, False, True]
    assert [g.group for g in parsed.groups] == ["site", "site:ward", "g"]
    assert [t.name for t in parse("y ~ log(`body mass`):a").terms] == ["log(body mass):a"]


def test_a_dot_stands_for_columns() -> None:
    assert str(parse("y ~ . - b + C(x, '.')", ("a", "b", "c d"))) == "y ~ a + `c d` + C(x, '.')"
    assert str(parse("y ~ a:.", ("b", "c"))) == "y ~ a:b + a:c"
    with pytest.raises(
        FormulaError, match=r"'\.' stands for the columns declared before it in the spec, and there are"
    ):
        parse("y ~ .")


REFUSED = {
    "y": "needs exactly one '~', with the column on its left: 'y ~ a \\+ b'",
    "y ~ a ~ b": "needs exactly one '~'",
    "~ a": "the left side must be one column name",
    "log(y) ~ x": "the left side must be one column name .*To model log\\(y\\), choose family='lognormal'",
    "y + z ~ x": "the left side must be one column name",
    "y ~ a b": "'a' and 'b' stand side by side; is a '\\+' or a ':' missing, or back-ticks around a name with a space",
    "y ~ 2 x": "'2' and 'x' stand side by side",
    "y ~ (a) b": "'\\)' and 'b' stand side by side",
    "y ~ a +": "ends with an operator",
    "y ~ a + + b": "'\\+' follows another operator",
    "y ~ a % b": "has '%', which no formula uses",
    "y ~ `a": "has '`', which no formula uses",
    "y ~ a; b": "has ';', which no formula uses",
    "y ~ lgo(x)": "calls 'lgo', which is not one of .* Did you mean 'log'\\? Compute anything else as a column first",
    "y ~ log()": "log\\(\\) takes one expression, but 0 arguments were given",
    "y ~ log(a, b)": "log\\(\\) takes one expression, but 2 arguments",
    "y ~ poly(x, df=3)": "poly\\(\\) has no argument 'df'; it takes: degree",
    "y ~ log(x, base=2)": "log\\(\\) has no argument 'base'; it takes: none",
    "y ~ 2": "'2' stands where a column is expected; use I\\(...\\)",
    "y ~ 3*x": "'3' stands where a column is expected",
    "y ~ 'abc'": "'abc' stands where a column is expected",
    "y ~ a['x']": "has '\\['; to choose a reference level write C\\(x, 'level'\\)",
    "y ~ x**2": "the power of one term is that term itself.*write I\\(x\\*\\*2\\)",
    "y ~ log(x)**2": "write I\\(x\\*\\*2\\)",
    "y ~ I(-x**2)": "can be read in two ways; put parentheses, as in -\\(x\\*\\*2\\) or \\(-x\\)\\*\\*2",
    "y ~ I(2**3**x)": "can be read in two ways",
    "y ~ I(-log(x)**2)": "can be read in two ways",
    "y ~ ((a + b)": "cannot be parsed",
    "y ~ log(a": "cannot be parsed: '\\(' is not closed",
    "y ~ {a": "cannot be parsed: '{' is not closed",
    "y ~ log(a b)": "'a' and 'b' stand side by side",
    "y ~ ()": "cannot be parsed",
    "y ~ a*(zebra - 1)": "cannot be parsed",
    "y ~ (1 |2| g)": "id of effects that are correlated across equations, one word as in \\(1 \\|p\\| site\\), not '2'",
    "y ~ (1 |p| a / b)": "effects of one id are of one grouping factor, and 'a / b' is several",
    "y ~ (1 | g || h)": "one bar separates effects from the factor",
    "y ~ 1 | g": "a group-specific term stands by itself, in parentheses",
    "y ~ x:(1 | g)": "a group-specific term stands by itself",
    "y ~ x - (1 | g)": "a group-specific term stands by itself",
    "y ~ (1 | g)*x": "a group-specific term stands by itself",
    "y ~ (1 | )": "is no grouping factor; write a column, a:b, or a/b for b nested in a",
    "y ~ (1 | 3)": "'3' is no grouping factor",
    "y ~ (1 | a:b/c)": "'a:b/c' is no grouping factor",
    "y ~ (1 | log(a))": "is no grouping factor",
    "y ~ (0 | g)": "has no effect",
    "y ~ (offset(x) | g)": "an offset cannot differ between groups; write it outside",
    "y ~ offset(x):a": "an offset cannot interact with another term",
}


@pytest.mark.parametrize(("formula", "message"), REFUSED.items())
def test_what_cannot_be_meant_is_refused_with_a_remedy(
    formula: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(FormulaError, match=message):
        parse(formula)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("value", [None, 3, ["y ~ x"]])
def test_a_formula_is_text(value: Any) -> None:
    with pytest.raises((FormulaError, TypeError), match=r"A formula is text|unhashable"):
        parse(value)


def test_parsing_leaves_the_logger_of_formulae_as_it_was() -> None:
    filters = list(logging.getLogger("formulae").filters)
    with pytest.raises(FormulaError):
        parse("y ~ x_left**2")
    assert logging.getLogger("formulae").filters == filters


def expressions() -> st.SearchStrategy[Any]:
    leaves = st.sampled_from([Name("x"), Name("a b"), Literal(2), Literal(0.5), Literal(1e-7)])

    def grow(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        signs = st.tuples(st.just("-"), st.tuples(inner))
        pairs = st.tuples(st.sampled_from(["+", "-", "*", "/", "**"]), st.tuples(inner, inner))
        return (signs | pairs).map(lambda node: Operation(*node))

    numbers = st.recursive(leaves, grow, max_leaves=6)
    compared = st.tuples(st.sampled_from([">", "<=", "==", "!="]), st.tuples(numbers, numbers))
    return numbers | compared.map(lambda node: Operation(*node))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(expressions())
def test_expressions_are_written_so_that_formulae_and_python_read_the_same(expression: Expression) -> None:
    written = text(expression)
    (term,) = parse(f"y ~ I({written})").terms
    (factor,) = term.factors
    assert factor.args == (expression,)  # type: ignore[union-attr]
    frame = Frame({"x": np.array([1.5, 3.0]), "a b": np.array([0.25, 2.0])})
    with np.errstate(all="ignore"):
        expected = eval(written.replace("`a b`", "z"), {"x": frame.arrays["x"], "z": frame.arrays["a b"]})
        with contextlib.suppress(DataError):  # not finite somewhere inside
            np.testing.assert_allclose(
                np.asarray(evaluate(expression, frame, {})), np.asarray(expected, dtype=float), equal_nan=True
            )
