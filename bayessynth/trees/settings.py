"""How trees are grown: the dial between fidelity and disclosure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


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

    Examples
    --------
    >>> TreeSettings().leaf > 1
    True
    """

    leaf: int = 15
    smoothing: float = 0.5
    interval: int = 2
    heap: int = 5

    def to_json(self) -> dict[str, Any]:
        """Return the settings as JSON data."""
        return asdict(self)
