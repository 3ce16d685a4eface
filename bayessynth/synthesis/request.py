"""What was asked for, checked before anything is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from bayessynth.errors import DisclosureWarning, SynthesisError, suggest, warn
from bayessynth.fitting.seeds import entropy_of

GroupPolicy = Literal["new", "existing"]


@dataclass(frozen=True)
class Request:
    """How many copies of how many rows, with which groups, from which seed, and what rows must be like."""

    m: int
    k: int | None
    groups: GroupPolicy
    entropy: int
    where: Mapping[str, Any] | None = None
    shares: Mapping[str, Mapping[Any, float]] | None = None
    do: Mapping[str, Any] | None = None


def checked(m: int, k: int | None, groups: Any, random_seed: int | None) -> Request:
    """Return the request, or raise a SynthesisError that names what is wrong with it.

    >>> checked(5, None, "new", 1).entropy
    1
    """
    check_positive(m=m, **({} if k is None else {"k": k}))
    if groups not in ("new", "existing"):
        raise SynthesisError(
            f"groups={groups!r} is not 'new' or 'existing'.{suggest(str(groups), ['new', 'existing'])}"
        )
    return Request(int(m), None if k is None else int(k), groups, entropy_of(random_seed, SynthesisError))


def check_positive(**numbers: Any) -> None:
    """Raise a SynthesisError unless all numbers are whole and above zero."""
    for name, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            raise SynthesisError(f"{name}={value!r} must be a whole number above zero.")


def warn_disclosing(what: str) -> None:
    """Warn that copies keep something of the original."""
    warn(f"{what}; the provenance marks this as disclosing.", DisclosureWarning)
