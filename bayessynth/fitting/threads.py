"""Work over many points in threads; results do not depend on how many there are."""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

import scipy.linalg  # noqa: F401, so that its library of linear algebra is among those that are found
from threadpoolctl import ThreadpoolController

# Points that a thread takes at a time: few enough that all threads end at about the same time.
_AT_A_TIME = 50


def one_thread() -> AbstractContextManager[object]:
    """Give linear algebra one thread: sums must not depend on how many cores there are.

    >>> with one_thread():
    ...     pass
    """
    return _libraries().limit(limits=1)


@functools.cache
def _libraries() -> ThreadpoolController:
    # Looking for them takes longer than fitting a small equation.
    return ThreadpoolController()


def in_threads(work: Callable[[slice], object], count: int, threads: int, at_a_time: int = _AT_A_TIME) -> None:
    """Call ``work`` with slices that cover ``range(count)``; it gives the interpreter's lock back and fills arrays.

    >>> out = [0] * 3
    >>> in_threads(lambda rows: out.__setitem__(rows, [1] * len(out[rows])), 3, 2, at_a_time=2)
    >>> out
    [1, 1, 1]
    """
    runs = [slice(start, min(start + at_a_time, count)) for start in range(0, count, at_a_time)]
    if threads <= 1 or len(runs) <= 1:
        for run in runs:
            work(run)
        return
    with ThreadPoolExecutor(min(threads, len(runs))) as pool:
        for _ in pool.map(work, runs):
            pass
