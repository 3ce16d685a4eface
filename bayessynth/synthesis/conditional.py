"""Columns that are given rather than drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from bayessynth.design import Bound
from bayessynth.design.grouping import group
from bayessynth.errors import SynthesisError, suggest


@dataclass(frozen=True)
class Given:
    """Encoded columns that a copy takes as they stand.

    Attributes
    ----------
    rows : mapping of str to ndarray
        Columns with one value a row.
    upper : mapping of str to ndarray
        Columns with one value a top-level group.
    n_top : int
        Number of top-level groups, if they are what is given.
    codes, labels : mapping
        Groups of the rows, if given.
    observed : bool
        Whether the groups are the original's, with their effects.
    """

    rows: Mapping[str, np.ndarray] = field(default_factory=dict)
    upper: Mapping[str, np.ndarray] = field(default_factory=dict)
    n_top: int = 0
    codes: Mapping[str, np.ndarray] = field(default_factory=dict)
    labels: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    observed: bool = False


def read_given(bound: Bound, frame: pd.DataFrame, observed: bool = False) -> Given:
    """Check and encode a frame of given columns.

    Raises
    ------
    SynthesisError
        If a column is unknown, if one depends on a column that is not given (conditioning on it would change what
        comes before), or if only part of the grouping columns are given.
    """
    if not isinstance(frame, pd.DataFrame) or frame.empty:
        raise SynthesisError("given= must be a DataFrame with at least one row and one column.")
    group_columns = tuple(dict.fromkeys(c for columns in bound.plan.columns.values() for c in columns))
    for column in frame:
        if column not in bound.schema:
            raise SynthesisError(
                f"given= has column {column!r}, which the fit does not.{suggest(str(column), bound.schema)}"
            )
    values = [c for c in bound.schema if c in frame and c not in group_columns]
    _check_upstream(bound, values)
    schema = bound.schema.subset(list(frame.columns))
    schema.validate(frame)
    encoded = schema.encode(frame, columns=list(frame.columns))
    arrays = {c: encoded[c] for c in values}
    chain = bound.plan.chain
    named = [c for c in group_columns if c in frame]
    if not named:
        if chain and values and all(bound.levels[c] == chain[0] for c in values):
            return Given(upper=arrays, n_top=len(frame))
        upper = [c for c in values if bound.levels[c] != "row"]
        if upper:
            raise SynthesisError(
                f"given= has the group-level column {upper[0]!r} beside row-level ones; give the grouping columns "
                f"{', '.join(group_columns)} too, or group-level columns of {chain[0]!r} alone, one row a group."
            )
        return Given(rows=arrays)
    if len(named) < len(group_columns):
        missing = [c for c in group_columns if c not in named]
        raise SynthesisError(
            f"given= has {', '.join(named)} but not {', '.join(missing)}; give all grouping columns or none."
        )
    grouping = group(encoded, tuple(bound.plan.columns.values()), at_least=1)
    return Given(rows=arrays, codes=grouping.codes, labels=grouping.labels, observed=observed)


def _check_upstream(bound: Bound, given: list[str]) -> None:
    for column in given:
        if column not in bound.spec:
            continue
        unmet = [c for c in bound.spec[column].columns if c not in given]
        if unmet:
            raise SynthesisError(
                f"given= has {column!r}, which depends on {', '.join(unmet)}: rows given the former would need the "
                "latter's distribution given it. Give those columns too."
            )
