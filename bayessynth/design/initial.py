"""The equation of the first rows of a unit, which have no lag."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from bayessynth.families import Prior
from bayessynth.spec import Equation, Formula, Term
from bayessynth.spec.expression import names
from bayessynth.spec.follow import plain_terms
from bayessynth.spec.lags import base, derived, order

# What parameters of first rows are called, and the keys of their priors: ``y_first_x``, ``first_x``.
FIRST = "first"


def initial_equation(
    equation: Equation, name: str, unit: str, tree: bool, still: Collection[str] = ()
) -> Equation:  # fmt: skip
    """Return the equation of the first rows of a unit, which have no lag.

    Parameters
    ----------
    equation : Equation
    name : str
        What the column is called in it.
    unit : str
    tree : bool
        Whether a tree draws them: by default of the time, or where all first rows have one value.
    still : collection of str
        Columns that do not vary in these rows, which the default formula leaves out.

    Examples
    --------
    >>> initial_equation(Equation("y ~ lag(y) + x + (1 | id) + (1 | site)"), "y_first", "id", tree=False)
    Equation('y_first ~ x + (1 | site)')
    """
    declared = equation.initial
    if declared is not None and not (tree and declared.family is None):
        family = declared.family or equation.family
        links = declared.links or ({} if declared.family else equation.links)
        return renamed(declared, name, declared.priors or priors_of(equation, first=True), family, links)
    source = declared or equation
    if tree:
        read = [c for c in source.columns if not derived(c)]
        return Equation(f"{_left(name)} ~ {plain_terms(read)}", family="tree")
    formulas = {name: _without_lags(equation.formula, unit, still)}
    formulas |= {p: _without_lags(f, unit, still) for p, f in equation.distributional.items()}
    texts = [str(replace(f, response=left)) for left, f in formulas.items()]
    return _with(equation, texts, priors_of(equation, first=True), equation.family, equation.links)


def _left(name: str) -> str:
    return f"`{name}`"


def _without_lags(formula: Formula, unit: str, still: Collection[str]) -> Formula:
    """Return a formula without its lagged terms, effects of the unit, and factors of terms that do not vary."""

    def varying(terms: Sequence[Term]) -> tuple[Term, ...]:
        left = [tuple(f for f in t.factors if not set(names(f)) <= set(still)) for t in terms if not order(t.columns)]
        return tuple(dict.fromkeys(Term(factors) for factors in left if factors))

    groups = [replace(g, terms=varying(g.terms)) for g in formula.groups if g.factor != (unit,)]
    groups = [g for g in groups if g.intercept or g.terms]
    offsets = tuple(o for o in formula.offsets if not order(tuple(names(o))))
    return replace(formula, terms=varying(formula.terms), offsets=offsets, groups=tuple(groups))


def priors_of(equation: Equation, first: bool) -> dict[str, Prior]:
    """Return the declared priors of first rows, whose keys are ``first_…``, or those of the others.

    >>> list(priors_of(Equation("y ~ lag(y)", priors={"first_sigma": Prior("HalfNormal", sigma=1)}), first=True))
    ['sigma']
    """
    own = {k for k in equation.priors if k.startswith(f"{FIRST}_") and base(k) not in equation.columns}
    if first:
        return {k.removeprefix(f"{FIRST}_"): p for k, p in equation.priors.items() if k in own}
    return {k: p for k, p in equation.priors.items() if k not in own}


def renamed(
    equation: Equation, name: str, priors: Mapping[str, Prior], family: str | None = None,
    links: Mapping[str, str] | None = None, more: str = "",
) -> Equation:  # fmt: skip
    """Return an equation under another name.

    Parameters
    ----------
    equation : Equation
    name : str
    priors : mapping of str to Prior
    family : str, optional
        By default the equation's.
    links : mapping of str to str, optional
        By default the equation's.
    more : str
        Further terms, with the sign before them.

    Examples
    --------
    >>> renamed(Equation("y ~ x"), "z", {})
    Equation('z ~ x')
    """
    texts = [f"{replace(equation.formula, response=name)}{more}", *map(str, equation.distributional.values())]
    main = family is None
    return _with(equation, texts, priors, family or equation.family, equation.links if links is None else links,
                 equation.ar if main else 0)  # fmt: skip


def _with(
    equation: Equation, texts: list[str], priors: Mapping[str, Prior], family: str | None, links: Mapping[str, str],
    ar: int = 0,
) -> Equation:  # fmt: skip
    made = Equation(*texts, family=None if equation.cause else family, link=links.get("", links) if links else None,
                    priors=priors, trials=equation.trials, points=equation.points, ar=ar)  # fmt: skip
    return made if equation.cause is None else made.of(equation.cause, str(family))
