"""The coefficient plot: what an analysis of the copies says beside what the same analysis of the original says."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from markupsafe import Markup
from scipy.stats import norm

from bayessynth.report.numerals import decimals, number, shortened
from bayessynth.report.svg import drawing, tag

# What a detail must have to be one of coefficients.
COLUMNS = ("original", "original_low", "original_high", "copies", "copies_low", "copies_high")
# Coefficients drawn, and the ends of the axis in standard errors of the original estimate.
SHOWN, END = 30, 8.0
ROW, LEFT, ROOM, WIDTH = 19, 196, 304, 860
# Where the column of the original's numbers ends.
NUMBERS = 682


def is_coefficients(detail: pd.DataFrame | None) -> bool:
    """Say whether a detail frame is one of coefficients.

    >>> is_coefficients(pd.DataFrame({"column": ["x"]})), is_coefficients(pd.DataFrame(columns=["term", *COLUMNS]))
    (False, True)
    """
    return detail is not None and {"term", *COLUMNS} <= set(detail)


def coefficients(detail: pd.DataFrame) -> Markup:
    """Draw every coefficient on the scale of the original estimate's standard error.

    The band is the original's 95 % interval, the mark and line the copies' estimate and interval, the small upright
    stroke the place of zero. What lies beyond the axis is drawn as an arrow at its end.

    Examples
    --------
    >>> row = dict(zip(COLUMNS, (1.0, 0.8, 1.2, 1.1, 0.9, 1.3)))
    >>> "term age: original 1.00" in coefficients(pd.DataFrame([{"term": "age", **row}]))
    True
    """
    shown = detail.head(SHOWN)
    height = ROW * len(shown) + 44
    foot = ROW * len(shown) + 22
    parts = [
        tag("rect", x=_at(-norm.ppf(0.975)), y=20, width=_at(norm.ppf(0.975)) - _at(-norm.ppf(0.975)),
            height=foot - 20, class_="band"),
        tag("line", x1=_at(0), x2=_at(0), y1=20, y2=foot, class_="reference"),
        tag("text", "original [95 %]", x=NUMBERS, y=12, text_anchor="end", class_="tick"),
        tag("text", "copies [95 %]", x=WIDTH, y=12, text_anchor="end", class_="tick"),
    ]  # fmt: skip
    for t in (-8, -4, -2, 0, 2, 4, 8):
        label = f"{t:+d}".replace("-", "−") if t else "original"
        parts.append(tag("text", label, x=_at(t), y=foot + 14, text_anchor="middle", class_="tick"))
    names = _names(detail)
    for i, (name, row) in enumerate(zip(names, shown.to_dict("records"), strict=False)):
        parts.append(_row(name, {c: float(row[c]) for c in COLUMNS}, 20 + ROW * i))
    said = f"{len(shown)} coefficients, copies beside the original, in standard errors of the original estimate"
    return drawing(WIDTH, height, said, *parts, class_="wide")


def _names(detail: pd.DataFrame) -> list[str]:
    """Return a name for each row: its term, after what else tells several analyses apart."""
    before = list(detail.columns[: list(detail.columns).index("term")])
    told = [c for c in before if detail[c].nunique() > 1]
    return [": ".join(map(str, row)) for row in detail[[*told, "term"]].itertuples(index=False)]


def _at(units: float) -> float:
    return LEFT + 10 + (ROOM - 20) * (min(max(units, -END), END) + END) / (2 * END)


def _row(name: str, row: dict[str, float], y: float) -> Markup:
    middle = y + ROW / 2
    error = (row["original_high"] - row["original_low"]) / (2 * norm.ppf(0.975))
    places = decimals([row["original"], row["copies"]])
    if np.isfinite(error) and error > 0:
        places = min(max(1 - math.floor(math.log10(error)), 0), 6)
    own, drawn = (
        f"{number(row[who], places)} [{number(row[f'{who}_low'], places)}, {number(row[f'{who}_high'], places)}]"
        for who in ("original", "copies")
    )
    said = f"term {name}: original {own}, copies {drawn}"
    parts = [
        tag("title", said),
        tag("text", shortened(name, 32), x=LEFT - 4, y=middle + 4, text_anchor="end", class_="label"),
        tag("text", own, x=NUMBERS, y=middle + 4, text_anchor="end", class_="tick"),
        tag("text", drawn, x=WIDTH, y=middle + 4, text_anchor="end", class_="tick"),
        tag("line", x1=LEFT, x2=LEFT + ROOM, y1=y + ROW, y2=y + ROW, class_="grid"),
    ]
    if np.isfinite([*row.values(), error]).all() and error > 0:
        low, mean, high, zero = (
            (x - row["original"]) / error for x in (row["copies_low"], row["copies"], row["copies_high"], 0.0)
        )
        if abs(zero) <= END:
            parts.append(tag("line", x1=_at(zero), x2=_at(zero), y1=y + 4, y2=y + ROW - 4, class_="zero"))
        parts.append(tag("line", x1=_at(low), x2=_at(high), y1=middle, y2=middle, class_="copies"))
        if abs(mean) <= END:
            parts.append(tag("circle", cx=_at(mean), cy=middle, r=4, class_="copies"))
        else:
            turn = 90 if mean > 0 else -90
            parts.append(tag(
                "path", d="M0 -5L5 4L-5 4Z", class_="beyond",
                transform=f"translate({_at(mean):.1f} {middle:.1f}) rotate({turn})",
            ))  # fmt: skip
    return tag("g", *parts)
