"""What the public card says: how the copies were made, how to analyse them, and nothing that was read off originals.

Only named entries of the provenance are taken: seeds, the draws used and the fingerprint of the data stay out, since
with them somebody could check a guess of the original against the record.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import pandas as pd

from bayessynth.evaluation.evaluation import Evaluation
from bayessynth.evaluation.expected import PAIRS, expected_utility
from bayessynth.evaluation.measure import Measure
from bayessynth.inference.combining import Rule
from bayessynth.inference.provenance import counted, formal, least_copies, rule_for
from bayessynth.report.guarantee import Guarantee, guarantee
from bayessynth.report.numerals import number
from bayessynth.report.sections import Shown, shown
from bayessynth.synthesis import SyntheticData

# The entries that a card carries: heading, key, how the value is written.
_ENTRIES: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
    ("Columns", "synthesis", lambda v: f"{v} synthetic"),
    (
        "Draws",
        "proper",
        lambda v: "each copy from a posterior draw of its own" if v else "all copies from one estimate",
    ),
    ("Groups", "groups", str),
    ("Columns handed in", "given", lambda v: ", ".join(map(str, v))),
    ("Columns set from outside", "do", lambda v: ", ".join(f"{c} = {value}" for c, value in v.items())),
    ("Last group cut at the last row", "last_group_cut", lambda v: "yes" if v else ""),
    ("Spec (hash)", "spec", str),
    ("Diagnostics of the fit", "verdict", str),
    ("Drawn in spite of failed diagnostics", "forced", lambda v: "yes" if v else ""),
    ("Privacy", "privacy", str),
    ("Versions", "versions", lambda v: ", ".join(f"{name} {version}" for name, version in v.items())),
)


class Rows(NamedTuple):
    """Number of copies, rows of a copy, and rows of the original."""

    m: int
    k: int
    n: int


@dataclass(frozen=True)
class Card:
    """A public card.

    Attributes
    ----------
    facts : tuple of (str, str)
    families : tuple of (str, str)
        Columns and the family of each; empty without a fit.
    disclosing : tuple of str
        What of the original the copies keep, by choice.
    recorded : bool
        Whether the copies have a provenance.
    rule : Rule or None
        The combining rule; None where nobody knows how the copies were made.
    factor : str
        What the rule multiplies the average squared standard error by; empty where it depends on the estimates.
    code : str
        How to pool an analysis.
    few : bool
        Whether there are fewer copies than the rule needs to do what it says.
    needed : int
        How many it needs.
    measures : tuple of Shown
        Those that were not computed from original records.
    guarantee : Guarantee or None
        The formal guarantee, if there is one.
    """

    facts: tuple[tuple[str, str], ...]
    families: tuple[tuple[str, str], ...]
    disclosing: tuple[str, ...]
    recorded: bool
    rule: Rule | None
    factor: str
    code: str
    few: bool
    needed: int
    measures: tuple[Shown, ...]
    guarantee: Guarantee | None


def card(source: Evaluation | SyntheticData) -> Card:
    """Gather what a public card says of copies: that were evaluated, or that nobody compared with an original.

    Examples
    --------
    >>> import pandas as pd
    >>> import bayessynth as bs
    >>> table = pd.DataFrame({"s": ["a", "b", "b", "a"] * 10})
    >>> found = card(bs.evaluate(table, table, measures=["univariate"]))
    >>> found.facts, found.recorded, found.measures
    ((('Copies', '1'), ('Rows of a copy', '40'), ('Rows of the original', '40')), False, ())
    """
    if isinstance(source, Evaluation):
        tables = source.tables
        expected = _expected(tables.provenance, tables.copy_frames)
        rows = Rows(tables.m, tables.k, tables.n)
        return _card(tables.provenance, rows, tables.fitted, (*source.measures, *expected))
    record = source.provenance
    rows = Rows(record["m"], record["k"] or len(source[0]), record["n"])
    return _card(record, rows, None, _expected(record, source))


def _expected(record: Mapping[str, Any] | None, copies: Iterable[pd.DataFrame]) -> list[Measure]:
    """Return what copies with formal privacy score against each other; nothing for other copies."""
    if not formal(record):
        return []
    return expected_utility(list(islice(copies, 2 * PAIRS)), (record or {}).get("group_columns", ()))


def _card(record: Mapping[str, Any] | None, rows: Rows, fitted: Any, measures: Sequence[Measure]) -> Card:
    record = record or {}
    m, k, n = (record.get(key) or getattr(rows, key) for key in ("m", "k", "n"))
    estimated = "" if counted(record) else ", estimated from noisy counts"
    sizes = [("Copies", f"{m:,}"), ("Rows of a copy", f"{k:,}"), (f"Rows of the original{estimated}", f"{n:,}")]
    entries = [(heading, write(record[key])) for heading, key, write in _ENTRIES if record.get(key) is not None]
    rule = rule_for(record) if record else None
    ratio = k / n
    known = rule is not None and rule.expected is not None
    named = "" if rule is None else f', rule="{rule.name}"'
    needed = 0 if rule is None else max(rule.advised, least_copies(record, rule))
    public = [m for m in measures if not m.restricted and math.isfinite(m.value)]
    return Card(
        (*sizes, *((heading, text) for heading, text in entries if text)),
        _families(fitted),
        tuple(map(str, record.get("disclosing", ()))),
        bool(record),
        rule,
        number(float(rule.total(0.0, 1.0, m, ratio))) if rule is not None and known else "",
        f'import bayessynth as bs\n\npooled = bs.pool(copies, "outcome ~ predictor", model="ols"{named}, n={n})',
        m < needed and (formal(record) or k < 5 * n),
        needed,
        tuple(map(shown, public)),
        guarantee(record),
    )


def _families(fitted: Any) -> tuple[tuple[str, str], ...]:
    equations = getattr(getattr(fitted, "bound", None), "equations", ())
    return tuple((e.response, e.family) for e in equations)
