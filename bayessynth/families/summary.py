"""What default priors may know of a column: a few rounded numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bayessynth.errors import DataError


@dataclass(frozen=True)
class Moments:
    """Moments of a column's values; those of parts add up to those of the whole.

    Parameters
    ----------
    n
        Number of values.
    mean, squares
        Their mean, and the sum of squared deviations from it.
    low, high
        The range.
    positive
        Number of values above 0.
    log_mean, log_squares
        As ``mean`` and ``squares``, of the logarithms of the values above 0.

    Examples
    --------
    >>> Moments.of(np.array([1.0, 3.0])) + Moments.of(np.array([5.0]))
    Moments(n=3, mean=3.0, squares=8.0, low=1.0, high=5.0, positive=3, log_mean=..., log_squares=...)
    """

    n: int = 0
    mean: float = 0.0
    squares: float = 0.0
    low: float = math.inf
    high: float = -math.inf
    positive: int = 0
    log_mean: float = 0.0
    log_squares: float = 0.0

    @classmethod
    def of(cls, values: np.ndarray, weights: np.ndarray | None = None) -> Moments:
        """Return the moments of values, none of them missing.

        Parameters
        ----------
        values : ndarray of shape (n,)
        weights : ndarray of shape (n,), optional
            How often each value counts; once by default.

        Examples
        --------
        >>> Moments.of(np.array([1.0, 3.0]), np.array([3, 1])).mean
        1.5
        """
        if not values.size:
            return cls()
        times = np.ones(len(values), dtype=np.int64) if weights is None else weights
        above = values > 0
        log_mean, log_squares = _deviations(np.log(values[above]), times[above])
        return cls(
            int(times.sum()), *_deviations(values, times), float(values.min()), float(values.max()),
            int(times[above].sum()), log_mean, log_squares,
        )  # fmt: skip

    @property
    def sd(self) -> float:
        """Standard deviation (denominator n).

        >>> Moments.of(np.array([1.0, 3.0])).sd
        1.0
        """
        return math.sqrt(self.squares / self.n) if self.n else 0.0

    def __add__(self, other: Moments) -> Moments:
        mean, squares = _joined((self.n, self.mean, self.squares), (other.n, other.mean, other.squares))
        logs = _joined((self.positive, self.log_mean, self.log_squares),
                       (other.positive, other.log_mean, other.log_squares))  # fmt: skip
        return Moments(self.n + other.n, mean, squares, min(self.low, other.low), max(self.high, other.high),
                       self.positive + other.positive, *logs)  # fmt: skip


def _deviations(values: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Return the mean and the sum of squared deviations from it."""
    if not values.size:
        return 0.0, 0.0
    with np.errstate(invalid="ignore"):
        mean = float((weights * values).sum() / weights.sum())
        return mean, float((weights * (values - mean) ** 2).sum())


def _joined(one: tuple[int, float, float], two: tuple[int, float, float]) -> tuple[float, float]:
    """Join means and sums of squares of two parts (Chan, Golub & LeVeque 1983)."""
    n = one[0] + two[0]
    if not n:
        return 0.0, 0.0
    apart = two[1] - one[1]
    return one[1] + apart * two[0] / n, one[2] + two[2] + apart**2 * one[0] * two[0] / n


@dataclass(frozen=True)
class Summary:
    """Location, spread and range of a column, rounded so that no record can be read from them.

    Spreads keep two significant digits. Locations are rounded to the grid of their spread's second digit:
    a column of dates far from zero keeps a useful centre. The range is rounded outwards on the same grid.

    Parameters
    ----------
    mean, sd
        Of all values.
    log_mean, log_sd
        Of the logarithm of the values above 0.
    low, high
        The range.
    n_levels
        Number of levels of a column of codes, else 0.
    positive
        Share of the values that are above 0.
    """

    mean: float = 0.0
    sd: float = 1.0
    log_mean: float = 0.0
    log_sd: float = 1.0
    low: float = 0.0
    high: float = 1.0
    n_levels: int = 0
    positive: float = 1.0

    @classmethod
    def from_array(cls, y: np.ndarray, n_levels: int = 0) -> Summary:
        """Summarise a column's encoded values; missing cells (NaN, code -1) are left out.

        Raises
        ------
        DataError
            If no value is left, or one is infinite.

        Examples
        --------
        >>> Summary.from_array(np.array([100.0, 120.0, 140.0, np.nan])).mean
        120.0
        """
        values = np.asarray(y, dtype=float)
        values = values[values >= 0] if n_levels else values[~np.isnan(values)]
        return cls.from_moments(Moments.of(values), n_levels)

    @classmethod
    def from_moments(cls, moments: Moments, n_levels: int = 0) -> Summary:
        """Summarise a column of which moments are known.

        Raises
        ------
        DataError
            If they are of no value, or of infinite ones.

        Examples
        --------
        >>> Summary.from_moments(Moments.of(np.array([100.0, 120.0, 140.0]))).mean
        120.0
        """
        if not moments.n or not (math.isfinite(moments.low) and math.isfinite(moments.high)):
            raise DataError("Default priors need at least one value, and finite values only.")
        sd, log_sd = _spread(moments.sd), _spread(math.sqrt(moments.log_squares / max(moments.positive, 1)))
        return cls(
            mean=_on_grid(moments.mean, sd),
            sd=sd,
            log_mean=_on_grid(moments.log_mean, log_sd),
            log_sd=log_sd,
            low=_on_grid(moments.low, sd, math.floor),
            high=_on_grid(moments.high, sd, math.ceil),
            n_levels=n_levels,
            positive=round(moments.positive / moments.n, 2),
        )

    @classmethod
    def from_bounds(cls, low: float, high: float, n_levels: int = 0) -> Summary:
        """Summarise a column of which only its bounds are known, as if it were uniform between them.

        Examples
        --------
        >>> Summary.from_bounds(0, 120).sd
        35.0
        """
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise DataError(f"Bounds ({low}, {high}) must be finite, the first below the second.")
        spread = _spread((high - low) / math.sqrt(12.0))
        share = 1.0 if low >= 0 else round(max(high, 0.0) / (high - low), 2)
        # Of a uniform on (0, high): E[log] = log(high) - 1, sd[log] = 1.
        log_mean = round(math.log(high) - 1.0, 1) if high > 0 else 0.0
        log_sd = 1.0
        if low > 0:
            log_mean = round((math.log(low) + math.log(high)) / 2.0, 1)
            log_sd = _spread((math.log(high) - math.log(low)) / math.sqrt(12.0))
        mean = _on_grid((low + high) / 2.0, spread)
        return cls(mean, spread, log_mean, log_sd, float(low), float(high), n_levels, share)

    @classmethod
    def from_scale(cls, scale: float, location: float = 0.0) -> Summary:
        """Summarise a column of which only a typical spread, and perhaps a location, is known.

        Examples
        --------
        >>> Summary.from_scale(20.0).sd
        20.0
        """
        if not (math.isfinite(scale) and scale > 0 and math.isfinite(location)):
            raise DataError(f"A scale must be a finite number above 0, not {scale!r} (location {location!r}).")
        centre = location if location > 0 else scale
        low, high = location - 3.0 * scale, location + 3.0 * scale
        return cls(float(location), float(scale), round(math.log(centre), 1), 1.0, low, high)


def _spread(sd: float) -> float:
    """Return a spread to two significant digits, and 1 where there is none."""
    return float(f"{sd:.1e}") if sd > 0 and math.isfinite(sd) else 1.0


def _on_grid(value: float, spread: float, rounding: object = round) -> float:
    """Round a value to a tenth of its spread's leading power of ten."""
    digits = 1 - math.floor(math.log10(spread))
    step = 10.0**-digits
    steps = rounding(value / step)  # type: ignore[operator]
    return round(float(steps * step), max(digits, 0))
