"""Test quantities in blocks: what a block is, and the samples that it is computed of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from bayessynth.evaluation.tables import Encoded, Tables

Place = Literal["columns", "pairs", "groups"]

# Practical sizes, each on the scale of its effect. Cohen's h of .1 is five points of a share of .5, one of .02.
SHARE = 0.1
MEAN, LEVEL_MEAN = 0.1, 0.2
RATIO = float(np.log(1.2))
SKEW = 0.5
ASSOCIATION = 0.1


@dataclass(frozen=True)
class Sample:
    """A table and the groups of its rows.

    Attributes
    ----------
    table : Encoded
    groups : mapping of str to ndarray of int, shape (n,)
        Of every row the group, numbered from 0, by group column.
    """

    table: Encoded
    groups: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Block:
    """Test quantities of one kind, computed together.

    Attributes
    ----------
    place : {"columns", "pairs", "groups"}
    names : tuple of tuple of str
        Of every quantity what it is of, and its name: ``("age", "mean")``.
    size : float
        The practical size: a smaller effect does not matter, however certain it is.
    compute : callable
        ``compute(sample)`` returns the quantities on their natural scale, shape (len(names),); NaN where one has no
        value.
    scaled : callable
        ``scaled(values)`` puts natural values, shape (..., len(names)), on the scale on which a difference is the
        effect.
    floor : float or ndarray of shape (len(names),)
        Least variance of an effect times the number of rows: 1 for Cohen's h, whose resampling variance is 0 where
        the original has no such cell.
    """

    place: Place
    names: tuple[tuple[str, str], ...]
    size: float
    compute: Callable[[Sample], np.ndarray]
    scaled: Callable[[np.ndarray], np.ndarray]
    floor: float | np.ndarray = 0.0


def cohen_h(shares: np.ndarray) -> np.ndarray:
    """Return 2 arcsin √p, of which differences are Cohen's h.

    References
    ----------
    Cohen (1988). Statistical Power Analysis for the Behavioral Sciences, 2nd ed., chapter 6.

    Examples
    --------
    >>> (cohen_h(np.array([0.55, 0.0, 0.02])) - cohen_h(np.array([0.5, 0.0025, 0.04]))).round(2).tolist()
    [0.1, -0.1, -0.12]
    """
    return np.asarray(2 * np.arcsin(np.sqrt(np.clip(shares, 0.0, 1.0))))


def log_ratio(least: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return a scale on which a difference is the logarithm of a ratio of values that are large beside ``least``.

    Near zero, where ratios are of no consequence, it flattens: log √(v² + least²).

    Examples
    --------
    >>> scaled = log_ratio(np.array([0.01]))
    >>> np.exp(scaled(np.array([1.2])) - scaled(np.array([1.0]))).round(3).tolist()
    [1.2]
    """
    return lambda values: np.asarray(np.log(np.hypot(values, least)))


def divided(by: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return a scale on which a difference is in units of ``by``."""
    return lambda values: np.asarray(values / by)


def samples_of(tables: Tables) -> tuple[Sample, tuple[Sample, ...]]:
    """Return the original and the copies with the groups of their rows.

    Rows without a group make up a group.
    """
    pairs = [(tables.original, tables.original_frame), *zip(tables.copies, tables.copy_frames, strict=True)]
    groups = [c for c in tables.groups if c in tables.original_frame]
    found = [
        Sample(table, {c: pd.factorize(frame[c], use_na_sentinel=False)[0] for c in groups}) for table, frame in pairs
    ]
    return found[0], tuple(found[1:])
