"""The posterior of one component, as plain arrays, and how components join into one DataTree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from bayessynth.design import safe

# Common variables of sample_stats, by ArviZ's names.
STATS = ("diverging", "energy", "tree_depth", "step_size", "acceptance_rate", "lp", "n_steps")


@dataclass(frozen=True)
class Posterior:
    """Draws of one component.

    Attributes
    ----------
    column : str
        The response.
    variables : mapping of str to tuple
        For each parameter its dims after chain and draw, and its draws, shape (chains, draws, …).
    coords : mapping of str to sequence
    stats : mapping of str to ndarray
        Statistics of the sampler, each of shape (chains, draws).
    engine : str
    seconds : float
        Time it took, compilation included.
    k_hat : float or None
        Pareto k̂ of the importance weights (Vehtari, Simpson, Gelman, Yao & Gabry 2024), for draws that approximate
        the posterior by another density; None for others.
    ess : float or None
        Effective number of such draws. It does not show in them: repeated ones stand in random order.
    refused : mapping of str to str
        Engines that were tried before, each with the reason why its result was not taken.
    """

    column: str
    variables: Mapping[str, tuple[tuple[str, ...], np.ndarray]]
    coords: Mapping[str, Sequence[Any]]
    stats: Mapping[str, np.ndarray]
    engine: str
    seconds: float
    k_hat: float | None = None
    ess: float | None = None
    refused: Mapping[str, str] = field(default_factory=dict)

    def to_datatree(self) -> xr.DataTree:
        """Return the component's own DataTree with posterior and sample_stats."""
        stats: dict[str, Any] = {name: (("chain", "draw"), values) for name, values in self.stats.items()}
        stats |= {"pareto_k": _or_nan(self.k_hat), "importance_ess": _or_nan(self.ess)}
        return xr.DataTree.from_dict(
            {"posterior": dataset([self]), "sample_stats": xr.Dataset(stats, _sample_coords([self]))}
        )


def dataset(posteriors: Sequence[Posterior]) -> xr.Dataset:
    """Join the parameters of components into one Dataset."""
    variables: dict[str, Any] = {}
    coords: dict[str, Any] = _sample_coords(posteriors)
    for posterior in posteriors:
        coords |= {name: np.asarray(values) for name, values in posterior.coords.items()}
        for name, (dims, values) in posterior.variables.items():
            variables[name] = (("chain", "draw", *dims), values)
    return xr.Dataset(variables, coords)


def to_datatree(posteriors: Sequence[Posterior]) -> xr.DataTree:
    """Join components into one DataTree; sample_stats has a ``component`` dim."""
    coords = _sample_coords(posteriors)
    stats = xr.Dataset()
    if posteriors:
        stacked = {name: np.stack([p.stats[name] for p in posteriors]) for name in STATS}
        stats = xr.Dataset(
            {name: (("component", "chain", "draw"), values) for name, values in stacked.items()},
            coords | {"component": np.asarray([safe(p.column) for p in posteriors])},
        ).transpose("chain", "draw", "component")
        stats["pareto_k"] = ("component", np.array([_or_nan(p.k_hat) for p in posteriors]))
        stats["importance_ess"] = ("component", np.array([_or_nan(p.ess) for p in posteriors]))
    return xr.DataTree.from_dict({"posterior": dataset(posteriors), "sample_stats": stats})


def _or_nan(value: float | None) -> float:
    return np.nan if value is None else value


def _sample_coords(posteriors: Sequence[Posterior]) -> dict[str, Any]:
    if not posteriors:
        return {}
    chains, draws = next(iter(posteriors[0].stats.values())).shape
    return {"chain": np.arange(chains), "draw": np.arange(draws)}
