"""What given columns say of others: which of them must be weighed, and against what.

A given column whose ancestors are all given says nothing of any other column: it stands, and what follows is drawn
given it. One that depends on a column that is not given says something of that column, and so of all that both share.
"""

from __future__ import annotations

from dataclasses import dataclass

from bayessynth import families
from bayessynth.design import Bound, BoundEquation
from bayessynth.errors import SynthesisError
from bayessynth.rules import Rule, determined
from bayessynth.synthesis.conditional import Given
from bayessynth.synthesis.generate import reads


@dataclass(frozen=True)
class Evidence:
    """How to draw columns that given ones depend on.

    Attributes
    ----------
    steps : tuple of str
        Columns, and masks by their names, that are drawn or weighed together, in the order of the chain.
    weighed : frozenset of str
        Those of them whose probability weighs what was drawn before.
    shared : tuple of str
        Grouping factors in whose groups rows share effects, or columns, that are drawn.

    Examples
    --------
    >>> Evidence(("x", "y"), frozenset({"y"}), ()).steps
    ('x', 'y')
    """

    steps: tuple[str, ...]
    weighed: frozenset[str]
    shared: tuple[str, ...]


def evidence(bound: Bound, given: Given, observed: bool) -> Evidence | None:
    """Return what given columns say of others, or None if they say nothing.

    Parameters
    ----------
    bound : Bound
    given : Given
    observed : bool
        Whether groups are the original's, whose effects are known.

    Raises
    ------
    SynthesisError
        If a given column depends, by way of columns that are not given, on a rule that computes a whole copy at once.
    """
    chain = _Chain(bound, given, observed)
    weighed = frozenset(c for c in chain.place if chain.says_something(c))
    steps = set(weighed)
    for step in (*weighed, *(c for c in chain.place if chain.column(c) in given.cells)):
        steps |= {step} | chain.open_ancestors(step)
    if not steps:
        return None
    for column in steps & chain.computed.keys():
        if chain.computed[column].whole_copy:
            raise SynthesisError(
                f"given= or where= has a column that depends on {column!r}, which {chain.computed[column]!r} computes "
                f"of a whole copy at once: nothing can be drawn given it. Give {column!r} too, or leave the other out."
            )
    shared = [f for c in chain.place if c in steps for f in chain.groups(c)]
    return Evidence(tuple(c for c in chain.place if c in steps), weighed, tuple(dict.fromkeys(shared)))


class _Chain:
    """Columns and masks in the order in which they become known."""

    def __init__(self, bound: Bound, given: Given, observed: bool) -> None:
        self.bound, self.given, self.observed = bound, given, observed
        self.equations = {e.response: e for e in bound.equations}
        self.masks = {mask.name: mask for mask in bound.masks}
        self.computed: dict[str, Rule] = determined(bound.rules)
        self.stands = (given.rows.keys() | given.upper.keys() | given.cut.keys()) - given.cells.keys()
        self.place = {c: i for i, c in enumerate(order(bound))}

    def column(self, step: str) -> str:
        """Return the column that a step draws, or of which it draws the missing cells."""
        return self.masks[step].column if step in self.masks else step

    def parents(self, step: str) -> set[str]:
        """Return the steps on which a step depends, rules included."""
        if step in self.masks:
            return {step_of(c, self.bound) for c in self.masks[step].reads} | {self.masks[step].column}
        if step in self.computed:
            found = set(self.computed[step].columns) - {step}
        elif families.get(self.equations[step].family).nonparametric:
            found = {*reads(self.equations[step]), *tied(self.bound, step)}
        else:
            return {c for c in reads(self.equations[step]) if c in self.place}
        return {step_of(c, self.bound) for c in found} & self.place.keys()

    def open_ancestors(self, step: str) -> set[str]:
        """Return the steps before one that are drawn, in some rows at least."""
        found: set[str] = set()
        waiting = [step]
        while waiting:
            new = {s for s in self.parents(waiting.pop()) if self.column(s) not in self.stands} - found
            found |= new
            waiting += new
        return found

    def says_something(self, step: str) -> bool:
        """Tell whether a step must be weighed."""
        column = self.column(step)
        if column in self.given.cut:
            return False
        if column in self.given.within and step == step_of(column, self.bound):
            return True
        if column not in self.stands and column not in self.given.cells:
            return False
        if self.open_ancestors(step):
            return True
        return step in self.equations and self._tells_effects(self.equations[step])

    def _tells_effects(self, equation: BoundEquation) -> bool:
        """Tell whether a column says something of its groups' effects on cells that are to be drawn."""
        if self.observed or not equation.factors:
            return False
        if equation.response in self.given.cells:
            return True
        # Effects that equations share are correlated over all of them.
        for block in self.bound.shared:
            if equation.response in block.responses and not self.stands.issuperset(block.responses):
                return True
        # Effects of tree equations are correlated over all equations of a factor.
        return families.get(equation.family).nonparametric and any(
            other.response not in self.stands and families.get(other.family).nonparametric
            and set(other.factors) & set(equation.factors)
            for other in self.bound.equations
        )  # fmt: skip

    def groups(self, step: str) -> list[str]:
        """Return the factors in whose groups a step has something in common that is drawn."""
        if step in self.masks:
            return [] if self.masks[step].level == "row" else [self.masks[step].level]
        if step not in self.equations:
            return []
        equation = self.equations[step]
        own = [] if equation.level == "row" else [equation.level]
        return [*own, *([] if self.observed else equation.factors)]


def step_of(column: str, bound: Bound) -> str:
    """Return the step by which a column is known as copies show it: its mask's name, or its own."""
    return next((mask.name for mask in bound.masks if mask.column == column), column)


def order(bound: Bound) -> list[str]:
    """Return columns and masks in the order in which they become known: groups' before rows', computed ones at once.

    >>> import bayessynth as bs
    >>> import pandas as pd
    >>> from bayessynth.design import bind
    >>> frame = pd.DataFrame({"a": [1, 2, 4], "b": [2, 4, 8], "c": [1, 1, 2]})
    >>> order(bind(bs.Spec("a ~ 1", "c ~ 1", rules=[bs.Derived("b", "2 * a")]), frame)[0])
    ['a', 'b', 'c']
    """
    waiting = {c: {step_of(i, bound) for i in rule.columns if i != c} for c, rule in determined(bound.rules).items()}
    drawn = {step_of(e.response, bound) for e in bound.equations} | waiting.keys()
    found: list[str] = []

    def add(step: str) -> None:
        found.append(step)
        for column in [c for c, inputs in waiting.items() if inputs & drawn <= set(found)]:
            if waiting.pop(column, None) is not None:
                add(column)

    for column in [c for c, inputs in waiting.items() if not inputs & drawn]:
        del waiting[column]
        add(column)
    for of_rows in (False, True):
        for equation in [*bound.equations, None]:
            for mask in bound.masks:
                if (mask.level == "row") is of_rows and mask.before == (equation.response if equation else None):
                    add(mask.name)
            if equation and (equation.level == "row") is of_rows:
                add(equation.response)
    return found


def tied(bound: Bound, column: str) -> list[str]:
    """Return the columns before a drawn one to which rules tie it."""
    chain = order(bound)
    at = column if column in chain or bound.sequence is None else bound.sequence.drawn_by(column)[0]
    before = set(chain[: chain.index(at)])
    known = {c for c in bound.schema if step_of(c, bound) in before}
    acting = [r for r in bound.rules if r.determines is None and column in r.columns and r.restricts(column, known)]
    return [c for c in dict.fromkeys(c for rule in acting for c in rule.columns) if c in known]
