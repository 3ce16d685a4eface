"""Synthetic data: m copies, drawn when they are asked for."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from bayessynth.errors import SynthesisError

if TYPE_CHECKING:
    from bayessynth.inference import Pooled

# The parts of a copy, by its number and the number of threads.
Parts = Callable[[int, int | None], Iterator[pd.DataFrame]]


class SyntheticData:
    """m copies of a table, each from its own posterior draw.

    Copies are lazy: ``syn[0]`` draws the first one (and keeps none), ``to_parquet`` streams all of them in parts.
    A copy is the same whenever and however it is asked for.

    Attributes
    ----------
    m : int
        Number of copies.
    provenance : dict
        How the copies were made: spec, seeds, draws, group policy, verdict, privacy.

    Examples
    --------
    >>> import bayessynth as bs
    >>> schema = bs.Schema(age=bs.Continuous(bounds=(0, 110)))
    >>> syn = bs.Spec("age ~ 1").synthesize_prior(schema, m=2, k=10, random_seed=1)
    >>> len(syn), syn[1].shape, syn.provenance["privacy"]
    (2, (10, 1), 'no formal guarantee')
    """

    def __init__(self, parts: Parts, m: int, provenance: Mapping[str, Any]) -> None:
        self._parts = parts
        self.m = m
        self.provenance = dict(provenance)

    def __len__(self) -> int:
        return self.m

    def __getitem__(self, copy: int) -> pd.DataFrame:
        return pd.concat(self.parts(copy), ignore_index=True)

    def __iter__(self) -> Iterator[pd.DataFrame]:
        return (self[j] for j in range(self.m))

    @property
    def copies(self) -> SyntheticData:
        """The copies as a sequence: ``syn.copies[0]`` is the first."""
        return self

    def parts(self, copy: int, threads: int | None = None) -> Iterator[pd.DataFrame]:
        """Yield one copy in parts of a bounded number of rows, some drawn ahead on other cores."""
        index = copy + self.m if copy < 0 else copy
        if not 0 <= index < self.m:
            raise IndexError(f"There is no copy {copy}; there are {self.m}, from 0 to {self.m - 1}.")
        return self._parts(index, threads)

    def concat(self) -> pd.DataFrame:
        """Return all copies below each other, with a first column ``copy`` (from 0).

        Raises
        ------
        SynthesisError
            If the table has a column of that name.

        Examples
        --------
        >>> import bayessynth as bs
        >>> schema = bs.Schema(age=bs.Continuous(bounds=(0, 110)))
        >>> bs.Spec("age ~ 1").synthesize_prior(schema, m=2, k=3, random_seed=1).concat()["copy"].tolist()
        [0, 0, 0, 1, 1, 1]
        """
        copies = list(self)
        if "copy" in copies[0]:
            raise SynthesisError(
                "The table has a column 'copy' of its own; use pd.concat(list(syn), keys=range(syn.m))."
            )
        for j, frame in enumerate(copies):
            frame.insert(0, "copy", j)
        return pd.concat(copies, ignore_index=True)

    def pool(self, formula: str = "", model: Any = "ols", **options: Any) -> Pooled:
        """Pool an analysis over the copies, with valid standard errors; :func:`bayessynth.pool` has the arguments."""
        from bayessynth.inference import pool

        return pool(self, formula, model, **options)

    def to_parquet(self, directory: str | os.PathLike[str]) -> Path:
        """Write every copy to ``copy-000.parquet`` … in a new directory, with ``provenance.json`` beside them.

        Copies are streamed in parts, so memory holds one part at a time. Files are written under a temporary name
        and renamed when all are complete.

        Returns
        -------
        Path
            The directory.

        Raises
        ------
        SynthesisError
            If the directory exists and is not empty.
        """
        return self._write(directory, ".parquet", _write_parquet)

    def to_csv(self, directory: str | os.PathLike[str]) -> Path:
        """Write every copy to ``copy-000.csv`` … in a new directory, with ``provenance.json`` beside them."""
        return self._write(directory, ".csv", _write_csv)

    def _write(
        self, directory: str | os.PathLike[str], suffix: str, write: Callable[[Iterator[pd.DataFrame], Path], None]
    ) -> Path:
        target = Path(directory)
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise SynthesisError(f"{target} exists already; name a new directory, so that nothing is overwritten.")
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        try:
            width = max(3, len(str(self.m - 1)))
            for j in range(self.m):
                write(self.parts(j), temporary / f"copy-{j:0{width}d}{suffix}")
            (temporary / "provenance.json").write_text(json.dumps(self.provenance, indent=2))
            if target.exists():
                target.rmdir()
            temporary.chmod(0o755)
            temporary.rename(target)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        return target

    def __repr__(self) -> str:
        record = self.provenance
        lines = [
            f"SyntheticData: m={record['m']} copies of k={record['k'] or 'varying'} rows, "
            f"{record['synthesis']} synthetic, proper",
            f"groups: {record['groups']}; diagnostics: {record['verdict']}{' (forced)' if record['forced'] else ''}; "
            f"random seed: {record['random_seed']}",
            f"privacy: {record['privacy']}",
        ]
        lines += [f"disclosing: {what}" for what in record["disclosing"]]
        return "\n".join(lines)


def _write_parquet(parts: Iterator[pd.DataFrame], path: Path) -> None:
    writer: pq.ParquetWriter | None = None
    try:
        for part in parts:
            table = pa.Table.from_pandas(part, preserve_index=False)
            if writer is None:
                writer = pq.ParquetWriter(path, table.schema)
            writer.write_table(table.cast(writer.schema))
    finally:
        if writer is not None:
            writer.close()


def _write_csv(parts: Iterator[pd.DataFrame], path: Path) -> None:
    for i, part in enumerate(parts):
        part.to_csv(path, mode="a", header=i == 0, index=False)
