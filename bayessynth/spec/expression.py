"""Expressions inside a formula, as plain data: names, literals, calls and arithmetic.

A formula is parsed by formulae and translated into these four node types at once. Nothing here evaluates
anything; :mod:`bayessynth.design` does, on encoded columns and with a closed set of functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bayessynth.errors import FormulaError
from bayessynth.spec.language import SEQUENCE, check_call
from bayessynth.spec.tokens import Masked, plain_number

# Binding strength of each operator, as in Python; a weaker operand is put in parentheses when printed.
_PRECEDENCE = {"==": 1, "!=": 1, "<": 1, "<=": 1, ">": 1, ">=": 1, "+": 2, "-": 2, "*": 3, "/": 3, "**": 5}
_UNARY_PRECEDENCE = 4
# Rows that a lag goes back, at most.
MOST = 24
# Above all operators: what follows a sign is put in parentheses, because formulae reads -x**2 as (-x)**2.
_ALONE = 6


@dataclass(frozen=True)
class Name:
    """A column, by name."""

    name: str


@dataclass(frozen=True)
class Literal:
    """A number or a string."""

    value: float | int | str


@dataclass(frozen=True)
class Call:
    """A call of one of the functions of the formula language."""

    function: str
    args: tuple[Expression, ...]
    keywords: tuple[tuple[str, Expression], ...] = ()


@dataclass(frozen=True)
class Operation:
    """A unary or binary operation."""

    symbol: str
    operands: tuple[Expression, ...]


Expression = Name | Literal | Call | Operation


def quote(name: str) -> str:
    """Return a column's name as a formula writes it, in back-ticks where it is no identifier.

    >>> quote("age"), quote("log.radon"), quote("body mass (kg)")
    ('age', 'log.radon', '`body mass (kg)`')
    """
    return name if all(part.isidentifier() for part in name.split(".")) else f"`{name}`"


def text(expression: Expression) -> str:
    """Write an expression as it stands in a formula.

    >>> text(Operation("*", (Operation("+", (Name("x"), Literal(1))), Literal(2))))
    '(x + 1) * 2'
    """
    match expression:
        case Name(name):
            return quote(name)
        case Literal(value):
            return _literal(value)
        case Call(function, args, keywords):
            inside = [text(a) for a in args] + [f"{key}={text(value)}" for key, value in keywords]
            return f"{function}({', '.join(inside)})"
        case Operation(symbol, (operand,)):
            return f"{symbol}{_wrapped(operand, _ALONE)}"
        case Operation(symbol, (left, right)):
            strength = _PRECEDENCE[symbol]
            # Operators bind to the left: the right side needs parentheses when as strong. A power of a power is read
            # in two ways, so there both sides do.
            return f"{_wrapped(left, strength + (symbol == '**'))} {symbol} {_wrapped(right, strength + 1)}"
    raise FormulaError(f"Cannot write {expression!r} as a formula.")


def _literal(value: float | int | str) -> str:
    if isinstance(value, str):
        return f'"{value}"' if "'" in value else f"'{value}'"
    return plain_number(value) if isinstance(value, float) else repr(value)


def _wrapped(expression: Expression, strength: int) -> str:
    if isinstance(expression, Operation):
        own = _UNARY_PRECEDENCE if len(expression.operands) == 1 else _PRECEDENCE[expression.symbol]
        if own < strength:
            return f"({text(expression)})"
    return text(expression)


def names(expression: Expression) -> Iterator[str]:
    """Yield the names of the columns that an expression reads, repeated as they occur.

    >>> list(names(Call("log", (Name("income"),))))
    ['income']
    """
    match expression:
        case Name(name):
            yield name
        case Call(function) if function in SEQUENCE:
            yield derived_name(expression)
        case Call(_, args, keywords):
            for part in (*args, *(value for _, value in keywords)):
                yield from names(part)
        case Operation(_, operands):
            for part in operands:
                yield from names(part)


def from_formulae(node: Any, formula: str, masked: Masked) -> Expression:
    """Translate one of formulae's lazy nodes, refusing calls outside the formula language."""
    kind = type(node).__name__
    if kind == "LazyVariable":
        return Name(masked.names[node.name])
    if kind == "LazyValue":
        return Literal(masked.strings[node.value] if isinstance(node.value, str) else node.value)
    if kind == "LazyOperator":
        return Operation(node.symbol, tuple(from_formulae(arg, formula, masked) for arg in node.args))
    if kind == "LazyCall":
        function = masked.functions.get(node.callee, node.callee)
        args = tuple(from_formulae(arg, formula, masked) for arg in node.args)
        keywords = tuple((key, from_formulae(value, formula, masked)) for key, value in node.kwargs.items())
        check_call(function, len(args), [key for key, _ in keywords], formula)
        return (
            _of_sequence(Call(function, args, keywords), formula)
            if function in SEQUENCE
            else Call(function, args, keywords)
        )
    raise FormulaError(f"Formula {formula!r} uses {masked.unmasked(str(node))}, which formulas do not allow.")


def derived_name(call: Call) -> str:
    """Return the name of the column that a call such as ``lag(y)`` stands for.

    >>> derived_name(Call("lag", (Name("body mass"), Literal(2))))
    'lag(body mass, 2)'
    """
    return text(call).replace("`", "")


def _of_sequence(call: Call, formula: str) -> Call:
    """Return a call of a function of sequences as it is written shortest, refusing what it does not take."""
    first, *rest = call.args
    if not isinstance(first, Name):
        raise FormulaError(
            f"Formula {formula!r}: {call.function}() takes a column, not {text(first)}; transform what it gives, as in "
            f"log({call.function}(y))."
        )
    steps = [*rest, *(value for _, value in call.keywords)]
    k = steps[0].value if steps and isinstance(steps[0], Literal) else 1 if not steps else None
    if not (isinstance(k, int) and 1 <= k <= MOST):
        raise FormulaError(
            f"Formula {formula!r}: {text(call)} must go back a whole number of rows, from 1 to {MOST}: lag(y, 2)."
        )
    return Call(call.function, (first,) if k == 1 else (first, Literal(k)))
