"""Residuals of a unit's rows that depend on each other: an autoregression of order one in time.

The value of a row is its linear predictor and a residual, y = η + e, and residuals a time g apart follow

    e_t = ρ^p e_{t-1} + ν_t,    ν_t ~ Normal(0, σ sqrt((1 - ρ^{2p}) / (1 - ρ²))),    p = g / gap,

with ``gap`` the usual time between two rows of the original (:func:`usual`). Where all times between rows are the usual
one, p is 1 and σ is the innovation's standard deviation. Where they differ, residuals lose their likeness with the time
that elapses (the continuous-time autoregression of order one). A unit's first residual is stationary, Normal(0, σ /
sqrt(1 - ρ²)). ρ is the parameter ``y_ar``; its prior is uniform between -1 and 1, or between 0 and 1 where times
between rows are no multiples of the usual one, of which a negative ρ has no power.

References
----------
Box GEP, Jenkins GM, Reinsel GC, Ljung GM (2015). Time Series Analysis, section 3.2.3.
Jones RH (1993). Longitudinal Data with Serial Correlation: A State-Space Approach, chapter 3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bayessynth import families
from bayessynth.design.bound import BoundEquation
from bayessynth.design.names import safe
from bayessynth.design.sequences import Sequences
from bayessynth.errors import SpecError
from bayessynth.families import Prior
from bayessynth.spec import Equation
from bayessynth.spec.equation import AR

if TYPE_CHECKING:
    from bayessynth.design.bind import Data


# Times between rows are multiples of the least where the median is at most so many of them.
FEW = 4


@dataclass(frozen=True)
class Chain:
    """Which row of an equation each of its rows follows.

    Attributes
    ----------
    before : ndarray of int64, shape (n,)
        Position of the unit's row before; -1 in its first row.
    power : ndarray of shape (n,)
        Usual gaps that have elapsed since; 1 in first rows.
    """

    before: np.ndarray
    power: np.ndarray

    @property
    def first(self) -> np.ndarray:
        """Whether each row is its unit's first."""
        return self.before < 0

    def take(self, rows: np.ndarray) -> Chain:
        """Return the chain of some rows, in the given order; a row whose row before is not among them is a first one.

        >>> Chain(np.array([-1, 0, 1]), np.array([1.0, 1.0, 2.0])).take(np.array([2, 1])).before.tolist()
        [1, -1]
        """
        place = np.full(len(self.before) + 1, -1)
        place[rows] = np.arange(len(rows))
        # The last place, which is that of rows before first ones, is nobody's.
        before = place[self.before[rows]]
        return Chain(before, np.where(before < 0, 1.0, self.power[rows]))


def autoregressive(
    bound: Sequence[BoundEquation], declared: Sequence[Equation], data: Data, sequences: Sequences | None
) -> tuple[BoundEquation, ...]:
    """Return equations of which those that say so have residuals that depend on those of the row before.

    Parameters
    ----------
    bound : sequence of BoundEquation
    declared : sequence of Equation
        The same ones.
    data : Data
    sequences : Sequences or None

    Raises
    ------
    SpecError
        If the family is not normal in the column or its logarithm, or the equation has what does not go with it.
    """
    if sequences is None:
        return tuple(bound)
    return tuple(_with_residuals(own, equation, data, sequences) if equation.ar else own
                 for own, equation in zip(bound, declared, strict=True))  # fmt: skip


def _with_residuals(own: BoundEquation, equation: Equation, data: Data, sequences: Sequences) -> BoundEquation:
    _check(own, equation, sequences)
    elapsed = _elapsed(own.response, data, sequences)
    gap, whole = usual(elapsed)
    default = Prior("Uniform", lower=-1 if whole else 0, upper=1)
    prior = equation.priors.get(AR, default)
    low, high = default.support
    if prior.support[0] < low or prior.support[1] > high:
        raise SpecError(
            f"Equation for {own.response!r}: prior {prior} of {AR!r} reaches outside {default.support}, where the "
            f"parameter lies{'' if whole else ' as times between rows differ'}; for example {default}."
        )
    return replace(own, ar=gap, priors={**own.priors, AR: prior})


def usual(elapsed: np.ndarray) -> tuple[float, bool]:
    """Return the usual time between two rows, and whether all times between rows are multiples of it.

    It is the least one, if all are multiples of it and few are more than some of them, as on a grid with rows left out;
    else the median.

    Examples
    --------
    >>> usual(np.array([7.0, 7.0, 14.0])), usual(np.array([0.7, 1.1, 2.3]))
    ((7.0, True), (1.1, False))
    """
    if not len(elapsed):
        return 1.0, True
    least, median = float(elapsed.min()), float(np.median(elapsed))
    powers = elapsed / least
    if median <= FEW * least and np.allclose(powers, np.round(powers), rtol=0, atol=1e-6):
        return least, True
    return median, False


def _check(own: BoundEquation, equation: Equation, sequences: Sequences) -> None:
    where = f"Equation for {own.response!r}: ar=1"
    family = families.get(own.family)
    mean = family.parameters[0].name if family.parameters else ""
    if family.gaussian is None or own.links[mean] != "identity":
        raise SpecError(
            f"{where} is for columns that are normal about their linear predictor, or whose logarithm is; the family "
            f"{own.family!r}{' with this link' if family.gaussian else ''} is not. Use lag({own.response}) instead."
        )
    if len(own.predictors) > 1:
        raise SpecError(f"{where} takes one sigma for all rows; remove the formula of {list(own.predictors)[1]!r}.")
    if AR in own.priors:
        raise SpecError(f"{where} has a parameter {AR!r}, as a column has; rename that column.")
    if any(group.shared for group in equation.formula.groups):
        raise SpecError(f"{where} does not go with group effects that equations share; write (1 | {sequences.unit}).")


def chain_of(equation: BoundEquation, data: Data, sequences: Sequences) -> Chain:
    """Return which row each row of an equation follows, and how long after."""
    rows = data.rows[equation.response]
    unit, times = data.grouping.codes[sequences.unit][rows], data.columns[sequences.time][rows].astype(float)
    follows = np.r_[False, np.diff(unit) == 0] if len(rows) else np.zeros(0, dtype=bool)
    power = np.where(follows, np.diff(times, prepend=times[:1]) / float(equation.ar or 1.0), 1.0)
    near = np.round(power)
    # Powers of a negative number are those of a whole one.
    power = np.where(np.abs(power - near) < 1e-6, near, power)
    return Chain(np.where(follows, np.arange(len(rows)) - 1, -1), power)


def _elapsed(response: str, data: Data, sequences: Sequences) -> np.ndarray:
    rows = data.rows[response]
    unit, times = data.grouping.codes[sequences.unit][rows], data.columns[sequences.time][rows].astype(float)
    found: np.ndarray = np.diff(times)[np.diff(unit) == 0]
    return found


def innovation(rho: float, power: np.ndarray, first: np.ndarray | bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Return the share of the residual before that stays, and the innovation's standard deviation over σ.

    Parameters
    ----------
    rho : float
        Between -1 and 1.
    power : ndarray of shape (n,)
        Usual gaps that have elapsed since the row before.
    first : ndarray of bool, shape (n,), or bool
        Rows with none before.

    Returns
    -------
    tuple of ndarray of shape (n,)

    Examples
    --------
    >>> share, scale = innovation(0.6, np.array([1.0, 2.0, 1.0]), np.array([False, False, True]))
    >>> share.round(2).tolist(), scale.round(3).tolist()
    ([0.6, 0.36, 0.0], [1.0, 1.166, 1.25])
    """
    share = np.where(first, 0.0, np.power(rho, power))
    return share, np.sqrt((1 - share**2) / (1 - rho**2))


def rho_of(equation: BoundEquation, values: Mapping[str, np.ndarray]) -> float:
    """Return the autocorrelation of an equation's residuals at one draw."""
    return float(values[f"{safe(equation.response)}_{AR}"])


def followed(
    equation: BoundEquation, chain: Chain, y: np.ndarray, given: Mapping[str, Any], values: Mapping[str, np.ndarray]
) -> dict[str, Any]:
    """Return a family's parameters for rows that follow others, whose values are known.

    Parameters
    ----------
    equation : BoundEquation
    chain : Chain
    y : ndarray of shape (n,)
    given : mapping
        Parameters as the linear predictors have them.
    values : mapping of str to ndarray
        One draw.
    """
    family, rho = families.get(equation.family), rho_of(equation, values)
    assert family.gaussian is not None
    mean = np.broadcast_to(given["mu"], y.shape)
    share, scale = innovation(rho, chain.power, chain.first)
    residual = (family.gaussian(y) - mean)[chain.before]
    return {**given, "mu": mean + share * residual, "sigma": given["sigma"] * scale}


def alone(equation: BoundEquation, given: Mapping[str, Any], values: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Return a family's parameters for rows of which nothing before is known: those of the stationary process."""
    return {**given, "sigma": given["sigma"] / np.sqrt(1 - rho_of(equation, values) ** 2)}
