"""What an equation of a latent time is of: one cause of an event, or the end of follow-up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Cause:
    """Which latent time an equation is of, and by which columns it is seen.

    Attributes
    ----------
    time : str
        Column of the smallest of the latent times.
    event : str
        Column that says which it was.
    code : float
        Its encoded value where it was this one.
    ends : bool
        Whether this is the end of follow-up.
    entry, until : str or None
        Columns of the times from which on records were watched, and of the ends of intervals.
    atoms : tuple of float
        Of the end of follow-up: times at which many records end at once, which are modelled apart.
    strata : str or None
        Column whose levels have baselines of their own.
    width : float
        How far apart the strata stand on the axis of the baseline: further than any time.
    last : str or None
        Of the end of follow-up, where a unit has several rows: column that says which is its last, in which alone it
        can be.

    Examples
    --------
    >>> Cause("time", "status", 1.0).declares
    ('time', 'status')
    """

    time: str
    event: str
    code: float
    ends: bool = False
    entry: str | None = None
    until: str | None = None
    atoms: tuple[float, ...] = ()
    last: str | None = None
    strata: str | None = None
    width: float = 0.0

    @property
    def declares(self) -> tuple[str, ...]:
        """The columns that the latent times make together."""
        return (self.time, self.event, *([self.until] if self.until else []))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that must be known beforehand."""
        return tuple(filter(None, (self.entry, self.strata)))

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Cause:
        """Make it of what :meth:`to_json` returned.

        >>> cause = Cause("time", "status", 0.0, ends=True, atoms=(5.0,))
        >>> Cause.from_json(cause.to_json()) == cause
        True
        """
        return cls(**{**data, "atoms": tuple(data.get("atoms", ()))})
