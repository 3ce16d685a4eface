"""nutpie's NUTS, as all engines run it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from bayessynth.errors import FitError
from bayessynth.fitting.engines.settings import Settings
from bayessynth.fitting.kernels.native import addresses

if TYPE_CHECKING:
    import xarray as xr

# nutpie's names of statistics -> ArviZ's.
_STATS = {
    "diverging": "diverging", "energy": "energy", "depth": "tree_depth", "step_size": "step_size",
    "mean_tree_accept": "acceptance_rate", "logp": "lp", "n_steps": "n_steps",
}  # fmt: skip
# Small steps: group standard deviations near zero make narrow necks, and a divergence costs the user a refit.
TARGET_ACCEPT = 0.95
# Stan's and PyMC's default.
USUAL_ACCEPT = 0.8


class Addressed(Protocol):
    """Something in memory that stays where it is as long as the object lives."""

    @property
    def address(self) -> int:
        """Where it is."""


@dataclass(frozen=True)
class Native:
    """A log density in compiled code, as nutpie takes a model; a draw is ``theta``, all parameters.

    Chains start between -1 and 1.

    Attributes
    ----------
    size : int
        Number of parameters.
    handed : Addressed
        What the compiled function reads, with its ``address``.
    functions : tuple of int
        Addresses of the C functions that evaluate the density and return a draw.
    """

    size: int
    handed: Addressed
    functions: tuple[int, int] = field(default_factory=addresses)

    # What nutpie.sample() asks a compiled model for.
    coords: ClassVar[dict[str, Any]] = {}
    reparameterized_names: ClassVar[None] = None

    @property
    def n_dim(self) -> int:
        """Number of parameters."""
        return self.size

    def _make_sampler(self, settings: Any, init_mean: Any, cores: int, *how: Any) -> Any:
        from nutpie import _lib

        sizes: dict[str, int] = {}
        variables = _lib.PyVariable.new_variables(["theta"], ["float64"], [(self.size,)], sizes, {})
        log_density, expand = self.functions
        model = _lib.PyMcModel(
            _lib.LogpFunc(log_density, self.handed.address, self),
            _lib.ExpandFunc(self.size, self.size, expand, self.handed.address, self),
            variables, self.size, sizes, {}, self._start, None,
        )  # fmt: skip
        return _lib.PySampler.from_pymc(settings, cores, model, *how)

    def _start(self, seed: int) -> np.ndarray:
        return np.random.default_rng(seed).uniform(-1.0, 1.0, self.size)


def statistics(tree: xr.DataTree) -> dict[str, np.ndarray]:
    """Return the sampler's statistics by ArviZ's names, each of shape (chains, draws)."""
    return {new: np.asarray(tree["sample_stats"][old].values) for old, new in _STATS.items()}


def sample_compiled(compiled: Any, settings: Settings, seed: int, target_accept: float = TARGET_ACCEPT) -> xr.DataTree:
    """Sample a compiled model."""
    import nutpie

    return nutpie.sample(
        compiled, draws=settings.draws, tune=settings.tune, chains=settings.chains, cores=settings.cores,
        seed=seed, progress_bar=False, save_warmup=False, target_accept=target_accept,
    )  # fmt: skip


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Turn what stops the sampler into a FitError that names the equation."""
    try:
        yield
    except RuntimeError as error:
        raise FitError(
            f"The sampler could not start on the equation for {name!r}: {error}. Look at its priors "
            "(spec.priors(df)) and at the column's extremes; a column on a very large scale is better divided first."
        ) from error
