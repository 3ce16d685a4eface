"""One sweep over all missing cells."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bayessynth import families
from bayessynth.imputation.conditional import Conditional, Values, conditional
from bayessynth.imputation.gaps import Arrays, Gap, Gaps
from bayessynth.imputation.moves import LogDensity, enumerated, independence, sliced
from bayessynth.schema.column import CODES


def redraw(gaps: Gaps, values: Mapping[str, Values], arrays: Arrays, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draw all missing cells anew, column by column in the order of generation.

    Each column's cells are drawn given parameters, the rest of their row, and all rows that read them, so that a sweep
    leaves the joint distribution of the missing cells given parameters and observed cells as it is.

    Parameters
    ----------
    gaps : Gaps
    values : mapping of str to mapping
        One draw of every joined equation's parameters by its name in the posterior, effects of the observed groups
        included, by response.
    arrays : mapping of str to ndarray
        Completed columns.
    rng : Generator

    Returns
    -------
    dict of str to ndarray
        Completed columns.

    Examples
    --------
    >>> import warnings
    >>> import pandas as pd
    >>> import bayessynth as bs
    >>> from bayessynth.design import bind
    >>> from bayessynth.imputation import gaps, start
    >>> table = pd.DataFrame({"x": [-1.5, None, 2.25, 3.5], "y": [-0.5, 2.5, 3.75, 5.25]})
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     bound, data = bind(bs.Spec("x ~ 1", "y ~ x"), table, missing="drop")
    >>> found, rng = gaps(bound, data), np.random.default_rng(1)
    >>> values = {"x": {"x_Intercept": np.array(2.0), "x_sigma": np.array(1.0)},
    ...           "y": {"y_Intercept": np.array(1.0), "y_x": np.array(1.0), "y_sigma": np.array(0.01)}}
    >>> arrays = start(found, rng)
    >>> for _ in range(10):
    ...     arrays = redraw(found, values, arrays, rng)
    >>> arrays["x"].round(1).tolist()  # y says that it is 1.5
    [-1.5, 1.5, 2.2, 3.5]
    """
    arrays = dict(arrays)
    for gap in gaps.gaps:
        arrays = gap.fill(arrays, drawn(gap, gaps, conditional(gap, gaps, values, arrays), arrays, rng))
    return arrays


def drawn(gap: Gap, gaps: Gaps, density: Conditional, arrays: Arrays, rng: np.random.Generator) -> np.ndarray:
    """Draw one column's missing cells by steps that leave a density as it is.

    Parameters
    ----------
    gap : Gap
    gaps : Gaps
    density : Conditional
    arrays : mapping of str to ndarray
        Completed columns, from whose cells the steps start.
    rng : Generator
    """
    column = gaps.bound.schema[gap.column]
    if column.kind in CODES:
        return enumerated(density, len(column.levels), rng)
    x = independence(density, arrays[gap.column][gap.at], rng)
    spread = float(np.std(arrays[gap.column][gap.observed]))
    if families.get(gap.equation.family).discrete:
        # A count is the floor of a number that is uniform above it.
        return np.floor(sliced(_floored(density), x + rng.random(len(x)), spread + 1.0, np.full(len(x), True), rng))
    moving = ~np.isin(x, gap.equation.options.get("points", ()))
    return sliced(density.logp, x, spread or 1.0, moving, rng)


def _floored(density: Conditional) -> LogDensity:
    return lambda x, live: density.logp(np.floor(x), live)
