"""Labels of new groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from bayessynth.design import GroupPlan
from bayessynth.errors import SynthesisError
from bayessynth.schema import Schema
from bayessynth.synthesis.groups import Groups


def owners(plan: GroupPlan) -> dict[str, str]:
    """Return the factor whose groups give each group column its labels."""
    found: dict[str, str] = {}
    for factor, columns in sorted(plan.columns.items(), key=lambda item: len(item[1])):
        found.setdefault(columns[-1], factor)
    return found


def label(column: str, schema: Schema, plan: GroupPlan, groups: Groups) -> tuple[np.ndarray, Sequence[Any]]:
    """Return the label of every row's group as codes and a list of labels.

    New groups get labels of their own, numbers where the original's are numbers: ``1, 2, …`` or ``site_001, …``.
    Labels that began anew within each group above do so here.
    """
    factor = owners(plan)[column]
    codes = groups.codes("row", factor)
    if factor in groups.labels:
        labels = groups.labels[factor]
        if isinstance(labels[0], tuple):
            position = plan.columns[factor].index(column)
            distinct, inverse = np.unique(
                np.asarray([lab[position] for lab in labels], dtype=object), return_inverse=True
            )
            return inverse[codes], list(distinct)
        return codes, labels
    count = groups.sizes[factor]
    if factor in plan.reused:
        above = plan.columns[factor][:-1]
        upper = next((f for f, columns in plan.columns.items() if columns == above), None)
        if upper is not None and upper in groups.chain and factor in groups.chain:
            numbers = _within(groups.codes(factor, upper))
            return numbers[codes], _written(column, schema, int(numbers.max()) + 1)
    return codes, _written(column, schema, count)


def _within(parents: np.ndarray) -> np.ndarray:
    """Number units from zero within each parent; units are sorted by parent."""
    starts = np.r_[0, np.flatnonzero(np.diff(parents)) + 1]
    return np.arange(len(parents)) - np.repeat(starts, np.diff(np.r_[starts, len(parents)]))


def _written(column: str, schema: Schema, count: int) -> Sequence[Any]:
    dtype = pd.api.types.pandas_dtype(schema[column].dtype)
    truth = pd.api.types.is_bool_dtype(dtype)
    if truth or pd.api.types.is_datetime64_any_dtype(dtype):
        raise SynthesisError(
            f"Grouping column {column!r} is of dtype {dtype}, in which new groups have no labels of their own. Fit it "
            f"as text, df[{column!r}].astype(str), or as a category."
        )
    if schema[column].labels == "int" or pd.api.types.is_numeric_dtype(dtype):
        return range(1, count + 1)
    width = len(str(count))
    return [f"{column}_{i:0{width}d}" for i in range(1, count + 1)]
