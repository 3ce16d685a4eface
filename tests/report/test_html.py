from __future__ import annotations

import re
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.evaluation import Evaluation, Measure
from bayessynth.evaluation.tables import read_tables
from bayessynth.fitting.diagnose import Diagnosis
from bayessynth.report import write_report
from bayessynth.report.page import report_html
from tests.clinics import clinics, spec
from tests.handmade import handmade
from tests.report.evaluations import Page, evaluation, measures, table

HOSTILE = '<script>alert("x")</script>'


@pytest.fixture(scope="module")
def text() -> str:
    return report_html(evaluation())


@pytest.fixture(scope="module")
def page(text) -> Page:
    return Page(text)


@pytest.fixture(scope="module")
def fitted_page() -> Page:
    original = clinics()
    fitted = handmade(spec(), original)
    headings = ["equation", "rhat", "ess_bulk", "ess_tail", "divergences", "bfmi", "parameter", "verdict"]
    rows = pd.DataFrame([["visits", 1.2, 30.0, 50.0, 3, 0.9, "visits_Intercept", "fail"]], columns=headings)
    copies = fitted.synthesize(m=2, random_seed=1)
    tables = read_tables(original, list(copies), groups=["site"], provenance=copies.provenance, fitted=fitted)
    diagnosis = Diagnosis("fail", ("visits: chains disagree (R-hat 1.200).",), rows)
    return Page(report_html(Evaluation(measures(), tables, diagnosis)))


def test_the_page_is_well_formed_and_says_what_it_is(text, page):
    assert len(page.all("h1")) == len(page.all("main")) == 1
    assert text.count("<title>Evaluation of 3 copies</title>") == 1
    assert page.all("html")[0]["lang"] == "en"
    headings = [int(name[1]) for name, _ in page.elements if re.fullmatch("h[1-6]", name)]
    assert all(b - a <= 1 for a, b in pairwise(headings))
    assert "For the data's steward: compares with original records. Do not publish." in page.text


def test_the_page_asks_for_nothing(text, page):
    assert not re.search(r"https?:|//[a-z]|@import|<script|<img|<iframe|<object", text)
    policy = next(m["content"] for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")
    links = [a["href"] or a.get("xlink:href") for a in [*page.all("a"), *page.all("use")]]
    ids = [a["id"] for _, a in page.elements if a.get("id")]
    assert len(set(ids)) == len(ids)
    assert all(link.startswith("#") and link[1:] in ids for link in links)


def test_figures_and_tables_can_be_read_out(page):
    svgs = page.all("svg")
    assert svgs
    assert all(s.get("aria-hidden") == "true" or (s["role"] == "img" and s["aria-label"]) for s in svgs)
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(th.get("scope") in {"col", "row"} for th in page.all("th"))
    assert len(page.all("figcaption")) == len(page.all("figure"))


def test_every_measure_stands_beside_its_reference_with_its_sentence(page):
    for m in measures():
        assert m.reading in page.text
        assert all(note in page.text for note in m.notes)
    assert "Copies 0.840 0.830 to 0.850 Reference 0.950 0.940 to 0.960" in page.text
    assert "Of 5 measures, 1 fails and 1 warns." in page.text
    assert "Not computed Train on synthetic : No target was named." in page.text


def test_parts_are_cut_and_the_rest_is_counted(page):
    assert "Parts of Membership (AUC), worst first (30 of 100)" in page.text
    assert "70 more rows" in page.text


def test_a_verdict_is_said_in_words_and_by_a_shape(page):
    badges = [a["class"] for name, a in page.elements if name == "span" and (a.get("class") or "").startswith("badge")]
    assert {"badge pass", "badge warn", "badge fail"} <= set(badges)
    assert {u["href"] for u in page.all("use")} == {f"#mark-{v}" for v in ("pass", "warn", "fail", "info")}


def test_coefficients_beyond_the_axis_and_without_interval_are_drawn(page):
    texts = " ".join(page.words)
    assert "term sick ~ x: x: original 1.00 [0.80, 1.20], copies 30.00 [29.00, 31.00]" in texts
    assert "term visits ~ age: age: original 0.020 [–, –]" in texts
    assert sum(a.get("class") == "beyond" for a in page.all("path")) == 1


def test_columns_come_worst_first_with_their_missing_share():
    original, copy = table(0), table(1)
    copy["stage"] = "I"
    page = Page(report_html(Evaluation((), read_tables(original, [copy]))))
    drawn = [s["aria-label"] for s in page.all("svg") if (s.get("aria-label") or "").startswith("Distribution of")]
    others = f"{np.mean(original['stage'] != 'I'):.0%}".replace("%", " %")
    assert drawn[0].startswith(f"Distribution of stage: a copy differs from the original in {others}")
    assert len(drawn) == len(original.columns)
    assert sum("missing" in label for label in drawn) == 1
    assert any(label.startswith("Distribution of income") and "missing: " in label for label in drawn)


def test_spec_graph_provenance_diagnostics_and_groups_are_shown_for_a_fit(fitted_page):
    text = fitted_page.text
    assert "pressure ~ dose + (1 + dose | site)" in text
    assert "Graph of 5 equations" in [s.get("aria-label") for s in fitted_page.all("svg")]
    assert "no formal guarantee" in text
    assert "visits: chains disagree (R-hat 1.200)." in text
    assert "visits 1.200 30 50 3 0.90 visits_Intercept fail" in text
    assert "The fit's diagnostics fail." in text
    assert "30 groups; standard deviation over groups" in text


def test_hostile_names_and_levels_are_text():
    original = pd.DataFrame(
        {HOSTILE: [HOSTILE, "b"] * 30, "$\\frac{1}$": np.arange(60.0), "a\x00\u202eb": ["x", "y"] * 30}
    )
    detail = pd.DataFrame({"column": [HOSTILE], "with": ["a\x00\u202eb"], "value": [HOSTILE]})
    m = Measure(
        "a b<c>", "utility", HOSTILE, 0.5, HOSTILE, reference=0.4, verdict="fail", detail=detail, notes=(HOSTILE,)
    )
    text = report_html(Evaluation((m,), read_tables(original, [original], provenance={"spec": HOSTILE})))
    page = Page(text)
    assert not page.all("script")
    assert "\x00" not in text
    assert page.text.count(HOSTILE) >= 5


def test_a_spec_with_hostile_names_is_drawn():
    names = ["$\\frac{1}$", "a<b", "列"]
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 3)), columns=names)
    fitted = handmade(bs.Spec(*(bs.Equation(f"`{name}` ~ 1", family="normal") for name in names)), frame)
    page = Page(report_html(Evaluation((), read_tables(frame, [frame], fitted=fitted))))
    assert all(name in page.text for name in names)


@pytest.mark.parametrize("m", [1, 5])
def test_any_number_of_copies(m):
    page = Page(report_html(evaluation(m)))
    assert ("Evaluation of 1 copy" if m == 1 else "Evaluation of 5 copies") in page.text


def test_odd_tables_have_a_page():
    original = pd.DataFrame(
        {
            "constant": [1.0] * 10, "nothing": [np.nan] * 10, "no level": pd.Series([None] * 10, dtype=object),
            "flag": pd.array([True, None] * 5, dtype="boolean"), "endless": [np.inf, *range(9)],
            "huge": [1e300, *range(9)], "day": pd.to_datetime(["2020-01-01"] * 9 + [None]),
            "count": [0] * 8 + [10**9, 3],
        }
    )  # fmt: skip
    copies = [original.head(4), original.assign(constant=2.0, nothing=1.0, day=pd.NaT, huge=np.nan)]
    page = Page(report_html(Evaluation((), read_tables(original, copies))))
    assert all(column in page.text for column in original)
    assert "nan" not in " ".join(str(v) for s in page.elements for v in s[1].values())


def test_no_measure_no_holdout_no_fit():
    page = Page(report_html(Evaluation((), read_tables(table(0), [table(1)]))))
    assert "None of 0 measures fails or warns." in page.text
    assert "no holdout" in page.text
    assert "came without provenance" in page.text


def test_a_hundred_columns_are_folded_small_and_quick():
    rng = np.random.default_rng(0)
    frames = [
        pd.DataFrame(
            {f"c{i}": rng.normal(size=2000) if i % 2 else rng.choice(list("abcdef"), 2000) for i in range(100)}
        )
        for _ in range(6)
    ]
    own = Evaluation((), read_tables(frames[0], frames[1:]))
    start = time.process_time()
    text = report_html(own)
    assert time.process_time() - start < 5
    assert len(text) < 5_000_000
    assert "88 further columns" in Page(text).text


def test_the_same_evaluation_gives_the_same_page(text):
    assert report_html(evaluation()) == text


def test_the_file_is_whole_or_absent(tmp_path, monkeypatch):
    target = tmp_path / "new folder" / "report.html"
    assert write_report(evaluation(), str(target)) == target
    before = target.read_bytes()

    def broken(*_):
        raise OSError("no space left")

    monkeypatch.setattr("bayessynth.report.page.os.replace", broken)
    with pytest.raises(OSError, match="no space"):
        write_report(evaluation(1), target)
    assert [p.name for p in target.parent.iterdir()] == ["report.html"]
    assert target.read_bytes() == before


def test_nothing_of_the_machine_stands_in_the_page(text, fitted_page):
    assert str(Path.home()) not in text
    assert str(Path(__file__).parents[2]) not in text + fitted_page.text
