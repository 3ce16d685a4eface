"""Which noisy statistic serves which equation of a spec, told from spec and domain alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bayessynth import families
from bayessynth.design.resolve import completed, resolve_equation, resolve_schema, used_columns
from bayessynth.errors import PrivacyError
from bayessynth.privacy.domain import Bounds, Domain, Levels
from bayessynth.privacy.marginals import MAX_CELLS, Clique, cell_labels
from bayessynth.spec import Equation, Name, Spec, text


@dataclass(frozen=True)
class Block:
    """Equations that are served by the moments of one set of columns.

    Attributes
    ----------
    equations : tuple of str
        Their left sides.
    read : tuple of str
        Columns of the table, those of the first equation first.
    group : str or None
        The grouping factor of all of them.
    """

    equations: tuple[str, ...]
    read: tuple[str, ...]
    group: str | None


@dataclass(frozen=True)
class Routes:
    """The statistics that serve a spec.

    Attributes
    ----------
    blocks : tuple of Block
        Moments.
    cliques : mapping of Clique to tuple of str
        Tables of counts, each with the left sides of the equations that it serves.
    """

    blocks: tuple[Block, ...]
    cliques: dict[Clique, tuple[str, ...]]


def routes(spec: Spec, domain: Domain) -> Routes:
    """Return the statistics that serve every equation of a spec.

    Moments serve normal equations with plain columns, and two-level columns that depend on such alone, since these have
    fourth moments in closed form; equations that share columns are served by the same. Other equations are served by a
    table of counts of all their columns; a table within a larger one is left out.

    Parameters
    ----------
    spec : Spec
    domain : Domain

    Raises
    ------
    PrivacyError
        If an equation has no formal route, naming it and what would work, or the domain lacks a column.
    SpecError
        If the spec does not fit the domain's kinds.

    Examples
    --------
    >>> import bayessynth as bs
    >>> facts = {"age": bs.Bounds(0, 110), "pay": bs.Bounds(0, 1e5), "sex": bs.Levels("f", "m")}
    >>> domain = bs.Domain(facts, source="codebook")
    >>> found = routes(bs.Spec("sex ~ 1", "age ~ sex", "pay ~ age + sex"), domain)
    >>> found.blocks
    (Block(equations=('sex', 'age', 'pay'), read=('sex', 'age', 'pay'), group=None),)
    """
    equations = _equations(spec, domain)
    reasons = _beyond_moments(equations, domain)
    blocks = _blocks([equation for equation in equations if equation.response not in reasons])
    for block in list(blocks):
        if block.group is None and not any(isinstance(domain[name], Bounds) for name in block.read):
            blocks.remove(block)  # a table says more of levels, and costs less
            reasons |= dict.fromkeys(block.equations, "moments serve columns of numbers")
    cliques: dict[Clique, tuple[str, ...]] = {}
    for equation in equations:
        if equation.response in reasons:
            clique = _clique(equation, domain, reasons[equation.response])
            cliques[clique] = (*cliques.get(clique, ()), equation.response)
    return Routes(tuple(blocks), _maximal(cliques))


def _equations(spec: Spec, domain: Domain) -> tuple[Equation, ...]:
    """Return all equations that have parameters, checked against the domain's kinds."""
    if spec.rest == "keep":
        raise PrivacyError(
            "Spec(…, rest='keep') hands on columns of the original as they are, which no noise protects. Give each an "
            "equation, or leave it out with rest='drop'."
        )
    for column, place in used_columns(spec).items():
        if column not in domain:
            raise PrivacyError(
                f"Column {column!r} ({place}) is not in the domain: state its bounds or levels from a public source."
            )
    whole = domain.schema()
    full = completed(spec, whole)
    schema, _ = resolve_schema(full, whole.subset([c for c in whole if c in used_columns(full)]))
    for equation in full:
        resolve_equation(equation, schema)
    return full.equations


def _beyond_moments(equations: Sequence[Equation], domain: Domain) -> dict[str, str]:
    """Return why moments do not hold all that an equation needs, by its left side, where they do not."""
    reasons = {e.response: reason for e in equations if (reason := _beyond_form(e, domain)) is not None}
    while True:
        served = {e.response for e in equations} - set(reasons)
        beyond = {
            e.response: f"moments serve {e.response!r} only with predictors that they serve, not {name!r}"
            for e in equations
            if e.response in served
            for name in e.columns
            if name not in served
        }
        if not beyond:
            return reasons
        reasons |= beyond


def _beyond_form(equation: Equation, domain: Domain) -> str | None:
    """Return why an equation is not of a form that moments serve, or None if it is."""
    declared, formula = domain[equation.response], equation.formula
    family = _family(equation, domain)
    if isinstance(declared, Levels):
        if family.name != "bernoulli" and len(declared.values) == 2:
            return f"moments serve two-level columns of family 'bernoulli', not {family.name!r}"
        if len(declared.values) != 2:
            return f"moments serve levels only if there are two, of which {equation.response!r} has more"
        numbers = [name for name in formula.columns if isinstance(domain[name], Bounds)]
        if numbers:
            return f"moments serve two-level columns only with such predictors, not {numbers[0]!r}"
    elif family.gaussian is not np.asarray:
        return f"moments serve numbers of family 'normal', not {family.name!r}"
    parent = family.parameters[0]
    if equation.links.get(parent.name, equation.links.get("", parent.links[0])) != parent.links[0]:
        return f"moments serve no link but {parent.links[0]!r}"
    if equation.distributional:
        return f"moments serve no formula for {next(iter(equation.distributional))!r}"
    if equation.level not in (None, "row"):
        return f"moments serve rows, not one value a group (level={equation.level!r})"
    if formula.offsets:
        return f"moments serve no offset({text(formula.offsets[0])})"
    terms = [*formula.terms, *(term for group in formula.groups for term in group.terms)]
    odd = [term.name for term in terms if not (len(term.factors) == 1 and isinstance(term.factors[0], Name))]
    return f"moments serve plain columns, not the term {odd[0]!r}" if odd else _beyond_groups(equation, domain)


def _beyond_groups(equation: Equation, domain: Domain) -> str | None:
    groups = equation.formula.groups
    if not groups:
        return None
    if len(equation.factors) > 1 or len(equation.factors[0]) > 1:
        return "moments are taken apart by one grouping factor of one column"
    shared = [str(group) for group in groups if group.shared]
    if shared:
        return f"moments serve effects of one equation, not {shared[0]}, which several share"
    joint = [str(group) for group in groups if group.correlated and group.intercept + len(group.terms) > 1]
    if joint:
        return f"moments serve effects of groups that are independent (||), not {joint[0]}"
    (factor,) = equation.factors[0]
    return None if isinstance(domain[factor], Levels) else f"the domain does not list the groups of {factor!r}"


def _family(equation: Equation, domain: Domain) -> families.Family:
    column = domain.schema()[equation.response]
    return families.get(equation.family) if equation.family else families.default_for(column)


def _blocks(equations: Sequence[Equation]) -> list[Block]:
    """Put equations that share columns together."""
    blocks: list[Block] = []
    for equation in equations:
        group = equation.factors[0][0] if equation.factors else None
        own = Block((equation.response,), (*equation.formula.columns, equation.response), group)
        for block in [block for block in blocks if set(block.read) & set(own.read)]:
            if block.group and own.group and block.group != own.group:
                raise PrivacyError(
                    f"Equation for {equation.response!r} has no formal route: it shares columns with that for "
                    f"{block.equations[-1]!r}, whose groups are {block.group!r}, and moments are taken apart by one "
                    f"grouping factor, not by {own.group!r} too. Give both the same factor."
                )
            blocks.remove(block)
            read = tuple(dict.fromkeys((*block.read, *own.read)))
            own = Block((*block.equations, *own.equations), read, block.group or own.group)
        blocks.append(own)
    return blocks


def _clique(equation: Equation, domain: Domain, reason: str) -> Clique:
    """Return the columns of the table that serves an equation.

    Raises
    ------
    PrivacyError
        If none does.
    """
    columns = tuple(dict.fromkeys((equation.response, *equation.columns)))
    why, remedy = None, ""
    ungridded = [name for name in columns if isinstance(declared := domain[name], Bounds) and not declared.cuts]
    family = _family(equation, domain)
    if family.nonparametric:
        why, remedy = f"family {family.name!r} keeps records", "Name a parametric family."
    elif equation.factors:
        factor = ":".join(equation.factors[0])
        why = "tables of counts serve no effects of groups"
        remedy = f"Leave (… | {factor}) out, or make {equation.response!r} normal with plain terms."
    elif equation.level not in (None, "row"):
        why, remedy = "tables of counts are of rows", "Leave level= out."
    elif ungridded:
        why = f"tables of counts need a grid for {', '.join(map(repr, ungridded))}"
        remedy = "Use a normal equation with plain terms, or state one, bs.Bounds(…, grid=10)."
    else:
        size = math.prod(len(cell_labels(domain, name)) for name in columns)
        if size > MAX_CELLS:
            why = f"its table of counts would have {size:,} cells, more than {MAX_CELLS:,}"
            remedy = "Drop predictors, merge levels, or make grids coarser."
    if why is not None:
        raise PrivacyError(
            f"Equation for {equation.response!r} has no formal route: {reason}, and {why}. {remedy} Nothing was spent."
        )
    return columns


def _maximal(cliques: dict[Clique, tuple[str, ...]]) -> dict[Clique, tuple[str, ...]]:
    """Leave out cliques that lie within others."""
    kept: dict[Clique, tuple[str, ...]] = {}
    for clique in sorted(cliques, key=len, reverse=True):
        larger = next((other for other in kept if set(clique) <= set(other)), clique)
        kept[larger] = (*kept.get(larger, ()), *cliques[clique])
    return kept
