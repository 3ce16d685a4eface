"""Synthetic databases: m copies of all tables, drawn when they are asked for."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bayessynth.database.composite import Composite
from bayessynth.database.draw import Asked, draw_copies
from bayessynth.database.structure import Structure
from bayessynth.database.table import TableModel
from bayessynth.fitting.cores import available_cores
from bayessynth.schema.dtypes import dtype_named

# Rows, of all tables, up to which copies with sequences are drawn beside each other.
BESIDE = 750_000


@dataclass(frozen=True)
class Tables:
    """Draws all tables of any copy.

    Attributes
    ----------
    structure : Structure
    models : mapping of str to TableModel
    empty : mapping of str to mapping of str to str
        Dtypes of the columns of tables that have no rows.
    names : tuple of str
        Tables in the order in which they were handed in.
    asked : Asked
    composites : tuple of Composite
        Keys of several columns, those of parents' parents first.
    """

    structure: Structure
    models: Mapping[str, TableModel]
    empty: Mapping[str, Mapping[str, str]]
    names: tuple[str, ...]
    asked: Asked
    composites: tuple[Composite, ...] = ()

    def copy(self, number: int, threads: int | None = None) -> dict[str, pd.DataFrame]:
        """Return all tables of a copy."""
        return self._beside([number], threads)[0]

    def drawn(self, numbers: Sequence[int], cores: int | None = None) -> Generator[tuple[int, dict[str, pd.DataFrame]]]:
        """Yield copies in order, drawn ahead by as many threads as there are cores.

        Small copies with sequences are drawn several at a time, as many as keep all threads busy. Neither changes a
        byte.

        Parameters
        ----------
        numbers : sequence of int
        cores : int, optional
            Threads; by default all cores.
        """
        cores = cores or available_cores()
        runs = self._runs(numbers, cores)
        threads = min(cores, len(runs))
        if threads <= 1:
            for run in runs:
                yield from zip(run, self._beside(run, cores), strict=True)
            return
        with ThreadPoolExecutor(threads) as pool:
            waiting: deque[tuple[Sequence[int], Future[list[dict[str, pd.DataFrame]]]]] = deque()
            for run in runs:
                if len(waiting) >= threads:
                    first, made = waiting.popleft()
                    yield from zip(first, made.result(), strict=True)
                waiting.append((run, pool.submit(self._beside, run, cores // threads)))
            while waiting:
                first, made = waiting.popleft()
                yield from zip(first, made.result(), strict=True)

    def _runs(self, numbers: Sequence[int], cores: int) -> list[Sequence[int]]:
        """Return which copies are drawn beside each other."""
        size = 1
        if any(model.in_sequence for model in self.models.values()):
            grown = max((k / self.models[root].n for root, k in self.asked.k.items()), default=1.0)
            rows = grown * sum(model.n for model in self.models.values())
            number = max(1, -(-len(numbers) // max(1, int(BESIDE / max(rows, 1.0)))))
            # Equal runs, as many as there are threads or a multiple of that.
            size = max(1, -(-len(numbers) // (-(-number // cores) * cores)))
        return [numbers[first : first + size] for first in range(0, len(numbers), size)]

    def _beside(self, numbers: Sequence[int], threads: int | None) -> list[dict[str, pd.DataFrame]]:
        found = draw_copies(self.structure, self.models, self.asked, numbers, threads)
        for made in found:
            for composite in self.composites:
                composite.restore(made)
            for table, dtypes in self.empty.items():
                made[table] = pd.DataFrame({c: pd.Series(dtype=dtype_named(d)) for c, d in dtypes.items()})
        return [{table: made[table] for table in self.names} for made in found]


class SyntheticDatabase:
    """m copies of a database, each from its own posterior draws.

    Copies are lazy: ``copies[0]`` draws all tables of the first one, a dict of frames by name. A copy is the same
    whenever it is asked for. Going through all of them holds, for each core, one copy or as many small ones with
    sequences as have 750,000 rows together.

    Attributes
    ----------
    m : int
    provenance : dict

    Examples
    --------
    >>> import pandas as pd
    >>> import bayessynth as bs
    >>> house = pd.DataFrame({"house_id": range(1, 41), "rooms": [1, 2, 3, 4] * 10})
    >>> person = pd.DataFrame({"house_id": [i for i in range(1, 41) for _ in range(3)], "age": range(120)})
    >>> copies = bs.Database({"house": house, "person": person}).fit(copies=2, random_seed=1).synthesize(2)
    >>> len(copies), list(copies[1])
    (2, ['house', 'person'])
    """

    def __init__(self, source: Tables, provenance: Mapping[str, Any]) -> None:
        self._source = source
        self.m: int = provenance["m"]
        self.provenance = dict(provenance)

    def __len__(self) -> int:
        return self.m

    def __getitem__(self, copy: int) -> dict[str, pd.DataFrame]:
        index = copy + self.m if copy < 0 else copy
        if not 0 <= index < self.m:
            raise IndexError(f"There is no copy {copy}; there are {self.m}, from 0 to {self.m - 1}.")
        return self._source.copy(index)

    def __iter__(self) -> Iterator[dict[str, pd.DataFrame]]:
        return (tables for _, tables in self._source.drawn(range(self.m)))

    def drawn(self, numbers: Sequence[int], cores: int | None = None) -> Generator[tuple[int, dict[str, pd.DataFrame]]]:
        """Yield some copies with their numbers, drawn ahead by so many threads; by default all cores."""
        return self._source.drawn(numbers, cores)

    @property
    def copies(self) -> SyntheticDatabase:
        """The copies as a sequence: ``synthetic.copies[0]`` is the first."""
        return self

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables."""
        return self._source.names

    def to_parquet(self, directory: str | os.PathLike[str], *, cores: int | None = None, progress: bool = True) -> Path:
        """Write every copy to ``copy=0/account.parquet`` … below a directory, with a manifest and the provenance.

        A copy's folder appears when all its files are whole; writing that was broken off goes on where it stopped by
        the same call (same fit, arguments and seed). DuckDB and others read a table of all copies as
        ``out/copy=*/account.parquet``.

        Parameters
        ----------
        directory : path
            A new one, or one of the same request.
        cores : int, optional
            Threads, each drawing copies of its own; by default all cores. It changes no byte.
        progress : bool
            Show a progress bar where there is a terminal or a notebook.

        Returns
        -------
        Path

        Raises
        ------
        SynthesisError
            If the directory holds something else, or Parquet cannot hold a table.
        """
        from bayessynth.database.folder import write

        return write(self, directory, "parquet", cores, progress)

    def to_csv(self, directory: str | os.PathLike[str], *, cores: int | None = None, progress: bool = True) -> Path:
        """Write every copy to ``copy=0/account.csv`` …, as :meth:`to_parquet` does."""
        from bayessynth.database.folder import write

        return write(self, directory, "csv", cores, progress)

    def __repr__(self) -> str:
        record = self.provenance
        roots = ", ".join(f"{k:,} rows of {table}" for table, k in record["k"].items())
        return (
            f"SyntheticDatabase: m={self.m} copies of {len(self.tables)} tables ({', '.join(self.tables)}) from "
            f"{roots}, proper\nrandom seed: {record['random_seed']}\nprivacy: {record['privacy']}"
        )
