"""Any table that a user brings: free text, many levels, many columns, few rows, real files read in two ways."""

from __future__ import annotations

import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.errors import DataError, FormatWarning, SchemaError
from bayessynth.schema import check_modelled

RNG = np.random.default_rng(5)
WORDS = np.array(
    ["the", "patient", "came", "back", "with", "pain", "after", "two", "days", "of", "rest", "and", "home"]
)


def sentences(n: int) -> list[str]:
    return [" ".join(RNG.choice(WORDS, 12)) + f" {i}" for i in range(n)]


def test_free_text_is_told_from_names_of_records() -> None:
    df = pd.DataFrame({"note": sentences(200), "key": [f"patient {i}" for i in range(200)], "y": RNG.normal(size=200)})
    schema = bs.Schema.detect(df)
    assert [schema[c].kind for c in schema] == ["identifier", "identifier", "continuous"]
    assert [schema[c].free_text for c in schema] == [True, False, False]
    message = (
        r"Free text cannot be modelled, and may name people: column 'note'. Leave it out, df.drop\(columns=\['note'\]\)"
        r"; let new names of records stand for it, schema.override\(note=bs.Identifier\(\)\); or make categories of it"
    )
    with pytest.raises(SchemaError, match=message):
        check_modelled(schema.values())
    check_modelled(schema.override(note=bs.Identifier()).values())
    assert bs.Schema.from_json(schema.to_json()) == schema


def test_repeated_sentences_are_levels() -> None:
    some = sentences(8)
    assert bs.Schema.detect(pd.DataFrame({"answer": some * 25}))["answer"].kind == "categorical"


def test_many_levels_are_levels() -> None:
    df = pd.DataFrame({"x": RNG.permutation(np.repeat([f"level {i}" for i in range(10_000)], 5))})
    schema = bs.Schema.detect(df)
    assert (schema["x"].kind, len(schema["x"].levels)) == ("categorical", 10_000)
    pd.testing.assert_frame_equal(schema.decode(schema.encode(df).arrays), df)


def wide(columns: int, rows: int) -> pd.DataFrame:
    makers = [
        lambda: RNG.integers(0, 40, rows), lambda: RNG.choice(WORDS, rows), lambda: RNG.lognormal(size=rows).round(2),
        lambda: np.where(RNG.random(rows) < 0.1, np.nan, RNG.normal(size=rows)), lambda: RNG.random(rows) < 0.3,
    ]  # fmt: skip
    return pd.DataFrame({f"c{i}": makers[i % len(makers)]() for i in range(columns)})


@pytest.mark.slow
@pytest.mark.parametrize(("columns", "rows"), [(1500, 8000), (15, 10**6)])
def test_large_tables_are_encoded_in_three_seconds(columns: int, rows: int) -> None:
    df = wide(columns, rows)
    start = time.process_time()
    schema = bs.Schema.detect(df)
    schema.encode(df, missing="keep")
    assert time.process_time() - start < 3


def test_ten_rows_are_enough_and_one_is_not() -> None:
    df = pd.DataFrame(
        {"x": RNG.normal(size=10), "d": ["1.5%", "2.5%", "3.5%", "4.5%", "5.5%"] * 2, "s": list("ab") * 5}
    )
    schema = bs.Schema.detect(df)
    pd.testing.assert_frame_equal(schema.decode(schema.encode(df).arrays), df)
    with pytest.raises(
        DataError, match="The table has 1 row, from which nothing can be learnt: kinds need two or more"
    ):
        bs.Schema.detect(df[:1])


def test_a_table_can_be_read_as_numbers_and_times() -> None:
    df = pd.DataFrame({"x": ["5%", "7%", None], "t": ["1.2.2020", "13.2.2020", "3.3.2020"], "s": ["a", "b", "c"]})
    df["x"] = ["5%", "7%", "9%"]
    plain = bs.Schema.detect(df).plain(df)
    assert plain["x"].tolist() == [5, 7, 9]
    assert plain["t"].tolist() == pd.to_datetime(["2020-02-01", "2020-02-13", "2020-03-03"]).tolist()
    assert plain["s"] is not df["s"]
    assert plain["s"].tolist() == ["a", "b", "c"]


# Cells that no one way of writing restores: what the warning names, of each table when all is read as text.
UNEVEN = {
    "cdisc_sdtm/ae.csv.gz": {"AESTDTC"}, "cdisc_sdtm/cm.csv.gz": {"CMSTDTC", "CMENDTC"},
    "cdisc_sdtm/ds.csv.gz": {"DSSPID"}, "cdisc_sdtm/mh.csv.gz": {"MHSTDTC"}, "ckd_uci.csv.gz": {"pcv", "wc"},
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("how", [{}, {"dtype": str}], ids=["as pandas reads", "as text"])
def test_all_real_tables_come_back(shared_data: Path, how: dict[str, Any]) -> None:
    files = sorted(shared_data.rglob("*.csv.gz"))
    assert len(files) > 100
    for path in files:
        df = pd.read_csv(path, low_memory=False, **how)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FormatWarning)
            schema = bs.Schema.detect(df)
        names = [c for c in schema if schema[c].kind != "identifier"]
        back = schema.decode(schema.encode(df, columns=names, missing="keep").arrays)
        uneven = UNEVEN.get(path.relative_to(shared_data).as_posix(), set())
        kept = [name for name in back if name not in uneven]
        pd.testing.assert_frame_equal(back[kept], df[kept], check_exact=True)
