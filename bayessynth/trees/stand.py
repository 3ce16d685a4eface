"""The trees of several copies side by side, as if they were those of one, for compiled code that draws all at once.

A step of sequences draws a few hundred records of each of twenty copies. A call of compiled code a copy would cost as
much as the draws themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby, pairwise
from typing import NamedTuple

import numpy as np

from bayessynth.trees import walk
from bayessynth.trees.conditional import Ensemble
from bayessynth.trees.features import Features
from bayessynth.trees.grow import Nodes
from bayessynth.trees.laid import Laid, laid

# Records of one call from which on threads share it.
SHARED = 500
_PLACES = {"left", "right", "parent", "roots"}
_LEVELS = {"order", "effects"}


class Stack(NamedTuple):
    """The trees of some copies that follow one another.

    Attributes
    ----------
    begin, end : int
        The first copy, and one past the last.
    features : Features
        With a first axis for the copies, the orders and effects of levels aside.
    nodes : Nodes
    leaves : Laid
    trees : int
        Of each copy.
    most : int
        Entries of a copy, at most.
    """

    begin: int
    end: int
    features: Features
    nodes: Nodes
    leaves: Laid
    trees: int
    most: int


def stacks(ensembles: Sequence[Ensemble]) -> list[Stack]:
    """Return the trees of all copies as few stacks: one where they read equally many features and draw alike.

    Parameters
    ----------
    ensembles : sequence of Ensemble
        Of one column, by copy.
    """
    found, begin = [], 0
    for _, own in groupby(ensembles, key=_shape):
        some = list(own)
        found.append(_stacked(some, begin))
        begin += len(some)
    return found


def _shape(own: Ensemble) -> tuple[tuple[int, ...], int, int, int]:
    return own.features.slopes.shape, len(own.nodes.roots), own.leaves.pull.shape[1], len(own.leaves.noise)


def _stacked(ensembles: list[Ensemble], begin: int) -> Stack:
    if len(ensembles) == 1:
        own = ensembles[0]
        alone = Features(*(part if name in _LEVELS else part[None]
                           for name, part in own.features._asdict().items()))  # fmt: skip
        return Stack(begin, begin + 1, alone, own.nodes, laid([own.leaves]), len(own.nodes.roots), len(own.leaves.upto))
    trees, most = len(ensembles[0].nodes.roots), max(len(e.leaves.upto) for e in ensembles)
    parts = {name: [getattr(e.features, name) for e in ensembles] for name in Features._fields}
    level = np.cumsum([0, *(len(order) for order in parts["order"])])
    parts["first"] = [np.where(own < 0, own, own + at) for own, at in zip(parts["first"], level, strict=False)]
    features = Features(**{name: np.concatenate(own) if name in _LEVELS else np.ascontiguousarray(np.stack(own))
                           for name, own in parts.items()})  # fmt: skip
    end = begin + len(ensembles)
    return Stack(begin, end, features, _nodes(ensembles), laid([e.leaves for e in ensembles]), trees, most)


def _nodes(ensembles: list[Ensemble]) -> Nodes:
    every = [e.nodes for e in ensembles]
    node = np.cumsum([0, *(len(own.feature) for own in every)])
    leaf = np.cumsum([0, *(len(own.upto) - 1 for own in every)])
    weight = np.cumsum([0.0, *(own.upto[-1] for own in every)])
    moved = [
        own._replace(
            **{name: np.where(at < 0, -1, at + first).astype(at.dtype) for name in _PLACES
               for at in (getattr(own, name),)},
            first=(own.first + low).astype(own.first.dtype), last=(own.last + low).astype(own.last.dtype),
            upto=own.upto[:-1] + before,
        )
        for own, first, low, before in zip(every, node, leaf, weight, strict=False)
    ]  # fmt: skip
    joined = Nodes(*map(np.concatenate, zip(*moved, strict=True)))
    return joined._replace(upto=np.append(joined.upto, weight[-1]))


class Draws(NamedTuple):
    """The records of all copies that are drawn at once.

    Attributes
    ----------
    table : ndarray of shape (n, p)
    rows : ndarray of int64
        Those of the table that are drawn, copy by copy.
    parts : ndarray of int64, shape (copies + 1,)
        Where each copy's begin among them.
    uniforms : ndarray of shape (3 * len(rows),)
        Random numbers, those of a copy side by side.
    """

    table: np.ndarray
    rows: np.ndarray
    parts: np.ndarray
    uniforms: np.ndarray


def uniforms_of(rngs: Sequence[np.random.Generator], parts: np.ndarray) -> np.ndarray:
    """Return three random numbers for each record, drawn by its copy's generator as if it were alone."""
    found = np.empty(3 * int(parts[-1]))
    for rng, first, end in zip(rngs, parts[:-1].tolist(), parts[1:].tolist(), strict=True):
        if end > first:
            rng.random(out=found[3 * first : 3 * end])
    return found


def draw(
    found: Sequence[Stack], draws: Draws, smoothing: float, limits: tuple[np.ndarray, ...], free: bool,
    out: np.ndarray, pool: ThreadPoolExecutor | None = None, threads: int = 1,
) -> None:  # fmt: skip
    """Draw the target of the records of all copies.

    Parameters
    ----------
    found : sequence of Stack
    draws : Draws
    smoothing : float
    limits : tuple of ndarray
        What rules leave of each row of the table.
    free : bool
        Whether they leave all, so that they are not looked at.
    out : ndarray of shape (n,)
        Where the values go, in the rows of the table.
    pool : ThreadPoolExecutor, optional
        Shares the work of many records.
    threads : int
        In the pool.
    """

    def run(stack: Stack, begin: int, end: int) -> None:
        room, parts = np.empty(stack.most), draws.parts[stack.begin : stack.end + 1]
        lower, upper, allowed, absent, present = limits
        walk.draw_copies(draws.table, draws.rows, parts, begin, end, stack.features, stack.nodes, stack.leaves,
                         stack.trees, smoothing, draws.uniforms, room, free, lower, upper, allowed, absent, present,
                         out)  # fmt: skip

    for stack in found:
        copies, own = stack.end - stack.begin, draws.parts[stack.begin : stack.end + 1]
        if pool is None or copies == 1 or own[-1] - own[0] < SHARED:
            run(stack, 0, copies)
            continue
        wanted = own[0] + (own[-1] - own[0]) * np.arange(1, threads) / threads
        cuts = [0, *np.searchsorted(own, wanted).tolist(), copies]
        jobs = [pool.submit(run, stack, a, b) for a, b in pairwise(cuts[1:]) if b > a]
        run(stack, cuts[0], cuts[1])
        for job in jobs:
            job.result()
