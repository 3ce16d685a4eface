"""A fit of a user's PyMC model: posterior, group structure, provenance. It holds no record and no code."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import xarray as xr

from bayessynth.design import safe
from bayessynth.fitting.diagnose import Diagnosis, diagnose
from bayessynth.fitting.groups import GroupPosterior
from bayessynth.fitting.pymc_layout import Build, Layout
from bayessynth.fitting.summarise import summarise

if TYPE_CHECKING:
    from bayessynth.schema import Schema
    from bayessynth.synthesis import SyntheticData


class FittedPyMC:
    """What fitting a model of :func:`from_pymc` returns; it has the verbs of :class:`Fitted`.

    Attributes
    ----------
    layout : Layout
        Columns, grouping dims, and the level of each variable.
    idata : xarray.DataTree
        Groups ``posterior`` and ``sample_stats``.
    groups : GroupPosterior
        Posterior of the group structure.
    provenance : dict
        Times, seeds, settings, a fingerprint of the data.
    build : callable or None
        The user's function; None in a fit that was loaded without it.
    """

    def __init__(
        self, layout: Layout, idata: xr.DataTree, groups: GroupPosterior, provenance: Mapping[str, Any],
        build: Build | None,
    ) -> None:  # fmt: skip
        self.layout = layout
        self.idata = idata
        self.groups = groups
        self.provenance = dict(provenance)
        self.build = build

    @property
    def schema(self) -> Schema:
        """The schema of the copies."""
        return self.layout.schema

    @cached_property
    def _diagnosis(self) -> Diagnosis:
        return diagnose(self.idata, dict.fromkeys(map(str, self.idata["posterior"].data_vars), "model"))

    def diagnose(self) -> Diagnosis:
        """Judge the fit: R-hat, effective sample sizes, divergences, energy; a verdict with reasons and remedies."""
        return self._diagnosis

    def summary(self, groups: bool = False) -> pd.DataFrame:
        """Summarise the posterior: mean, sd, intervals, R-hat and effective sample size of every parameter.

        Parameters
        ----------
        groups : bool
            Whether variables with an entry a group, or a row, are listed too.

        Returns
        -------
        DataFrame
            As ArviZ's ``summary``; entries that never move, such as a correlation matrix's diagonal, are left out.
        """
        posterior = self.idata["posterior"].to_dataset()
        hidden = set() if groups else {safe(v) for v in (*self.layout.groups, *self.layout.rows)}
        names = [v for v in posterior.data_vars if v not in hidden]
        return summarise(posterior[names])

    def synthesize(self, m: int = 5, **options: Any) -> SyntheticData:
        """Draw m proper copies; see :func:`bayessynth.synthesis.synthesize_pymc` for all options."""
        from bayessynth.synthesis import synthesize_pymc

        return synthesize_pymc(self, m, **options)

    def save(self, directory: str | os.PathLike[str]) -> Path:
        """Save the fit to a new directory: JSON, netCDF and npz, no pickle, no code, no record of the original.

        Open it with ``bs.load(directory, build=build)``. Variables with an entry a row are left out; so are the
        effects and labels of observed groups, unless the fit has ``keep_groups=True``.

        Returns
        -------
        Path

        Raises
        ------
        StorageError
            If the directory exists and holds something else than a saved fit.
        """
        from bayessynth.fitting.storage import save

        return save(self, directory)

    def __repr__(self) -> str:
        seconds = self.provenance.get("seconds", {}).get("total")
        took = f" in {seconds:.0f} s" if seconds is not None else ""
        return (
            f"FittedPyMC: columns {', '.join(self.layout.columns)}; {self.layout.n} rows, "
            f"{self.provenance['chains']} chains of {self.provenance['draws']} draws{took}; "
            f"diagnostics: {self.diagnose().verdict}{'' if self.build else '; no build= yet'}"
        )
