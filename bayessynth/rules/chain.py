"""Columns in ascending order: the limits that some of them put on another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bayessynth.errors import SpecError
from bayessynth.rules.cells import exceeds, numbers, require_modelled
from bayessynth.rules.grid import at_least, at_most
from bayessynth.rules.rule import Arrays
from bayessynth.schema import Schema
from bayessynth.schema.column import NUMBERS


def check_chain(columns: Sequence[str], schema: Schema, rule: object) -> None:
    """Raise a SpecError unless all columns are numbers, or all are times, and no column occurs twice."""
    if len(columns) < 2 or len(set(columns)) < len(columns):
        raise SpecError(f"{rule}: name at least two columns, each once.")
    for name in columns:
        require_modelled(schema[name], rule, NUMBERS, "numbers or times")
    times = [name for name in columns if schema[name].kind == "datetime"]
    if times and len(times) < len(columns):
        other = next(name for name in columns if name not in times)
        raise SpecError(f"{rule}: column {times[0]!r} holds times and column {other!r} numbers; they do not compare.")


def chain_limits(
    chain: Sequence[str], strict: Sequence[bool], column: str, arrays: Arrays, schema: Schema, n: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the limits of one column of an ascending chain, given those of the others that are known.

    Room is left for columns in between that are yet to be drawn, each on its own grid. ``strict`` tells of every two
    neighbours whether they must differ.
    """
    place = chain.index(column)
    lower, upper = np.full(n, -np.inf), np.full(n, np.inf)
    for name, apart in zip(chain[:place], (False, *strict), strict=False):
        lower = at_least(lower, schema[name], apart)
        if name in arrays:
            known = numbers(name, arrays, schema)
            lower = np.where(np.isnan(known), lower, np.fmax(lower, known))
    for name, apart in zip(reversed(chain[place + 1 :]), (False, *reversed(strict)), strict=False):
        upper = at_most(upper, schema[name], apart)
        if name in arrays:
            known = numbers(name, arrays, schema)
            upper = np.where(np.isnan(known), upper, np.fmin(upper, known))
    from_below, from_above = place > 0 and strict[place - 1], place < len(strict) and strict[place]
    return at_least(lower, schema[column], from_below), at_most(upper, schema[column], from_above)


def chain_broken(chain: Sequence[str], strict: Sequence[bool], frame: pd.DataFrame) -> np.ndarray:
    """Return which rows of a table are not in ascending order; missing cells are passed over."""
    broken = np.zeros(len(frame), dtype=bool)
    for place, low in enumerate(chain):
        for after, high in enumerate(chain[place + 1 :], place + 1):
            broken |= exceeds(frame[low], frame[high], any(strict[place:after]))
    return broken
