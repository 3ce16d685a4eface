"""Of findings that exclude each other, the ones to keep: no column is determined twice, none by way of itself."""

from __future__ import annotations

from collections.abc import Iterable

from bayessynth.rules.detection.finding import Finding


def acyclic(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Keep findings in order, passing over what determines a column again, or in a circle.

    >>> from bayessynth.rules import Derived
    >>> both = [Finding(Derived("a", "b / 2"), "", 9), Finding(Derived("b", "2 * a"), "", 9)]
    >>> [finding.rule for finding in acyclic(both)]
    [Derived('a', 'b / 2')]
    """
    sources: dict[str, frozenset[str]] = {}
    determined: set[str | None] = set()
    kept = []
    for finding in findings:
        waits = finding.rule.after
        twice = finding.rule.determines in determined
        if twice or any(c in _ancestors(name, sources) for c, inputs in waits.items() for name in inputs):
            continue
        for column, inputs in waits.items():
            sources[column] = sources.get(column, frozenset()) | inputs
        determined |= {finding.rule.determines} - {None}
        kept.append(finding)
    return tuple(kept)


def _ancestors(name: str, sources: dict[str, frozenset[str]]) -> set[str]:
    """Return a column and all that it is determined by."""
    found: set[str] = set()
    open_ = [name]
    while open_:
        column = open_.pop()
        if column not in found:
            found.add(column)
            open_ += sources.get(column, ())
    return found
