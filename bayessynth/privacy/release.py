"""A release: the one place where noise is calibrated, paid for and drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bayessynth.privacy.accounting import noise_cost, noise_scale
from bayessynth.privacy.domain import Domain
from bayessynth.privacy.ledger import Ledger
from bayessynth.privacy.noise import Noise
from bayessynth.privacy.unit import Unit


@dataclass(frozen=True)
class Release:
    """What all mechanisms of one release share.

    Attributes
    ----------
    domain : Domain
    unit : Unit
    ledger : Ledger
        What every mechanism is paid from, at calibration and before it draws.
    noise : Noise

    Examples
    --------
    >>> import bayessynth as bs
    >>> from bayessynth.privacy.noise import Exact
    >>> domain = bs.Domain({"age": bs.Bounds(0, 110)}, source="codebook")
    >>> release = Release(domain, Unit(), Ledger(1, 1e-5), Exact())
    >>> noisy, scale = release.gaussian([100], squared=1, rho=0.02, what="a count")
    >>> round(scale, 6), len(release.ledger.entries)
    (5.0, 1)
    """

    domain: Domain
    unit: Unit
    ledger: Ledger
    noise: Noise

    def gaussian(self, values: Sequence[int], squared: int, rho: float, what: str) -> tuple[np.ndarray, float]:
        """Add discrete Gaussian noise to whole numbers.

        Parameters
        ----------
        values : sequence of int
        squared : int
            Square of their L2 sensitivity.
        rho : float
            What may be spent on them.
        what : str
            What they are, for the ledger.

        Returns
        -------
        ndarray of int, float
            Noisy values, and the scale of the noise.

        Raises
        ------
        PrivacyError
            If the budget does not suffice; then nothing is drawn.
        """
        scale = self._pay("discrete Gaussian", squared, rho, what)
        return self.noise.gaussian(values, scale), scale

    def largest(self, scores: Sequence[int], sensitivity: int, rho: float, what: str) -> int:
        """Choose the largest of scores by noisy maximum.

        The exponential mechanism, by adding Gumbel noise of scale Δ/√(2ρ) to each score and showing nothing but the
        place of the largest; see :func:`~bayessynth.privacy.accounting.noise_cost` for its cost.

        Parameters
        ----------
        scores : sequence of int
            Whole numbers; of a measure with fractions, in units of a public grid.
        sensitivity : int
            How far one unit of privacy can move any score.
        rho : float
            What may be spent on the choice.
        what : str
            What is chosen, for the ledger.

        Returns
        -------
        int
            The place of the chosen score.

        Raises
        ------
        PrivacyError
            If the budget does not suffice; then nothing is drawn.
        """
        return self.noise.largest(scores, self._pay("noisy max", sensitivity**2, rho, what))

    def _pay(self, mechanism: str, squared: int, rho: float, what: str) -> float:
        """Calibrate noise, enter it in the ledger, and return its scale."""
        scale = noise_scale(squared, rho)
        name = f"{mechanism}, test seed" if self.noise.test else mechanism
        self.ledger.spend(name, what, noise_cost(squared, scale), sensitivity=math.sqrt(squared), scale=scale)
        return scale
