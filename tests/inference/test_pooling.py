"""Pooling: the rule that provenance asks for, the scale of pooling, warnings, errors, and the printed result."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

import bayessynth as bs
from bayessynth.errors import DataError, PoolingWarning
from bayessynth.inference import RULES, Estimate
from bayessynth.inference.formula import split
from bayessynth.inference.pooling import combine
from bayessynth.inference.provenance import rule_for, uncongenial
from bayessynth.synthesis import SyntheticData

FULLY = {"synthesis": "fully", "proper": True, "privacy": "no formal guarantee", "n": 300, "fit": {"missing": "error"}}


def proper_copies(m: int = 6, n: int = 300, seed: int = 2) -> list[pd.DataFrame]:
    """Copies of a regression, each from its own posterior draw."""
    rng = np.random.default_rng(seed)
    copies = []
    for beta in rng.multivariate_normal([1.0, 0.5], np.eye(2) / n, m):
        x = rng.normal(size=n)
        copies.append(pd.DataFrame({"x": x, "y": beta[0] + beta[1] * x + rng.normal(size=n)}))
    return copies


def of(copies: list[pd.DataFrame], **changed: Any) -> SyntheticData:
    return SyntheticData(lambda j, threads: iter([copies[j]]), len(copies), {**FULLY, **changed})


def test_pooled_regression_is_the_rule_applied_to_statsmodels_results() -> None:
    copies = proper_copies()
    fits = [smf.ols("y ~ x", c).fit() for c in copies]
    q = np.mean([f.params["x"] for f in fits])
    v = np.mean([f.bse["x"] ** 2 for f in fits])
    row = of(copies).pool("y ~ x").table.loc["x"]
    total = v * (1 + 2 / 6)
    assert (row["estimate"], row["std_error"]) == pytest.approx((q, np.sqrt(total)))
    assert (row["low"], row["high"]) == pytest.approx((q - 1.959964 * np.sqrt(total), q + 1.959964 * np.sqrt(total)))
    assert row["information_lost"] == pytest.approx(1 - 1 / (1 + 2 / 6))
    about = of(copies).pool("y ~ x", target="original").table.loc["x"]
    assert about["std_error"] == pytest.approx(np.sqrt(v * 2 / 6))


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({}, "proper"),
        ({"proper": False}, "plug_in"),
        ({"synthesis": "partially"}, "partial"),
        ({"privacy": "(1, 1e-6)-differential privacy"}, "rrr"),
        ({"fit": {"imputed": {"age": 12}}}, "rrr"),
    ],
)
def test_provenance_chooses_the_rule(changed: dict[str, Any], rule: str) -> None:
    assert rule_for({**FULLY, **changed}).name == rule


def test_rules_that_leave_noise_out_are_refused() -> None:
    noisy = {**FULLY, "privacy": "(1, 1e-6)-differential privacy"}
    for rule, source in (("proper", "Raab, Nowok"), ("plug_in", "Raab, Nowok"), ("partial", "Reiter")):
        with pytest.raises(DataError, match=rf"rule='{rule}' \({source}.* leaves out the noise of formal privacy"):
            rule_for(noisy, rule)
    assert rule_for(noisy, "rrr").name == "rrr"
    imputed = {**FULLY, "fit": {"imputed": {"age": 12}}}
    with pytest.raises(DataError, match="leaves out the noise of imputed cells"):
        rule_for(imputed, "proper")
    assert rule_for(imputed, "partial").name == "partial"


def test_foreign_copies_must_say_how_they_were_made() -> None:
    copies = proper_copies()
    with pytest.raises(DataError, match=r"do not say how they were made\. Name the combining rule: 'proper'"):
        bs.pool(copies, "y ~ x")
    with pytest.raises(DataError, match="how many rows the original has"):
        bs.pool(copies, "y ~ x", rule="proper")
    assert bs.pool(copies, "y ~ x", rule="proper", n=300).n == 300


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 0}, "whole number above zero"),
        ({"n": 300, "level": 95}, "between 0 and 1"),
        ({"n": 300, "target": "sample"}, "not one of 'population', 'original'"),
        ({"n": 300, "rule": "rrr", "target": "original"}, "needs the rule 'proper' or 'plug_in'"),
    ],
)
def test_bad_arguments(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        bs.pool(proper_copies(), "y ~ x", **{"rule": "proper", **options})


def test_a_rule_that_needs_two_copies_says_so() -> None:
    with pytest.raises(DataError, match="'partial' needs at least 2 copies; there are 1"):
        bs.pool(proper_copies(1), "y ~ x", rule="partial", n=300)
    assert bs.pool(proper_copies(1), "y ~ x", rule="proper", n=300).table["spread"].isna().all()


def test_an_error_names_the_copy() -> None:
    copies = proper_copies()
    copies[3] = copies[3].assign(y=np.nan)
    with pytest.raises(DataError, match="Copy 3: Only 0 complete rows"):
        of(copies).pool("y ~ x")


def test_copies_that_vary_too_much_or_too_little_warn() -> None:
    with pytest.warns(PoolingWarning, match="otherwise than the rule 'proper' takes for granted"):
        of([proper_copies(1, seed=s)[0] + s for s in range(6)]).pool("y ~ x")
    one = proper_copies(1)[0]
    with pytest.warns(PoolingWarning, match="Intercept"):
        of([one] * 20).pool("y ~ x")


def test_few_copies_for_rrr_warn_and_its_fallback_is_named() -> None:
    with pytest.warns(PoolingWarning) as found:
        pooled = bs.pool([proper_copies(1)[0]] * 3, "y ~ x", rule="rrr", n=300)
    said = " ".join(str(w.message) for w in found)
    assert "often no positive variance" in said
    assert "Reiter's (2002) (k/n) v̄ stands in" in said
    assert pooled.table.loc["x", "std_error"] == pytest.approx(smf.ols("y ~ x", proper_copies(1)[0]).fit().bse["x"])


def test_a_level_that_some_copies_lack() -> None:
    rng = np.random.default_rng(1)
    copies = [pd.DataFrame({"s": rng.choice(["a", "b"], 60), "y": rng.normal(size=60)}) for _ in range(4)]
    copies[0].loc[:20, "s"] = "c"
    copies[2].loc[:20, "s"] = "c"
    with pytest.warns(PoolingWarning, match=r"Estimated in some copies only: 's\[T.c\]' \(2 of 4\)"):
        pooled = bs.pool(copies, "y ~ s", rule="plug_in", n=60)
    own = [c.loc[c["s"] == "c", "y"].mean() - c.loc[c["s"] == "a", "y"].mean() for c in (copies[0], copies[2])]
    assert pooled.table.loc["s[T.c]", "estimate"] == pytest.approx(np.mean(own))
    assert pooled.table.loc["s[T.c]", "copies"] == 2
    with pytest.raises(DataError, match="could not be estimated in every copy"):
        pooled.wald()


def test_variances_pool_on_the_log_scale_and_zeros_on_their_own() -> None:
    found = [Estimate(("v",), np.array([x]), np.array([[0.04]]), ("log",)) for x in (1.0, 2.0, 4.0)]
    pooled = combine(found, RULES["proper"], 100, 100)
    assert pooled.table.loc["v", "estimate"] == pytest.approx(2.0)
    assert np.isnan(pooled.table.loc["v", "p_value"])
    assert pooled.table.loc["v", "low"] > 0
    found.append(Estimate(("v",), np.array([0.0]), np.array([[0.04]]), ("log",)))
    pooled = combine(found, RULES["proper"], 100, 100)
    assert pooled.table.loc["v", "estimate"] == pytest.approx(1.75)
    assert "at the edge of its range in 1 of 4 copies" in pooled.notes[0]


def test_ignored_clusters_and_dropped_rows_warn() -> None:
    effects, site = np.random.default_rng(5).normal(0, 0.55, (6, 30)), np.arange(300) % 30
    copies = [c.assign(site=site, y=c["y"] + e[site]) for c, e in zip(proper_copies(), effects, strict=True)]
    with pytest.warns(PoolingWarning, match="Rows are grouped by site, which this analysis ignores"):
        of(copies, group_columns=["site"]).pool("y ~ x")
    assert of(copies, group_columns=["site"]).pool("y ~ x + (1 | site)", model="mixed").notes == ()
    assert of(copies, group_columns=["site"]).pool("y ~ x", cluster="site").notes == ()
    with pytest.warns(PoolingWarning, match="Rows with missing cells were left out"):
        of(copies, fit={"missing": "drop"}).pool("y ~ x")


def test_relations_that_the_spec_leaves_out_are_named() -> None:
    copies = [c.assign(z=np.arange(300) % 2, site=np.arange(300) % 30) for c in proper_copies()]
    terms = {"y": [["x"], ["z"]], "x": [], "z": []}
    with pytest.warns(PoolingWarning, match="leaves out x × z on y: the copies show none"):
        of(copies, terms=terms, slopes={"y": []}).pool("y ~ x * z")
    assert of(copies, terms={**terms, "y": [["x", "z"]]}).pool("y ~ x * z").notes == ()
    assert of(copies, terms={**terms, "z": [["y", "x"]]}).pool("y ~ x * z").notes == ()
    assert of(copies, terms=terms).pool("y ~ x + z").notes == ()
    made = {"terms": terms, "slopes": {"y": []}}
    parts = split("y ~ x + (1 + x | site)")
    assert uncongenial(made, parts, [("x",)]) == ["x by site on y"]
    assert uncongenial({**made, "slopes": {"y": [["x", "site"]]}}, parts, [("x",)]) == []


def test_copies_of_several_imputations_pool_by_the_nested_rule() -> None:
    copies = proper_copies()
    pooled = bs.pool(copies, "y ~ x", n=300, nests=3)
    fits = [smf.ols("y ~ x", c).fit() for c in copies]
    q = np.array([f.params["x"] for f in fits]).reshape(3, 2)
    v = np.mean([f.bse["x"] ** 2 for f in fits])
    total = 4 / 3 * q.mean(axis=1).var(ddof=1) - q.var(axis=1, ddof=1).mean() / 2 + v
    assert pooled.table.loc["x", "std_error"] == pytest.approx(np.sqrt(total))
    assert "Rule: nested, T = (1 + 1/M) B − W̄/r + v̄; Reiter (2004)" in str(pooled)
    with pytest.raises(DataError, match="no joint test for the rule 'nested'"):
        pooled.wald()
    for wrong in ({"nests": 4}, {"nests": 6}, {"nests": 1}, {"nests": 3, "rule": "partial"}):
        with pytest.raises(DataError, match="at least 2 imputations with as many copies of each"):
            bs.pool(copies, "y ~ x", n=300, **wrong)


def test_wald_and_its_errors() -> None:
    pooled = of(proper_copies()).pool("y ~ x")
    z = pooled.table.loc["x", "statistic"]
    assert pooled.wald()["statistic"] == pytest.approx(z**2)
    with pytest.raises(DataError, match=r"no coefficient 'xx'\. Did you mean 'x'"):
        pooled.wald(["xx"])
    with pytest.raises(DataError, match="no coefficient to test"):
        of(proper_copies()).pool("y", model="mean").wald([])


def test_the_summary_names_rule_source_and_target() -> None:
    text = str(of(proper_copies()).pool("y ~ x"))
    assert "Linear regression (least squares), pooled over m=6 copies of k=300 rows (original n=300)" in text
    assert "Rule: proper, T = v̄ (k/n + (1 + k/n)/m); Raab, Nowok and Dibben (2016)" in text
    assert "95% intervals for the population's values" in text
    assert "inf. lost" in text
    page = of(proper_copies()).pool("y ~ x")._repr_html_()
    assert page.count("<table") == 1


def test_a_function_of_ones_own() -> None:
    def median(frame: pd.DataFrame) -> tuple[pd.Series, np.ndarray]:
        return pd.Series({"median": frame["y"].median()}), np.array([[np.pi / 2 * frame["y"].var() / len(frame)]])

    pooled = of(proper_copies()).pool(model=median)
    assert pooled.table.index.tolist() == ["median"]
    assert len(pooled.plot().axes) == 1
