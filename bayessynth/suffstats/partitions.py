"""Sufficient statistics of a Dask frame: every partition is reduced where it is, and only statistics travel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dask
import pandas as pd

from bayessynth.design.bind import Missing
from bayessynth.errors import BayesSynthError, DataError
from bayessynth.schema import Schema
from bayessynth.schema.validate import check_frame
from bayessynth.spec import Spec
from bayessynth.suffstats.chunks import LEAST, Chunk, chunks, source_of
from bayessynth.suffstats.learn import Learnt, learn
from bayessynth.suffstats.statistics import SufficientStatistics
from bayessynth.suffstats.stream import needed, of_chunks

# Statistics that are added up in one task.
_AT_A_TIME = 8


def of_partitions(
    spec: Spec, data: Any, schema: Schema | None, missing: Missing, learnt: Learnt | None
) -> SufficientStatistics:  # fmt: skip
    """Reduce a Dask frame, partition by partition, by the scheduler that Dask is set to.

    They are added up in the order of the partitions, so that the result has the same bytes whatever the number of
    workers and whatever becomes of one. What is learnt from rows is learnt from the first partitions that have 100,000
    rows together, or from all.

    Parameters
    ----------
    spec : Spec
    data : dask.dataframe.DataFrame
    schema : Schema or None
    missing : {"error", "drop"}
    learnt : Learnt or None

    Raises
    ------
    DataError
        If ``data`` is no frame, or is empty; and all that a table may raise.
    """
    if not (hasattr(data, "to_delayed") and getattr(data, "ndim", 0) == 2):
        raise DataError(f"Of Dask's collections a DataFrame is needed, not {type(data).__name__}.")
    source = source_of(pd.DataFrame(columns=list(data.columns)))
    frame = data[needed(spec, source, schema, learnt)] if source.names else data
    parts = frame.to_delayed()
    shared = dask.delayed(learnt or _learnt(spec, schema, missing, parts))
    tasks = [dask.delayed(_reduce)(spec, part, missing, shared, i) for i, part in enumerate(parts)]
    while len(tasks) > 1:
        tasks = [dask.delayed(_sum)(tasks[i : i + _AT_A_TIME]) for i in range(0, len(tasks), _AT_A_TIME)]
    total = dask.compute(tasks[0])[0] if tasks else None
    if total is None:
        raise DataError("The table is empty: 0 rows.")
    return total


def _learnt(spec: Spec, schema: Schema | None, missing: Missing, parts: Sequence[Any]) -> Learnt:
    """Learn from the first partitions, of which twice as many are taken until their rows are enough."""
    count, found = 1, None
    while found is None:
        last = count >= len(parts)
        found = dask.compute(dask.delayed(_learn)(spec, schema, missing, parts[:count], last))[0]
        count *= 2
    return found


def _learn(
    spec: Spec, schema: Schema | None, missing: Missing, parts: Sequence[pd.DataFrame], last: bool
) -> Learnt | None:  # fmt: skip
    """Learn from partitions, if they have rows enough or are the last."""
    if sum(map(len, parts)) < LEAST and not last:
        return None
    frame = pd.concat(list(parts), ignore_index=True)
    check_frame(frame)
    return learn(spec, Chunk(frame), schema, missing).learnt


def _reduce(
    spec: Spec, part: pd.DataFrame, missing: Missing, learnt: Learnt, number: int
) -> SufficientStatistics | None:  # fmt: skip
    """Reduce one partition; an error says which, since rows are counted within it."""
    if not len(part):
        return None
    try:
        return of_chunks(spec, chunks(source_of(part), list(part)), None, missing, learnt, "Dask frame")
    except BayesSynthError as error:
        raise type(error)(f"Partition {number}, rows counted within it: {error}") from error


def _sum(statistics: Sequence[SufficientStatistics | None]) -> SufficientStatistics | None:
    """Add statistics up in their order; those of empty partitions are None."""
    total = None
    for one in statistics:
        total = one if total is None else total if one is None else total + one
    return total
