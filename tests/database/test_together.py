"""Copies that are drawn beside each other are those that are drawn alone."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bayessynth.database import copies as copies_room
from bayessynth.synthesis import in_sequence, sequence, together


def same(one, other):
    for table in one:
        pd.testing.assert_frame_equal(one[table], other[table])


def test_sequences_of_several_copies_are_drawn_at_a_time_to_the_same_bytes(bank, monkeypatch):
    _, fitted = bank
    synthetic = fitted.synthesize(4, random_seed=7)
    joined = []
    inner = together._joined

    def seen(some, *pool):
        joined.append(len(some))
        return inner(some, *pool)

    monkeypatch.setattr(together, "_joined", seen)
    alone = [synthetic[j] for j in range(4)]
    assert joined == []
    beside = list(synthetic.drawn(range(4), cores=1))
    assert joined == [4]
    assert [number for number, _ in beside] == [0, 1, 2, 3]
    for one, (_, other) in zip(alone, beside, strict=True):
        same(one, other)
    for one, (_, other) in zip(alone, synthetic.drawn(range(4), cores=3), strict=True):
        same(one, other)


def test_units_of_several_batches_stand_in_their_places(bank, monkeypatch):
    _, fitted = bank
    for module in (sequence, in_sequence, together):
        monkeypatch.setattr(module, "BATCH", 50)
    copy = fitted.synthesize(1, random_seed=7)[0]
    booking = copy["booking"]
    assert len(copy["account"]) > 100
    moved = np.where(booking["kind"] == "in", booking["amount"], -booking["amount"])
    sums = pd.Series(moved).groupby(booking["account_id"]).cumsum()
    np.testing.assert_allclose(booking["balance"], sums, atol=0.011)
    assert booking["account_id"].is_monotonic_increasing


def test_what_is_drawn_beside_each_other_is_bounded_by_rows(bank, monkeypatch):
    _, fitted = bank
    source = fitted.synthesize(4, random_seed=7)._source
    rows = sum(model.n for model in source.models.values())
    assert [list(run) for run in source._runs(range(4), 1)] == [[0, 1, 2, 3]]
    assert [list(run) for run in source._runs(range(4), 2)] == [[0, 1], [2, 3]]
    monkeypatch.setattr(copies_room, "BESIDE", 3.5 * rows)
    assert [list(run) for run in source._runs(range(4), 1)] == [[0, 1], [2, 3]]
    monkeypatch.setattr(copies_room, "BESIDE", 1.5 * rows)
    assert [list(run) for run in source._runs(range(4), 1)] == [[0], [1], [2], [3]]


def test_copies_without_sequences_are_drawn_one_a_thread(clinics):
    _, fitted = clinics
    synthetic = fitted.synthesize(5, random_seed=7)
    assert all(len(run) == 1 for run in synthetic._source._runs(range(5), 2))
    for number, made in synthetic.drawn([3, 1], cores=2):
        same(made, synthetic[number])


def test_writing_goes_on_with_what_is_missing_whatever_the_cores(bank, tmp_path):
    _, fitted = bank
    synthetic = fitted.synthesize(4, random_seed=7)
    synthetic.to_parquet(tmp_path / "one", cores=1, progress=False)
    for number in (1, 2):
        for file in (tmp_path / "one" / f"copy={number}").iterdir():
            file.unlink()
        (tmp_path / "one" / f"copy={number}").rmdir()
    synthetic.to_parquet(tmp_path / "one", cores=2, progress=False)
    for number in range(4):
        found = pd.read_parquet(tmp_path / "one" / f"copy={number}" / "booking.parquet")
        np.testing.assert_array_equal(found["balance"], synthetic[number]["booking"]["balance"])
