"""Equations that noisy tables of counts serve: a column is drawn given the cells of the columns that it reads.

The tables of all cliques of the declared graph together have one log-linear model, whose posterior knows the noise;
each column then has the conditional probabilities of its own clique. Within a clique all interactions are free, so that
such an equation has no coefficients. Numbers are drawn anew within their cell.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bayessynth.design import Bound
from bayessynth.fitting.noise_aware.tables import Cells, Grid, decimals_of, fit_tables
from bayessynth.fitting.noise_aware.tables.layout import sums_of
from bayessynth.fitting.noise_aware.tables.mode import model_of
from bayessynth.privacy import Bounds, Domain, NoisyMarginals, Released
from bayessynth.privacy.marginals import cell_labels
from bayessynth.privacy.routes import Routes

ENGINE = "noise-aware tables"
FAMILY = "cells"


def check_cells(found: Routes, domain: Domain) -> None:
    """Refuse tables that bind too many cells together, before they are released.

    Raises
    ------
    FitError
        Naming the columns and what would work.

    Examples
    --------
    >>> import bayessynth as bs
    >>> domain = bs.Domain({"sex": bs.Levels("f", "m")}, source="codebook")
    >>> check_cells(Routes((), {("sex",): ("sex",)}), domain)
    """
    if not found.cliques:
        return
    cells = {name: cell_labels(domain, name) for clique in found.cliques for name in clique}
    counts = tuple(np.zeros([len(cells[name]) for name in clique]) for clique in found.cliques)
    model_of(sums_of([NoisyMarginals(tuple(found.cliques), cells, counts, 1.0, None)]))


def with_cells(bound: Bound, found: Routes) -> Bound:
    """Return a bound spec in which the equations that tables of counts serve are drawn cell by cell.

    Examples
    --------
    >>> import bayessynth as bs
    >>> from bayessynth.fitting.public_facts import bind_public
    >>> domain = bs.Domain({"sex": bs.Levels("f", "m")}, source="codebook")
    >>> bound = with_cells(bind_public(bs.Spec("sex ~ 1"), domain), Routes((), {("sex",): ("sex",)}))
    >>> bound["sex"].family
    'cells'
    """
    served = {column for columns in found.cliques.values() for column in columns}
    equations = [
        replace(e, family=FAMILY, links={}, predictors={}, priors={}, options={}, trials=None,
                reads=bound.spec[e.response].columns) if e.response in served else e
        for e in bound.equations
    ]  # fmt: skip
    return replace(bound, equations=tuple(equations))


def fit_cells(bound: Bound, released: Released, copies: int, entropy: int, cores: int) -> Cells | None:
    """Draw from the posterior given the noisy tables of a release; None if it holds none.

    Parameters
    ----------
    bound : Bound
        As :func:`with_cells` returned it.
    released : Released
    copies : int
        Draws that are kept.
    entropy : int
    cores : int
        Most threads.
    """
    if not released.marginals:
        return None
    # A stream of its own, beside those of the group structure and of the other equations.
    seed = int(np.random.SeedSequence(entropy, spawn_key=(2,)).generate_state(1)[0])
    alike = [tables.scaled(1 / released.unit.cap) for tables in released.marginals]
    posterior = fit_tables(alike, copies, random_seed=seed, cores=cores)
    grids = {
        name: Grid((declared.low, *declared.cuts, declared.high), decimals_of(declared))
        for name in posterior.layout.columns
        if isinstance(declared := released.domain[name], Bounds)
    }
    return Cells(posterior, {e.response: e.reads for e in bound.equations if e.family == FAMILY}, grids)
