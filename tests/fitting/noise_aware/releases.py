"""Releases of simulated tables, with continuous Gaussian noise, and what there is to recover from them.

All columns lie on the unit scale, between public bounds of -1 and 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations_with_replacement

import numpy as np

import bayessynth as bs
from bayessynth.design import Bound, bind
from bayessynth.privacy import NoisyMoments
from bayessynth.privacy.accounting import rho_of
from bayessynth.privacy.moments import MomentLayout, moment_layout

UNIT = (-1.0, 1.0)
DELTA = 1e-5


def noise(epsilon: float) -> float:
    """Return the standard deviation of the noise in units of the sensitivity."""
    return float(1.0 / np.sqrt(2.0 * rho_of(epsilon, DELTA)))


def bound_to(spec: bs.Spec, groups: Sequence[str] = (), **columns: bs.schema.Column) -> Bound:
    """Bind a spec to a schema alone: continuous columns on the unit scale, but for those that are given."""
    others = {e.response: bs.Continuous(bounds=UNIT) for e in spec if e.response not in columns}
    schema = bs.Schema(**columns, **others, **dict.fromkeys(groups, bs.Group()))
    return bind(spec, schema.example(400, np.random.default_rng(1), groups=list(groups)), schema)[0]


def pairs_of(binary: Sequence[bool]) -> tuple[tuple[int, int], ...]:
    """Return the pairs whose products are summed."""
    every = combinations_with_replacement(range(len(binary) + 1), 2)
    return tuple((i, j) for i, j in every if not (i == j and i and binary[i - 1]))


def layout_of(columns: Sequence[str], binary: Sequence[str] = ()) -> MomentLayout:
    """Return what is released of columns on the unit scale, those of levels last."""
    domain = bs.Domain({c: bs.Levels(-1, 1) if c in binary else bs.Bounds(*UNIT) for c in columns}, source="test")
    return moment_layout(domain, bs.Unit(), list(columns))


def release(
    columns: Mapping[str, np.ndarray], sigma: float, rng: np.random.Generator, binary: Sequence[str] = (),
    group: np.ndarray | None = None,
) -> NoisyMoments:  # fmt: skip
    """Sum products and add noise of ``sigma`` sensitivities; records are added or removed, n is private."""
    layout = layout_of(list(columns), binary)
    w = np.column_stack([np.ones(len(next(iter(columns.values())))), *columns.values()])
    codes = np.zeros(len(w), dtype=int) if group is None else group
    sums = np.zeros((codes.max() + 1, len(layout.pairs)))
    np.add.at(sums, codes, np.column_stack([w[:, i] * w[:, j] for i, j in layout.pairs]))
    scale = sigma * np.sqrt(layout.squared)
    drawn, covariance = layout.told(scale * rng.standard_normal(sums.shape), scale)
    labels = () if group is None else tuple(f"g{i + 1}" for i in range(len(sums)))
    return NoisyMoments(tuple(columns), layout.binary, layout.pairs, sums + drawn, covariance, None, labels)
