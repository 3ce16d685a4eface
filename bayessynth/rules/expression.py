"""Expressions of derived columns: parsed to a closed language, never evaluated as Python."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from bayessynth.errors import FormulaError, suggest
from bayessynth.rules.functions import CLOCKS, FUNCTIONS, OPERATORS

# Longer expressions are not written by people, and may nest deeper than a parser bears.
LONGEST = 2000


@dataclass(frozen=True)
class Name:
    """A column, by name."""

    name: str


@dataclass(frozen=True)
class Number:
    """A number."""

    value: float


@dataclass(frozen=True)
class Clock:
    """A part of a column of times, such as its year."""

    function: str
    name: str


@dataclass(frozen=True)
class Call:
    """A function or operator with its operands."""

    apply: Callable[..., np.ndarray]
    operands: tuple[Node, ...]


Node = Name | Number | Clock | Call


@lru_cache(maxsize=256)
def parse(expression: str) -> Node:
    """Parse an expression of column names, numbers, arithmetic and the functions of the language.

    Names that are no identifiers stand in back-ticks, as in formulas; dots inside names need none.

    Raises
    ------
    FormulaError
        If the text is no expression, or uses anything else.

    Examples
    --------
    >>> list(names(parse("weight / (`body height` / 100)**2")))
    ['weight', 'body height']
    >>> parse("__import__('os')")
    Traceback (most recent call last):
    ...
    bayessynth.errors.FormulaError: Expression "__import__('os')": there is no function '__import__'. ...
    """
    quoted: dict[str, str] = {}
    prefix = "quoted"
    while prefix in expression:
        prefix += "_"

    def mask(match: re.Match[str]) -> str:
        quoted[placeholder := f"{prefix}{len(quoted)}_"] = match[1]
        return placeholder

    if len(expression) > LONGEST:
        raise FormulaError(f"Expression {expression[:40] + '…'!r} has more than {LONGEST} characters; shorten it.")
    try:
        tree = ast.parse(re.sub(r"`([^`]+)`", mask, expression).strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise FormulaError(
            f"Expression {expression!r} cannot be read; write arithmetic such as 'a / b + 1', with names that are no "
            "identifiers in back-ticks."
        ) from None
    return _node(tree.body, expression, quoted)


def _node(node: ast.expr, text: str, quoted: dict[str, str]) -> Node:
    match node:
        case ast.Constant(bool()) | ast.Constant(complex()):
            pass
        case ast.Constant(int() | float() as value):
            return Number(float(value))
        case ast.Name() | ast.Attribute():
            return Name(_dotted(node, text, quoted))
        case ast.UnaryOp(operator, operand) if type(operator).__name__ in OPERATORS:
            return Call(OPERATORS[type(operator).__name__], (_node(operand, text, quoted),))
        case ast.BinOp(left, operator, right) if type(operator).__name__ in OPERATORS:
            operands = (_node(left, text, quoted), _node(right, text, quoted))
            return Call(OPERATORS[type(operator).__name__], operands)
        case ast.Call(ast.Name(function), args, []):
            return _call(function, args, text, quoted)
    raise FormulaError(
        f"Expression {text!r} uses {ast.unparse(node)!r}, which is not allowed: only columns, numbers, + - * / // % ** "
        f"and {', '.join(sorted(FUNCTIONS | CLOCKS))}."
    )


def _dotted(node: ast.expr, text: str, quoted: dict[str, str]) -> str:
    if isinstance(node, ast.Name):
        return quoted.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value, text, quoted)}.{node.attr}"
    raise FormulaError(f"Expression {text!r}: a name with a dot must begin with a name; use back-ticks.")


def _call(function: str, args: list[ast.expr], text: str, quoted: dict[str, str]) -> Node:
    if function not in FUNCTIONS and function not in CLOCKS:
        known = sorted(FUNCTIONS | CLOCKS)
        hint = suggest(function, known) or f" Known: {', '.join(known)}."
        raise FormulaError(f"Expression {text!r}: there is no function {function!r}.{hint}")
    operands = tuple(_node(arg, text, quoted) for arg in args)
    if function in CLOCKS:
        if len(operands) != 1 or not isinstance(operands[0], Name):
            raise FormulaError(f"Expression {text!r}: {function}() takes the name of one column of times.")
        return Clock(function, operands[0].name)
    apply, count = FUNCTIONS[function]
    if len(operands) != count:
        raise FormulaError(f"Expression {text!r}: {function}() takes {count} argument{'s' * (count > 1)}.")
    return Call(apply, operands)


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and all below it."""
    yield node
    if isinstance(node, Call):
        for operand in node.operands:
            yield from walk(operand)


def names(node: Node) -> Iterator[str]:
    """Yield the columns that an expression reads, each once, in order.

    >>> list(names(parse("a + b * a")))
    ['a', 'b']
    """
    found = (part.name for part in walk(node) if isinstance(part, Name | Clock))
    yield from dict.fromkeys(found)


def evaluate(
    node: Node, number: Callable[[str], np.ndarray], clock: Callable[[str, str], np.ndarray]
) -> np.ndarray | float:
    """Evaluate an expression on columns.

    Parameters
    ----------
    node : Node
    number : callable
        Returns a column's numbers by its name.
    clock : callable
        Returns a part of a column of times, by the function's name and the column's.

    Examples
    --------
    >>> evaluate(parse("a / 2"), lambda name: np.array([4.0, np.nan]), None)
    array([ 2., nan])
    """
    match node:
        case Number(value):
            return value
        case Name(name):
            return number(name)
        case Clock(function, name):
            return clock(function, name)
    with np.errstate(all="ignore"):
        return node.apply(*(evaluate(operand, number, clock) for operand in node.operands))
