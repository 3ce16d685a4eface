"""Statistics of tables: bound, added up and fitted they are what the rows are."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.design import bind, component
from bayessynth.errors import DataError, FitError, MissingDataError, MissingRowsWarning, SpecError
from bayessynth.suffstats import Sums, bind_statistics
from tests.suffstats.tables import read_in, same_as_rows, same_bound, spec, table

SHORT = {"draws": 300, "tune": 200, "chains": 2, "random_seed": 3, "progress": False, "cores": 1}
SMALL = bs.Spec(bs.Equation("y ~ x + (1 | site)", family="normal"), bs.Equation("x ~ 1", family="normal"),
                "sex ~ 1", rest="drop")  # fmt: skip


def test_statistics_of_a_table_hold_what_its_rows_hold() -> None:
    found = spec().sufficient_statistics(table())
    same_as_rows(found, table())
    assert found.exact and found.n == 600 and 0 < found.size < 100_000


@pytest.mark.parametrize(("least", "size"), [(300, 1), (300, 7), (300, 211), (599, 599), (300, 600)])
def test_chunks_of_any_size_add_up_to_the_table(least: int, size: int) -> None:
    frame = table()
    with read_in(size, least):
        found = spec().sufficient_statistics(frame, schema=bs.Schema.detect(frame))
    assert least <= found.learnt.rows < 600 + (size == 600)
    same_as_rows(found, frame, bs.Schema.detect(frame))


@pytest.mark.parametrize(
    ("one", "two"), [((0, 1, 2, 3, 4, 5), (4, 5, 6, 7, 8)), ((5, 6, 7), (0, 1, 2)), ((3,), (0, 1, 2, 5))]
)
def test_two_hospitals_are_one_table(one: tuple[int, ...], two: tuple[int, ...]) -> None:
    first, second = table(400, 1, one), table(300, 2, two)
    both = pd.concat([first, second], ignore_index=True)
    schema = bs.Schema.detect(both)
    own = spec().sufficient_statistics(first, schema=schema)
    other = spec().sufficient_statistics(second, like=own)
    same_as_rows(own + other, both, schema)
    same_as_rows(other + own, both, schema)


def test_a_schema_that_was_detected_widens_to_all_rows() -> None:
    first, second = table(400, 1), table(300, 2)
    second.loc[7, "x"], second.loc[8, "visits"] = 55.5, 99
    own = spec().sufficient_statistics(first)
    same_as_rows(own + spec().sufficient_statistics(second, like=own), pd.concat([first, second], ignore_index=True))


def test_the_posterior_does_not_depend_on_the_order_in_which_parts_are_added() -> None:
    frame = table()
    own = spec().sufficient_statistics(frame[:200], schema=bs.Schema.detect(frame))
    parts = [
        own,
        *(spec().sufficient_statistics(frame[a:b], like=own) for a, b in ((200, 201), (201, 450), (450, 600))),
    ]
    for order in itertools.islice(itertools.permutations(range(4)), 0, 24, 5):
        a, b, c, d = (parts[i] for i in order)
        same_as_rows((a + b) + (c + d), frame, bs.Schema.detect(frame))
        same_as_rows(a + ((b + c) + d), frame, bs.Schema.detect(frame))


def test_the_marginal_likelihood_from_sums_is_that_from_rows() -> None:
    from bayessynth.fitting.gaussian import Gaussian
    from bayessynth.suffstats import gram

    frame = table()
    with read_in(70, 300):
        found = bind_statistics(spec().sufficient_statistics(frame, schema=bs.Schema.detect(frame)))
    bound, data = bind(spec(), frame)
    for column in ("y", "cost"):
        own, rows = found.inputs[column], component(bound, data, column)
        assert isinstance(own, Sums)
        one, other = Gaussian(own.equation, own.labels, own.gram), Gaussian(rows.equation, rows.labels, gram(rows))
        thetas = 0.3 * np.random.default_rng(1).standard_normal((5, one.size))
        np.testing.assert_allclose(np.diff(one.values(thetas, 1)), np.diff(other.values(thetas, 1)), rtol=1e-8)


def test_a_fit_of_statistics_is_that_of_the_table(tmp_path) -> None:
    frame = table()
    rows = SMALL.fit(frame, **SHORT)
    own = SMALL.sufficient_statistics(frame[:350], schema=bs.Schema.detect(frame))
    other = SMALL.sufficient_statistics(frame[350:], like=own)
    fitted = SMALL.fit([own, other], **SHORT)
    same_bound(fitted.bound, SMALL.fit(frame, schema=bs.Schema.detect(frame), **SHORT).bound)
    assert (
        fitted.provenance["engine"] == rows.provenance["engine"] == {"sex": "laplace", "x": "marginal", "y": "marginal"}
    )
    assert fitted.provenance["rows"] == rows.provenance["rows"]
    for name, values in rows.idata["posterior"].data_vars.items():
        own_values = fitted.idata["posterior"][name]
        assert own_values.dims == values.dims
        np.testing.assert_allclose(own_values.mean(), values.mean(), atol=0.15 * float(values.std()))
        np.testing.assert_allclose(own_values.std(), values.std(), rtol=0.15)
    for sizes, reference in zip(fitted.groups.sizes.values(), rows.groups.sizes.values(), strict=True):
        np.testing.assert_array_equal(sizes.mean, reference.mean)
    said = fitted.provenance["statistics"]
    assert said["kinds"]["y"] == "sums of products" and said["exact"] and said["learnt_from_rows"] == 350
    assert len(bs.load(fitted.save(tmp_path / "fit")).synthesize(m=1, force=True, random_seed=1).copies[0]) == 600
    assert "log_likelihood" in fitted.to_datatree(frame, "y", m=2, random_seed=1)
    with pytest.raises(DataError, match="which have 600 rows, but 599"):
        fitted.to_datatree(frame[1:], "y")


def test_statistics_alone_make_the_groups_of_rows_known() -> None:
    frame = table()
    fitted = SMALL.fit(SMALL.sufficient_statistics(frame), keep_groups=True, **SHORT)
    codes = np.sort(frame["site"].astype("category").cat.codes)
    np.testing.assert_array_equal(fitted.groups.observed["site"], codes)
    assert fitted.groups.labels["site"] == tuple(sorted(set(frame["site"])))


def test_crossed_groups_are_planned_and_counted_as_from_rows() -> None:
    own = bs.Spec(bs.Equation("y ~ (1 | site) + (1 | rater)", family="normal"), rest="drop")
    frame = table(2000)
    found = own.sufficient_statistics(frame)
    same_as_rows(found, frame)
    grouping, rows = bind_statistics(found).grouping, bind(own, frame)[1].grouping
    assert grouping.total == rows.n == 2000
    np.testing.assert_array_equal(grouping.count("row", "site", "rater"), rows.count("row", "site", "rater"))
    balanced = pd.concat([frame.drop_duplicates(["site", "rater"])] * 2, ignore_index=True)
    plan = bind_statistics(own.sufficient_statistics(balanced)).bound.plan
    assert plan == bind(own, balanced)[0].plan and plan.balanced == 2


def test_few_rows_a_combination_are_kept_as_rows() -> None:
    frame = table(400)
    frame["subject"] = np.arange(400) // 2
    own = bs.Spec(bs.Equation("y ~ x + (1 | subject)", family="normal"), "x ~ 1", rest="drop")
    found = own.sufficient_statistics(frame)
    assert {row[0]: row[1] for row in found.table()}["y"] == "counts of distinct rows"
    same_as_rows(found, frame)


def with_gaps() -> pd.DataFrame:
    frame = table()
    rng = np.random.default_rng(5)
    for column in ("x", "y", "age", "beds"):
        frame[column] = frame[column].astype(float).mask(rng.random(600) < 0.05)
    frame["sex"] = frame["sex"].mask(rng.random(600) < 0.05)
    return frame


def test_missing_cells_are_left_out_as_from_rows() -> None:
    frame = with_gaps()
    schema = bs.Schema.detect(frame)
    small = bs.Spec(*[e for e in spec() if e.response not in ("share", "dose", "cost")], rest="drop")
    with read_in(100, 200), pytest.warns(MissingRowsWarning) as heard:
        found = small.sufficient_statistics(frame, schema=schema, missing="drop")
    with warnings.catch_warnings(record=True) as expected:
        warnings.simplefilter("always")
        bind(small, frame, schema, "drop")
    assert {str(w.message) for w in heard} == {str(w.message) for w in expected}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MissingRowsWarning)
        same_as_rows(found, frame, schema)
    with pytest.raises(MissingDataError, match=r"Missing cells in columns? '\w+' \(\d+ of rows 0 to 599"):
        small.sufficient_statistics(frame)


def test_a_column_of_the_groups_with_gaps_is_fitted_to_the_groups_that_have_it() -> None:
    frame = table()
    frame["beds"] = frame["beds"].astype(float).mask(frame["site"].isin(["s03", "s07"]))
    own = bs.Spec(
        bs.Equation("beds ~ 1", family="poisson"), bs.Equation("y ~ (1 | site)", family="normal"), rest="drop"
    )
    with read_in(100, 300), pytest.warns(MissingRowsWarning, match=r"'beds': 2 of 12 rows .* missing in beds"):
        found = own.sufficient_statistics(frame, schema=bs.Schema.detect(frame), missing="drop")
    assert bind_statistics(found).rows["beds"] == 10
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MissingRowsWarning)
        same_as_rows(found, frame, bs.Schema.detect(frame))


def test_a_column_that_turns_out_to_vary_within_groups_is_one_of_the_rows() -> None:
    frame = table().sort_values("site", ignore_index=True)
    frame.loc[599, "beds"] += 1
    with read_in(100, 300):
        found = spec().sufficient_statistics(frame, schema=bs.Schema.detect(frame))
    assert bind_statistics(found).bound.levels["beds"] == "row"
    same_as_rows(found, frame, bs.Schema.detect(frame))
    declared = spec().replace(bs.Equation("beds ~ 1", family="poisson", level="site"))
    with read_in(100, 300), pytest.raises(SpecError, match=r"level='site', but the column varies within some of 12"):
        declared.sufficient_statistics(frame, schema=bs.Schema.detect(frame))


def test_kept_columns_are_known() -> None:
    own = bs.Spec(bs.Equation("y ~ x", family="normal"), rest="keep")
    frame = table()[["y", "x", "sex"]]
    found = own.sufficient_statistics(frame)
    same_as_rows(found, frame)
    assert bind_statistics(found).bound.kept == ("x", "sex")


def test_what_is_held_is_said_for_every_equation() -> None:
    text = repr(spec().sufficient_statistics(table()))
    assert "12 combinations of site" in text and "the 24 distinct rows of stage, age, sex" in text
    assert "12 labels of site, 2 labels of ward" in text and "They disclose what they hold" in text


def other_schema(frame: pd.DataFrame) -> dict[str, Any]:
    return {"schema": bs.Schema.detect(frame).override(x=bs.Continuous(bounds=(-100, 100)))}


def test_what_does_not_add_up_is_named() -> None:
    frame = table()
    own = SMALL.sufficient_statistics(frame)
    with pytest.raises(DataError, match=r"schemas differ in column 'x'\. Make one of them with like=the other"):
        own + SMALL.sufficient_statistics(frame, **other_schema(frame))
    with pytest.raises(SpecError, match="different specs"):
        own + spec().sufficient_statistics(frame)
    with pytest.raises(SpecError, match="of another spec"):
        spec().sufficient_statistics(frame, like=own)
    with pytest.raises(DataError, match="leave schema= out"):
        SMALL.sufficient_statistics(frame, like=own, schema=bs.Schema.detect(frame))
    with pytest.raises(DataError, match="say the same here"):
        SMALL.sufficient_statistics(frame, like=own, missing="drop")
    with pytest.raises(DataError, match=r"like= takes bs\.SufficientStatistics, not dict"):
        SMALL.sufficient_statistics(frame, like={})
    scaled = bs.Spec(bs.Equation("y ~ scale(x)", family="normal"), "x ~ 1", rest="drop")
    with pytest.raises(DataError, match="equation for 'y' was coded otherwise"):
        scaled.sufficient_statistics(frame, schema=bs.Schema.detect(frame)) + scaled.sufficient_statistics(
            frame[:300], schema=bs.Schema.detect(frame)
        )
    with pytest.raises(DataError, match=r"missing='error', the other with 'drop'"):
        own + SMALL.sufficient_statistics(frame, missing="drop")
    assert own.__add__(3) is NotImplemented


def test_a_fit_takes_nothing_that_does_not_go_with_statistics() -> None:
    own = SMALL.sufficient_statistics(table())
    with pytest.raises(DataError, match="of another spec"):
        spec().fit(own, **SHORT)
    with pytest.raises(DataError, match="schema= and missing= are for a table"):
        SMALL.fit(own, missing="drop", **SHORT)
    with pytest.raises(DataError, match=r"list of data must be of bs\.SufficientStatistics, not of DataFrame"):
        SMALL.fit([table()], **SHORT)
    with pytest.raises(DataError, match="is empty"):
        SMALL.fit([], **SHORT)
    with pytest.raises(FitError, match=r"'x': engine='kernel' needs rows; 'y': .*Fit a table or a file"):
        SMALL.fit(own, engine="kernel", **SHORT)
