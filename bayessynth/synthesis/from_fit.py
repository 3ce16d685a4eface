"""From a fit, or from a prior, to copies."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bayessynth import families
from bayessynth.design import bind
from bayessynth.errors import FitError, MissingRowsWarning, SynthesisError
from bayessynth.fitting.fingerprint import check_same
from bayessynth.fitting.groups import fit_groups
from bayessynth.schema import Schema
from bayessynth.spec import Spec
from bayessynth.synthesis.data import SyntheticData
from bayessynth.synthesis.draws import Draws
from bayessynth.synthesis.generate import child
from bayessynth.synthesis.intervention import Do
from bayessynth.synthesis.maker import has_effects, maker_of
from bayessynth.synthesis.prior import prior_draws
from bayessynth.synthesis.provenance import provenance
from bayessynth.synthesis.request import GroupPolicy, check_positive, checked
from bayessynth.synthesis.where import Shares, Where

if TYPE_CHECKING:
    from bayessynth.fitting import Fitted


def synthesize_fit(
    fitted: Fitted,
    m: int = 5,
    k: int | None = None,
    groups: GroupPolicy = "new",
    given: pd.DataFrame | None = None,
    original: pd.DataFrame | None = None,
    force: bool = False,
    random_seed: int | None = None,
    *,
    where: Where | None = None,
    shares: Shares | None = None,
    do: Do | None = None,
) -> SyntheticData:
    """Draw proper synthetic copies: each from its own posterior draw.

    Columns may be given, by ``given=``, ``where=`` and ``shares=``, wherever they stand in the order of the equations.
    Where a given column depends on columns that are not given, these are drawn from their distribution given it, by
    importance sampling: for each row (at a group's level: for each group) 64 proposals of them are drawn from the
    equations and weighed by the probability, or density, of the given values under their own equations, those of
    trees at the column's precision, and one is taken in proportion to its weight; with several given columns,
    proposals are resampled after each (sequential Monte Carlo). All else is then drawn from the equations. The draws
    are exact as the number of proposals grows: where fewer than 20 are effective, more are drawn, up to 4,096. The
    effective sample size of a row, ``copies.effective_sizes()``, is (Σw)² / Σw², where the weights of proposals that
    come of one are summed (so that it counts independent ones): the draw is biased towards the equations' own by
    about one over it. Below 10 there is a warning that names the rows; where no weight is above zero, an error.

    Effects and columns of groups that given columns tell of are drawn with the proposals. Without grouping columns
    each row then is a record of a new group of its own. With them, the rows of a group are drawn together: exact too,
    but with many rows a group few proposals are effective.

    Parameters
    ----------
    fitted : Fitted
    m : int
        Number of copies.
    k : int, optional
        Rows of each copy; by default as many as the original has.
    groups : {"new", "existing"}
        Whether copies have new groups, with effects and sizes drawn from the fitted group distributions, or the
        original's. Existing groups need ``fit(keep_groups=True)`` and are marked as disclosing.
    given : DataFrame, optional
        Columns that are taken as they stand; the others are drawn given them. Either one row a record, or one row
        a top-level group with its group-level columns. A missing cell is not given in its row. Without grouping
        columns the rows lie in new groups of the usual sizes, unless what is given tells of these groups.
    original : DataFrame, optional
        The original data, for ``rest="keep"``: its columns without an equation and its groups are kept.
    force : bool
        Draw even if the diagnostics say "fail"; the provenance then says so.
    random_seed : int, optional
        The same seed gives the same bytes.
    where : mapping of str to object, optional
        What columns must be in all rows: ``{"fraud": 1}`` a level or number, ``{"state": ["NY", "NJ"]}`` some levels,
        ``{"age": (18, 30)}`` a closed interval of numbers or times (None: open). For columns in a set, proposals
        outside have weight zero.
    shares : mapping of str to mapping, optional
        Share of each level, ``{"fraud": {1: 0.5, 0: 0.5}}``: as many of the k rows as the largest remainder gives
        it, in random order, the rest of each row from its distribution given the level.
    do : mapping of str to object, optional
        Columns that are set from outside (Pearl's do), to one value or to one a row: ``{"treat": 1}``. Their equations
        are cut: what follows is drawn given them, what stands before them knows nothing of them. ``given=``,
        ``where=`` and ``shares=`` then condition within the population so treated. Read causally this takes for granted
        that the equations' arrows are causes and that no common cause of a set column and of what follows is left out
        of the spec. With the same seed, copies under different ``do=`` share posterior draws, groups and all random
        numbers of the columns that neither sets: the difference of two such copies is the effect in draw j, and its
        spread over copies is the effect's posterior.

    Returns
    -------
    SyntheticData
        Lazy: a copy is drawn when it is asked for. Copies with given columns stand for a population in which these are
        as given, and their provenance says so: they are not for inference about the original's.

    Raises
    ------
    FitError
        If the diagnostics say "fail" and ``force`` is not set.
    SynthesisError
        If m or k is not positive, the arguments do not fit each other, given values are impossible, or columns cannot
        be set.

    Warns
    -----
    ConditioningWarning
        If few proposals are effective in some rows.
    """
    verdict = fitted.diagnose().verdict
    if verdict == "fail" and not force:
        raise FitError(
            f"The fit's diagnostics say 'fail', so its draws are not the posterior's:\n{fitted.diagnose()}\n"
            "Mend the model or sample longer, or say force=True; the provenance will then carry the verdict."
        )
    request = replace(checked(m, k, groups, random_seed), where=where, shares=shares, do=do)
    if fitted.bound.kept and original is not None:
        check_same(original, list(fitted.schema), fitted.provenance["data"])
    draws = Draws.of(fitted.idata["posterior"].to_dataset() if fitted.idata.children else fitted.idata.to_dataset())
    maker = maker_of(fitted.bound, fitted.groups, draws, request, given, original, fitted.forest, fitted.cells)
    if maker.observed and not has_effects(fitted.bound, draws):
        raise SynthesisError(
            "The effects of the observed groups, which groups='existing' and rest='keep' need, are not in this fit: "
            "they are saved only with keep_groups=True."
        )
    record = provenance(fitted.bound, fitted.provenance, maker, request, verdict, forced=verdict == "fail")
    return SyntheticData(maker, m, record)


def synthesize_prior(
    spec: Spec,
    data: pd.DataFrame | Schema,
    m: int = 5,
    k: int | None = None,
    *,
    schema: Schema | None = None,
    n: int = 1000,
    random_seed: int | None = None,
) -> SyntheticData:
    """Draw copies from the prior predictive: what the spec says before it has seen the data.

    Parameters
    ----------
    spec : Spec
    data : DataFrame or Schema
        A table, to which default priors are scaled, or a schema alone: declared bounds, scales and levels.
    m, k, random_seed
        As in :func:`synthesize_fit`.
    schema : Schema, optional
        Kinds of the table's columns; detected if not given.
    n : int
        With a schema alone: rows of the imagined table to which group sizes and priors are scaled.

    Returns
    -------
    SyntheticData

    Examples
    --------
    >>> import bayessynth as bs
    >>> schema = bs.Schema(age=bs.Continuous(bounds=(0, 110)), sick=bs.Binary("no", "yes"))
    >>> copies = bs.Spec("age ~ 1", "sick ~ age").synthesize_prior(schema, m=2, k=3, random_seed=1)
    >>> copies[0].shape
    (3, 2)
    """
    request = checked(m, k, "new", random_seed)
    check_positive(n=n)
    root = np.random.SeedSequence(request.entropy)
    if isinstance(data, Schema):
        schema, data = data, data.example(n, child(root, 2), groups=[c for f in spec.factors for c in f])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MissingRowsWarning)
        bound, bound_data = bind(spec, data, schema, missing="drop")
    without = [e.response for e in bound.equations if families.get(e.family).nonparametric]
    if without:
        raise SynthesisError(
            f"The equation of {without[0]!r} has family 'tree', which has no prior: there is nothing to draw before it "
            "has seen data. Give it another family, or fit first."
        )
    structure = fit_groups(bound.plan, bound_data.grouping, 4 * m, child(root, 3), keep_groups=False)
    draws = Draws(prior_draws(bound, m, child(root, 4)), (1, m))
    maker = maker_of(bound, structure, draws, request, None, data if bound.kept else None)
    record = provenance(bound, {"engine": "prior predictive"}, maker, request, "prior", forced=False)
    return SyntheticData(maker, m, record)
