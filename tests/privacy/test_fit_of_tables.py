"""Fits with a formal guarantee of equations that tables of counts serve, and of tables without a spec."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.errors import FitError, PrivacyError, PrivacyWarning, SynthesisError
from bayessynth.fitting.engines.settings import Settings
from bayessynth.fitting.noise_aware.tables import Cells, Grid, fit_tables
from bayessynth.fitting.private_auto import fit_chosen
from bayessynth.privacy import NoisyMarginals
from bayessynth.rules import Narrowed

pytestmark = pytest.mark.filterwarnings("ignore::bayessynth.errors.PrivacyWarning")

DOMAIN = bs.Domain(
    {
        "sex": bs.Levels("f", "m"),
        "age": bs.Bounds(18, 80, kind="count", grid=(30, 50)),
        "pay": bs.Bounds(-2, 12, decimals=2),
        "plan": bs.Levels("basic", "plus", "gold"),
    },
    source="codebook",
)
SPEC = bs.Spec(
    "sex ~ 1",
    bs.Equation("age ~ 1", family="normal"),
    bs.Equation("pay ~ age + sex", family="normal"),
    "plan ~ age + sex",
)


def ask(seed: int = 1, epsilon: float = 1.0, domain: bs.Domain = DOMAIN) -> bs.DP:
    return bs.DP(epsilon, 1e-5, domain=domain, test_seed=seed)


def customers(n: int = 4000, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    sex, age = rng.choice(["f", "m"], n), np.clip(rng.normal(45, 10, n), 18, 80).round().astype(int)
    gold = rng.random(n) < np.where(age < 30, 0.1, np.where(age < 50, 0.4, 0.8))
    return pd.DataFrame({
        "sex": sex, "age": age, "pay": (2 + 0.05 * age + (sex == "m") + rng.normal(0, 1, n)).round(2),
        "plan": np.where(gold, "gold", np.where(sex == "f", "basic", "plus")),
    })  # fmt: skip


@pytest.fixture(scope="module")
def fitted() -> bs.Fitted:
    return SPEC.fit(customers(), privacy=ask(), random_seed=1)


def shares(frame: pd.DataFrame) -> np.ndarray:
    cells = np.searchsorted([30, 50], frame["age"], side="right")
    found = pd.crosstab([frame["sex"].astype(str), cells], frame["plan"].astype(str), normalize="index")
    return found[["basic", "gold", "plus"]].to_numpy()


def test_a_mixed_spec_is_served_by_sums_and_by_tables(fitted: bs.Fitted) -> None:
    engines = fitted.provenance["engine"]
    assert engines == dict.fromkeys(("sex", "age", "pay"), "noise-aware") | {"plan": "noise-aware tables"}
    assert fitted.bound["plan"].family == "cells" and fitted.bound["plan"].reads == ("age", "sex")
    assert fitted.cells is not None and fitted.cells.copies == 100 and fitted.provenance["copies"] == 100
    assert {"plan"} == set(fitted.cells.reads) and "plan_Intercept" not in fitted.idata["posterior"]
    assert fitted.provenance["privacy"]["rho"] <= fitted.ledgers[0].total


def test_copies_have_the_released_conditionals(fitted: bs.Fitted) -> None:
    copies = fitted.synthesize(m=20, k=4000, random_seed=1)
    mean = np.mean([shares(copy) for copy in copies], axis=0)
    # The smallest cells have about 130 rows: noise of sd 5.7 and sampling.
    assert np.abs(mean - shares(customers())).max() < 0.1
    assert copies[0]["age"].dtype == "int64" and copies[0]["plan"].dtype == "category"
    # Copies differ by more than sampling: each has a posterior draw of its own.
    draws = [fitted.cells.at(j).table("plan") for j in range(20)]
    assert np.std(draws, axis=0).min() > 0.002


def test_a_saved_fit_gives_the_same_copies(fitted: bs.Fitted, tmp_path) -> None:
    fitted.save(tmp_path / "fit")
    again = bs.load(tmp_path / "fit")
    fitted.save(tmp_path / "fit")
    pd.testing.assert_frame_equal(again.synthesize(m=2, random_seed=3)[1], fitted.synthesize(m=2, random_seed=3)[1])


def test_a_level_can_be_asked_for(fitted: bs.Fitted) -> None:
    whole, gold = customers(20_000, seed=2), fitted.synthesize(m=1, k=3000, where={"plan": "gold"}, random_seed=1)[0]
    assert (gold["plan"] == "gold").all()
    assert abs((gold["age"] >= 50).mean() - (whole[whole["plan"] == "gold"]["age"] >= 50).mean()) < 0.05


def test_too_many_copies_are_refused(fitted: bs.Fitted) -> None:
    with pytest.raises(SynthesisError, match=r"m=101 copies need as many draws of the tables .* with copies=101"):
        fitted.synthesize(m=101)


def test_a_release_is_fitted_later_and_releases_add_up(tmp_path) -> None:
    spec = bs.Spec("sex ~ 1", "plan ~ sex")
    parts = [spec.sufficient_statistics(customers(2000, seed), privacy=ask(seed)) for seed in (1, 2)]
    parts[0].save(tmp_path / "one.npz")
    parts[0] = bs.Released.load(tmp_path / "one.npz")
    found = spec.fit(parts, random_seed=1)
    assert len(found.ledgers) == 2 and abs(found.bound.n - 4000) < 60
    assert found.cells.posterior.method == "nuts" and found.diagnose().verdict == "pass"


def test_conditionals_are_those_of_the_joint_by_enumeration() -> None:
    rng = np.random.default_rng(3)
    cells = {"a": ("0", "1"), "b": ("x", "y", "z"), "c": ("[0, 1)", "[1, 5]")}
    noisy = NoisyMarginals((("a", "b"), ("b", "c")), cells, (rng.integers(20, 200, (2, 3)).astype(float),
                           rng.integers(20, 200, (3, 2)).astype(float)), 4.0, None)  # fmt: skip
    reads = {"a": (), "b": ("a",), "c": ("b",)}
    posterior = fit_tables([noisy], 3, random_seed=1)
    own = Cells(posterior, reads, {"c": Grid((0.0, 1.0, 5.0), None)}).at(2)
    logs = np.zeros((2, 3, 2))
    for axes, table in posterior.layout.factors(posterior.draws[2]).items():
        logs += table.reshape([logs.shape[i] if i in axes else 1 for i in range(3)])
    joint = np.exp(logs) / np.exp(logs).sum()
    np.testing.assert_allclose(own.table("a"), joint.sum(axis=(1, 2)), rtol=1e-9)
    pair = joint.sum(axis=2)
    np.testing.assert_allclose(own.table("b"), pair / pair.sum(axis=1, keepdims=True), rtol=1e-9)
    pair = joint.sum(axis=0)
    np.testing.assert_allclose(own.table("c"), pair / pair.sum(axis=1, keepdims=True), rtol=1e-9)

    b = np.repeat([0, 1, 2], 2)
    args = ("c", [b], {}, 6, Narrowed(), 0)
    density = own.probability(*args, np.array([0.5, 3.0, 0.5, 3.0, 0.5, 3.0]), 0.0, rng)
    np.testing.assert_allclose(density, (own.table("c") / [1.0, 4.0]).ravel(), rtol=1e-9)
    drawn = own.draw("c", [np.repeat([0, 1, 2], 20_000)], {}, 60_000, Narrowed(), 0, rng).reshape(3, -1)
    se = np.sqrt(own.table("c").prod(axis=1) / 20_000)
    assert (np.abs((drawn >= 1).mean(axis=1) - own.table("c")[:, 1]) < 4 * se).all()
    assert drawn.min() >= 0 and drawn.max() <= 5


WIDE = bs.Domain({name: bs.Levels(0, 1) for name in "abcd"} | {"e": bs.Bounds(0, 10, grid=(5,))}, source="codebook")


def chain(n: int = 5000) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    columns = [rng.integers(0, 2, n)]
    for _ in range(3):
        columns.append(np.where(rng.random(n) < 0.15, 1 - columns[-1], columns[-1]))
    frame = pd.DataFrame(dict(zip("abcd", columns, strict=True)))
    return frame.assign(e=np.where(frame["d"] == 1, rng.uniform(4, 10, n), rng.uniform(0, 6, n)))


def test_a_table_without_a_spec() -> None:
    table = chain()
    copies = bs.synthesize(table, m=3, privacy=ask(domain=WIDE), random_seed=1)
    assert list(copies[0]) == list("abcde") and abs(len(copies[0]) - 5000) < 60
    for one, two in itertools.combinations("abcd", 2):
        found = np.mean([(copy[one].astype(int) == copy[two].astype(int)).mean() for copy in copies])
        assert abs(found - (table[one] == table[two]).mean()) < 0.03
    record = copies.provenance
    assert record["privacy"].startswith("test seed") and record["fit"]["privacy"]["rho"] <= 0.0306
    assert {engine for engine in record["fit"]["engine"].values()} == {"noise-aware tables"}


def test_the_spec_is_written_along_the_junction_tree() -> None:
    fitted = fit_chosen(chain(), ask(domain=WIDE), Settings(1, 1, 1), 1, 2)
    assert set(fitted.spec.columns) == set("abcde")
    again = bs.Spec.from_json(fitted.spec.to_json())
    assert again == fitted.spec
    # All pairs of five small columns are within reach, so that each column reads all before it.
    assert sorted(len(e.columns) for e in fitted.spec) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"domain": DOMAIN}, "Column 'pay': tables of counts need a grid"),
        ({"trees": bs.TreeSettings()}, "trees= does not go with a formal guarantee"),
        ({"strata": "a"}, "strata= does not go with"),
    ],
)
def test_what_does_not_go_with_a_formal_guarantee(change: dict, message: str, monkeypatch) -> None:
    def spend(*args: object, **kwargs: object) -> None:
        raise AssertionError("budget was spent")

    monkeypatch.setattr(bs.Ledger, "spend", spend)
    domain = change.pop("domain", WIDE)
    table = customers(9) if domain is DOMAIN else chain(9)
    with pytest.raises(PrivacyError, match=message):
        bs.synthesize(table, m=2, privacy=ask(domain=domain), **change)


def test_tables_that_bind_too_many_cells_are_refused_before_the_release(monkeypatch) -> None:
    names = [f"c{i}" for i in range(9)]
    domain = bs.Domain({name: bs.Levels(*range(10)) for name in names}, source="codebook")
    read = [names[max(0, i - 3) : i] for i in range(9)]
    spec = bs.Spec(*(f"{name} ~ {' + '.join(own) or '1'}" for name, own in zip(names, read, strict=True)))
    monkeypatch.setattr(bs.Ledger, "spend", lambda *args, **kwargs: pytest.fail("budget was spent"))
    with pytest.raises(FitError, match="The tables have 54,999 effects, more than 3,000"):
        spec.fit(pd.DataFrame({name: [1, 2] for name in names}), privacy=ask(domain=domain))


def test_a_test_seed_warns() -> None:
    two = bs.Domain({name: bs.Levels(0, 1) for name in "ab"}, source="codebook")
    with pytest.warns(PrivacyWarning, match="test_seed=1"):
        bs.synthesize(chain(500), m=1, privacy=ask(domain=two))
