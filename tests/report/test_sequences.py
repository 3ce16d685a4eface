from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.errors import DataError
from bayessynth.report import plot_sequences
from bayessynth.report.page import report_html


def panel(seed: int, units: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    ids = np.repeat(np.arange(units), rng.integers(1, 6, units))
    day = pd.Series(ids).groupby(ids).cumcount().to_numpy() * 7
    return pd.DataFrame({"id": ids, "day": day, "y": rng.normal(size=len(ids)) + 0.1 * day, "s": "a"})


def test_only_means_of_the_original_are_drawn() -> None:
    original, copies = panel(1), [panel(2), panel(3)]
    figure = plot_sequences(original, copies, "id", "day", "y")
    figure.savefig(io.BytesIO(), format="png")
    means, units, lengths = figure.axes
    drawn = means.lines[-1].get_xydata()
    table = original.groupby("day")["y"].agg(["mean", "size"])
    np.testing.assert_allclose(drawn[:, 1], table["mean"][table["size"] >= 5])
    assert len(means.lines) == 3 and len(units.lines) == 30
    first = copies[0].sort_values(["id", "day"])
    np.testing.assert_allclose(units.lines[0].get_ydata(), first[first["id"] == 0]["y"])
    assert sum(bar.get_height() for bar in lengths.patches) == pytest.approx(1)


def test_dates_are_times_too() -> None:
    dated = [
        t.assign(day=pd.Timestamp("2020-01-01") + pd.to_timedelta(t["day"], unit="D")) for t in (panel(1), panel(2))
    ]
    assert len(plot_sequences(dated[0], dated[1:], "id", "day", "y").axes[0].lines) == 2


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(DataError, match=r"no column .days. in the data\. Did you mean .day."):
        plot_sequences(panel(1), [panel(2)], "id", "days", "y")
    with pytest.raises(DataError, match="'s' holds no numbers"):
        plot_sequences(panel(1), [panel(2)], "id", "day", "s")


def test_a_report_of_sequences_draws_means_by_time() -> None:
    original = panel(1)
    spec = bs.Spec(rest="tree", unit="id", time="day")
    copies = spec.fit(original, copies=3, random_seed=1).synthesize(m=3, random_seed=1)
    page = report_html(bs.evaluate(original, copies, measures=["univariate"]))
    section = page[page.index('id="trajectories"') :]
    assert "y by day" in section and "copies at" in section and 'href="#trajectories"' in page
    plain = bs.evaluate(original, [original], measures=["univariate"])
    assert 'id="trajectories"' not in report_html(plain)
