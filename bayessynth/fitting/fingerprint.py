"""A fingerprint of a table, by which a fit recognises the data it was fitted to."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pandas as pd

from bayessynth.errors import DataError

#: What stands for the fingerprint where a formal release was fitted: nothing of the data is known but noisy statistics.
NOISY = "noisy statistics"


def fingerprint(frame: pd.DataFrame, columns: Sequence[str]) -> str:
    """Return a short hash of the given columns' values.

    >>> len(fingerprint(pd.DataFrame({"x": [1, 2]}), ["x"]))
    16
    """
    digest = hashlib.sha256()
    for column in columns:
        digest.update(column.encode())
        digest.update(pd.util.hash_pandas_object(frame[column], index=False, categorize=True).to_numpy().tobytes())
    return digest.hexdigest()[:16]


def fingerprint_of_rows(n: int) -> str:
    """Return what stands for the fingerprint where the rows were not seen together: their number.

    >>> fingerprint_of_rows(3)
    '3 rows'
    """
    return f"{n} rows"


def check_same(frame: pd.DataFrame, columns: Sequence[str], expected: str) -> None:
    """Raise a DataError unless the frame is the one with the expected fingerprint.

    Of a table of which only sufficient statistics were seen, no more is known than the number of rows; of one that was
    released with a formal guarantee, nothing.
    """
    if expected == NOISY:
        raise DataError(
            "This fit was made of noisy statistics (privacy=), so it cannot tell which table they are of, and its "
            "posterior is not the one given a table's rows: what needs both cannot be had of it."
        )
    missing = [c for c in columns if c not in frame]
    if missing:
        raise DataError(f"The data lack column {missing[0]!r}, which was fitted; hand in the table that was fitted.")
    if expected.endswith(" rows"):
        if fingerprint_of_rows(len(frame)) != expected:
            raise DataError(f"These are not the data that were fitted, which have {expected}, but {len(frame)} rows.")
        return
    if fingerprint(frame, columns) != expected:
        raise DataError(
            "These are not the data that were fitted: their values differ. Hand in the same table, or fit again."
        )
