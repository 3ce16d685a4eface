"""One Arrow schema for all parts of all copies, whatever the cells of a part happen to be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from bayessynth.errors import SynthesisError
from bayessynth.schema import Schema
from bayessynth.schema.column import CODES
from bayessynth.synthesis.labels import Labels, Numbered


def types_of_frame(frame: pd.DataFrame) -> pa.Schema:
    """Return the Arrow schema of a frame, with what pandas must know to restore its dtypes.

    Raises
    ------
    SynthesisError
        If a column mixes types, which Parquet cannot hold.
    """
    try:
        return pa.Schema.from_pandas(frame, preserve_index=False)
    except pa.ArrowException as error:
        raise SynthesisError(f"Parquet cannot hold the copies: {error}. Use to_csv.") from error


def types_of(schema: Schema, labels: Mapping[str, Labels], kept: pd.DataFrame | None = None) -> pa.Schema:
    """Return the Arrow schema of copies, from what is known before any is drawn.

    Parameters
    ----------
    schema : Schema
    labels : mapping of str to Labels
        Of group columns; those with the largest numbers, where they differ by copy.
    kept : DataFrame, optional
        Columns that copies take over as they are.

    Examples
    --------
    >>> import bayessynth as bs
    >>> types = types_of(bs.Schema(sick=bs.Binary("no", "yes"), age=bs.Count(bounds=(0, 110))), {})
    >>> types.names, str(types.field("age").type)
    (['sick', 'age'], 'int64')
    """
    written = {name: _written(known) for name, known in labels.items()}
    taken = {} if kept is None else {name: kept[name].reset_index(drop=True) for name in kept}
    longest = max([1, *(len(column.levels) for column in schema.values()), *map(len, written.values())])
    n = longest if kept is None else len(kept)
    arrays = {
        c: np.arange(n) % len(written.get(c, schema[c].levels)) if schema[c].kind in CODES
        else np.full(n, 0.5 if schema[c].kind == "proportion" else 1.0)
        for c in schema if c not in taken
    }  # fmt: skip
    example = schema.decode(arrays, labels=written)
    types = types_of_frame(pd.DataFrame({c: taken.get(c, example.get(c)) for c in schema}))
    for name in written:
        place = types.get_field_index(name)
        own = types.field(place).type
        if pa.types.is_dictionary(own):  # copies differ in how many groups they have
            types = types.set(place, pa.field(name, pa.dictionary(pa.int32(), own.value_type, own.ordered)))
    return types


def _written(known: Labels) -> list[Any]:
    """Return labels that stand for all: the last of a sequence of numbers is the one hardest to hold."""
    return list(known.values[-1:] if isinstance(known.values, range | Numbered) else known.values)


def table_of(frame: pd.DataFrame, types: pa.Schema, copy: int) -> pa.Table:
    """Return a part as an Arrow table of the given types.

    Raises
    ------
    SynthesisError
        If the part has other columns, or cells that the types cannot hold.
    """
    if list(frame) != types.names:
        raise SynthesisError(f"Copy {copy} has columns {list(frame)}, the first one {types.names}; they must agree.")
    try:
        table = pa.Table.from_pandas(frame, schema=types, preserve_index=False, nthreads=1)
    except pa.ArrowException as error:
        raise SynthesisError(
            f"Copy {copy} has cells of other types than the first one: {error}. Give all copies the same dtypes."
        ) from error
    # What pandas wrote of this part's dtypes would differ from the other parts'.
    return table.replace_schema_metadata(types.metadata)
