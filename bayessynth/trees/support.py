"""Where a column's numbers can lie: what tails that reach beyond the records must not pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayessynth.schema import Column

# Numbers just inside an end that a column does not reach itself, in units of the grid on which they are rounded: so
# that rounding does not bring them onto it. And where there is no grid, in units of the largest number near it.
_INSIDE, _TINY = 0.501, 1e-9
_ENDS = {"positive": (0.0, np.inf), "count": (0.0, np.inf), "proportion": (0.0, 1.0)}


@dataclass(frozen=True)
class Support:
    """The ends of a column's numbers.

    Attributes
    ----------
    low, high : float
    open_low, open_high : bool
        Whether an end itself is no number of the column.
    """

    low: float = -np.inf
    high: float = np.inf
    open_low: bool = False
    open_high: bool = False

    @classmethod
    def of(cls, column: Column) -> Support:
        """Return the support of a column: that of its kind, within declared bounds.

        >>> Support.of(Column("share", "proportion", "float64"))
        Support(low=0.0, high=1.0, open_low=True, open_high=True)
        """
        low, high = _ENDS.get(column.kind, (-np.inf, np.inf))
        open_low = column.kind == "proportion" or (column.kind == "positive" and not column.zeros)
        open_high = column.kind == "proportion"
        if column.declared and column.bounds is not None:
            open_low, open_high = open_low and column.bounds[0] <= low, open_high and column.bounds[1] >= high
            low, high = max(low, column.bounds[0]), min(high, column.bounds[1])
        return cls(low, high, open_low, open_high)

    def lowest(self, low: np.ndarray, grid: np.ndarray) -> np.ndarray:
        """Return lower ends of intervals that hold no number below the support once it is rounded to a grid."""
        if self.low == -np.inf:
            return low
        inside = np.where(grid > 0, _INSIDE * grid, _TINY)
        return np.maximum(low, self.low + inside if self.open_low else self.low)

    def highest(self, high: np.ndarray, grid: np.ndarray) -> np.ndarray:
        """Return upper ends of intervals that hold no number above the support once it is rounded to a grid.

        >>> Support(high=1.0, open_high=True).highest(np.array([1.2, 0.5]), np.array([0.1, 0.1])).round(4).tolist()
        [0.9499, 0.5]
        """
        if self.high == np.inf:
            return high
        inside = np.where(grid > 0, _INSIDE * grid, _TINY)
        return np.minimum(high, self.high - inside if self.open_high else self.high)


EVERYWHERE = Support()
