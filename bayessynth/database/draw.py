"""One copy of all tables, from the roots down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayessynth.database.covariates import Known
from bayessynth.database.pairing import Pairing
from bayessynth.database.structure import Link, Structure
from bayessynth.database.table import TableModel
from bayessynth.fitting.cores import available_cores
from bayessynth.schema.dtypes import dtype_named
from bayessynth.synthesis.generate import Plan
from bayessynth.synthesis.in_sequence import sequence_plans
from bayessynth.synthesis.request import Request


@dataclass(frozen=True)
class Asked:
    """What is asked for of every copy.

    Attributes
    ----------
    m : int
    k : mapping of str to int
        Rows of the roots.
    entropy : int
    """

    m: int
    k: Mapping[str, int]
    entropy: int


def draw_copies(
    structure: Structure, models: Mapping[str, TableModel], asked: Asked, copies: Sequence[int],
    threads: int | None = None,
) -> list[dict[str, pd.DataFrame]]:  # fmt: skip
    """Draw all tables of some copies, table by table.

    Sequences of all these copies are drawn one row at a time, which costs little more than those of one copy. What each
    copy is does not depend on which others are drawn beside it.

    Parameters
    ----------
    structure : Structure
    models : mapping of str to TableModel
    asked : Asked
    copies : sequence of int
    threads : int, optional

    Returns
    -------
    list of dict of str to DataFrame
    """
    threads = threads or available_cores()
    alone = threads if len(copies) == 1 else 1
    made = [_Copy(structure, models, asked, copy, alone) for copy in copies]
    with ThreadPoolExecutor(min(threads, len(copies))) as pool:
        for number, table in enumerate(structure.order):
            _draw_table(models[table], made, number, threads, pool)
        return list(pool.map(_Copy.every, made))


def _draw_table(
    model: TableModel, made: Sequence[_Copy], number: int, threads: int, pool: ThreadPoolExecutor
) -> None:  # fmt: skip
    """Draw a table of some copies: those of sequences row by row beside each other, others a copy a thread."""
    begun = list(pool.map(lambda copy: copy.begin(model.name, number), made))
    some = [i for i, own in enumerate(begun) if own.rows]
    plans: dict[int, Plan] = {}
    if model.in_sequence and len(some) > 1:
        makers = [(model.maker(made[i].known, begun[i].at, begun[i].rows, begun[i].request), made[i].copy)
                  for i in some]  # fmt: skip
        plans = dict(zip(some, sequence_plans(makers, threads), strict=True))

    def finish(i: int) -> None:
        copy, own = made[i], begun[i]
        copy.take(model.name, own, model.decoded(plans[i], copy.threads) if i in plans else copy.drawn(model.name, own))

    list(pool.map(finish, range(len(made))))


@dataclass(frozen=True)
class _Begun:
    """A table of a copy whose rows are counted and tied to their owners, and not drawn yet."""

    at: np.ndarray | None
    rows: int
    request: Request
    rng: np.random.Generator


class _Copy:
    """The tables of one copy as they are drawn."""

    def __init__(
        self, structure: Structure, models: Mapping[str, TableModel], asked: Asked, copy: int, threads: int | None
    ) -> None:
        self.structure, self.models, self.asked, self.copy, self.threads = structure, models, asked, copy, threads
        self.known = Known()
        self.frames: dict[str, pd.DataFrame] = {}
        self.labels: dict[str, pd.Series] = {}

    def begin(self, table: str, number: int) -> _Begun:
        """Tie the rows of a table to their owners, which are there."""
        model, known = self.models[table], self.known
        seed = np.random.SeedSequence(self.asked.entropy, spawn_key=(self.copy, 1 + number))
        rng = np.random.default_rng(seed)
        owners = self.structure.owners(table)
        first = next((o for o in owners if o.primary), None)
        if first is None:
            at, rows = None, self.asked.k[table]
        else:
            at = self._members(first, model, rng)
            rows = len(at)
            known.links[first.label] = at
        known.rows[table] = rows
        for link in owners:
            if not link.primary:
                known.links[link.label] = self._matched(link, model.pairings[link.label], rows, at, rng)
        request = Request(self.asked.m, rows, "new", int(seed.generate_state(1, np.uint64)[0]))
        return _Begun(at, rows, request, rng)

    def drawn(self, table: str, begun: _Begun) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
        """Draw the columns of a table."""
        return self.models[table].draw(self.known, begun.at, begun.rows, begun.request, self.copy, self.threads)

    def take(self, table: str, begun: _Begun, drawn: tuple[dict[str, np.ndarray], pd.DataFrame]) -> None:
        """Note what was drawn of a table."""
        model, known, (arrays, frame) = self.models[table], self.known, drawn
        if model.time is not None and begun.at is not None and begun.rows:
            order = np.lexsort((arrays[model.time], begun.at))
            arrays = {c: values[order] for c, values in arrays.items()}
            frame = frame.iloc[order].reset_index(drop=True)
            for link in self.structure.owners(table):
                known.links[link.label] = known.links[link.label][order]
        known.arrays[table] = arrays
        self.frames[table] = frame
        if model.labels is not None:
            self.labels[table] = model.labels.make(begun.rows, begun.rng)

    def _count(self, link: Link) -> np.ndarray:
        """Return the number of members of each of the owner's rows, as it was drawn."""
        if link.inverted:
            return np.ones(self.known.rows[link.owner], dtype=np.int64)
        if not self.known.rows[link.owner]:
            return np.zeros(0, dtype=np.int64)
        counts = self.frames[link.owner][link.count].to_numpy(dtype=float).round()
        return np.maximum(counts, 0).astype(np.int64)

    def _members(self, link: Link, model: TableModel, rng: np.random.Generator) -> np.ndarray:
        counts = self._count(link)
        at = np.repeat(np.arange(len(counts)), counts)
        return np.concatenate([at, np.full(model.optional.draw(len(at), rng), -1, dtype=np.int64)])

    def _matched(
        self, link: Link, pairing: Pairing, rows: int, at: np.ndarray | None, rng: np.random.Generator
    ) -> np.ndarray:
        owned = self.known.arrays[link.owner]
        return pairing.draw(self.known, owned, self._count(link), rows, at, rng)

    def every(self) -> dict[str, pd.DataFrame]:
        """Return all tables as the original has them."""
        return {table: self.frame(table) for table in self.structure.order}

    def frame(self, table: str) -> pd.DataFrame:
        """Return a table as the original has it, keys included."""
        model, made = self.models[table], self.frames[table]
        columns = {c: made[c] for c in model.columns if c in made}
        if model.labels is not None:
            columns[model.labels.column] = self.labels[table]
        for link in self.structure.links:
            if link.key.table == table:
                columns[link.key.column] = self._referring(link, model)
        return pd.DataFrame({c: columns[c] for c in model.columns if c in columns}, copy=False)

    def _referring(self, link: Link, model: TableModel) -> pd.Series:
        """Return the labels that a key's column holds."""
        at, labels = self.known.links[link.label], self.labels[link.key.parent]
        if link.inverted:
            back = np.empty(len(at), dtype=np.int64)
            back[at] = np.arange(len(at))
            at = back
        dtype = model.dtypes[link.key.column]
        if (at >= 0).all():
            found = labels.take(at).reset_index(drop=True)
        else:
            found = labels.reindex(np.where(at >= 0, at, -1)).reset_index(drop=True)
        return found.astype(dtype_named(dtype)).rename(link.key.column)
