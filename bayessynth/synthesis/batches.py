"""Frames of one size out of frames of another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pandas as pd


def cut(frames: Iterable[pd.DataFrame], rows: int | None) -> Iterator[pd.DataFrame]:
    """Yield the same rows in frames of a given number of rows; by default in the frames that there are.

    >>> frames = [pd.DataFrame({"x": [1, 2, 3]}), pd.DataFrame({"x": [4, 5]})]
    >>> [frame["x"].tolist() for frame in cut(frames, 2)]
    [[1, 2], [3, 4], [5]]
    """
    if rows is None:
        yield from (frame.reset_index(drop=True) for frame in frames)
        return
    held: list[pd.DataFrame] = []
    count = 0
    for frame in frames:
        held.append(frame)
        count += len(frame)
        if count < rows:
            continue
        joined = pd.concat(held, ignore_index=True) if len(held) > 1 else frame
        whole = count - count % rows
        for start in range(0, whole, rows):
            yield joined.iloc[start : start + rows].reset_index(drop=True)
        held, count = [joined.iloc[whole:]], count - whole
    if count:
        yield pd.concat(held, ignore_index=True)
