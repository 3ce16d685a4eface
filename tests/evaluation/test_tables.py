"""The encoding that all measures share, and what tables are refused or warned of."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.errors import DataError, TableWarning
from bayessynth.evaluation import registry
from bayessynth.evaluation.measure import Measure, judged, over_copies, worst
from bayessynth.evaluation.tables import read_tables


def table(n: int = 60, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "id": [f"p{i:04d}" for i in rng.permutation(10 * n)[:n]], "x": rng.normal(size=n).round(2),
            "few": rng.integers(0, 3, n), "s": rng.choice(["a", "b", None], n),
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 90, n), "D"),
            "flag": rng.random(n) < 0.4,
            "site": rng.integers(0, 6, n),
        }
    )  # fmt: skip


def test_columns_are_told_apart_and_missing_cells_are_a_level() -> None:
    df = table()
    tables = read_tables(df, [table(seed=2)], groups=["site"])
    assert tables.numbers == ("x", "few", "day")
    assert tables.levels == ("s", "flag")
    assert (tables.identifiers, tables.groups) == (("id",), ("site",))
    codes = tables.original.codes["s"]
    assert set(codes) == {0, 1, tables.sizes["s"] - 1}
    assert ((codes == tables.sizes["s"] - 1) == df["s"].isna()).all()
    assert tables.original.codes["x"].max() <= 9
    assert tables.original.values["day"].min() >= 18262  # days since 1970


def test_a_level_that_the_original_lacks_is_a_code_of_its_own() -> None:
    df = table()
    made = table(seed=2).assign(s="zz")
    made.loc[0, "s"] = "a"
    tables = read_tables(df, [made])
    assert (tables.copies[0].codes["s"] == tables.sizes["s"] - 2).sum() == 59


def test_dtypes_do_not_matter() -> None:
    df = table()
    other = df.assign(s=df["s"].astype("category"), flag=df["flag"].astype(object), few=df["few"].astype("Int64"))
    tables = read_tables(df, [other])
    for column in tables.columns:
        assert (tables.original.codes[column] == tables.copies[0].codes[column]).all(), column


def test_columns_that_copies_lack_are_named_once() -> None:
    df = table()
    with pytest.warns(TableWarning, match="Not in every copy, so not judged: 'x', 's'") as found:
        tables = read_tables(df, [table(seed=s).drop(columns=["x", "s"]) for s in (2, 3)])
    assert len(found) == 1
    assert "x" not in tables.columns


def test_text_that_is_written_in_another_way_is_named() -> None:
    df = table()
    with pytest.warns(
        TableWarning, match=r"Column 's': no value of the copies occurs in the original, ' a' against 'a'"
    ):
        read_tables(df, [table(seed=2).assign(s=lambda f: " " + f["s"])])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"original": pd.DataFrame()}, "original must be a DataFrame with at least one row"),
        ({"copies": []}, "no copy to judge"),
        ({"copies": [pd.DataFrame({"q": [1]})]}, "Copy 0 lacks 7 of the original's columns: 'id', 'x'"),
        ({"copies": [table().head(0)]}, "Copy 0 must be a DataFrame with at least one row"),
        ({"holdout": table().drop(columns="x")}, "The holdout lacks 1 of the original's columns: 'x'"),
        ({"keys": ["flagg"]}, r"keys=: there is no column 'flagg' in the original\. Did you mean 'flag'"),
        ({"target": "y"}, "target=: there is no column 'y'"),
        ({"groups": ["sites"]}, r"groups=: there is no column 'sites'.*Did you mean 'site'"),
        ({"measures": ["pmsee"]}, r"no measure 'pmsee'\. Did you mean 'pmse'"),
        ({"random_seed": -1}, "random_seed=-1 must be a whole number"),
        (
            {"copies": [table().assign(x="?")]},
            r"Column 'x' holds numbers in the original, but copy 0 has '\?' in row 0",
        ),
        ({"analyses": ["x ~ few"]}, r"analyses= takes \(formula, model\)"),
        ({"analyses": [("x ~ few", "olz")]}, "no analysis model='olz'"),
    ],
)
def test_what_cannot_be_judged_is_refused(change: dict, message: str) -> None:
    given = {"original": table(), "copies": [table(seed=2)], **change}
    with pytest.raises(DataError, match=message):
        bs.evaluate(**given)


def test_only_identifiers_leave_nothing_to_judge() -> None:
    with pytest.raises(DataError, match="No column is left to judge"):
        read_tables(table()[["id"]], [table(seed=2)[["id"]]])


def test_streams_depend_on_their_purpose_alone() -> None:
    tables = read_tables(table(), [table(seed=2)], entropy=3)
    assert tables.rng("a", 1).integers(10**9) == tables.rng("a", 1).integers(10**9)
    assert tables.rng("a", 1).integers(10**9) != tables.rng("a", 2).integers(10**9)


def test_an_evaluation_is_the_same_for_the_same_seed_and_prints_short() -> None:
    df, made = table(), [table(seed=2), table(seed=3)]
    first, second = (bs.evaluate(df, made, measures=["univariate", "pairs"], random_seed=5) for _ in range(2))
    assert first.to_frame().equals(second.to_frame())
    assert str(first).splitlines()[0].startswith("Evaluation of 2 copies (n=60, k=60): ")
    assert first.of("checks") == ()
    with pytest.raises(DataError, match="no measure 'pmse' in this evaluation"):
        first["pmse"]


def test_specific_utility_of_a_target_and_of_named_analyses() -> None:
    rng = np.random.default_rng(0)

    def sample(slope: float) -> pd.DataFrame:
        x = rng.normal(size=400)
        return pd.DataFrame({"x": x, "s": rng.choice(["a", "b"], 400), "y": slope * x + rng.normal(size=400)})

    df, good, bad = sample(1.0), [sample(1.0) for _ in range(5)], [sample(-1.0) for _ in range(5)]
    found = bs.evaluate(df, good, target="y", measures=["specific"])["overlap"]
    assert found.verdict == "pass"
    assert len(found.detail) == 3
    found = bs.evaluate(df, bad, analyses=[("y ~ x", "ols"), ("s", "proportion")], measures=["inference"])
    assert found["overlap"].verdict == "fail"
    assert found["overlap"].detail["term"][0] == "x"
    assert found["overlap_2"].verdict == "pass"
    failed = bs.evaluate(df, bad, analyses=[("y ~ z", "ols")], measures=["inference"])["overlap"]
    assert "could not be made: 'z': name 'z' is not defined" in failed.reading


def test_the_regression_of_a_target_takes_groups_into_account() -> None:
    rng = np.random.default_rng(4)

    def sample() -> pd.DataFrame:
        site = np.repeat(np.arange(40), 15)
        x = rng.normal(size=40)[site]
        return pd.DataFrame({"x": x, "y": x + rng.normal(size=40)[site] + rng.normal(size=600), "site": site})

    df, copies = sample(), [sample() for _ in range(5)]
    blind = bs.evaluate(df, copies, target="y", measures=["specific"])["overlap"]
    aware = bs.evaluate(df, copies, target="y", groups=["site"], measures=["specific"])["overlap"]
    width = {name: (m.detail["original_high"] - m.detail["original_low"]).max() for name, m in
             (("blind", blind), ("aware", aware))}  # fmt: skip
    assert width["aware"] > 2 * width["blind"]
    assert aware.value > blind.value


def test_an_error_of_one_measure_does_not_cost_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(tables):
        raise DataError("no use")
        yield

    entry = registry.entries("utility")[0]
    monkeypatch.setitem(registry._ENTRIES, entry.name, registry.Entry(entry.name, entry.room, broken))
    found = bs.evaluate(table(), [table(seed=2)], measures=[entry.name, "univariate"])
    assert found[entry.name].reading == "Could not be computed: no use"
    assert len(found) > 1


def test_verdicts() -> None:
    assert [judged(v, 0.0, 0.1) for v in (0.1, 0.3, 0.31)] == ["pass", "warn", "fail"]
    assert judged(float("nan"), 0.0, 0.1) == "info"
    assert judged(-1.0, 0.0, 0.1, "higher") == "fail"
    assert worst([]) == "info"
    assert over_copies([0.5]) == (0.5, None)
    assert Measure("a", "utility", "A", 1.0, "One.").to_row()["verdict"] == "info"


def test_numbers_and_dates_that_stand_as_text_are_read_as_such():
    rng = np.random.default_rng(1)
    written = pd.DataFrame(
        {
            "pay": [f"{v:,}" for v in rng.integers(1000, 99_999, 100)],
            "day": pd.date_range("2020-01-31", periods=100).strftime("%d.%m.%Y"),
            "sex": ["f", "m"] * 50,
        }
    )
    tables = read_tables(written, [written.head(60)], written.tail(50))
    assert tables.numbers == ("pay", "day")
    assert tables.levels == ("sex",)
    assert tables.copies[0].values["pay"][0] == float(written["pay"][0].replace(",", ""))
    assert tables.written_original["pay"].tolist() == written["pay"].tolist()


def test_text_that_a_copy_writes_in_another_way_stays_text():
    written = pd.DataFrame({"pay": ["1,200.50", "980.00", "1,050.25"] * 10, "x": range(30)})
    with pytest.warns(TableWarning, match="written in another way"):
        tables = read_tables(written, [written.assign(pay="much")])
    assert tables.levels == ("pay",)
