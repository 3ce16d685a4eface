"""Files of copies, drawn and written by the workers of a Dask cluster.

Nothing here is imported before a client is handed in: Dask is an extra.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

import dask
import distributed
import pyarrow as pa
from distributed.protocol.pickle import dumps, loads
from distributed.scheduler import KilledWorker

from bayessynth.errors import BayesSynthWarning, SynthesisError, warn
from bayessynth.synthesis.part_file import PartFile
from bayessynth.synthesis.source import Source

Told = list[tuple[type[BayesSynthWarning], str]]


def write_files(
    client: Any, source: Source, files: Sequence[PartFile], types: pa.Schema, directory: Path
) -> Generator[tuple[PartFile, int]]:
    """Yield files, with their rows, as workers finish them.

    A task draws and writes one file. If its worker dies, the scheduler gives the task to another; what was finished
    stays.

    Raises
    ------
    SynthesisError
        If the client is none of Dask's or not connected, the copies cannot be sent to other processes, workers die
        again and again, or they see another directory of that name.
    """
    if not isinstance(client, distributed.Client) or client.asynchronous:
        raise SynthesisError(f"client= takes a distributed.Client that is not asynchronous, not {client!r}.")
    try:
        packed = dumps(source)
    except Exception as error:
        raise SynthesisError(
            f"What makes the copies cannot be sent to other processes: {error}. Define build= at the top of a module, "
            "without open files or locks, or leave client= out."
        ) from error
    # Sent once and computed by a task, so that it can be had again when the worker that holds it dies.
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": len(packed) + (1 << 24)}):
        sent = client.submit(_received, packed, pure=False)
        futures = {client.submit(_write, file, sent, types, directory, pure=False): file for file in files}
    try:
        for future in distributed.as_completed(futures):
            rows, told = future.result()
            for category, message in told:
                warn(message, category)
            if futures[future].finished(directory, types) is None:
                raise SynthesisError(
                    f"A worker has written {futures[future].name}, but it is not in {directory} here: workers and "
                    "client must share the file system that the directory is on."
                )
            yield futures[future], rows
    except KilledWorker as error:
        raise SynthesisError(
            f"Workers died again and again while drawing copies; most often memory ran out: {error}. What is finished "
            "stays: call again with fewer threads a worker, or more memory."
        ) from error
    finally:
        client.cancel([*futures, sent])


def _received(packed: bytes) -> Source:
    """Unpack the source; all tasks of a worker then share it, and the plan of a copy that it keeps."""
    source: Source = loads(packed)
    return source


def _write(file: PartFile, source: Source, types: pa.Schema, directory: Path) -> tuple[int, Told]:
    """Write one file; return its rows, and the warnings to be issued where the user sees them."""
    with _EAR.listening() as heard:
        rows = file.write(source, types, directory, 1, lambda rows: None)
    return rows, list(dict.fromkeys(heard))


class _Ear:
    """Keeps this package's warnings, which a worker would print where nobody reads, while any task runs.

    What ``warnings`` does belongs to the process, so the threads of a worker share one ear; what one of them causes
    another may report.
    """

    def __init__(self) -> None:
        self._lock, self._stack, self._tasks = Lock(), ExitStack(), 0
        self._told: Told = []

    @contextmanager
    def listening(self) -> Iterator[Told]:
        """Collect warnings; the list is full when the block ends."""
        heard: Told = []
        with self._lock:
            if not self._tasks:
                self._stack.enter_context(warnings.catch_warnings())
                warnings.filterwarnings("always", category=BayesSynthWarning)
                warnings.showwarning = partial(self._hear, warnings.showwarning)
            self._tasks += 1
        try:
            yield heard
        finally:
            with self._lock:
                while self._told:
                    heard.append(self._told.pop(0))
                self._tasks -= 1
                if not self._tasks:
                    self._stack.close()

    def _hear(self, show: Callable[..., None], message: Warning, category: type[Warning], *place: Any) -> None:
        if issubclass(category, BayesSynthWarning):
            self._told.append((category, str(message)))
        else:
            show(message, category, *place)


_EAR = _Ear()
