from __future__ import annotations

import io
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.errors import DataError, FitError
from bayessynth.evaluation import Measure
from bayessynth.evaluation.calibration import Calibration
from bayessynth.report.check_plots import KINDS, plot_calibration, plot_fit, plot_quantities
from tests.clinics import clinics, spec
from tests.evaluation import exact
from tests.handmade import handmade


@pytest.fixture(scope="module")
def fitted() -> bs.Fitted:
    return handmade(spec(), clinics(), draws=60, chains=2)


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("column", ["pressure", "female"])
def test_every_kind_draws_equations_with_many_parameters_and_with_one(fitted, kind, column):
    with warnings.catch_warnings():
        # Draws of the prior are no posterior, so all weight may fall on one of them; ArviZ says so.
        warnings.simplefilter("ignore")
        made = plot_fit(fitted, kind, clinics(), column=column)
        figure = made.viz["figure"].item()
        figure.savefig(io.BytesIO(), format="png")
    assert len(figure.axes) >= 1


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_draws_a_proper_posterior_without_a_warning(kind):
    frame = pd.DataFrame({"x": np.random.default_rng(1).normal(size=60)})
    plot_fit(exact.fit(exact.spec(), frame), kind, frame).viz["figure"].item().savefig(io.BytesIO(), format="png")


def test_of_a_correlation_matrix_one_triangle_is_drawn(fitted):
    drawn = set(map(str, plot_fit(fitted, "trace", column="pressure").viz["plot"].data_vars))
    assert sum("site_corr" in name for name in drawn) == 1


def test_effects_of_observed_groups_are_left_out_unless_named(fitted):
    drawn = set(map(str, plot_fit(fitted, "trace", column="visits").viz["plot"].data_vars))
    assert drawn == {"visits_Intercept", "visits_female", "visits_1|site_sd"}
    named = plot_fit(fitted, "trace", column="visits", var_names=["visits_1|site"])
    assert set(map(str, named.viz["plot"].data_vars)) == {"visits_1|site"}


def test_errors_name_the_remedy(fitted):
    with pytest.raises(FitError, match="Did you mean 'trace'"):
        plot_fit(fitted, "trac", column="visits")
    with pytest.raises(FitError, match=r"plot_fit\(fitted, 'ppc_dist', df\)"):
        plot_fit(fitted, "ppc_dist", column="visits")
    with pytest.raises(FitError, match="Name the equation"):
        plot_fit(fitted, "trace")


def test_the_only_equation_needs_no_name():
    frame = pd.DataFrame({"x": [0.5, 1.0, 2.5, 4.0]})
    alone = handmade(bs.Spec(bs.Equation("x ~ 1", family="normal")), frame)
    assert set(map(str, plot_fit(alone, "trace").viz["plot"].data_vars)) == {"x_Intercept", "x_sigma"}


@pytest.mark.parametrize("histogram", [False, True])
def test_ranks_have_a_panel_a_quantity_the_worst_first(histogram):
    rng = np.random.default_rng(1)
    ranks = {("x", "Intercept"): rng.integers(0, 100, 200), ("x", "sigma"): rng.integers(30, 70, 200)}
    figure = plot_calibration(Calibration.of(ranks, 99, {}), histogram=histogram)
    figure.savefig(io.BytesIO(), format="png")
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["x: sigma", "x: Intercept"]
    if histogram:
        assert sum(bar.get_height() for bar in figure.axes[0].patches if round(bar.get_width(), 2) == 0.9) == 200
    assert len(plot_calibration(Calibration.of(ranks, 99, {}), shown=1).axes) == 1
    with pytest.raises(DataError, match="nothing to draw"):
        plot_calibration(Calibration.of({}, 99, {}))


def test_test_quantities_are_points_in_units_of_their_practical_size():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"x": rng.normal(size=300), "y": rng.normal(size=300)})
    found = bs.evaluate(frame, frame.assign(x=frame["x"] + 10), measures=["quantities"])["quantities_columns"]
    figure = plot_quantities(found, shown=8)
    figure.savefig(io.BytesIO(), format="png")
    (ax,) = figure.axes
    points = np.asarray(ax.collections[-1].get_offsets())
    assert len(points) == 8
    assert points[:, 0].max() == 5
    with pytest.raises(DataError, match="no detail"):
        plot_quantities(Measure("a", "checks", "A", 1.0, "One."))
