"""Tables with missing cells, bound, and ways to draw parameters given completed data."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd

import bayessynth as bs
from bayessynth.design import Component, bind
from bayessynth.errors import MissingRowsWarning
from bayessynth.fitting.engines.ladder import INDEPENDENT, attempt
from bayessynth.fitting.engines.settings import Settings
from bayessynth.fitting.posterior import Posterior
from bayessynth.imputation import Gaps, gaps

# So many cost as little as one, and each is nearer to the posterior than one drawn alone.
DRAWS = Settings(draws=50, tune=1, chains=1)
KEPT = 4


def found(spec: bs.Spec, table: pd.DataFrame, schema: bs.Schema | None = None) -> Gaps:
    """Bind a spec and find the cells to draw."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MissingRowsWarning)
        return gaps(*bind(spec, table, schema, missing="drop"))


def by_engine(component: Component, previous: Any, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draw parameters independently by the fast engines."""
    drawn = posterior(component, DRAWS, int(rng.integers(2**31)))
    return {name: values[0, :KEPT] for name, (_, values) in drawn.variables.items()}


def posterior(component: Component, settings: Settings, seed: int) -> Posterior:
    result = attempt(component, INDEPENDENT, settings, seed)
    assert isinstance(result, Posterior), result
    return result


def blank(table: pd.DataFrame, column: str, probability: Any, rng: np.random.Generator) -> pd.DataFrame:
    """Return the table with cells of a column missing."""
    missing = rng.random(len(table)) < probability
    return table.assign(**{column: table[column].astype(object).where(~missing, None).infer_objects()})
