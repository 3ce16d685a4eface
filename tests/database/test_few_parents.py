"""Parents that are few, one of them far larger than all others: relations with their number of children are kept."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs

M = 10


def towns() -> dict[str, pd.DataFrame]:
    """Sixty towns of log-normal size, one far out; budget and number of shops go with size."""
    rng = np.random.default_rng(0)
    size = np.exp(rng.normal(4, 0.6, 60))
    size[0] = np.exp(4 + 0.6 * 4)
    budget = size * np.exp(rng.normal(0, 0.1, 60))
    town = pd.DataFrame({"town_id": np.arange(60), "size": size.round(), "budget": budget.round(1)})
    at = np.repeat(np.arange(60), rng.poisson(0.6 * size))
    shop = pd.DataFrame({"town_id": at, "area": rng.gamma(4, 20, len(at)).round()})
    return {"town": town, "shop": shop}


def number(tables: dict[str, pd.DataFrame]) -> np.ndarray:
    counted = tables["shop"].groupby("town_id").size()
    return counted.reindex(tables["town"]["town_id"]).fillna(0).to_numpy(dtype=float)


def test_the_number_of_children_goes_with_what_it_went_with() -> None:
    tables = towns()
    copies = list(bs.Database(tables).fit(copies=M, random_seed=1).synthesize(M, random_seed=2))
    for column in ("size", "budget"):
        own = np.corrcoef(number(tables), tables["town"][column])[0, 1]
        kept = [np.corrcoef(number(copy), copy["town"][column])[0, 1] for copy in copies]
        assert np.mean(kept) == pytest.approx(own, abs=0.05)
    # The largest is drawn anew each time, with noise of its own in each column.
    largest = tables["town"].loc[0, ["size", "budget"]].to_numpy(dtype=float)
    drawn = pd.concat([copy["town"] for copy in copies])[["size", "budget"]].to_numpy(dtype=float)
    far = np.abs(drawn / largest - 1)
    assert (far.max(axis=1) > 0.001).all() and np.median(far[drawn[:, 0] > 0.7 * largest[0]].max(axis=1)) > 0.05
    every = np.sort(np.concatenate([number(copy) for copy in copies]))
    grid = np.sort(number(tables))
    below = np.searchsorted(every, grid, side="right") / len(every)
    assert np.abs(below - np.searchsorted(grid, grid, side="right") / 60).max() < 0.1
    # The total varies with the largest towns' weights.
    totals = np.array([number(copy).sum() for copy in copies])
    assert abs(totals.mean() - number(tables).sum()) < 3 * totals.std() / np.sqrt(M)


def test_a_child_with_keys_alone_is_drawn() -> None:
    tables = towns()
    tables["shop"] = tables["shop"][["town_id"]].assign(shop_id=np.arange(len(tables["shop"])))
    copy = bs.Database(tables).fit(copies=2, random_seed=1).synthesize(1, random_seed=2)[0]
    assert copy["shop"]["town_id"].isin(copy["town"]["town_id"]).all()
