"""One file of rows: drawn, written under a temporary name, renamed when it is whole."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bayessynth.synthesis.arrow import table_of
from bayessynth.synthesis.source import Source

# Parts of a copy in one file, each a row group: a million rows, enough for readers to read at full speed.
PARTS = 16


@dataclass(frozen=True)
class PartFile:
    """One file of a directory of copies.

    Attributes
    ----------
    copy, number : int
        Of the copy, and of the file among the copy's.
    parts : range or None
        Parts of the copy that the file holds; None for all.
    rows : int or None
        Rows that it will have, where that is known.
    """

    copy: int
    number: int
    parts: range | None
    rows: int | None

    @property
    def name(self) -> str:
        """Path below the directory."""
        return f"copy={self.copy}/part-{self.number:05d}.parquet"

    def finished(self, directory: Path, types: pa.Schema) -> int | None:
        """Return the rows of the finished file, or None if it is to be written (anew)."""
        path = directory / self.name
        try:
            with pq.ParquetFile(path) as file:
                rows, same = file.metadata.num_rows, file.schema_arrow.equals(types)
        except (OSError, pa.ArrowException):
            return None
        return rows if same and self.rows in (None, rows) else None

    def write(
        self, source: Source, types: pa.Schema, directory: Path, threads: int | None, advance: Callable[[int], None]
    ) -> int:
        """Draw the rows and write the file; return how many there are.

        Whatever happens on the way, the file is whole or not there.
        """
        path = directory / self.name
        path.parent.mkdir(parents=True, exist_ok=True)
        # Readers skip names with a dot; another writer of the same part has another name.
        temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
        rows = 0
        try:
            with open(temporary, "xb") as file:
                with pq.ParquetWriter(file, types, use_dictionary=_repeating(types)) as writer:
                    for frame in source.frames(self.copy, self.parts, threads):
                        writer.write_table(table_of(frame, types, self.copy), row_group_size=len(frame))
                        rows += len(frame)
                        advance(len(frame))
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        return rows


def part_files(source: Source, m: int) -> list[PartFile]:
    """Return all files of all copies."""
    found = []
    for copy in range(m):
        rows, part = source.rows(copy), source.part
        if rows is None or part is None:
            found.append(PartFile(copy, 0, None, rows))
            continue
        count = -(-rows // part)
        for number, first in enumerate(range(0, count, PARTS)):
            parts = range(first, min(first + PARTS, count))
            found.append(PartFile(copy, number, parts, min(parts.stop * part, rows) - first * part))
    return found


def _repeating(types: pa.Schema) -> list[str]:
    """Return the columns that are worth a dictionary: numbers with decimals rarely repeat, and looking is slow."""
    return [field.name for field in types if not pa.types.is_floating(field.type)]
