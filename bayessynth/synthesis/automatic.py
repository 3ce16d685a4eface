"""Copies of any table, with no model given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pandas as pd

from bayessynth.schema import Schema
from bayessynth.spec import Spec
from bayessynth.synthesis.data import SyntheticData
from bayessynth.synthesis.request import check_positive
from bayessynth.trees import TreeSettings


def synthesize(
    data: pd.DataFrame,
    m: int = 5,
    k: int | None = None,
    *,
    schema: Schema | None = None,
    groups: Sequence[str] | Literal["detect"] | None = "detect",
    strata: str | Sequence[str] | None = None,
    trees: TreeSettings | None = None,
    random_seed: int | None = None,
    cores: int | None = None,
) -> SyntheticData:
    """Draw proper copies of a table by a spec that is written from it.

    ``Spec.auto(data)`` is that spec, to print, edit and refit; this is
    ``Spec.auto(data).fit(data, missing="model", copies=m).synthesize(m, k)``.

    Parameters
    ----------
    data : DataFrame
    m : int
        Number of copies.
    k : int, optional
        Rows of each copy; by default as many as the table has.
    schema, groups, strata
        As in :meth:`Spec.auto <bayessynth.Spec.auto>`.
    trees : TreeSettings, optional
        The dial between fidelity and disclosure.
    random_seed : int, optional
        The same seed gives the same bytes.
    cores : int, optional
        Threads; by default all cores.

    Returns
    -------
    SyntheticData

    Examples
    --------
    >>> import bayessynth as bs
    >>> copies = bs.synthesize(bs.datasets.load("rand_hie")[["female", "age", "income"]], m=2, random_seed=1)
    >>> copies[0].shape
    (3459, 3)
    """
    check_positive(m=m)
    spec = Spec.auto(data, schema=schema, groups=groups, strata=strata)
    fitted = spec.fit(data, schema=schema, missing="model", copies=m, trees=trees, random_seed=random_seed, cores=cores)
    return fitted.synthesize(m, k, random_seed=random_seed)
