"""How many cores there are."""

from __future__ import annotations

import os


def available_cores() -> int:
    """Return the number of cores that this process may use.

    >>> available_cores() > 0
    True
    """
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
