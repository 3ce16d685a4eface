"""Folders of tables: read, and written copy by copy."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from bayessynth._version import __version__
from bayessynth.errors import DataError, SynthesisError
from bayessynth.fitting import read as read_table
from bayessynth.synthesis.manifest import MANIFEST, PROVENANCE, check_new
from bayessynth.synthesis.progress import reporting

if TYPE_CHECKING:
    from bayessynth.database.copies import SyntheticDatabase

# Files that are tables, by how their names end.
ENDINGS = (".csv", ".csv.gz", ".parquet")
FORMAT = 1


def read(folder: str | os.PathLike[str]) -> dict[str, pd.DataFrame]:
    """Read the tables of a folder, by the names of their files.

    Raises
    ------
    DataError
        If there is no such folder, it holds no table or two of one name, or a file cannot be read.
    """
    source = Path(folder)
    if not source.is_dir():
        raise DataError(f"{source} is no folder; name one that holds the tables as CSV or Parquet files.")
    found: dict[str, Path] = {}
    for path in sorted(source.iterdir()):
        ending = next((e for e in ENDINGS if path.name.endswith(e)), None)
        if ending is None or path.name.startswith((".", "_")) or not path.is_file():
            continue
        name = path.name.removesuffix(ending)
        if name in found:
            raise DataError(f"{source} holds table {name!r} twice, {found[name].name} and {path.name}; take one away.")
        found[name] = path
    if not found:
        raise DataError(f"{source} holds no table: no file that ends with {', '.join(ENDINGS)}.")
    return {name: read_table(path) for name, path in found.items()}


def _parquet(frame: pd.DataFrame, path: Path, table: str) -> None:
    try:
        frame.to_parquet(path, index=False)
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise SynthesisError(f"Parquet cannot hold table {table!r}: {error}. Use to_csv.") from error


def _csv(frame: pd.DataFrame, path: Path, table: str) -> None:
    frame.to_csv(path, index=False)


_WRITERS: dict[str, Callable[[pd.DataFrame, Path, str], None]] = {"parquet": _parquet, "csv": _csv}


def write(
    copies: SyntheticDatabase, directory: str | os.PathLike[str], ending: str, cores: int | None, progress: bool
) -> Path:
    """Write all copies, or what is missing of them; :meth:`SyntheticDatabase.to_parquet` says how."""
    target = Path(directory)
    state = _state(copies, ending)
    _open(target, state, copies.provenance)
    with reporting("Writing copies", copies.m, progress) as advance:
        missing = [number for number in range(copies.m) if not (target / f"copy={number}").is_dir()]
        advance(copies.m - len(missing))
        with closing(copies.drawn(missing, cores)) as drawn:
            for number, tables in drawn:
                _write_copy(tables, target, target / f"copy={number}", ending)
                advance(1)
    for left in target.glob(".copy=*"):  # of writers that were killed
        shutil.rmtree(left, ignore_errors=True)
    _replace(target / MANIFEST, {**state, "complete": True})
    return target


def _write_copy(tables: Mapping[str, pd.DataFrame], target: Path, final: Path, ending: str) -> None:
    """Write one copy under a temporary name, which readers skip, and rename it when it is whole."""
    temporary = target / f".{final.name}.{uuid.uuid4().hex}"
    temporary.mkdir()
    try:
        for table, frame in tables.items():
            _WRITERS[ending](frame, temporary / f"{table}.{ending}", table)
        temporary.rename(final)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _state(copies: SyntheticDatabase, ending: str) -> dict[str, Any]:
    """Return what a folder of copies is of."""
    record = {k: v for k, v in copies.provenance.items() if k != "fit"}
    fit = {k: v for k, v in copies.provenance["fit"].items() if "seconds" not in k}
    request = json.dumps([record, fit, ending, __version__], sort_keys=True, default=str)
    return {
        "format": FORMAT, "request": hashlib.sha256(request.encode()).hexdigest()[:32], "m": copies.m,
        "random_seed": copies.provenance["random_seed"], "tables": list(copies.tables), "complete": False,
    }  # fmt: skip


def _open(target: Path, state: Mapping[str, Any], provenance: Mapping[str, Any]) -> None:
    """Begin a new directory, or go on with one of the same request."""
    path = target / MANIFEST
    if not path.is_file():
        check_new(target)
        target.mkdir(parents=True, exist_ok=True)
        _replace(path, state)
        _replace(target / PROVENANCE, provenance)
        return
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        same = found["request"] == state["request"]
    except (ValueError, KeyError, TypeError):
        raise SynthesisError(f"{path} is damaged; delete the directory, or name another.") from None
    if not same:
        raise SynthesisError(
            f"{target} exists already and holds copies of another request (m={found['m']}, random seed "
            f"{found['random_seed']}; asked for are m={state['m']}, random seed {state['random_seed']}). Name a new "
            "directory, or delete this one."
        )


def _replace(path: Path, content: Mapping[str, Any]) -> None:
    """Write a file so that it is the old one or the new one at any time."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(content, indent=1, default=str), encoding="utf-8")
    temporary.replace(path)
