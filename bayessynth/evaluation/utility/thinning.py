"""Fewer rows for costly measures, and the note that says so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bayessynth.evaluation.tables import Tables


def thinned(tables: Tables, default: int, name: str) -> tuple[Tables, tuple[str, ...]]:
    """Return the tables with at most so many rows each, drawn at random, and a note if that took any away.

    Parameters
    ----------
    tables : Tables
    default : int
        Rows of each table, unless ``tables.max_rows`` says otherwise.
    name : str
        Names the random stream.

    Examples
    --------
    >>> import pandas as pd
    >>> from bayessynth.evaluation.tables import read_tables
    >>> df = pd.DataFrame({"x": range(100)})
    >>> fewer, notes = thinned(read_tables(df, [df[:30]]), 40, "example")
    >>> fewer.n, fewer.k, notes
    (40, 30, ('Computed on at most 40 randomly drawn rows of each table (the original has 100, a copy 30).',))
    """
    cap = tables.max_rows or default
    held = tables.holdout
    if max(tables.n, *(c.n for c in tables.copies), held.n if held else 0) <= cap:
        return tables, ()
    rng = tables.rng("thinned", name)

    def some(n: int) -> np.ndarray:
        return np.sort(rng.permutation(n)[:cap])

    own, drawn = some(tables.n), [some(c.n) for c in tables.copies]
    kept = some(held.n) if held else np.empty(0, int)
    fewer = replace(
        tables, original=tables.original.take(own), original_frame=tables.original_frame.iloc[own],
        copies=tuple(c.take(rows) for c, rows in zip(tables.copies, drawn, strict=True)),
        copy_frames=tuple(f.iloc[rows] for f, rows in zip(tables.copy_frames, drawn, strict=True)),
        holdout=held.take(kept) if held else None,
        holdout_frame=None if tables.holdout_frame is None else tables.holdout_frame.iloc[kept], cache={},
    )  # fmt: skip
    beside = f"the original has {tables.n:,}, a copy {tables.k:,}" + (f", the holdout {held.n:,}" if held else "")
    return fewer, (f"Computed on at most {cap:,} randomly drawn rows of each table ({beside}).",)
