"""Evaluations put together by hand, so that a test of the report need not wait for measures."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import numpy as np
import pandas as pd

from bayessynth.evaluation import Evaluation, Measure
from bayessynth.evaluation.tables import read_tables

# Elements that have no end tag.
VOID = {"meta", "link", "br", "col", "hr", "img", "input"}


class Page(HTMLParser):
    """A parsed page: fails on tags that do not match, keeps elements, and the text of the whole page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in {"style", "script"}:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def table(seed: int, n: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    return pd.DataFrame(
        {
            "x": x,
            "age": rng.integers(18, 90, n),
            "income": np.where(rng.random(n) < 0.1, np.nan, np.round(rng.lognormal(3, 1, n), 2)),
            "visits": rng.negative_binomial(0.5, 0.02, n),
            "stage": pd.Categorical(rng.choice(["I", "II", "III"], n), ["I", "II", "III"], ordered=True),
            "sick": x + rng.normal(size=n) > 0,
            "town": rng.choice([f"Town number {i}" for i in range(30)], n),
            "seen": pd.Timestamp("2020-02-29") + pd.to_timedelta(rng.integers(0, 900, n), unit="D"),
        }
    )


def coefficient_detail() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "analysis": ["sick ~ x", "sick ~ x", "visits ~ age"],
            "term": ["Intercept", "x", "age"],
            "original": [0.1, 1.0, 0.02], "original_low": [-0.1, 0.8, np.nan], "original_high": [0.3, 1.2, np.nan],
            "copies": [0.12, 30.0, 0.02], "copies_low": [-0.1, 29.0, 0.01], "copies_high": [0.34, 31.0, 0.03],
            "overlap": [0.95, 0.0, np.nan],
        }
    )  # fmt: skip


def measures() -> tuple[Measure, ...]:
    """Return measures of every room, every verdict and every way to have no number."""
    pairs = pd.DataFrame({"column": ["x", "age"], "with": ["sick", "stage"], "value": [0.2, 0.1]})
    long = pd.DataFrame({"row": range(100), "risk": np.linspace(1, 0, 100)})
    return (
        Measure("check_columns", "checks", "Checks of columns", 0.0, "None differs.", reference=0.0, verdict="pass"),
        Measure("overlap", "inference", "Overlap", 0.61, "They overlap by 61 %.", (0.55, 0.7), 0.71, (0.6, 0.8),
                "higher", "warn", coefficient_detail()),
        Measure("pairs", "utility", "Pairs", 0.84, "84 % agree.", (0.83, 0.85), 0.95, (0.94, 0.96), "higher", "fail",
                pairs, ("200 of 300 rows, chosen at random.",)),
        Measure("tstr", "utility", "Train on synthetic", float("nan"), "No target was named."),
        Measure("bare", "utility", "A bare number", 12.5, "It informs."),
        Measure("membership", "disclosure", "Membership (AUC)", 0.51, "Guessing, nearly.", None, 0.5, (0.48, 0.52),
                "lower", "pass", long),
    )  # fmt: skip


def evaluation(m: int = 3, **known: Any) -> Evaluation:
    """Return these measures of m copies; ``known`` goes to read_tables."""
    return Evaluation(measures(), read_tables(table(0), [table(j + 1, n=250) for j in range(m)], **known))
