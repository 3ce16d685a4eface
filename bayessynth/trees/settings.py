"""How trees are grown: the dial between fidelity and disclosure."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from bayessynth.errors import SpecError

# Fewest records in a leaf, whatever the number of records, and intervals of a leaf's quantile curve.
FEWEST, INTERVALS = 20, 8
# Of more records a hundredth, up to so many: on SD2011 copies betrayed less with them (.029 for .040, standard errors
# about .01) and were told apart hardly more.
ENOUGH = 40
# Rows in an interval of a column of sequences, at least, if nothing is declared: several of them may be of one unit.
IN_SEQUENCE = 4
# Rows up to which a number's place in its leaf is told by a line: trees of more part records finely enough.
LINED = 400
# Trees of a column, and columns from which on there are fewer.
TREES, MANY = 10, 100


@dataclass(frozen=True)
class TreeSettings:
    """How the trees of nonparametric equations are grown.

    Parameters
    ----------
    leaf : int, optional
        Fewest original records in a leaf. Larger leaves disclose less and blur more. By default 20 of up to 2,000
        records, a hundredth of more, up to 40, and the cube root of more than 64,000.
    trees : int, optional
        Trees that are grown from each draw of the Bayesian bootstrap; a record is drawn from any one of them. A cut
        chooses from half of the features, so that trees differ: more of them blur less at the same disclosure. By
        default 10 for each of up to 100 columns; of more columns, as many fewer.
    smoothing : float
        Pseudo-records that every node has from the node above it: a record is drawn from a leaf of n records with
        probability n / (n + smoothing), and else from another leaf below the node above, and so on upwards. Numbers of
        up to 400 rows without groups are smoothed by the residuals of a line instead; see :meth:`lined`.
    interval : int, optional
        Records that share one interval of a leaf's quantile curve. By default an eighth of ``leaf``, at least 2; of
        the rows of sequences, of which several may be one unit's, at least 4.
    heap : int
        Fewest records with the same number for it to keep a probability of its own; in tables of more than some 8,000
        rows, 0.06 % of the records.

    Raises
    ------
    SpecError
        If a number is out of its range.

    Notes
    -----
    What the dial costs (``tests/benchmarks/bench_dial.py``; SD2011, 4,000 training rows of 35 columns, two splits): AUC
    of a discriminator between copy and originals, one less the total variation of pairs, and by how much the nearest
    record tells members more often than with independent columns.

    ========================  =============  =====  ==========
    settings                  discriminator  pairs  membership
    ========================  =============  =====  ==========
    ``leaf=5, smoothing=0``   .52            .959   .072
    ``leaf=20``               .54            .959   .040
    default: ``leaf=40``      .55            .959   .029
    ``leaf=100``              .57            .957   .031
    ``leaf=300``              .64            .956   .022
    ``leaf=1000``             .74            .953   .020
    ========================  =============  =====  ==========

    Examples
    --------
    >>> settings = TreeSettings()
    >>> settings.leaf_of(1000), settings.leaf_of(8000), settings.trees_of(15), settings.trees_of(400)
    (20, 40, 10, 2)
    """

    leaf: int | None = None
    trees: int | None = None
    smoothing: float = 2.0
    interval: int | None = None
    heap: int = 5

    def __post_init__(self) -> None:
        for name, least in (("leaf", 2), ("trees", 1), ("interval", 2), ("heap", 2)):
            value = getattr(self, name)
            if value is None and name != "heap":
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise SpecError(f"TreeSettings: {name}={value!r} must be a whole number from {least} up.")
        if not 0 <= self.smoothing < math.inf:
            raise SpecError(f"TreeSettings: smoothing={self.smoothing!r} must be a number from 0 up.")

    def leaf_of(self, n: int) -> int:
        """Return the fewest of n records in a leaf."""
        return self.leaf or max(FEWEST, min(ENOUGH, n // 100), round(n ** (1 / 3)))

    def trees_of(self, columns: int) -> int:
        """Return how many trees there are of each of so many columns."""
        return self.trees or max(1, min(TREES, TREES * MANY // max(columns, 1)))

    def interval_of(self, n: int) -> int:
        """Return how many of n records share one interval."""
        return self.interval or max(2, self.leaf_of(n) // INTERVALS)

    def lined(self, n: int) -> bool:
        """Tell whether places in the leaves of n records' numbers follow a line; see :mod:`bayessynth.trees.line`.

        >>> TreeSettings().lined(77), TreeSettings().lined(4000), TreeSettings().in_sequence().lined(77)
        (True, False, False)
        """
        return n <= LINED

    def in_sequence(self) -> TreeSettings:
        """Return the settings of columns that vary within the units of sequences.

        >>> TreeSettings().in_sequence().interval_of(500), TreeSettings(interval=2).in_sequence().interval_of(500)
        (4, 2)
        """
        return self if self.interval else _InSequence(**asdict(self))

    def to_json(self) -> dict[str, Any]:
        """Return the settings as JSON data."""
        return asdict(self)


@dataclass(frozen=True)
class _InSequence(TreeSettings):
    """Settings of columns that vary within units."""

    def interval_of(self, n: int) -> int:
        """Return how many of n records share one interval."""
        return max(IN_SEQUENCE, super().interval_of(n))

    def lined(self, n: int) -> bool:
        """Tell that places follow no line: rows of a unit follow from each other."""
        return False
