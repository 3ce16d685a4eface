"""The density of one column's missing cells given everything else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from bayessynth import families
from bayessynth.design import BoundEquation, Effects, Frame, observed_effects, parameters
from bayessynth.imputation.gaps import Arrays, Gap, Gaps

Values = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Part:
    """One equation at the rows where it has to do with a column's missing cells.

    Attributes
    ----------
    equation : BoundEquation
    column : str
        The column with the missing cells: the response, or one that the equation reads.
    frame : Frame
        What the equation reads, and its response, at these rows.
    unit : ndarray
        Position of each row's cell among the missing ones.
    values : mapping of str to ndarray
        The equation's parameters.
    effects : Effects
    """

    equation: BoundEquation
    column: str
    frame: Frame
    unit: np.ndarray
    values: Values
    effects: Effects

    def logp(self, x: np.ndarray, live: np.ndarray) -> np.ndarray:
        """Return the log density of the rows of live cells, summed by cell, shape (cells,)."""
        keep = live[self.unit]
        if not keep.any():
            return np.zeros(len(x))
        unit = self.unit[keep]
        arrays = {name: values[keep] for name, values in self.frame.arrays.items()} | {self.column: x[unit]}
        index = {factor: codes[keep] for factor, codes in self.effects.index.items()}
        family = families.get(self.equation.family)
        with np.errstate(all="ignore"):
            given = parameters(
                self.equation, self.frame.on(arrays), len(unit), self.values, Effects(self.effects.values, index)
            )
            logp = family.logp(arrays[self.equation.response], **given)
        return np.bincount(unit, weights=logp, minlength=len(x))

    def sample(self, rng: np.random.Generator) -> np.ndarray:
        """Draw the response at all rows."""
        n = len(self.unit)
        given = parameters(self.equation, self.frame, n, self.values, self.effects)
        return families.get(self.equation.family).sample(rng, n, **given)


class Reading(Protocol):
    """What something that reads a column's missing cells says of them."""

    def logp(self, x: np.ndarray, live: np.ndarray) -> np.ndarray:
        """Return a log density by cell, which counts where cells are live."""


@dataclass(frozen=True)
class Conditional[R: Reading]:
    """The density of missing cells given parameters and all other cells.

    Attributes
    ----------
    own : Part
        The column's own equation, one row for each cell.
    readers : tuple of Reading
        Equations that read the cells.
    """

    own: Part
    readers: tuple[R, ...]

    @property
    def cells(self) -> int:
        """Number of cells."""
        return len(self.own.unit)

    def logp(self, x: np.ndarray, live: np.ndarray | None = None) -> np.ndarray:
        """Return log densities of the cells up to a constant of each, -inf where they are not live.

        Parameters
        ----------
        x : ndarray of shape (cells,)
        live : ndarray of bool, shape (cells,), optional
            Cells that are evaluated; all by default.
        """
        live = np.ones(self.cells, dtype=bool) if live is None else live
        own = np.where(live, self.own.logp(x, live), -np.inf)
        return own + self.likelihood(x, np.isfinite(own))

    def likelihood(self, x: np.ndarray, live: np.ndarray) -> np.ndarray:
        """Return what the equations that read live cells say of them; terms may be undefined outside the support."""
        total = np.zeros(self.cells)
        for part in self.readers:
            total += part.logp(x, live)
        return np.where(np.isnan(total), -np.inf, total)


def conditional(gap: Gap, gaps: Gaps, values: Mapping[str, Values], arrays: Arrays) -> Conditional[Part]:
    """Return the density of a column's missing cells.

    Parameters
    ----------
    gap : Gap
    gaps : Gaps
    values : mapping of str to mapping
        One draw of every joined equation's parameters, effects of the observed groups included, by response.
    arrays : mapping of str to ndarray
        Completed columns.
    """

    def part(equation: BoundEquation, rows: np.ndarray, unit: np.ndarray) -> Part:
        limited_by = equation.truncation.columns if equation.truncation else ()
        read = (equation.response, *gaps.bound.spec[equation.response].columns, *limited_by)
        frame = gaps.frame.on({name: arrays[name][rows] for name in read})
        index = {factor: gaps.grouping.codes[factor][rows] for factor in equation.factors}
        own = values.get(equation.response, {})
        return Part(equation, gap.column, frame, unit, own, Effects(observed_effects(equation, own), index))

    return Conditional(
        part(gap.equation, gap.at, np.arange(len(gap.at))),
        tuple(part(reader.equation, reader.rows, reader.unit) for reader in gap.readers),
    )
