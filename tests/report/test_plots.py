from __future__ import annotations

import io

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from bayessynth.errors import DataError
from bayessynth.report import plot_columns, plot_groups


def table(seed: int, n: int = 80, sites: int = 4) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "site": rng.choice([f"Site with a name {i}" for i in range(sites)], n),
            "amount": np.where(rng.random(n) < 0.3, 0.0, rng.lognormal(3, 2, n)),
            "visits": rng.negative_binomial(0.5, 0.05, n),
            "age": rng.integers(20, 60, n),
            "x": rng.normal(size=n),
            "stage": pd.Categorical(rng.choice(["I", "II"], n), ["I", "II", "III"], ordered=True),
            "sick": rng.random(n) < 0.4,
            "seen": pd.Timestamp("2020-02-29") + pd.to_timedelta(rng.integers(0, 900, n), unit="D"),
        }
    )


def render(figure: Figure) -> None:
    figure.savefig(io.BytesIO(), format="png")


@pytest.mark.parametrize("n_copies", [1, 5])
def test_every_kind_of_column_has_a_panel_with_its_name(n_copies):
    original = table(0)
    figure = plot_columns(original, [table(j + 1, n=50) for j in range(n_copies)])
    render(figure)
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert titles[: len(original.columns)] == list(original)


def test_bars_are_the_originals_shares():
    original = pd.DataFrame({"sex": ["f", "f", "f", "m"]})
    (ax,) = plot_columns(original, [original]).axes
    assert [bar.get_height() for bar in ax.patches] == [0.75, 0.25]


def test_bins_of_counts_cover_all_values():
    original = table(3, 2000)
    (ax,) = plot_columns(original, [table(4, 2000)], ["visits"]).axes
    assert sum(bar.get_height() for bar in ax.patches) == pytest.approx(1.0)
    labels = [tick.get_text() for tick in ax.get_xticklabels()]
    assert labels[:6] == ["0", "1", "2", "3", "4", "5–9"]
    assert labels[-1].startswith("≥")


@pytest.mark.parametrize("sites", [4, 30])
def test_group_means_of_original_and_copies_are_drawn(sites):
    figure = plot_groups(table(0, 600, sites), [table(1, 600, sites), table(2, 600, sites)], "site", ["x", "sick"])
    render(figure)
    assert [ax.get_ylabel() for ax in figure.axes] == ["mean of x", "share of sick"]
    assert len(figure.axes[0].collections[0].get_offsets()) == sites


def test_at_most_so_many_copies_are_asked_for():
    asked = []

    def copies():
        for j in range(50):
            asked.append(j)
            yield table(j)

    plot_groups(table(0), copies(), "site", ["x"], shown=3)
    assert len(asked) <= 4


def test_no_figure_stays_open():
    before = plt.get_fignums()
    plot_columns(table(0), [table(1)])
    assert plt.get_fignums() == before


def test_an_unknown_column_is_met_with_the_nearest():
    with pytest.raises(DataError, match="Did you mean 'visits'"):
        plot_columns(table(0), [table(1)], ["visit"])
