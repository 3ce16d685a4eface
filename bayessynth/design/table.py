"""The table of priors that ``Spec.priors`` returns."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import pandas as pd

from bayessynth.design.bind import bind
from bayessynth.design.bound import Bound
from bayessynth.design.sharing import shared_keys
from bayessynth.errors import MissingRowsWarning
from bayessynth.families import Prior
from bayessynth.schema import Schema
from bayessynth.spec import Spec


def prior_table(spec: Spec, data: pd.DataFrame | None = None, schema: Schema | None = None) -> pd.DataFrame:
    """Return every parameter with its prior, scaled to the data if there are any."""
    if data is None:
        return _table(spec, [(e.response, name, prior) for e in spec for name, prior in e.priors.items()])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MissingRowsWarning)
        bound, _ = bind(spec, data, schema, missing="drop")
    return bound_table(spec, bound)


def bound_table(spec: Spec, bound: Bound) -> pd.DataFrame:
    """Return every parameter of a bound spec with its prior."""
    rows = [(e.response, name, prior) for e in bound.equations for name, prior in e.priors.items()]
    return _table(spec, [*rows, *((", ".join(block.responses), block.key, block.prior) for block in bound.shared)])


def _table(spec: Spec, rows: Sequence[tuple[str, str, Prior]]) -> pd.DataFrame:
    declared = {(e.response, name) for e in spec for name in e.priors}
    common = {(column, name) for e in spec for name in e.priors.keys() & shared_keys(e) for column, *_ in rows}
    declared |= common
    return pd.DataFrame(
        [(c, n, str(p), "declared" if (c, n) in declared else "default") for c, n, p in rows],
        columns=["column", "parameter", "prior", "source"],
    )
