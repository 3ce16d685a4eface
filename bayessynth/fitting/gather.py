"""What is handed in as data, as inputs of engines: components, and sums of products."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from threadpoolctl import threadpool_limits

from bayessynth import families
from bayessynth.design import Bound, Component, Data, Grouping, Missing, bind, component
from bayessynth.errors import DataError, FitError
from bayessynth.fitting.engines import marginal
from bayessynth.fitting.engines.settings import Settings
from bayessynth.fitting.fingerprint import fingerprint, fingerprint_of_rows
from bayessynth.fitting.posterior import Posterior
from bayessynth.imputation import Gaps, gaps
from bayessynth.schema import Schema
from bayessynth.spec import Spec
from bayessynth.spec.shared import shared_terms
from bayessynth.suffstats import (
    SufficientStatistics,
    Sums,
    bind_statistics,
    is_dask,
    merged,
    source_of,
    sufficient_statistics,
    summary_of,
    with_rows,
)
from bayessynth.trees import Forest, TreeSettings, plant


@dataclass(frozen=True)
class Gathered:
    """Data that are bound to a spec.

    Attributes
    ----------
    bound : Bound
    grouping : Grouping
        Of rows, or of combinations of groups.
    components : mapping of str to Component
    sums : mapping of str to Sums
        Of the Gaussian equations whose rows are not there.
    rows : mapping of str to int
        Rows that each equation is fitted to.
    missing : {"error", "drop", "model"}
    fingerprint : str
    provenance : mapping
        What more is to be known of the data.
    statistics : SufficientStatistics or None
    data : object
        Where rows can be had again, if they can; else None.
    records : Data or None
        Encoded rows, if they were handed in.
    gaps : Gaps or None
        Missing cells that have to be drawn, if missing cells are modelled; equations that they join are not among the
        components.
    """

    bound: Bound
    grouping: Grouping
    components: Mapping[str, Component]
    sums: Mapping[str, Sums]
    rows: Mapping[str, int]
    missing: Missing
    fingerprint: str
    provenance: Mapping[str, Any]
    statistics: SufficientStatistics | None = None
    data: Any = None
    records: Data | None = None
    gaps: Gaps | None = None

    def planted(self, copies: int, entropy: int, cores: int, settings: TreeSettings) -> Forest:
        """Grow the trees of the nonparametric equations and of masks, if there are any."""
        known = {e.response: families.get(e.family) for e in self.bound.equations}
        columns = [column for column, family in known.items() if family.nonparametric and family.drawn]
        if not (columns or self.bound.masks):
            return Forest()
        if self.records is None:
            raise FitError(
                f"The equation of {columns[0]!r} has family 'tree', which needs the rows in memory: hand in a table, "
                "not statistics."
            )
        # Threads take columns and copies; within each, one thread for linear algebra.
        with threadpool_limits(1):
            return plant(self.bound, self.records, columns, copies, entropy, cores, settings)


@dataclass(frozen=True)
class Summed:
    """Posteriors of the equations that were fitted to sums of products; the others are left in ``gathered``."""

    posteriors: dict[str, Posterior]
    gathered: Gathered


def gather(spec: Spec, data: Any, schema: Schema | None, missing: Missing) -> Gathered:
    """Bind what is handed in as data.

    Raises
    ------
    DataError
        If it is nothing that holds a table, or arguments do not go with it.
    """
    again = None
    whole = bool(nonparametric(spec)) or spec.rest == "tree" or missing == "model"
    whole = whole or bool(spec.survivals) or spec.unit is not None or any(map(shared_terms, spec))
    if isinstance(data, list | tuple | SufficientStatistics):
        statistics = data if isinstance(data, SufficientStatistics) else merged(data)
        if statistics.spec != spec:
            raise DataError("The statistics are of another spec; fit the one they were made for: statistics.spec.")
        if schema is not None or missing not in ("error", statistics.learnt.missing):
            raise DataError(
                "schema= and missing= are for a table; statistics have theirs from spec.sufficient_statistics."
            )
    elif not whole and (is_dask(data) or not (isinstance(data, pd.DataFrame) or source_of(data).small)):
        statistics, again = sufficient_statistics(spec, data, schema=schema, missing=missing), data
    else:
        frame = data if isinstance(data, pd.DataFrame) else data.compute() if is_dask(data) else source_of(data).whole()
        return _of_frame(spec, frame, schema, missing)
    return _of_statistics(statistics, again)


def _of_frame(spec: Spec, frame: pd.DataFrame, schema: Schema | None, missing: Missing) -> Gathered:
    bound, data = bind(spec, frame, schema, missing)
    found = gaps(bound, data) if missing == "model" else None
    apart = [e.response for e in bound.equations if families.get(e.family).parameters]
    apart = [column for column in apart if found is None or column not in found.sampled]
    components = {column: component(bound, data, column) for column in apart}
    rows = {c: len(r) for c, r in (found.rows if found else data.rows).items()}
    return Gathered(bound, data.grouping, components, {}, rows, missing, fingerprint(frame, list(bound.schema)), {},
                    records=data, gaps=found)  # fmt: skip


def nonparametric(spec: Spec) -> list[str]:
    """Return the columns that are drawn and whose equations have a nonparametric family."""
    known = {e.response: families.get(e.family) for e in spec if e.family is not None}
    return [column for column, family in known.items() if family.nonparametric and family.drawn]


def _of_statistics(statistics: SufficientStatistics, data: Any) -> Gathered:
    found = bind_statistics(statistics)
    components = {c: made for c, made in found.inputs.items() if isinstance(made, Component)}
    sums = {c: made for c, made in found.inputs.items() if isinstance(made, Sums)}
    return Gathered(
        found.bound, found.grouping, components, sums, found.rows, statistics.learnt.missing,
        fingerprint_of_rows(statistics.n), {"statistics": summary_of(statistics)}, statistics, data,
    )  # fmt: skip


def fit_sums(gathered: Gathered, engine: str, settings: Settings, seeds: Mapping[str, int]) -> Summed:
    """Fit the equations of which sums of products are kept; where these do not serve, go back to the rows.

    Raises
    ------
    FitError
        If the rows cannot be had again.
    """
    posteriors: dict[str, Posterior] = {}
    refused: dict[str, str] = {}
    for column, own in gathered.sums.items():
        wanted = None if engine in ("auto", marginal.NAME) else f"engine={engine!r} needs rows"
        reason = wanted or marginal.unserved_equation(own.equation, own.labels)
        result = reason or marginal.sample_gram(own.equation, own.labels, own.gram, settings, seeds[column])
        if isinstance(result, Posterior):
            posteriors[column] = result
        else:
            refused[column] = result
    if not refused:
        return Summed(posteriors, gathered)
    if gathered.data is None or gathered.statistics is None:
        listed = "; ".join(f"{column!r}: {reason}" for column, reason in refused.items())
        raise FitError(
            f"Sums of products do not serve for the equations of {listed}. Fit a table or a file, of which rows can be "
            "taken, instead of statistics."
        )
    return Summed(posteriors, _of_statistics(with_rows(gathered.statistics, gathered.data, refused), gathered.data))
