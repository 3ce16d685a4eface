"""Drawings of survival: the original's curves over the band of the copies'."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
from markupsafe import Markup
from matplotlib.figure import Figure

from bayessynth.errors import DataError
from bayessynth.evaluation.checks.survival_curves import Curves, curves_of, survivals_of
from bayessynth.evaluation.tables import Tables
from bayessynth.report.numerals import tick
from bayessynth.report.plots import COPIES, ORIGINAL
from bayessynth.report.svg import drawing, path, tag, ticks

if TYPE_CHECKING:
    from bayessynth.evaluation.evaluation import Evaluation

# Panels on the page, and the size of one.
PANELS = 12
WIDTH, HEIGHT, LEFT = 300, 150, 34


@dataclass(frozen=True)
class Panel:
    """One curve.

    Attributes
    ----------
    title, sentence : str
    figure : Markup
    """

    title: str
    sentence: str
    figure: Markup


def survival_panels(tables: Tables) -> list[Panel]:
    """Return drawings of the curves that lie outside the copies' band most, of all survival times.

    Examples
    --------
    >>> import pandas as pd
    >>> from bayessynth.evaluation.tables import read_tables
    >>> frame = pd.DataFrame({"t": [float(i) for i in range(1, 41)], "d": [0, 1] * 20})
    >>> own = {"survivals": [{"time": "t", "event": "d", "causes": [1], "predictors": []}]}
    >>> [p.title for p in survival_panels(read_tables(frame, [frame, frame], provenance=own))]
    ['t: without event, all']
    """
    found = [(own["time"], c) for own in survivals_of(tables) for c in curves_of(tables, own)]
    found.sort(key=lambda item: (item[1].arm != "all", item[1].inside))
    return [_panel(time, curves) for time, curves in found[:PANELS]]


def _panel(time: str, curves: Curves) -> Panel:
    end, top = float(curves.times[-1]), max(float(curves.high.max()), float(curves.original.max()), 1e-9)
    top = 1.0 if top > 0.5 else top

    def at(t: float, share: float) -> tuple[float, float]:
        return LEFT + (WIDTH - LEFT - 8) * t / end, 6 + (HEIGHT - 12) * (1.0 - share / top)

    times = curves.times.tolist()
    band = [at(t, v) for t, v in zip(times, curves.high, strict=True)]
    band += [at(t, v) for t, v in zip(times[::-1], curves.low[::-1], strict=True)]
    mean = [at(t, v) for t, v in zip(times, curves.copies.mean(axis=0), strict=True)]
    own = [at(t, v) for t, v in zip(times, curves.original, strict=True)]
    parts = [path(band, "band", closed=True), path(mean, "copies"), path(own, "curve-original")]
    for share in ticks(0.0, top, 4):
        parts.append(tag("text", tick(share), x=LEFT - 5, y=at(0, share)[1] + 4, text_anchor="end", class_="tick"))
    for t in ticks(0.0, end, 4):
        anchor = "end" if at(t, 0)[0] > WIDTH - 20 else "middle"
        parts.append(tag("text", tick(t), x=at(t, 0)[0], y=HEIGHT + 10, text_anchor=anchor, class_="tick"))
    title = f"{time}: {curves.title}, {curves.arm}"
    sentence = f"the original lies in the band of {len(curves.copies)} copies at {curves.inside:.0%} of times"
    return Panel(title, sentence, drawing(WIDTH, HEIGHT + 16, f"{title}. {sentence}", *parts))


def plot_survival(evaluation: Evaluation) -> Figure:
    """Draw the original's survival curves over the band that holds 95 % of the copies', one panel a cause and arm.

    Parameters
    ----------
    evaluation : Evaluation
        Of copies whose spec has a survival time.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    DataError
        If the copies' spec has no survival time.

    Examples
    --------
    >>> import pandas as pd
    >>> import bayessynth as bs
    >>> table = pd.DataFrame({"s": ["a", "b"] * 20})
    >>> plot_survival(bs.evaluate(table, table, measures=["univariate"]))
    Traceback (most recent call last):
    ...
    bayessynth.errors.DataError: The copies' spec has no survival time: there are no curves to draw.
    """
    tables = evaluation.tables
    found = [(own["time"], c) for own in survivals_of(tables) for c in curves_of(tables, own)]
    if not found:
        raise DataError("The copies' spec has no survival time: there are no curves to draw.")
    wide = min(3, len(found))
    tall = -(-len(found) // wide)
    figure, grid = plt.subplots(tall, wide, figsize=(4.0 * wide, 2.8 * tall), squeeze=False, layout="constrained")
    for ax in grid.flat[len(found) :]:
        ax.set_axis_off()
    for ax, (time, curves) in zip(grid.flat, found, strict=False):
        ax.fill_between(curves.times, curves.low, curves.high, color=COPIES, alpha=0.2, lw=0, label="95 % of copies")
        ax.plot(curves.times, curves.copies.mean(axis=0), color=COPIES, lw=1.2, label="mean of copies")
        ax.step(curves.times, curves.original, color=ORIGINAL, lw=1.8, where="post", label="original")
        ax.set_title(f"{curves.title}, {curves.arm}", loc="left", fontsize=10)
        ax.set_xlabel(time)
        ax.set_ylim(0, 1 if curves.high.max() > 0.5 else None)
        ax.spines[["top", "right"]].set_visible(False)
    grid.flat[0].legend(frameon=False, fontsize=8)
    plt.close(figure)
    return figure
