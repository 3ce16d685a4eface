"""Plots of rows that follow each other: mean trajectories, some synthetic units, lengths of sequences."""

from __future__ import annotations

from collections.abc import Iterable

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bayessynth.errors import DataError, suggest
from bayessynth.report.plots import COPIES, ORIGINAL

# Times at which a trajectory has a mean, at most; units drawn one by one; fewest rows behind a mean of the original.
PLACES, UNITS, FEWEST = 12, 30, 5


def plot_sequences(
    original: pd.DataFrame, copies: Iterable[pd.DataFrame], unit: str, time: str, column: str, shown: int = 12
) -> Figure:
    """Draw how a number moves in time: means of the original under those of the copies, synthetic units, lengths.

    No row of the original is drawn, only means of five rows and more: the units drawn one by one are synthetic.

    Parameters
    ----------
    original : DataFrame
    copies : iterable of DataFrame
    unit, time : str
        Columns that make sequences of the rows.
    column : str
        Of numbers or truth values.
    shown : int
        Most copies drawn.

    Returns
    -------
    matplotlib.figure.Figure
        Three panels: the mean by time, the original's with its 95 % band and one line a copy; some units of the first
        copy; the share of units by the number of their rows.

    Raises
    ------
    DataError
        If there is no such column, or it holds no numbers.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> ids, days = np.repeat(np.arange(20), 3), np.tile([0, 7, 14], 20)
    >>> table = pd.DataFrame({"id": ids, "day": days, "y": rng.normal(size=60)})
    >>> len(plot_sequences(table, [table], "id", "day", "y").axes)
    3
    """
    for name in (unit, time, column):
        if name not in original:
            raise DataError(f"There is no column {name!r} in the data.{suggest(name, map(str, original))}")
    if not pd.api.types.is_numeric_dtype(original[column]):
        raise DataError(f"Column {column!r} holds no numbers, of which a mean could be drawn.")
    frames = [frame for frame, _ in zip(copies, range(shown), strict=False)]
    figure, axes = plt.subplots(1, 3, figsize=(14.0, 4.2), layout="constrained", width_ratios=(1.3, 1.3, 1))
    _means(axes[0], original, frames, time, column)
    _units(axes[1], frames[0], unit, time, column)
    _lengths(axes[2], original, frames, unit)
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
    handles = [Line2D([], [], color=ORIGINAL, lw=3, label="original, 95 % band of its mean"),
               Line2D([], [], color=COPIES, label=f"{len(frames)} copies")]  # fmt: skip
    figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False)
    plt.close(figure)
    return figure


def _places(times: pd.Series) -> np.ndarray:
    """Return edges of classes of times: one for each time where they are few, else of equal counts."""
    distinct = np.unique(times)
    if len(distinct) <= PLACES:
        return np.r_[(distinct[:-1] + (distinct[1:] - distinct[:-1]) / 2)]
    return np.unique(np.quantile(times, np.linspace(0, 1, PLACES + 1)[1:-1]))


def _numbers(times: pd.Series) -> pd.Series:
    """Return times as numbers: dates in days since 1970."""
    dates = pd.api.types.is_datetime64_any_dtype(times)
    return (times - pd.Timestamp("1970-01-01")) / pd.Timedelta(days=1) if dates else times.astype(float)


def _means(ax: Axes, original: pd.DataFrame, frames: list[pd.DataFrame], time: str, column: str) -> None:
    edges = _places(_numbers(original[time]))

    def table(frame: pd.DataFrame) -> pd.DataFrame:
        place = np.searchsorted(edges, _numbers(frame[time]))
        found = frame[column].astype(float).groupby(place).agg(["mean", "std", "size"])
        return found.assign(time=_numbers(frame[time]).groupby(place).mean())

    own = table(original)
    own = own[own["size"] >= FEWEST]
    half = 1.96 * own["std"] / np.sqrt(own["size"])
    for frame in frames:
        drawn = table(frame)
        ax.plot(drawn["time"], drawn["mean"], color=COPIES, alpha=0.45, lw=1)
    ax.fill_between(own["time"], own["mean"] - half, own["mean"] + half, color=ORIGINAL, alpha=0.35, lw=0)
    ax.plot(own["time"], own["mean"], color=ORIGINAL, lw=3)
    ax.set(xlabel=time, ylabel=f"mean of {column}", title="Means by time")


def _units(ax: Axes, frame: pd.DataFrame, unit: str, time: str, column: str) -> None:
    for _, own in list(frame.sort_values([unit, time]).groupby(unit, sort=False, observed=True))[:UNITS]:
        ax.plot(_numbers(own[time]), own[column].astype(float), color=COPIES, alpha=0.5, lw=0.9, marker="o", ms=2)
    ax.set(xlabel=time, ylabel=column, title=f"Some units of the first copy ({unit})")


def _lengths(ax: Axes, original: pd.DataFrame, frames: list[pd.DataFrame], unit: str) -> None:
    def shares(frame: pd.DataFrame) -> pd.Series:
        return frame.groupby(unit, observed=True).size().value_counts(normalize=True).sort_index()

    own = shares(original)
    ax.bar(own.index, own, color=ORIGINAL, width=0.8)
    for frame in frames:
        drawn = shares(frame)
        ax.plot(drawn.index, drawn, color=COPIES, alpha=0.45, lw=1, marker="o", ms=2)
    ax.set(xlabel=f"rows of one {unit}", ylabel="share of units", title="Lengths")
