"""Effects that are correlated across equations, ``(1 |p| site)``: terms with an id in common.

The id is that of brms (Bürkner 2018): the effects of all terms that carry it have one covariance.

References
----------
Bürkner P-C (2018). Advanced Bayesian multilevel modeling with the R package brms. The R Journal 10(1), 395-411.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from bayessynth import families
from bayessynth.errors import SpecError
from bayessynth.spec.equation import Equation
from bayessynth.spec.formula import GroupTerm


def check_shared(equations: Sequence[Equation]) -> None:
    """Refuse ids that stand for different grouping factors, or in equations of a nonparametric family.

    Raises
    ------
    SpecError

    Examples
    --------
    >>> check_shared([Equation("y ~ (1 |p| site)"), Equation("z ~ (1 |p| school)")])
    Traceback (most recent call last):
    ...
    bayessynth.errors.SpecError: The id 'p' stands for effects of 'site' in the equation for 'y' and of 'school' in that
    for 'z': effects with one covariance are of one grouping factor. Give one of them another id.
    """
    first: dict[str, tuple[str, str]] = {}
    for equation in equations:
        for term in shared_terms(equation):
            response, factor = first.setdefault(str(term.shared), (equation.response, term.group))
            if factor != term.group:
                raise SpecError(
                    f"The id {term.shared!r} stands for effects of {factor!r} in the equation for {response!r} and of "
                    f"{term.group!r} in that for {equation.response!r}: effects with one covariance are of one "
                    "grouping factor. Give one of them another id."
                )
            if equation.family and families.get(equation.family).nonparametric:
                raise SpecError(
                    f"Equation for {equation.response!r}: family {equation.family!r} has no parameters that could be "
                    f"correlated with those of other equations; write (1 | {term.group}) instead of {term}. The "
                    "effects of all tree equations of a factor are correlated anyway."
                )


def shared_terms(equation: Equation) -> list[GroupTerm]:
    """Return the group-specific terms of all formulas of an equation that carry an id.

    >>> [str(t) for t in shared_terms(Equation("y ~ (1 | a) + (1 |p| b)", "sigma ~ (1 |p| b)"))]
    ['(1 |p| b)', '(1 |p| b)']
    """
    formulas = (equation.formula, *equation.distributional.values())
    return [term for formula in formulas for term in formula.groups if term.shared]


def without_lone_ids(equations: Sequence[Equation]) -> tuple[Equation, ...]:
    """Return the equations with ``(… | g)`` in place of ``(… |p| g)`` where no other term has the id.

    An id that stands once shares nothing: its term's effects are correlated with each other only.

    >>> [str(e.formula) for e in without_lone_ids([Equation("y ~ (1 |p| g)"), Equation("z ~ y")])]
    ['y ~ (1 | g)', 'z ~ y']
    """
    counts = Counter(term.shared for e in equations for term in shared_terms(e))
    lone = {name for name, count in counts.items() if count == 1}
    return tuple(_plain(e, lone) if any(t.shared in lone for t in shared_terms(e)) else e for e in equations)


def _plain(equation: Equation, ids: set[str | None]) -> Equation:
    written = [
        str(replace(f, groups=tuple(replace(g, shared=None) if g.shared in ids else g for g in f.groups)))
        for f in (equation.formula, *equation.distributional.values())
    ]
    return equation.rewritten(tuple(written))
