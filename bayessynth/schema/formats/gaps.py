"""Texts that stand for missing cells among numbers and times."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

_WORDS = ("", ".", "-", "--", "?", "#N/A", "#NA", "N/A", "n/a", "N.A.", "n.a.", "NA", "<NA>", "NaN", "nan", "NAN",
          "NaT", "None", "none", "NONE", "Null", "null", "NULL", "Missing", "missing", "MISSING")  # fmt: skip
# With blanks beside them too, as files of fixed width and careless hands leave them.
GAP_TEXTS = frozenset(f"{before}{word}{after}" for word in _WORDS for before in ("", " ", "\t") for after in ("", " "))


def gap_texts(values: Iterable[str]) -> list[str]:
    """Return those of some texts that stand for a missing cell.

    >>> gap_texts(["1.5", "?", "n/a", "unknown"])
    ['?', 'n/a']
    """
    return [value for value in values if value in GAP_TEXTS]


def gap_written(series: pd.Series, texts: list[str], among: str) -> tuple[str | None, tuple[str, ...]]:
    """Return how the missing cells of a column of text are written, and what to say of it.

    Parameters
    ----------
    series : Series
    texts : list of str
        Those of its values that stand for missing cells.
    among : str
        What the other cells hold.

    Returns
    -------
    tuple
        The text that decoding writes, None for a missing cell, and notes for the user.
    """
    if not texts:
        return None, ()
    counts = series[series.isin(texts)].value_counts()
    written = ", ".join(f"{text!r} ({int(counts[text])} of {len(series)} cells)" for text in texts)
    note = f"among {among}, {written} are taken for missing cells."
    blank = int(series.isna().sum())
    common = max(texts, key=lambda text: int(counts[text]))
    chosen = None if blank > int(counts[common]) else common
    if len(texts) > 1 or blank:
        note += f" All missing cells are written back as {'empty cells' if chosen is None else repr(chosen)}."
    else:
        note += " They are written back as they were."
    return chosen, (note + " Where it means something, declare the column categorical.",)
