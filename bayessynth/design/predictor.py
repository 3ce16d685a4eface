"""The linear predictor of one parameter: intercept, common terms, offsets, group-specific terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bayessynth.design.evaluate import Codes, Frame, evaluate
from bayessynth.design.term import TermDesign, learn_terms
from bayessynth.design.transforms import State
from bayessynth.errors import FormulaError, GroupWarning, SpecError, warn
from bayessynth.spec import Expression, Formula, names, parse, text

# Standard deviations between zero and a column's mean from which a group's intercept and slope cannot be told apart
# well. A year counted from 0 to 9 lies 1.6 away, an age of adults about 3.
FAR = 2.5


@dataclass(frozen=True)
class GroupDesign:
    """The effects of one group-specific term.

    Attributes
    ----------
    factor : str
        Grouping factor.
    intercept : bool
    terms : tuple of TermDesign
    correlated : bool
    scales : tuple of float
        Root mean square of each effect's column, which scales default priors.
    shared : str or None
        Id of the effects with which these have one covariance; they are then not correlated by themselves.
    """

    factor: str
    intercept: bool
    terms: tuple[TermDesign, ...]
    correlated: bool
    scales: tuple[float, ...] = ()
    shared: str | None = None

    @property
    def effects(self) -> tuple[str, ...]:
        """Names of the effects: ``"1"`` for the intercept, a term's name, ``"term[level]"`` for a level."""
        found = ["1"] if self.intercept else []
        for term in self.terms:
            found += [f"{term.name}[{label}]" for label in term.labels] if term.labels else [term.name]
        return tuple(found)

    def matrix(self, frame: Frame, n: int) -> np.ndarray:
        """Return the columns that the effects multiply, shape (n, number of effects)."""
        blocks = [np.ones((n, 1))] if self.intercept else []
        return np.column_stack([*blocks, *(t.columns(frame, n) for t in self.terms)])


@dataclass(frozen=True)
class Predictor:
    """A linear predictor as learnt from the data.

    Attributes
    ----------
    parameter : str
        The family's parameter that it models.
    intercept : bool
    terms : tuple of TermDesign
    offsets : tuple of Expression
    groups : tuple of GroupDesign
    means, sds : tuple of float
        Mean and standard deviation of each column of the common matrix. The prior of the intercept is that of
        the predictor at the means.
    states : mapping
        States of transforms inside offsets.
    """

    parameter: str
    intercept: bool
    terms: tuple[TermDesign, ...]
    offsets: tuple[Expression, ...]
    groups: tuple[GroupDesign, ...]
    means: tuple[float, ...]
    sds: tuple[float, ...]
    states: Mapping[str, State]

    @property
    def centred(self) -> bool:
        """Whether the common columns are centred while fitting (there is an intercept to take it up)."""
        return self.intercept and bool(self.terms)

    @property
    def offset_columns(self) -> tuple[str, ...]:
        """Columns that the offsets read."""
        return tuple(dict.fromkeys(c for o in self.offsets for c in names(o)))

    @property
    def slices(self) -> dict[str, slice]:
        """Where each term's columns stand in the common matrix."""
        found, start = {}, 0
        for term in self.terms:
            found[term.name] = slice(start, start + term.width)
            start += term.width
        return found

    def matrix(self, frame: Frame, n: int) -> np.ndarray:
        """Return the common matrix without the intercept, shape (n, p), not centred."""
        return np.column_stack([np.empty((n, 0)), *(t.columns(frame, n) for t in self.terms)])

    def offset(self, frame: Frame, n: int) -> np.ndarray | None:
        """Return the sum of the offsets, shape (n,), or None if there are none."""
        if not self.offsets:
            return None
        total = np.zeros(n)
        for offset in self.offsets:
            value = evaluate(offset, frame, dict(self.states))
            assert not isinstance(value, Codes)  # refused when learnt
            total += value
        return total

    def to_json(self) -> dict[str, Any]:
        """Return the predictor as JSON data."""
        groups = [
            {"factor": g.factor, "intercept": g.intercept, "terms": [t.to_json() for t in g.terms],
             "correlated": g.correlated, "scales": g.scales, **({"shared": g.shared} if g.shared else {})}
            for g in self.groups
        ]  # fmt: skip
        return {
            "parameter": self.parameter, "intercept": self.intercept, "terms": [t.to_json() for t in self.terms],
            "offsets": [text(o) for o in self.offsets], "groups": groups, "means": self.means, "sds": self.sds,
            "states": dict(self.states),
        }  # fmt: skip

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Predictor:
        """Make a predictor of what :meth:`to_json` returned."""
        groups = tuple(
            GroupDesign(g["factor"], g["intercept"], tuple(map(TermDesign.from_json, g["terms"])), g["correlated"],
                        tuple(g["scales"]), g.get("shared"))
            for g in data["groups"]
        )  # fmt: skip
        offsets = tuple(parse(f"_ ~ offset({o})").offsets[0] for o in data["offsets"])
        terms = tuple(map(TermDesign.from_json, data["terms"]))
        return cls(data["parameter"], data["intercept"], terms, offsets, groups, tuple(data["means"]),
                   tuple(data["sds"]), data["states"])  # fmt: skip


@dataclass(frozen=True)
class Measures:
    """What a predictor's columns are like over an equation's rows.

    Attributes
    ----------
    means, sds : ndarray of shape (p,)
        Of the columns of the common matrix (denominator n).
    products : ndarray of shape (p, p)
        Sums of their products, in units of their standard deviations, about their means if there is an intercept.
    effects : tuple of ndarray, each of shape (3, q)
        For each group-specific term: mean, standard deviation and root mean square of the columns that its effects
        multiply.
    """

    means: np.ndarray
    sds: np.ndarray
    products: np.ndarray
    effects: tuple[np.ndarray, ...]


def learn_predictor(parameter: str, formula: Formula, frame: Frame, n: int, column: str) -> Predictor:
    """Learn a predictor's coding, transforms and column means from an equation's rows.

    Raises
    ------
    SpecError
        If a column of the common matrix does not vary, or is a combination of the others.
    """
    learnt = learn_coding(parameter, formula, frame, column)
    return scaled(learnt, measure(learnt, frame, n), column)


def learn_coding(parameter: str, formula: Formula, frame: Frame, column: str) -> Predictor:
    """Learn a predictor's coding and transforms from rows; means and scales are left empty.

    Raises
    ------
    SpecError
        If an effect stands in two group-specific terms.
    """
    terms = learn_terms(formula.terms, formula.intercept, frame)
    states: dict[str, State] = {}
    for offset in formula.offsets:
        if isinstance(evaluate(offset, frame, states, learn=True), Codes):
            raise FormulaError(f"offset({text(offset)}) is categorical; an offset must be a number.")
    groups = []
    for group in formula.groups:
        effects = learn_terms(group.terms, group.intercept, frame)
        correlated = group.correlated and not group.shared and _several(group, effects)
        groups.append(GroupDesign(group.group, group.intercept, effects, correlated, shared=group.shared))
    _check_repeated(groups, column)
    return Predictor(parameter, formula.intercept, terms, formula.offsets, tuple(groups), (), (), states)


def measure(predictor: Predictor, frame: Frame, n: int, weights: np.ndarray | None = None) -> Measures:
    """Measure a predictor's columns.

    Parameters
    ----------
    predictor : Predictor
    frame : Frame
    n : int
        Rows of the frame.
    weights : ndarray of shape (n,), optional
        How often each row counts; once by default.
    """
    matrix = predictor.matrix(frame, n)
    means, sds, _ = _spread(matrix, weights)
    away = matrix / np.where(sds > 0, sds, 1.0)
    if predictor.intercept:
        away = away - _spread(away, weights)[0]
    products = away.T @ (away if weights is None else away * weights[:, None])
    effects = tuple(np.array(_spread(group.matrix(frame, n), weights)) for group in predictor.groups)
    return Measures(means, sds, products, effects)


def _spread(matrix: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean, standard deviation and root mean square of each column."""
    if weights is None:
        return matrix.mean(axis=0), matrix.std(axis=0), np.sqrt((matrix**2).mean(axis=0))
    shares = weights / weights.sum()
    means = shares @ matrix
    return means, np.sqrt(shares @ (matrix - means) ** 2), np.sqrt(shares @ matrix**2)


def scaled(predictor: Predictor, measures: Measures, column: str) -> Predictor:
    """Return the predictor with means, standard deviations and scales as measured.

    Raises
    ------
    SpecError
        If a column of the common matrix does not vary, or is a combination of the others.

    Warns
    -----
    GroupWarning
        If a slope's column lies far from zero.
    """
    _check_rank(predictor, measures, column)
    groups = []
    for group, (means, sds, roots) in zip(predictor.groups, measures.effects, strict=True):
        _warn_far(group, means, sds, column)
        groups.append(replace(group, scales=tuple(float(f"{s:.2g}") for s in roots)))
    return replace(predictor, groups=tuple(groups), means=tuple(measures.means.tolist()),
                   sds=tuple(measures.sds.tolist()))  # fmt: skip


def _warn_far(group: GroupDesign, means: np.ndarray, sds: np.ndarray, column: str) -> None:
    """Warn of slopes on columns far from zero, where a group's intercept is extrapolated."""
    if not group.intercept:
        return
    for effect, mean, sd in zip(group.effects[1:], means[1:], sds[1:], strict=True):
        if abs(mean) > FAR * sd > 0:
            warn(
                f"Equation for {column!r}: {effect!r} in (… | {group.factor}) lies far from zero (mean "
                f"{mean:.3g}, sd {sd:.3g}), so a group's intercept says little by itself and the "
                f"sampler mixes slowly; (1 + center({effect}) | {group.factor}) means effects at the mean.",
                GroupWarning,
            )


def _several(group: Any, effects: tuple[TermDesign, ...]) -> bool:
    return int(group.intercept) + sum(t.width for t in effects) > 1


def _check_repeated(groups: list[GroupDesign], column: str) -> None:
    seen: set[tuple[str, str]] = set()
    for group in groups:
        for effect in group.effects:
            if (effect, group.factor) in seen:
                raise SpecError(
                    f"Equation for {column!r}: the effect ({effect} | {group.factor}) stands in two group-specific "
                    f"terms; write the second as (0 + x | {group.factor})."
                )
            seen.add((effect, group.factor))
    correlated = [g.factor for g in groups if g.correlated]
    for factor in {f for f in correlated if correlated.count(f) > 1}:
        raise SpecError(
            f"Equation for {column!r}: two correlated group-specific terms for {factor!r}; write them as one, "
            f"(1 + x + z | {factor}), or one of them with '||'."
        )


def _check_rank(predictor: Predictor, measures: Measures, column: str) -> None:
    """Refuse columns that do not vary; exact collinearity stays to the priors but is worth an error as well."""
    if not len(measures.means):
        return
    labels = [f"{t.name}[{label}]" if label else t.name for t in predictor.terms for label in (t.labels or ("",))]
    if predictor.intercept:
        for name, sd in zip(labels, measures.sds, strict=True):
            if sd == 0:
                raise SpecError(
                    f"Equation for {column!r}: {name!r} does not vary in the rows of this equation, so its "
                    "coefficient cannot be learnt; remove the term, or merge the level."
                )
    values, vectors = np.linalg.eigh(measures.products)
    if values[0] < 1e-10 * max(values[-1], 1.0):
        involved = [name for name, weight in zip(labels, np.abs(vectors[:, 0]), strict=True) if weight > 0.05]
        raise SpecError(
            f"Equation for {column!r}: the columns {', '.join(involved)} are an exact combination of each other; "
            "remove one of them."
        )
