"""A measure: one number about the copies, beside the value it should have, and a sentence that reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

Verdict = Literal["pass", "warn", "fail", "info"]
Room = Literal["checks", "utility", "inference", "disclosure"]
Better = Literal["higher", "lower", "closer"]

_ORDER: tuple[Verdict, ...] = ("info", "pass", "warn", "fail")


@dataclass(frozen=True)
class Measure:
    """One measure of the copies.

    Attributes
    ----------
    name : str
        Short name, unique within an evaluation: ``"pmse"``, ``"membership_nearest"``.
    room : {"checks", "utility", "inference", "disclosure"}
    title : str
        What the report calls it.
    value : float
        Averaged over copies; NaN where it could not be computed, and ``reading`` then says why.
    reading : str
        One or two whole sentences that read the number for somebody who has not met the measure.
    interval : tuple of float or None
        Lowest and highest copy (or, where the title says so, a 95 % interval); None for a single copy.
    reference : float or None
        The value that perfect copies would have on average: that of two independent samples of these sizes, or of the
        holdout.
    reference_interval : tuple of float or None
        The range in which the reference itself varies by chance (central 95 %).
    better : {"higher", "lower", "closer"}
        Which side of the reference is good; ``"closer"`` if both are bad.
    verdict : {"pass", "warn", "fail", "info"}
        ``"info"`` where a number informs and no line can be drawn.
    detail : DataFrame or None
        The parts behind the number, worst first: a row a column, a pair, a coefficient, a record.
    notes : tuple of str
        What must be known beside it: sub-sampling, columns left out, the strength of an attack.
    restricted : bool
        Whether it was computed from original records, so that it is for the data's steward and not for publication.

    Examples
    --------
    >>> Measure("tvd", "utility", "Total variation", 0.02, "Two in a hundred differ.", reference=0.015).verdict
    'info'
    """

    name: str
    room: Room
    title: str
    value: float
    reading: str
    interval: tuple[float, float] | None = None
    reference: float | None = None
    reference_interval: tuple[float, float] | None = None
    better: Better = "closer"
    verdict: Verdict = "info"
    detail: pd.DataFrame | None = None
    notes: tuple[str, ...] = ()
    restricted: bool = True

    def to_row(self) -> dict[str, Any]:
        """Return the measure as one row of a table, its detail left out."""
        low, high = self.interval or (np.nan, np.nan)
        return {
            "room": self.room, "name": self.name, "title": self.title, "value": self.value, "lowest": low,
            "highest": high, "reference": np.nan if self.reference is None else self.reference,
            "better": self.better, "verdict": self.verdict, "reading": self.reading,
        }  # fmt: skip


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the worst of some verdicts; ``"info"`` if there are none.

    >>> worst(["pass", "warn", "info"])
    'warn'
    """
    return max(verdicts, key=_ORDER.index, default="info")


def over_copies(values: Sequence[float] | np.ndarray) -> tuple[float, tuple[float, float] | None]:
    """Return the average over copies, and the lowest and highest of several.

    >>> over_copies([0.1, 0.3])
    (0.2, (0.1, 0.3))
    """
    found = np.asarray(values, dtype=float)
    interval = (float(found.min()), float(found.max())) if len(found) > 1 else None
    return float(found.mean()), interval


def judged(value: float, reference: float, margin: float, better: Better = "lower") -> Verdict:
    """Judge a value against its reference.

    Parameters
    ----------
    value, reference : float
    margin : float
        The practical size: what is worse than the reference by no more passes, by more than three of it fails.
    better : {"higher", "lower", "closer"}

    Examples
    --------
    >>> judged(0.02, 0.01, margin=0.02), judged(0.06, 0.01, margin=0.02), judged(0.10, 0.01, margin=0.02)
    ('pass', 'warn', 'fail')
    """
    if np.isnan(value) or np.isnan(reference):
        return "info"
    worse = {"lower": value - reference, "higher": reference - value, "closer": abs(value - reference)}[better]
    return "pass" if worse <= margin else "warn" if worse <= 3 * margin else "fail"


def unavailable(name: str, room: Room, title: str, why: str) -> Measure:
    """Return a measure that could not be computed, which says why.

    >>> unavailable("tstr", "utility", "Train on synthetic", "No target was named.").value
    nan
    """
    return Measure(name, room, title, float("nan"), why)
