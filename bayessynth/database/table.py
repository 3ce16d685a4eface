"""One table of a database as it was learnt: its fit, what it is drawn given, its keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from bayessynth.database.covariates import Covariate, Known, from_json
from bayessynth.database.labels import Labels
from bayessynth.database.order import PLACE
from bayessynth.database.pairing import Pairing
from bayessynth.database.write import groups_of
from bayessynth.design import Bound
from bayessynth.fitting import Fitted
from bayessynth.fitting.cores import available_cores
from bayessynth.rules import determined
from bayessynth.synthesis.conditional import Given
from bayessynth.synthesis.draws import Draws
from bayessynth.synthesis.generate import Plan, decode_part, draw_part
from bayessynth.synthesis.maker import Maker, maker_of
from bayessynth.synthesis.request import Request


@dataclass(frozen=True)
class Optional:
    """How many rows have no owner: of each row with one, by its posterior."""

    without: int
    rows: int

    def draw(self, rows: int, rng: np.random.Generator) -> int:
        """Return how many rows without owner there are beside some with one."""
        if not self.without:
            return 0
        share = rng.beta(self.without + 0.5, self.rows - self.without + 0.5)
        return int(rng.poisson(rows * share / (1 - share))) if share < 1 else 0


def drawn_columns(bound: Bound) -> set[str]:
    """Return the columns of a table that its equations draw or its rules compute."""
    drawn = {e.response for e in bound.equations}
    if bound.sequence is not None:
        drawn = {bound.sequence.column(name) for name in drawn}
    return (drawn | determined(bound.rules).keys()) - {PLACE}


@dataclass(frozen=True)
class TableModel:
    """All that draws one table's rows.

    Attributes
    ----------
    name : str
    columns : tuple of str
        As the table has them, keys included.
    dtypes : mapping of str to str
        Of the key columns.
    n : int
        Rows of the original.
    fitted : Fitted or None
        Of its own columns and the numbers of its members; None if it has neither.
    covariates : tuple
        What its columns are drawn given.
    factor : str or None
        The grouping factor of its primary owner, if its rows share effects.
    labels : Labels or None
        How its keys are written.
    optional : Optional
        Rows without primary owner.
    pairings : mapping of str to Pairing
        By the label of a link to another owner: how its rows are matched.
    time : str or None
        A column in whose order the rows of each owner stand.
    """

    name: str
    columns: tuple[str, ...]
    dtypes: Mapping[str, str]
    n: int
    fitted: Fitted | None
    covariates: tuple[Covariate, ...]
    factor: str | None
    labels: Labels | None
    optional: Optional
    pairings: Mapping[str, Pairing]
    time: str | None

    @property
    def own(self) -> list[str]:
        """The columns that the fit draws or computes, internal ones included."""
        if self.fitted is None:
            return []
        left_out = {*(c.name for c in self.covariates), self.factor}
        return [c for c in self.fitted.schema if c not in left_out and c in self._made]

    @cached_property
    def _made(self) -> set[str]:
        assert self.fitted is not None
        bound = self.fitted.bound
        return drawn_columns(bound) | {c for columns in bound.plan.columns.values() for c in columns}

    @cached_property
    def _draws(self) -> Draws:
        assert self.fitted is not None
        return Draws.of(self.fitted.idata["posterior"].to_dataset())

    def draw(
        self, known: Known, at: np.ndarray | None, rows: int, request: Request, copy: int, threads: int | None = None
    ) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
        """Draw the table's own columns.

        Parameters
        ----------
        known : Known
            What is drawn already, the links of this table's rows included.
        at : ndarray or None
            The primary owner's row of each row; None of a root.
        rows : int
        request : Request
        copy : int
        threads : int, optional

        Returns
        -------
        tuple of dict and DataFrame
            Encoded, and as the original writes them.
        """
        if self.fitted is None or not rows:
            return {}, pd.DataFrame(index=pd.RangeIndex(rows))
        return self.decoded(self.maker(known, at, rows, request).plan(copy), threads)

    def decoded(self, plan: Plan, threads: int | None) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
        """Draw what is left of a planned copy; see :meth:`draw`."""
        arrays: list[dict[str, np.ndarray]] = []
        frames: list[pd.DataFrame] = []
        for made, frame in self._parts(plan, threads):
            arrays.append(made)
            frames.append(frame)
        joined = {c: np.concatenate([part[c] for part in arrays]) for c in arrays[0]}
        return joined, pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]

    def _parts(self, plan: Plan, threads: int | None) -> Iterator[tuple[dict[str, np.ndarray], pd.DataFrame]]:
        own, bare = self.own, replace(plan, labels=plan.labels if not self.covariates else {})
        factors = set(bare.labels)

        def part(number: int) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
            made = draw_part(plan, number)
            made = {c: made[c] for c in own if c in made}
            frame = decode_part(bare, made, plan.rows(number))
            return made, frame[[c for c in own if c in made or c in factors]]

        numbers = range(-(-plan.groups.k // plan.part))
        workers = min(threads or available_cores(), len(numbers))
        if workers == 1:
            yield from map(part, numbers)
            return
        with ThreadPoolExecutor(workers) as pool:
            yield from pool.map(part, numbers)

    @property
    def in_sequence(self) -> bool:
        """Whether rows of an owner follow from each other, and are drawn one after the other."""
        return self.fitted is not None and self.fitted.bound.sequence is not None

    def maker(self, known: Known, at: np.ndarray | None, rows: int, request: Request) -> Maker:
        """Return what makes the rows of copies, given what is drawn already."""
        fitted = self.fitted
        assert fitted is not None
        made = maker_of(fitted.bound, fitted.groups, self._draws, replace(request, k=rows), None, None, fitted.forest)
        if at is None and not self.covariates:
            return made
        given = {c.name: c.values(known) for c in self.covariates if c.name in fitted.schema}
        codes, labels = {}, {}
        if self.factor is not None and self.factor in fitted.schema:
            assert at is not None
            codes[self.factor], count = groups_of(at)
            labels[self.factor] = range(1, count + 1)
        return replace(made, given=Given(rows=given, codes=codes, labels=labels), columns=tuple(given))  # type: ignore[arg-type]

    def to_json(self) -> dict[str, Any]:
        """Return all but the fit as JSON data."""
        return {
            "name": self.name, "columns": self.columns, "dtypes": dict(self.dtypes), "n": self.n,
            "fitted": self.fitted is not None, "covariates": [c.to_json() for c in self.covariates],
            "factor": self.factor, "labels": self.labels and self.labels.to_json(), "optional": vars(self.optional),
            "pairings": {label: pairing.to_json() for label, pairing in self.pairings.items()}, "time": self.time,
        }  # fmt: skip

    @classmethod
    def from_json(cls, data: Mapping[str, Any], fitted: Fitted | None) -> TableModel:
        """Make a table's model of what :meth:`to_json` returned, and its fit."""
        return cls(
            data["name"], tuple(data["columns"]), data["dtypes"], data["n"], fitted,
            tuple(map(from_json, data["covariates"])), data["factor"],
            None if data["labels"] is None else Labels.from_json(data["labels"]), Optional(**data["optional"]),
            {label: Pairing.from_json(own) for label, own in data["pairings"].items()}, data["time"],
        )  # fmt: skip
