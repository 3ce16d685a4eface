"""Makes the rows of any copy of a bound spec: data, no closure, so that it can be sent to other processes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import pyarrow as pa

from bayessynth.design import Bound, observed_effects
from bayessynth.errors import SynthesisError
from bayessynth.fitting.fingerprint import fingerprint
from bayessynth.fitting.groups import GroupPosterior
from bayessynth.fitting.noise_aware.tables import Cells
from bayessynth.synthesis import generate
from bayessynth.synthesis.arrow import types_of
from bayessynth.synthesis.conditional import Given, among_observed, at_groups, read_given, read_kept
from bayessynth.synthesis.digest import digest, digest_of_groups
from bayessynth.synthesis.draws import Draws
from bayessynth.synthesis.evidence import Evidence, evidence
from bayessynth.synthesis.generate import Plan, child, draw_effects, draw_upper
from bayessynth.synthesis.groups import (
    Groups,
    existing_groups,
    groups_alone,
    groups_of,
    new_groups,
    observed_groups,
    usual_rows,
)
from bayessynth.synthesis.importance import Effective, conditioned
from bayessynth.synthesis.in_sequence import check_given, check_request, sequence_plan
from bayessynth.synthesis.intervention import intervened, set_columns
from bayessynth.synthesis.labels import NARROW, Labels, label, owners
from bayessynth.synthesis.request import Request, warn_disclosing
from bayessynth.synthesis.source import Latest
from bayessynth.synthesis.where import rebalanced
from bayessynth.trees import Forest, Grove

# Rows of a part where a rule needs all of a copy at once.
ALL = 1 << 40
# The random stream that shuffles the levels of shares; those of copies have their numbers.
_SHUFFLE = 1 << 31


@dataclass(frozen=True)
class Maker:
    """Makes any part of any copy.

    Attributes
    ----------
    bound : Bound
    structure : GroupPosterior
    draws : Draws
        Those that the copies use, in one chain.
    chosen : list of tuple
        Chain and draw of each copy, in the posterior.
    flat : tuple of int
        The same as one number, by which draws of the group structure are found.
    request : Request
    given : Given
    columns : tuple of str
        Columns that were handed in.
    k : int or None
        Rows of a copy; None where their number follows from given groups.
    observed : bool
        Whether the groups are the original's, with their effects.
    part : int
        Rows of a part.
    forest : Forest
        Draws of the nonparametric equations.
    cells : Cells or None
        Draws of the equations that noisy tables of counts serve.
    evidence : Evidence or None
        What given columns say of others that are drawn before them.
    latest : Latest
        The plan that was made last.
    """

    bound: Bound
    structure: GroupPosterior
    draws: Draws
    chosen: list[tuple[int, int]]
    flat: tuple[int, ...]
    request: Request
    given: Given
    columns: tuple[str, ...]
    k: int | None
    observed: bool
    part: int
    forest: Forest
    cells: Cells | None
    evidence: Evidence | None
    latest: Latest = field(default_factory=Latest, compare=False, repr=False)

    @property
    def cut(self) -> bool:
        """Whether the last group ends at row k, whether or not it would have gone on."""
        return bool(self.bound.plan.columns) and not (
            self.observed or self.given.codes or self.given.n_top or self.given.alone
        )

    @property
    def policy(self) -> str:
        """What groups copies have, in a word."""
        if not self.bound.plan.columns:
            return "none"
        return "new, one a row" if self.given.alone else self.request.groups

    def rows(self, copy: int) -> int:
        """Return the number of rows of a copy."""
        return self.k if self.k is not None else self.plan(copy).groups.k

    def frames(self, copy: int, parts: range | None, threads: int | None) -> Iterator[pd.DataFrame]:
        """Yield some parts of a copy, by default all."""
        return generate.frames(self.plan(copy), parts, threads)

    def plan(self, copy: int) -> Plan:
        """Draw all of a copy that is above its rows."""
        return self.latest.get(copy, self._plan)[0]

    def effective(self, copy: int) -> Effective | None:
        """Return how good the draws given columns are; None if these say nothing of columns that are drawn."""
        return self.latest.get(copy, self._plan)[1]

    def _plan(self, copy: int) -> tuple[Plan, Effective | None]:
        seed = np.random.SeedSequence(self.request.entropy, spawn_key=(copy,))
        values, rng = self.draws.at(0, copy), child(seed, 0)
        if self.bound.sequence is not None:
            return sequence_plan(self, copy, seed, rng), None
        groups = self._groups(self.flat[copy], rng)
        if self.observed and has_effects(self.bound, self.draws):
            effects = {e.response: observed_effects(e, values) for e in self.bound.equations if e.factors}
        else:
            effects = draw_effects(self.bound, values, groups, rng)
        plan = self.bound.plan
        labels = {column: label(column, self.bound.schema, plan, groups) for column in owners(plan)}
        rows = {f: groups.rows_of(f, known=not self.given.alone) for f in self.forest.factors}
        if self.given.alone:
            rows |= {f: np.full(groups.count(f), usual_rows(self.structure, self.flat[copy], f, self.bound.n))
                     for f in self.forest.sized.values()}  # fmt: skip
        grove = Grove.of(self.forest, copy, rows, rng)
        given, effective = set_columns(at_groups(self.given, self.bound, groups), self.bound, groups), None
        made = Plan(self.bound, groups, values, effects, given.rows, seed, self.part, dict(given.upper), given.kept,
                    labels, grove, cells=None if self.cells is None else self.cells.at(copy),
                    apart=bool(given.cut))  # fmt: skip
        if self.evidence is not None:
            known_effects = self.observed and has_effects(self.bound, self.draws)
            laws = {f: (own[copy], rows[f]) for f, own in self.forest.effects.items()}
            made, effective = conditioned(made, given, self.evidence, laws, known_effects)
        draw_upper(made, rng)
        return made, effective

    def _groups(self, draw: int, rng: np.random.Generator) -> Groups:
        given, plan = self.given, self.bound.plan
        if given.codes:
            return observed_groups(plan, given.codes, given.labels, {f: len(v) for f, v in given.labels.items()})
        if given.n_top:
            return groups_of(self.structure, draw, given.n_top, rng)
        assert self.k is not None
        if given.alone:
            return groups_alone(plan, self.k)
        if self.request.groups == "existing" and plan.columns:
            return existing_groups(self.structure, self.bound.n, self.k, rng)
        return new_groups(self.structure, draw, self.k, rng)

    def types(self) -> pa.Schema:
        """Return the Arrow schema that all parts of all copies have."""
        narrow = [c for c in owners(self.bound.plan) if self.bound.schema[c].dtype.lower() in NARROW]
        labels: dict[str, Labels] = {}
        # Copies differ in how many groups they have, and small integers may hold the numbers of some of them only.
        for copy in range(self.request.m if narrow else 1):
            found = self.plan(copy).labels
            labels = {c: max(labels.get(c, own), own, key=lambda known: len(known.values)) for c, own in found.items()}
        return types_of(self.bound.schema, labels, self.given.kept)

    def digest(self) -> str:
        """Return a hash of the bound spec, the posterior draws, the group structure and the given columns."""
        given, draws = self.given, [self.draws.variables, list(self.flat)]
        taken = [given.rows, given.upper, given.n_top, given.codes, given.labels]
        if given.cells or given.within or given.alone:
            within = {c: [list(w.levels), w.low, w.high] for c, w in given.within.items()}
            taken += [given.alone, given.cells, within]
        if given.cut:
            taken.append(given.cut)
        forest = [self.forest.settings.to_json(), self.forest.arrays()]
        kept = None if given.kept is None else fingerprint(given.kept, list(given.kept))
        cells = [] if self.cells is None else list(self.cells.to_arrays())
        return digest([self.bound.to_json(), draws, digest_of_groups(self.structure), taken, kept, forest, *cells])


def maker_of(
    bound: Bound, structure: GroupPosterior, draws: Draws, request: Request, frame: pd.DataFrame | None,
    original: pd.DataFrame | None, forest: Forest | None = None, cells: Cells | None = None,
) -> Maker:  # fmt: skip
    """Return what makes the copies, after a look at all that was handed in.

    Raises
    ------
    SynthesisError
        If there are too few draws, or the arguments do not fit each other.
    """
    forest = forest or Forest()
    if forest.trees and request.m > forest.copies:
        raise SynthesisError(
            f"m={request.m} copies need as many draws of the tree equations and of which cells are missing, but the "
            f"fit has {forest.copies}: fit with copies={request.m}."
        )
    if cells is not None and request.m > cells.copies:
        raise SynthesisError(
            f"m={request.m} copies need as many draws of the tables of counts, but the fit has {cells.copies}: fit "
            f"the release (or, if it was not kept, another one) with copies={request.m}."
        )
    if forest.effects and (request.groups == "existing" or bound.kept):
        raise SynthesisError(
            "The effects of the observed groups in tree equations are not kept: leave groups='existing' out, or give "
            "these equations another family."
        )
    chosen = draws.spread(request.m)
    check_request(bound, request)
    given = _given(bound, structure, request, frame, original)
    check_given(bound, given)
    k: int | None = request.k or bound.n
    if frame is not None:
        k = None if given.n_top else len(frame)
    given = intervened(bound, given, request.do, k or 0, frame)
    columns = [*(map(str, frame) if frame is not None else ()), *(request.where or ()), *(request.shares or ())]
    observed = given.observed or (request.groups == "existing" and bool(bound.plan.columns))
    told = columns and bound.sequence is None
    found = evidence(bound, given, observed and has_effects(bound, draws)) if told else None
    if found is not None and found.shared and not (observed or given.codes or given.n_top):
        given = replace(given, alone=True)
    return Maker(
        bound, structure, draws.take(chosen), chosen, tuple(c * draws.shape[1] + d for c, d in chosen), request, given,
        tuple(columns), k, observed, ALL if any(rule.whole_copy for rule in bound.rules) else generate.PART,
        forest.take(request.m), cells, found,
    )  # fmt: skip


def has_effects(bound: Bound, draws: Draws) -> bool:
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
        others = frame is not None or request.where is not None or request.shares is not None
        if len(original) != bound.n or request.k not in (None, bound.n) or others:
            raise SynthesisError(
                f"With rest='keep' a copy has the original's {bound.n} rows: leave k= and given= out, and where= and "
                "shares=, and hand in the table that was fitted."
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
    k = request.k or (bound.n if frame is None else len(frame))
    shuffled = child(np.random.SeedSequence(request.entropy), _SHUFFLE)
    return rebalanced(bound, given, request.where, request.shares, k, shuffled)
