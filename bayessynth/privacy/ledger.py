"""The ledger: what has been spent of a privacy budget, and on what."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bayessynth.errors import PrivacyError
from bayessynth.privacy.accounting import epsilon_of, rho_of, rho_of_pure


@dataclass(frozen=True)
class Entry:
    """One release that was paid for.

    Attributes
    ----------
    mechanism : str
        ``"discrete Gaussian"``, ``"noisy max"``, or that of an earlier release.
    what : str
        What was released.
    rho : float
        Its cost in zCDP.
    sensitivity, scale : float or None
        L2 sensitivity of a Gaussian release (largest change of a score, of a noisy max) and the scale of the noise,
        both in the statistic's own units; None for an earlier release.

    Examples
    --------
    >>> Entry.earlier("counts by county, 2023", epsilon=0.1).rho
    0.005000000000000001
    """

    mechanism: str
    what: str
    rho: float
    sensitivity: float | None = None
    scale: float | None = None

    def __post_init__(self) -> None:
        if not (isinstance(self.rho, int | float) and 0 < self.rho < math.inf):
            raise PrivacyError(f"Entry for {self.what!r}: rho={self.rho!r} must be a finite number above zero.")

    @classmethod
    def earlier(cls, what: str, *, rho: float | None = None, epsilon: float | None = None) -> Entry:
        """Return the entry of an earlier release about the same people.

        Parameters
        ----------
        what : str
        rho : float, optional
            Its cost in zCDP.
        epsilon : float, optional
            Its cost in pure differential privacy, with δ = 0. A cost of (ε, δ) with δ above 0 has no equal in zCDP: ask
            for the ρ of that release.
        """
        if (rho is None) == (epsilon is None):
            raise PrivacyError(f"Earlier release {what!r}: state either rho= or, with delta of 0, epsilon=.")
        return cls("earlier release", what, rho_of_pure(epsilon) if epsilon is not None else float(rho or 0.0))


class Ledger:
    """Hold a budget of (ε, δ)-differential privacy and what has been spent of it.

    Costs are in zCDP, where they add up whatever is chosen by the results of earlier releases. Whatever would
    overspend is refused before any noise is drawn; what is once entered cannot be changed or taken back.

    Parameters
    ----------
    epsilon, delta : float
        The budget for all releases about the same people.
    earlier : iterable of Entry
        Releases about the same people that were made before.

    Raises
    ------
    PrivacyError
        If the budget is none, or was overspent by earlier releases.

    Examples
    --------
    >>> import bayessynth as bs
    >>> ledger = bs.Ledger(epsilon=1, delta=1e-5)
    >>> _ = ledger.spend("discrete Gaussian", "moments", rho=0.02)
    >>> ledger.spend("noisy max", "a tree", rho=0.02)
    Traceback (most recent call last):
    ...
    bayessynth.errors.PrivacyError: The budget does not suffice for 'a tree': it costs rho = 0.02, and 0.0106 of ... is
    left. ...
    """

    def __init__(self, epsilon: float, delta: float, earlier: Iterable[Entry] = ()) -> None:
        self._epsilon, self._delta = epsilon, delta
        self._total = rho_of(epsilon, delta)
        self._entries: tuple[Entry, ...] = ()
        for entry in earlier:
            self._add(entry)

    @property
    def epsilon(self) -> float:
        """The budget's ε."""
        return self._epsilon

    @property
    def delta(self) -> float:
        """The budget's δ."""
        return self._delta

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What has been spent, the earliest first."""
        return self._entries

    @property
    def total(self) -> float:
        """The budget in zCDP."""
        return self._total

    @property
    def spent(self) -> float:
        """What has been spent, in zCDP."""
        return math.fsum(entry.rho for entry in self._entries)

    @property
    def left(self) -> float:
        """What is left, in zCDP."""
        return max(0.0, self._total - self.spent)

    @property
    def epsilon_spent(self) -> float:
        """What has been spent as the ε that goes with the budget's δ."""
        return epsilon_of(self.spent, self._delta)

    def spend(
        self, mechanism: str, what: str, rho: float, *, sensitivity: float | None = None, scale: float | None = None
    ) -> Entry:
        """Enter a release, to be called when its noise is calibrated and before it is drawn.

        Raises
        ------
        PrivacyError
            If the budget does not suffice; then nothing is entered.
        """
        return self._add(Entry(mechanism, what, rho, sensitivity, scale))

    def _add(self, entry: Entry) -> Entry:
        if math.fsum([*(e.rho for e in self._entries), entry.rho]) > self._total:
            raise PrivacyError(
                f"The budget does not suffice for {entry.what!r}: it costs rho = {entry.rho:.3g}, and {self.left:.3g} "
                f"of {self._total:.3g} (epsilon {self._epsilon:g} at delta {self._delta:g}) is left. Release less, "
                "with more noise, or state a larger epsilon."
            )
        self._entries = (*self._entries, entry)
        return entry

    def to_json(self) -> dict[str, Any]:
        """Return the ledger as JSON data.

        >>> import bayessynth as bs
        >>> ledger = bs.Ledger(1, 1e-5)
        >>> bs.Ledger.from_json(ledger.to_json()).entries
        ()
        """
        return {"epsilon": self._epsilon, "delta": self._delta, "entries": [asdict(entry) for entry in self._entries]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Ledger:
        """Make a ledger of what :meth:`to_json` returned; what it had spent stays spent."""
        return cls(data["epsilon"], data["delta"], [Entry(**entry) for entry in data["entries"]])

    def __repr__(self) -> str:
        lines = [f"  {entry.rho:.3g}  {entry.what} ({entry.mechanism})" for entry in self._entries]
        head = (
            f"Ledger: rho {self.spent:.3g} of {self._total:.3g} spent, epsilon {self.epsilon_spent:.3g} of "
            f"{self._epsilon:g} at delta {self._delta:g}"
        )
        return "\n".join([head, *lines])
