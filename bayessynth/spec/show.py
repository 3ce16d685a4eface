"""How a spec is shown: a table in a terminal, a table in a notebook, a drawing of its graph."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bayessynth.spec.equation import Equation
    from bayessynth.spec.spec import Spec

_HEADINGS = ("column", "family", "equation", "level", "declared priors")


def _row(equation: Equation) -> tuple[str, ...]:
    formulas = [str(equation.formula), *map(str, equation.distributional.values())]
    priors = "; ".join(f"{name} ~ {prior}" for name, prior in equation.priors.items())
    return (equation.response, equation.family or "from kind", "; ".join(formulas), equation.level or "detected",
            priors or "defaults")  # fmt: skip


def text_table(spec: Spec) -> str:
    """Return a spec as an aligned table of plain text."""
    rows = [_HEADINGS, *map(_row, spec.equations)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEADINGS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join([f"Spec of {len(spec)} columns{_footer(spec)}", *lines])


def _footer(spec: Spec) -> str:
    factors = ", ".join(":".join(f) for f in spec.factors)
    groups = f", grouping factors: {factors}" if factors else ""
    return groups + (f", other columns: {spec.rest}" if spec.rest != "error" else "")


def html_table(spec: Spec) -> str:
    """Return a spec as an HTML table."""
    head = "".join(f"<th>{h}</th>" for h in _HEADINGS)
    body = "".join(
        "<tr>" + "".join(f"<td style='text-align:left'>{html.escape(cell)}</td>" for cell in _row(e)) + "</tr>"
        for e in spec.equations
    )
    caption = f"<caption>Spec of {len(spec)} columns{html.escape(_footer(spec))}</caption>"
    return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def draw_graph(spec: Spec, ax: Axes | None = None) -> Axes:
    """Draw columns as boxes in layers, grouping factors as ellipses in the layer left of all."""
    import matplotlib.pyplot as plt

    arrows = [(c, e.response) for e in spec.equations for c in e.columns]
    arrows += [(":".join(f), e.response) for e in spec.equations for f in e.factors]
    factors = {":".join(f) for f in spec.factors}
    positions = _positions(spec, arrows, factors)
    if ax is None:
        layers = 1 + max(x for x, _ in positions.values())
        tallest = max(list(x for x, _ in positions.values()).count(layer) for layer in range(int(layers)))
        _, ax = plt.subplots(figsize=(2.2 * layers + 0.8, 0.9 * tallest + 0.8), layout="constrained")
    labels = {}
    for name, (x, y) in positions.items():
        style = "round,pad=0.5" if name in factors else "square,pad=0.4"
        face = "#fbe8cf" if name in factors else "#e3ecf7"
        labels[name] = ax.annotate(name, (x, y), ha="center", va="center", zorder=3,
                                   bbox={"boxstyle": style, "fc": face, "ec": "#555555"})  # fmt: skip
    for start, end in arrows:
        ax.annotate("", xy=positions[end], xytext=positions[start], zorder=1,
                    arrowprops={"arrowstyle": "-|>", "color": "#777777", "patchA": labels[start].get_bbox_patch(),
                                "patchB": labels[end].get_bbox_patch(), "connectionstyle": "arc3,rad=0.12",
                                "shrinkA": 2, "shrinkB": 2,
                                "linestyle": "--" if start in factors else "-"})  # fmt: skip
    ax.set_axis_off()
    ax.margins(0.15, 0.12)
    ax.autoscale_view()
    ax.scatter(*zip(*positions.values(), strict=True), s=0)
    return ax


def _positions(spec: Spec, arrows: list[tuple[str, str]], factors: set[str]) -> dict[str, tuple[float, float]]:
    """Place every node in the layer after its last predecessor, nodes of a layer spread evenly."""
    columns = [*dict.fromkeys([*(a for a, _ in arrows if a not in factors), *spec.columns])]
    order = sorted(columns, key=lambda c: spec.columns.index(c) if c in spec.columns else -1)
    layer = dict.fromkeys(factors, 0)
    for column in order:
        before = [layer[a] for a, b in arrows if b == column and a in layer]
        layer[column] = 1 + max(before, default=0 if factors else -1)
    members: dict[int, list[str]] = {}
    for name, depth in layer.items():
        members.setdefault(depth, []).append(name)
    return {
        name: (float(depth), (len(names) - 1) / 2 - i + 0.13 * (depth % 2))
        for depth, names in members.items()
        for i, name in enumerate(names)
    }
