"""The log density of equations that share group effects, from compiled kernels: what their joint graph computes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bayessynth.design import Component, Shared
from bayessynth.fitting.constrain import posterior_of
from bayessynth.fitting.density import Density, unserved_apart
from bayessynth.fitting.kernels import joint
from bayessynth.fitting.kernels.native import Data, Handed
from bayessynth.fitting.kernels.vectors import Cholesky
from bayessynth.fitting.parameters import raw_name
from bayessynth.fitting.posterior import Posterior


def unserved_joint(components: Sequence[Component]) -> str | None:
    """Return why the kernels cannot serve equations that share effects, or None if they can."""
    for own in components:
        reason = unserved_apart(own.equation)
        if reason:
            return f"{own.equation.response!r}: {reason}"
    return None


class JointDensity:
    """Log density (up to a constant) and gradient of the unconstrained parameters of several equations.

    The parameters of the equations stand side by side, each as in :class:`bayessynth.fitting.density.Density`, but for
    the effects that are shared, which here are independent where they are standardised; then follow the correlations.

    Parameters
    ----------
    components : sequence of Component
    shared : sequence of Shared

    Attributes
    ----------
    densities : dict of str to Density
    starts : dict of str to int
        Where each equation's parameters begin.
    correlations : dict of str to slice
        Where the numbers of each correlation stand, by its name.
    size : int
    """

    def __init__(self, components: Sequence[Component], shared: Sequence[Shared]) -> None:
        self.shared = tuple(shared)
        self.densities = {c.equation.response: Density(c) for c in components}
        sizes = [d.parameters.size for d in self.densities.values()]
        ends = np.cumsum([0, *sizes])
        self.starts = dict(zip(self.densities, map(int, ends), strict=False))
        self._handed = [Handed(Data(d.tables, d.laid, d.rows)) for d in self.densities.values()]
        self.correlations: dict[str, slice] = {}
        self.size = int(ends[-1])
        for block in self.shared:
            q = len(block.labels)
            self.correlations[block.name] = slice(self.size, self.size + q * (q - 1) // 2)
            self.size += q * (q - 1) // 2
        self.table = self._table(sizes)

    @property
    def address(self) -> int:
        """Of the table that the compiled function reads."""
        return int(self.table.ctypes.data)

    def _table(self, sizes: Sequence[int]) -> np.ndarray:
        made = [0, len(sizes), len(self.shared)]
        for handed, size in zip(self._handed, sizes, strict=True):
            made += [handed.address, size]
        for block in self.shared:
            places = self._effects(block)
            groups = len(next(iter(self.densities[m.response] for m in block.members)).component.labels[block.factor])
            eta = int(np.array([float(block.prior.params["eta"])]).view(np.int64)[0])  # type: ignore[arg-type]
            made += [groups, len(places), self.correlations[block.name].start, eta]
            made += [number for effect in places for number in effect]
        made[joint.LENGTH] = len(made)
        return np.array(made, dtype=np.int64)

    def _effects(self, block: Shared) -> list[tuple[int, ...]]:
        """Return what the table says of each effect of a block."""
        found: list[tuple[int, ...]] = []
        for member in block.members:
            density, start = self.densities[member.response], self.starts[member.response]
            group = density.equation.predictors[member.parameter].groups[member.position]
            name = raw_name(density.parameters.prefix(member.parameter), group)
            first, step = start + density.parameters.blocks[name].rows.start, len(member.effects)
            equation = joint.HEAD + joint.EACH * list(self.densities).index(member.response)
            term = next(i for i, t in enumerate(density.program.terms) if t.group is group)
            centred = density.program.terms[term].centred
            found += [(first + j, step, equation, start, term if centred and not j else -1) for j in range(step)]
        return found

    def __call__(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the log density and its gradient, shape (size,)."""
        theta = np.ascontiguousarray(theta, dtype=float)
        grad = np.empty(len(theta))
        total = joint.gradient(self.table, theta, grad)
        return (total if np.isfinite(total) else -np.inf), grad

    def posteriors(self, theta: np.ndarray, *, chains: int, **kwargs: Any) -> list[Posterior]:
        """Return the posteriors of the equations that draws make; the first of a block has its correlation.

        Parameters
        ----------
        theta : ndarray of shape (S, size)
        chains : int
        **kwargs
            Handed to :func:`bayessynth.fitting.report.report`.
        """
        own, x = theta.copy(), np.empty((2, self.size))
        for draw, out in zip(theta, own, strict=True):
            joint.constrain(self.table, draw, *x)
            joint.correlate(self.table, draw, x[0], out)
        found = {}
        for column, density in self.densities.items():
            rows = slice(self.starts[column], self.starts[column] + density.parameters.size)
            found[column] = posterior_of(density, np.ascontiguousarray(own[:, rows]), chains=chains, **kwargs)
        for block in self.shared:
            first = found[block.responses[0]]
            made = Cholesky(len(block.labels), float(block.prior.params["eta"]))  # type: ignore[arg-type]
            factor = made.forward(theta[:, self.correlations[block.name]])
            values = factor @ factor.transpose(0, 2, 1)
            dims = block.dims
            variables = {**first.variables, block.name: (dims, values.reshape(chains, -1, *values.shape[1:]))}
            coords = {**first.coords, **{side: list(block.labels) for side in dims}}
            found[first.column] = replace(first, variables=variables, coords=coords)
        return list(found.values())
