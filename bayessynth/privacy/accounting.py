"""Zero-concentrated differential privacy (zCDP) in terms of (ε, δ), and back.

A mechanism that adds Gaussian noise of standard deviation σ to a statistic of L2 sensitivity Δ is ρ-zCDP with
ρ = Δ²/2σ²; the ρ of several releases of the same people add up, also where later ones are chosen by earlier ones
(Bun & Steinke 2016). The discrete Gaussian satisfies the same bound (Canonne, Kamath & Steinke 2020, theorem 4).
"""

from __future__ import annotations

import math
from fractions import Fraction

from scipy.optimize import brentq, minimize_scalar
from scipy.special import ndtr

from bayessynth.errors import PrivacyError


def epsilon_of(rho: float, delta: float) -> float:
    """Return the ε for which ρ-zCDP implies (ε, δ)-differential privacy.

    The smallest over α > 1 of αρ + log(1 - 1/α) - (log δ + log α)/(α - 1), each of which is valid (Canonne, Kamath &
    Steinke 2020, proposition 12, for a Rényi divergence of αρ).

    Parameters
    ----------
    rho, delta : float

    Returns
    -------
    float

    Examples
    --------
    >>> round(epsilon_of(1 / (2 * 4.05**2), 1e-5), 2)
    1.0
    """
    if rho == 0:
        return 0.0

    def bound(log_excess: float) -> float:
        excess = math.exp(log_excess)
        order = 1 + excess
        return order * rho + math.log(excess / order) - (math.log(delta) + math.log(order)) / excess

    centre = 0.5 * math.log(-math.log(delta) / rho)  # the best order of the bound without its two smaller terms
    found = minimize_scalar(bound, bounds=(centre - 6, centre + 6), method="bounded", options={"xatol": 1e-10})
    return max(0.0, float(found.fun))


def rho_of(epsilon: float, delta: float) -> float:
    """Return the largest ρ for which ρ-zCDP implies (ε, δ)-differential privacy.

    Parameters
    ----------
    epsilon, delta : float

    Returns
    -------
    float
        Rounded down by one part in 10¹².

    Raises
    ------
    PrivacyError
        If ε or δ is none.

    Examples
    --------
    >>> round(rho_of(1, 1e-5), 5)
    0.03056
    """
    if not (isinstance(epsilon, int | float) and 0 < epsilon <= 100):
        raise PrivacyError(f"epsilon={epsilon!r}: state a number above 0 and at most 100; 1 is strict, 10 is weak.")
    if not (isinstance(delta, int | float) and 1e-100 <= delta < 0.1):
        raise PrivacyError(f"delta={delta!r}: state a number between 0 and 0.1, well below 1 / rows, such as 1e-6.")

    def excess(log_rho: float) -> float:
        return epsilon_of(math.exp(log_rho), delta) - epsilon

    # ρ + 2 sqrt(ρ log 1/δ) >= ε(ρ) >= ρ brackets the root (Bun & Steinke 2016, proposition 1.3).
    low = (math.sqrt(epsilon - math.log(delta)) - math.sqrt(-math.log(delta))) ** 2
    high = epsilon + 1.0
    found = math.exp(float(brentq(excess, math.log(low) - 1e-6, math.log(high), xtol=1e-13)))
    while epsilon_of(found, delta) > epsilon:
        found *= 1 - 1e-12
    return found * (1 - 1e-12)


def noise_cost(squared: int | Fraction, scale: float) -> float:
    """Return the ρ of noise, Δ²/2σ², rounded up.

    That of discrete Gaussian noise of scale σ on a statistic of L2 sensitivity Δ; and that of Gumbel noise of scale σ
    on scores of which none changes by more than Δ, where only the place of the largest is shown: the exponential
    mechanism with ε = 2Δ/σ, which is ε²/8-zCDP (Cesar & Rogers 2021, lemma 3.2).

    Parameters
    ----------
    squared : int or Fraction
        Δ².
    scale : float

    Returns
    -------
    float

    Examples
    --------
    >>> round(noise_cost(1, 4.045), 4)
    0.0306
    """
    exact = Fraction(squared) / (2 * Fraction(scale) ** 2)
    rounded = float(exact)
    return rounded if Fraction(rounded) >= exact else math.nextafter(rounded, math.inf)


def noise_scale(squared: int, rho: float) -> float:
    """Return the smallest scale of noise that costs at most ρ; see :func:`noise_cost`.

    >>> round(noise_scale(1, rho_of(1, 1e-5)), 2)
    4.05
    """
    scale = math.sqrt(squared / (2 * rho))
    while noise_cost(squared, scale) > rho:
        scale = math.nextafter(scale, math.inf)
    return scale


def rho_of_pure(epsilon: float) -> float:
    """Return the ρ of an ε-differentially private release, ε²/2 (Bun & Steinke 2016, proposition 1.4).

    >>> rho_of_pure(1.0)
    0.5
    """
    return epsilon**2 / 2


def attacker_auc(rho: float) -> float:
    """Return the largest area under the ROC curve of any attacker on one Gaussian release, Φ(√ρ).

    The two tables are told apart no better than N(0, 1) and N(√(2ρ), 1) (Dong, Roth & Su 2022), which the discrete
    Gaussian follows up to terms of the order of exp(-2π²σ²), of no account from σ = 1 on; .5 is guessing.

    >>> round(attacker_auc(1 / (2 * 4.05**2)), 3)
    0.569
    """
    return float(ndtr(math.sqrt(rho)))
