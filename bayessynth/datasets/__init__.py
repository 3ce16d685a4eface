"""Small public-domain tables that ship with the package, for examples and tests.

Each table is one module of this package with a ``load`` function; its docstring gives the source, the columns
with their units, and what is odd about them.

Examples
--------
>>> import bayessynth as bs
>>> bs.datasets.names()
['rand_hie']
>>> bs.datasets.load("rand_hie").shape
(3459, 17)
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from inspect import cleandoc
from types import ModuleType
from typing import TYPE_CHECKING

from bayessynth.errors import DataError, suggest

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["describe", "load", "names"]


def names() -> list[str]:
    """List the tables that :func:`load` knows, in alphabetical order.

    Returns
    -------
    list of str

    Examples
    --------
    >>> names()
    ['rand_hie']
    """
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def load(name: str) -> pd.DataFrame:
    """Read one of the bundled tables.

    Parameters
    ----------
    name : str
        One of :func:`names`.

    Returns
    -------
    pandas.DataFrame
        A new frame at each call.

    Raises
    ------
    DataError
        If there is no such table.

    Examples
    --------
    >>> load("rand_hie")[["site", "year", "visits"]].head(2)
         site  year  visits
    0  Dayton     1       0
    1  Dayton     2       0
    """
    frame: pd.DataFrame = _module(name).load()
    return frame


def describe(name: str) -> str:
    """Tell where a bundled table comes from, what its columns mean and what is odd about it.

    Parameters
    ----------
    name : str
        One of :func:`names`.

    Returns
    -------
    str
        Text to read or print.

    Raises
    ------
    DataError
        If there is no such table.

    Examples
    --------
    >>> print(describe("rand_hie").splitlines()[0])
    The RAND Health Insurance Experiment: 1,000 persons followed for three or five years at six sites.
    """
    return cleandoc(_module(name).__doc__ or "")


def _module(name: str) -> ModuleType:
    known = names()
    if name not in known:
        hint = suggest(name, known) or f" The tables are: {', '.join(known)}."
        raise DataError(f"no bundled table is called {name!r}.{hint}")
    return import_module(f"{__name__}.{name}")
