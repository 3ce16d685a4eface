"""Exceptions and warnings: what is wrong, where (column, rows), what to do.

Every error that a user can reach is a :class:`BayesSynthError`. Its message names the thing, the place and
the remedy; the two functions at the end write the parts that many messages share.
"""

from __future__ import annotations

import difflib
import os
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np


class BayesSynthError(Exception):
    """Base of every error that bayessynth raises on purpose."""


class SchemaError(BayesSynthError, ValueError):
    """A column's declared kind, levels or bounds do not hold together or do not fit the data."""


class DataError(BayesSynthError, ValueError):
    """The data handed in cannot be used as they are."""


class MissingDataError(DataError):
    """Cells are missing where the model needs them."""


class FormulaError(BayesSynthError, ValueError):
    """A formula cannot be parsed, or uses something outside the allowed language."""


class SpecError(BayesSynthError, ValueError):
    """Equations, families, priors or levels of a spec do not fit each other."""


class FitError(BayesSynthError, RuntimeError):
    """Fitting failed, or the fit cannot be used for what was asked."""


class SynthesisError(BayesSynthError, ValueError):
    """Copies cannot be drawn as asked."""


class StorageError(BayesSynthError, OSError):
    """A saved spec or fit is missing, damaged, or written by a newer version."""


class PrivacyError(BayesSynthError, ValueError):
    """A formal guarantee cannot be given as asked, or its budget does not suffice."""


class BayesSynthWarning(UserWarning):
    """Base of every warning that bayessynth issues."""


class MissingRowsWarning(BayesSynthWarning):
    """Rows with missing cells are left out of an equation."""


class GroupWarning(BayesSynthWarning):
    """A grouping factor carries too little information for what is asked of it."""


class DiagnosticsWarning(BayesSynthWarning):
    """A fit should not be trusted without a look."""


class EngineWarning(BayesSynthWarning):
    """An equation is fitted in another, slower way than others of its kind."""


class DisclosureWarning(BayesSynthWarning):
    """A choice keeps something of the original records in what is released."""


class PrivacyWarning(BayesSynthWarning):
    """What is released does not protect anybody."""


class ConditioningWarning(BayesSynthWarning):
    """Draws given some columns lean on few proposals."""


class TableWarning(BayesSynthWarning):
    """Tables that are compared differ in their columns, or in how values are written."""


class PoolingWarning(BayesSynthWarning):
    """A result pooled over copies should be read with care."""


class PrecisionWarning(BayesSynthWarning):
    """Values are changed because a column's dtype cannot hold them."""


class FormatWarning(BayesSynthWarning):
    """How a column is written is ambiguous, or is not kept cell by cell."""


def warn(message: str, category: type[BayesSynthWarning]) -> None:
    """Issue a warning that points at the user's line, not at one of the library's."""
    warnings.warn(message, category, skip_file_prefixes=(os.path.dirname(__file__),))


def suggest(name: str, candidates: Iterable[str]) -> str:
    """Return ``" Did you mean 'age'?"`` for the nearest candidate, or an empty string.

    >>> suggest("agee", ["age", "income"])
    " Did you mean 'age'?"
    """
    nearest = difflib.get_close_matches(name, list(candidates), n=1, cutoff=0.6)
    return f" Did you mean {nearest[0]!r}?" if nearest else ""


def where(column: str, mask: np.ndarray, values: Sequence[Any] | np.ndarray) -> str:
    """Describe the rows of a column at which ``mask`` is true.

    >>> where("age", np.array([False, True]), [3, -1])
    "column 'age', 1 of 2 rows, the first is row 1: -1"
    """
    rows = np.flatnonzero(mask)
    first = int(rows[0])
    value = values[first]
    value = value.item() if isinstance(value, np.generic) else value
    return f"column {column!r}, {len(rows)} of {len(mask)} rows, the first is row {first}: {value!r}"
