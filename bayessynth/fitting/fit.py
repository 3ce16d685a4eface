"""A spec and data to a fit."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayessynth import families
from bayessynth._version import __version__
from bayessynth.design import Bound, Missing, bind, component
from bayessynth.errors import FitError, suggest
from bayessynth.fitting.cores import available_cores
from bayessynth.fitting.engines.ladder import LADDER
from bayessynth.fitting.fitted import Fitted
from bayessynth.fitting.groups import fit_groups
from bayessynth.fitting.seeds import entropy_of, seeds_of
from bayessynth.imputation import gaps
from bayessynth.privacy import DP, Released
from bayessynth.schema import Schema
from bayessynth.spec import Spec
from bayessynth.suffstats import SufficientStatistics, source_of
from bayessynth.trees import TreeSettings

if TYPE_CHECKING:
    import pymc as pm

    from bayessynth.fitting.engines.settings import Settings
    from bayessynth.fitting.gather import Gathered
    from bayessynth.fitting.imputed import Imputed
    from bayessynth.fitting.posterior import Posterior

ENGINES = ("auto", *LADDER)

type Statistics = SufficientStatistics | Released
type Data = pd.DataFrame | str | os.PathLike[str] | Statistics | Sequence[SufficientStatistics] | Sequence[Released]


def fit(
    spec: Spec,
    data: Data,
    *,
    schema: Schema | None = None,
    missing: Missing = "error",
    engine: str = "auto",
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    copies: int = 20,
    random_seed: int | None = None,
    cores: int | None = None,
    privacy: DP | None = None,
    keep_groups: bool = False,
    trees: TreeSettings | None = None,
    progress: bool = True,
) -> Fitted:
    """Fit every equation of a spec.

    Parameters
    ----------
    spec : Spec
    data : DataFrame, path, Dask frame, SufficientStatistics, Released, or list of one of the last two
        The original table, or a Parquet or CSV file (or a directory of Parquet files) that holds it; its sufficient
        statistics or formal release, or those of several tables whose rows never met. A file of more than 262,144
        rows, and a Dask frame, are reduced to sufficient statistics first, as
        :func:`bayessynth.suffstats.sufficient_statistics` says.
    schema : Schema, optional
        Kinds of the columns; detected if not given.
    missing : {"error", "drop", "model"}
        ``"error"``: missing cells are refused. ``"drop"``: rows that have them are left out of the equations that use
        them, with a warning; copies are complete. ``"model"``: every record counts, and copies have missing cells.
        Equations of the family ``"tree"`` draw a missing cell as a value among others. Of parametric equations, a row
        whose response is missing is left out of the likelihood unless another equation reads that cell; a missing cell
        that an equation reads is drawn with the parameters (Bayesian data augmentation, in 50 to 400 sweeps a chain, as
        many as it takes, after 20 that are not kept), so that the posterior is the one given all that is observed.
        Which cells are missing is drawn for new records by a tree, given the columns that are drawn before it;
        parametric equations read the value behind a missing cell, trees see that it is missing. All this holds if cells
        are missing at random: whether one is may depend on other columns, not on the value itself.
        ``fitted.diagnose()`` names the cells that were drawn, ``fitted.provenance["imputed"]`` counts them.
    engine : {"auto", "marginal", "laplace", "quadrature", "kernel", "pymc"}
        ``"auto"`` takes for each equation the first that serves it and passes its own check: ``"marginal"`` (Gaussian
        equations; coefficients and group effects integrated exactly), ``"laplace"`` (no group effects), and
        ``"quadrature"`` (effects of one factor integrated numerically) draw independently by importance sampling,
        accepted if Pareto k̂ < 0.7; ``"kernel"`` samples by NUTS on compiled kernels, ``"pymc"`` on the PyMC model,
        which is the reference. ``fitted.diagnose()`` names the engine of every equation.
    draws, tune, chains : int
        Draws kept and warm-up draws of each chain.
    copies : int
        Draws kept of each nonparametric equation (family ``"tree"``) and of which cells are missing: as many copies
        can be synthesised. With ``privacy=`` those of equations that tables of counts serve, at least 100.
    random_seed : int, optional
        Fixes everything: the same seed gives the same draws, whatever the number of cores.
    cores : int, optional
        Most worker processes; by default all cores. With 1, equations are fitted in this process.
    privacy : DP, optional
        Spend the budget that is asked for on noisy statistics of the table, and fit these; all else comes from public
        facts. :func:`bayessynth.fitting.private.fit_private` says how. Without it there is no formal guarantee.
    keep_groups : bool
        Keep effects, labels and sizes of the observed groups when saving (disclosing; ``groups="existing"`` needs
        it).
    trees : TreeSettings, optional
        How nonparametric equations are grown: the dial between fidelity and disclosure.
    progress : bool
        Show a progress bar where there is a terminal or a notebook.

    Returns
    -------
    Fitted

    Raises
    ------
    SpecError, SchemaError, DataError, MissingDataError, PrivacyError
        For whatever does not fit, with column, rows and remedy, before any sampling starts and any budget is spent.
    FitError
        If the sampler cannot start.
    """
    from bayessynth.fitting.engines.settings import Settings
    from bayessynth.fitting.gather import gather
    from bayessynth.fitting.posterior import to_datatree
    from bayessynth.fitting.private import fit_private, is_private

    start = time.perf_counter()
    check_settings(engine, draws=draws, tune=tune, chains=chains, copies=copies, cores=cores)
    entropy = entropy_of(random_seed, FitError)
    draws, tune, chains = int(draws), int(tune), int(chains)  # NumPy's integers cannot be written as JSON
    settings = Settings(draws=draws, tune=tune, chains=chains, cores=cores or available_cores())
    if is_private(data, privacy):
        return fit_private(spec, data, privacy, settings, entropy, int(copies), schema=schema, missing=missing,
                           engine=engine, keep_groups=keep_groups, trees=trees)  # fmt: skip
    gathered = gather(spec, data, schema, missing)
    columns = _modelled(gathered.bound)
    posteriors, imputed, gathered = _drawn(gathered, columns, engine, settings, entropy, progress)
    bound = gathered.bound
    began = time.perf_counter()
    forest = gathered.planted(int(copies), entropy, settings.cores, trees or TreeSettings())
    grown = time.perf_counter() - began
    structure_rng = np.random.default_rng(np.random.SeedSequence(entropy, spawn_key=(1,)))
    structure = fit_groups(bound.plan, gathered.grouping, chains * draws, structure_rng, keep_groups)
    grew = [column for column in forest.trees if column not in {mask.name for mask in bound.masks}]
    record = {
        "engine": {p.column: p.engine for p in posteriors} | dict.fromkeys(grew, "bootstrap"),
        "refused": {p.column: dict(p.refused) for p in posteriors if p.refused},
        "seconds": {p.column: round(p.seconds, 2) for p in posteriors},
        "seconds_of_trees": round(grown, 2), "copies": forest.copies or None,
        "total_seconds": round(time.perf_counter() - start, 2),
        "draws": draws, "tune": tune, "chains": chains, "random_seed": entropy, "missing": gathered.missing,
        "rows": dict(gathered.rows), "groups_kept": keep_groups,
        "data": gathered.fingerprint, "version": __version__, **gathered.provenance, **imputed.record,
    }  # fmt: skip
    return Fitted(bound, to_datatree(posteriors), structure, record, forest)


def _drawn(
    gathered: Gathered, columns: Sequence[str], engine: str, settings: Settings, entropy: int, progress: bool
) -> tuple[list[Posterior], Imputed, Gathered]:
    """Draw the posteriors of all columns that have parameters; return also what was imputed, and what sums replace."""
    from bayessynth.fitting.imputed import Imputed, impute

    if not columns:
        # Engines take a second to import, which a table of trees alone need not wait for.
        return [], Imputed(), gathered
    from bayessynth.fitting.gather import fit_sums
    from bayessynth.fitting.joint import check_joint, fit_joint, joint
    from bayessynth.fitting.parallel import fit_components

    seeds = seeds_of(columns, entropy)
    summed = fit_sums(gathered, engine, settings, seeds)
    gathered = summed.gathered
    bound = gathered.bound
    shared = {c for found in bound.joined for c in found}
    apart = [gathered.components[c] for c in columns if c in gathered.components and c not in shared]
    check_joint(bound, gathered.gaps.sampled if gathered.gaps else (), engine)
    fitted = fit_components(apart, engine, replace(settings, cores=1), seeds, settings.cores, progress)
    imputed = impute(gathered.gaps, engine, settings, entropy) if gathered.gaps else Imputed()
    together = [
        posterior
        for found in bound.joined
        for posterior in fit_joint(joint(bound, gathered.components, found[0]), engine, settings, seeds[found[0]])
    ]
    by_column = summed.posteriors | {p.column: p for p in [*fitted, *together]} | imputed.posteriors
    return [by_column[column] for column in columns], imputed, gathered


def read(data: pd.DataFrame | str | os.PathLike[str]) -> pd.DataFrame:
    """Return the data, read from Parquet or CSV if a path is given.

    Raises
    ------
    DataError
        If there is no such file, it is of another type, or it cannot be read as what its name says.
    """
    return data if isinstance(data, pd.DataFrame) else source_of(data).whole()


def to_pymc(
    spec: Spec, data: pd.DataFrame, *, schema: Schema | None = None, missing: Missing = "error"
) -> dict[str, pm.Model]:
    """Return the PyMC model of every equation that has parameters, by column, without fitting anything.

    Equations that share group effects have one model in common.

    Raises
    ------
    FitError
        If missing cells, which are modelled, join equations: no model of one of them has its posterior.

    Examples
    --------
    >>> import bayessynth as bs
    >>> import pandas as pd
    >>> models = bs.Spec(bs.Equation("x ~ 1", family="normal")).to_pymc(pd.DataFrame({"x": [1.5, 2.25, 4.0]}))
    >>> models["x"].free_RVs
    [x_Intercept, x_sigma]
    """
    from bayessynth.fitting.joint import joint
    from bayessynth.graph import build

    bound, bound_data = bind(spec, data, schema, missing)
    joined = gaps(bound, bound_data).joined if missing == "model" else ()
    if joined:
        raise FitError(
            f"Missing cells join the equations of {', '.join(map(repr, joined[0]))}, so that none of their models has "
            "its posterior by itself. Say missing='drop'."
        )
    made: dict[str, pm.Model] = {}
    for column in _modelled(bound):
        together = bound.together(column)
        if column in made:
            continue
        own = {c: component(bound, bound_data, c) for c in together}
        model = (
            build(own[column]) if len(together) == 1 and not bound.joins(column) else joint(bound, own, column).model()
        )
        made |= dict.fromkeys(together, model)
    return {column: made[column] for column in _modelled(bound)}


def _modelled(bound: Bound) -> list[str]:
    return [e.response for e in bound.equations if families.get(e.family).parameters]


def check_settings(engine: str, **numbers: Any) -> None:
    """Raise a FitError unless the engine is known and all numbers that are given are whole and above zero."""
    if engine not in ENGINES:
        raise FitError(f"engine={engine!r} is not one of {', '.join(ENGINES)}.{suggest(str(engine), ENGINES)}")
    for name, value in numbers.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1):
            raise FitError(f"{name}={value!r} must be a whole number above zero.")
