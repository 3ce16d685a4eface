"""Work over many points in threads; results do not depend on how many there are."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

# Points that a thread takes at a time: few enough that all threads end at about the same time.
_AT_A_TIME = 50


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
