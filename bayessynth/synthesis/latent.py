"""From latent times until an event to the times and events that records show: the smallest, and which it was."""

from __future__ import annotations

import numpy as np

from bayessynth.design import Bound, BoundEquation, FollowUp
from bayessynth.errors import SynthesisError
from bayessynth.schema import Column
from bayessynth.schema.decode import released


def settle(
    bound: Bound, equation: BoundEquation, arrays: dict[str, np.ndarray], n: int, rng: np.random.Generator,
    chances: dict[str, np.ndarray],
) -> None:  # fmt: skip
    """Put times and events in the place of latent times, once the last of these has been drawn.

    Parameters
    ----------
    bound : Bound
    equation : BoundEquation
        The one that was drawn last.
    arrays : dict of str to ndarray
        Encoded columns, and latent times; changed.
    n : int
    rng : Generator
    chances : dict of str to ndarray
        Of each survival time, the chances of :func:`chances_of`.
    """
    for own in bound.survivals:
        if own.latent[-1][0] == equation.response:
            arrays |= _settled(bound, own, arrays, n, rng, chances[own.time])


def chances_of(own: FollowUp, rng: np.random.Generator) -> np.ndarray:
    """Draw how probable it is that who is still watched at an administrative end is censored there, one number an end.

    From its posterior under Jeffreys' prior, a Beta(1/2, 1/2): one draw a copy.

    Examples
    --------
    >>> own = FollowUp("t", "d", (("t", 1.0),), 0.0, times=(5.0,), watched=(1000,), ended=(500,), last=9.0)
    >>> chances_of(own, np.random.default_rng(1)).round(1).tolist()
    [0.5]
    """
    ended, watched = np.asarray(own.ended, dtype=float), np.asarray(own.watched, dtype=float)
    return rng.beta(0.5 + ended, 0.5 + watched - ended)


def _settled(
    bound: Bound, own: FollowUp, arrays: dict[str, np.ndarray], n: int, rng: np.random.Generator, chances: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the columns that a survival time makes; takes the latent times out of the arrays."""
    latent = np.stack([arrays.pop(name) for name, _ in own.latent])
    codes = np.array([code for _, code in own.latent])
    entry = arrays[own.entry].astype(float) if own.entry else np.zeros(n)
    time, code = latent.min(axis=0), codes[latent.argmin(axis=0)]
    if own.censored is not None:
        ends = _administrative(own, entry, rng, chances)
        time, code = np.minimum(time, ends), np.where(ends < time, own.censored, code)
    levels = bound.schema[own.event].levels
    shown = after(time, entry, bound.schema[own.time])
    found = {own.time: shown, own.event: code.astype(np.int64) if levels else code}
    return found | ({own.until: shown} if own.until else {})


def _administrative(own: FollowUp, entry: np.ndarray, rng: np.random.Generator, chances: np.ndarray) -> np.ndarray:
    """Draw when each record's follow-up ends administratively, shape (n,)."""
    ends = np.full(len(entry), np.inf if own.last is None else own.last)
    for time, chance in zip(own.times[::-1], chances[::-1], strict=True):
        here = (rng.random(len(entry)) < chance) & (entry < time)
        ends = np.where(here, time, ends)
    late = entry >= ends
    if late.any():
        raise SynthesisError(
            f"{late.sum()} of {len(entry)} records enter (column {own.entry!r}) after the last time of follow-up, "
            f"{own.last:g}. Give the column of entry an equation that stays below it, such as family='tree'."
        )
    return ends


def after(time: np.ndarray, entry: np.ndarray, column: Column) -> np.ndarray:
    """Return times as they are released, above 0 and after entry also where rounding would put them there.

    >>> after(np.array([0.2, 3.6]), np.array([0.0, 3.5]), Column("t", "count", "int64", decimals=0)).tolist()
    [1.0, 4.0]
    """
    if column.decimals is None and column.kind != "count":
        return time
    decimals = column.decimals or 0
    rounded = np.round(time, decimals) if column.kind == "count" else released(time, column)
    grain = 10.0**-decimals
    return np.where(rounded <= entry, np.round((np.floor(entry / grain + 1e-9) + 1.0) * grain, decimals), rounded)
