"""Where a set of copies comes from, in words and numbers that can be published with it."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import pandas as pd

from bayessynth._version import __version__
from bayessynth.design import Bound
from bayessynth.rules import Ends
from bayessynth.schema.column import plain
from bayessynth.synthesis.importance import Effective
from bayessynth.synthesis.request import Request

PRIVACY = "no formal guarantee"


class _Maker(Protocol):
    @property
    def chosen(self) -> list[tuple[int, int]]: ...
    @property
    def k(self) -> int | None: ...
    @property
    def columns(self) -> tuple[str, ...]: ...
    @property
    def cut(self) -> bool: ...
    @property
    def policy(self) -> str: ...
    def effective(self, copy: int) -> Effective | None: ...


def provenance(
    bound: Bound, fit: Mapping[str, Any], maker: _Maker, request: Request, verdict: str, forced: bool
) -> dict[str, Any]:
    """Return a record of how copies were made, as JSON data.

    ``terms`` and ``slopes`` are the columns of each common term, and of each group-specific slope with its factor, by
    equation: relations that are in neither are not in the copies. A tree has one term of all that it reads.
    ``k`` is None where the number of rows follows from given groups; ``given`` lists the columns that were handed in or
    asked for; ``where`` and ``shares`` are what was asked; ``population`` is ``"given"`` where any of these are, since
    such copies stand for another population than the original's, else ``"original"``; ``effective`` sums up how many
    proposals are effective for the first copy's rows, and is None where none were needed;
    ``do`` is what was set from outside, and ``population`` then ``"intervened"``;
    ``last_group_cut`` says that the last group ends at row k, whether or not it would have gone on;
    ``sequence`` names the unit and the time of sequences, and values that end one;
    ``synthesis`` is ``"fully"`` or ``"partially"`` (columns kept from the original) synthetic; ``disclosing`` lists
    what of the original the copies keep; ``privacy`` states the formal guarantee, or that there is none.
    """
    disclosing = []
    if bound.kept:
        disclosing.append(f"original values of {', '.join(bound.kept)}, and the original groups")
    if request.groups == "existing" and bound.plan.columns:
        disclosing.append("the original groups: their labels, sizes and effects")
    return {
        "spec": bound.spec.hash,
        "terms": {
            e.response: [list(bound[e.response].reads)] if bound[e.response].reads else
            [list(t.columns) for t in e.formula.terms]
            for e in bound.spec
        },
        "slopes": {e.response: [[c, *g.factor] for g in e.formula.groups for c in g.columns] for e in bound.spec},
        "sequence": _sequence(bound),
        "survivals": survivals(bound),
        "synthesis": "partially" if bound.kept else "fully",
        "proper": True,
        "m": request.m,
        "k": maker.k,
        "n": bound.n,
        "groups": maker.policy,
        "group_columns": list(dict.fromkeys(c for columns in bound.plan.columns.values() for c in columns)),
        "random_seed": request.entropy,
        "draws": [[int(c), int(d)] for c, d in maker.chosen],
        "verdict": verdict,
        "forced": forced,
        "last_group_cut": maker.cut,
        "given": list(maker.columns),
        "where": {column: _stated(asked) for column, asked in (request.where or {}).items()},
        "shares": {c: {str(level): float(share) for level, share in asked.items()}
                   for c, asked in (request.shares or {}).items()},
        "do": {c: _set(asked) for c, asked in (request.do or {}).items()},
        "population": "intervened" if request.do else "given" if maker.columns else "original",
        "effective": _summed_up(maker.effective(0) if maker.columns else None),
        "disclosing": disclosing,
        "privacy": fit.get("privacy", {}).get("statement", PRIVACY),
        "fit": dict(fit),
        "versions": {"bayessynth": __version__, "numpy": np.__version__, "pandas": pd.__version__,
                     "python": platform.python_version()},
    }  # fmt: skip


def _set(asked: Any) -> Any:
    """Return what a column was set to: a value, or how many there were."""
    return f"{len(asked)} values" if hasattr(asked, "__len__") and not isinstance(asked, str) else _stated(asked)


def _sequence(bound: Bound) -> dict[str, Any] | None:
    """Return what makes sequences of the rows, and which values end one."""
    if bound.sequence is None:
        return None
    ends = {rule.column: list(rule.values) for rule in bound.rules if isinstance(rule, Ends)}
    return {"unit": bound.sequence.unit, "time": bound.sequence.time, "ends": ends}


def survivals(bound: Bound) -> list[dict[str, Any]]:
    """Return each survival time's columns, the values of its events, and its predictors, as JSON data."""
    found = []
    for own in bound.survivals:
        equations = [bound[name] for name, _ in own.latent]
        terms = (t.term.columns for e in equations for p in e.predictors.values() for t in p.terms)
        causes = [_value(bound, own.event, code) for _, code in own.latent if code != own.censored]
        found.append({
            "time": own.time, "event": own.event, "entry": own.entry, "until": own.until, "causes": causes,
            "predictors": list(dict.fromkeys(c for columns in terms for c in columns)),
            "unit": bound.sequence.unit if own.due and bound.sequence else None,
        })  # fmt: skip
    return found


def _value(bound: Bound, column: str, code: float) -> Any:
    """Return what a code of a column stands for."""
    own = bound.schema[column]
    if own.kind == "constant":
        return plain(own.value)
    return plain(own.levels[int(code)]) if own.levels else (int(code) if float(code).is_integer() else code)


def _stated(asked: Any) -> Any:
    """Return a value or several as JSON data."""
    if isinstance(asked, tuple | list | range):
        return [_stated(item) for item in asked]
    if isinstance(asked, set | frozenset):
        return sorted(map(_stated, asked), key=str)
    value = plain(asked)
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _summed_up(effective: Effective | None) -> dict[str, Any] | None:
    if effective is None:
        return None
    sizes = effective.sizes
    return {"minimum": round(float(sizes.min()), 1), "median": round(float(np.median(sizes)), 1),
            "proposals": int(effective.proposals.max())}  # fmt: skip
