"""Fits with formal privacy: end to end, what they show of a record, what they refuse, how they are kept and merged."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.errors import BayesSynthError, DataError, FitError, PrivacyError, StorageError
from bayessynth.fitting.public_facts import bind_public
from bayessynth.privacy import Entry, Exact, Release
from bayessynth.privacy.audit import Recorder, _leaves, audit_ledger, audit_output
from bayessynth.privacy.noise import Noise
from tests.privacy.tables import DOMAIN, FILLED, Silent, table

SPEC = bs.Spec("sex ~ 1", "x ~ sex", "y ~ x + sex")
ASK = bs.DP(1, 1e-5, domain=DOMAIN)
QUICK = {"tune": 200, "random_seed": 1, "cores": 1}


def test_seeded(n: int = 7, **asked: Any) -> bs.DP:
    return bs.DP(**{"epsilon": 1, "delta": 1e-5, "domain": DOMAIN, "test_seed": n, **asked})


test_seeded.__test__ = False  # type: ignore[attr-defined]


def fit(spec: bs.Spec, data: Any, privacy: bs.DP | None = None, **options: Any) -> bs.Fitted:
    """Fit, with the warning of a test seed left out."""
    with warnings.catch_warnings(action="ignore", category=bs.errors.PrivacyWarning):
        return spec.fit(data, privacy=privacy, **(QUICK | options))


@pytest.fixture(scope="module")
def original() -> pd.DataFrame:
    return table(3000)


@pytest.fixture(scope="module")
def fitted(original: pd.DataFrame) -> bs.Fitted:
    return fit(SPEC, original, test_seeded())


def test_a_fit_from_end_to_end(fitted: bs.Fitted, tmp_path: Path) -> None:
    assert fitted.diagnose().verdict == "pass", fitted.diagnose()
    assert set(fitted.diagnose().table["engine"]) == {"noise-aware"}
    # Standard error of n is the noise on it, about 10 sums of sensitivity 3.
    assert 2950 < fitted.bound.n < 3050
    for name, true in {"x_Intercept": 50.0, "x_sex": 10.0, "y_x": 0.01}.items():
        draws = fitted.idata["posterior"][name].values
        assert abs(draws.mean() - true) < 4 * draws.std(), name
    copies = fitted.synthesize(m=3, random_seed=1)
    assert len(copies[0]) == fitted.bound.n and list(copies[0]) == ["x", "y", "sex"]
    fitted.save(tmp_path / "fit")
    again = bs.load(tmp_path / "fit")
    assert again.provenance == fitted.provenance
    pd.testing.assert_frame_equal(again.synthesize(m=3, random_seed=1)[1], copies[1])
    assert again.ledgers[0].entries == fitted.ledgers[0].entries
    assert again.ledgers[0].spent == pytest.approx(ASK.ledger().total)


def test_provenance_says_the_guarantee_in_exact_words(fitted: bs.Fitted) -> None:
    said = (
        "(1, 1e-05)-differential privacy per record; neighbouring tables differ by one record added or removed; zCDP "
        "rho = 0.03056 spent on 1 statistic"
    )
    copies = fitted.synthesize(m=1, random_seed=1)
    assert copies.provenance["privacy"] == f"test seed: protects nobody; with true noise it would be {said}"
    assert f"privacy: test seed: protects nobody; with true noise it would be {said}" in repr(copies)
    real = bs.Spec("x ~ 1").fit(table(500), privacy=ASK, **QUICK)
    assert real.provenance["privacy"]["statement"] == said
    assert real.synthesize(m=1, force=True).provenance["privacy"] == said
    person = bs.Spec("x ~ 1").fit(table(2000), privacy=bs.DP(3, 1e-5, bs.Unit("person", cap=3), DOMAIN), **QUICK)
    assert person.provenance["privacy"]["statement"].startswith(
        "(3, 1e-05)-differential privacy per person (column 'person', at most 3 rows each); neighbouring tables differ "
        "by one person added or removed; zCDP rho = "
    )


def test_provenance_keeps_what_the_guarantee_rests_on(fitted: bs.Fitted) -> None:
    kept = fitted.provenance["privacy"]
    assert bs.Domain.from_json(kept["domain"]) == DOMAIN
    assert kept["unit"] == {"person": None, "cap": 1, "relation": "add_remove", "weighted": False}
    (entry,) = kept["ledgers"][0]["entries"]
    assert entry["mechanism"] == "discrete Gaussian, test seed" and kept["test"]
    (statistic,) = kept["statistics"]
    assert statistic["statistic"] == "sums of products of sex, x, y" and statistic["numbers"] == 9
    # Of a sum of levels, whose weight of 11 is the smallest.
    assert statistic["noise_sd"] == pytest.approx(np.sqrt(2524 / (2 * kept["rho"])) / 11)
    assert set(kept["versions"]) == {"bayessynth", "numpy"}
    assert fitted.provenance["priors"]["x"]["sigma"] == "LogNormal(mu=2.71, sigma=0.75)"
    listed = SPEC.priors(privacy=ASK).set_index(["column", "parameter"])["prior"]
    assert listed["x", "sigma"] == "LogNormal(mu=2.71, sigma=0.75)"


def test_without_privacy_nothing_changes() -> None:
    plain = bs.Spec("x ~ 1").replace(bs.Equation("x ~ 1", family="normal")).fit(table(100)[["x"]], **QUICK)
    assert plain.ledgers == () and "privacy" not in plain.provenance
    assert plain.synthesize(m=1).provenance["privacy"] == "no formal guarantee"


def shown(fitted: bs.Fitted, folder: Path) -> dict[str, Any]:
    """Return all that a fit shows: itself, what it says, and its files."""
    fitted.save(folder)
    posterior = {str(name): v.values[:, :3] for name, v in fitted.idata["posterior"].data_vars.items()}
    sizes = {f: [s.mean, s.shape, s.constant] for f, s in fitted.groups.sizes.items()}
    files = {path.name: path.name for path in folder.iterdir()}
    return {"bound": fitted.bound.to_json(), "provenance": fitted.provenance, "posterior": posterior, "sizes": sizes,
            "labels": dict(fitted.groups.labels), "said": repr(fitted.diagnose().reasons), "files": files,
            "declared": json.loads((folder / "fit.json").read_text())}  # fmt: skip


@pytest.mark.parametrize(
    "unit", [bs.Unit(), bs.Unit("person", cap=2), bs.Unit("person", weighted=True)], ids=["record", "cap", "weighted"]
)
def test_complete_output_shows_a_unit_through_noise_only(
    unit: bs.Unit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "time.perf_counter", lambda: 0.0
    )  # how long it takes does not depend on the table but by chance
    odd = pd.DataFrame([{"x": "ten", "y": 1e9, "sex": None, "site": 99, "arm": "?", "person": "new"}])
    frame = table(4000)
    neighbour = pd.concat([frame, odd], ignore_index=True)
    ask = bs.DP(10, 1e-5, unit, FILLED)

    def run(data: pd.DataFrame) -> dict[str, Any]:
        return shown(fit(SPEC, data, ask, draws=400), tmp_path / "fit")  # enough that no noise brings a warning

    run(frame)  # whatever other packages log once
    assert audit_output(run, frame, neighbour) == []


@contextmanager
def noise_from(noise: Noise, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def start(self: bs.DP, domain: bs.Domain | None = None) -> Release:
        assert isinstance(self.unit, bs.Unit)
        return Release(self.known(domain), self.unit, self.ledger(), noise)

    with monkeypatch.context() as patched:
        patched.setattr(bs.DP, "start", start)
        yield


def test_all_is_the_same_where_the_released_numbers_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second table gets the replies of the first: then no bit of the output may differ."""
    monkeypatch.setattr("time.perf_counter", lambda: 0.0)
    spec = SPEC.replace("y ~ x + sex + (1 | site)")
    first = Recorder(Silent())  # type: ignore[arg-type]
    seen = []
    for data in (table(300), table(40, seed=7)):
        noise = first if not seen else Recorder(Exact(), first.calls)
        noise.test = False
        with noise_from(noise, monkeypatch):
            made = fit(spec, data, ASK, draws=30, tune=30, chains=2)
        found = shown(made, tmp_path / str(len(seen)))
        copies = made.synthesize(m=2, force=True, random_seed=1)
        seen.append([dict(_leaves(found, "")), copies.provenance, copies[0].to_csv()])
    assert seen[0] == seen[1]


def test_the_ledger_is_what_the_calls_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(data: pd.DataFrame, noise: Noise) -> bs.Ledger:
        with noise_from(noise, monkeypatch):
            return fit(SPEC, data, ASK).ledgers[0]

    audit = audit_ledger(run, table(3000), table(3000)[1:], Exact())
    assert audit.passes and audit.calls == 1 and audit.paid == pytest.approx(ASK.ledger().total)


def test_a_saved_fit_holds_nothing_of_the_data(original: pd.DataFrame, fitted: bs.Fitted, tmp_path: Path) -> None:
    fitted.save(tmp_path / "fit")
    declared = (tmp_path / "fit" / "fit.json").read_text()
    held = b"".join(path.read_bytes() for path in (tmp_path / "fit").iterdir())
    assert fitted.provenance["data"] == "noisy statistics" and fitted.bound.n != len(original)
    assert f": {len(original)}" not in declared
    for value in original["y"].head(500):
        assert np.float64(value).tobytes() not in held and repr(value) not in declared


def test_groups_are_new_and_their_sizes_follow_from_noisy_counts(tmp_path: Path) -> None:
    sites = tuple(range(1, 9))
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"site": rng.choice(sites, 1600), "x": rng.normal(50, 15, 1600).round(1)})
    effects = dict(zip(sites, rng.normal(0, 8, len(sites)), strict=True))
    frame["x"] = (frame["x"] + frame["site"].map(effects)).clip(0, 100)
    domain = bs.Domain({"x": bs.Bounds(0, 100), "site": bs.Levels(*sites)}, source="codebook")
    found = fit(bs.Spec("x ~ 1 + (1 | site)"), frame, bs.DP(3, 1e-5, domain=domain), draws=100, tune=200, chains=2)
    assert found.bound.plan.chain == ("site",) and not found.groups.observed and not found.groups.labels
    sizes = 1 + found.groups.sizes["site"].mean
    assert len(sizes) == 200 and 150 < np.median(sizes) < 260
    copy = found.synthesize(m=1, k=1000, force=True, random_seed=1)[0]
    assert copy["site"].nunique() > 1 and len(copy) == 1000
    found.save(tmp_path / "fit")
    assert "x_1|site" not in bs.load(tmp_path / "fit").idata["posterior"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda: fit(SPEC, table(9), "yes"), r"privacy='yes': state bs.DP\(epsilon=…, delta=…, domain=…\)"),
        (lambda: fit(SPEC, table(9), bs.DP(1, 1e-5)), "needs a domain"),
        (lambda: bs.DP(0, 1e-5), "epsilon=0: state a number above 0"),
        (lambda: ASK.plan(SPEC, 100_000), "delta=1e-05 is not below 1 / n for n = 100000"),
        (lambda: fit(SPEC, table(9), bs.DP(1, 1e-5, bs.Unit("patient", cap=3), DOMAIN)), "no column 'patient'"),
        (lambda: fit(SPEC, table(9).drop(columns="y"), ASK), "no column 'y'"),
        (lambda: fit(bs.Spec("z ~ 1"), table(9), ASK), "Column 'z' .* is not in the domain: state its bounds"),
        (lambda: fit(bs.Spec(bs.Equation("arm ~ 1", family="tree")), table(9), ASK), "family 'tree' keeps records"),
        (lambda: bs.Equation("arm ~ 1", family="cells"), "no equation can name it. It comes of how a spec is fitted"),
        (lambda: fit(bs.Spec("y ~ log(x)", "x ~ 1"), table(9), ASK), "'y' has no formal route.*Nothing was spent"),
        (
            lambda: fit(bs.Spec(bs.Equation("y ~ 1", family="student_t")), table(9), ASK),
            "'y' has no formal route: moments serve numbers of family 'normal', not 'student_t'",
        ),
        (lambda: fit(bs.Spec("x ~ 1", rest="keep"), table(9), ASK), "rest='keep'"),
        (lambda: fit(bs.Spec("x ~ 1", rules=[bs.Derived("z", "x + 1")]), table(9), ASK), "rule .* is learnt from the"),
        (lambda: fit(bs.Spec("x ~ (1 | site)", "y ~ (1 | arm)"), table(9), ASK), "factors 'site' and 'arm': how the"),
        (
            lambda: fit(bs.Spec("x ~ (1 | site)"), table(9), bs.DP(1, 1e-5, bs.Unit("site", cap=3), DOMAIN)),
            "Grouping factor 'site' is the unit of privacy",
        ),
        (
            lambda: fit(SPEC, table(9), ASK, schema=DOMAIN.schema()),
            "schema= does not go with a formal guarantee: kinds",
        ),
        (lambda: fit(SPEC, table(9), ASK, missing="drop"), "missing= does not go .* what a missing cell counts as"),
        (lambda: fit(SPEC, table(9), ASK, engine="pymc"), "engine= does not go .* by the engine 'noise-aware'"),
        (lambda: fit(SPEC, table(9), ASK, keep_groups=True), "keep_groups= does not go with .*is not released"),
        (lambda: fit(SPEC, table(9), ASK, trees=bs.TreeSettings()), "trees= does not go with"),
        (lambda: SPEC.sufficient_statistics(table(9), privacy=ASK, missing="drop"), "missing= does not go with"),
        (lambda: fit(SPEC, "nowhere.csv", ASK), "nowhere.csv"),
        (lambda: fit(SPEC, {"x": [1]}, ASK), "dict"),
    ],
)
def test_what_is_refused_is_refused_before_any_budget_is_spent(
    change: Callable[[], Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spend(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("budget was spent")

    monkeypatch.setattr(bs.Ledger, "spend", spend)
    with pytest.raises(BayesSynthError, match=message):
        change()


def test_a_posterior_that_cannot_be_had_is_refused_before_the_release(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("bayessynth.fitting.noise_aware.chain"), "MOST_CELLS", 1)
    monkeypatch.setattr(bs.DP, "release", lambda *args: pytest.fail("released"))
    with pytest.raises(FitError, match="2 combinations of 0/1 columns are more than 1"):
        fit(SPEC, table(9), ASK)


def test_every_fit_spends_and_earlier_ones_are_counted_in() -> None:
    spec, frame = bs.Spec("x ~ 1"), table(2000)
    first = fit(spec, frame, ASK)
    assert fit(spec, frame, ASK).ledgers[0].spent == first.ledgers[0].spent  # nobody knows of the first
    with pytest.raises(PrivacyError, match=r"Nothing is left of the budget .* after 1 earlier releases"):
        fit(spec, frame, bs.DP(1, 1e-5, domain=DOMAIN, earlier=first.ledgers[0]))
    both = fit(spec, frame, bs.DP(2, 1e-5, domain=DOMAIN, earlier=first.ledgers[0]))
    assert len(both.ledgers[0].entries) == 2 and both.ledgers[0].epsilon_spent <= 2
    assert "(2, 1e-05)-differential" in both.provenance["privacy"]["statement"]
    assert "spent on 2 statistics" in both.provenance["privacy"]["statement"]
    bought = bs.DP(1, 1e-5, domain=DOMAIN, earlier=[Entry.earlier("counts by county", rho=0.02)])
    assert fit(spec, frame, bought).ledgers[0].entries[0].what == "counts by county"


def test_columns_that_share_nothing_are_released_apart() -> None:
    found = fit(bs.Spec("x ~ 1", "y ~ 1"), table(2000), bs.DP(3, 1e-5, domain=DOMAIN))
    assert [entry.what for entry in found.ledgers[0].entries] == ["sums of products of x", "sums of products of y"]
    assert found.ledgers[0].epsilon_spent <= 3 and abs(found.bound.n - 2000) < 30
    assert "spent on 2 statistics" in found.provenance["privacy"]["statement"]


def test_values_outside_the_domain_raise_nothing() -> None:
    wild = pd.DataFrame({"x": ["ten", None, 1e300, -5] * 300, "y": [None, "?", 2, [1]] * 300,
                         "sex": ["f", "?", "m", 3] * 300})  # fmt: skip
    with pytest.warns(bs.errors.DiagnosticsWarning, match=r"'x': about .* of the declared model lies outside"):
        found = fit(SPEC, wild, bs.DP(10, 1e-5, domain=FILLED))
    assert abs(found.bound.n - 1200) < 60


def test_a_public_number_of_rows_is_kept(original: pd.DataFrame) -> None:
    found = fit(SPEC, original, bs.DP(1, 1e-5, bs.Unit(relation="replace_one"), FILLED))
    assert found.bound.n == 3000 and found.provenance["n"] == "public"
    assert "one record replaced" in found.provenance["privacy"]["statement"]


def test_what_needs_rows_beside_the_posterior_is_refused(fitted: bs.Fitted, original: pd.DataFrame) -> None:
    for ask in (lambda: fitted.model("x", original), lambda: fitted.to_datatree(original)):
        with pytest.raises(DataError, match="This fit was made of noisy statistics"):
            ask()


def released(frame: pd.DataFrame, seed: int, **asked: Any) -> bs.Released:
    with warnings.catch_warnings(action="ignore", category=bs.errors.PrivacyWarning):
        found = SPEC.sufficient_statistics(frame, privacy=test_seeded(seed, **asked))
    assert isinstance(found, bs.Released)
    return found


def test_releases_of_three_institutions_are_fitted_as_their_sum(tmp_path: Path) -> None:
    parts = [released(table(1000, seed), seed, epsilon=1 + seed) for seed in range(3)]
    paths = [part.save(tmp_path / f"{i}.npz") for i, part in enumerate(parts)]
    apart = fit(SPEC, [bs.Released.load(path) for path in paths])
    summed = fit(SPEC, parts[0] + parts[1] + parts[2])
    for name, values in summed.idata["posterior"].data_vars.items():
        np.testing.assert_array_equal(values, apart.idata["posterior"][name])
    assert [ledger.epsilon for ledger in apart.ledgers] == [1, 2, 3]
    assert "of 3 tables that share no record, each with a ledger of its own" in str(apart.provenance["privacy"])
    assert apart.provenance["privacy"]["epsilon"] == 3
    assert 2900 < apart.bound.n < 3100


def test_a_release_can_be_saved_and_fitted_to_other_priors(fitted: bs.Fitted, tmp_path: Path) -> None:
    own = released(table(3000), 7)
    again = bs.Released.load(own.save(tmp_path / "release.npz"))
    assert repr(again) == repr(own) and again.record() == own.record()
    same = fit(SPEC, again)
    np.testing.assert_array_equal(same.idata["posterior"]["y_x"], fitted.idata["posterior"]["y_x"])
    tight = SPEC.replace(bs.Equation("y ~ x + sex", priors={"x": bs.Prior("Normal", mu=0, sigma=1e-4)}))
    assert abs(float(fit(tight, again).idata["posterior"]["y_x"].mean())) < 2e-3
    own.save(tmp_path / "release.npz")
    (tmp_path / "mine.npz").write_text("mine")
    with pytest.raises(StorageError, match="holds no release, or is damaged"):
        own.save(tmp_path / "mine.npz")


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda r: fit(bs.Spec("x ~ 1"), r), "needs sums of products of x, but what was released are .* of sex, x, y"),
        (lambda r: fit(SPEC, r, ASK), "a release has spent its budget already"),
        (lambda r: fit(SPEC, [r, 3]), "A list of releases holds a int"),
        (lambda r: fit(SPEC, r, missing="drop"), "missing= does not go"),
    ],
)
def test_what_does_not_go_with_a_release(ask: Callable[[bs.Released], Any], message: str) -> None:
    with pytest.raises((DataError, PrivacyError), match=message):
        ask(released(table(50), 1))


def test_cells_of_a_file_are_read_each_by_itself(original: pd.DataFrame, fitted: bs.Fitted, tmp_path: Path) -> None:
    original.to_csv(tmp_path / "t.csv", index=False)
    read = fit(SPEC, tmp_path / "t.csv", test_seeded())
    np.testing.assert_array_equal(read.idata["posterior"]["y_x"], fitted.idata["posterior"]["y_x"])


def test_a_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,y,sex\n1,2,f\n1,2,f,4,5\n")
    with pytest.raises(DataError, match=r"t\.csv cannot be read"):
        fit(SPEC, tmp_path / "t.csv", ASK)


def test_priors_of_spreads_vanish_at_zero_and_declared_ones_stay() -> None:
    declared = bs.Prior("HalfNormal", sigma=3)
    bound = bind_public(SPEC.replace(bs.Equation("x ~ sex", priors={"sigma": declared})), DOMAIN)
    assert bound["x"].priors["sigma"] == declared
    assert bound["y"].priors["sigma"] == bs.Prior("LogNormal", mu=-0.511, sigma=0.75)  # log(.3 * 2)
    assert np.exp(bound["y"].priors["sigma"].logp(np.array([1e-6])))[0] < 1e-50
