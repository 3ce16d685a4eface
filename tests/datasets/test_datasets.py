from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from bayessynth import datasets
from bayessynth.datasets import rand_hie
from bayessynth.errors import DataError

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def hie() -> pd.DataFrame:
    return datasets.load("rand_hie")


@pytest.mark.parametrize("name", datasets.names())
def test_every_table_loads_is_described_and_small(name):
    frame = datasets.load(name)
    assert len(frame) > 0
    text = datasets.describe(name)
    documented = re.findall(r"^(\w+) : ", text.split("Known oddities")[0], flags=re.MULTILINE)
    assert documented == list(frame.columns)
    assert "Source" in text
    files = [path for path in (ROOT / "bayessynth" / "datasets").glob(f"{name}.*") if path.suffix != ".py"]
    assert 0 < sum(path.stat().st_size for path in files) <= 300_000


def test_each_load_is_a_new_frame():
    first = datasets.load("rand_hie")
    first["visits"] = -1
    assert (datasets.load("rand_hie")["visits"] >= 0).all()


def test_a_misspelt_name_is_met_with_the_nearest():
    with pytest.raises(DataError, match=r"no bundled table is called 'rand_hei'\. Did you mean 'rand_hie'"):
        datasets.load("rand_hei")
    with pytest.raises(DataError, match="The tables are: rand_hie"):
        datasets.describe("zzz")


def test_rand_hie_has_the_stated_types_and_no_others(hie):
    assert {name: hie[name].dtype for name in hie if name != "site"} == {
        name: pd.api.types.pandas_dtype(dtype) for name, dtype in rand_hie.DTYPES.items() if name != "site"
    }
    assert pd.api.types.is_string_dtype(hie["site"])


def test_rand_hie_is_persons_in_sites_with_all_their_years(hie):
    persons = hie.groupby("person")
    assert list(persons.groups) == list(range(1, 1001))
    for column in ("site", "plan", "coinsurance", "female", "income"):
        assert (persons[column].nunique() == 1).all()
    assert hie["site"].nunique() == 6
    assert not hie.duplicated(["person", "year"]).any()
    assert (persons["year"].max() - persons["year"].min() + 1 == persons.size()).mean() > 0.98


def test_rand_hie_keeps_the_shape_that_makes_it_hard(hie):
    assert (hie["visits"] == 0).mean() == pytest.approx(0.31, abs=0.01)
    assert (hie["expenditure"] == 0).mean() == pytest.approx(0.22, abs=0.01)
    missing = hie.isna().mean()
    assert missing[missing > 0].round(2).to_dict() == {
        "black": 0.01,
        "education": 0.01,
        "health": 0.26,
        "diseases": 0.41,
        "limited": 0.05,
    }
    assert hie.loc[hie["age"] < 14, "diseases"].isna().mean() > 0.99
    assert hie.loc[hie["age"] >= 18, "diseases"].isna().mean() < 0.1


def test_rand_hie_is_remade_byte_for_byte_from_statsmodels(tmp_path):
    target = tmp_path / "rand_hie.csv"
    script = ROOT / "scripts" / "make_rand_hie.py"
    subprocess.run([sys.executable, str(script), str(target)], check=True, capture_output=True, text=True)
    assert target.read_bytes() == (ROOT / "bayessynth" / "datasets" / "rand_hie.csv").read_bytes()


def test_the_source_is_the_one_that_is_described(shared_data):
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        from make_rand_hie import source_file
    finally:
        sys.path.pop(0)
    described = pd.read_csv(shared_data / "randhie_full.csv.gz", low_memory=False)
    pd.testing.assert_frame_equal(pd.read_csv(source_file()), described)
