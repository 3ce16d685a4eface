"""A fit: spec, schema, posterior, group structure, provenance. It holds no record of the original."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import xarray as xr

from bayessynth import families
from bayessynth.design import Bound, Data, bind, component, dim, safe, shown
from bayessynth.errors import FitError, MissingRowsWarning, SpecError
from bayessynth.fitting.diagnose import Diagnosis, diagnose
from bayessynth.fitting.fingerprint import check_same
from bayessynth.fitting.groups import GroupPosterior
from bayessynth.fitting.seeds import entropy_of
from bayessynth.fitting.summarise import summarise
from bayessynth.privacy import Ledger
from bayessynth.trees import Forest

if TYPE_CHECKING:
    import pymc as pm

    from bayessynth.fitting.noise_aware.tables import Cells
    from bayessynth.schema import Schema
    from bayessynth.spec import Spec
    from bayessynth.synthesis import SyntheticData


class Fitted:
    """What ``Spec.fit`` returns: draws of all parameters, and all that new records need.

    The original data are let go. What needs them (:meth:`model`, :meth:`to_datatree`) takes them again and checks
    that they are the same.

    Attributes
    ----------
    bound : Bound
        The spec with families, levels, transforms and priors as learnt.
    idata : xarray.DataTree
        Groups ``posterior`` and ``sample_stats``; functions of ArviZ that need no data take it as it is.
    groups : GroupPosterior
        Posterior of the group structure.
    provenance : dict
        Engines, times, seeds, settings, a fingerprint of the data.
    forest : Forest
        Draws of the nonparametric equations.
    cells : Cells or None
        Draws of the equations that noisy tables of counts serve, in a fit with formal privacy.

    Examples
    --------
    >>> import bayessynth as bs
    >>> bs.Fitted.__name__
    'Fitted'
    """

    def __init__(self, bound: Bound, idata: xr.DataTree, groups: GroupPosterior, provenance: Mapping[str, Any],
                 forest: Forest | None = None, cells: Cells | None = None) -> None:  # fmt: skip
        self.bound = bound
        self.idata = idata
        self.groups = groups
        self.provenance = dict(provenance)
        self.forest = Forest() if forest is None else forest
        self.cells = cells

    @property
    def spec(self) -> Spec:
        """The spec that was fitted."""
        return self.bound.spec

    @property
    def schema(self) -> Schema:
        """The schema of the copies."""
        return self.bound.schema

    @property
    def ledgers(self) -> tuple[Ledger, ...]:
        """What was spent of privacy budgets, one ledger a table that was released, to be handed to a later request.

        ``bs.DP(…, earlier=fitted.ledgers[0])`` counts it in. Empty without ``privacy=``.
        """
        return tuple(map(Ledger.from_json, self.provenance.get("privacy", {}).get("ledgers", ())))

    @cached_property
    def _owner(self) -> dict[str, str]:
        """The equation that each variable of the posterior belongs to."""
        kept = self.idata["posterior"].data_vars
        owner = {name: safe(e.response) for e in self.bound.equations for name in e.variables if name in kept}
        return owner | {block.name: safe(block.responses[0]) for block in self.bound.shared}

    @cached_property
    def _diagnosis(self) -> Diagnosis:
        return diagnose(self.idata, self._owner, self.provenance.get("engine"), self.provenance)

    def diagnose(self) -> Diagnosis:
        """Judge the fit: R-hat, effective sample sizes, divergences, energy; a verdict with reasons and remedies."""
        return self._diagnosis

    def summary(self, groups: bool = False) -> pd.DataFrame:
        """Summarise the posterior: mean, sd, intervals, R-hat and effective sample size of every parameter.

        Parameters
        ----------
        groups : bool
            Whether the effects of observed groups are listed too.

        Returns
        -------
        DataFrame
            As ArviZ's ``summary``; of a correlation matrix only the entries above the diagonal; empty if no equation
            has parameters.
        """
        posterior = self.idata["posterior"].to_dataset()
        factors = {dim(f) for f in self.bound.plan.columns}
        names = [v for v in posterior.data_vars if groups or not factors & set(posterior[v].dims)]
        return summarise(posterior[names])

    def component(self, column: str) -> xr.DataTree:
        """Return one equation's own DataTree, without the ``component`` dim."""
        self._fitted_equation(column)
        names = [name for name, owner in self._owner.items() if owner == safe(column)]
        stats = self.idata["sample_stats"].to_dataset().sel(component=safe(column), drop=True)
        return xr.DataTree.from_dict({"posterior": self.idata["posterior"].to_dataset()[names], "sample_stats": stats})

    def _fitted_equation(self, column: str) -> None:
        equation = self.bound[column]
        if not families.get(equation.family).parameters:
            raise SpecError(f"The equation for {column!r} (family {equation.family!r}) has no parameters.")

    def model(self, column: str, data: pd.DataFrame) -> pm.Model:
        """Return the PyMC model of one equation, conditioned on the original data.

        Of an equation that shares group effects with others it is the model of all of them.

        Raises
        ------
        FitError
            If missing cells join the equation to others: no model of it alone has its posterior.
        """
        from bayessynth.graph import build

        self._fitted_equation(column)
        joined = self.provenance.get("imputation", {}).get("equations", ())
        if column in joined:
            raise FitError(
                f"Missing cells join the equations of {', '.join(map(repr, joined))}, whose parameters were drawn with "
                f"them: no model of {column!r} alone has its posterior. Fit with missing='drop' to look at one."
            )
        bound_data = self._bind(data)
        if not self.bound.joins(column):
            return build(component(self.bound, bound_data, column))
        from bayessynth.fitting.joint import joint

        together = {c: component(self.bound, bound_data, c) for c in self.bound.together(column)}
        return joint(self.bound, together, column).model()

    def to_datatree(
        self, data: pd.DataFrame, column: str | None = None, m: int = 100, random_seed: int | None = None
    ) -> xr.DataTree:
        """Return a DataTree with what ArviZ needs of the data: for loo, psense, plot_ppc_dist.

        Parameters
        ----------
        data : DataFrame
            The original data.
        column : str, optional
            One equation, whose rows are dim ``row``. By default all of them, with dims ``<column>_row``, since each
            equation has rows of its own.
        m : int
            Posterior predictive data sets, from draws spread over the chains.
        random_seed : int, optional

        Returns
        -------
        xarray.DataTree
            Groups posterior, sample_stats, log_likelihood, log_prior, observed_data, posterior_predictive; in the
            last three and in log_likelihood a variable for each column. Rows are those in which nothing that the
            equation uses is missing, also where missing cells were drawn.
        """
        from bayessynth.fitting.predictive import join, with_data

        columns = [column] if column is not None else list(dict.fromkeys(self._owner.values()))
        for name in columns:
            self._fitted_equation(shown(name))
        bound_data = self._bind(data)
        rng = np.random.default_rng(entropy_of(random_seed, FitError))
        trees = {}
        for name in map(shown, columns):
            own = component(self.bound, bound_data, name)
            trees[safe(name)] = with_data(self.component(name), own, bound_data.at(name), m, rng)
        return trees[safe(column)] if column is not None else join(trees, self.idata)

    def _bind(self, data: pd.DataFrame) -> Data:
        check_same(data, list(self.schema), self.provenance["data"])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MissingRowsWarning)
            return bind(self.spec, data, self.schema, self.provenance["missing"])[1]

    def synthesize(
        self,
        m: int = 5,
        k: int | None = None,
        groups: Literal["new", "existing"] = "new",
        given: pd.DataFrame | None = None,
        original: pd.DataFrame | None = None,
        force: bool = False,
        random_seed: int | None = None,
        *,
        where: Mapping[str, Any] | None = None,
        shares: Mapping[str, Mapping[Any, float]] | None = None,
        do: Mapping[str, Any] | None = None,
    ) -> SyntheticData:
        """Draw m proper copies; :func:`bayessynth.synthesis.synthesize_fit` describes the arguments.

        ``given=`` takes any columns as they stand and draws the others from their distribution given them, also those
        that the given ones depend on: by importance sampling, proposals weighed by the given values' probability.
        ``where=`` asks for rows of a level or in an interval, ``shares=`` for levels in exact proportion.
        ``copies.effective_sizes()`` tells how many proposals are effective behind each row: 20 and more are good, below
        10 there is a warning.

        ``do=`` sets columns from outside, as a trial would: nothing before them learns of it. Where the arrows of the
        spec are causes, two calls with one seed give the average effect of a treatment, copy by copy:

        >>> import numpy as np, pandas as pd, bayessynth as bs
        >>> x = np.random.default_rng(1).normal(size=200)
        >>> t = (np.random.default_rng(2).random(200) < 1 / (1 + np.exp(-x))).astype(int)
        >>> y = np.round(2.0 * t + x + np.random.default_rng(3).normal(size=200), 3)
        >>> fitted = bs.Spec("x ~ 1", "t ~ x", "y ~ t + x").fit(pd.DataFrame({"x": x, "t": t, "y": y}), random_seed=1)
        >>> treated, not_treated = (fitted.synthesize(20, do={"t": t}, random_seed=2) for t in (1, 0))
        >>> effects = [a["y"].mean() - b["y"].mean() for a, b in zip(treated, not_treated)]
        >>> bool(1.4 < np.mean(effects) < 2.6)
        True
        """
        from bayessynth.synthesis import synthesize_fit

        return synthesize_fit(self, m, k, groups, given, original, force, random_seed, where=where, shares=shares,
                              do=do)  # fmt: skip

    def save(self, directory: str | os.PathLike[str]) -> Path:
        """Save the fit to a new directory: JSON, netCDF and npz, no pickle, no record of the original.

        Effects and labels of observed groups are left out unless the fit has ``keep_groups=True``.

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
        seconds = self.provenance.get("total_seconds")
        took = f" in {seconds:.0f} s" if seconds is not None else ""
        return (
            f"Fitted: {len(self.bound.equations)} equations, {self.bound.n} rows, "
            f"{self.provenance['chains']} chains of {self.provenance['draws']} draws{took}; "
            f"diagnostics: {self.diagnose().verdict}"
        )
