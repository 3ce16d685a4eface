"""What an analysis of one table returns: estimates, their covariance, and the scale on which they are pooled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import special

from bayessynth.errors import DataError


@dataclass(frozen=True)
class Scale:
    """The scale on which an estimate is pooled, where it is close to normal, and the way back.

    Attributes
    ----------
    name : str
    forward : callable
        From the estimate's own scale to that of pooling.
    back : callable
        The way back.
    slope : callable
        Derivative of ``forward``, at a value on the own scale.
    null : float or None
        The value (own scale) that a test takes for none; None where testing against one makes no sense.

    Examples
    --------
    >>> float(SCALES["log"].back(0.0))
    1.0
    """

    name: str
    forward: Callable[[Any], Any]
    back: Callable[[Any], Any]
    slope: Callable[[Any], Any]
    null: float | None = 0.0


def _ones(x: Any) -> Any:
    return np.ones_like(np.asarray(x, dtype=float))


SCALES: Mapping[str, Scale] = {
    s.name: s
    for s in (
        Scale("identity", lambda x: x, lambda z: z, _ones),
        Scale("log", np.log, np.exp, lambda x: 1 / np.asarray(x), None),
        Scale("logit", special.logit, special.expit, lambda x: 1 / (x * (1 - x)), None),
        Scale("fisher", np.arctanh, np.tanh, lambda x: 1 / (1 - np.asarray(x) ** 2)),
        # Of survival probabilities: log(−log S).
        Scale("loglog", lambda x: np.log(-np.log(x)), lambda z: np.exp(-np.exp(z)),
              lambda x: 1 / (np.asarray(x) * np.log(x)), None),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Estimate:
    """Estimates of one table.

    Attributes
    ----------
    names : tuple of str
    values : ndarray of shape (p,)
        On their own scale; NaN for what this table cannot tell.
    covariance : ndarray of shape (p, p)
    scales : tuple of str
        The scale on which each is pooled: a key of ``SCALES``; the identity by default.
    rows : int
        Rows that were used.
    notes : tuple of str

    Raises
    ------
    DataError
        If shapes do not fit.

    Examples
    --------
    >>> Estimate(("mean",), np.array([2.0]), np.array([[0.1]])).scales
    ('identity',)
    """

    names: tuple[str, ...]
    values: np.ndarray
    covariance: np.ndarray
    scales: tuple[str, ...] = ()
    rows: int = 0
    notes: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        p = len(self.names)
        object.__setattr__(self, "values", np.asarray(self.values, dtype=float).reshape(-1))
        covariance = np.asarray(self.covariance, dtype=float)
        covariance = np.diag(np.atleast_1d(covariance)) if covariance.ndim < 2 else covariance
        object.__setattr__(self, "covariance", covariance)
        object.__setattr__(self, "scales", self.scales or ("identity",) * p)
        if self.values.shape != (p,) or self.covariance.shape != (p, p) or len(self.scales) != p:
            raise DataError(
                f"An analysis named {p} estimates but returned {self.values.size} values and a covariance of shape "
                f"{self.covariance.shape}."
            )

    def on(self, scales: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Return values and covariance on given pooling scales, by the delta method.

        >>> values, covariance = Estimate(("sd",), np.array([2.0]), np.array([[0.4]])).on(("log",))
        >>> values.round(3).tolist(), covariance.round(3).tolist()
        ([0.693], [[0.1]])
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            values = np.array([float(SCALES[s].forward(x)) for s, x in zip(scales, self.values, strict=True)])
            slopes = np.array([float(SCALES[s].slope(x)) for s, x in zip(scales, self.values, strict=True)])
            return values, self.covariance * np.outer(slopes, slopes)
