"""Fits with a formal guarantee: noisy statistics are released once, and all else comes from public facts.

Nothing is read off the table but through the release: families, designs and default priors follow from spec and
domain, the number of rows and the sizes of groups from their posterior. Whatever would be refused is refused before
the release, so that no budget is spent on a fit that cannot be had.

Equations that sums of products serve keep their parameters; those that tables of counts serve are drawn cell by cell,
as :mod:`bayessynth.fitting.private_cells` says.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import Any

import numpy as np
import pandas as pd

from bayessynth._version import __version__
from bayessynth.design import Bound
from bayessynth.errors import DataError, PrivacyError
from bayessynth.fitting.engines import noise_aware
from bayessynth.fitting.engines.settings import Settings
from bayessynth.fitting.fingerprint import NOISY
from bayessynth.fitting.fitted import Fitted
from bayessynth.fitting.groups import GroupPosterior
from bayessynth.fitting.noise_aware import chain
from bayessynth.fitting.noisy_sizes import sizes_given
from bayessynth.fitting.posterior import Posterior, to_datatree
from bayessynth.fitting.private_cells import ENGINE, check_cells, fit_cells, with_cells
from bayessynth.fitting.public_facts import bind_public, bounds_of
from bayessynth.fitting.seeds import seeds_of
from bayessynth.privacy import DP, Domain, NoisyMoments, Plan, Released, Unit
from bayessynth.privacy.moments import moment_layout
from bayessynth.privacy.routes import Block, Routes, routes
from bayessynth.spec import Spec
from bayessynth.spec.sequence import refuse_sequences
from bayessynth.suffstats import is_dask, source_of

#: Draws kept at least of what tables of counts serve: pooled intervals need as many copies.
LEAST = 100
#: What provenance says of the number of rows.
PUBLIC, ESTIMATED = "public", "estimated from noisy counts"
# What arguments say that were left alone.
_DEFAULTS = {"schema": None, "missing": "error", "engine": "auto", "keep_groups": False, "trees": None, "like": None}
_CONFLICTS = {
    "schema": "kinds, bounds and levels come from the domain",
    "missing": "the domain says what a missing cell counts as (missing= of bs.Bounds and bs.Levels); rows without one "
    "are left out and not counted",
    "engine": "noisy statistics are fitted by the engine 'noise-aware'",
    "keep_groups": "which row lies in which group is not released",
    "trees": "trees hold records, which no noise protects",
    "like": "the domain fixes kinds and coding, so that releases of one domain add up as they are",
}


def is_private(data: Any, privacy: DP | None) -> bool:
    """Return whether a fit goes by noisy statistics: because privacy is asked for, or since they are handed in.

    >>> is_private(pd.DataFrame(), None)
    False
    """
    given = data if isinstance(data, list | tuple) else (data,)
    return privacy is not None or any(isinstance(one, Released) for one in given)


def release(spec: Spec, data: Any, privacy: DP, **others: Any) -> Released:
    """Spend a budget on the noisy statistics that a spec's equations need, after a look at whether they can be fitted.

    Parameters
    ----------
    spec : Spec
    data : DataFrame or path
        The confidential table, or a Parquet or CSV file that holds it.
    privacy : DP
    **others
        Arguments that do not go with a release, as they were handed in.

    Returns
    -------
    Released

    Raises
    ------
    PrivacyError, SpecError, FitError
        If an equation cannot be fitted to noisy statistics, arguments conflict, or no budget is left.
    DataError
        If the table cannot be read or lacks a column.

    Examples
    --------
    >>> import bayessynth as bs
    >>> domain = bs.Domain({"age": bs.Bounds(0, 110)}, source="codebook")
    >>> release(bs.Spec("age ~ 1"), pd.DataFrame({"age": [31, 64]}), bs.DP(1, 1e-5, domain=domain)).ledger.epsilon
    1
    """
    refuse_sequences(spec.unit, "Fits with formal privacy")
    _check_request(privacy, others)
    prepare(spec, privacy.known(), _unit(privacy))
    return privacy.release(spec, read_table(data))


def planned(spec: Spec, privacy: DP, n: int) -> Plan:
    """Return the plan of a fit, refusing all that the fit would refuse; nothing is spent.

    Parameters
    ----------
    spec : Spec
    privacy : DP
    n : int
        About how many rows the table has, as far as the public knows.

    Examples
    --------
    >>> import bayessynth as bs
    >>> domain = bs.Domain({"age": bs.Bounds(0, 110)}, source="codebook")
    >>> planned(bs.Spec("age ~ 1"), bs.DP(1, 1e-5, domain=domain), 1000).served[0].useful
    462
    """
    _check_request(privacy, {})
    prepare(spec, privacy.known(), _unit(privacy))
    return privacy.plan(spec, n)


def fit_private(
    spec: Spec, data: Any, privacy: DP | None, settings: Settings, entropy: int, copies: int = 20, **others: Any
) -> Fitted:  # fmt: skip
    """Fit a spec to noisy statistics: of a table, which are released first, or of releases that are handed in.

    The number of rows is the rounded mean of its posterior. The sizes of new groups come from the posterior of the
    group counts. Default priors are those of :func:`bayessynth.fitting.public_facts.bind_public`.

    The fit keeps no release. To fit it again, with other priors or longer chains, at no further cost, make and save the
    release first (``spec.sufficient_statistics(df, privacy=…)``) and fit that.

    Parameters
    ----------
    spec : Spec
    data : DataFrame, path, Released or list of Released
    privacy : DP or None
        None where releases are handed in.
    settings : Settings
    entropy : int
        Of the draws from the posterior; the noise has its randomness from the operating system.
    copies : int
        Draws kept of what tables of counts serve; at least 100, which pooling needs.
    **others
        Arguments of :func:`bayessynth.fitting.fit` that do not go with it, as they were handed in.

    Raises
    ------
    PrivacyError, SpecError, FitError
        If an equation cannot be fitted to noisy statistics, arguments conflict, or no budget is left; before any is
        spent.
    DataError
        If the table cannot be read or lacks a column, or releases are of other statistics.

    Examples
    --------
    >>> import bayessynth as bs
    >>> domain = bs.Domain({"age": bs.Bounds(0, 110)}, source="codebook")
    >>> spec, ask = bs.Spec("age ~ 1"), bs.DP(3, 1e-5, domain=domain)
    >>> released = release(spec, pd.DataFrame({"age": np.linspace(20, 80, 2000)}), ask)
    >>> fitted = fit_private(spec, released, None, Settings(500, 500, 2), 1)
    >>> 1900 < fitted.bound.n < 2100, fitted.provenance["engine"]
    (True, {'age': 'noise-aware'})
    """
    refuse_sequences(spec.unit, "Fits with formal privacy")
    if privacy is None:
        _check_conflicts(others)
        released = _merged(data)
        ready = prepare(spec, released.domain, released.unit)
        if ready.found != released.routes:
            raise DataError(
                f"The spec needs {_listed(ready.found)}, but what was released are {_listed(released.routes)}. Fit the "
                "spec of the release; priors may differ."
            )
    elif is_private(data, None):
        raise PrivacyError("privacy= is for a table; a release has spent its budget already, so leave it out.")
    else:
        released = release(spec, data, privacy, **others)
        ready = prepare(spec, released.domain, released.unit)
    return drawn_fit(ready, released, settings, entropy, max(copies, LEAST))


@dataclass(frozen=True)
class Ready:
    """What is known of a fit before the release.

    Attributes
    ----------
    bound : Bound
        Bound to public facts; its ``n`` is of no meaning.
    found : Routes
    bounds : mapping of str to tuple of float
    """

    bound: Bound
    found: Routes
    bounds: Mapping[str, tuple[float, float]]


def prepare(spec: Spec, domain: Domain, unit: Unit) -> Ready:
    """Bind a spec to public facts, and lay its posterior out on sums of zero, so that all refusals come for nothing.

    Raises
    ------
    PrivacyError, SpecError, FitError
        Naming the equation and what would work.

    Examples
    --------
    >>> import bayessynth as bs
    >>> domain = bs.Domain({"age": bs.Bounds(0, 110)}, source="codebook")
    >>> prepare(bs.Spec("age ~ 1"), domain, bs.Unit()).found.blocks[0].read
    ('age',)
    """
    for own in spec.survivals:
        raise PrivacyError(
            f"The survival time {own.time!r} has no mechanism with formal privacy. Leave it out of the spec, or fit "
            "without privacy=, which gives no formal guarantee."
        )
    _check_spec(spec, unit)
    found = routes(spec, domain)
    check_cells(found, domain)
    ready = Ready(with_cells(bind_public(spec, domain), found), found, bounds_of(domain))
    for block in found.blocks:
        chain(ready.bound, _zeros(domain, unit, block), ready.bounds)
    return ready


def drawn_fit(ready: Ready, released: Released, settings: Settings, entropy: int, copies: int) -> Fitted:
    """Draw from the posterior given a release: post-processing, which costs nothing.

    Up to c rows of a person may vary together, c times as much as independent rows. Sums over n such rows, divided by
    c, have mean and variance of sums over n / c independent ones, and are fitted as such.

    Parameters
    ----------
    ready : Ready
    released : Released
    settings : Settings
    entropy : int
    copies : int
        Draws kept of what tables of counts serve.
    """
    begun = time.perf_counter()
    cap = released.unit.cap
    alike = [sums.scaled(1 / cap) for sums in released.moments]
    seeds = seeds_of((block.equations[0] for block in ready.found.blocks), entropy)
    drawn = [
        noise_aware.sample(ready.bound, sums, ready.bounds, settings, seeds[block.equations[0]])
        for block, sums in zip(ready.found.blocks, alike, strict=True)
    ]
    by_column: dict[str, Posterior] = {name: own for one in drawn for name, own in one.posteriors.items()}
    posteriors = [by_column[e.response] for e in ready.bound.equations if e.response in by_column]
    rows = [cap * one.rows.reshape(-1, one.rows.shape[-1]) for one in drawn]
    structure = _structure(ready, rows, np.random.default_rng(np.random.SeedSequence(entropy, spawn_key=(1,))))
    cells = fit_cells(ready.bound, released, copies, entropy, settings.cores)
    totals = [own.sum(axis=1) for own in rows] + ([cap * cells.posterior.totals] if cells else [])
    n = max(1, round(float(min(totals, key=_spread).mean())))
    counts = [sums.n for sums in released.moments] + [tables.n for tables in released.marginals]
    record = {
        "engine": {p.column: p.engine for p in posteriors} | dict.fromkeys(cells.reads if cells else (), ENGINE),
        "refused": {p.column: dict(p.refused) for p in posteriors if p.refused},
        "seconds": {p.column: round(p.seconds, 2) for p in posteriors},
        "total_seconds": round(time.perf_counter() - begun, 2),
        "draws": settings.draws, "tune": settings.tune, "chains": settings.chains, "random_seed": entropy,
        "copies": cells.copies if cells else None, "tables": cells.posterior.method if cells else None,
        "n": PUBLIC if None not in counts else ESTIMATED, "groups_kept": False, "data": NOISY,
        "version": __version__,
        "priors": {e.response: {name: str(prior) for name, prior in e.priors.items()} for e in ready.bound.equations},
        "privacy": released.record(),
    }  # fmt: skip
    return Fitted(replace(ready.bound, n=n), to_datatree(posteriors), structure, record, cells=cells)


def _structure(ready: Ready, rows: Sequence[np.ndarray], rng: np.random.Generator) -> GroupPosterior:
    """Return the posterior of group sizes given draws of the noisy group counts, one for each posterior draw."""
    plan = ready.bound.plan
    counts = [own for own, block in zip(rows, ready.found.blocks, strict=True) if block.group is not None]
    sizes = {factor: sizes_given(min(counts, key=_spread), rng) for factor in plan.chain}
    return GroupPosterior(plan, sizes, {}, {}, {})


def _spread(draws: np.ndarray) -> float:
    """Return how uncertain draws leave what they are of: the sum of variances over draws."""
    return float(draws.var(axis=0).sum())


def _zeros(domain: Domain, unit: Unit, block: Block) -> NoisyMoments:
    """Return moments as a release would have them, but of no table."""
    layout = moment_layout(domain, unit, block.read, block.group)
    total = np.zeros((max(1, len(layout.groups)), len(layout.pairs)))
    return NoisyMoments(layout.columns, layout.binary, layout.pairs, total, np.eye(len(layout.pairs)),
                        1 if layout.counted else None, layout.groups)  # fmt: skip


def _check_spec(spec: Spec, unit: Unit) -> None:
    if spec.rules:
        raise PrivacyError(
            f"The rule {spec.rules[0]!r} is learnt from the table and checked against it, which tells of records "
            "outside the release. Leave rules= out. Nothing was spent."
        )
    if len(spec.factors) > 1:
        listed = " and ".join(repr(":".join(factor)) for factor in spec.factors)
        raise PrivacyError(
            f"Grouping factors {listed}: how the groups of one lie in those of the other is in no noisy statistic. "
            "Keep one grouping factor. Nothing was spent."
        )
    if unit.person is not None and any(unit.person in factor for factor in spec.factors):
        raise PrivacyError(
            f"Grouping factor {unit.person!r} is the unit of privacy: statistics by person would list the persons. "
            f"Leave (… | {unit.person}) out. Nothing was spent."
        )


def _check_request(privacy: Any, others: Mapping[str, Any]) -> None:
    if not isinstance(privacy, DP):
        raise PrivacyError(f"privacy={privacy!r}: state bs.DP(epsilon=…, delta=…, domain=…).")
    _check_conflicts(others)


def _check_conflicts(others: Mapping[str, Any]) -> None:
    for name, value in others.items():
        if value is not _DEFAULTS[name] and value != _DEFAULTS[name]:
            raise PrivacyError(
                f"{name}= does not go with a formal guarantee: {_CONFLICTS[name]}. Leave it out. Nothing was spent."
            )


def _unit(privacy: DP) -> Unit:
    assert isinstance(privacy.unit, Unit)
    return privacy.unit


def _merged(data: Any) -> Released:
    given = list(data) if isinstance(data, list | tuple) else [data]
    wrong = next((one for one in given if not isinstance(one, Released)), None)
    if wrong is not None:
        raise DataError(f"A list of releases holds a {type(wrong).__name__}: hand in releases only.")
    return reduce(add, given)


def _listed(found: Routes) -> str:
    said = [f"sums of products of {', '.join(b.read)}{f' by {b.group}' if b.group else ''}" for b in found.blocks]
    return "; ".join([*said, *(f"counts of {' × '.join(clique)}" for clique in found.cliques)])


def read_table(data: Any) -> pd.DataFrame:
    """Return the table. Cells of a CSV file are read as text, each by itself, so that none changes how others read.

    Raises
    ------
    DataError
        If it cannot be read, or is not in memory.
    """
    if is_dask(data):
        raise DataError("A formal release reads a table in memory: hand in data.compute(), or release each part.")
    if isinstance(data, pd.DataFrame):
        return data
    source = source_of(data)
    if source.named != "CSV file":
        return source.whole()
    try:
        return pd.read_csv(data, dtype=str)
    except (ValueError, OSError, EOFError):
        raise DataError(f"{data} cannot be read as CSV. Look at the file, or hand in a DataFrame.") from None
