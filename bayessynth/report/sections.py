"""What each section of the report says: measures, reasons, provenance, the tables judged, as plain text."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from bayessynth.evaluation.evaluation import Evaluation
from bayessynth.evaluation.measure import Measure, Room, Verdict
from bayessynth.evaluation.tables import Tables
from bayessynth.report.coefficients import coefficients, is_coefficients
from bayessynth.report.glance import anchor, bullet, distance, row
from bayessynth.report.numerals import NONE, decimals, number
from bayessynth.report.parts import Parts, parts

if TYPE_CHECKING:
    from bayessynth.fitting import Diagnosis

# Every room with its heading and its question, in the report's order.
ROOMS: Mapping[Room, tuple[str, str]] = {
    "checks": ("Checks", "Do the copies, and the fit, show what the data show?"),
    "inference": ("Inference", "Do analyses of the copies answer as analyses of the original do?"),
    "utility": ("Utility", "Are the copies distributed as the original is?"),
    "disclosure": ("Disclosure", "What do the copies give away of the records that they were made of?"),
}


@dataclass(frozen=True)
class Shown:
    """A measure as text.

    Attributes
    ----------
    anchor, title, reading : str
    verdict : str
    value, reference : str
        With the same number of decimals.
    interval, chance : str
        Range over copies, and of the reference by chance; empty where there is none.
    notes : tuple of str
    bullet, plot : Markup or None
    parts : Parts or None
    """

    anchor: str
    title: str
    reading: str
    verdict: Verdict
    value: str
    reference: str
    interval: str
    chance: str
    notes: tuple[str, ...]
    bullet: Markup | None = None
    plot: Markup | None = None
    parts: Parts | None = None


def shown(measure: Measure) -> Shown:
    """Write a measure.

    Examples
    --------
    >>> found = shown(Measure("d", "utility", "Distance", 0.0312, "…", (0.03, 0.033), 0.01))
    >>> found.value, found.interval, found.reference, found.chance
    ('0.031', '0.030 to 0.033', '0.010', '')
    """
    reference = math.nan if measure.reference is None else measure.reference
    places = _places(measure.value, reference, (measure.interval, measure.reference_interval))

    def spread(interval: tuple[float, float] | None) -> str:
        return "" if interval is None else f"{number(interval[0], places)} to {number(interval[1], places)}"

    detail = measure.detail
    return Shown(
        anchor(measure.name), measure.title, measure.reading, measure.verdict, number(measure.value, places),
        number(reference, places), spread(measure.interval), spread(measure.reference_interval), measure.notes,
        bullet(measure), coefficients(detail) if detail is not None and is_coefficients(detail) else None,
        None if detail is None else parts(detail),
    )  # fmt: skip


def _places(value: float, reference: float, ranges: Sequence[tuple[float, float] | None]) -> int:
    """Return decimals for all numbers of a measure: no more than two digits of what they vary by."""
    both = [x for x in (value, reference) if math.isfinite(x)]
    widths = [w for r in ranges if r is not None and math.isfinite(w := r[1] - r[0]) and w > 0]
    if not widths:
        return 0 if all(float(x).is_integer() for x in both) else decimals(both)
    return min(max(1 - math.floor(math.log10(min(widths))), 0), decimals(both))


@dataclass(frozen=True)
class RoomShown:
    """A room as its section shows it: the worst measures first, then those that could not be computed."""

    key: str
    heading: str
    question: str
    verdict: Verdict
    measures: tuple[Shown, ...]
    absent: tuple[Shown, ...]


def rooms(evaluation: Evaluation) -> list[RoomShown]:
    """Return every room's section, whether or not it has measures.

    Examples
    --------
    >>> import pandas as pd
    >>> import bayessynth as bs
    >>> table = pd.DataFrame({"s": ["a", "b", "b", "a"] * 10})
    >>> [(r.heading, len(r.measures)) for r in rooms(bs.evaluate(table, table, measures=["univariate"]))]
    [('Checks', 0), ('Inference', 0), ('Utility', 1), ('Disclosure', 0)]
    """
    order: Sequence[Verdict] = ("fail", "warn", "pass", "info")
    found = []
    for room, (heading, question) in ROOMS.items():
        own = evaluation.of(room)
        there = sorted((m for m in own if math.isfinite(m.value)), key=lambda m: order.index(m.verdict))
        absent = tuple(shown(m) for m in own if not math.isfinite(m.value))
        found.append(RoomShown(room, heading, question, row(own).verdict, tuple(map(shown, there)), absent))
    return found


@dataclass(frozen=True)
class Glance:
    """One row of the panel at a glance."""

    key: str
    heading: str
    verdict: Verdict | None
    strip: Markup | None
    words: str
    farthest: Shown | None = None


def glance(evaluation: Evaluation) -> Iterator[Glance]:
    """Yield the rows of the panel: the fit's diagnostics if there is a fit, then every room."""
    if evaluation.diagnosis is not None:
        equations = len(evaluation.diagnosis.table)
        said = evaluation.diagnosis.reasons[0] if evaluation.diagnosis.reasons else "nothing to report"
        words = f"{equations} equations: {said}" if equations else said.capitalize()
        yield Glance("diagnostics", "Diagnostics", evaluation.diagnosis.verdict, None, words.rstrip(".") + ".")
    for room, (heading, _) in ROOMS.items():
        own = evaluation.of(room)
        if not own:
            yield Glance(room, heading, None, None, "None was asked for, or none applies.")
            continue
        found = row(own)
        words = ", ".join(f"{n} {verdict}" for verdict, n in found.counts) or "none computed"
        words += f"; {len(found.absent)} not computed." if found.absent else "."
        far = None if found.farthest is None else shown(found.farthest)
        yield Glance(room, heading, found.verdict, found.strip, words, far)


@dataclass(frozen=True)
class Reason:
    """Why the verdict is not "pass": what, where on the page, in words."""

    verdict: Verdict
    title: str
    anchor: str
    text: str


def reasons(evaluation: Evaluation) -> list[Reason]:
    """Return the reasons of the verdict: failures first, of these the farthest from their references.

    Examples
    --------
    >>> import pandas as pd
    >>> import bayessynth as bs
    >>> one, other = pd.DataFrame({"s": ["a", "b"] * 50}), pd.DataFrame({"s": ["a"] * 100})
    >>> [r.verdict for r in reasons(bs.evaluate(one, other, measures=["univariate"]))]
    ['fail']
    """
    found = []
    diagnosis = evaluation.diagnosis
    verdicts: Sequence[Verdict] = ("fail", "warn")
    for verdict in verdicts:
        if diagnosis is not None and diagnosis.verdict == verdict:
            found.append(Reason(verdict, "Diagnostics of the fit", "diagnostics", " ".join(diagnosis.reasons)))
        own = sorted((m for m in evaluation if m.verdict == verdict), key=lambda m: -(distance(m) or 0.0))
        found += [Reason(verdict, m.title, anchor(m.name), m.reading) for m in own]
    return found


def sentence(evaluation: Evaluation) -> str:
    """Say the verdict in one sentence.

    Examples
    --------
    >>> import pandas as pd
    >>> import bayessynth as bs
    >>> table = pd.DataFrame({"s": ["a", "b", "b", "a"] * 10})
    >>> sentence(bs.evaluate(table, table, measures=["univariate"]))
    'None of 1 measure fails or warns.'
    """
    own = [m.verdict for m in evaluation if math.isfinite(m.value)]
    total = f"{len(own)} {'measure' if len(own) == 1 else 'measures'}"
    fails, warns = own.count("fail"), own.count("warn")
    fit = {"fail": " The fit's diagnostics fail.", "warn": " The fit's diagnostics warn."}
    after = fit.get(evaluation.diagnosis.verdict, "") if evaluation.diagnosis else ""
    if not fails and not warns:
        return f"None of {total} fails or warns.{after}"
    said = [f"{n} {verb if n == 1 else verb[:-1]}" for n, verb in ((fails, "fails"), (warns, "warns")) if n]
    return f"Of {total}, {' and '.join(said)}.{after}"


def facts(tables: Tables) -> list[tuple[str, str]]:
    """Return what was compared with what, a term and a text each."""
    numbers, levels = len(tables.numbers), len(tables.levels)
    found = [
        ("Original", f"{tables.n:,} rows; {numbers} columns of numbers or dates, {levels} of levels"),
        ("Copies", f"{tables.m} of {_sizes(tables)} rows"),
        ("Holdout", f"{tables.holdout.n:,} rows" if tables.holdout else "none"),
        ("Groups", ", ".join(tables.groups)),
        ("Keys", ", ".join(tables.keys)),
        ("Target", tables.target or ""),
        ("Identifiers, read by copy checks only", ", ".join(tables.identifiers)),
    ]
    return [(term, text) for term, text in found if text]


def _sizes(tables: Tables) -> str:
    low, high = min(c.n for c in tables.copies), max(c.n for c in tables.copies)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def flattened(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield a record as terms and texts, what is nested in it one level deep; long lists are cut.

    >>> list(flattened({"m": 5, "fit": {"chains": 4, "engine": {"x": "pymc"}}, "draws": [[0, 1], [1, 2]]}))
    [('m', '5'), ('fit: chains', '4'), ('fit: engine', 'x: pymc'), ('draws', '(0, 1), (1, 2)')]
    """
    for key, value in record.items():
        term = str(key).replace("_", " ")
        if isinstance(value, Mapping):
            yield from ((f"{term}: {str(k).replace('_', ' ')}", _written(v)) for k, v in value.items())
        else:
            yield term, _written(value)


def _written(value: Any) -> str:
    if isinstance(value, Mapping):
        return _written([f"{key}: {_written(v)}" for key, v in value.items()])
    if isinstance(value, list | tuple):
        items = [f"({_written(v)})" if isinstance(v, list | tuple) else _written(v) for v in value[:12]]
        return (", ".join(items) + (f" … {len(value):,} in all" if len(value) > 12 else "")) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return number(value)
    return NONE if value is None else str(value)


def diagnosis_parts(diagnosis: Diagnosis) -> Parts:
    """Lay out the table of convergence, all of its rows."""
    places = {"rhat": 3, "ess_bulk": 0, "ess_tail": 0, "bfmi": 2}
    return parts(diagnosis.table, rows=max(len(diagnosis.table), 1), places=places)
