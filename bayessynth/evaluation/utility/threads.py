"""How many threads the classifiers of an evaluation use."""

from __future__ import annotations

from threadpoolctl import threadpool_limits


def one_thread() -> threadpool_limits:
    """Return a context in which boosted trees and linear algebra use one thread.

    Their threads wait for each other at every split and every product: a second one saves little on tables of this
    size, and costs ten times the time and more where another process has the processor.

    >>> with one_thread():
    ...     pass
    """
    return threadpool_limits(1)
