"""Tables as a stream of chunks, from a frame or from files larger than memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from bayessynth.errors import DataError
from bayessynth.suffstats.scan import scan

#: Rows that are read at a time: few, as nothing can be done before the first are there, but at least ``LEAST``.
CHUNK = 1 << 17
#: Chunks that are read ahead of the one that is worked on.
AHEAD = 8
# Rows up to which a file is read whole: one pass over chunks takes less memory and time beyond.
WHOLE = 1 << 18
#: Rows that a chunk has at least (the table's, if those are fewer): what is learnt is learnt from the first.
LEAST = 100_000
#: Rows that the first has at least where a schema is to be detected on it: later ones must not have other levels.
DETECTED = 1 << 20


@dataclass(frozen=True)
class Chunk:
    """Some rows of a table, one after the other.

    Attributes
    ----------
    table : DataFrame or pyarrow.Table
    start : int
        Row of the whole table at which they begin.
    """

    table: pd.DataFrame | pa.Table
    start: int = 0

    @property
    def n(self) -> int:
        """Number of rows.

        >>> Chunk(pd.DataFrame({"x": [1, 2]})).n
        2
        """
        return len(self.table)

    @property
    def names(self) -> list[str]:
        """Names of the columns.

        >>> Chunk(pa.table({"x": [1]})).names
        ['x']
        """
        return list(self.table.columns if isinstance(self.table, pd.DataFrame) else self.table.column_names)

    def frame(self) -> pd.DataFrame:
        """Return the rows as a DataFrame.

        >>> Chunk(pa.table({"x": [1]})).frame()
           x
        0  1
        """
        return self.table if isinstance(self.table, pd.DataFrame) else self.table.to_pandas()

    def head(self) -> pd.DataFrame:
        """Return the first row.

        >>> Chunk(pa.table({"x": [1, 2]})).head().shape
        (1, 1)
        """
        return self.table[:1] if isinstance(self.table, pd.DataFrame) else self.table.slice(0, 1).to_pandas()

    def series(self, name: str) -> pd.Series:
        """Return a column as pandas reads it.

        >>> Chunk(pa.table({"x": ["a"]})).series("x").tolist()
        ['a']
        """
        if isinstance(self.table, pd.DataFrame):
            return self.table[name]
        return self.table.select([name]).to_pandas()[name]

    def numbers(self, name: str) -> np.ndarray | None:
        """Return a column of plain numbers, whole ones or floats, without a copy where that can be; else None.

        >>> Chunk(pa.table({"x": [1.5], "name": ["a"]})).numbers("x").tolist()
        [1.5]
        """
        if isinstance(self.table, pd.DataFrame):
            dtype = self.table[name].dtype
            plain = isinstance(dtype, np.dtype) and dtype.kind in "iuf" and dtype.itemsize == 8
            return self.table[name].to_numpy() if plain else None
        column = self.table.column(name)
        if column.null_count or column.type not in (pa.float64(), pa.int64()):
            return None
        return column.chunk(0).to_numpy() if column.num_chunks == 1 else column.to_numpy()

    def texts(self, name: str) -> tuple[np.ndarray, list[str]] | None:
        """Return a column of text as codes, -1 for missing cells, and the values behind them; None for others.

        >>> Chunk(pa.table({"x": ["b", "a", "b"]})).texts("x")
        (array([0, 1, 0], dtype=int32), ['b', 'a'])
        """
        if isinstance(self.table, pd.DataFrame):
            return None
        column = self.table.column(name)
        if column.type not in (pa.string(), pa.large_string()) or column.num_chunks != 1:
            return None
        coded = column.chunk(0).dictionary_encode()
        return coded.indices.fill_null(-1).to_numpy(), coded.dictionary.to_pylist()


@dataclass(frozen=True)
class Source:
    """A table that can be read in chunks, as often as wanted.

    Attributes
    ----------
    names : tuple of str
        Columns.
    read : callable
        ``read(columns) -> iterator of tables``.
    named : str
        What it is, for the provenance.
    small : bool
        Whether it has so few rows that it is better read whole.
    whole : callable
        ``whole() -> DataFrame``: all of it.

    Examples
    --------
    >>> source = source_of(pd.DataFrame({"x": [1, 2, 3]}))
    >>> [chunk.n for chunk in chunks(source, ["x"])]
    [3]
    """

    names: tuple[str, ...]
    read: Callable[[Sequence[str]], Iterator[pd.DataFrame | pa.Table]]
    named: str
    small: bool
    whole: Callable[[], pd.DataFrame]


def source_of(data: Any) -> Source:
    """Return data as a source of chunks.

    Parameters
    ----------
    data : DataFrame or path
        A table; a Parquet file or a directory of them, in the order of their names; or a CSV file.

    Raises
    ------
    DataError
        If it is none of them, or cannot be read.

    Examples
    --------
    >>> source_of("nowhere.parquet")
    Traceback (most recent call last):
    ...
    bayessynth.errors.DataError: There is no file nowhere.parquet.
    """
    if isinstance(data, pd.DataFrame):
        odd = [name for name in data.columns if not isinstance(name, str)] + (not data.columns.is_unique) * ["twice"]
        names = () if odd else tuple(data.columns)
        return Source(names, lambda columns: _slices(data[list(columns)] if names else data), "DataFrame",
                      len(data) <= WHOLE, lambda: data)  # fmt: skip
    if not isinstance(data, str | os.PathLike):
        raise DataError(
            f"data must be a DataFrame, a Dask frame, or a path to a Parquet or CSV file, not {type(data).__name__}."
        )
    path = Path(data)
    if not path.exists():
        raise DataError(f"There is no file {path}.")
    if path.is_dir() or path.suffix in (".parquet", ".pq"):
        return _parquet(path)
    if ".csv" in path.suffixes:
        return _csv(path)
    raise DataError(f"{path.name} is neither .parquet nor .csv (.csv.gz), nor a directory of Parquet files.")


def _slices(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    for start in range(0, max(len(frame), 1), CHUNK):
        yield frame.iloc[start : start + CHUNK]


def _parquet(path: Path) -> Source:
    files = sorted(p for p in path.iterdir() if p.suffix in (".parquet", ".pq")) if path.is_dir() else [path]
    if not files:
        raise DataError(f"There is no Parquet file in the directory {path}.")
    schemas, rows = [], 0
    for file in files:
        metadata = _told(file, partial(pq.read_metadata, file))
        rows += metadata.num_rows
        schemas.append(metadata.schema.to_arrow_schema())
        if set(schemas[-1].names) != set(schemas[0].names):
            raise DataError(f"{file.name} has other columns than {files[0].name}; parts must be of one table.")

    def read(columns: Sequence[str]) -> Iterator[pa.Table]:
        for file in files:
            # Otherwise Arrow holds the bytes of all row groups at once.
            with pq.ParquetFile(file, pre_buffer=False) as opened:
                for group in range(opened.num_row_groups):
                    batches = opened.iter_batches(CHUNK, row_groups=[group], columns=list(columns))
                    yield from (pa.Table.from_batches([b]) for b in _reading(file, batches))

    frame = [name for name in schemas[0].names if not name.startswith("__index_level_")]
    named = f"{len(files)} Parquet file{'s' if len(files) > 1 else ''}"
    return Source(tuple(frame), read, named, rows <= WHOLE, lambda: _whole(files))


def _whole(files: Sequence[Path]) -> pd.DataFrame:
    """Read Parquet files whole, as pandas does one."""
    tables = [_told(file, partial(pq.read_table, file)) for file in files]
    return pa.concat_tables(tables).to_pandas()


def _csv(path: Path) -> Source:
    head = _told(path, lambda: pd.read_csv(path, nrows=0))
    column = _told(path, lambda: pd.read_csv(path, usecols=list(head.columns[:1]), nrows=WHOLE + 1))

    def read(columns: Sequence[str]) -> Iterator[pd.DataFrame]:
        with _told(path, lambda: pd.read_csv(path, usecols=list(columns), chunksize=CHUNK)) as reader:
            yield from _reading(path, iter(reader))

    return Source(tuple(map(str, head.columns)), read, "CSV file", len(column) <= WHOLE,
                  lambda: _told(path, lambda: pd.read_csv(path)))  # fmt: skip


def _reading[T](file: Path, parts: Iterator[T]) -> Iterator[T]:
    """Yield parts of a file; an error in reading names the file."""
    end = object()
    while (part := _told(file, lambda: next(parts, end))) is not end:
        yield part  # type: ignore[misc]


def _told[T](file: Path, read: Callable[[], T]) -> T:
    try:
        return read()
    except (ValueError, OSError, EOFError) as error:  # pandas' and Arrow's errors of parsing are ValueErrors
        raise DataError(f"{file.name} cannot be read: {error}. Look at the file, or hand in a DataFrame.") from error


def chunks(source: Source, columns: Sequence[str], first: int | None = None) -> Iterator[Chunk]:
    """Yield a table's chunks, read while those before are worked on.

    Parameters
    ----------
    source : Source
    columns : sequence of str
    first : int, optional
        Rows that the first chunk has at least; else as many as any.

    Examples
    --------
    >>> [chunk.start for chunk in chunks(source_of(pd.DataFrame({"x": range(5)})), ["x"])]
    [0]
    """
    parts = _joined(source.read(columns), first or LEAST)
    start = 0
    with ThreadPoolExecutor(1) as reader:
        ahead = deque(reader.submit(next, parts, None) for _ in range(AHEAD))
        scan(np.zeros(1))  # what compiled code needs is loaded while they are read, as reading needs no Python
        while (part := ahead.popleft().result()) is not None:
            ahead.append(reader.submit(next, parts, None))
            yield replace(part, start=start)
            start += part.n
            del part


def _joined(parts: Iterator[pd.DataFrame | pa.Table], least: int) -> Iterator[Chunk]:
    """Join parts until they have rows enough, the first of them ``least``; the last may have fewer."""
    held: list[pd.DataFrame | pa.Table] = []
    for part in parts:
        held.append(part)
        if sum(map(len, held)) >= least:
            yield _one(held)
            held, least = [], LEAST
    if held:
        yield _one(held)


def _one(parts: list[pd.DataFrame | pa.Table]) -> Chunk:
    if len(parts) == 1:
        return Chunk(parts[0])
    if isinstance(parts[0], pd.DataFrame):
        return Chunk(pd.concat(parts, ignore_index=True))
    return Chunk(pa.concat_tables(parts).combine_chunks())
