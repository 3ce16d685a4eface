"""Copies to a directory of Parquet files, by threads of this process or by the workers of a cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from bayessynth.errors import SynthesisError
from bayessynth.fitting.cores import available_cores
from bayessynth.synthesis import part_file
from bayessynth.synthesis.manifest import manifest_of
from bayessynth.synthesis.part_file import PartFile
from bayessynth.synthesis.progress import reporting
from bayessynth.synthesis.source import Source

if TYPE_CHECKING:
    from distributed import Client


def write_parquet(
    source: Source, m: int, provenance: Mapping[str, Any], target: str | os.PathLike[str], client: Client | None,
    progress: bool,
) -> Path:  # fmt: skip
    """Write all copies, or what is missing of them; :meth:`SyntheticData.to_parquet` says how."""
    directory = Path(target).absolute()
    files = part_file.part_files(source, m)
    types = source.types()
    if "copy" in types.names:
        raise SynthesisError(
            "The table has a column 'copy' of its own, with which the directory's names would clash; use to_csv, or "
            "rename the column and fit again."
        )
    manifest = manifest_of(source, m, provenance, files, source.part and source.part * part_file.PARTS)
    manifest.open(directory, provenance)
    found = {file: file.finished(directory, types) for file in files}
    finished = {file: rows for file, rows in found.items() if rows is not None}
    missing = [file for file in files if file not in finished]
    known = [file.rows for file in missing if file.rows is not None]
    try:
        with reporting("Writing copies", sum(known) if len(known) == len(missing) else None, progress) as advance:
            work = _writing(source, missing, types, directory, client, advance)
            with closing(work):
                for file, rows in work:
                    finished[file] = rows
    finally:
        # Of a run that was broken off, other threads may have finished more than was told.
        unsure = {file: file.finished(directory, types) for file in missing if file not in finished}
        finished |= {file: rows for file, rows in unsure.items() if rows is not None}
        manifest.write(directory, finished)
    for left in directory.glob("copy=*/.part-*"):  # of writers that were killed
        left.unlink(missing_ok=True)
    return Path(target)


def _writing(
    source: Source, files: Sequence[PartFile], types: pa.Schema, directory: Path, client: Client | None,
    advance: Callable[[int], None],
) -> Generator[tuple[PartFile, int]]:  # fmt: skip
    """Yield every file that is finished, with its rows."""
    if not files:
        return
    if client is None:
        yield from _in_threads(source, files, types, directory, advance)
        return
    try:
        from bayessynth.synthesis.cluster import write_files
    except ImportError as error:
        raise SynthesisError(
            f"client= is for a distributed.Client, and Dask is not installed ({error}): pip install 'bayessynth[dask]'."
        ) from error
    for file, rows in write_files(client, source, files, types, directory):
        advance(rows)
        yield file, rows


def _in_threads(
    source: Source, files: Sequence[PartFile], types: pa.Schema, directory: Path, advance: Callable[[int], None]
) -> Generator[tuple[PartFile, int]]:
    """Write files in threads, each drawing and writing its own; fewer files than cores share the cores."""
    cores = available_cores()
    threads = max(1, cores // len(files))
    stopped = Event()

    def told(rows: int) -> None:
        if stopped.is_set():
            raise _Stopped
        advance(rows)

    with ThreadPoolExecutor(min(cores, len(files))) as pool:
        futures = {pool.submit(file.write, source, types, directory, threads, told): file for file in files}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)


class _Stopped(Exception):
    """Another thread failed, or the user interrupted."""
