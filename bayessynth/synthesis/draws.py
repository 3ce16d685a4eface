"""Posterior draws as one flat sequence, and which draw each copy uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from bayessynth.errors import SynthesisError


@dataclass(frozen=True)
class Draws:
    """All variables of a posterior.

    Attributes
    ----------
    variables : mapping of str to ndarray
        Each of shape (chains, draws, …).
    shape : tuple of int
        Chains and draws.
    """

    variables: Mapping[str, np.ndarray]
    shape: tuple[int, int]

    @classmethod
    def of(cls, posterior: xr.Dataset) -> Draws:
        """Take the variables of a posterior."""
        sizes = posterior.sizes
        return cls({str(k): v.values for k, v in posterior.data_vars.items()},
                   (sizes.get("chain", 1), sizes.get("draw", 1 << 30)))  # fmt: skip

    def at(self, chain: int, draw: int) -> dict[str, np.ndarray]:
        """Return one draw of every variable."""
        return {name: values[chain, draw] for name, values in self.variables.items()}

    def take(self, chosen: Sequence[tuple[int, int]]) -> Draws:
        """Return some of the draws as one chain.

        >>> Draws({"x": np.arange(6).reshape(2, 3)}, (2, 3)).take([(0, 1), (1, 2)]).variables["x"].tolist()
        [[1, 5]]
        """
        chains, draws = [c for c, _ in chosen], [d for _, d in chosen]
        return Draws({name: values[chains, draws][None] for name, values in self.variables.items()}, (1, len(chosen)))

    def spread(self, m: int) -> list[tuple[int, int]]:
        """Choose m distinct draws, spread evenly over chains and along each chain.

        Raises
        ------
        SynthesisError
            If there are fewer than m draws.
        """
        chains, draws = self.shape
        if m > chains * draws:
            raise SynthesisError(
                f"m={m} copies need as many posterior draws, but the fit has {chains * draws}; fit with more draws=."
            )
        each = -(-m // chains)
        return [(j % chains, min(int((j // chains + 0.5) * draws / each), draws - 1)) for j in range(m)]
