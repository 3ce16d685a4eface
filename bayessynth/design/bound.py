"""A spec as bound to data: all that was learnt, and no data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayessynth import families
from bayessynth.design.evaluate import Frame, numbers
from bayessynth.design.followup import FollowUp, seen
from bayessynth.design.grouping import GroupPlan
from bayessynth.design.names import safe
from bayessynth.design.predictor import Predictor
from bayessynth.design.sequences import Sequences
from bayessynth.design.shared import Shared, joined
from bayessynth.design.truncation import Truncation
from bayessynth.errors import SpecError
from bayessynth.families import Prior
from bayessynth.rules import Rule, from_json
from bayessynth.schema import Schema
from bayessynth.spec import Cause, Spec


@dataclass(frozen=True)
class BoundEquation:
    """An equation with all that was learnt of it from the data, and no data.

    Attributes
    ----------
    response : str
    family : str
    links : mapping of str to str
        Link of each of the family's parameters.
    level : str
        ``"row"``, or the grouping factor with one value a group.
    predictors : mapping of str to Predictor
        Linear predictors of the parameters that have a formula.
    priors : mapping of str to Prior
        All priors, by name without the column's prefix.
    options : mapping
        Options of the family that are not columns: ``points``, ``bounds``, ``value``, ``link``.
    trials : str or None
        Column with the number of trials.
    levels : tuple of str
        Labels of the response's levels, if it has any.
    reads, grouped : tuple of str
        Columns that a nonparametric equation depends on, and its grouping factors.
    cause : Cause or None
        For a latent time until an event: which one it is, and how it is seen.
    ar : float or None
        Where residuals depend on those of the row before: the usual time between two rows.
    truncation : Truncation or None
        The rules that narrow its values, given columns that are drawn before.
    """

    response: str
    family: str
    links: Mapping[str, str]
    level: str
    predictors: Mapping[str, Predictor]
    priors: Mapping[str, Prior]
    options: Mapping[str, Any]
    trials: str | None
    levels: tuple[str, ...]
    reads: tuple[str, ...] = ()
    grouped: tuple[str, ...] = ()
    cause: Cause | None = None
    ar: float | None = None
    truncation: Truncation | None = None

    @property
    def column(self) -> str:
        """The column that its values are in: the response, or the times where it is of a latent one."""
        return self.cause.time if self.cause else self.response

    @property
    def beside_columns(self) -> tuple[str, ...]:
        """Columns that must be known, beside predictors, for a value to be drawn."""
        own = self.cause.columns if self.cause else (self.trials,) if self.trials else ()
        return (*own, *(self.truncation.columns if self.truncation else ()))

    def beside(self, frame: Frame, n: int) -> dict[str, np.ndarray]:
        """Return what stands beside the values, by the family's name of it, a row for each of n.

        Of a latent time, what a record says of it is left out where its columns are not in the frame: they are yet to
        be drawn.
        """
        if self.cause is not None:
            return seen(self.cause, frame)
        found = {"trials": numbers(self.trials, frame)} if self.trials else {}
        if self.truncation is not None:
            found |= self.truncation.beside(frame.arrays, n, families.get(self.family).discrete)
        return found

    @property
    def factors(self) -> tuple[str, ...]:
        """Grouping factors with effects in this equation."""
        modelled = (g.factor for p in self.predictors.values() for g in p.groups)
        return tuple(dict.fromkeys((*modelled, *self.grouped)))

    @property
    def prefixes(self) -> dict[str, str]:
        """Prefix of each predictor's parameters in names: the column's, then a further parameter's."""
        first = families.get(self.family).parameters[0].name if self.predictors else ""
        return {p: f"{self.response}_" if p == first else f"{self.response}_{p}_" for p in self.predictors}

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the equation's variables in the posterior."""
        found = [f"{self.response}_{key}" for key in self.priors]
        for parameter, predictor in self.predictors.items():
            found += [f"{self.prefixes[parameter]}{e}|{g.factor}" for g in predictor.groups for e in g.effects]
        return tuple(map(safe, found))

    def to_json(self) -> dict[str, Any]:
        """Return the equation as JSON data."""
        return {
            "response": self.response, "family": self.family, "links": dict(self.links), "level": self.level,
            "predictors": {k: v.to_json() for k, v in self.predictors.items()},
            "priors": {k: v.to_json() for k, v in self.priors.items()},
            "options": dict(self.options), "trials": self.trials, "levels": self.levels,
            "reads": self.reads, "grouped": self.grouped,
            **({"cause": self.cause.to_json()} if self.cause else {}),
            **({"ar": self.ar} if self.ar else {}),
            **({"truncation": self.truncation.to_json()} if self.truncation else {}),
        }  # fmt: skip

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> BoundEquation:
        """Make an equation of what :meth:`to_json` returned."""
        options = {k: tuple(v) if isinstance(v, list) else v for k, v in data["options"].items()}
        return cls(
            data["response"], data["family"], data["links"], data["level"],
            {k: Predictor.from_json(v) for k, v in data["predictors"].items()},
            {k: Prior.from_json(v) for k, v in data["priors"].items()}, options, data["trials"], tuple(data["levels"]),
            tuple(data.get("reads", ())), tuple(data.get("grouped", ())),
            Cause.from_json(data["cause"]) if "cause" in data else None, data.get("ar"),
            Truncation.from_json(data["truncation"]) if "truncation" in data else None,
        )  # fmt: skip


@dataclass(frozen=True)
class Mask:
    """Which cells of a parametric column are missing, as a tree draws it for new records.

    Attributes
    ----------
    column : str
    level : str
        The column's.
    reads : tuple of str
        Columns that the tree reads, as copies show them.
    before : str or None
        The equation before which it is drawn; None after all of them.
    """

    column: str
    level: str
    reads: tuple[str, ...]
    before: str | None

    @property
    def name(self) -> str:
        """What its trees are called among those of columns."""
        return f"{self.column} is missing"

    def to_json(self) -> dict[str, Any]:
        """Return the mask as JSON data."""
        return {"column": self.column, "level": self.level, "reads": self.reads, "before": self.before}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Mask:
        """Make a mask of what :meth:`to_json` returned."""
        return cls(data["column"], data["level"], tuple(data["reads"]), data["before"])


@dataclass(frozen=True)
class Bound:
    """A spec bound to a table's schema and structure; holds no record.

    Attributes
    ----------
    spec : Spec
    schema : Schema
        Of the columns that copies have.
    equations : tuple of BoundEquation
        In the order of generation.
    plan : GroupPlan
    levels : mapping of str to str
        Level of every column.
    kept : tuple of str
        Columns taken over from the original.
    n : int
        Rows of the original.
    rules : tuple of Rule
        The spec's, with what they leave to the data filled in and with those that follow from them.
    masks : tuple of Mask
        Of the parametric columns with missing cells, if these are modelled; in the order in which they are drawn.
    survivals : tuple of FollowUp
        How latent times make times and events, one a survival time.
    shared : tuple of Shared
        Group effects that are correlated across terms.
    sequence : Sequences or None
        How rows of a unit follow each other, if the spec says that they do.
    """

    spec: Spec
    schema: Schema
    equations: tuple[BoundEquation, ...]
    plan: GroupPlan
    levels: Mapping[str, str]
    kept: tuple[str, ...]
    n: int
    rules: tuple[Rule, ...] = ()
    masks: tuple[Mask, ...] = ()
    survivals: tuple[FollowUp, ...] = ()
    shared: tuple[Shared, ...] = ()
    sequence: Sequences | None = None

    @property
    def joined(self) -> tuple[tuple[str, ...], ...]:
        """Equations that are fitted together because they share effects, in components."""
        return joined(self.shared)

    def together(self, column: str) -> tuple[str, ...]:
        """Return the equations that are fitted with one, itself included."""
        return next((c for c in self.joined if column in c), (column,))

    def joins(self, column: str) -> bool:
        """Tell whether an equation has effects that are correlated across terms."""
        return any(column in c for c in self.joined)

    @property
    def inner(self) -> Schema:
        """The schema of all columns that equations draw or read: in sequences also of those made of rows before."""
        return self.schema if self.sequence is None else self.sequence.schema

    def __getitem__(self, column: str) -> BoundEquation:
        names = (column,) if self.sequence is None else self.sequence.drawn_by(column)
        for name in names:
            for equation in self.equations:
                if equation.response == name:
                    return equation
        for own in self.survivals:
            if column in own.declares:
                listed = ", ".join(repr(name) for name, _ in own.latent)
                raise SpecError(f"Column {column!r} comes of latent times, each with its own equation: {listed}.")
        self.spec[column]  # raises with the nearest name
        raise SpecError(f"Column {column!r} was not fitted.")

    def to_json(self) -> dict[str, Any]:
        """Return the bound spec as JSON data."""
        return {
            "spec": self.spec.to_json(), "schema": self.schema.to_json(),
            "equations": [e.to_json() for e in self.equations], "plan": self.plan.to_json(),
            "levels": dict(self.levels), "kept": self.kept, "n": self.n,
            "rules": [rule.to_json() for rule in self.rules], "masks": [mask.to_json() for mask in self.masks],
            "survivals": [own.to_json() for own in self.survivals],
            **({"shared": [block.to_json() for block in self.shared]} if self.shared else {}),
            **({"sequence": self.sequence.to_json()} if self.sequence else {}),
        }  # fmt: skip

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Bound:
        """Make a bound spec of what :meth:`to_json` returned."""
        return cls(
            Spec.from_json(data["spec"]), Schema.from_json(data["schema"]),
            tuple(map(BoundEquation.from_json, data["equations"])), GroupPlan.from_json(data["plan"]),
            data["levels"], tuple(data["kept"]), data["n"], tuple(map(from_json, data.get("rules", ()))),
            tuple(map(Mask.from_json, data.get("masks", ()))),
            tuple(map(FollowUp.from_json, data.get("survivals", ()))),
            tuple(map(Shared.from_json, data.get("shared", ()))),
            Sequences.from_json(data["sequence"]) if "sequence" in data else None,
        )  # fmt: skip
