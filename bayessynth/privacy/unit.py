"""The unit of privacy: whose presence a release hides, and in what sense two tables are neighbours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from bayessynth.errors import PrivacyError
from bayessynth.privacy.cells import names
from bayessynth.privacy.domain import Domain

Relation = Literal["add_remove", "replace_one"]
_PARTS = 1 << 20


@dataclass(frozen=True)
class Unit:
    """State whose data a release hides: one record's, or all of one person's.

    Two tables are neighbours if one has a unit more (``"add_remove"``; the number of rows is private), or if one unit's
    data differ (``"replace_one"``; the number of units is public). The relation is stated here once for all.

    With a ``cap``, a person's rows beyond it are left out: those kept stand at fixed places among the person's own
    rows, in the order of a hash of the place, whatever rows others have. With ``weighted=True`` no row is left out, and
    each of a person's k rows counts 1/k. Rows without a name are left out. Either changes what is estimated: the table
    with at most ``cap`` rows a person, or one in which every person counts as one row, whichever of theirs.

    Rows of one person may be alike. Both posteriors allow for the worst: a person's k rows are taken to vary together,
    k² times what one row varies (Cauchy-Schwarz), which no declared effect of persons can exceed. With a cap of c that
    is at most c times the variance of independent rows; weights take none but that of one row a person, and so
    lose nothing where a person's rows are alike.

    Parameters
    ----------
    person : str, optional
        The column that names persons; without it every record is a unit.
    cap : int, optional
        How many rows of a person are used at most.
    relation : {"add_remove", "replace_one"}
    weighted : bool
        Whether all rows of a person are used, with weights that sum to one.

    Raises
    ------
    PrivacyError
        If a record has a cap or weights, or a person both.

    Examples
    --------
    >>> import bayessynth as bs
    >>> bs.Unit("patient", cap=3)
    Unit(person='patient', cap=3, relation='add_remove', weighted=False)
    """

    person: str | None = None
    cap: int = 1
    relation: Relation = "add_remove"
    weighted: bool = False

    def __post_init__(self) -> None:
        if self.relation not in ("add_remove", "replace_one"):
            raise PrivacyError(f"Unit(…, relation={self.relation!r}) is not one of 'add_remove', 'replace_one'.")
        if isinstance(self.cap, bool) or not isinstance(self.cap, int) or self.cap < 1:
            raise PrivacyError(f"Unit(…, cap={self.cap!r}): state how many rows of a person are used, 1 or more.")
        if self.person is None and self.cap != 1:
            raise PrivacyError("Unit(cap=…) caps the rows of a person; name the column, Unit('patient', cap=3).")
        if self.weighted and (self.person is None or self.cap != 1):
            raise PrivacyError(
                "Unit(…, weighted=True) weighs the rows of a person, and leaves none out: name the column and no cap, "
                "Unit('patient', weighted=True)."
            )

    @property
    def adds(self) -> bool:
        """Whether neighbours differ by the presence of a unit."""
        return self.relation == "add_remove"

    @property
    def rows(self) -> str:
        """What is used of a unit's rows, in words: empty for a record.

        >>> Unit("patient", weighted=True).rows
        "column 'patient', all rows, together one"
        """
        if self.person is None:
            return ""
        used = "all rows, together one" if self.weighted else f"at most {self.cap} rows each"
        return f"column {self.person!r}, {used}"

    def to_json(self) -> dict[str, Any]:
        """Return the unit as JSON data.

        >>> Unit(**Unit("patient", cap=3).to_json())
        Unit(person='patient', cap=3, relation='add_remove', weighted=False)
        """
        return asdict(self)

    @property
    def parts(self) -> int:
        """Whole numbers that a row's weight of one is counted in: 1, or so many that weights 1/k hardly lose by it."""
        return _PARTS if self.weighted else 1

    def counts(self, domain: Domain, columns: Iterable[str]) -> bool:
        """Return whether the number of rows that enter a statistic of these columns is public."""
        return self.person is None and not self.adds and domain.complete(columns)

    def persons(self, frame: pd.DataFrame) -> np.ndarray:
        """Return a number for the person of each row, -1 where it has no name, shape (n,)."""
        return names(frame[self.person])

    def keep(self, frame: pd.DataFrame) -> np.ndarray:
        """Return which rows are used, shape (n,).

        >>> Unit("p", cap=1).keep(pd.DataFrame({"p": ["a", "b", "a", None]})).tolist()
        [False, True, True, False]
        """
        if self.person is None:
            return np.ones(len(frame), dtype=bool)
        person = self.persons(frame)
        if self.weighted:
            return person >= 0
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
