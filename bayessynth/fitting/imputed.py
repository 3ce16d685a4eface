"""Equations that missing cells join: parameters and cells drawn in turn, in several chains side by side.

Bayesian data augmentation (Tanner & Wong 1987): each sweep draws the parameters of every joined equation given
completed data, by the engines that a fit uses, and the cells given the parameters. The draws that are kept are draws
from the posterior given what is observed; the cells themselves are let go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import TerminatedWorkerError

from bayessynth.design import Component
from bayessynth.errors import FitError
from bayessynth.fitting.diagnose import ESS_PASS, mixing
from bayessynth.fitting.engines import kernel
from bayessynth.fitting.engines.ladder import INDEPENDENT, LADDER, sample, unserved
from bayessynth.fitting.engines.settings import Settings
from bayessynth.fitting.parallel import KEEP_ALIVE
from bayessynth.fitting.posterior import STATS, Posterior, dataset
from bayessynth.fitting.threads import one_thread
from bayessynth.imputation import Chain, Gaps, chain, r_hat, start

# Sweeps before the first that is kept: a chain starts from complete rows, and from a hot deck.
BURN_IN = 20
# Fewest sweeps that are kept, and most draws that are kept of each: draws of one sweep share their completed data.
SWEEPS, EACH = 50, 20
# Most sweeps that are kept beyond what the number of draws asks for; most by which a round multiplies them.
MOST, _FURTHER = 400, 4
# Sweeps are added until this many draws are effective, or this share of those that are kept.
_GOAL, _GOAL_SHARE = 1.1 * ESS_PASS, 0.25
# Draws of an engine in each sweep, of which some are kept: importance weights of fewer say little.
_DRAWN = 200
# Warm-up of NUTS in each sweep.
_TUNE = 300
# Engines that are quick enough to be called in every sweep: none has a model to compile.
ENGINES = (*INDEPENDENT, kernel.NAME)
# Statistics of the sampler that mean the same whatever the completed data.
_KEPT_STATS = ("diverging", "tree_depth", "step_size", "acceptance_rate", "n_steps")


@dataclass(frozen=True)
class Imputed:
    """The posteriors of all joined equations.

    Attributes
    ----------
    posteriors : dict of str to Posterior
    record : dict
        For the provenance: ``imputed``, the number of cells that were drawn by column; ``left_out``, that of rows
        without a response that an equation is not fitted to; ``imputation``, how it was done.
    """

    posteriors: dict[str, Posterior] = field(default_factory=dict)
    record: dict[str, Any] = field(default_factory=dict)


def impute(gaps: Gaps, engine: str, settings: Settings, entropy: int) -> Imputed:
    """Draw the parameters of joined equations given all that is observed.

    Parameters
    ----------
    gaps : Gaps
    engine : str
        As for a fit.
    settings : Settings
        Chains, draws of each, and most worker processes, each of which takes whole chains. Sweeps are added until
        enough draws are effective, up to a limit.
    entropy : int
        Seed. Each chain has its own stream, so that results do not depend on the number of cores.

    Returns
    -------
    Imputed

    Raises
    ------
    FitError
        If an equation has no engine that is quick enough to be called in every sweep.
    """
    left_out = {c: len(gaps.grouping.rows(gaps.bound[c].level)) - len(rows) for c, rows in gaps.rows.items()}
    record: dict[str, Any] = {"imputed": {}, "left_out": {c: count for c, count in left_out.items() if count}}
    if not gaps.sampled:
        return Imputed({}, record)
    task = _Task(gaps, _engines(gaps, engine))
    seeds = np.random.SeedSequence(entropy, spawn_key=(2,)).spawn(settings.chains)
    sweeps = max(SWEEPS, -(-settings.draws // EACH))
    runs = _runs(task, [(seed, None) for seed in seeds], sweeps, settings)
    posteriors = {c: _joined(c, runs, settings.draws) for c in gaps.sampled}
    goal = min(_GOAL, _GOAL_SHARE * settings.draws * settings.chains)
    while (effective := _effective(posteriors.values())) < goal and sweeps < MOST:
        more = int(np.clip(np.ceil(1.2 * sweeps * goal / max(effective, 1.0)), 1.5 * sweeps, _FURTHER * sweeps))
        sweeps = max(min(more, MOST), sweeps + 1)
        runs = _runs(task, list(zip(seeds, runs, strict=True)), sweeps, settings)
        posteriors = {c: _joined(c, runs, settings.draws) for c in gaps.sampled}
    found = r_hat(gaps, [run.chain for run in runs])
    watched = {name: round(value, 4) for name, value in found.items() if name in runs[0].chain.moments}
    how = {"equations": list(gaps.sampled), "burn_in": BURN_IN, "sweeps": sweeps, "r_hat": watched}
    return Imputed(posteriors, record | {"imputed": gaps.counts, "imputation": how})


def _effective(posteriors: Iterable[Posterior]) -> float:
    """Return the smallest effective number of draws of any parameter."""
    return min(min(found["ess_bulk"], found["ess_tail"]) for found in (mixing(dataset([p])) for p in posteriors))


def _engines(gaps: Gaps, engine: str) -> dict[str, tuple[str, ...]]:
    """Return the engines that each joined equation is tried with."""
    if engine not in ("auto", *ENGINES):
        raise FitError(
            f"engine={engine!r} would compile its model in every sweep in which missing cells are drawn, which is too "
            f"slow. Use engine='auto', or {' or '.join(map(repr, ENGINES))}."
        )
    wanted = ENGINES if engine == "auto" else (engine,)
    arrays = start(gaps, np.random.default_rng(0))
    found = {}
    for column in gaps.sampled:
        reasons = unserved(gaps.component(column, arrays), wanted)
        found[column] = tuple(name for name in wanted if name not in reasons)
        if not found[column]:
            listed = "; ".join(f"{name!r}: {reason}" for name, reason in reasons.items())
            raise FitError(
                f"Missing cells join the equation of {column!r} to others, and none of the engines that are quick "
                f"enough to be called in every sweep fits it ({listed}). Change what it names, or say missing='drop'."
            )
    return found


@dataclass(frozen=True)
class _Told:
    """What an engine tells of its draws of one sweep.

    Attributes
    ----------
    engine : str
    seconds : float
    dims : mapping of str to tuple of str
        Of each variable.
    coords : mapping of str to sequence
    stats : mapping of str to ndarray of shape (draws,)
        Of the draws that are kept.
    k_hat : float or None
    ess : float or None
        Effective share of the draws.
    """

    engine: str
    seconds: float
    dims: Mapping[str, tuple[str, ...]]
    coords: Mapping[str, Sequence[Any]]
    stats: Mapping[str, np.ndarray]
    k_hat: float | None
    ess: float | None

    def last(self, draws: int) -> _Told:
        """Return what is told of the last draws."""
        return replace(self, stats={name: values[-draws:] for name, values in self.stats.items()})


@dataclass(frozen=True)
class _Run:
    """A chain, with what engines told of every sweep, and which have refused an equation."""

    chain: Chain
    told: Mapping[str, Sequence[_Told]]
    refused: Mapping[str, Mapping[str, str]]

    def last(self, draws: int) -> _Run:
        """Return the run with the last draws of each sweep: with more sweeps, fewer of each are kept."""
        values = tuple(
            {c: {name: v[-draws:] for name, v in own.items()} for c, own in sweep.items()}
            for sweep in self.chain.values
        )
        told = {column: [t.last(draws) for t in own] for column, own in self.told.items()}
        return _Run(replace(self.chain, values=values), told, self.refused)


@dataclass
class _Sampler:
    """Draws parameters by the first engine that can, and keeps what is to be told of its draws.

    Attributes
    ----------
    names : mapping of str to tuple of str
        Engines by equation.
    each : int
        Draws that are kept of a sweep.
    told : dict of str to list
        One a sweep.
    refused : dict of str to mapping
        By equation: engines that have refused it, which are not tried again in this chain.
    """

    names: Mapping[str, tuple[str, ...]]
    each: int
    told: dict[str, list[_Told]]
    refused: dict[str, Mapping[str, str]]

    def __call__(self, component: Component, previous: Any, rng: np.random.Generator) -> dict[str, np.ndarray]:
        column = component.equation.response
        settings, refused = Settings(draws=_DRAWN, tune=_TUNE, chains=1), self.refused.get(column, {})
        found = sample(component, self.names[column], settings, int(rng.integers(2**31)), refused)
        self.refused[column] = found.refused
        kept = np.arange(1, self.each + 1) * _DRAWN // self.each - 1
        dims = {name: own for name, (own, _) in found.variables.items()}
        stats = {name: found.stats[name][0, kept] for name in _KEPT_STATS}
        share = None if found.ess is None else found.ess / _DRAWN
        self.told.setdefault(column, []).append(
            _Told(found.engine, found.seconds, dims, found.coords, stats, found.k_hat, share)
        )
        return {name: drawn[0, kept] for name, (_, drawn) in found.variables.items()}


@dataclass(frozen=True)
class _Task:
    """What all chains share."""

    gaps: Gaps
    names: Mapping[str, tuple[str, ...]]

    def run(self, seed: np.random.SeedSequence, begun: _Run | None, sweeps: int, each: int) -> _Run:
        """Run a chain, or go on with one, until it has so many sweeps."""
        before = begun.last(each) if begun else None
        sampler = _Sampler(self.names, each, {c: list(own) for c, own in before.told.items()} if before else {},
                           dict(before.refused) if before else {})  # fmt: skip
        done = len(before.chain.values) if before else 0
        # One BLAS thread: sums must not depend on how many cores there are.
        with one_thread():
            made = chain(self.gaps, sampler, sweeps - done, seed, before.chain if before else None)
        return _Run(made, sampler.told, sampler.refused)


def _runs(
    task: _Task, begun: Sequence[tuple[np.random.SeedSequence, _Run | None]], sweeps: int, settings: Settings
) -> list[_Run]:
    """Run all chains until so many of their sweeps are kept."""
    total, each = BURN_IN + sweeps, -(-settings.draws // sweeps)
    cores = max(1, min(settings.cores, len(begun)))
    if cores == 1:
        return [task.run(seed, run, total, each) for seed, run in begun]
    executor = get_reusable_executor(max_workers=cores, timeout=KEEP_ALIVE)
    try:
        return [f.result() for f in [executor.submit(task.run, seed, run, total, each) for seed, run in begun]]
    except TerminatedWorkerError as error:
        raise FitError(
            "A worker process was ended from outside while missing cells were drawn; most often memory ran out. Use "
            "cores=1, or fewer draws."
        ) from error
    except BaseException:
        executor.shutdown(wait=False, kill_workers=True)
        raise


def _joined(column: str, runs: Sequence[_Run], draws: int) -> Posterior:
    """Return one equation's draws of all chains, those of the sweeps one after the other."""
    by_run = [run.told[column][BURN_IN:] for run in runs]
    told = [t for own in by_run for t in own]
    by_chain = [run.chain.draws(column, BURN_IN) for run in runs]
    variables = {name: (dims, np.stack([own[name][-draws:] for own in by_chain]))
                 for name, dims in told[0].dims.items()}  # fmt: skip
    stats = dict.fromkeys(STATS, np.full((len(runs), draws), np.nan))
    for name in _KEPT_STATS:
        stats[name] = np.stack([np.concatenate([t.stats[name] for t in own])[-draws:] for own in by_run])
    shares = [t.ess for t in told if t.ess is not None]
    ess = float(np.mean(shares)) * draws * len(runs) if len(shares) == len(told) else None
    refused = {name: reason for run in runs for name, reason in run.refused[column].items()}
    return Posterior(
        column, variables, told[0].coords, stats, _last(t.engine for t in told), sum(t.seconds for t in told),
        max((t.k_hat for t in told if t.k_hat is not None), default=None), ess, refused,
    )  # fmt: skip


def _last(engines: Iterable[str]) -> str:
    """Return the engine that stands last on the ladder, of those that served."""
    return max(set(engines), key=LADDER.index)
