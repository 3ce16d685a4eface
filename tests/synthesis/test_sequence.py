"""Copies of sequences: oracles of known processes, and what holds on every copy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

import bayessynth as bs
from bayessynth.errors import SynthesisError
from bayessynth.synthesis import in_sequence

SEQUENCE = {"unit": "id", "time": "day"}


def panel(units: int = 400, rows: int = 8, seed: int = 1) -> pd.DataFrame:
    """Return an AR process, a chain of two states, and visits that end by chance or by death."""
    rng = np.random.default_rng(seed)
    sex = rng.integers(0, 2, units)
    found = []
    for i in range(units):
        y, state, day = rng.normal(0, 1.15), int(rng.random() < 0.3), int(rng.integers(0, 3))
        for _ in range(rows):
            dead = rng.random() < 0.05
            found.append((i, day, "fm"[sex[i]], round(y, 3), state, "dead" if dead else "alive"))
            if dead or rng.random() < 0.1:
                break
            y, day = 0.6 * y + 0.5 * sex[i] + rng.normal(), day + int(rng.choice([7, 14]))
            state = int(rng.random() < (0.8 if state else 0.15))
    return pd.DataFrame(found, columns=["id", "day", "sex", "y", "state", "status"])


@pytest.fixture(scope="module")
def declared() -> bs.Fitted:
    spec = bs.Spec(
        "sex ~ 1", bs.Equation("y ~ lag(y) + sex", family="normal"), "state ~ lag(state)",
        bs.Equation("status ~ day + lag(status)", family="tree"), rules=[bs.rules.Ends("status", "dead")], **SEQUENCE,
    )  # fmt: skip
    return spec.fit(panel(), draws=200, tune=200, chains=2, random_seed=1, progress=False)


@pytest.fixture(scope="module")
def automatic() -> bs.Fitted:
    table = panel()
    return bs.Spec.auto(table, **SEQUENCE).fit(table, copies=4, random_seed=1, progress=False)


def lagged(frame: pd.DataFrame, column: str) -> pd.Series:
    return frame.groupby("id")[column].shift()


def draw_of(fitted: bs.Fitted, copies: bs.SyntheticData, j: int) -> dict[str, float]:
    chain, draw = copies.provenance["draws"][j]
    posterior = fitted.idata["posterior"].to_dataset()
    return {str(k): float(v[chain, draw]) for k, v in posterior.data_vars.items() if v.ndim == 2}


def test_the_process_of_a_copy_is_that_of_its_draw(declared: bs.Fitted) -> None:
    copies = declared.synthesize(m=2, k=40_000, random_seed=3, force=True)
    for j in range(2):
        copy, own = copies.copies[j], draw_of(declared, copies, j)
        male = (copy["sex"] == "m").to_numpy(dtype=float)
        before = lagged(copy, "y").to_numpy()
        rows = np.isfinite(before)
        x = np.column_stack([np.ones(rows.sum()), before[rows], male[rows]])
        y = copy["y"].to_numpy()[rows]
        beta, rest, *_ = np.linalg.lstsq(x, y, rcond=None)
        errors = np.sqrt(np.diag(np.linalg.inv(x.T @ x)) * rest[0] / rows.sum())
        assert abs(beta[1] - own["y_lag(y)"]) < 4 * errors[1]
        assert np.sqrt(rest[0] / rows.sum()) == pytest.approx(own["y_sigma"], rel=0.03)
        first = copy.groupby("id").head(1)
        assert first["y"].std() == pytest.approx(own["y_first_sigma"], rel=0.06)


def test_lag_1_autocorrelation_is_what_theory_says() -> None:
    rng = np.random.default_rng(1)
    phi, units, rows = 0.7, 500, 12
    y = np.empty((units, rows))
    y[:, 0] = rng.normal(0, 1 / np.sqrt(1 - phi**2), units)
    for t in range(1, rows):
        y[:, t] = phi * y[:, t - 1] + rng.normal(size=units)
    ids, days = np.repeat(np.arange(units), rows), np.tile(np.arange(rows), units)
    table = pd.DataFrame({"id": ids, "day": days, "y": y.ravel()})
    spec = bs.Spec(bs.Equation("y ~ lag(y)", family="normal"), **SEQUENCE)
    fitted = spec.fit(table, draws=200, chains=2, random_seed=1, progress=False)
    mean = float(fitted.idata["posterior"]["y_lag(y)"].mean())
    assert mean == pytest.approx(np.polyfit(y[:, :-1].ravel(), y[:, 1:].ravel(), 1)[0], abs=0.005)
    copies = fitted.synthesize(m=4, k=24_000, random_seed=1)
    for j in range(4):
        copy, own = copies.copies[j], draw_of(fitted, copies, j)
        late = copy["day"] >= 6
        found = np.corrcoef(copy["y"][late], lagged(copy, "y")[late])[0, 1]
        assert found == pytest.approx(own["y_lag(y)"], abs=4 * np.sqrt((1 - phi**2) / late.sum()))
        assert (copy.groupby("id").size() == rows).all()
        assert (copy["day"].to_numpy() == np.tile(np.arange(rows), 2000)).all()


def test_transitions_are_those_of_the_draw(declared: bs.Fitted) -> None:
    copies = declared.synthesize(m=2, k=40_000, random_seed=5, force=True)
    for j in range(2):
        copy, own = copies.copies[j], draw_of(declared, copies, j)
        before = lagged(copy, "state")
        moved = copy["state"].groupby(before).agg(["mean", "size"])
        for state, (share, n) in zip((0.0, 1.0), moved.to_numpy(), strict=True):
            p = special.expit(own["state_Intercept"] + own["state_lag(state)"] * state)
            assert abs(share - p) < 4 * np.sqrt(p * (1 - p) / n)


def test_sequences_end_as_they_do_in_the_original(automatic: bs.Fitted) -> None:
    original = panel().groupby("id").size().to_numpy()
    copies = automatic.synthesize(m=4, k=20_000, random_seed=2)
    lengths = [copy.groupby("id").size().to_numpy()[:-1] for copy in copies.copies]
    for own in lengths:
        assert stats.ks_2samp(original, own).statistic < 1.63 * np.sqrt(1 / len(original) + 1 / len(own))
    assert max(map(np.max, lengths)) <= 16


def test_states_that_end_are_never_left(declared: bs.Fitted, automatic: bs.Fitted) -> None:
    assert bs.rules.Ends("status", "dead") in automatic.spec.rules
    for fitted in (declared, automatic):
        copy = fitted.synthesize(m=1, k=30_000, random_seed=4, force=True).copies[0]
        assert (copy["status"] == "dead").sum() > 500
        assert not (lagged(copy, "status") == "dead").any()


def test_constants_are_constant_and_times_grow(automatic: bs.Fitted) -> None:
    for copy in automatic.synthesize(m=4, random_seed=2).copies:
        assert len(copy) == len(panel()) and list(copy) == list(panel())
        assert (copy.groupby("id")["sex"].nunique() == 1).all()
        assert set(copy.groupby("id")["day"].diff().dropna()) == {7, 14}
        assert (copy["id"].diff().dropna().isin([0, 1])).all()


def test_a_table_of_any_order_has_one_fit() -> None:
    table, spec = panel(60), bs.Spec(rest="tree", **SEQUENCE)
    one, other = (spec.fit(t, copies=1, random_seed=1).synthesize(m=1, random_seed=1).copies[0]
                  for t in (table, table.sample(frac=1, random_state=2)))  # fmt: skip
    pd.testing.assert_frame_equal(one, other)


def test_a_saved_fit_gives_the_same_bytes(automatic: bs.Fitted, tmp_path) -> None:
    automatic.save(tmp_path / "fit")
    again = bs.load(tmp_path / "fit")
    for one, other in zip(*(f.synthesize(m=2, random_seed=9).copies for f in (automatic, again)), strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_bytes_depend_on_no_number_of_cores(automatic: bs.Fitted, monkeypatch) -> None:
    monkeypatch.setattr(in_sequence, "BATCH", 64)
    found = []
    for cores in (1, 3):
        monkeypatch.setattr(in_sequence, "available_cores", lambda cores=cores: cores)
        found.append(automatic.synthesize(m=1, k=3000, random_seed=9).copies[0])
    pd.testing.assert_frame_equal(*found)
    assert len(found[0]) == 3000


def test_more_units_are_drawn_where_too_few_were_guessed(automatic: bs.Fitted, monkeypatch) -> None:
    many = automatic.synthesize(m=1, k=5000, random_seed=1).copies[0]
    object.__setattr__(automatic.bound.sequence, "average", 60.0)
    try:
        assert len(automatic.synthesize(m=1, k=5000, random_seed=1).copies[0]) == len(many) == 5000
    finally:
        object.__setattr__(automatic.bound.sequence, "average", float(panel().groupby("id").size().mean()))


def test_lengths_can_be_given(automatic: bs.Fitted) -> None:
    given = pd.DataFrame({"id": ["b", "a", "a", "c", "a", "b"]})
    copy = automatic.synthesize(m=1, given=given, random_seed=1).copies[0]
    assert copy["id"].tolist() == given["id"].tolist()
    for _, own in copy.groupby("id"):
        assert own["day"].is_monotonic_increasing and own["sex"].nunique() == 1
    # As many rows as are given, whatever the state: what ends a sequence does not end these.
    assert len(copy) == 6


def test_times_and_columns_of_the_units_can_be_given(automatic: bs.Fitted) -> None:
    given = pd.DataFrame({"id": np.repeat(np.arange(300), 4), "day": np.tile([28, 0, 14, 21], 300),
                          "sex": np.repeat(["f", "m"], 600)})  # fmt: skip
    copy = automatic.synthesize(m=1, given=given, random_seed=1).copies[0]
    pd.testing.assert_frame_equal(copy[["id", "day", "sex"]], given, check_dtype=False)
    # The rows were drawn in the order of time: y follows the row before in time, not in the table.
    ordered = copy.sort_values(["id", "day"])
    late = ordered["day"] > 0
    assert np.corrcoef(ordered["y"][late], lagged(ordered, "y")[late])[0, 1] > 0.4
    assert copy.groupby("sex")["y"].mean().diff().iloc[-1] > 0.2


def test_units_can_be_given_without_their_rows(automatic: bs.Fitted) -> None:
    copies = automatic.synthesize(m=1, given=pd.DataFrame({"sex": ["m", "m", "f"]}), random_seed=1)
    assert copies.copies[0].groupby("id")["sex"].first().tolist() == ["m", "m", "f"]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"where": {"sex": "m"}}, "where= and shares= are not for specs with unit= and time="),
        ({"shares": {"sex": {"m": 1.0}}}, "where= and shares= are not"),
        ({"groups": "existing"}, "groups='existing' "),
        ({"given": pd.DataFrame({"y": [1.0, 2.0]})}, "given= has 'y' without 'id'"),
        ({"given": pd.DataFrame({"id": [1, 1], "y": [1.0, 2.0]})}, "has 'y', which depends on 'sex' that is drawn"),
        ({"given": pd.DataFrame({"id": [1, 1], "day": [3, 3]})}, "two rows of one 'id' at one 'day': rows 0 and 1"),
        ({"given": pd.DataFrame({"id": [1, 1], "day": [3, None]})}, "missing cells in 'day'"),
        ({"given": pd.DataFrame({"id": [1, 1], "sex": ["f", "m"]})}, "varies within a 'id'"),
    ],
)  # fmt: skip
def test_what_sequences_cannot_be_asked_for(automatic: bs.Fitted, asked: dict, message: str) -> None:
    with pytest.raises(SynthesisError, match=message):
        automatic.synthesize(m=1, random_seed=1, **asked)


def test_units_lie_in_groups_of_their_own() -> None:
    rng = np.random.default_rng(3)
    table = panel(120).assign(site=lambda d: d["id"] // 6)
    effect = rng.normal(0, 3, 20)
    table["y"] = (table["y"] + effect[table["site"]]).round(3)
    spec = bs.Spec(bs.Equation("y ~ lag(y) + (1 | site)", family="normal"), "sex ~ 1", rest="drop", **SEQUENCE)
    fitted = spec.fit(table, draws=200, chains=2, random_seed=1, progress=False)
    copy = fitted.synthesize(m=1, k=600, random_seed=1, force=True).copies[0]
    assert (copy.groupby("id")["site"].nunique() == 1).all() and copy["site"].nunique() > 5 and len(copy) == 600


def test_visits_stop_where_follow_up_does() -> None:
    rng = np.random.default_rng(1)
    end = rng.integers(20, 200, 300)
    rows = [(i, day, end[i], round(rng.normal(), 2)) for i in range(300) for day in np.cumsum(rng.integers(20, 40, 12))
            if day <= end[i]] + [(i, 0, end[i], 0.5) for i in range(300)]  # fmt: skip
    table = pd.DataFrame(rows, columns=["id", "day", "end", "y"])
    spec = bs.Spec(rest="tree", rules=[bs.rules.Inequality("day", "end")], **SEQUENCE)
    copy = spec.fit(table, copies=1, random_seed=1).synthesize(m=1, k=20_000, random_seed=1).copies[0]
    assert (copy["day"] <= copy["end"]).all()
    gaps, own = table.sort_values(["id", "day"]).groupby("id")["day"].diff(), copy.groupby("id")["day"].diff()
    assert own.min() >= 1 and (own < 20).mean() < 0.03
    assert own.mean() == pytest.approx(gaps.mean(), rel=0.05)
    assert copy.groupby("id").size().mean() == pytest.approx(table.groupby("id").size().mean(), rel=0.1)


def test_numbers_that_move_little_are_drawn_by_what_they_grow_by() -> None:
    rng = np.random.default_rng(1)
    level = rng.normal(100, 30, 150)
    weight = level[:, None] + np.cumsum(rng.normal(1, 2, (150, 6)), axis=1)
    cost = np.exp(rng.normal(3, 2, 150)[:, None] + np.cumsum(rng.normal(0, 0.2, (150, 6)), axis=1))
    table = pd.DataFrame({"id": np.repeat(np.arange(150), 6), "day": np.tile(np.arange(6), 150),
                          "weight": weight.ravel().round(1), "cost": cost.ravel().round(2) + 0.01})  # fmt: skip
    fitted = bs.Spec.auto(table, **SEQUENCE).fit(table, copies=1, random_seed=1)
    assert set(fitted.bound.sequence.differences.values()) == {"day", "weight", "cost"}
    assert {"change(weight)", "growth(cost)"} <= set(fitted.bound.sequence.differences)
    copy = fitted.synthesize(m=1, k=9000, random_seed=1).copies[0]
    grown = copy.groupby("id")["weight"].diff().dropna()
    assert grown.std() == pytest.approx(2, rel=0.15) and grown.mean() == pytest.approx(1, abs=0.3)
    ratio = np.log(copy["cost"] / lagged(copy, "cost")).dropna()
    assert ratio.std() == pytest.approx(0.2, rel=0.3)
    low, high = fitted.schema["weight"].bounds
    assert copy["weight"].between(low, high).all() and (copy["cost"] > 0).all()


def test_units_of_one_row_are_sequences_too() -> None:
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"id": range(80), "day": rng.integers(0, 9, 80), "y": rng.normal(size=80).round(2)})
    copy = bs.Spec(rest="tree", **SEQUENCE).fit(table, copies=1, random_seed=1).synthesize(m=1, random_seed=1).copies[0]
    assert copy["id"].is_unique and len(copy) == 80


def test_missing_cells_are_drawn_by_trees() -> None:
    table = panel().assign(y=lambda d: d["y"].mask(d.index % 5 == 0))
    fitted = bs.Spec.auto(table, **SEQUENCE).fit(table, missing="model", copies=1, random_seed=1)
    copy = fitted.synthesize(m=1, k=10_000, random_seed=1).copies[0]
    assert copy["y"].isna().mean() == pytest.approx(0.2, abs=0.05)


def test_synthesize_writes_the_spec_by_itself() -> None:
    copies = bs.synthesize(panel(100), m=1, random_seed=1, **SEQUENCE)
    assert (copies[0].groupby("id")["sex"].nunique() == 1).all()
