"""Plots of checks: ArviZ's plots of a fit in one line, ranks of a calibration, test quantities of copies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from bayessynth.design import dim, safe
from bayessynth.errors import DataError, FitError, suggest
from bayessynth.evaluation.calibration import Calibration
from bayessynth.evaluation.measure import Measure
from bayessynth.evaluation.uniformity import band_of, bins_of, spread_of
from bayessynth.fitting import Fitted
from bayessynth.fitting.summarise import varying

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bayessynth.fitting import FittedPyMC

VERDICTS = {"fail": "#D55E00", "warn": "#E69F00", "pass": "#0072B2", "info": "#999999"}


@dataclass(frozen=True)
class Kind:
    """One of ArviZ's plots: the function, and whether it needs the data, or the parameters' names."""

    function: str
    data: bool = False
    parameters: bool = True
    every_draw: bool = False


KINDS: Mapping[str, Kind] = {
    "trace": Kind("plot_trace"),
    "rank": Kind("plot_rank"),
    "forest": Kind("plot_forest"),
    "energy": Kind("plot_energy", parameters=False),
    "ppc_dist": Kind("plot_ppc_dist", data=True, parameters=False),
    "loo_pit": Kind("plot_loo_pit", data=True, parameters=False, every_draw=True),
    "psense": Kind("plot_psense_dist", data=True),
}


def plot_fit(
    fitted: Fitted | FittedPyMC, kind: str, data: pd.DataFrame | None = None, column: str | None = None, **options: Any
) -> Any:
    """Draw one of ArviZ's plots of a fit.

    Parameters
    ----------
    fitted : Fitted or FittedPyMC
    kind : {"trace", "rank", "forest", "energy", "ppc_dist", "loo_pit", "psense"}
        trace: draws of each parameter in their order. rank: how chains share their ranks, a flat line if they mix.
        forest: intervals. energy: marginal and transition energy. ppc_dist: the column's distribution and that of
        replicated data. loo_pit: whether cells are predicted by the others, inside the band if so. psense: posteriors
        under priors or likelihoods that are scaled up and down.
    data : DataFrame, optional
        The original, which ppc_dist, loo_pit and psense need.
    column : str, optional
        The equation; not needed where the fit has only one.
    **options
        Of ArviZ's function. Parameters are all but the effects of observed groups, unless ``var_names`` is given.

    Returns
    -------
    arviz_plots.PlotCollection
        ``.show()`` and ``.savefig(path)`` do what they say.

    Raises
    ------
    FitError
        If there is no such kind, or data are needed and not given.
    SpecError
        If there is no such equation.

    Examples
    --------
    >>> import bayessynth as bs
    >>> df = bs.datasets.load("rand_hie").query("year == 1")
    >>> spec = bs.Spec("female ~ 1", rest="drop")
    >>> fitted = spec.fit(df, draws=100, tune=100, chains=2, cores=1, random_seed=1, progress=False)
    >>> type(plot_fit(fitted, "trace")).__name__
    'PlotCollection'
    """
    import arviz_plots

    if kind not in KINDS:
        raise FitError(f"There is no plot {kind!r}.{suggest(str(kind), KINDS)} Known: {', '.join(KINDS)}.")
    chosen = KINDS[kind]
    if chosen.data and data is None:
        raise FitError(f"The plot {kind!r} compares with the data: hand them in, plot_fit(fitted, {kind!r}, df).")
    tree, groups = _tree(fitted, kind, data, column)
    if chosen.parameters and "var_names" not in options:
        posterior = tree["posterior"].to_dataset()
        shared = varying(posterior[[n for n, v in posterior.data_vars.items() if not groups & set(map(str, v.dims))]])
        options["var_names"] = list(shared.data_vars)
        if len(shared.data_vars) == 1:
            # Of a posterior of one variable, ArviZ 1.3 makes a DataArray, which its plot of power-scaling cannot read.
            shared["(unused)"] = next(iter(shared.data_vars.values()))
        tree["posterior"] = xr.DataTree(shared)
    draw: Callable[..., Any] = getattr(arviz_plots, chosen.function)
    return draw(tree, backend="matplotlib", **options)


def plot_calibration(calibration: Calibration, shown: int = 12, histogram: bool = False) -> Figure:
    """Draw the ranks of a calibration, the least uniform quantities first.

    Parameters
    ----------
    calibration : Calibration
    shown : int
        Most quantities drawn.
    histogram : bool
        Whether ranks are counted in bins. By default each panel has the distribution function of the ranks less that
        of uniform ones, which stays inside the simultaneous 95 % band (grey) if the fit is calibrated. Above zero on
        the left and below on the right the posterior is too narrow, the other way round too wide; above zero
        throughout it is too high.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> ranks = {("x", "Intercept"): rng.integers(0, 100, 200), ("x", "sigma"): rng.integers(0, 100, 200)}
    >>> len(plot_calibration(Calibration.of(ranks, 99, {})).axes)
    2
    """
    rows = calibration.table.head(shown)
    if not len(rows):
        raise DataError("There is nothing to draw: the calibration has no quantity.")
    wide = min(3, len(rows))
    tall = -(-len(rows) // wide)
    figure, grid = plt.subplots(tall, wide, figsize=(4.0 * wide, 2.5 * tall + 0.6), squeeze=False, layout="constrained")
    draw = _draw_histogram if histogram else _draw_difference
    for ax, (_, row) in zip(grid.flat, rows.iterrows(), strict=False):
        ranks = calibration.ranks[row["equation"], row["quantity"]]
        draw(ax, np.asarray(ranks), calibration.draws, VERDICTS[row["verdict"]])
        ax.set_title(f"{row['equation']}: {row['quantity']}", loc="left", fontsize=9, fontweight="bold")
        ax.spines[["top", "right"]].set_visible(False)
    for ax in grid.flat[len(rows) :]:
        ax.set_axis_off()
    figure.suptitle(f"Ranks of true values over {calibration.repetitions} simulated data sets", fontsize=12)
    plt.close(figure)
    return figure


def plot_quantities(measure: Measure, shown: int = 25) -> Figure:
    """Draw the test quantities of copies whose effects are largest beside their practical sizes.

    Parameters
    ----------
    measure : Measure
        ``quantities_columns``, ``quantities_pairs`` or ``quantities_groups``.
    shown : int
        Most quantities drawn.

    Returns
    -------
    matplotlib.figure.Figure
        A point a quantity: its effect in units of its practical size, so that what lies between the lines does not
        matter; the colour is the verdict, which also asks whether it could be chance. Effects beyond 5 stand at 5.

    Examples
    --------
    >>> import bayessynth as bs
    >>> df = pd.DataFrame({"x": [0.5, 1.5, 2.5, 4.5]})
    >>> found = bs.evaluate(df, df, measures=["quantities"])
    >>> len(plot_quantities(found["quantities_columns"]).axes)
    1
    """
    if measure.detail is None or not len(measure.detail):
        raise DataError(f"There is nothing to draw: measure {measure.name!r} has no detail.")
    rows = measure.detail.head(shown).iloc[::-1]
    figure, ax = plt.subplots(figsize=(8.0, 0.26 * len(rows) + 1.2), layout="constrained")
    sized = np.clip((rows["effect"] / rows["practical_size"]).fillna(0.0).to_numpy(), -5, 5)
    ax.axvspan(-1, 1, color="#eeeeee", zorder=0)
    ax.axvline(0, color="#999999", linewidth=0.8)
    ax.scatter(sized, np.arange(len(rows)), color=[VERDICTS[v] for v in rows["verdict"]], zorder=3)
    named = [f"{q} · {s}" for s, q in zip(rows["subject"], rows["quantity"], strict=True)]
    ax.set_yticks(np.arange(len(rows)), [n if len(n) <= 70 else n[:69] + "…" for n in named], fontsize=8)
    ax.set_xlim(-5.3, 5.3)
    ax.set_xlabel("effect in units of its practical size (copies less original)")
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.set_title(f"{measure.title}: {measure.verdict}", loc="left", fontsize=11, fontweight="bold")
    plt.close(figure)
    return figure


def _tree(
    fitted: Fitted | FittedPyMC, kind: str, data: pd.DataFrame | None, column: str | None
) -> tuple[xr.DataTree, set[str]]:
    """Return what a plot is drawn of, and the dims of observed groups."""
    if not isinstance(fitted, Fitted):
        if KINDS[kind].data:
            raise FitError(f"The plot {kind!r} needs a log likelihood, which a fit of a PyMC model does not keep.")
        whole = {name: fitted.idata[name].to_dataset() for name in ("posterior", "sample_stats")}
        whole["sample_stats"] = whole["sample_stats"].isel(component=0, drop=True)
        hidden = {safe(v) for v in (*fitted.layout.groups, *fitted.layout.rows)}
        whole["posterior"] = whole["posterior"].drop_vars(hidden, errors="ignore")
        return xr.DataTree.from_dict(whole), set()
    column = column if column is not None else _only_equation(fitted)
    groups = {dim(f) for f in fitted.bound.plan.columns}
    if data is None or not KINDS[kind].data:
        return fitted.component(column), groups
    draws = fitted.idata["posterior"].sizes
    m = draws["chain"] * draws["draw"] if KINDS[kind].every_draw else 100
    tree = fitted.to_datatree(data, column=column, m=m, random_seed=0)
    if KINDS[kind].every_draw:
        # Replicated data come one chain after the other; the weights of leaving one out have chains.
        made = tree["posterior_predictive"].to_dataset()
        parts = {k: (("chain", "draw", "row"), v.values.reshape(draws["chain"], -1, v.sizes["row"]))
                 for k, v in made.data_vars.items()}  # fmt: skip
        tree["posterior_predictive"] = xr.DataTree(xr.Dataset(parts, tree["posterior"].coords))
    return tree, groups


def _only_equation(fitted: Fitted) -> str:
    names = [str(c) for c in fitted.idata["sample_stats"].to_dataset().coords.get("component", xr.DataArray([])).values]
    if len(names) != 1:
        raise FitError(f"Name the equation, column=…: the fit has {', '.join(names) or 'none with parameters'}.")
    return names[0]


def _draw_difference(ax: Axes, ranks: np.ndarray, draws: int, colour: str) -> None:
    rng = np.random.default_rng(0)
    own, band = np.sort(spread_of(ranks, draws, rng)), band_of(len(ranks), rng)
    points = band.points
    ecdf = np.searchsorted(own, points, side="right") / len(own)
    ax.fill_between(points, band.lower - points, band.upper - points, color="#dddddd", step="mid", linewidth=0)
    ax.plot(points, ecdf - points, color=colour, linewidth=1.2)
    ax.axhline(0, color="#999999", linewidth=0.8)
    ax.set_xlabel("rank / draws", fontsize=8)
    ax.set_ylabel("ECDF less uniform", fontsize=8)


def _draw_histogram(ax: Axes, ranks: np.ndarray, draws: int, colour: str) -> None:
    from scipy import stats

    bins = bins_of(draws, len(ranks))
    counts = np.bincount(ranks * bins // (draws + 1), minlength=bins)
    low, high = stats.binom.interval(0.95, len(ranks), 1 / bins)
    ax.axhspan(low, high, color="#dddddd", linewidth=0)
    ax.bar(np.arange(bins) + 0.5, counts, width=0.9, color=colour)
    ax.axhline(len(ranks) / bins, color="#999999", linewidth=0.8)
    ax.set_xticks([0, bins], ["0", str(draws)])
    ax.set_xlabel("rank", fontsize=8)
    ax.set_ylabel("data sets", fontsize=8)
