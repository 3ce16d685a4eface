"""Tables for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    import pandas as pd

    from bayessynth.evaluation import Evaluation
    from bayessynth.fitting import Diagnosis
    from bayessynth.spec import Spec

_COLOURS = {"pass": "green", "warn": "yellow", "fail": "red", "info": "dim"}


def spec_table(spec: Spec) -> Table:
    """Lay out a spec: one row an equation, long formulas folded."""
    factors = ", ".join(":".join(f) for f in spec.factors)
    rest = f"; other columns: {spec.rest}" if spec.rest != "error" else ""
    table = _table(f"Spec of {len(spec)} columns{f'; grouping factors: {factors}' if factors else ''}{rest}")
    for heading in ("column", "family", "equation"):
        table.add_column(heading, overflow="fold")
    for equation in spec:
        formulas = [str(equation.formula), *map(str, equation.distributional.values())]
        priors = [f"{name} ~ {prior}" for name, prior in equation.priors.items()]
        lines = Text("\n".join(formulas))
        if priors:
            lines.append("\n" + "\n".join(priors), style="dim")
        table.add_row(Text(equation.response), equation.family or "by kind", lines)
    return table


def frame_table(frame: pd.DataFrame, title: str, index: str | None = None) -> Table:
    """Lay out a frame; with ``index`` as heading, its index comes first."""
    table = _table(title)
    if index is not None:
        table.add_column(index, overflow="fold")
    for column in frame.columns:
        numeric = frame[column].dtype.kind in "fiu"
        table.add_column(str(column), justify="right" if numeric else "left", overflow="fold")
    for label, row in zip(frame.index, frame.itertuples(index=False), strict=True):
        cells = [_cell(value) for value in row]
        table.add_row(*map(Text, [str(label), *cells] if index is not None else cells))
    return table


def diagnosis_view(diagnosis: Diagnosis) -> RenderableType:
    """Lay out a diagnosis: the verdict, the table, every reason with its remedy."""
    colour = _COLOURS[diagnosis.verdict]
    shown = diagnosis.table.drop(columns=["ess_tail"], errors="ignore")
    digits = {"rhat": 3, "ess_bulk": 0, "bfmi": 2, "pareto_k": 2}
    shown = shown.assign(
        **{c: ["" if v != v else f"{v:.{d}f}" for v in shown[c]] for c, d in digits.items() if c in shown}
    )
    lines = [Text.assemble(("• ", colour), reason) for reason in diagnosis.reasons]
    verdict = Text.assemble("Diagnostics: ", (diagnosis.verdict, f"bold {colour}"))
    return Group(frame_table(shown, "Convergence of each equation"), verdict, *lines)


def evaluation_view(result: Evaluation) -> RenderableType:
    """Lay out an evaluation: one row a measure beside its reference, then the verdict with its reasons."""
    table = _table(f"Evaluation of {result.tables.m} copies (n={result.tables.n:,}, k={result.tables.k:,})")
    for heading in ("", "measure", "verdict"):
        table.add_column(heading, overflow="fold")
    for heading in ("value", "lowest", "highest", "reference"):
        table.add_column(heading, justify="right")
    room = ""
    for m in result:
        low, high = m.interval or (float("nan"), float("nan"))
        numbers = (m.value, low, high, float("nan") if m.reference is None else m.reference)
        verdict = Text(m.verdict, style=_COLOURS[m.verdict])
        table.add_row(
            Text("" if m.room == room else m.room, style="bold"), Text(m.title), verdict, *map(_cell, numbers)
        )
        room = m.room
    colour = _COLOURS[result.verdict]
    lines = [Text.assemble(("• ", colour), reason) for reason in result.reasons]
    return Group(table, Text.assemble("Verdict: ", (result.verdict, f"bold {colour}")), *lines)


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", header_style="bold", box=None, pad_edge=False)


def _cell(value: Any) -> str:
    """Write a number with three significant digits, large ones in full."""
    if isinstance(value, float):
        if value != value:
            return "–"
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return str(value)
