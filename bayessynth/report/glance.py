"""The panel that tells at one glance good tables from bad: how far every measure lies from its reference.

Measures have different units. What they share is the distance from the reference, counted in chance ranges: how far
two independent samples of these sizes lie from each other by chance alone. The axis is linear within that range and
logarithmic beyond.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from bayessynth.evaluation.measure import Better, Measure, Verdict, worst
from bayessynth.report.numerals import number
from bayessynth.report.svg import drawing, tag

# What stands for an unknown chance range, and the least width of a known one: shares of one, or of a reference beyond
# one. Of counts it is a tenth, so that one too many stands outside the band.
UNKNOWN, LEAST, COUNTS = 0.01, 0.001, 0.1
# Ends of the axis and its ticks, in chance ranges; what lies beyond an end is drawn there.
LOWEST, HIGHEST = -10.0, 1000.0
TICKS: Mapping[float, str] = {-10: "← better", 0: "reference", 10: "10", 100: "100", 1000: "worse →"}
# Nominal width of the axis, which decides how marks are stacked; the page draws it in percent of its own.
WIDTH, STEP, MARGIN = 560, 14, 2.0

_SIGN: Mapping[Better, int] = {"lower": 1, "higher": -1, "closer": 0}
VERDICTS: tuple[Verdict, ...] = ("fail", "warn", "pass", "info")


def distance(measure: Measure) -> float | None:
    """Return how much worse a measure is than its reference, in chance ranges; None where that is unknown.

    Returns
    -------
    float or None
        0 at the reference, 1 at the edge of the range in which the reference itself varies; negative if better.

    Examples
    --------
    >>> m = Measure("d", "utility", "Distance", 0.03, "…", reference=0.01, reference_interval=(0.0, 0.02),
    ...             better="lower")
    >>> round(distance(m), 6)
    2.0
    """
    if measure.reference is None or not math.isfinite(measure.value) or not math.isfinite(measure.reference):
        return None
    away = float(measure.value) - measure.reference
    sign = _SIGN[measure.better]
    scale = max(abs(measure.reference), 1.0)
    low, high = measure.reference_interval or (math.nan, math.nan)
    half = high - measure.reference if away > 0 else measure.reference - low
    if math.isfinite(half):
        half = max(half, LEAST * scale)
    else:
        counts = float(measure.value).is_integer() and float(measure.reference).is_integer() and abs(away) >= 1
        half = COUNTS if counts else UNKNOWN * scale
    return (abs(away) if sign == 0 else sign * away) / half


def place(units: float) -> float:
    """Return where a distance stands on the axis, from 0 at its left end to 1 at its right.

    >>> place(-10.0), place(1e9), round(place(0.0), 2)
    (0.0, 1.0, 0.28)
    """
    low, high = math.asinh(LOWEST), math.asinh(HIGHEST)
    return (math.asinh(min(max(units, LOWEST), HIGHEST)) - low) / (high - low)


@dataclass(frozen=True)
class Row:
    """One room at a glance.

    Attributes
    ----------
    verdict : str
    counts : tuple of (str, int)
        How many measures have each verdict, worst first; verdicts that none has are left out.
    strip : Markup
        A mark for every measure, beside the band of its reference.
    farthest : Measure or None
        The measure of the worst verdict that lies farthest from its reference; None if all lie as near as by chance.
    absent : tuple of Measure
        What could not be computed.
    """

    verdict: Verdict
    counts: tuple[tuple[Verdict, int], ...]
    strip: Markup
    farthest: Measure | None
    absent: tuple[Measure, ...]


def row(measures: Sequence[Measure]) -> Row:
    """Summarise the measures of one room.

    Examples
    --------
    >>> found = row([Measure("a", "utility", "A", 0.9, "…", reference=0.5, verdict="fail")])
    >>> found.verdict, found.counts, found.farthest.name
    ('fail', (('fail', 1),), 'a')
    """
    there = [m for m in measures if math.isfinite(m.value)]
    verdict = worst([m.verdict for m in measures])
    same = [m for m in there if m.verdict == verdict]
    away = [(d, m) for m in same if (d := distance(m)) is not None and (d > 1 or verdict in ("fail", "warn"))]
    farthest = max(away, key=lambda pair: pair[0])[1] if away else None
    counts = tuple((v, n) for v in VERDICTS if (n := sum(m.verdict == v for m in there)))
    return Row(verdict, counts, strip(there), farthest, tuple(m for m in measures if not math.isfinite(m.value)))


def strip(measures: Sequence[Measure]) -> Markup:
    """Draw a mark for every measure that has a reference; those that would overlap are stacked."""
    placed = sorted(
        ((place(u), m) for m in measures if (u := distance(m)) is not None), key=lambda p: (p[0], p[1].name)
    )
    lanes: list[float] = []
    marks = []
    for x, m in placed:
        lane = next((i for i, end in enumerate(lanes) if x * WIDTH - end >= STEP), len(lanes))
        lanes[lane : lane + 1] = [x * WIDTH]
        marks.append((x, lane, m))
    height = STEP * max(len(lanes), 1) + 14
    drawn = [_band(height)]
    for x, lane, m in marks:
        said = f"{m.title}: {number(m.value)}, reference {number(m.reference)} ({m.verdict})"
        mark = tag("use", href=f"#mark-{m.verdict}", x=_percent(x), y=height - 7 - STEP / 2 - STEP * lane)
        drawn.append(tag("a", tag("title", said), mark, href=f"#{anchor(m.name)}", class_=m.verdict, tabindex="-1"))
    counted = ", ".join(f"{sum(m.verdict == v for _, m in placed)} {v}" for v in VERDICTS)
    label = f"{len(placed)} measures by their distance from the reference: {counted}"
    return _flexible(height, label, drawn)


def scale() -> Markup:
    """Draw the axis that all strips share."""
    drawn = []
    for units, label in TICKS.items():
        end = {LOWEST: "start", HIGHEST: "end"}.get(units, "middle")
        drawn.append(tag("text", label, x=_percent(place(units)), y=12, text_anchor=end, class_="tick"))
    return _flexible(18, "Distance from the reference, in chance ranges", drawn)


def anchor(name: str) -> str:
    """Return the fragment that a measure has on the page.

    >>> anchor("pmse"), anchor('a "b" <c>')
    ('measure-pmse', 'measure-a--b---c-')
    """
    return "measure-" + "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in name)


def _percent(x: float) -> str:
    """Return a place as percent of the drawing, a margin left at both ends for the marks."""
    return f"{MARGIN + (100 - 2 * MARGIN) * x:.2f}%"


def _band(height: float) -> Markup:
    low, middle, high = (place(u) for u in (-1.0, 0.0, 1.0))
    width = f"{(100 - 2 * MARGIN) * (high - low):.2f}%"
    lines = [
        tag("line", x1=_percent(place(u)), x2=_percent(place(u)), y1=0, y2=height, class_="grid")
        for u in TICKS
        if u > 1
    ]
    return Markup("").join([
        tag("rect", x=_percent(low), y=0, width=width, height=height, class_="band"), *lines,
        tag("line", x1=_percent(middle), x2=_percent(middle), y1=0, y2=height, class_="reference"),
    ])  # fmt: skip


def _flexible(height: float, label: str, children: Sequence[Markup]) -> Markup:
    """Return a drawing whose width follows the page's, so that marks and letters keep their size."""
    return tag("svg", *children, width="100%", height=height, role="img", aria_label=label, class_="strip")


def bullet(measure: Measure) -> Markup | None:
    """Draw one measure in its own units: the chance range as a band, the copies' range as a line, the value a mark.

    Returns
    -------
    Markup or None
        None where there is no value or no reference.
    """
    if measure.reference is None or not math.isfinite(measure.value) or not math.isfinite(measure.reference):
        return None
    reference, value = measure.reference, measure.value
    low, high = measure.reference_interval or (reference, reference)
    first, last = measure.interval or (value, value)
    every = [x for x in (reference, value, low, high, first, last) if math.isfinite(x)]
    start, end = min(every), max(every)
    # A distance of a thousandth is not spread over the whole width.
    room = max((end - start) * 0.08, (LEAST * max(abs(reference), 1.0)) / 2)
    start, end = start - room, end + room

    def at(x: float) -> float:
        return 10 + 220 * (min(max(x, start), end) - start) / (end - start)

    drawn = [
        tag("line", x1=10, x2=230, y1=14, y2=14, class_="axis"),
        tag("rect", x=at(low), y=5, width=max(at(high) - at(low), 2), height=18, class_="band"),
        tag("line", x1=at(reference), x2=at(reference), y1=3, y2=25, class_="reference"),
        tag("line", x1=at(first), x2=at(last), y1=14, y2=14, class_=f"range {measure.verdict}"),
        tag("use", href=f"#mark-{measure.verdict}", x=at(value), y=14, class_=measure.verdict),
    ]
    said = f"{measure.title}: {number(value)} beside its reference {number(reference)}"
    return drawing(240, 28, said, *drawn, class_="bullet")
