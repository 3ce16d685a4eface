"""Survival and cumulative incidence from censored times, without a model: Kaplan-Meier and Aalen-Johansen.

At a time t, d_k records have an event of cause k among the n that are watched just before (entry < t ≤ time). The
Kaplan-Meier estimate is the product of 1 - d / n over the times of any event, Greenwood's formula gives its variance,
and the Aalen-Johansen estimate of the cumulative incidence of cause k is the sum of S(t-) d_k / n (Kalbfleisch &
Prentice 2002, sections 1.4 and 8.2; Aalen & Johansen 1978, Scandinavian Journal of Statistics 5, 141-150).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Curve:
    """Estimates at the times of events, which hold from there to the next.

    Attributes
    ----------
    times : ndarray of shape (K,)
        Increasing times of events.
    survival : ndarray of shape (K,)
        Share without any event after each.
    greenwood : ndarray of shape (K,)
        Sum of d / (n (n - d)) up to each: the variance of log survival. Infinite where nobody is left.
    incidence : ndarray of shape (K, causes)
        Share with an event of each cause.
    watched : ndarray of shape (K,)
        Records watched just before each.
    """

    times: np.ndarray
    survival: np.ndarray
    greenwood: np.ndarray
    incidence: np.ndarray
    watched: np.ndarray

    def at(self, times: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return survival, the variance of its logarithm, and incidence (n, causes) at any times.

        >>> product_limit(np.array([1.0, 2.0]), np.array([1, 1])).at(np.array([0.5, 1.0]))[0].tolist()
        [1.0, 0.5]
        """
        place = np.searchsorted(self.times, np.asarray(times, dtype=float), side="right")
        survival = np.concatenate([[1.0], self.survival])[place]
        variance = np.concatenate([[0.0], self.greenwood])[place]
        return survival, variance, np.concatenate([np.zeros((1, self.incidence.shape[1])), self.incidence])[place]


def product_limit(time: np.ndarray, event: np.ndarray, entry: np.ndarray | None = None, causes: int = 1) -> Curve:
    """Return the Kaplan-Meier and Aalen-Johansen estimates.

    Parameters
    ----------
    time : ndarray of shape (n,)
    event : ndarray of shape (n,)
        0 for a censored time, else the number of the cause, from 1.
    entry : ndarray of shape (n,), optional
        From when on each record was watched; 0 for all if not given.
    causes : int
        Number of causes.

    Examples
    --------
    >>> found = product_limit(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1, 0, 2, 1]), causes=2)
    >>> found.survival.tolist(), found.incidence[-1].tolist()
    ([0.75, 0.375, 0.0], [0.625, 0.375])
    """
    time, event = np.asarray(time, dtype=float), np.asarray(event).astype(int)
    times = np.unique(time[event > 0])
    entry = np.zeros(len(time)) if entry is None else np.asarray(entry, dtype=float)
    gone = np.searchsorted(np.sort(time), times, side="left")
    come = np.searchsorted(np.sort(entry), times, side="left")
    watched = (come - gone).astype(float)
    place = np.searchsorted(times, time)
    counts = np.zeros((len(times), causes))
    seen = event > 0
    np.add.at(counts, (place[seen], event[seen] - 1), 1.0)
    died = counts.sum(axis=1)
    survival = np.cumprod(1.0 - died / watched)
    with np.errstate(divide="ignore"):
        greenwood = np.cumsum(died / (watched * (watched - died)))
    before = np.concatenate([[1.0], survival[:-1]])
    incidence = np.cumsum(before[:, None] * counts / watched[:, None], axis=0)
    return Curve(times, survival, greenwood, incidence, watched)
