"""Tree equations from end to end: declared ones, the rest of a table, rules, groups, missing cells, storage."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.errors import (
    DataError,
    FitError,
    MissingDataError,
    SchemaError,
    SpecError,
    SynthesisError,
    TableWarning,
)
from bayessynth.fitting import Fitted

N = 600
RNG = np.random.default_rng(4)
CLINIC = np.repeat(np.arange(40), 15)
EFFECT = RNG.normal(0, 1, 40)[CLINIC]


def table() -> pd.DataFrame:
    frame = pd.DataFrame({"clinic": [f"c{c}" for c in CLINIC], "rural": np.where(CLINIC % 3 == 0, "yes", "no")})
    frame["height"] = RNG.integers(150, 195, N)
    frame["weight"] = np.round(frame["height"] * 0.4 + 3 * EFFECT + RNG.normal(0, 6, N), 1)
    frame["bmi"] = np.round(10_000 * frame["weight"] / frame["height"] ** 2, 1)
    frame["smoker"] = np.where(RNG.random(N) < 0.3, "yes", "no")
    frame["cigarettes"] = np.where(frame["smoker"] == "yes", RNG.integers(1, 40, N), np.nan)
    frame["admitted"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(RNG.integers(0, 300, N), unit="D")
    frame["left"] = frame["admitted"] + pd.to_timedelta(RNG.geometric(0.01, N) - 1, unit="D")
    frame["cost"] = np.where(RNG.random(N) < 0.1, np.nan, np.round(np.exp(5 + 0.01 * frame["weight"]), 2))
    return frame


DATA = table()
RULES = [
    bs.Derived("bmi", "10000 * weight / height**2"),
    bs.Skip("cigarettes", "smoker", values=("no",)),
    bs.Inequality("admitted", "left"),
    bs.Range("height", 150, 194),
]


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    spec = bs.Spec(bs.Equation("weight ~ height + (1 | clinic)", family="normal"), rest="tree", rules=RULES)
    return spec.fit(DATA.drop(columns="rural"), missing="model", copies=3, random_seed=1)


def test_a_declared_equation_and_trees_make_one_chain(fitted: Fitted) -> None:
    assert fitted.bound["weight"].family == "normal"
    assert fitted.bound["cost"].family == "tree"
    assert fitted.provenance["engine"] == {"weight": "marginal", **dict.fromkeys(fitted.forest.trees, "bootstrap")}
    copy = fitted.synthesize(1, random_seed=2)[0]
    assert list(copy) == [c for c in DATA if c != "rural"]
    assert (copy.dtypes == DATA.drop(columns="rural").dtypes).all()
    assert copy["cost"].isna().mean() == pytest.approx(0.1, abs=0.06)


def test_rules_hold_on_every_row_of_every_copy(fitted: Fitted) -> None:
    for copy in fitted.synthesize(3, k=5000, random_seed=2).copies:
        for rule in RULES:
            assert not rule.violations(copy).any(), rule
        assert copy["cigarettes"].isna().eq(copy["smoker"] == "no").all()
    assert len({repr(r) for r in fitted.bound.rules}) >= len(RULES)


def test_a_saved_fit_makes_the_same_copies(fitted: Fitted, tmp_path: Path) -> None:
    loaded = bs.load(fitted.save(tmp_path / "fit"))
    assert isinstance(loaded, Fitted)
    assert loaded.bound.rules == fitted.bound.rules
    pd.testing.assert_frame_equal(loaded.synthesize(2, random_seed=3)[1], fitted.synthesize(2, random_seed=3)[1])


def test_more_copies_than_draws_are_refused_with_the_remedy(fitted: Fitted) -> None:
    with pytest.raises(SynthesisError, match=r"m=4 copies need as many draws .* fit has 3: fit with copies=4"):
        fitted.synthesize(4)


def test_the_number_of_cores_changes_nothing() -> None:
    frame = DATA[["height", "smoker", "cost"]]
    spec = bs.Spec(bs.Equation("height ~ 1", family="tree"), rest="tree")
    made = [spec.fit(frame, missing="model", copies=2, random_seed=1, cores=c).synthesize(2, random_seed=1)[1]
            for c in (1, 4)]  # fmt: skip
    pd.testing.assert_frame_equal(*made)


def test_what_the_fit_does_not_take() -> None:
    spec = bs.Spec(bs.Equation("cost ~ 1", family="tree"), "weight ~ cost", rest="drop")
    with pytest.raises(MissingDataError, match=r"'cost' is missing in \d+ of 600 rows.*'tree' has no density"):
        spec.fit(DATA, missing="model")
    with pytest.raises(SpecError, match=r"bare columns and \(1 \| group\) only, not log\(height\)"):
        bs.Spec("height ~ 1", bs.Equation("weight ~ log(height)", family="tree"), rest="drop").fit(DATA)
    with pytest.raises(SpecError, match=r"narrows the draw of 'height', which family 'weibull' cannot be drawn within"):
        own = bs.Equation("height ~ 1", family="weibull")
        bs.Spec(own, rest="drop", rules=[bs.Range("height", 0, 300)]).fit(DATA)
    with pytest.raises(
        DataError, match=r"Range\('height', 0, 160\) does not hold in \d+ of 600 rows, the first is row"
    ):
        bs.Spec(bs.Equation("height ~ 1", family="tree"), rest="drop", rules=[bs.Range("height", 0, 160)]).fit(DATA)
    with pytest.raises(SpecError, match=r"'bmi' has an equation, and the rule .* computes it"):
        bs.Spec("bmi ~ 1", rules=RULES)
    with pytest.raises(SpecError, match="'weight' is read by"):
        bs.Spec("height ~ 1", rest="drop", rules=RULES[:1]).fit(DATA)
    with pytest.raises(FitError, match="copies=0 must be a whole number above zero"):
        bs.Spec("height ~ 1", rest="drop").fit(DATA, copies=0)


def test_trees_have_no_prior_and_no_model() -> None:
    spec = bs.Spec(bs.Equation("height ~ 1", family="tree"), rest="drop")
    with pytest.raises(SynthesisError, match="'height' has family 'tree', which has no prior"):
        spec.synthesize_prior(DATA)
    assert spec.to_pymc(DATA) == {}
    with pytest.raises(SpecError, match=r"family 'tree', which needs the rows"):
        spec.sufficient_statistics(DATA)


def test_given_columns_are_kept(fitted: Fitted) -> None:
    spec = bs.Spec(bs.Equation("smoker ~ 1", family="tree"), bs.Equation("cigarettes ~ smoker", family="tree"),
                   rest="drop", rules=RULES[1:2])  # fmt: skip
    made = spec.fit(DATA, missing="model", copies=1, random_seed=1)
    copy = made.synthesize(1, given=pd.DataFrame({"smoker": ["yes"] * 50 + ["no"] * 50}), random_seed=1)[0]
    assert copy["cigarettes"].isna().tolist() == [False] * 50 + [True] * 50


def test_a_spec_with_rules_goes_round() -> None:
    spec = bs.Spec("height ~ 1", bs.Equation("weight ~ height", family="tree"), rules=RULES[:1])
    assert bs.Spec.from_json(spec.to_json()) == spec
    scope: dict[str, object] = {"bs": bs}
    exec(spec.to_python(), scope)
    assert scope["spec"] == spec
    assert "bmi" in repr(spec)
    assert spec.replace("height ~ 1").rules == spec.rules


@pytest.fixture(scope="module")
def automatic() -> Fitted:
    return bs.Spec.auto(DATA).fit(DATA, missing="model", copies=2, random_seed=1)


def test_the_automatic_spec_finds_groups_and_rules(automatic: Fitted) -> None:
    spec = automatic.spec
    assert spec.factors == (("clinic",),)
    assert automatic.bound.levels["rural"] == "clinic"
    found = {type(rule).__name__ for rule in spec.rules}
    assert {"Derived", "Skip", "Inequality"} <= found
    explained = bs.Spec.auto(DATA).explain().set_index("column")
    assert explained.loc["bmi", "family"] == "rule"
    assert "40 groups of 15 rows" in explained.loc["clinic", "why"]
    with pytest.raises(SpecError, match=r"Only a spec of Spec.auto"):
        bs.Spec("height ~ 1").explain()


def test_automatic_copies_obey_the_rules_and_keep_groups_whole(automatic: Fitted) -> None:
    for copy in automatic.synthesize(2, k=6000, random_seed=2).copies:
        assert copy.groupby("clinic")["rural"].nunique().max() == 1
        assert not any(rule.violations(copy).any() for rule in automatic.spec.rules)


def test_the_variance_between_groups_is_kept() -> None:
    rng = np.random.default_rng(5)
    school = np.repeat(np.arange(160), 20)
    sector = (np.arange(160) % 3 == 0)[school]
    score = 50 + 2 * sector + rng.normal(0, 3, 160)[school] + rng.normal(0, 6, len(school))
    frame = pd.DataFrame({"school": school, "sector": np.where(sector, "a", "b"), "score": np.round(score, 2)})

    def between(frame: pd.DataFrame) -> float:
        groups = frame.groupby("school")["score"]
        return float(groups.mean().var() - (groups.var() / groups.size()).mean())

    spec = bs.Spec(
        bs.Equation("sector ~ 1", family="tree"), bs.Equation("score ~ sector + (1 | school)", family="tree")
    )
    copies = spec.fit(frame, copies=10, random_seed=1).synthesize(10, k=6000, random_seed=2).copies
    assert np.mean([between(c) for c in copies]) == pytest.approx(between(frame), rel=0.15)
    assert np.mean([c["score"].var() for c in copies]) == pytest.approx(frame["score"].var(), rel=0.05)


def test_synthesize_takes_a_table_alone() -> None:
    frame = DATA[["height", "smoker", "cost"]]
    copies = bs.synthesize(frame, m=2, k=100, random_seed=1)
    assert [c.shape for c in copies.copies] == [(100, 3)] * 2
    again = bs.synthesize(frame, m=2, k=100, random_seed=1)
    pd.testing.assert_frame_equal(copies[1], again[1])
    with pytest.raises(SynthesisError, match="m=0 must be a whole number above zero"):
        bs.synthesize(frame, m=0)


def test_free_text_is_refused_and_unknown_names_are_left_out() -> None:
    notes = [f"Patient number {i} was seen on day {i * 7 % 31} and said that all was well today." for i in range(N)]
    with pytest.raises(SchemaError, match="Free text cannot be modelled, and may name people: column 'note'"):
        bs.Spec.auto(DATA[["height", "weight"]].assign(note=notes))
    names = ["".join(RNG.permutation(list("abcdefghijklm"))[: 3 + i % 9]) for i in range(60)]
    with pytest.warns(TableWarning, match="'name' names records, in a form that was not recognised: it is left out"):
        spec = bs.Spec.auto(DATA[["height", "weight"]].head(60).assign(name=names))
    assert "name" not in spec


def test_an_evaluation_takes_a_fit_of_trees(automatic: Fitted) -> None:
    copies = automatic.synthesize(2, random_seed=2)
    result = bs.evaluate(DATA, copies, holdout=DATA.sample(100, random_state=1), fitted=automatic)
    assert "is drawn by trees, which have none" in result["membership_weights"].reading


def test_pooling_knows_what_trees_read(automatic: Fitted) -> None:
    copies = automatic.synthesize(2, random_seed=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pooled = copies.pool("cost ~ weight * height", cluster="clinic")
    assert pooled.rule.name == "proper"


def test_columns_that_are_not_named_by_text_are_refused() -> None:
    with pytest.raises(SpecError, match=r"2 columns have other names, the first is 0. Rename them first"):
        bs.synthesize(pd.DataFrame(np.arange(40.0).reshape(20, 2)))


def test_an_unknown_order_is_refused() -> None:
    with pytest.raises(SpecError, match=r"order='tabel' is not one of 'table', 'dependence'. Did you mean 'table'"):
        bs.Spec.auto(DATA, order="tabel")  # type: ignore[arg-type]
    assert bs.Spec.auto(DATA[["height", "weight", "smoker"]], order="dependence").columns
