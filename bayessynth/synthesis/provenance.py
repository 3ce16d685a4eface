"""Where a set of copies comes from, in words and numbers that can be published with it."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import pandas as pd

from bayessynth._version import __version__
from bayessynth.design import Bound
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


def provenance(
    bound: Bound, fit: Mapping[str, Any], maker: _Maker, request: Request, verdict: str, forced: bool
) -> dict[str, Any]:
    """Return a record of how copies were made, as JSON data.

    ``terms`` and ``slopes`` are the columns of each common term, and of each group-specific slope with its factor, by
    equation: relations that are in neither are not in the copies. A tree has one term of all that it reads.
    ``k`` is None where the number of rows follows from given groups; ``given`` lists the columns that were handed in;
    ``last_group_cut`` says that the last group ends at row k, whether or not it would have gone on;
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
        "synthesis": "partially" if bound.kept else "fully",
        "proper": True,
        "m": request.m,
        "k": maker.k,
        "n": bound.n,
        "groups": request.groups if bound.plan.columns else "none",
        "group_columns": list(dict.fromkeys(c for columns in bound.plan.columns.values() for c in columns)),
        "random_seed": request.entropy,
        "draws": [[int(c), int(d)] for c, d in maker.chosen],
        "verdict": verdict,
        "forced": forced,
        "last_group_cut": maker.cut,
        "given": list(maker.columns),
        "disclosing": disclosing,
        "privacy": PRIVACY,
        "fit": dict(fit),
        "versions": {"bayessynth": __version__, "numpy": np.__version__, "pandas": pd.__version__,
                     "python": platform.python_version()},
    }  # fmt: skip
