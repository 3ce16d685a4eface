"""Small drawings in SVG, written by hand: light, coloured by the page's style sheet, readable by a screen reader.

Every text is escaped here; what is returned is markup that a template may insert as it is.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from markupsafe import Markup, escape
from matplotlib.ticker import MaxNLocator


def tag(element: str, *children: str, **attributes: str | float) -> Markup:
    """Return one element; underscores in attributes become hyphens, ``class_`` becomes ``class``.

    Examples
    --------
    >>> tag("text", "a < b", x=1.25, class_="tick")
    Markup('<text x="1.2" class="tick">a &lt; b</text>')
    >>> tag("circle", r=3)
    Markup('<circle r="3"/>')
    """
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(_plain(value))}"' for name, value in attributes.items()
    )
    inner = "".join(escape(child) for child in children)
    return Markup(f"<{element}{written}>{inner}</{element}>" if children else f"<{element}{written}/>")


def _plain(value: str | float) -> str:
    # Adding zero turns a negative zero into a positive one.
    return value if isinstance(value, str) else f"{round(float(value), 1) + 0.0:.1f}".removesuffix(".0")


def drawing(
    wide: float, high: float, label: str, *children: str, class_: str = "", **attributes: str | float
) -> Markup:
    """Return a drawing that scales with its place on the page and is read out as ``label``.

    >>> drawing(10, 5, "nothing")
    Markup('<svg viewBox="0 0 10 5" role="img" aria-label="nothing" class="plot"></svg>')
    """
    return tag(
        "svg", *(children or ("",)), viewBox=f"0 0 {_plain(wide)} {_plain(high)}", role="img", aria_label=label,
        class_=f"plot {class_}".strip(), **attributes,
    )  # fmt: skip


def path(points: Iterable[tuple[float, float]], class_: str, closed: bool = False) -> Markup:
    """Return a line through points, or the area that it encloses.

    >>> path([(0, 0), (1.55, 2)], "copies")
    Markup('<path d="M0 0L1.6 2" class="copies"/>')
    """
    d = "L".join(f"{_plain(float(x))} {_plain(float(y))}" for x, y in points)
    return tag("path", d=f"M{d}{'Z' if closed else ''}", class_=class_)


def dots(points: Iterable[tuple[float, float]], class_: str) -> Markup:
    """Return many round points as one path, which keeps a page small.

    >>> dots([(1, 2), (3, 4)], "copies")
    Markup('<path d="M1 2h0M3 4h0" class="copies" stroke-linecap="round"/>')
    """
    d = "".join(f"M{_plain(float(x))} {_plain(float(y))}h0" for x, y in points)
    return tag("path", d=d, class_=class_, stroke_linecap="round")


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Return round numbers within a range.

    >>> ticks(0.0, 1.0, 4)
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    slack = 1e-9 * (high - low)
    found = MaxNLocator(most).tick_values(low, high)
    return [float(np.round(t, 12)) for t in found if low - slack <= t <= high + slack]
