"""The unit of privacy: whose presence a release hides, and in what sense two tables are neighbours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from bayessynth.errors import PrivacyError
from bayessynth.privacy.cells import names
from bayessynth.privacy.domain import Domain

Relation = Literal["add_remove", "replace_one"]


@dataclass(frozen=True)
class Unit:
    """State whose data a release hides: one record's, or all of one person's.

    Two tables are neighbours if one has a unit more (``"add_remove"``; the number of rows is private), or if one unit's
    data differ (``"replace_one"``; the number of units is public). The relation is stated here once for all.

    A person's rows beyond ``cap`` are left out: those kept stand at fixed places among the person's own rows, in the
    order of a hash of the place, whatever rows others have. Rows without a name are left out. A cap changes what is
    estimated: the table with at most ``cap`` rows a person.

    Parameters
    ----------
    person : str, optional
        The column that names persons; without it every record is a unit.
    cap : int, optional
        How many rows of a person are used at most; needed with ``person``.
    relation : {"add_remove", "replace_one"}

    Raises
    ------
    PrivacyError
        If a person has no cap, or a record has one.

    Examples
    --------
    >>> import bayessynth as bs
    >>> bs.Unit("patient", cap=3)
    Unit(person='patient', cap=3, relation='add_remove')
    """

    person: str | None = None
    cap: int = 1
    relation: Relation = "add_remove"

    def __post_init__(self) -> None:
        if self.relation not in ("add_remove", "replace_one"):
            raise PrivacyError(f"Unit(…, relation={self.relation!r}) is not one of 'add_remove', 'replace_one'.")
        if isinstance(self.cap, bool) or not isinstance(self.cap, int) or self.cap < 1:
            raise PrivacyError(f"Unit(…, cap={self.cap!r}): state how many rows of a person are used, 1 or more.")
        if self.person is None and self.cap != 1:
            raise PrivacyError("Unit(cap=…) caps the rows of a person; name the column, Unit('patient', cap=3).")

    @property
    def adds(self) -> bool:
        """Whether neighbours differ by the presence of a unit."""
        return self.relation == "add_remove"

    def counts(self, domain: Domain, columns: Iterable[str]) -> bool:
        """Return whether the number of rows that enter a statistic of these columns is public."""
        return self.person is None and not self.adds and domain.complete(columns)

    def keep(self, frame: pd.DataFrame) -> np.ndarray:
        """Return which rows are used, shape (n,).

        >>> Unit("p", cap=1).keep(pd.DataFrame({"p": ["a", "b", "a", None]})).tolist()
        [False, True, True, False]
        """
        if self.person is None:
            return np.ones(len(frame), dtype=bool)
        person = names(frame[self.person])
        place = pd.Series(person).groupby(person).cumcount().to_numpy()
        order = np.lexsort((_hash(place), person))
        rank = np.empty(len(frame), dtype=np.int64)
        sorted_persons = person[order]
        rank[order] = np.arange(len(frame)) - np.searchsorted(sorted_persons, sorted_persons)
        return (rank < self.cap) & (person >= 0)


def _hash(place: np.ndarray) -> np.ndarray:
    """Return SplitMix64 of whole numbers (Steele, Lea & Flood 2014), which differ where these do."""
    x = (place.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
    return x ^ (x >> np.uint64(31))
