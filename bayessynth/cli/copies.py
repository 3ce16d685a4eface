"""Synthetic tables from files, with their provenance where it stands beside them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bayessynth.errors import DataError, SynthesisError

if TYPE_CHECKING:
    import pandas as pd

    from bayessynth.synthesis import SyntheticData


def read_copies(paths: Sequence[Path]) -> SyntheticData | list[pd.DataFrame]:
    """Read copies: files, directories of one copy (``copy=0``), or one directory of all with their provenance.

    Raises
    ------
    DataError
        If a directory holds no copy or unfinished ones, or the provenance cannot be read.
    """
    frames = [frame for path in paths for frame in _read(path)]
    records = [paths[0] / "_provenance.json", paths[0] / "provenance.json"]
    found = [record for record in records if record.is_file()]
    return frames if len(paths) > 1 or not found else _with_provenance(frames, found[0])


def _read(path: Path) -> list[pd.DataFrame]:
    from bayessynth.fitting import read

    if not path.is_dir():
        return [read(path)]
    if any(path.glob("part-*.parquet")):
        return [_joined(path)]
    _check_finished(path)
    streamed = sorted(path.glob("copy=*"), key=lambda folder: (len(folder.name), folder.name))
    files = sorted([*path.glob("copy-*.parquet"), *path.glob("copy-*.csv")])
    if not streamed and not files:
        raise DataError(f"{path} holds no copies: no copy=0, no copy-*.csv, as 'bayessynth synthesize' writes them.")
    return [*map(_joined, streamed), *map(read, files)]


def _joined(folder: Path) -> pd.DataFrame:
    """Read the files of one copy in their order."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(sorted(folder.glob("part-*.parquet")), partitioning=None).to_pandas()
    except (OSError, ValueError, pa.ArrowException) as error:
        raise DataError(f"The files in {folder} cannot be read as one copy: {error}. Write it again.") from error


def _check_finished(path: Path) -> None:
    from bayessynth.synthesis.manifest import MANIFEST, read_manifest

    if not (path / MANIFEST).is_file():
        return
    try:
        manifest = read_manifest(path / MANIFEST)
    except SynthesisError as error:
        raise DataError(str(error)) from error
    missing = [part["file"] for part in manifest["parts"] if not (path / part["file"]).is_file()]
    if missing:
        raise DataError(
            f"{path} is unfinished: {len(missing)} of {len(manifest['parts'])} files are missing, the first is "
            f"{missing[0]}. Write the copies again with the same seed, which goes on where it was broken off."
        )


def _with_provenance(frames: list[pd.DataFrame], record: Path) -> SyntheticData:
    from bayessynth.synthesis import SyntheticData

    try:
        provenance = json.loads(record.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{record} is no JSON: {error}. Write the copies again, or name the files.") from error
    return SyntheticData(lambda j, threads: iter([frames[j]]), len(frames), provenance)
