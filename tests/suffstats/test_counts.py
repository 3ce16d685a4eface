"""Counts of distinct rows: what is counted, when counting stops, and densities with the counts as weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bayessynth as bs
from bayessynth.design import bind, centring, component
from bayessynth.fitting.density import Density
from bayessynth.graph import build
from bayessynth.suffstats import Counts, Rows, bind_statistics, counts
from bayessynth.suffstats.counts import counted
from tests.suffstats.tables import read_in, spec, table


def rows(frame: pd.DataFrame) -> Rows:
    return Rows({"y": frame["y"].to_numpy(), "a": frame["a"].to_numpy()}, {"g": frame["g"].to_numpy()}, len(frame))


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    cells = draw(st.lists(st.tuples(st.floats(-3, 3).map(lambda v: round(v, 1)), st.integers(0, 2), st.integers(0, 3)),
                          min_size=1, max_size=40))  # fmt: skip
    return pd.DataFrame(cells, columns=["y", "a", "g"]).assign(y=lambda d: d["y"] + 0.0)


@given(frames(), st.integers(1, 40))
def test_counts_are_those_of_pandas_however_the_rows_are_parted(frame: pd.DataFrame, size: int) -> None:
    expected = frame.groupby(["y", "a", "g"]).size().reset_index(name="n").sort_values(["y", "a", "g"])
    whole = counted(rows(frame))
    parts = [counted(rows(frame[i : i + size])) for i in range(0, len(frame), size)]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    for found in (whole, total, counted(rows(frame[::-1]))):
        assert found.n == len(frame)
        np.testing.assert_array_equal(found.counts, expected["n"])
        for name, values in found.distinct.arrays.items():
            np.testing.assert_array_equal(values, expected[name])
    again = pd.DataFrame(dict(whole.rows().arrays)).sort_values(["y", "a", "g"], ignore_index=True)
    pd.testing.assert_frame_equal(again, frame.sort_values(["y", "a", "g"], ignore_index=True), check_dtype=False)


def test_counting_stops_where_it_does_not_compress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "FEW", 20)
    frame = pd.DataFrame({"x": np.r_[np.zeros(100), np.arange(100) / 4], "k": np.tile([1, 2, 0, 3], 50)})
    own = bs.Spec(bs.Equation("x ~ 1", family="student_t"), bs.Equation("k ~ 1", family="poisson"))
    with read_in(50):
        found = own.sufficient_statistics(frame, schema=bs.Schema.detect(frame))
    assert isinstance(found.parts["x"].statistic, Rows) and isinstance(found.parts["k"].statistic, Counts)
    np.testing.assert_array_equal(found.parts["x"].statistic.columns["x"], np.sort(frame["x"]))
    assert found.parts["k"].statistic.counts.tolist() == [50] * 4


def test_no_rows_are_no_counts() -> None:
    nothing = counted(Rows({"y": np.empty(0)}, {}, 0))
    assert nothing.n == 0 and (nothing + nothing).n == 0
    without = counted(Rows({}, {}, 0))
    assert without.size == 0 and without.distinct.n == 0


@pytest.mark.parametrize("column", ["visits", "stage", "share", "beds"])
def test_weights_in_the_density_count_rows(column: str) -> None:
    frame = table()
    own = bind_statistics(spec().sufficient_statistics(frame)).inputs[column]
    if own.weights is None:
        assert column == "beds"
        return
    assert len(own.y) < own.weights.sum() == len(frame)
    weighted = Density(own)
    reference = Density(component(*bind(spec(), frame), column))
    theta = 0.3 * np.random.default_rng(1).standard_normal(reference.parameters.size)
    (value, slope), (expected, gradient) = weighted(theta), reference(theta)
    assert value == pytest.approx(expected, rel=1e-8)
    np.testing.assert_allclose(slope, gradient, rtol=1e-8, atol=1e-8)


def test_reliability_counts_rows() -> None:
    own = bind_statistics(spec().sufficient_statistics(table())).inputs["visits"]
    assert own.weights is not None
    assert centring.reliability(own, "site") == pytest.approx(centring.reliability(own.expanded(), "site"), rel=1e-10)


def test_the_graph_takes_the_expanded_component() -> None:
    own = bind_statistics(spec().sufficient_statistics(table())).inputs["stage"]
    model = build(own.expanded())
    assert len(model.coords["row"]) == 600
    assert own.expanded().expanded() is not own and own.expanded().weights is None


def test_a_fit_of_counts_is_that_of_the_rows() -> None:
    """The same posterior within the noise of the draws, by engines that are handed the counts."""
    frame = table()
    chosen = bs.Spec(*[e for e in spec() if e.response in ("visits", "stage", "sex", "age")], rest="drop")
    options: dict[str, Any] = {"draws": 500, "tune": 100, "chains": 2, "random_seed": 1, "progress": False}
    rows, counts = chosen.fit(frame, **options), chosen.fit(chosen.sufficient_statistics(frame), **options)
    assert rows.provenance["engine"] == counts.provenance["engine"]
    for name, values in rows.idata["posterior"].data_vars.items():
        other, spread = counts.idata["posterior"][name], values.std(("chain", "draw")) + 1e-12
        away = abs(values.mean(("chain", "draw")) - other.mean(("chain", "draw"))) / spread
        assert float(away.max()) < 0.25, name
