"""Where noise comes from: OpenDP's exact samplers, or a seeded generator for tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from bayessynth.errors import PrivacyError, PrivacyWarning, warn

_LIMIT = 2**63 - 1


class Noise(Protocol):
    """What a mechanism draws its noise from.

    >>> Noise.__name__
    'Noise'
    """

    @property
    def test(self) -> bool:
        """Return whether the noise protects nobody."""

    def gaussian(self, values: Sequence[int], scale: float) -> np.ndarray:
        """Return whole numbers with discrete Gaussian noise added to each."""

    def largest(self, scores: Sequence[int], scale: float) -> int:
        """Return the place of the largest score, with Gumbel noise added to each."""


@dataclass(frozen=True)
class Exact:
    """Draw from OpenDP's exact samplers, which take their randomness from the operating system.

    Raises
    ------
    PrivacyError
        If OpenDP is not installed.

    Examples
    --------
    >>> Exact().gaussian([3] * 1000, 2.0).std().round() == 2
    np.True_
    """

    test: bool = False

    def __post_init__(self) -> None:
        opendp()

    def gaussian(self, values: Sequence[int], scale: float) -> np.ndarray:
        """Return whole numbers with discrete Gaussian noise added to each, exactly.

        Parameters
        ----------
        values : sequence of int
            Cut to the range of 64 bits, which brings no two tables further apart.
        scale : float

        Returns
        -------
        ndarray of int, shape of values
        """
        dp = opendp()
        space = dp.vector_domain(dp.atom_domain(T="i64")), dp.l2_distance(T="f64")
        drawn = dp.m.make_gaussian(*space, scale=scale)([max(-_LIMIT, min(_LIMIT, int(v))) for v in values])
        return np.array(drawn, dtype=np.int64)

    def largest(self, scores: Sequence[int], scale: float) -> int:
        """Return the place of the largest score, with Gumbel noise added to each, exactly."""
        dp = opendp()
        space = dp.vector_domain(dp.atom_domain(T="i64")), dp.linf_distance(T="i64")
        select = dp.m.make_noisy_max(*space, dp.zero_concentrated_divergence(), scale=scale)
        return int(select([max(-_LIMIT, min(_LIMIT, int(s))) for s in scores]))


@dataclass(frozen=True)
class Seeded:
    """Draw noise that can be repeated, for tests and rehearsals on made-up data: it protects nobody.

    Parameters
    ----------
    seed : int

    Warns
    -----
    PrivacyWarning
        Always.

    Examples
    --------
    >>> import warnings
    >>> with warnings.catch_warnings(action="ignore"):
    ...     one, two = Seeded(1), Seeded(1)
    >>> bool((one.gaussian([0] * 5, 9.0) == two.gaussian([0] * 5, 9.0)).all())
    True
    """

    seed: int
    test: bool = True
    rng: np.random.Generator = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        warn(
            f"test_seed={self.seed}: the noise of this release can be repeated by whoever knows the seed, so it "
            "protects nobody. Release real data without it.",
            PrivacyWarning,
        )
        object.__setattr__(self, "rng", np.random.default_rng(self.seed))

    def gaussian(self, values: Sequence[int], scale: float) -> np.ndarray:
        """Return whole numbers with discrete Gaussian noise added to each, up to floating-point error.

        By rejection from the discrete Laplace (Canonne, Kamath & Steinke 2020, algorithm 3).
        """
        noise = np.zeros(len(values), dtype=np.int64)
        left = np.arange(len(values))
        spread = np.floor(scale) + 1
        while len(left):
            p = -np.expm1(-1 / spread)
            proposed = self.rng.geometric(p, len(left)) - self.rng.geometric(p, len(left))
            away = np.abs(proposed) - scale**2 / spread
            taken = self.rng.random(len(left)) < np.exp(-(away**2) / (2 * scale**2))
            noise[left[taken]] = proposed[taken]
            left = left[~taken]
        return np.array([int(v) + int(e) for v, e in zip(values, noise, strict=True)], dtype=np.int64)

    def largest(self, scores: Sequence[int], scale: float) -> int:
        """Return the place of the largest score, with Gumbel noise added to each."""
        return int(np.argmax(np.asarray(scores, dtype=float) / scale + self.rng.gumbel(size=len(scores))))


def opendp() -> Any:
    """Return OpenDP's Python interface.

    Raises
    ------
    PrivacyError
        If it is not installed.

    Examples
    --------
    >>> opendp().__name__
    'opendp.prelude'
    """
    try:
        import opendp.prelude as dp
    except ImportError:
        raise PrivacyError(
            "A formal release draws its noise from OpenDP, which is not installed: pip install 'bayessynth[dp]'."
        ) from None
    dp.enable_features("contrib")
    return dp
