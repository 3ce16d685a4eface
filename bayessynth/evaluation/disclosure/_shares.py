"""Shares of records that copies tell something of, beside the same share of records that no fit has seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayessynth.evaluation.disclosure._attack import WORST, judge_excess
from bayessynth.evaluation.measure import Measure, Verdict, over_copies

# Percentage points by which training records may exceed others before it matters, and before it is memorising.
MATTERS, MEMORISES = 1.0, 5.0


@dataclass(frozen=True)
class Told:
    """Of which records copies tell something.

    Attributes
    ----------
    told : ndarray of bool, shape (copies, n)
    among : ndarray of bool, shape (copies, n)
        Which records the share is of.
    key : ndarray of int, shape (n,)
        Records of one key are told of together.
    """

    told: np.ndarray
    among: np.ndarray
    key: np.ndarray

    @property
    def by_copy(self) -> np.ndarray:
        """Percentage of each copy, without copies that have nothing to count.

        >>> Told(np.array([[True, False]]), np.array([[True, True]]), np.array([0, 1])).by_copy.tolist()
        [50.0]
        """
        total = self.among.sum(axis=1)
        return 100 * (self.told & self.among).sum(axis=1)[total > 0] / total[total > 0]

    @property
    def error(self) -> float:
        """Standard error of the average percentage, keys being drawn and not records; at least that of one record."""
        total = self.among.sum()
        share = (self.told & self.among).sum() / total
        residual = (self.told & self.among).sum(axis=0) - share * self.among.sum(axis=0)
        by_key = np.bincount(self.key, weights=residual)
        return float(100 * max(np.sqrt((by_key**2).sum()) / total, len(self.told) / total))


def share(
    name: str, title: str, reading: str, ours: Told, theirs: Told | None, notes: Sequence[str] = ()
) -> Measure:  # fmt: skip
    """Return a percentage of records as a measure.

    Parameters
    ----------
    name, title : str
    reading : str
        A sentence with ``{value}``.
    ours : Told
        Of training records.
    theirs : Told or None
        Of records that no fit has seen.
    notes : sequence of str
    """
    value, interval = over_copies(ours.by_copy)
    said = [reading.format(value=value)]
    reference, spread = None, None
    verdict: Verdict = "info"
    if theirs is not None and len(theirs.by_copy):
        reference = float(theirs.by_copy.mean())
        spread = (max(0.0, reference - 1.96 * theirs.error), min(100.0, reference + 1.96 * theirs.error))
        beyond = value - reference
        verdict = judge_excess(beyond, beyond - 1.96 * float(np.hypot(ours.error, theirs.error)), MATTERS, MEMORISES)
        said.append(f"Of records that no fit has seen it is {reference:.1f} %. {_SAID[verdict]}")
    else:
        said.append("Without a holdout one cannot say how much of that is true of anybody in the population.")
    detail = pd.DataFrame({"row": np.arange(len(ours.key)), "copies": (ours.told & ours.among).sum(axis=0)})
    detail = detail[detail["copies"] > 0].sort_values("copies", ascending=False, kind="stable")[:WORST]
    return Measure(
        name, "disclosure", title, value, " ".join(said), interval, reference, spread, "lower", verdict,
        detail.reset_index(drop=True), tuple(notes),
    )  # fmt: skip


_SAID: dict[Verdict, str] = {
    "info": "",
    "pass": "Training records are no more exposed than these beyond chance, by an amount that matters.",
    "warn": "Training records are more exposed than these.",
    "fail": "Training records are far more exposed than these: the copies repeat them.",
}
