"""Synthetic tables from files, with their provenance where it stands beside them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bayessynth.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from bayessynth.synthesis import SyntheticData


def read_copies(paths: Sequence[Path]) -> SyntheticData | list[pd.DataFrame]:
    """Read copies: files, or one directory of ``copy-*`` files with ``provenance.json``.

    Raises
    ------
    DataError
        If a directory holds no copy, or the provenance cannot be read.
    """
    from bayessynth.fitting import read

    files: list[Path] = []
    for path in paths:
        found = sorted([*path.glob("copy-*.parquet"), *path.glob("copy-*.csv")]) if path.is_dir() else [path]
        if not found:
            raise DataError(f"{path} holds no copy-*.parquet or copy-*.csv, as 'bayessynth synthesize' writes them.")
        files += found
    frames = [read(file) for file in files]
    record = paths[0] / "provenance.json"
    if len(paths) > 1 or not record.is_file():
        return frames
    return _with_provenance(frames, record)


def _with_provenance(frames: list[pd.DataFrame], record: Path) -> SyntheticData:
    from bayessynth.synthesis import SyntheticData

    try:
        provenance = json.loads(record.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{record} is no JSON: {error}. Write the copies again, or name the files.") from error
    return SyntheticData(lambda j, threads: iter([frames[j]]), len(frames), provenance)
