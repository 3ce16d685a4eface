"""How a report writes numbers: few digits, the same number of decimals where two are to be compared."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

# What is written where there is no number.
NONE = "–"


def decimals(numbers: Iterable[float]) -> int:
    """Return how many decimals show the smallest of some numbers with about three digits.

    >>> decimals([0.0043, 0.32]), decimals([0.506, 0.5]), decimals([12.5]), decimals([3120.0])
    (4, 3, 1, 0)
    """
    sizes = [abs(x) for x in numbers if math.isfinite(x) and x != 0]
    if not sizes or max(sizes) >= 1000:
        return 0
    exponent = math.floor(math.log10(max(min(sizes), max(sizes) / 1000, 1e-5)))
    return max(2 - exponent if exponent >= -1 else 1 - exponent, 0)


def number(x: float | None, places: int | None = None) -> str:
    """Write one number; a dash where there is none.

    Parameters
    ----------
    x : float or None
    places : int, optional
        Decimals; by default those that show three digits.

    Examples
    --------
    >>> number(0.00432), number(0.5), number(26049), number(float("nan")), number(-0.0001, 2), number(3e-9)
    ('0.0043', '0.500', '26,049', '–', '0.00', '3e-09')
    """
    if x is None or math.isnan(x):
        return NONE
    if math.isinf(x):
        return "∞" if x > 0 else "−∞"
    if x != 0 and (abs(x) >= 1e9 or (places is None and abs(x) < 1e-5)):
        return f"{x:.2g}".replace("-", "−", 1) if x < 0 else f"{x:.2g}"
    if places is None:
        places = 0 if float(x).is_integer() and abs(x) >= 10 else decimals([x])
    written = f"{x:,.{places}f}"
    if float(written.replace(",", "")) == 0:
        written = written.removeprefix("-")
    return written.replace("-", "−", 1)


def percent(share: float) -> str:
    """Write a share as a percentage.

    >>> percent(0.0312), percent(0.31), percent(0.0), percent(0.0004), percent(float("nan"))
    ('3.1 %', '31 %', '0 %', '<0.1 %', '–')
    """
    if math.isnan(share):
        return NONE
    if 0 < share < 0.0005:
        return "<0.1 %"
    return f"{share:.0%}".replace("%", " %") if share >= 0.0995 or share == 0 else f"{share:.1%}".replace("%", " %")


def tick(x: float) -> str:
    """Write the number at a tick of an axis.

    >>> tick(0.25), tick(1500.0), tick(20000.0), tick(1_500_000.0), tick(-3.0)
    ('0.25', '1,500', '20k', '1.5M', '−3')
    """
    for size, suffix in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(x) >= size:
            return f"{x / (1e3 if suffix == 'k' else size):g}{suffix}".replace("-", "−")
    return f"{x:,.6g}".replace("-", "−")


def cell(value: Any) -> str:
    """Write one cell of a table of parts.

    >>> cell(0.01234), cell(7), cell(None), cell(True), cell("a"), cell((1, 2.5))
    ('0.012', '7', '–', 'yes', 'a', '1, 2.50')
    """
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return f"{int(value):,}".replace("-", "−", 1)
    if isinstance(value, float | np.floating):
        return number(float(value))
    if isinstance(value, list | tuple | np.ndarray):
        return ", ".join(map(cell, value))
    if value is None or pd.isna(value):
        return NONE
    return str(value)


def shortened(text: str, length: int) -> str:
    """Cut a long text, with an ellipsis where it was cut.

    >>> shortened("Married-civ-spouse", 12), shortened("HS-grad", 12)
    ('Married-civ…', 'HS-grad')
    """
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"
