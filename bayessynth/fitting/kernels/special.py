"""Special functions of compiled kernels.

A loop around one of them compiles to vector instructions, which a call of the C library prevents. They have no branch
and no table: what depends on where an argument lies is computed both ways and selected, whole numbers are rounded by
adding a large one, powers of two go in and out through the bits of the exponent, and every function is put into the
loop that calls it (:data:`inlined`). A bernoulli row takes a quarter of the time. Not ``fastmath``, which cancels the
rounding and may reorder sums.

Error bounds are relative and were measured against 50 digits; polynomials without a source are truncated Chebyshev
series of the function named, whose own error is below 1e-16.
"""

from __future__ import annotations

import math
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

_LOG2_E = 1.4426950408889634
# log(2) in two parts, the first with enough zeros at its end that its product with a whole number is exact.
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
# Added to a number, it rounds it to a whole one and leaves that in the last bits: 1.5 · 2^52.
_ROUNDING = 6755399441055744.0
_SQRT_HALF_BITS = 0x3FE6A09E667F3BCD
_SQRT_HALF, _SQRT_2_OVER_PI = math.sqrt(0.5), math.sqrt(2.0 / math.pi)
_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)

#: Decorator of a scalar function that becomes part of the loop that calls it.
inlined = njit(cache=True, nogil=True, error_model="numpy", forceinline=True)


@intrinsic
def _as_float(typing: Any, bits: Any) -> Any:
    """Read 64 bits as a float."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.DoubleType())

    return types.float64(types.int64), generate


@intrinsic
def _as_bits(typing: Any, value: Any) -> Any:
    """Read a float as 64 bits."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.IntType(64))

    return types.int64(types.float64), generate


@inlined
def _exponential(x):
    """Return 2^k and e^r - 1 with x = k log(2) + r and |r| ≤ log(2) / 2, 0 for 2^k where x is below -708."""
    held = min(max(x, -708.0), 709.0)
    shifted = held * _LOG2_E + _ROUNDING
    k = shifted - _ROUNDING
    r = (held - k * _LN2_HIGH) - k * _LN2_LOW
    p = 2.5110038308325793e-08
    p = p * r + 2.762635829153077e-07
    p = p * r + 2.7557240916473402e-06
    p = p * r + 2.4801504344163975e-05
    p = p * r + 0.00019841269890049322
    p = p * r + 0.0013888888932491147
    p = p * r + 0.0083333333333196
    p = p * r + 0.041666666666573135
    p = p * r + 0.1666666666666668
    p = p * r + 0.5000000000000006
    p = p * r + 1.0
    power: float = _as_float((_as_bits(shifted) + 1023) << 52)
    return (power if x >= -708.0 else 0.0), p * r


@inlined
def exp(x):
    """Return e to the x, to 3e-16: 0 below -708, e^709 above 709, NaN for NaN."""
    power, rest = _exponential(x)
    return power + power * rest


@inlined
def expm1(x):
    """Return e to the x less 1, to 4e-16, with the limits of :func:`exp`."""
    power, rest = _exponential(x)
    return (power - 1.0) + power * rest


@inlined
def log(x):
    """Return the logarithm of a number from 2.3e-308 to 1.7e308, to 3e-16.

    x = m · 2^k with √½ ≤ m < √2, and log m = 2 artanh((m - 1) / (m + 1)).
    """
    bits: int = _as_bits(x)
    # The bits of a positive float grow with it: what they exceed those of √½ by has k in front.
    k = (bits - _SQRT_HALF_BITS) >> 52
    m = _as_float(bits - (k << 52))
    f = (m - 1.0) / (m + 1.0)
    s = f * f
    p = 0.0740525999541203
    p = p * s + 0.07656222960771229
    p = p * s + 0.09091817480032341
    p = p * s + 0.11111098495937281
    p = p * s + 0.14285714380649844
    p = p * s + 0.19999999999649581
    p = p * s + 0.33333333333333826
    # k is small: its float is read from the last bits of the rounding number.
    power = _as_float(_as_bits(_ROUNDING) + k) - _ROUNDING
    return power * _LN2_HIGH + (2.0 * f + (2.0 * f * s * p + power * _LN2_LOW))


@inlined
def log1p(x):
    """Return log(1 + x) for x from 0 to 1.7e308, to 4e-16."""
    u = 1.0 + x
    # What rounding took from 1 + x. Above 2^53 it is all noise, and none of it is left in x / u.
    return log(u) + ((x - (u - 1.0)) / u if x < 1e15 else 0.0)


@inlined
def log1p_unit(x):
    """Return log(1 + x) for x from -1/2 to 1, to 3e-16: 2 artanh(f) with f = x / (2 + x), |f| ≤ 1/3."""
    f = x / (2.0 + x)
    s = f * f
    p = 0.08528287251473514
    p = p * s + 0.041588104702145766
    p = p * s + 0.060558960079100006
    p = p * s + 0.06650081100282697
    p = p * s + 0.07693315371624586
    p = p * s + 0.09090870008906127
    p = p * s + 0.11111112052466518
    p = p * s + 0.14285714272520955
    p = p * s + 0.20000000000094656
    p = p * s + 0.3333333333333307
    return 2.0 * f + 2.0 * f * s * p


@inlined
def logistic(x):
    """Return log p, log q, p and q of p = 1 / (1 + e^-x) and q = 1 - p, each with full digits in both tails."""
    e = exp(-abs(x))
    near, large = log1p_unit(e), 1.0 / (1.0 + e)
    small = e * large
    above = x >= 0.0
    return min(x, 0.0) - near, -max(x, 0.0) - near, (large if above else small), (small if above else large)


@inlined
def log_add(a, b):
    """Return log(e^a + e^b), and the shares of e^a and e^b in that sum."""
    e = exp(-abs(a - b))
    large = 1.0 / (1.0 + e)
    small = e * large
    above = a >= b
    return max(a, b) + log1p_unit(e), (large if above else small), (small if above else large)


@inlined
def softplus(x):
    """Return log(1 + e^x)."""
    return max(x, 0.0) + log1p_unit(exp(-abs(x)))


@inlined
def log1mexp(x):
    """Return log(1 - e^x) and e^x / (1 - e^x) for x < 0, with full digits where e^x is close to 1."""
    power, rest = _exponential(x)
    left = (1.0 - power) - power * rest
    return log(left), (power + power * rest) / left


@inlined
def _erfcx(x):
    """Return exp(x²) erfc(x) for x ≥ 0, to 1e-15.

    Of (1 + 2x) exp(x²) erfc(x), the series in t = (x - 3.75) / (x + 3.75): M. Shepherd and J. Laframboise, "Chebyshev
    Approximation of (1 + 2x) exp(x²) erfc x in 0 ≤ x < ∞" (Mathematics of Computation 36, 1981).
    """
    t = (x - 3.75) / (x + 3.75)
    p = 3.1114333809799254e-10
    p = p * t - 2.623107347133476e-09
    p = p * t - 3.744210080962018e-09
    p = p * t + 3.197926671666804e-08
    p = p * t + 2.3263508708859124e-08
    p = p * t - 2.4857126248016745e-07
    p = p * t - 5.7218230603224086e-08
    p = p * t + 1.7419821586224816e-06
    p = p * t - 9.73559896736775e-07
    p = p * t - 1.1438048033346894e-05
    p = p * t + 2.238423915508223e-05
    p = p * t + 5.164652974177416e-05
    p = p * t - 0.0002901540805408417
    p = p * t + 0.000293714378044958
    p = p * t + 0.0017556258528952954
    p = p * t - 0.009746579683265262
    p = p * t + 0.028362277418956406
    p = p * t - 0.05869339857664934
    p = p * t + 0.09230432116037748
    p = p * t - 0.10880393014244462
    p = p * t + 0.0822767384901452
    p = p * t + 0.0035854154854790257
    p = p * t - 0.14024059858554697
    p = p * t + 1.2375126308378275
    return p / (1.0 + 2.0 * x)


@inlined
def log_normal_cdf(x):
    """Return log Φ(x) and φ(x) / Φ(x), to 1e-14 for x up to 5, with as many digits as x² / 2 has above."""
    a = min(abs(x), 1e150)
    scaled, e = _erfcx(a * _SQRT_HALF), exp(-0.5 * a * a)
    tail = 0.5 * e * scaled
    below = x < 0.0
    # log Φ = -a² / 2 + log(scaled / 2) below zero: there the argument of the one logarithm is another.
    value = -0.5 * a * a + log(0.5 * scaled) if below else log1p_unit(-tail)
    ratio = _SQRT_2_OVER_PI / scaled if below else 0.5 * _SQRT_2_OVER_PI * e / (1.0 - tail)
    return value, ratio


@inlined
def stirling(x, log_x):
    """Return S(x) = x log x - x - log Γ(x) and T(x) = x (log x - ψ(x)) for x ≥ 0, to 6e-15 of 1 + |S| and of T.

    They are what is left of log Γ and of its derivative when their large parts are taken out: S grows as a
    logarithm, T goes from 1 to 1/2, and sums of them cancel nothing. From 8 the asymptotic series (DLMF 5.11.1 and
    5.11.2), below it by recurrence: Γ(x + 8) = x (x + 1) … (x + 7) Γ(x). The logarithm of x is an argument since it
    is known, and finite where x underflows.
    """
    small = x < 8.0
    low = min(x, 8.0)
    # Q = (x + 1) … (x + 7) and Q'.
    q, slope = low + 1.0, 1.0
    slope = slope * (low + 2.0) + q
    q = q * (low + 2.0)
    slope = slope * (low + 3.0) + q
    q = q * (low + 3.0)
    slope = slope * (low + 4.0) + q
    q = q * (low + 4.0)
    slope = slope * (low + 5.0) + q
    q = q * (low + 5.0)
    slope = slope * (low + 6.0) + q
    q = q * (low + 6.0)
    slope = slope * (low + 7.0) + q
    q = q * (low + 7.0)
    z = x + 8.0 if small else x
    inverse = 1.0 / z
    s = inverse * inverse
    rest = 1 / 156
    rest = rest * s - 691 / 360360
    rest = rest * s + 1 / 1188
    rest = rest * s - 1 / 1680
    rest = rest * s + 1 / 1260
    rest = rest * s - 1 / 360
    rest = (rest * s + 1 / 12) * inverse
    series = -3617 / 8160
    series = series * s + 1 / 12
    series = series * s - 691 / 32760
    series = series * s + 1 / 132
    series = series * s - 1 / 240
    series = series * s + 1 / 252
    series = series * s - 1 / 120
    series = (series * s + 1 / 12) * s + 0.5 * inverse
    log_z = log(z) if small else log_x
    gap = x * (log_z - log_x)
    value = -gap - 7.5 * log_z + 8.0 + log_x + log(q) if small else 0.5 * log_z
    first = -gap + x * series + 1.0 + x * (slope / q) if small else x * series
    return value - _HALF_LOG_2PI - rest, first


@inlined
def scaled_trigamma(x):
    """Return x² ψ'(x) for x ≥ 0, to 3e-15: recurrence to 8, then the asymptotic series (DLMF 5.15.8)."""
    small = x < 8.0
    low = min(x, 8.0)
    total = 1.0 + (low / (low + 1.0)) ** 2 + (low / (low + 2.0)) ** 2 + (low / (low + 3.0)) ** 2
    total += (low / (low + 4.0)) ** 2 + (low / (low + 5.0)) ** 2 + (low / (low + 6.0)) ** 2 + (low / (low + 7.0)) ** 2
    z = x + 8.0 if small else x
    s = 1.0 / (z * z)
    series = -3617 / 510
    series = series * s + 7 / 6
    series = series * s - 691 / 2730
    series = series * s + 5 / 66
    series = series * s - 1 / 30
    series = series * s + 1 / 42
    series = series * s - 1 / 30
    series = series * s + 1 / 6
    ratio = x / z
    return (total if small else 0.0) + ratio * (x + ratio * (0.5 + series / z))
