"""How trees are grown: the dial between fidelity and disclosure."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from bayessynth.errors import SpecError


@dataclass(frozen=True)
class TreeSettings:
    """How the trees of nonparametric equations are grown.

    Parameters
    ----------
    leaf : int
        Fewest original records in a leaf. Larger leaves disclose less and blur more.
    smoothing : float
        Pseudo-records that every node has from the node above it: a record is drawn from a leaf of n records with
        probability n / (n + smoothing), and else from another leaf below the node above, and so on upwards.
    interval : int
        Records that share one interval of a leaf's quantile curve.
    heap : int
        Fewest records with the same number for it to keep a probability of its own; in tables of more than some 8,000
        rows, 0.06 % of the records.

    Raises
    ------
    SpecError
        If a number is out of its range.

    Examples
    --------
    >>> TreeSettings().leaf > 1
    True
    """

    leaf: int = 15
    smoothing: float = 0.5
    interval: int = 2
    heap: int = 5

    def __post_init__(self) -> None:
        for name in ("leaf", "interval", "heap"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 2:
                raise SpecError(f"TreeSettings: {name}={value!r} must be a whole number from 2 up.")
        if not 0 <= self.smoothing < math.inf:
            raise SpecError(f"TreeSettings: smoothing={self.smoothing!r} must be a number from 0 up.")

    def to_json(self) -> dict[str, Any]:
        """Return the settings as JSON data."""
        return asdict(self)
