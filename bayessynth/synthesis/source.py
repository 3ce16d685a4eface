"""What synthetic data draw from: any part of any copy, again and again, here or on another machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import pandas as pd
import pyarrow as pa

from bayessynth.fitting.fingerprint import fingerprint
from bayessynth.synthesis.arrow import types_of_frame
from bayessynth.synthesis.digest import digest

if TYPE_CHECKING:
    from bayessynth.synthesis.importance import Effective


@runtime_checkable
class Source(Protocol):
    """Makes the rows of any copy; it can be pickled, so that Dask's workers have it too.

    Attributes
    ----------
    part : int or None
        Rows of a part; None where a copy is made all at once.
    """

    @property
    def part(self) -> int | None:
        """Return the rows of a part."""

    def rows(self, copy: int) -> int | None:
        """Return the number of rows of a copy; None where it shows only when the copy is made."""

    def frames(self, copy: int, parts: range | None, threads: int | None) -> Iterator[pd.DataFrame]:
        """Yield some parts of a copy, by default all."""

    def types(self) -> pa.Schema:
        """Return the Arrow schema that all parts of all copies have."""

    def digest(self) -> str:
        """Return a hash of all that the rows depend on, beside what the provenance states."""


@runtime_checkable
class Weighed(Source, Protocol):
    """A source that draws given columns, and knows how well."""

    def effective(self, copy: int) -> Effective | None:
        """Return how good the draws given columns are; None if these say nothing of columns that are drawn."""


class Latest:
    """Keeps the copy that was made last, for all threads; a pickle of it is empty."""

    def __init__(self) -> None:
        self._lock, self._number, self._made = Lock(), -1, None

    def get(self, number: int, make: Callable[[int], Any]) -> Any:
        """Return what was made of a number, or make it."""
        with self._lock:
            if self._number != number:
                self._number, self._made = number, make(number)
            return self._made

    def __reduce__(self) -> tuple[type[Latest], tuple[()]]:
        return Latest, ()


@dataclass(frozen=True)
class Foreign:
    """Copies that are made elsewhere, such as tables read from files.

    Attributes
    ----------
    make : callable
        Yields the frames of a copy, by its number and a number of threads.
    m : int
    """

    make: Callable[[int, int | None], Iterator[pd.DataFrame]]
    m: int
    part: int | None = None

    def rows(self, copy: int) -> int | None:
        """Return None: nobody knows before the copy is made."""
        return None

    def frames(self, copy: int, parts: range | None, threads: int | None) -> Iterator[pd.DataFrame]:
        """Yield a copy."""
        return self.make(copy, threads)

    def types(self) -> pa.Schema:
        """Return the types of the first frame."""
        return types_of_frame(next(self.make(0, None)))

    def digest(self) -> str:
        """Return a hash of all cells."""
        return digest([[fingerprint(f, list(f)) for f in self.make(j, None)] for j in range(self.m)])
