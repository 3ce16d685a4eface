"""Copies of any table, with no model given."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Literal

import pandas as pd

from bayessynth.errors import PrivacyError, SynthesisError
from bayessynth.fitting import read
from bayessynth.fitting.engines.settings import Settings
from bayessynth.fitting.private_auto import fit_chosen
from bayessynth.fitting.seeds import entropy_of
from bayessynth.privacy import DP
from bayessynth.schema import Schema
from bayessynth.spec import Spec
from bayessynth.synthesis.data import SyntheticData
from bayessynth.synthesis.request import check_positive
from bayessynth.trees import TreeSettings


def synthesize(
    data: pd.DataFrame | str | os.PathLike[str],
    m: int = 5,
    k: int | None = None,
    *,
    schema: Schema | None = None,
    groups: Sequence[str] | Literal["detect"] | None = "detect",
    strata: str | Sequence[str] | None = None,
    trees: TreeSettings | None = None,
    random_seed: int | None = None,
    cores: int | None = None,
    privacy: DP | None = None,
    unit: str | None = None,
    time: str | None = None,
) -> SyntheticData:
    """Draw proper copies of a table by a spec that is written from it.

    ``Spec.auto(data)`` is that spec, to print, edit and refit; this is
    ``Spec.auto(data).fit(data, missing="model", copies=m).synthesize(m, k)``.

    With ``privacy=`` the budget is spent on noisy tables of pairs of columns, those that depend on each other most, and
    the spec is written from them (:func:`bayessynth.fitting.private_auto.fit_chosen`): copies have the columns of the
    domain, of whose numbers only the cells of its grid are modelled.

    Parameters
    ----------
    data : DataFrame or path
        The table, or a Parquet or CSV file.
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
    privacy : DP, optional
        The formal guarantee that is asked for. Pooled intervals need m=100.
    unit, time : str, optional
        Columns that make sequences of the rows: those of a unit follow each other in the order of ``time``.

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
    if privacy is not None:
        asked = {"schema": schema, "groups": None if groups == "detect" else groups, "strata": strata, "trees": trees,
                 "unit": unit, "time": time}  # fmt: skip
        return _private(data, privacy, m, k, random_seed, asked)
    data = read(data)
    spec = Spec.auto(data, schema=schema, groups=groups, strata=strata, unit=unit, time=time)
    fitted = spec.fit(data, schema=schema, missing="model", copies=m, trees=trees, random_seed=random_seed, cores=cores)
    return fitted.synthesize(m, k, random_seed=random_seed)


def _private(
    data: pd.DataFrame | str | os.PathLike[str],
    privacy: DP,
    m: int,
    k: int | None,
    random_seed: int | None,
    asked: Mapping[str, object],
) -> SyntheticData:
    for name, value in asked.items():
        if value is not None:
            raise PrivacyError(
                f"{name}= does not go with a formal guarantee: all but noisy tables comes from the domain. Leave it "
                "out. Nothing was spent."
            )
    entropy = entropy_of(random_seed, SynthesisError)
    fitted = fit_chosen(data, privacy, Settings(1, 1, 1), entropy, m)
    return fitted.synthesize(m, k, random_seed=entropy)
