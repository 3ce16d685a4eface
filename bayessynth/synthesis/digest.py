"""One hash of arrays and JSON data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bayessynth.fitting.groups import GroupPosterior


def digest(thing: Any) -> str:
    """Return a SHA-256 hash of numbers, text, arrays, and mappings and sequences of such.

    >>> digest({"x": np.arange(2)}) == digest({"x": np.array([0, 1])}) != digest({"x": np.array([0.0, 1.0])})
    True
    """
    found = hashlib.sha256()
    _add(found, thing)
    return found.hexdigest()


def digest_of_groups(structure: GroupPosterior) -> str:
    """Return a hash of the posterior of a table's group structure."""
    sizes = {f: [s.mean, s.shape, s.constant, s.values, s.shares] for f, s in structure.sizes.items()}
    crossed = {f: [c.shares, c.concentration] for f, c in structure.crossed.items()}
    return digest([sizes, crossed, structure.observed, structure.labels])


def _add(found: Any, thing: Any) -> None:
    if isinstance(thing, np.ndarray) and thing.dtype != object:
        found.update(f"array {thing.dtype.str} {thing.shape} ".encode())
        found.update(np.ascontiguousarray(thing).tobytes())
    elif isinstance(thing, Mapping):
        found.update(f"mapping {len(thing)} ".encode())
        for key in sorted(thing, key=str):
            _add(found, str(key))
            _add(found, thing[key])
    elif isinstance(thing, Sequence | np.ndarray) and not isinstance(thing, str):
        found.update(f"sequence {len(thing)} ".encode())
        for item in thing:
            _add(found, item)
    else:
        found.update(f"{json.dumps(thing, default=str)} ".encode())
