"""Sequences as a plain table: lags, first rows, the time, the end."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.design import bind, component
from bayessynth.design.bound import Bound
from bayessynth.design.past import before, learn_past
from bayessynth.errors import DataError, MissingDataError, SpecError

SEQUENCE = {"unit": "id", "time": "day"}


def panel(units: int = 30, seed: int = 1) -> pd.DataFrame:
    """Return units of two to six rows, in random order."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(2, 7, units)
    ids = np.repeat(np.arange(units), sizes)
    day = np.concatenate([np.cumsum(rng.integers(1, 9, n)) for n in sizes])
    y = rng.normal(size=len(ids)).round(3) + 0.3 * ids
    table = pd.DataFrame({"id": [f"p{i:02}" for i in ids], "day": day, "sex": np.array(["f", "m"])[ids % 2], "y": y,
                          "state": rng.choice(["well", "ill", "worse"], len(ids))})  # fmt: skip
    return table.sample(frac=1, random_state=seed).reset_index(drop=True)


def by_hand(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with lags as plain columns."""
    table = table.sort_values(["id", "day"])
    groups = table.groupby("id")
    return table.assign(y1=groups["y"].shift(), y2=groups["y"].shift(2), yf=groups["y"].transform("first"),
                        s1=groups["state"].shift(), gap=groups["day"].diff())  # fmt: skip


SPEC = bs.Spec(
    bs.Equation("y ~ lag(y) + first(y) + lag(state) + log(elapsed(day)) + I(day - lag(day)) + sex + (1 | id)",
                family="normal"),
    bs.Equation("state ~ lag(y, 2) + y"), "sex ~ 1", **SEQUENCE,
)  # fmt: skip


def test_lags_are_what_is_computed_by_hand() -> None:
    table = panel()
    bound, data = bind(
        SPEC.replace(
            bs.Equation(
                "y ~ lag(y) + lag(y, 2) + first(y) + lag(state) + log(elapsed(day)) + sex + (1 | id)", family="normal"
            )
        ),
        table,
    )
    plain = by_hand(table).dropna()
    other = bs.Spec(bs.Equation("y ~ y1 + y2 + yf + s1 + log(gap) + sex + (1 | id)", family="normal"), rest="drop")
    other = other.replace("y1 ~ 1", "y2 ~ 1", "yf ~ 1", "s1 ~ 1", bs.Equation("gap ~ 1", family="gamma"), "sex ~ 1")
    schema = bs.Schema.detect(table)
    schema = bs.Schema.detect(plain).override(s1=bs.Categorical(*schema["state"].levels))
    plain_bound, plain_data = bind(other, plain.reset_index(drop=True), schema)
    own, hand = component(bound, data, "y"), component(plain_bound, plain_data, "y")
    np.testing.assert_array_equal(own.y, hand.y)
    np.testing.assert_allclose(own.matrices["mu"], hand.matrices["mu"], atol=1e-12)
    for name in ("y_lag(y)", "y_y1"):
        assert (name in bound["y"].variables) == (name == "y_lag(y)")
    labels = np.array(own.labels["id"])[own.index["id"]]
    assert labels.tolist() == np.array(hand.labels["id"])[hand.index["id"]].tolist()


def test_first_rows_have_an_equation_without_lags_and_unit() -> None:
    table = panel()
    bound, data = bind(SPEC.replace("y ~ lag(y) + first(y) + sex + (1 | id)"), table)
    first = by_hand(table).groupby("id").head(1)
    assert [e.response for e in bound.equations] == [
        "sex", "y_first", "y", "state_first", "state", "day_first", "elapsed(day)", "last(day)"]  # fmt: skip
    assert bound["y_first"].factors == () and set(bound["y_first"].priors) == {"Intercept", "sex", "sigma"}
    np.testing.assert_array_equal(component(bound, data, "y_first").y, first["y"].to_numpy())
    assert len(data.rows["y"]) == len(table) - len(first)
    # Of lag(y, 2) the second rows are first rows too.
    assert len(data.rows["state_first"]) == (by_hand(table).groupby("id").cumcount() < 2).sum()
    assert Bound.from_json(bound.to_json()).to_json() == bound.to_json()


def test_an_initial_equation_can_be_declared_with_its_priors() -> None:
    equation = bs.Equation("y ~ lag(y) + sex + (1 | id)", family="normal", initial="y ~ 1",
                           priors={"first_sigma": bs.Prior("HalfNormal", sigma=9)})  # fmt: skip
    bound, _ = bind(bs.Spec(equation, "sex ~ 1", rest="drop", **SEQUENCE), panel())
    assert set(bound["y_first"].priors) == {"Intercept", "sigma"} and bound["y_first"].family == "normal"
    assert bound["y_first"].priors["sigma"].params == {"sigma": 9}
    assert bound["y"].priors["sigma"].params != {"sigma": 9}


def test_factors_that_do_not_vary_in_first_rows_are_left_out_there() -> None:
    table = panel().assign(wave=lambda d: d.groupby("id")["day"].rank().astype(int)).drop(columns="day")
    equation = bs.Equation("y ~ wave + sex + wave:sex + lag(y)", family="normal")
    bound, _ = bind(bs.Spec(equation, "sex ~ 1", rest="drop", unit="id", time="wave"), table[table["wave"] > 0])
    assert [t.name for t in bound["y_first"].predictors["mu"].terms] == ["sex"]


def test_first_rows_of_one_value_are_drawn_by_a_tree() -> None:
    table = panel()
    first = table["day"] == table.groupby("id")["day"].transform("min")
    table["ill"] = np.where(first, 0, (table["y"] > 4).astype(int))
    spec = bs.Spec("ill ~ lag(ill) + y", bs.Equation("y ~ 1", family="normal"), rest="drop", **SEQUENCE)
    bound, _ = bind(spec, table)
    assert bound["ill_first"].family == "tree" and bound["ill"].family == "bernoulli"


def test_a_shared_schedule_is_kept_as_it_is() -> None:
    table = panel(40).assign(day=lambda d: d.groupby("id")["day"].rank().map({1: 0, 2: 7, 3: 9, 4: 30, 5: 31, 6: 40}))
    bound, _ = bind(bs.Spec(bs.Equation("y ~ 1", family="normal"), rest="drop", **SEQUENCE), table)
    assert bound.sequence.gaps == (7, 2, 21, 1, 9) and "elapsed(day)" not in [e.response for e in bound.equations]
    assert bound.sequence.length == 0 and bound.sequence.longest == 12


def test_times_that_are_dates_elapse_in_days() -> None:
    table = panel()
    dated = table.assign(day=pd.Timestamp("2020-01-01") + pd.to_timedelta(table["day"], unit="D"))
    spec = bs.Spec(bs.Equation("y ~ elapsed(day) + lag(y)", family="normal"), rest="drop", **SEQUENCE)
    (one, data), (other, dated_data) = bind(spec, table), bind(spec, dated)
    np.testing.assert_array_equal(data.columns["elapsed(day)"], dated_data.columns["elapsed(day)"])
    matrices = [component(*pair, "y").matrices["mu"] for pair in ((one, data), (other, dated_data))]
    np.testing.assert_array_equal(*matrices)


def test_past_is_the_best_linear_predictor_of_a_random_intercept() -> None:
    rng = np.random.default_rng(1)
    units, rows, tau, sigma = 4000, 4, 1.5, 1.0
    u = rng.normal(0, tau, units)
    y = 3 + u[:, None] + rng.normal(0, sigma, (units, rows))
    codes, number = np.repeat(np.arange(units), rows), np.tile(np.arange(rows), units)
    mean, ratio = learn_past(y.ravel(), codes)
    assert mean == pytest.approx(3, abs=0.1) and ratio == pytest.approx((sigma / tau) ** 2, rel=0.06)
    found = before(y.ravel(), number, (mean, ratio)).reshape(units, rows)
    assert np.isnan(found[:, 0]).all()
    for n in range(1, rows):
        # The predictor is calibrated: a regression of the next value on it has slope one, at every number of rows.
        assert np.polyfit(found[:, n], y[:, n], 1)[0] == pytest.approx(1, abs=4 * 1.3 / np.sqrt(units))
        weight = n / (n + (sigma / tau) ** 2)
        assert np.var(u + 3 - found[:, n]) == pytest.approx(tau**2 * (1 - weight), rel=0.1)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda d: pd.concat([d, d.iloc[[3]]], ignore_index=True), DataError,
         r"1 rows have the unit and the time of another: rows 3 and \d+ are both of id='p\d\d' at day=\d+.*cumcount"),
        (lambda d: d.assign(day=d["day"].astype(float).mask(d.index == 5)), DataError,
         "time='day' is missing in 1 of .* the first is row 5"),
        (lambda d: d.assign(day=d["sex"]), SpecError, "time='day' is of kind 'binary'; sequences need a"),
        (lambda d: d.drop(columns="day"), SpecError, "time='day' is no column of the data"),
        (lambda d: d.rename(columns={"id": "person"}), SpecError, "unit='id' is no column"),
        (lambda d: d.assign(**{"lag(y)": 1.5 * d["y"]}), SpecError, r"'lag\(y\)' is named as what formulas compute"),
        (lambda d: d.assign(y_first=1.5 * d["y"]), SpecError, "'y_first' has the name of the equation for"),
        (lambda d: d.assign(y=d["y"].mask(d.index == 2)), MissingDataError, "'y' \\(1 of"),
        (lambda d: d[d["id"] == "p01"], DataError, "has only one group"),
    ],
)  # fmt: skip
def test_tables_that_are_no_sequences_are_refused(change, error, message) -> None:
    spec = bs.Spec(bs.Equation("y ~ lag(y)", family="normal"), rest="tree", **SEQUENCE)
    with pytest.raises(error, match=message):
        bind(spec, change(panel()))


def test_rows_after_the_end_are_refused() -> None:
    table = panel()
    spec = bs.Spec(bs.Equation("state ~ 1"), rest="drop", rules=[bs.rules.Ends("state", "worse")], **SEQUENCE)
    with pytest.raises(DataError, match=r"Ends\('state', .* does not hold: \d+ rows that end .* first is row \d+"):
        bind(spec, table)
    with pytest.raises(SpecError, match=r"'worst' is not one of the levels of column 'state': .*Did you mean 'worse'"):
        bind(bs.Spec("state ~ 1", rest="drop", rules=[bs.rules.Ends("state", "worst")], **SEQUENCE), table)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (bs.Spec("y ~ lag(z)", rest="drop", **SEQUENCE), r"Column 'z' \(the equation for 'y'\) is not in the data"),
        (bs.Spec("y ~ lag(state)", rest="drop", **SEQUENCE), "'state' is read by 'y' but has no equation"),
        (
            bs.Spec("y ~ past(state)", "state ~ 1", rest="drop", **SEQUENCE),
            r"past\(state\) is the mean .*'categorical'",
        ),
        (bs.Spec("sex ~ lag(sex)", rest="drop", **SEQUENCE), "constant within each 'id', so a row before"),
        (bs.Spec("y ~ 1", rest="keep", **SEQUENCE), "rest='keep' does not go with unit="),
    ],
)
def test_equations_that_have_no_rows_before_are_refused(spec: bs.Spec, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        bind(spec, panel())


def test_missing_cells_of_parametric_columns_are_not_modelled() -> None:
    table = panel().assign(y=lambda d: d["y"].mask(d.index % 9 == 0))
    with pytest.raises(SpecError, match="Missing cells of 'y', which the parametric equation for 'y' draws or reads"):
        bind(bs.Spec(bs.Equation("y ~ lag(y)", family="normal"), rest="drop", **SEQUENCE), table, missing="model")


def test_the_rest_is_left_to_trees() -> None:
    bound, _ = bind(bs.Spec(bs.Equation("y ~ lag(y)", family="normal"), rest="tree", **SEQUENCE), panel())
    assert bound["sex"].level == "id" and bound["sex"].reads == ()
    assert bound["elapsed(day)"].reads[:3] == ("number(day)", "lag(day)", "sex")
    assert bound["state"].reads[:7] == (
        "sex", "number(day)", "day", "elapsed(day)", "y", "lag(state)", "first(state)")  # fmt: skip
    assert bound["last(day)"].reads == ("y", "sex", "state", "number(day)", "day", "elapsed(day)")
    again, _ = bind(bound.spec, panel())
    assert again.to_json() == bound.to_json()


def test_statistics_without_rows_do_not_serve() -> None:
    spec, table = bs.Spec(bs.Equation("y ~ lag(y)", family="normal"), rest="drop", **SEQUENCE), panel()
    with pytest.raises(SpecError, match="Sufficient statistics are not for specs with unit= and time="):
        spec.sufficient_statistics(table)
    ask = bs.DP(1, 1e-5, domain=bs.Domain({"y": bs.Bounds(-9, 20)}, source="codebook"))
    for act in (lambda: spec.fit(table, privacy=ask), lambda: spec.sufficient_statistics(table, privacy=ask)):
        with pytest.raises(SpecError, match="Fits with formal privacy are not for specs with unit="):
            act()


def test_a_factor_that_changes_from_row_to_row_is_refused() -> None:
    table = panel().assign(ward=lambda d: np.arange(len(d)) % 5)
    spec = bs.Spec(bs.Equation("y ~ (1 | ward)", family="normal"), rest="drop", **SEQUENCE)
    with pytest.raises(SpecError, match=r"'ward' changes from row to row within a 'id'.*Leave out \(… \| ward\)"):
        bind(spec, table)
    # One that a unit stays in is none of these.
    bind(spec, table.assign(ward=lambda d: pd.factorize(d["id"])[0] // 4))


def test_survival_times_without_a_start_are_refused() -> None:
    with pytest.raises(SpecError, match="rows of a unit need the time at which each starts and stops"):
        bs.Spec(bs.Survival("day ~ 1", event="state"), **SEQUENCE)
