"""How a spec is shown: a table in a terminal, a table in a notebook, a drawing of its graph."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bayessynth.spec.layout import Layout, layout

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bayessynth.spec.equation import Equation
    from bayessynth.spec.spec import Spec

_HEADINGS = ("column", "family", "equation", "level", "declared priors")


def _row(equation: Equation) -> tuple[str, ...]:
    formulas = [str(equation.formula), *map(str, equation.distributional.values())]
    if equation.initial is not None:
        formulas.append(f"first: {equation.initial.formula}")
    if equation.ar:
        formulas.append("residuals: AR(1)")
    priors = "; ".join(f"{name} ~ {prior}" for name, prior in equation.priors.items())
    return (equation.response, equation.family or "from kind", "; ".join(formulas), equation.level or "detected",
            priors or "defaults")  # fmt: skip


def text_table(spec: Spec) -> str:
    """Return a spec as an aligned table of plain text."""
    rows = [_HEADINGS, *map(_row, spec.equations)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEADINGS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    rules = [f"rule: {rule.explain()}" for rule in spec.rules]
    return "\n".join([f"Spec of {len(spec)} columns{_footer(spec)}", *lines, *rules])


def _footer(spec: Spec) -> str:
    factors = ", ".join(":".join(f) for f in spec.factors)
    groups = f", grouping factors: {factors}" if factors else ""
    groups += f", rows of a {spec.unit} in the order of {spec.time}" if spec.unit else ""
    return groups + (f", other columns: {spec.rest}" if spec.rest != "error" else "")


def source(spec: Spec, declared: Sequence[object]) -> str:
    """Return Python source that makes a spec."""
    lines = [f"    bs.{e!r}," for e in declared]
    if spec.rest != "error":
        lines.append(f"    rest={spec.rest!r},")
    if spec.rules:
        lines += ["    rules=[", *(f"        bs.{rule!r}," for rule in spec.rules), "    ],"]
    if spec.unit:
        lines.append(f"    unit={spec.unit!r}, time={spec.time!r},")
    written = (line.replace(": Prior(", ": bs.Prior(").replace("=Equation(", "=bs.Equation(") for line in lines)
    return "\n".join(["spec = bs.Spec(", *written, ")"])


def html_table(spec: Spec) -> str:
    """Return a spec as an HTML table."""
    head = "".join(f'<th scope="col">{h}</th>' for h in _HEADINGS)
    body = "".join(
        "<tr>" + "".join(f"<td style='text-align:left'>{html.escape(cell)}</td>" for cell in _row(e)) + "</tr>"
        for e in spec.equations
    )
    caption = f"<caption>Spec of {len(spec)} columns{html.escape(_footer(spec))}</caption>"
    rules = "".join(f"<li>{html.escape(rule.explain())}</li>" for rule in spec.rules)
    table = f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return table + (f"<p>Rules</p><ul>{rules}</ul>" if rules else "")


def draw_graph(spec: Spec, ax: Axes | None = None) -> Axes:
    """Draw columns as boxes from the top down, each with its grouping factors in a second line.

    Boxes and lines are placed in inches; lines that leave one box have one colour. A box with a broken frame is a
    column without an equation.
    """
    import matplotlib.pyplot as plt
    from matplotlib.patches import FancyBboxPatch

    arrows = list(dict.fromkeys((c, drawn) for e in spec.equations for c in e.columns for drawn in e.declares))
    given = [c for c in dict.fromkeys(c for c, _ in arrows) if c not in spec]
    factors = {c: ", ".join(":".join(f) for f in e.factors) for e in spec.equations for c in e.declares}
    widths = {c: _width(c, factors.get(c, "")) for c in (*given, *spec.columns)}
    placed = layout(arrows, tuple(widths), widths)
    left = min(x - widths[c] / 2 if placed.layer[c] == depth else x for (c, depth), x in placed.x.items())
    right = max(x + widths[c] / 2 if placed.layer[c] == depth else x for (c, depth), x in placed.x.items())
    rows = 1 + max(placed.layer.values())
    if ax is None:
        _, ax = plt.subplots(figsize=(right - left + 0.4, rows * _ROW + 0.2), layout="constrained")
    ax.set_axis_off()
    ax.set(xlim=(left - 0.2, right + 0.2), ylim=(-(rows - 1) * _ROW - _HEIGHT / 2 - 0.1, _HEIGHT / 2 + 0.1))
    for column, width in widths.items():
        x, y = placed.x[column, placed.layer[column]], -placed.layer[column] * _ROW
        ax.add_patch(FancyBboxPatch(
            (x - width / 2, y - _HEIGHT / 2), width, _HEIGHT, boxstyle="round,pad=0,rounding_size=0.06", gid=column,
            fc="#ffffff" if column in given else "#e3ecf7", ec="#555555", ls="--" if column in given else "-", zorder=3,
        ))  # fmt: skip
        label = factors.get(column, "")
        ax.text(x, y + (0.09 if label else 0), column, ha="center", va="center", fontsize=10, zorder=4)
        if label:
            ax.text(x, y - 0.11, label, ha="center", va="center", fontsize=7.5, style="italic", color="#9a4f00",
                    zorder=4)  # fmt: skip
    _draw_lines(placed, ax)
    return ax


# Inches from one layer to the next, and of a box.
_ROW, _HEIGHT = 0.95, 0.46


def _width(column: str, label: str) -> float:
    return 0.25 + max(0.085 * len(column), 0.062 * len(label), 0.3)


def _draw_lines(placed: Layout, ax: Axes) -> None:
    from matplotlib import colormaps
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    colours = colormaps["tab10"].colors  # type: ignore[attr-defined]
    starts = list(dict.fromkeys(upper[0] for upper, _ in placed.lines))
    for upper, lower in placed.lines:
        arrives = (upper, lower) in placed.ends
        end = placed.ends.get((upper, lower), placed.x[lower])
        # At a box a line ends at its edge; at a waypoint it runs on, straight past the boxes of that layer.
        top = -upper[1] * _ROW - _HEIGHT / 2
        bottom = -lower[1] * _ROW + _HEIGHT / 2
        middle = (top + bottom) / 2
        points = [(placed.x[upper], top), (placed.x[upper], middle), (end, middle), (end, bottom)]
        codes = [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4]
        if not arrives:
            points.append((end, bottom - _HEIGHT))
            codes.append(Path.LINETO)
        ax.add_patch(FancyArrowPatch(
            path=Path(points, codes), arrowstyle="-|>" if arrives else "-", mutation_scale=11, lw=1.2, zorder=2,
            color=colours[starts.index(upper[0]) % len(colours)], shrinkA=0, shrinkB=0,
        ))  # fmt: skip
