"""The gallery of databases: its files run on the shared data."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

MODELS = Path(__file__).parents[2] / "models" / "databases"


def test_the_keys_of_berka_are_found(shared_data):
    database = runpy.run_path(str(MODELS / "berka.py"))["load"](shared_data / "berka")
    assert len(database.keys) == 8
    assert dict(database.children().set_index("key")["most"])["disp.client_id → client"] == 1


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::bayessynth.errors.TableWarning")
def test_berka_is_fitted_and_drawn_with_its_keys(shared_data):
    database = runpy.run_path(str(MODELS / "berka.py"))["load"](shared_data / "berka")
    copy = database.fit(copies=1, random_seed=1).synthesize(1, random_seed=2)[0]
    for key in database.keys:
        assert copy[key.table][key.column].isin(copy[key.parent][key.parent_column]).all()
    assert copy["disp"]["client_id"].is_unique
