from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from bayessynth.evaluation import Evaluation, Measure
from bayessynth.evaluation.tables import read_tables
from bayessynth.report import write_card
from bayessynth.report.page import card_html
from tests.clinics import clinics, spec
from tests.handmade import handmade
from tests.report.evaluations import Page

PROVENANCE = {
    "spec": "abc123", "synthesis": "fully", "proper": True, "m": 5, "k": 200, "n": 100, "groups": "none",
    "random_seed": 987654321, "draws": [[0, 7717]], "verdict": "pass", "forced": False, "last_group_cut": False,
    "given": [], "disclosing": [], "privacy": "no formal guarantee",
    "fit": {"data": {"hash": "fingerprint-of-the-data"}, "missing": "error"}, "versions": {"bayessynth": "0"},
}  # fmt: skip


def numbers_of(text: str) -> set[str]:
    return set(re.findall(r"\d+(?:\.\d+)?", text))


@pytest.fixture
def original() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({"x": rng.normal(size=100), "town": rng.choice(["Ypsilon-on-Sea", "Quxville"], 100)})


def evaluated(original: pd.DataFrame, **known) -> Evaluation:
    found = (
        Measure("secret", "utility", "A secret title", 0.777123, "A secret reading.", (0.7123, 0.8123), 0.654321,
                verdict="fail", detail=pd.DataFrame({"column": ["secret detail"]}), notes=("a secret note",)),
        Measure("open", "checks", "An open title", 0.25, "An open reading.", verdict="pass", restricted=False,
                detail=pd.DataFrame({"column": ["a detail stays out"]})),
        Measure("open_nan", "checks", "Never computed", float("nan"), "Nothing.", restricted=False),
    )  # fmt: skip
    return Evaluation(found, read_tables(original, [original[::-1]], **known))


def test_no_restricted_measure_and_no_original_value_stands_in_the_card(original):
    text = card_html(evaluated(original, provenance=PROVENANCE))
    assert "secret" not in text
    page = Page(text)
    assert "An open reading. (0.250)" in page.text
    assert "detail" not in page.text
    assert "Never computed" not in page.text
    for value in ("0.777", "0.712", "0.812", "0.654", "Ypsilon", "Quxville"):
        assert value not in page.text
    values = {f"{v:.{places}f}" for v in original["x"].abs() for places in (4, 6)}
    assert not values & numbers_of(page.text)


def test_the_card_is_the_same_whatever_the_original_and_what_was_measured_of_it(original):
    rng = np.random.default_rng(9)
    other = pd.DataFrame({"x": rng.normal(50, 9, size=100), "town": rng.choice(["Zed", "Aleph", "Beth"], 100)})
    one = evaluated(original, provenance=PROVENANCE)
    two = evaluated(other, provenance=PROVENANCE)
    opened = tuple(m for m in two if not m.restricted)
    assert card_html(Evaluation(opened, two.tables)) == card_html(one)


def test_whether_the_gate_failed_does_not_show(original):
    page = Page(card_html(evaluated(original, provenance=PROVENANCE)))
    assert "fail" not in page.text
    assert not page.all("svg")[1:]


def test_seeds_draws_and_the_fingerprint_stay_out(original):
    text = card_html(evaluated(original, provenance=PROVENANCE))
    assert not any(word in text for word in ("987654321", "7717", "fingerprint"))


def test_how_copies_were_made_and_how_to_pool_them(original):
    text = Page(card_html(evaluated(original, provenance=PROVENANCE))).text
    assert "Privacy no formal guarantee" in text
    assert "Spec (hash) abc123" in text
    assert "Combining rule: proper (Raab, Nowok and Dibben (2016))" in text
    # k/n + (1 + k/n)/m = 2 + 3/5
    assert "Here that is 2.60 v̄." in text
    assert 'bs.pool(copies, "outcome ~ predictor", model="ols", rule="proper", n=100)' in text


@pytest.mark.parametrize(
    ("changed", "rule", "few"),
    [
        ({"synthesis": "partially"}, "partial", False),
        ({"proper": False}, "plug_in", False),
        ({"fit": {"imputed": {"age": 12}}}, "rrr", True),
        ({"fit": {"imputed": {"age": 12}}, "k": 500}, "rrr", False),
    ],
)
def test_the_rule_follows_the_provenance(original, changed, rule, few):
    text = Page(card_html(evaluated(original, provenance=PROVENANCE | changed))).text
    assert f"Combining rule: {rule} " in text
    assert ("fewer copies than the rule needs" in text) is few


def test_disclosing_choices_are_named(original):
    kept = "original values of town, and the original groups"
    text = Page(card_html(evaluated(original, provenance=PROVENANCE | {"disclosing": [kept], "given": ["town"]}))).text
    assert kept in text
    assert "Columns handed in town" in text
    assert "Nothing was declared" not in text


def test_copies_of_unknown_origin(original):
    text = Page(card_html(evaluated(original))).text
    assert "how they were made is not recorded" in text
    assert "Which combining rule applies depends on how the copies were made" in text
    assert "rule=" not in text


def test_families_come_from_the_fit(tmp_path):
    frame = clinics()
    fitted = handmade(spec(), frame)
    copies = fitted.synthesize(m=1, random_seed=1)
    tables = read_tables(frame, list(copies), groups=["site"], provenance=copies.provenance, fitted=fitted)
    path = write_card(Evaluation((), tables), tmp_path / "card.html")
    text = Page(path.read_text()).text
    assert "beds poisson female bernoulli dose uniform pressure normal visits poisson" in text
    assert not any(label in text for label in frame["site"].unique())


def test_no_claim_that_nobody_can_keep(original):
    words = Page(card_html(evaluated(original, provenance=PROVENANCE))).text.lower()
    assert not any(word in words for word in ("anonym", "safe", "compliant"))
