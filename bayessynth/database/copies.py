"""Synthetic databases: m copies of all tables, drawn when they are asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from bayessynth.database.draw import Asked, draw_copy
from bayessynth.database.structure import Structure
from bayessynth.database.table import TableModel
from bayessynth.schema.dtypes import dtype_named
from bayessynth.synthesis.source import Latest


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
    """

    structure: Structure
    models: Mapping[str, TableModel]
    empty: Mapping[str, Mapping[str, str]]
    names: tuple[str, ...]
    asked: Asked
    latest: Latest = field(default_factory=Latest, compare=False, repr=False)

    def copy(self, number: int, threads: int | None = None) -> dict[str, pd.DataFrame]:
        """Return all tables of a copy."""
        made: dict[str, pd.DataFrame] = {}
        draw_copy(self.structure, self.models, self.asked, number, made.__setitem__, threads)
        for table, dtypes in self.empty.items():
            made[table] = pd.DataFrame({c: pd.Series(dtype=dtype_named(d)) for c, d in dtypes.items()})
        return {table: made[table] for table in self.names}


class SyntheticDatabase:
    """m copies of a database, each from its own posterior draws.

    Copies are lazy: ``copies[0]`` draws all tables of the first one, a dict of frames by name. A copy is the same
    whenever it is asked for. Memory holds one copy.

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
        return (self[j] for j in range(self.m))

    @property
    def copies(self) -> SyntheticDatabase:
        """The copies as a sequence: ``synthetic.copies[0]`` is the first."""
        return self

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables."""
        return self._source.names

    def to_parquet(self, directory: str | os.PathLike[str], *, progress: bool = True) -> Path:
        """Write every copy to ``copy=0/account.parquet`` … below a directory, with a manifest and the provenance.

        A copy's folder appears when all its files are whole; writing that was broken off goes on where it stopped by
        the same call (same fit, arguments and seed). DuckDB and others read a table of all copies as
        ``out/copy=*/account.parquet``.

        Parameters
        ----------
        directory : path
            A new one, or one of the same request.
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

        return write(self, directory, "parquet", progress)

    def to_csv(self, directory: str | os.PathLike[str], *, progress: bool = True) -> Path:
        """Write every copy to ``copy=0/account.csv`` …, as :meth:`to_parquet` does."""
        from bayessynth.database.folder import write

        return write(self, directory, "csv", progress)

    def __repr__(self) -> str:
        record = self.provenance
        roots = ", ".join(f"{k:,} rows of {table}" for table, k in record["k"].items())
        return (
            f"SyntheticDatabase: m={self.m} copies of {len(self.tables)} tables ({', '.join(self.tables)}) from "
            f"{roots}, proper\nrandom seed: {record['random_seed']}\nprivacy: {record['privacy']}"
        )
