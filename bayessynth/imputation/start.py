"""The first fill of missing cells: a hot deck."""

from __future__ import annotations

import numpy as np

from bayessynth.imputation.gaps import Gaps


def start(gaps: Gaps, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Fill missing cells with observed values of their column, drawn at random.

    Parameters
    ----------
    gaps : Gaps
    rng : Generator

    Returns
    -------
    dict of str to ndarray
        All columns, encoded. Cells that no equation reads stay missing.

    Examples
    --------
    >>> import warnings
    >>> import pandas as pd
    >>> import bayessynth as bs
    >>> from bayessynth.design import bind
    >>> from bayessynth.imputation import gaps
    >>> table = pd.DataFrame({"x": [0.5, None, 2.25, 3.5], "y": [1.5, 2.5, 3.75, 5.25]})
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     bound, data = bind(bs.Spec("x ~ 1", "y ~ x"), table, missing="drop")
    >>> start(gaps(bound, data), np.random.default_rng(1))["x"].tolist()
    [0.5, 2.25, 2.25, 3.5]
    """
    arrays = dict(gaps.frame.arrays)
    for gap in gaps.gaps:
        donors = rng.choice(gap.observed, len(gap.at))
        arrays = gap.fill(arrays, arrays[gap.column][donors])
    return arrays
