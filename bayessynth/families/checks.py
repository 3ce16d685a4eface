"""Checks of encoded values that several families share."""

from __future__ import annotations

from typing import Any

import numpy as np

from bayessynth.errors import DataError, where


def require(ok: np.ndarray, y: np.ndarray, column: str, need: str, remedy: str) -> None:
    """Raise a DataError that names the rows where ``ok`` is false.

    Examples
    --------
    >>> y = np.array([1.0, -2.0])
    >>> require(y > 0, y, "y", "values above 0", "Use.")
    Traceback (most recent call last):
    ...
    bayessynth.errors.DataError: Needs values above 0: column 'y', 1 of 2 rows, the first is row 1: -2.0. Use.
    """
    bad = ~np.broadcast_to(ok, np.shape(y))
    if bad.any():
        raise DataError(f"Needs {need}: {where(column, bad, y)}. {remedy}")


def finite(y: Any, column: str, **options: Any) -> None:
    """Check that every value is a finite number.

    >>> finite(np.array([1.0, 2.0]), "age")
    """
    y = np.asarray(y, dtype=float)
    require(np.isfinite(y), y, column, "finite values", "Fill or drop missing cells, and correct infinite ones.")


def counts(y: Any, column: str, remedy: str = "Use family='normal', or correct the values.") -> None:
    """Check that every value is a whole number of at least 0.

    >>> counts(np.array([0.0, 3.0]), "visits")
    """
    finite(y, column)
    y = np.asarray(y, dtype=float)
    require((y >= 0) & (y == np.floor(y)), y, column, "whole numbers from 0", remedy)


def counts_only(y: Any, column: str, **options: Any) -> None:
    """Check counts for a family without options.

    >>> counts_only(np.array([0.0, 3.0]), "visits")
    """
    counts(y, column)


def positive(y: Any, column: str, **options: Any) -> None:
    """Check that every value is above 0.

    >>> positive(np.array([0.1, 3.0]), "income")
    """
    finite(y, column)
    y = np.asarray(y, dtype=float)
    remedy = "Use family='semicontinuous' for exact zeros, or family='normal' for values below 0."
    require(y > 0, y, column, "values above 0", remedy)


def codes(y: Any, column: str, **options: Any) -> None:
    """Check that every value is the code of a level.

    >>> codes(np.array([0, 2]), "stage")
    """
    y = np.asarray(y)
    values = y.astype(float)
    whole = np.isfinite(values) & (values == np.floor(values))
    require(whole, y, column, "whole codes", "Encode the column with its schema.")
    require(values >= 0, y, column, "codes from 0", "Code -1 is a missing cell: fill or drop it.")
