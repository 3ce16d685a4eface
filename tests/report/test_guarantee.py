"""The public card of a fit with formal privacy: all that a steward must state, and nothing read off originals."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.errors import BayesSynthWarning
from bayessynth.evaluation import Evaluation
from bayessynth.evaluation.tables import read_tables
from bayessynth.report.card import card
from bayessynth.report.page import card_html
from tests.report.evaluations import Page

DOMAIN = bs.Domain(
    {"x": bs.Bounds(0, 10, source="manual, p. 7"), "sex": bs.Levels("f", "m", missing="f")}, source="codebook 2024"
)
SPEC = bs.Spec("sex ~ 1", "x ~ sex")


def table(n: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"x": rng.normal(5, 1.5, n).clip(0, 10), "sex": rng.choice(["f", "m"], n), "who": range(n)})


def fit(data: pd.DataFrame) -> bs.Fitted:
    ask = bs.DP(1, 1e-5, domain=DOMAIN, test_seed=1)
    with warnings.catch_warnings(action="ignore", category=BayesSynthWarning):
        return SPEC.fit(data, privacy=ask, draws=250, random_seed=1, cores=1)


def page(fitted: bs.Fitted, original: pd.DataFrame, m: int = 100) -> str:
    copies = fitted.synthesize(m=m, force=True, random_seed=1)
    frame = original[["x", "sex"]]
    return card_html(Evaluation((), read_tables(frame, [copies[0]], provenance=copies.provenance, fitted=fitted)))


@pytest.fixture(scope="module")
def original() -> pd.DataFrame:
    return table(2000)


@pytest.fixture(scope="module")
def text(original: pd.DataFrame) -> str:
    return Page(page(fit(original), original)).text


@pytest.mark.parametrize(
    "said",
    [
        "Privacy test seed: protects nobody; with true noise it would be (1, 1e-05)-differential privacy per record",
        "Unit one record", "Neighbouring tables differ by one record added or removed", "ε 1 δ 1e-05 ρ (zCDP), spent",
        "sums of products of sex[m], x discrete Gaussian, test seed 0.03056 38,067,786 153,989,157",
        "sums of products of sex, x 5 13.4 columns mapped to [-1, 1]",
        "x 0 to 10 row left out manual, p. 7", "sex f, m f codebook 2024",
        "Rows of the original estimated from noisy counts", "Rows of the original, estimated from noisy counts",
        "Copies 100", "any number costs nothing more; pool at least 100, by the rule rrr", "Combining rule: rrr",
        "What the guarantee does not cover", "A person with several records, who is protected record by record only.",
        "Versions bayessynth",
    ],
)  # fmt: skip
def test_it_states_what_a_steward_must(text: str, said: str) -> None:
    assert said in text


def test_fewer_copies_than_pooling_needs_are_named(original: pd.DataFrame) -> None:
    assert (
        "There are fewer copies than the rule needs to keep its promise (100)"
        in Page(page(fit(original), original, m=20)).text
    )


def test_persons_and_several_tables(original: pd.DataFrame) -> None:
    ask = bs.DP(3, 1e-5, bs.Unit("who", cap=2), DOMAIN, test_seed=1)
    with warnings.catch_warnings(action="ignore", category=BayesSynthWarning):
        parts = [SPEC.sufficient_statistics(table(2000, seed), privacy=ask) for seed in (1, 2)]
    said = Page(page(SPEC.fit(parts, draws=250, random_seed=1, cores=1), original)).text
    assert "Rows of a person that are used at most 2 (column 'who')" in said
    assert "of 2 tables that share no person, each with a ledger of its own" in said
    assert "Budgets of the tables 3 at δ = 1e-05; 3 at δ = 1e-05" in said
    assert "table 2: sums of products" in said
    assert "Rows beyond 2 a person, which are left out: estimates are those of the table so capped." in said


def test_it_is_the_same_whatever_the_original_that_stands_beside_it(original: pd.DataFrame) -> None:
    """The exact number of rows included."""
    fitted = fit(original)
    assert fitted.bound.n != len(original)
    one, two = page(fitted, original), page(fitted, table(77, seed=9))
    assert one == two and "2,000" not in one


def test_without_privacy_there_is_no_such_section(original: pd.DataFrame) -> None:
    frame = original[["x", "sex"]]
    tables = read_tables(frame, [frame], provenance=None)
    found = card(Evaluation((), tables))
    assert found.guarantee is None and "Formal privacy" not in card_html(Evaluation((), tables))


def test_copies_alone_have_a_card_and_pooled_results_say_that_n_is_an_estimate(
    original: pd.DataFrame, tmp_path
) -> None:
    copies = fit(original).synthesize(m=100, k=50, force=True, random_seed=1)
    text = Page(copies.to_card(tmp_path / "card.html").read_text()).text
    assert "Rows of the original, estimated from noisy counts" in text and "Combining rule: rrr" in text
    with warnings.catch_warnings(action="ignore", category=BayesSynthWarning):
        assert f"(original n about {copies.provenance['n']:,})" in copies.pool("x ~ 1").summary()
