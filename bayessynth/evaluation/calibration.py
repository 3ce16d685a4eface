"""Simulation-based calibration: whether a spec's fit finds the parameters that made the data."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from rich.progress import Progress

from bayessynth import families
from bayessynth.design import (
    Bound,
    BoundEquation,
    Component,
    Data,
    Effects,
    Frame,
    bind,
    component,
    new_effects,
    observed_effects,
    parameters,
    safe,
    shown,
)
from bayessynth.errors import BayesSynthError, FitError, MissingRowsWarning
from bayessynth.evaluation.measure import Verdict
from bayessynth.evaluation.uniformity import judge_ranks
from bayessynth.fitting.cores import available_cores
from bayessynth.fitting.diagnose import diagnose
from bayessynth.fitting.fit import check_settings
from bayessynth.fitting.posterior import Posterior, to_datatree
from bayessynth.fitting.seeds import entropy_of
from bayessynth.schema import Schema
from bayessynth.spec import Spec
from bayessynth.synthesis.prior import prior_draws

# Draws of the sampler for each draw that is ranked, so that ranked draws are nearly independent.
THIN = 10
LIKELIHOOD = "log likelihood"


@dataclass(frozen=True, repr=False)
class Calibration:
    """Ranks of true parameters among posterior draws, and whether they are uniform.

    Attributes
    ----------
    verdict : {"pass", "warn", "fail"}
        fail: for some quantity ranks are not uniform, at an adjusted p below .001; warn: below .01, or more than one
        fit in twenty failed its own diagnostics.
    reasons : tuple of str
        What stands in the way of "pass".
    table : DataFrame
        A row a quantity, worst first: ``equation``, ``quantity``, ``p_chi2`` and ``p_ks`` (tests of uniform ranks),
        ``adjusted_p`` (of the smaller, doubled, over all quantities), ``outside`` (share of the rank distribution
        outside its simultaneous 95 % band), ``shift`` and ``spread`` (z-values), ``diagnosis``, ``verdict``.
    ranks : mapping of tuple of str to ndarray of int, shape (repetitions,)
        By equation and quantity; each from 0 to ``draws``.
    draws : int
        Posterior draws among which a true value is ranked.
    repetitions : int
    troubled : mapping of str to int
        By equation, the repetitions in which the fit failed its own diagnostics.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> ranks = {("x", "Intercept"): rng.integers(0, 100, 200)}
    >>> Calibration.of(ranks, 99, {}).verdict
    'pass'
    """

    verdict: Verdict
    reasons: tuple[str, ...]
    table: pd.DataFrame
    ranks: Mapping[tuple[str, str], np.ndarray]
    draws: int
    repetitions: int
    troubled: Mapping[str, int]

    @classmethod
    def of(
        cls, ranks: Mapping[tuple[str, str], np.ndarray], draws: int, troubled: Mapping[str, int], seed: int = 0
    ) -> Calibration:
        """Judge ranks, wherever they come from."""
        repetitions = len(next(iter(ranks.values()))) if ranks else 0
        table, verdict, reasons = judge_ranks(ranks, draws, troubled, np.random.default_rng([seed, 1]))
        return cls(verdict, reasons, table, dict(ranks), draws, repetitions, dict(troubled))

    def __repr__(self) -> str:
        lines = [f"Calibration over {self.repetitions} repetitions, {self.draws} draws each: {self.verdict}"]
        if len(self.table):
            lines.append(self.table.round(3).to_string(index=False))
        return "\n".join([*lines, *(f"- {reason}" for reason in self.reasons)])


def calibrate(
    spec: Spec,
    data: pd.DataFrame,
    *,
    schema: Schema | None = None,
    missing: Any = "error",
    columns: Sequence[str] | None = None,
    repetitions: int = 100,
    draws: int = 99,
    tune: int = 500,
    chains: int = 2,
    random_seed: int | None = None,
    cores: int | None = None,
    engine: str = "auto",
    progress: bool = False,
) -> Calibration:
    """Check by simulation that fits of a spec find the parameters that made the data.

    For each equation and repetition: draw its parameters from the prior, and group effects given them; draw the
    response of every row given them and the original's predictors and groups; fit; rank the true parameters among
    posterior draws. If prior, model and sampler agree, every rank is equally likely (Talts et al. 2018). Ranks of
    parameters alone miss a posterior that ignores the data, so the log likelihood is ranked too (Modrák et al. 2023).

    Equations are checked one by one given the original's columns, which is enough because they are fitted apart.
    Their priors stay those of the original data. The group structure (sizes) is left out.

    It checks the computation for parameters that the *prior* finds plausible. Priors that are too vague make absurd
    data, on which samplers fail although they would not on the original: look at ``spec.synthesize_prior(data)``
    first, and tighten priors until its copies are at least possible.

    Parameters
    ----------
    spec : Spec
    data : DataFrame
        The original table: its predictors, groups and number of rows are used, and the scale of its responses where
        priors are left to default.
    schema, missing
        As in ``Spec.fit``.
    columns : sequence of str, optional
        The equations to check; by default all that have parameters.
    repetitions : int
        Data sets made and fitted: 100 find gross errors, 1,000 subtle ones.
    draws : int
        Posterior draws among which a true value is ranked; one in ten of those sampled.
    tune, chains : int
        Warm-up draws of each chain, and chains.
    random_seed : int, optional
        The same seed gives the same ranks.
    cores : int, optional
        Chains sampled at a time.
    engine : str
        As in ``Spec.fit``: the engine whose fits are checked. A PyMC model is compiled once.
    progress : bool
        Whether a progress bar is shown.

    Returns
    -------
    Calibration
        :func:`bayessynth.report.plot_calibration` draws it.

    Raises
    ------
    FitError
        If data drawn from the prior are not finite, or cannot be fitted.
    SpecError, SchemaError, DataError, MissingDataError
        As in ``Spec.fit``.

    References
    ----------
    Talts, Betancourt, Simpson, Vehtari & Gelman (2018). Validating Bayesian inference algorithms with simulation-based
    calibration. arXiv:1804.06788. Modrák et al. (2023). Simulation-based calibration checking for Bayesian
    computation: the choice of test quantities shapes sensitivity. Bayesian Analysis. Säilynoja, Bürkner & Vehtari
    (2022). Graphical test for discrete uniformity and its applications in goodness-of-fit evaluation and multiple
    sample comparison. Statistics and Computing 32.

    Examples
    --------
    >>> import bayessynth as bs
    >>> df = pd.DataFrame({"x": [0.0, 1.5, 2.5, 4.0]})
    >>> spec = bs.Spec(bs.Equation("x ~ 1", family="normal"))
    >>> found = calibrate(spec, df, repetitions=20, draws=19, tune=200, chains=1, random_seed=1)
    >>> sorted(found.table["quantity"])
    ['Intercept', 'log likelihood', 'sigma']
    """
    check_settings(engine, repetitions=repetitions, draws=draws, tune=tune, chains=chains, cores=cores)
    entropy = entropy_of(random_seed, FitError)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MissingRowsWarning)
        bound, bound_data = bind(spec, data, schema, missing)
    fitted = [e.response for e in bound.equations if families.get(e.family).parameters]
    free = [c for c in fitted if bound[c].cause is None]
    chosen = free if columns is None else [bound[c].response for c in columns]
    for column in chosen:
        if bound[column].cause is not None and columns is not None:
            raise FitError(
                f"The latent time {column!r} cannot be calibrated: which times are censored depends on the others "
                "of a record. Choose other columns=."
            )
        if column not in fitted:
            raise FitError(f"The equation for {column!r} has no parameters to calibrate.")
    with np.errstate(all="ignore"):  # what is not finite is an error of its own below
        truths = prior_draws(bound, repetitions, np.random.default_rng([entropy, 0]))
    ranks: dict[tuple[str, str], np.ndarray] = {}
    troubled: dict[str, int] = {}
    settings = _Settings(draws, tune, chains, min(chains, cores or available_cores()), entropy, engine)
    with Progress(transient=True, disable=not progress) as bar:
        task = bar.add_task("", total=len(chosen) * repetitions)
        for column in chosen:
            bar.update(task, description=f"Calibrating {column}")
            found = []
            for row in _repetitions(bound, bound_data, column, truths, settings):
                found.append(row)
                bar.advance(task)
            ranks |= {(column, name): np.array([r.ranks[name] for r in found]) for name in found[0].ranks}
            troubled[column] = sum(r.troubled for r in found)
    return Calibration.of(ranks, draws, troubled, entropy % (1 << 32))


@dataclass(frozen=True)
class _Settings:
    draws: int
    tune: int
    chains: int
    cores: int
    entropy: int
    engine: str


@dataclass(frozen=True)
class _Repetition:
    ranks: Mapping[str, int]
    troubled: bool


def _repetitions(
    bound: Bound, data: Data, column: str, truths: Mapping[str, np.ndarray], settings: _Settings
) -> Iterator[_Repetition]:
    """Make, fit and rank one data set after the other for one equation."""
    from bayessynth.fitting.engines.settings import Settings
    from bayessynth.fitting.refit import refit

    own, frame = component(bound, data, column), data.at(column)
    names = [n for n in own.equation.variables if n in truths]
    repetitions = len(next(iter(truths.values()))[0])
    rng = np.random.default_rng([settings.entropy, 1, *column.encode()])
    made = []
    for r in range(repetitions):
        values = {name: truths[name][0, r] for name in names}
        made.append(_simulated(own, frame, values, rng, r))
    each = -(-settings.draws * THIN // settings.chains)
    sampling = Settings(each, settings.tune, settings.chains, settings.cores)
    seeds = rng.integers(0, 2**31, repetitions).tolist()
    posteriors = refit(own, [y for y, _ in made], sampling, seeds, settings.engine)
    for r, (y, at_truth) in enumerate(made):
        try:
            posterior = next(posteriors)
        except FitError as error:
            raise _absurd(own.equation, r, str(error).splitlines()[0].rstrip(".")) from error
        values = {name: truths[name][0, r] for name in names}
        yield _ranked(own, frame, y, at_truth, values, posterior, settings.draws, rng)


def _simulated(
    own: Component, frame: Frame, values: Mapping[str, np.ndarray], rng: np.random.Generator, repetition: int
) -> tuple[np.ndarray, float]:
    """Return one response drawn given parameters, and its log likelihood there."""
    sizes = {factor: len(labels) for factor, labels in own.labels.items()}
    effects = Effects(new_effects(own.equation, values, sizes, rng), own.index)
    n = len(own.y)
    try:
        with np.errstate(all="ignore"):
            params = parameters(own.equation, frame, n, values, effects)
            y = own.family.sample(rng, n, **params)
            at_truth = float(np.sum(own.family.logp(y, **params)))
    except (ValueError, OverflowError, BayesSynthError) as error:
        raise _absurd(own.equation, repetition, str(error).rstrip(".")) from error
    if not (np.isfinite(y).all() and np.isfinite(at_truth)):
        raise _absurd(own.equation, repetition, "values or their densities are not finite")
    return y, at_truth


def _absurd(equation: BoundEquation, repetition: int, why: str) -> FitError:
    return FitError(
        f"Parameters drawn from the priors of {equation.response!r} make data that cannot be had or fitted "
        f"(repetition {repetition}): {why}. The priors are too vague to calibrate with; look at spec.priors(df) and "
        "spec.synthesize_prior(df), and give tighter ones."
    )


def _ranked(
    own: Component, frame: Frame, y: np.ndarray, at_truth: float, truth: Mapping[str, np.ndarray],
    posterior: Posterior, draws: int, rng: np.random.Generator,
) -> _Repetition:  # fmt: skip
    """Rank the true values of one repetition among draws spread evenly over its chains."""
    flat = {name: v.reshape(-1, *v.shape[2:]) for name, (_, v) in posterior.variables.items()}
    total = len(next(iter(flat.values())))
    chosen = np.linspace(0, total - 1, draws).round().astype(int)
    ranks = {}
    for name, true in truth.items():
        for entry, place in _entries(name, np.shape(true), own.equation, posterior):
            ranks[entry] = _rank(flat[name][(chosen, *place)], float(true[place]), rng)
    likelihoods = np.array([_log_likelihood(own, frame, y, {k: v[i] for k, v in flat.items()}) for i in chosen])
    ranks[LIKELIHOOD] = _rank(likelihoods, at_truth, rng)
    tree = to_datatree([posterior])
    judged = diagnose(tree, {str(name): safe(own.equation.response) for name in tree["posterior"].data_vars})
    return _Repetition(ranks, judged.verdict == "fail")


def _rank(drawn: np.ndarray, true: float, rng: np.random.Generator) -> int:
    """Count the draws below the true value; ties are split at random."""
    return int((drawn < true).sum() + rng.integers(0, (drawn == true).sum() + 1))


def _entries(
    name: str, shape: tuple[int, ...], equation: BoundEquation, posterior: Posterior
) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the entries of a parameter with their names; of a correlation matrix those above the diagonal."""
    label = shown(name).removeprefix(f"{equation.response}_")
    dims = posterior.variables[name][0]
    matrix = label.endswith("_corr") and len(shape) == 2
    for place in np.ndindex(shape):
        if matrix and place[0] >= place[1]:
            continue
        named = ", ".join(str(posterior.coords[d][i]) for d, i in zip(dims, place, strict=True))
        yield (f"{label}[{named}]" if place else label), place


def _log_likelihood(own: Component, frame: Frame, y: np.ndarray, values: Mapping[str, np.ndarray]) -> float:
    effects = Effects(observed_effects(own.equation, values), own.index)
    return float(np.sum(own.family.logp(y, **parameters(own.equation, frame, len(y), values, effects))))
