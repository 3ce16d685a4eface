"""From a fit, or from a prior, to copies."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bayessynth.design import Bound, bind, observed_effects
from bayessynth.errors import FitError, MissingRowsWarning, SynthesisError
from bayessynth.fitting.fingerprint import check_same
from bayessynth.fitting.groups import GroupPosterior, fit_groups
from bayessynth.schema import Schema
from bayessynth.spec import Spec
from bayessynth.synthesis.conditional import Given, among_observed, read_given, read_kept
from bayessynth.synthesis.data import SyntheticData
from bayessynth.synthesis.draws import Draws
from bayessynth.synthesis.generate import Plan, child, draw_effects, draw_upper, frames
from bayessynth.synthesis.groups import Groups, groups_of, new_groups, observed_groups
from bayessynth.synthesis.prior import prior_draws
from bayessynth.synthesis.provenance import provenance
from bayessynth.synthesis.request import GroupPolicy, Request, check_positive, checked, warn_disclosing

if TYPE_CHECKING:
    from bayessynth.fitting import Fitted


def synthesize(
    fitted: Fitted,
    m: int = 5,
    k: int | None = None,
    groups: GroupPolicy = "new",
    given: pd.DataFrame | None = None,
    original: pd.DataFrame | None = None,
    force: bool = False,
    random_seed: int | None = None,
) -> SyntheticData:
    """Draw proper synthetic copies: each from its own posterior draw.

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
        a top-level group with its group-level columns. Every column that a given one depends on must be given too.
    original : DataFrame, optional
        The original data, for ``rest="keep"``: its columns without an equation and its groups are kept.
    force : bool
        Draw even if the diagnostics say "fail"; the provenance then says so.
    random_seed : int, optional
        The same seed gives the same bytes.

    Returns
    -------
    SyntheticData
        Lazy: a copy is drawn when it is asked for.

    Raises
    ------
    FitError
        If the diagnostics say "fail" and ``force`` is not set.
    SynthesisError
        If m or k is not positive, or the arguments do not fit each other.
    """
    verdict = fitted.diagnose().verdict
    if verdict == "fail" and not force:
        raise FitError(
            f"The fit's diagnostics say 'fail', so its draws are not the posterior's:\n{fitted.diagnose()}\n"
            "Mend the model or sample longer, or say force=True; the provenance will then carry the verdict."
        )
    request = checked(m, k, groups, random_seed)
    if fitted.bound.kept and original is not None:
        check_same(original, list(fitted.schema), fitted.provenance["data"])
    draws = Draws.of(fitted.idata["posterior"].to_dataset() if fitted.idata.children else fitted.idata.to_dataset())
    maker = _maker(fitted.bound, fitted.groups, draws, request, given, original)
    if maker.observed and not _has_effects(fitted.bound, draws):
        raise SynthesisError(
            "The effects of the observed groups, which groups='existing' and rest='keep' need, are not in this fit: "
            "they are saved only with keep_groups=True."
        )
    record = provenance(fitted.bound, fitted.provenance, maker, request, verdict, forced=verdict == "fail")
    return SyntheticData(maker.parts, m, record)


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
        As in :func:`synthesize`.
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
    structure = fit_groups(bound.plan, bound_data.grouping, 4 * m, child(root, 3), keep_groups=False)
    draws = Draws(prior_draws(bound, m, child(root, 4)), (1, m))
    maker = _maker(bound, structure, draws, request, None, data if bound.kept else None)
    record = provenance(bound, {"engine": "prior predictive"}, maker, request, "prior", forced=False)
    return SyntheticData(maker.parts, m, record)


@dataclass(frozen=True)
class _Maker:
    """Makes the plan of any copy."""

    plan: Callable[[int], Plan]
    chosen: list[tuple[int, int]]
    k: int | None
    given: tuple[str, ...]
    observed: bool
    cut: bool

    def parts(self, copy: int, threads: int | None) -> Iterator[pd.DataFrame]:
        """Yield the parts of one copy."""
        return frames(self.plan(copy), threads)


def _maker(
    bound: Bound, structure: GroupPosterior, draws: Draws, request: Request, frame: pd.DataFrame | None,
    original: pd.DataFrame | None,
) -> _Maker:  # fmt: skip
    chosen = draws.spread(request.m)
    given = _given(bound, structure, request, frame, original)
    observed = given.observed or (request.groups == "existing" and bool(bound.plan.columns))
    fitted_effects = observed and _has_effects(bound, draws)

    def plan(j: int) -> Plan:
        chain, draw = chosen[j]
        seed = np.random.SeedSequence(request.entropy, spawn_key=(j,))
        values = draws.at(chain, draw)
        rng = child(seed, 0)
        groups = _groups(bound, structure, chain * draws.shape[1] + draw, request, given, rng)
        if fitted_effects:
            effects = {e.response: observed_effects(e, values) for e in bound.equations if e.factors}
        else:
            effects = draw_effects(bound, values, groups, rng)
        made = Plan(bound, groups, values, effects, given.rows, seed, upper=dict(given.upper),
                    kept=given.kept)  # fmt: skip
        draw_upper(made, rng)
        return made

    k = (request.k or bound.n) if frame is None else None if given.n_top else len(frame)
    cut = bool(bound.plan.columns) and not (observed or given.codes or given.n_top)
    return _Maker(plan, chosen, k, tuple(map(str, frame)) if frame is not None else (), observed, cut)


def _has_effects(bound: Bound, draws: Draws) -> bool:
    """Tell whether the draws hold the effects of the observed groups; those of a prior do not."""
    return all(name in draws.variables for e in bound.equations for name in e.variables)


def _given(
    bound: Bound, structure: GroupPosterior, request: Request, frame: pd.DataFrame | None,
    original: pd.DataFrame | None,
) -> Given:  # fmt: skip
    if bound.kept:
        if original is None:
            raise SynthesisError(
                f"The spec keeps the original's {', '.join(bound.kept)} (rest='keep'): hand the original in, "
                "synthesize(…, original=df)."
            )
        if len(original) != bound.n or request.k not in (None, bound.n) or frame is not None:
            raise SynthesisError(
                f"With rest='keep' a copy has the original's {bound.n} rows: leave k= and given= out, and hand in the "
                "table that was fitted."
            )
        names = [*bound.kept, *dict.fromkeys(c for columns in bound.plan.columns.values() for c in columns)]
        warn_disclosing("Columns " + ", ".join(bound.kept) + " are the original's own")
        return read_kept(bound, original[names])
    if original is not None:
        raise SynthesisError("original= is for specs with rest='keep'; this one keeps no column.")
    given = read_given(bound, frame) if frame is not None else Given()
    if frame is not None and request.k not in (None, None if given.n_top else len(frame)):
        raise SynthesisError(f"k={request.k} beside given= with {len(frame)} rows, from which the number of rows "
                             "follows: leave k= out.")  # fmt: skip
    if request.groups == "existing" and bound.plan.columns:
        if not structure.observed:
            raise SynthesisError(
                "groups='existing' needs the observed groups, which this fit let go: fit with keep_groups=True."
            )
        warn_disclosing("Copies have the original's groups, with their labels and sizes")
        given = among_observed(given, structure.labels)
    return given


def _groups(
    bound: Bound, structure: GroupPosterior, draw: int, request: Request, given: Given, rng: np.random.Generator
) -> Groups:
    k = request.k if request.k is not None else bound.n
    if given.codes:
        return observed_groups(
            bound.plan, given.codes, given.labels, sizes={f: len(v) for f, v in given.labels.items()}
        )
    if given.n_top:
        return groups_of(structure, draw, given.n_top, rng)
    if given.rows:
        k = len(next(iter(given.rows.values())))
    if request.groups == "existing" and bound.plan.columns:
        rows = np.arange(bound.n) if k == bound.n else np.sort(rng.integers(0, bound.n, k))
        codes = {factor: codes[rows] for factor, codes in structure.observed.items()}
        return observed_groups(
            bound.plan, codes, structure.labels, sizes={f: len(v) for f, v in structure.labels.items()}
        )
    return new_groups(structure, draw, k, rng)
