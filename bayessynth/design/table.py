"""The table of priors that ``Spec.priors`` returns."""

from __future__ import annotations

import warnings

import pandas as pd

from bayessynth.design.bind import bind
from bayessynth.errors import MissingRowsWarning
from bayessynth.schema import Schema
from bayessynth.spec import Spec


def prior_table(spec: Spec, data: pd.DataFrame | None = None, schema: Schema | None = None) -> pd.DataFrame:
    """Return every parameter with its prior, scaled to the data if there are any."""
    declared = {(e.response, name): prior for e in spec for name, prior in e.priors.items()}
    if data is None:
        rows = [(column, name, prior) for (column, name), prior in declared.items()]
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MissingRowsWarning)
            bound, _ = bind(spec, data, schema, missing="drop")
        rows = [(e.response, name, prior) for e in bound.equations for name, prior in e.priors.items()]
    return pd.DataFrame(
        [(c, n, str(p), "declared" if (c, n) in declared else "default") for c, n, p in rows],
        columns=["column", "parameter", "prior", "source"],
    )
