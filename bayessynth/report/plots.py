"""Plots of the original beside the copies. Colours are Okabe and Ito's, which colour-blind readers tell apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from bayessynth.errors import DataError, suggest
from bayessynth.report.bins import FEW, SKEWED, counted, edges

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ORIGINAL, COPIES = "#56B4E9", "#D55E00"


def plot_columns(
    original: pd.DataFrame, copies: Iterable[pd.DataFrame], columns: Sequence[str] | None = None
) -> Figure:
    """Draw every column's distribution in the original and in the copies.

    Parameters
    ----------
    original : DataFrame
    copies : iterable of DataFrame
    columns : sequence of str, optional
        By default all, but for text with more than 12 values.

    Returns
    -------
    matplotlib.figure.Figure
        One panel a column: bars are the original, points (or a line) the average over copies, whiskers (or a band)
        the lowest and highest copy. Skewed columns with no negative value have the scale of log(1 + x).

    Examples
    --------
    >>> original = pd.DataFrame({"x": [0.0, 1.0, 2.0], "sex": ["f", "m", "m"]})
    >>> len(plot_columns(original, [original]).axes)
    2
    """
    frames = list(copies)
    names = _drawable(original) if columns is None else list(columns)
    for name in names:
        if name not in original:
            raise DataError(f"There is no column {name!r} in the data.{suggest(name, map(str, original))}")
    wide = min(3, len(names))
    tall = -(-len(names) // wide)
    figure, grid = plt.subplots(tall, wide, figsize=(4.0 * wide, 2.7 * tall + 0.9), squeeze=False, layout="constrained")
    for ax, name in zip(grid.flat, names, strict=False):
        _draw(ax, original[name].dropna(), [f[name].dropna() for f in frames])
        ax.set_title(name, loc="left", fontsize=11, fontweight="bold")
        ax.spines[["top", "right"]].set_visible(False)
    for ax in grid.flat[len(names) :]:
        ax.set_axis_off()
    figure.suptitle("Each column, original and synthetic: orange should follow the blue bars", fontsize=13)
    drawn = Line2D([], [], color=COPIES, marker="o", label=f"{len(frames)} copies: average, lowest and highest")
    handles = [Patch(color=ORIGINAL, label="original"), drawn]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False)
    plt.close(figure)
    return figure


def plot_groups(
    original: pd.DataFrame, copies: Iterable[pd.DataFrame], group: str, columns: Sequence[str], shown: int = 12
) -> Figure:
    """Draw the group means of the original and of each copy.

    Parameters
    ----------
    original : DataFrame
    copies : iterable of DataFrame
    group : str
        Column that names a row's group.
    columns : sequence of str
        Columns of numbers or truth values, one panel each.
    shown : int
        Most copies drawn.

    Returns
    -------
    matplotlib.figure.Figure
        Where the original has at most 12 groups, they are named, a point's area grows with the group's rows, and
        groups with less than 2 % of the rows are left out.

    Examples
    --------
    >>> original = pd.DataFrame({"site": ["a", "a", "b", "b"], "x": [1.0, 3.0, 11.0, 13.0]})
    >>> len(plot_groups(original, [original], "site", ["x"]).axes)
    1
    """
    frames = [frame for frame, _ in zip(copies, range(shown), strict=False)]
    figure, axes = plt.subplots(
        len(columns), 1, figsize=(9.0, 3.1 * len(columns) + 0.7), squeeze=False, layout="constrained"
    )
    for ax, column in zip(axes[:, 0], columns, strict=True):
        _draw_means(ax, original, frames, group, column)
    axes[-1, 0].set_xlabel("copy (each with new groups)")
    figure.suptitle(f"Means by {group}: in each copy they should spread about as in the original", fontsize=13)
    plt.close(figure)
    return figure


def _draw_means(ax: Axes, original: pd.DataFrame, frames: list[pd.DataFrame], group: str, column: str) -> None:
    named = original[group].nunique() <= FEW
    own = {"color": ORIGINAL, "edgecolor": "black", "linewidth": 0.6}
    drawn = {"color": COPIES, "alpha": 0.55, "edgecolor": "none"}
    for j, frame in enumerate([original, *frames]):
        table = frame.groupby(group, observed=True)[column].agg(["mean", "size"])
        table = table[table["size"] >= max(2, 0.02 * len(frame))] if named else table
        area = (60 * table["size"] / table["size"].mean()).clip(10, 120) if named else 12
        look: dict[str, Any] = dict(own if j == 0 else drawn)
        if j == 0:
            means = table["mean"].sort_values()
        ax.scatter(np.full(len(table), j), table["mean"], s=area, zorder=3, **look)
    if named:
        _name_points(ax, means)
    ax.axvline(0.5, color="#999999", linewidth=0.8)
    ax.set_xlim(-3.4 if named else -0.8, len(frames) + 0.6)
    ax.set_xticks(range(len(frames) + 1), ["original", *map(str, range(1, len(frames) + 1))])
    statistic = "share" if pd.api.types.is_bool_dtype(original[column]) else "mean"
    ax.set_ylabel(f"{statistic} of {column}")
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", color="#e5e5e5", zorder=0)


def _name_points(ax: Axes, means: pd.Series) -> None:
    """Write names left of the points, moved apart where they would overlap."""
    low, high = ax.get_ylim()
    step = 0.065 * (high - low)
    places: list[float] = []
    for value in means:
        places.append(max(float(value), places[-1] + step) if places else float(value))
    shift = (places[-1] - float(means.iloc[-1])) / 2
    for label, value, place in zip(means.index, means, places, strict=True):
        ax.annotate(
            str(label), (-0.15, float(value)), xytext=(-0.65, place - shift), ha="right", va="center", fontsize=8,
            arrowprops={"arrowstyle": "-", "color": "#999999", "linewidth": 0.6},
        )  # fmt: skip
    ax.set_ylim(min(low, places[0] - shift - step), max(high, places[-1] - shift + step))


def _draw(ax: Axes, original: pd.Series, copies: list[pd.Series]) -> None:
    if pd.api.types.is_datetime64_any_dtype(original):
        # Dates are placed as fractional years, which an axis can show without a converter.
        original, copies = _years(original), [_years(c) for c in copies]
    numeric = pd.api.types.is_numeric_dtype(original) and not pd.api.types.is_bool_dtype(original)
    if not numeric or original.nunique() <= FEW:
        levels = list(original.cat.categories) if original.dtype == "category" else sorted({*original.unique()})
        shares = [c.value_counts(normalize=True) for c in (original, *copies)]
        _draw_bars(ax, list(map(str, levels)), np.array([[s.get(v, 0.0) for v in levels] for s in shares]))
        return
    values, drawn = original.to_numpy(float), [c.to_numpy(float) for c in copies]
    skewed = bool(values.min() >= 0 and original.skew() > SKEWED)
    if skewed and (values == np.round(values)).all():
        labels, cuts = counted(values, drawn)
        _draw_bars(ax, labels, np.array([np.histogram(v, cuts)[0] / len(v) for v in (values, *drawn)]))
    else:
        _draw_histogram(ax, values, drawn, skewed)


def _draw_bars(ax: Axes, labels: list[str], shares: np.ndarray) -> None:
    """Draw the first row of ``shares`` as bars, the average and range of the others as points with whiskers."""
    x = np.arange(len(labels))
    ax.bar(x, shares[0], color=ORIGINAL, width=0.75)
    low, mean, high = shares[1:].min(axis=0), shares[1:].mean(axis=0), shares[1:].max(axis=0)
    whiskers = np.maximum(np.array([mean - low, high - mean]), 0.0)
    ax.errorbar(x, mean, yerr=whiskers, fmt="o", color=COPIES, capsize=3, markersize=5)
    lines = [label.replace(" ", "\n") for label in labels]
    crowded = max(len(part) for line in lines for part in line.split("\n")) * len(lines) > 55 or len(lines) > 8
    ax.set_xticks(x, lines, fontsize=8 if len(lines) > 4 else 9, rotation=35 if crowded else 0,
                  ha="right" if crowded else "center")  # fmt: skip
    ax.set_ylabel("share of rows")


def _draw_histogram(ax: Axes, original: np.ndarray, copies: list[np.ndarray], logs: bool) -> None:
    cuts = edges(original, copies, logs)
    own, *drawn = (np.histogram(values, cuts)[0] / len(values) for values in (original, *copies))
    places = np.log1p(cuts) if logs else cuts
    ax.bar(places[:-1], own, np.diff(places), align="edge", color=ORIGINAL, edgecolor="white", linewidth=0.4)
    shares = np.array(drawn)
    middle = (places[:-1] + places[1:]) / 2
    ax.fill_between(middle, shares.min(axis=0), shares.max(axis=0), color=COPIES, alpha=0.3, linewidth=0)
    ax.plot(middle, shares.mean(axis=0), color=COPIES, marker="o", markersize=3, linewidth=1.2)
    ax.set_ylabel("share of rows")
    if logs:
        ticks = [0, *(10**e for e in range(13) if 10**e <= cuts[-1])]
        ax.set_xticks(np.log1p(ticks), [f"{v:,}" if v < 10**6 else f"1e{len(str(v)) - 1}" for v in ticks])


def _years(dates: pd.Series) -> pd.Series:
    return dates.dt.year + (dates.dt.day_of_year - 1) / 366


def _drawable(frame: pd.DataFrame) -> list[str]:
    def fits(column: pd.Series) -> bool:
        return pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column) or (
            column.nunique() <= FEW
        )  # fmt: skip

    return [str(c) for c in frame if fits(frame[c])]
