"""Tables as they are written: text that stands for numbers or times."""

from __future__ import annotations

import warnings

import pandas as pd

from bayessynth.errors import DataError, SchemaError
from bayessynth.schema import Schema


def plain_tables(frames: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """Return tables with text that stands for numbers or times in the first one replaced, where all can be read so.

    >>> original = pd.DataFrame({"pay": ["1,200.50", "980.00", "1,050.25"]})
    >>> [frame["pay"].tolist() for frame in plain_tables([original, original.head(1)])]
    [[1200.5, 980.0, 1050.25], [1200.5]]
    """
    text = frames[0].select_dtypes(["object", "string"])
    if text.empty:
        return frames
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            schema = Schema.detect(text)
    except (DataError, SchemaError):
        return frames
    for name in (c.name for c in schema.values() if c.format is not None):
        try:
            frames = [schema.subset([name]).plain(frame) for frame in frames]
        except SchemaError:
            continue
    return frames
