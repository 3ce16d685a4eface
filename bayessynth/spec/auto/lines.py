"""Numbers of short tables that follow a line in time, one for each unit: hierarchical equations instead of trees.

A tree of few rows has few leaves, of which each holds rows of many units: what tells units apart, their levels and
slopes, is blurred. With effects of units it is two standard deviations and a correlation that a few hundred rows tell.

References
----------
Box GEP, Cox DR (1964). An analysis of transformations. Journal of the Royal Statistical Society B 26, 211-252.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from bayessynth.schema import Column, Schema
from bayessynth.schema.column import NUMBERS
from bayessynth.spec.equation import Equation
from bayessynth.spec.expression import quote

# Rows up to which trees, of 20 rows a leaf at least, have too few leaves to hold a line of every unit.
FEW = 400
# Fewest units, rows a unit on average, different times, and different values of a number that is no count of a few.
UNITS, ROWS, TIMES, VALUES = 5, 3.0, 3, 12
# Coefficients of the unit's columns and of those of the row: at most one in so many units, one in so many rows.
PER_UNIT, PER_ROW = 3, 20
# Residuals about the units' lines are normal enough below this skewness; a logarithm is taken if the rows are likelier
# by so much in its units (Box & Cox 1964).
SKEWED, LIKELIER = 1.0, 3.0
# Largest share of the lowest or the highest value (a zero, a cap), and of any, of a number that is no mixture.
AT_END, DOMINANT = 0.1, 0.25
# Standard deviations that a normal number lies above zero, if it has to.
ABOVE = 3.0
# t statistic from which a bend that all units share is no chance.
BENT = 3.5


@dataclass(frozen=True)
class Panel:
    """A table of sequences, sorted by unit and time.

    Attributes
    ----------
    schema : Schema
    unit, time : str
    values : mapping of str to ndarray of shape (n,)
        Encoded columns as numbers, NaN where missing.
    number : ndarray of int, shape (n,)
        Of each row within its unit, from 0.
    """

    schema: Schema
    unit: str
    time: str
    values: Mapping[str, np.ndarray]
    number: np.ndarray

    @property
    def codes(self) -> np.ndarray:
        """Unit of each row."""
        codes: np.ndarray = np.cumsum(self.number == 0) - 1
        return codes

    @property
    def short(self) -> bool:
        """Whether there are few rows, and enough of each unit to tell a line."""
        units = int((self.number == 0).sum())
        column = self.schema[self.time]
        moments = self.values[self.time]
        return (
            len(self.number) <= FEW and units >= UNITS and len(self.number) >= ROWS * units
            and column.kind in NUMBERS and column.kind != "datetime" and len(np.unique(moments)) >= TIMES
        )  # fmt: skip


def line(
    panel: Panel, column: str, upper: Sequence[str], before: Sequence[str], factors: Sequence[str],
    ruled: Collection[str],
) -> Equation | None:  # fmt: skip
    """Return the equation of a number that follows a line in time with normal residuals, or None.

    Parameters
    ----------
    panel : Panel
    column : str
    upper, before : sequence of str
        Columns of the unit, and of the same row, that it depends on, the most telling first.
    factors : sequence of str
        Grouping factors, the unit among them.
    ruled : collection of str
        Columns that rules are about, which stay with trees.

    Examples
    --------
    >>> import bayessynth as bs
    >>> import pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> id, day = np.repeat(np.arange(12), 6), np.tile(np.arange(6), 12)
    >>> y = (10 + rng.normal(size=12)[id] + day + rng.normal(size=72)).round(2)
    >>> schema = bs.Schema.detect(pd.DataFrame({"id": id, "day": day, "y": y}))
    >>> print(line(Panel(schema, "id", "day", {"day": day, "y": y}, day), "y", [], [], ["id"], []).formula)
    y ~ day + (1 + day | id)
    """
    family = _family(panel, column) if panel.short and column not in ruled else None
    if family is None:
        return None
    y = np.log(panel.values[column]) if family == "lognormal" else panel.values[column]
    time = quote(panel.time)
    bend = [f"I({time} ** 2)"] if _bent(panel, y) else []
    terms = [time, *bend, *_terms(panel, upper, before, len(bend) + 1)]
    effects = [f"(1 + {time} | {quote(panel.unit)})", *(f"(1 | {quote(f)})" for f in factors if f != panel.unit)]
    return Equation(f"{quote(column)} ~ {' + '.join([*terms, *effects])}", family=family, ar=1)


def _family(panel: Panel, column: str) -> str | None:
    """Return the family of a number by its residuals about the units' lines; None where none is normal enough."""
    y, kind = panel.values[column], panel.schema[column].kind
    if kind not in NUMBERS or kind in ("datetime", "proportion") or not np.isfinite(y).all():
        return None
    counts = np.unique(y, return_counts=True)[1]
    if len(counts) < VALUES or counts.max() >= DOMINANT * len(y) or max(counts[0], counts[-1]) >= AT_END * len(y):
        return None
    plain = _residuals(panel, y)
    relative = _residuals(panel, np.log(y)) if y.min() > 0 else None
    if relative is not None and plain.std() > 0 and relative.std() > 0:
        likelier = len(y) * np.log(plain.std() / relative.std()) - float(np.log(y).sum())
        if likelier > LIKELIER and abs(stats.skew(relative)) < SKEWED:
            return "lognormal"
    positive = kind in ("positive", "count")
    far = not positive or y.mean() >= ABOVE * y.std()
    return "normal" if far and plain.std() > 0 and abs(stats.skew(plain)) < SKEWED else None


def _residuals(panel: Panel, y: np.ndarray) -> np.ndarray:
    """Return the residuals about a line for each unit."""
    codes, moments = panel.codes, panel.values[panel.time].astype(float)
    size = np.maximum(np.bincount(codes), 1)
    t, left = (v - (np.bincount(codes, weights=v) / size)[codes] for v in (moments, y.astype(float)))
    square = np.bincount(codes, weights=t * t)
    slope = np.divide(np.bincount(codes, weights=t * left), square, out=np.zeros(len(size)), where=square > 0)
    found: np.ndarray = left - slope[codes] * t
    return found


def _bent(panel: Panel, y: np.ndarray) -> bool:
    """Tell whether all units' curves bend alike."""
    moments = panel.values[panel.time].astype(float)
    left, curve = _residuals(panel, y), _residuals(panel, (moments - moments.mean()) ** 2)
    square = float(curve @ curve)
    if square < 1e-9 * float(((moments - moments.mean()) ** 4).sum()):
        return False
    slope = float(curve @ left) / square
    # A unit's curve counts once, however many rows tell it: residuals of neighbouring rows are alike.
    parts = np.bincount(panel.codes, weights=curve * (left - slope * curve))
    return abs(slope) > BENT * np.sqrt(float(parts @ parts)) / square


def _terms(panel: Panel, upper: Sequence[str], before: Sequence[str], used: int) -> list[str]:
    """Return terms of other columns, as many as units and rows can tell: of the unit's, with their slopes, first."""
    units, time = int((panel.number == 0).sum()), quote(panel.time)
    room, found = units // PER_UNIT - used, []
    for column in upper:
        width = _width(panel, column)
        if not width or 2 * width > room:
            continue
        room -= 2 * width
        found += [quote(column), f"{time}:{quote(column)}"]
    room = len(panel.number) // PER_ROW
    for column in before:
        width = _width(panel, column)
        if width and width <= room:
            room -= width
            found.append(quote(column))
    return found


def _width(panel: Panel, column: str) -> int:
    """Return how many coefficients a column has; 0 if it can have none: it is constant, or some cells are missing."""
    own: Column = panel.schema[column]
    missing = ~np.isfinite(panel.values[column])
    if own.kind in ("constant", "identifier", "datetime") or missing.any() or len(np.unique(panel.values[column])) < 2:
        return 0
    return len(own.levels) - 1 if own.levels else 1
