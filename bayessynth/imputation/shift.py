"""Cells of groups moved against the effects of the same groups, which leaves what their rows see as it is.

A group's missing cell and its effect in an equation that reads the cell are known by the same rows, hardly more than as
a sum: drawn in turn, neither moves far. A step along the line on which the sum stays mixes them (a move of a group of
transformations; Liu & Sabatti 2000).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bayessynth import families
from bayessynth.design import BoundEquation, Frame, GroupDesign, TermDesign, safe
from bayessynth.imputation.conditional import Conditional, Values, conditional
from bayessynth.imputation.gaps import Arrays, Gap, Gaps
from bayessynth.imputation.redraw import drawn


@dataclass(frozen=True)
class Tie:
    """An equation in which each group's effect takes up what a change of the group's cell does.

    Attributes
    ----------
    column : str
        The column with the missing cells.
    name : str
        The effects' in the posterior.
    terms : tuple of TermDesign and ndarray
        Terms that read the column, with their coefficients.
    frame : Frame
        What these terms read, one row for each missing cell.
    total : ndarray
        Each group's effect and terms together, which stay as they are.
    sd : float
        Of the effects.
    """

    column: str
    name: str
    terms: tuple[tuple[TermDesign, np.ndarray], ...]
    frame: Frame
    total: np.ndarray
    sd: float

    def effects(self, x: np.ndarray, live: np.ndarray) -> np.ndarray:
        """Return the effects beside which live cells have these values."""
        return self.total[live] - self.read(x, live)

    def read(self, x: np.ndarray, live: np.ndarray) -> np.ndarray:
        """Return what the terms say of live cells."""
        arrays = {name: values[live] for name, values in self.frame.arrays.items()} | {self.column: x[live]}
        return sum((t.contribution(self.frame.on(arrays), c) for t, c in self.terms), np.zeros(int(live.sum())))

    def logp(self, x: np.ndarray, live: np.ndarray) -> np.ndarray:
        """Return the log density of the effects, up to a constant."""
        found = np.zeros(len(x))
        found[live] = -0.5 * (self.effects(x, live) / self.sd) ** 2
        return found


def shifted(
    gaps: Gaps, values: Mapping[str, Values], arrays: Arrays, rng: np.random.Generator
) -> tuple[dict[str, np.ndarray], dict[str, Values]]:
    """Draw missing cells of groups anew, with effects of the groups that leave the equations that read them alone.

    Parameters
    ----------
    gaps, values, arrays, rng
        As in :func:`redraw`.

    Returns
    -------
    dict of str to ndarray
        Completed columns.
    dict of str to mapping
        The parameters, with other effects of the groups whose cells are missing.

    Examples
    --------
    >>> import warnings
    >>> import pandas as pd
    >>> import bayessynth as bs
    >>> from bayessynth.design import bind
    >>> from bayessynth.imputation import gaps, start
    >>> table = pd.DataFrame({"g": [0, 0, 1, 1, 2, 2], "x": [1.5, 1.5, 2.5, 2.5, None, None],
    ...                       "y": [1.0, 2.0, 2.0, 4.0, 5.0, 6.0]})
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     bound, data = bind(bs.Spec("x ~ 1", "y ~ x + (1 | g)"), table, missing="drop")
    >>> found, rng = gaps(bound, data), np.random.default_rng(1)
    >>> values = {"x": {"x_Intercept": np.array(2.0), "x_sigma": np.array(1.0)},
    ...           "y": {"y_x": np.array(1.0), "y_1|g": np.zeros(3), "y_1|g_sd": np.array(1.0)}}
    >>> before = start(found, rng)
    >>> arrays, moved = shifted(found, values, before, rng)
    >>> bool(np.isclose(arrays["x"][4] + moved["y"]["y_1|g"][2], before["x"][4]))
    True
    """
    made, parameters = dict(arrays), dict(values)
    for gap in gaps.gaps:
        ties = _ties(gap, gaps, parameters, made)
        if not ties:
            continue
        whole = conditional(gap, gaps, parameters, made)
        others = tuple(part for part in whole.readers if part.equation.response not in ties)
        x = drawn(gap, gaps, Conditional(whole.own, (*others, *ties.values())), made, rng)
        groups, everywhere = gaps.grouping.codes[gap.equation.level][gap.at], np.ones(len(x), dtype=bool)
        for response, tie in ties.items():
            effects = parameters[response][tie.name].copy()
            effects[groups] = tie.effects(x, everywhere)
            parameters[response] = {**parameters[response], tie.name: effects}
        made = gap.fill(made, x)
    return made, parameters


def _ties(gap: Gap, gaps: Gaps, values: Mapping[str, Values], arrays: Arrays) -> dict[str, Tie]:
    """Return the equations whose effects can take up a change of the cells, by response."""
    found: dict[str, Tie] = {}
    for reader in gap.readers:
        equation = reader.equation
        group = _taking_up(gap, equation, gaps)
        if group is None:
            continue
        parameter, own = families.get(equation.family).parameters[0].name, values[equation.response]
        predictor, prefix = equation.predictors[parameter], equation.prefixes[parameter]
        terms = [t for t in predictor.terms if gap.column in t.term.columns]
        known = tuple((t, np.atleast_1d(own[safe(f"{prefix}{t.name}")])) for t in terms)
        frame = gaps.frame.on({c: arrays[c][gap.at] for t in terms for c in t.term.columns})
        name, everywhere = safe(f"{prefix}1|{group.factor}"), np.ones(len(gap.at), dtype=bool)
        effects = own[name][gaps.grouping.codes[group.factor][gap.at]]
        tie = Tie(gap.column, name, known, frame, np.zeros(len(gap.at)), float(own[f"{name}_sd"]))
        total = effects + tie.read(arrays[gap.column][gap.at], everywhere)
        found[equation.response] = Tie(tie.column, name, known, frame, total, tie.sd)
    return found


def _taking_up(gap: Gap, equation: BoundEquation, gaps: Gaps) -> GroupDesign | None:
    """Return the term of an equation whose effects can take up what a cell changes, or None.

    All that reads the column must be the same in all rows of a group, in the first predictor, beside an effect of just
    that group.
    """
    column, level, family = gap.column, gap.equation.level, families.get(equation.family)
    if level == "row" or family.multinomial:
        return None
    first = equation.predictors[family.parameters[0].name]
    levels = [gaps.bound.levels[c] for t in first.terms if column in t.term.columns for c in t.term.columns]
    if any(found == "row" or not gaps.grouping.determines(level, found) for found in levels):
        return None
    others = [t for p in equation.predictors.values() if p is not first for t in p.terms]
    slopes = [t for p in equation.predictors.values() for g in p.groups for t in g.terms]
    offsets = [c for p in equation.predictors.values() for c in p.offset_columns]
    if equation.trials == column or column in offsets or any(column in t.term.columns for t in (*others, *slopes)):
        return None
    return next((g for g in first.groups if g.factor == level and g.effects == ("1",)), None)
