"""Posterior draws of a log-linear model given noisy tables, and records from single draws."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from scipy.linalg import solve_triangular

from bayessynth.errors import DiagnosticsWarning, FitError, SynthesisError, warn
from bayessynth.fitting.engines.nutpie import USUAL_ACCEPT, sample_compiled, statistics
from bayessynth.fitting.engines.settings import Settings
from bayessynth.fitting.noise_aware.tables.junction import JunctionTree, junction_tree
from bayessynth.fitting.noise_aware.tables.kernel import whitened
from bayessynth.fitting.noise_aware.tables.layout import Layout, layout_of, sums_of
from bayessynth.fitting.noise_aware.tables.mode import Mode, Model, descended, find, model_of
from bayessynth.fitting.noise_aware.tables.sums import calibrated, records
from bayessynth.fitting.threads import in_threads, one_thread
from bayessynth.privacy import NoisyMarginals

# Chains, warm-up draws, fewest draws of a chain, and draws for each that is kept; whitened, they hardly depend on each
# other.
_CHAINS, _TUNE, _FEWEST, _APART = 2, 300, 400, 4
# Largest R-hat of any effect that passes without a warning: chains are short, since few draws are kept.
_R_HAT = 1.05
_VERSION = 1


@dataclass(frozen=True, eq=False)
class TablePosterior:
    """Posterior draws of a log-linear model of cells, each of which gives records.

    Attributes
    ----------
    layout : Layout
        Columns, cells and effects.
    draws : ndarray of shape (m, layout.size)
        Effects.
    totals : ndarray of shape (m,)
        Number of rows; the same in all draws where it is public.
    method : {"nuts", "perturbed modes"}
        How the draws were made, see :func:`fit_tables`.
    seconds : float
    test : bool
        Whether noise was drawn with a seed, which protects nobody.

    Examples
    --------
    >>> noisy = NoisyMarginals((("a", "b"),), {"a": ("0", "1"), "b": ("x", "y")},
    ...                        (np.array([[90.0, 10.0], [10.0, 90.0]]),), 4.0, None)
    >>> posterior = fit_tables([noisy], 20, random_seed=1)
    >>> codes = posterior.sample(0, 1000, np.random.default_rng(1))
    >>> bool(np.mean(codes["a"] == codes["b"]) > 0.8)
    True
    """

    layout: Layout
    draws: np.ndarray
    totals: np.ndarray
    method: str
    seconds: float
    test: bool

    @cached_property
    def tree(self) -> JunctionTree:
        """The junction tree over which sums are taken."""
        return junction_tree(self.layout.cliques, self.layout.sizes)

    def sample(self, draw: int, k: int | None, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw records from one posterior draw, exactly.

        Parameters
        ----------
        draw : int
        k : int or None
            Number of records; None for the draw's number of rows.
        rng : Generator

        Returns
        -------
        dict of str to ndarray of int
            The place of each record's cell, by column.

        Raises
        ------
        SynthesisError
            If there is no such draw.
        """
        if not 0 <= draw < len(self.draws):
            raise SynthesisError(f"Draw {draw} is none of the {len(self.draws)} posterior draws of the tables.")
        tables = calibrated(self.tree, self.layout.factors(self.draws[draw]))
        count = max(1, round(float(self.totals[draw]))) if k is None else k
        drawn = records(self.tree, tables, count, rng)
        return {name: drawn[:, i] for i, name in enumerate(self.layout.columns)}

    def to_arrays(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return JSON data and arrays from which :meth:`from_arrays` makes the same posterior.

        >>> noisy = NoisyMarginals((("a",),), {"a": ("0", "1")}, (np.array([90.0, 10.0]),), 4.0, None)
        >>> posterior = fit_tables([noisy], 20, random_seed=1)
        >>> again = TablePosterior.from_arrays(*posterior.to_arrays())
        >>> bool((again.draws == posterior.draws).all()), again.layout == posterior.layout
        (True, True)
        """
        data = {
            "version": _VERSION, "columns": list(self.layout.columns), "cells": [list(c) for c in self.layout.cells],
            "cliques": [list(c) for c in self.layout.cliques], "method": self.method, "seconds": self.seconds,
            "test": self.test,
        }  # fmt: skip
        return data, {"draws": self.draws, "totals": self.totals}

    @classmethod
    def from_arrays(cls, data: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> TablePosterior:
        """Make a posterior of what :meth:`to_arrays` returned."""
        layout = layout_of(data["columns"], [tuple(c) for c in data["cells"]], data["cliques"])
        return cls(layout, arrays["draws"], arrays["totals"], data["method"], data["seconds"], data["test"])


def fit_tables(
    noisy: Sequence[NoisyMarginals], draws: int, *, random_seed: int | None = None, cores: int = 1
) -> TablePosterior:
    """Draw from the posterior of a log-linear model of cells given noisy tables.

    The model has an effect for every set of columns within a table. Noisy sums of its contrasts are normal with mean
    nμ and covariance nΣ + V, which counts both sampling and noise (NAPSU-MQ, Räisä, Jälkö, Kaski & Honkela 2023);
    effects have independent normal priors, and the number of rows a flat one where it is private. Rows are
    independent; of persons with several rows hand in tables in which a person counts once
    (:meth:`~bayessynth.privacy.NoisyMarginals.scaled`), else intervals come out too narrow.

    Where all cells can be enumerated (cells times the square of the number of effects at most 20 million), NUTS draws
    from this posterior. Beyond, draws are approximate: Σ is held at its value at the mode, where it is estimated from
    100,000 records, and each draw is the mode given sums and prior means to which noise of their own covariance was
    added, which is exact for a model that is linear in the effects (randomize-then-optimize, Bardsley, Solonen, Haario
    & Laine 2014).

    Parameters
    ----------
    noisy : sequence of NoisyMarginals
        Tables of the same rows, from one release or several.
    draws : int
        Number of draws, each of which gives one copy; intervals pooled over copies need 100.
    random_seed : int, optional
    cores : int
        Most threads; draws do not depend on how many.

    Returns
    -------
    TablePosterior

    Raises
    ------
    FitError
        If the tables bind too many cells together for exact sums, have too many effects, or differ in their cells;
        nothing was computed then. If no mode was found.

    Warns
    -----
    DiagnosticsWarning
        If the chains disagree.

    Examples
    --------
    >>> noisy = NoisyMarginals((("a",),), {"a": ("0", "1")}, (np.array([900.0, 100.0]),), 4.0, None)
    >>> posterior = fit_tables([noisy], 40, random_seed=1)
    >>> posterior.method, posterior.draws.shape, bool(abs(posterior.totals.mean() - 1000) < 3)
    ('nuts', (40, 1), True)
    """
    if not noisy or not (isinstance(draws, int) and draws > 0):
        raise FitError(f"State at least one release of noisy tables and one draw or more, not {draws!r} of {noisy!r}.")
    begun = time.perf_counter()
    model = model_of(sums_of(noisy))
    mode = find(model)
    seed = np.random.SeedSequence(random_seed)
    if model.features is not None:
        effects, totals = _sampled(model, mode, model.features, draws, int(seed.generate_state(1)[0]))
        method = "nuts"
    else:
        effects, totals = _perturbed(model, mode, draws, np.random.default_rng(seed), cores)
        method = "perturbed modes"
    return TablePosterior(model.sums.layout, effects, totals, method, time.perf_counter() - begun,
                          any(one.test for one in noisy))  # fmt: skip


def _sampled(
    model: Model, mode: Mode, features: np.ndarray, draws: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Sample by NUTS, with effects and number of rows as distances from the mode in posterior standard deviations."""
    from nutpie.compiled_pyfunc import from_pyfunc

    sums, size, sd = model.sums, model.size + 1, math.sqrt(model.sums.total_variance)
    scale = np.linalg.inv(np.linalg.cholesky(mode.precision)).T.copy()
    density = partial(whitened, features=features, mode=mode.effects, scale=scale, total=mode.total, total_sd=sd,
                      values=sums.values, variances=sums.variances, prior=model.prior_sd**-2.0)  # fmt: skip

    def begin(seed: int) -> np.ndarray:
        return np.random.default_rng(seed).standard_normal(size)

    compiled = from_pyfunc(size, lambda: density, lambda *seeds: _expanded, [np.dtype(float)], [(size,)], ["z"],
                           make_initial_point_fn=begin)  # fmt: skip
    each = math.ceil(draws / _CHAINS)
    length = max(_FEWEST, each * _APART)
    tree = sample_compiled(compiled, Settings(length, _TUNE, _CHAINS), seed, USUAL_ACCEPT)
    z = np.asarray(tree["posterior"]["z"].values)
    _warn_of_chains(model, z, int(statistics(tree)["diverging"].sum()))
    kept = z[:, np.linspace(length - 1, 0, each).astype(int)].swapaxes(0, 1).reshape(-1, size)[:draws]
    return mode.effects + kept[:, 1:] @ scale.T, mode.total + sd * kept[:, 0]


def _warn_of_chains(model: Model, z: np.ndarray, diverged: int) -> None:
    # Imported here: its import takes longer than the fit of a small table.
    from arviz_stats.base import array_stats

    r_hat = float(np.max(array_stats.rhat(z, chain_axis=0, draw_axis=1)))
    if r_hat > _R_HAT or diverged:
        warn(
            f"Posterior of the tables of {', '.join(model.sums.layout.columns)}: R-hat is up to {r_hat:.3f} and "
            f"{diverged} draws diverged, so intervals may be off. Ask for more draws, or merge levels with few rows.",
            DiagnosticsWarning,
        )


def _expanded(z: np.ndarray) -> dict[str, np.ndarray]:
    return {"z": np.array(z)}


def _perturbed(
    model: Model, mode: Mode, draws: int, rng: np.random.Generator, cores: int
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Find the modes given perturbed sums and prior means."""
    sums, root = model.sums, np.linalg.cholesky(mode.weight)
    totals = mode.total + math.sqrt(sums.total_variance) * rng.standard_normal(draws)
    moves = rng.standard_normal((draws, 2, model.size))
    effects = np.empty((draws, model.size))

    def fill(rows: slice) -> None:
        for draw in range(rows.start, rows.stop):
            noise = solve_triangular(root, moves[draw, 0], lower=True, trans="T")
            near, centre = replace(mode, total=float(totals[draw])), model.prior_sd * moves[draw, 1]
            effects[draw] = descended(model, near, sums.values + noise, centre)

    with one_thread():
        in_threads(fill, draws, cores, at_a_time=1)
    return effects, totals
