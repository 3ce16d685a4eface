"""Plots of pooled analyses: coefficients with their intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from bayessynth.report.plots import COPIES, ORIGINAL

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bayessynth.inference import Comparison, Pooled


def plot_pooled(pooled: Pooled) -> Figure:
    """Draw each coefficient's pooled estimate and interval, with the copies' own estimates behind them.

    Returns
    -------
    matplotlib.figure.Figure
        One row a coefficient, on the scale of the table; variances and the like are on a panel with the others, so
        draw ``pooled.table`` yourself where sizes differ much.

    Examples
    --------
    >>> import bayessynth as bs, pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> copies = [pd.DataFrame({"y": rng.normal(2, 1, 100)}) for _ in range(5)]
    >>> len(plot_pooled(bs.pool(copies, "y", model="mean", rule="plug_in", n=100)).axes)
    1
    """
    from bayessynth.inference.estimate import SCALES

    table = pooled.table
    figure, ax = _rows(list(map(str, table.index)))
    for row, scale in enumerate(pooled.scales):
        own = np.array([float(SCALES[scale].back(x)) for x in pooled.estimates[:, row]])
        ax.plot(own, np.full(len(own), row), "|", color="#999999", markersize=9, zorder=1)
    _intervals(ax, np.arange(len(table)), table["estimate"], table["low"], table["high"], COPIES, "pooled")
    ax.set_title(f"{pooled.title}: {pooled.level:.0%} intervals over {pooled.m} copies (grey: each copy)", loc="left",
                 fontsize=11)  # fmt: skip
    return figure


def plot_comparison(comparison: Comparison) -> Figure:
    """Draw each coefficient's interval in the original and in the copies.

    Returns
    -------
    matplotlib.figure.Figure
        Blue is the original, orange the copies; names carry the overlap of the two.

    Examples
    --------
    >>> import bayessynth as bs, pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> df, *copies = [pd.DataFrame(rng.normal(size=(300, 2)), columns=["y", "x"]) for _ in range(6)]
    >>> len(plot_comparison(bs.compare(df, copies, "y ~ x")).axes)
    1
    """
    table = comparison.table
    names = [f"{name}  ({o:.2f})" for name, o in zip(table.index, table["overlap"], strict=True)]
    figure, ax = _rows(names)
    at = np.arange(len(table))
    _intervals(ax, at - 0.13, table["original"], table["original_low"], table["original_high"], ORIGINAL, "original")
    _intervals(ax, at + 0.13, table["copies"], table["copies_low"], table["copies_high"], COPIES, "copies")
    ax.set_title(
        f"{comparison.pooled.title}: overlap {comparison.overlap:.2f}, perfect copies {comparison.reference:.2f}",
        loc="left", fontsize=11,
    )  # fmt: skip
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure


def _rows(names: list[str]) -> tuple[Figure, Axes]:
    figure, ax = plt.subplots(figsize=(7.5, 0.42 * len(names) + 1.4), layout="constrained")
    plt.close(figure)
    ax.set_yticks(np.arange(len(names)), names)
    ax.invert_yaxis()
    ax.axvline(0.0, color="#bbbbbb", linewidth=0.8, zorder=0)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    return figure, ax


def _intervals(
    ax: Axes, at: np.ndarray, centre: np.ndarray, low: np.ndarray, high: np.ndarray, colour: str, label: str
) -> None:
    ax.hlines(at, low, high, color=colour, linewidth=2.2, zorder=2)
    ax.plot(centre, at, "o", color=colour, markersize=6, zorder=3, label=label)
