"""The number from which all random streams of a fit, or of a set of copies, are derived."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from bayessynth.errors import BayesSynthError


def entropy_of(random_seed: Any, error: type[BayesSynthError]) -> int:
    """Return the entropy behind a seed, fresh if there is none, so that provenance can state it.

    Parameters
    ----------
    random_seed : int or None
    error : type
        What to raise for anything else.

    Examples
    --------
    >>> from bayessynth.errors import FitError
    >>> entropy_of(7, FitError)
    7
    """
    whole = isinstance(random_seed, int | np.integer) and not isinstance(random_seed, bool)
    if random_seed is not None and not (whole and random_seed >= 0):
        raise error(f"random_seed={random_seed!r} must be a whole number from 0 up, or None for a fresh one.")
    entropy = np.random.SeedSequence(None if random_seed is None else int(random_seed)).entropy
    assert isinstance(entropy, int)
    return entropy


def seeds_of(columns: Iterable[str], entropy: int) -> Mapping[str, int]:
    """Give each column a seed of its own, which depends on its name and not on its place.

    >>> seeds_of("xy", 1)["y"] == seeds_of("y", 1)["y"]
    True
    """
    keys = {c: [int(b) for b in c.encode()] for c in columns}
    return {c: int(np.random.SeedSequence([entropy, *key]).generate_state(1)[0]) for c, key in keys.items()}
