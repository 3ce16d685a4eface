"""A user's own PyMC model in place of a spec."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from rich.console import Console

from bayessynth._version import __version__
from bayessynth.design.grouping import group, plan_groups
from bayessynth.errors import DataError, FitError, suggest
from bayessynth.fitting.fingerprint import fingerprint
from bayessynth.fitting.fit import check_settings
from bayessynth.fitting.groups import fit_groups
from bayessynth.fitting.pymc_fitted import FittedPyMC
from bayessynth.fitting.pymc_layout import Build, Layout
from bayessynth.fitting.seeds import entropy_of
from bayessynth.schema import Schema
from bayessynth.schema.validate import check_frame

if TYPE_CHECKING:
    import pymc as pm

    from bayessynth.fitting.pymc_checks import Source


class PyMCSpec:
    """A PyMC model whose observed variables are the columns of a table; made by :func:`from_pymc`.

    Attributes
    ----------
    model : pymc.Model
        The model on the data.
    layout : Layout
        Columns, grouping dims, and the level of each variable.
    """

    def __init__(self, source: Source, layout: Layout, model: pm.Model, data: str) -> None:
        self._source = source
        self._fingerprint = data
        self.layout = layout
        self.model = model

    @property
    def columns(self) -> tuple[str, ...]:
        """The observed columns."""
        return self.layout.columns

    @property
    def schema(self) -> Schema:
        """The schema of the copies."""
        return self.layout.schema

    def fit(
        self,
        *,
        draws: int = 1000,
        tune: int = 1000,
        chains: int = 4,
        random_seed: int | None = None,
        cores: int | None = None,
        keep_groups: bool = False,
        progress: bool = True,
    ) -> FittedPyMC:
        """Sample the posterior, and that of the group structure.

        Parameters
        ----------
        draws, tune, chains : int
            Draws kept and warm-up draws of each chain.
        random_seed : int, optional
            Fixes everything: the same seed gives the same draws.
        cores : int, optional
            Most chains at a time; by default all cores.
        keep_groups : bool
            Keep effects, labels and sizes of the observed groups when saving (disclosing; ``groups="existing"``
            needs it).
        progress : bool
            Show that it is working where there is a terminal or a notebook.

        Returns
        -------
        FittedPyMC

        Raises
        ------
        FitError
            If the sampler cannot start.
        """
        from bayessynth.fitting.cores import available_cores
        from bayessynth.fitting.engines.settings import Settings
        from bayessynth.fitting.posterior import to_datatree
        from bayessynth.fitting.pymc_run import sample_posterior

        start = time.perf_counter()
        check_settings("pymc", draws=draws, tune=tune, chains=chains, cores=cores)
        entropy = entropy_of(random_seed, FitError)
        settings = Settings(draws, tune, chains, min(chains, cores or available_cores()))
        seed = int(np.random.SeedSequence(entropy, spawn_key=(0,)).generate_state(1)[0])
        with _working(progress):
            posterior = sample_posterior(self.model, self.layout, settings, seed)
        grouping = self._source.grouping
        rng = np.random.default_rng(np.random.SeedSequence(entropy, spawn_key=(1,)))
        structure = fit_groups(plan_groups(grouping), grouping, chains * draws, rng, keep_groups)
        seconds = {"model": round(posterior.seconds, 2), "total": round(time.perf_counter() - start, 2)}
        record = {
            "engine": {"model": posterior.engine}, "seconds": seconds, "draws": draws, "tune": tune, "chains": chains,
            "random_seed": entropy, "missing": "error", "groups_kept": keep_groups, "data": self._fingerprint,
            "version": __version__,
        }  # fmt: skip
        return FittedPyMC(self.layout, to_datatree([posterior]), structure, record, self._source.build)

    def __repr__(self) -> str:
        layout = self.layout
        sizes = {dim: self._source.grouping.size(factor) for dim, factor in layout.factors.items()}
        lines = [
            f"PyMCSpec: {layout.n} rows, columns {', '.join(layout.columns)}",
            f"groups: {', '.join(f'{dim} ({size})' for dim, size in sizes.items()) or 'none'}",
            f"taken from the posterior: {', '.join(layout.trace)}",
        ]
        drawn = [v.name for v in self.model.free_RVs if v.name not in layout.trace]
        return "\n".join([*lines, f"drawn anew for new groups and rows: {', '.join(drawn)}"] if drawn else lines)


def from_pymc(
    build: Build,
    df: pd.DataFrame,
    groups: Mapping[str, str | Sequence[str]] | None = None,
    schema: Schema | None = None,
) -> PyMCSpec:
    """Take any PyMC model whose observed variables are the columns of a table.

    New records are drawn through PyTensor, where a copy of 10,000 rows takes about a twentieth of a second beside what
    ``build`` itself takes; declared specs are faster, and stream.

    Parameters
    ----------
    build : callable
        ``build(data, coords) -> pymc.Model``. ``data`` maps columns to arrays: numbers as floats (datetimes as days
        since 1970), levels as codes from 0, and for each grouping dim the code of every row's group. ``coords`` maps
        each grouping dim to its labels. Each column has an observed variable of its name, on ``data[column]`` as it
        is; what depends on a column uses that variable, not the data. ``build`` is called again with placeholders,
        new codes and new coords to generate, so it takes all that has an entry a row or a group from its arguments.
    df : DataFrame
        The original table: the observed columns and the grouping columns, without missing cells.
    groups : mapping of str to str, optional
        The column that labels the groups of each grouping dim; several columns where labels begin anew within a
        group above: ``{"school": "school", "class": ("school", "class")}``. They may be nested or crossed. Variables
        with such a dim are drawn from their prior given the others for new groups.
    schema : Schema, optional
        Kinds of the columns; detected if not given.

    Returns
    -------
    PyMCSpec
        With the verbs of a :class:`Spec`: ``fit(draws=, tune=, chains=, random_seed=, cores=, progress=)``.

    Raises
    ------
    DataError, MissingDataError, SchemaError
        If the data cannot be used, if variables and columns do not match, if an index runs out of its dim's range,
        or if new records could not be generated; before anything compiled runs.

    Examples
    --------
    >>> import bayessynth as bs
    >>> import numpy as np
    >>> import pandas as pd
    >>> import pymc as pm
    >>> def build(data, coords):
    ...     with pm.Model(coords=coords) as model:
    ...         age = pm.Normal("age", pm.Normal("mean", 45, 20), pm.HalfNormal("sd", 20), observed=data["age"])
    ...         u = pm.Normal("u", 0, pm.HalfNormal("tau", 1), dims="site")
    ...         mean = pm.math.exp(pm.Normal("a") + 0.01 * age + u[data["site"]])
    ...         pm.Poisson("visits", mean, observed=data["visits"])
    ...     return model
    >>> df = pd.DataFrame({"site": list("aabbcc"), "age": [31.5, 64, 47, 52, 70, 28], "visits": [0, 4, 2, 3, 5, 1]})
    >>> bs.from_pymc(build, df, groups={"site": "site"})
    PyMCSpec: 6 rows, columns age, visits
    groups: site (3)
    taken from the posterior: mean, sd, tau, a
    drawn anew for new groups and rows: u
    """
    from bayessynth.fitting.pymc_checks import Source, checked

    check_frame(df)
    dims = _dims(groups or {}, df)
    group_columns = list(dict.fromkeys(c for columns in dims.values() for c in columns))
    known = Schema.detect(df) if schema is None else schema
    found = known.subset([c for c in df if c in known]).override(**dict.fromkeys(group_columns, "group"))
    unknown = [c for c in df if c not in known]
    if unknown:
        raise DataError(f"Column {unknown[0]!r} is not in the schema; add it, or df.drop(columns={unknown!r}).")
    _check_kinds(found)
    found.validate(df)
    values = [c for c in found if c not in group_columns]
    encoded = found.encode(df, columns=group_columns, missing="keep")
    grouping = group(encoded, tuple(dims.values()))
    arrays = found.encode(df, columns=values).arrays
    source = Source(build, Layout(found, dims, len(df)), arrays, grouping)
    layout, model = checked(source)
    return PyMCSpec(source, layout, model, fingerprint(df, list(found)))


def _check_kinds(schema: Schema) -> None:
    for name, column in schema.items():
        if column.kind == "identifier":
            raise DataError(
                f"Column {name!r} looks like an identifier: nearly every row has a value of its own, and none says "
                f"anything. Leave it out (df.drop(columns={name!r})), name it in groups=, or declare its kind: "
                f"schema=bs.Schema.detect(df).override({name}=…)."
            )


def _dims(groups: Mapping[str, str | Sequence[str]], df: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """Check which columns label the groups of each grouping dim."""
    dims = {dim: (columns,) if isinstance(columns, str) else tuple(columns) for dim, columns in groups.items()}
    for dim, columns in dims.items():
        for column in columns:
            if column not in df:
                raise DataError(
                    f"groups={{{dim!r}: {column!r}}}: the data have no such column.{suggest(column, df.columns)}"
                )
        if dim in df and dim != columns[-1]:
            raise DataError(
                f"groups= has a dim {dim!r} that is labelled by {', '.join(columns)}, but {dim!r} is another column of "
                "the data; name the dim otherwise."
            )
        same = [other for other in dims if other != dim and dims[other] == columns]
        if same:
            raise DataError(f"groups= has dims {dim!r} and {same[0]!r} for the same column; one of them is enough.")
    return dims


def _working(progress: bool) -> AbstractContextManager[Any]:
    """Show a spinner where there is a terminal or a notebook to show it in."""
    console = Console(stderr=True)
    shown = progress and (console.is_terminal or console.is_jupyter)
    return console.status("Sampling the PyMC model") if shown else nullcontext()
