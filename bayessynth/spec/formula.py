"""Formulas: text to terms.

formulae parses what is common to all dialects (``+ - * / : **``, calls, numbers); :mod:`~.grouping` takes out
the group-specific terms first, because formulae does not keep which of them were written in one pair of
parentheses, and that is what makes effects correlated.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from formulae import model_description

from bayessynth.errors import FormulaError
from bayessynth.spec.expression import Call, Expression, Name, from_formulae, names, quote, text
from bayessynth.spec.grouping import split_group_terms, split_sides
from bayessynth.spec.tokens import Masked, mask, tokens


@dataclass(frozen=True)
class Term:
    """A product of expressions whose columns enter a linear predictor; ``a:log(b)`` has two factors."""

    factors: tuple[Expression, ...]

    @property
    def name(self) -> str:
        """The term as printed and as it stands in names of parameters."""
        return ":".join(text(f).replace("`", "") for f in self.factors)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that the term reads, each once."""
        return tuple(dict.fromkeys(c for f in self.factors for c in names(f)))

    def __str__(self) -> str:
        return ":".join(text(f) for f in self.factors)


@dataclass(frozen=True)
class GroupTerm:
    """Effects that differ between the groups of a factor: ``(1 + x | site)``.

    Attributes
    ----------
    intercept : bool
        Whether the group has its own intercept.
    terms : tuple of Term
        Terms whose slopes differ between groups.
    factor : tuple of str
        Columns that together identify a group; more than one for ``a:b``.
    correlated : bool
        Whether the effects of one group have a joint covariance matrix (``|``) or are independent (``||``).
    shared : str or None
        Id of the effects, of whatever equations, with which these have one covariance (``|p|``).
    """

    intercept: bool
    terms: tuple[Term, ...]
    factor: tuple[str, ...]
    correlated: bool = True
    shared: str | None = None

    @property
    def group(self) -> str:
        """The grouping factor's name, ``"site"`` or ``"school:class"``."""
        return ":".join(self.factor)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns read by the effects' terms, without those of the factor."""
        return tuple(dict.fromkeys(c for t in self.terms for c in t.columns))

    def __str__(self) -> str:
        effects = [*(("1",) if self.intercept else ("0",)), *map(str, self.terms)]
        bar = f"|{self.shared}|" if self.shared else "|" if self.correlated else "||"
        return f"({' + '.join(effects)} {bar} {':'.join(map(quote, self.factor))})"


@dataclass(frozen=True)
class Formula:
    """One parsed formula.

    Attributes
    ----------
    response : str
        Left side: a column, or a parameter of the family in a distributional formula.
    intercept : bool
        Whether the linear predictor has an intercept.
    terms : tuple of Term
        Common effects.
    offsets : tuple of Expression
        Expressions added with a coefficient of one.
    groups : tuple of GroupTerm
        Group-specific effects.
    """

    response: str
    intercept: bool
    terms: tuple[Term, ...]
    offsets: tuple[Expression, ...]
    groups: tuple[GroupTerm, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that the right side reads, grouping factors aside, each once."""
        read = [c for t in self.terms for c in t.columns]
        read += [c for o in self.offsets for c in names(o)]
        read += [c for g in self.groups for c in g.columns]
        return tuple(dict.fromkeys(read))

    @property
    def factors(self) -> tuple[tuple[str, ...], ...]:
        """Grouping factors, each once, as tuples of columns."""
        return tuple(dict.fromkeys(g.factor for g in self.groups))

    def __str__(self) -> str:
        right = [*map(str, self.terms), *(f"offset({text(o)})" for o in self.offsets), *map(str, self.groups)]
        if not self.intercept:
            right = ["0", *right]
        return f"{quote(self.response)} ~ {' + '.join(right) or '1'}"


def has_dot(formula: str) -> bool:
    """Tell whether a formula has a ``.`` that stands for other columns.

    >>> has_dot("y ~ ."), has_dot("log.radon ~ x")
    (True, False)
    """
    return any(token.kind == "dot" for token in tokens(split_sides(formula)[1]))


# More than wide tables have columns: equations are gone through in turn, which a smaller cache never meets again.
@lru_cache(maxsize=1 << 13)
def parse(formula: str, dot: tuple[str, ...] = ()) -> Formula:
    """Parse a formula.

    Parameters
    ----------
    formula : str
        For example ``"visits ~ log(income) + age + (1 + age | site)"``. The left side is a bare column name;
        a name that is no identifier stands in back-ticks.
    dot : tuple of str
        The columns that ``.`` on the right side stands for.

    Returns
    -------
    Formula

    Raises
    ------
    FormulaError
        If the text cannot be parsed, calls a function outside the closed set, or has a transformed left side.

    Examples
    --------
    >>> f = parse("visits ~ log(income)*female + (1 + age | site)")
    >>> [t.name for t in f.terms]
    ['log(income)', 'female', 'log(income):female']
    >>> f.groups[0].group, f.groups[0].correlated
    ('site', True)
    """
    if not isinstance(formula, str):
        raise FormulaError(f"A formula is text such as 'y ~ x', not {formula!r}.")
    response, right = split_sides(formula)
    if has_dot(formula):
        if not dot:
            raise FormulaError(
                f"Formula {formula!r}: '.' stands for the columns declared before it in the spec, and there are none."
            )
        for token in reversed(tokens(right)):
            if token.kind == "dot":
                right = f"{right[: token.start]}({' + '.join(map(quote, dot))}){right[token.end :]}"
    common, grouped = split_group_terms(right, formula)
    intercept, terms, offsets = _common_part(common, formula)
    groups: list[GroupTerm] = []
    for part in grouped:
        has_intercept, effects, group_offsets = _common_part(part.effects, formula)
        if group_offsets:
            raise FormulaError(f"Formula {formula!r}: an offset cannot differ between groups; write it outside.")
        if not has_intercept and not effects:
            raise FormulaError(f"Formula {formula!r}: the group-specific term for {part.factors} has no effect.")
        groups += [GroupTerm(has_intercept, effects, factor, part.correlated, part.shared) for factor in part.factors]
    return Formula(response, intercept, terms, offsets, tuple(groups))


def _common_part(right: str, formula: str) -> tuple[bool, tuple[Term, ...], tuple[Expression, ...]]:
    """Parse the part of a right side that has no group-specific terms."""
    intercept, terms, offsets = False, [], []
    masked = mask(right.strip() or "1", formula)
    for term in _described(masked, formula):
        kind = type(term).__name__
        if kind == "Intercept":
            intercept = True
            continue
        if kind == "NegatedIntercept":
            continue
        factors = tuple(_factor(component, formula, masked) for component in term.components)
        calls_offset = [isinstance(f, Call) and f.function == "offset" for f in factors]
        if any(calls_offset):
            if len(factors) > 1:
                raise FormulaError(f"Formula {formula!r}: an offset cannot interact with another term.")
            offsets.append(factors[0].args[0])  # type: ignore[union-attr]
        else:
            terms.append(Term(factors))
    return intercept, tuple(terms), tuple(offsets)


def _described(masked: Masked, formula: str) -> Sequence[Any]:
    """Return formulae's terms for a right side, with its errors turned into ours."""
    advice: list[str] = []

    def keep(record: logging.LogRecord) -> bool:
        advice.append(record.getMessage())
        return False

    # formulae logs, to standard error, that ``x**2`` is ``x``: here that is an error.
    logger = logging.getLogger("formulae")
    logger.addFilter(keep)
    try:
        described = list(model_description(f"response ~ {masked.text}").terms)
    except Exception as error:  # formulae raises its own, TypeError and ValueError alike
        raise FormulaError(
            f"Formula {formula!r} cannot be parsed: {masked.unmasked(str(error)).rstrip('.')}. "
            "Write it as 'y ~ a + log(b) + a:c + (1 + a | site)'."
        ) from error
    finally:
        logger.removeFilter(keep)
    if advice:
        raise FormulaError(
            f"Formula {formula!r}: the power of one term is that term itself, as (a + b)**2 is a + b + a:b; to square "
            "a column, write I(x**2)."
        )
    return described


def _factor(component: Any, formula: str, masked: Masked) -> Expression:
    name = str(getattr(component, "name", component))
    if name in masked.names:
        return Name(masked.names[name])
    if name not in masked.calls:
        raise FormulaError(
            f"Formula {formula!r}: {masked.unmasked(name)!r} stands where a column is expected; use I(...) to compute."
        )
    # Each call is parsed by itself: formulae fails to compare calls whose arguments are of different sorts.
    call = mask(masked.calls[name], formula, whole_calls=False)
    (component,) = _described(call, formula)[-1].components
    return from_formulae(component.call, formula, call)
