"""The tables of an evaluation as measures see them: encoded once, missing cells a level of their own.

Numbers are kept as numbers and, for tables of counts, cut at the original's deciles. Everything else is a level. The
encoding is learnt from the original alone, so a copy's unknown level is a level of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from bayessynth.errors import DataError, TableWarning, suggest, warn
from bayessynth.evaluation.encoders import IDENTIFIER_ROWS, as_numbers, as_text, learn_encoder
from bayessynth.evaluation.written import plain_tables
from bayessynth.inference.provenance import formal


@dataclass(frozen=True)
class Encoded:
    """One table, encoded.

    Attributes
    ----------
    values : mapping of str to ndarray of float, shape (n,)
        Columns of numbers; NaN where a cell is missing. Dates count days.
    codes : mapping of str to ndarray of int, shape (n,)
        Every column as a code below ``Tables.sizes[column]``; the last code is "missing", the last but one "a level
        that the original does not have".
    n : int
    """

    values: Mapping[str, np.ndarray]
    codes: Mapping[str, np.ndarray]
    n: int

    def take(self, rows: np.ndarray) -> Encoded:
        """Return some of the rows, in the given order."""
        return Encoded(
            {c: v[rows] for c, v in self.values.items()}, {c: v[rows] for c, v in self.codes.items()}, len(rows)
        )

    def features(self, columns: Sequence[str]) -> np.ndarray:
        """Return columns as floats, shape (n, len(columns)): numbers as they are (NaN missing), levels as codes."""
        parts = [self.values[c] if c in self.values else self.codes[c].astype(float) for c in columns]
        return np.column_stack(parts) if parts else np.empty((self.n, 0))


@dataclass(frozen=True)
class Tables:
    """Original, copies and holdout, as frames and encoded.

    Attributes
    ----------
    original_frame, holdout_frame : DataFrame
        Columns in the original's order, text that stands for numbers or times as these; ``holdout_frame`` is None
        without a holdout.
    copy_frames : tuple of DataFrame
    written_original, written_holdout : DataFrame
        As they were handed in, for those that read them by the fit's schema.
    original, holdout : Encoded
    copies : tuple of Encoded
    columns : tuple of str
        All that measures of distributions read, in the original's order: identifiers and groups left out.
    numbers, levels : tuple of str
        The columns that are numbers (dates too), and the others.
    sizes : mapping of str to int
        Number of codes of every column, "unknown" and "missing" included.
    labels : mapping of str to tuple of str
        What each code stands for, for display.
    identifiers : tuple of str
        Columns that name records, which only copy checks read.
    groups : tuple of str
        Columns that name a row's group.
    keys : tuple of str
        What an intruder is taken to know.
    target : str or None
        What an intruder wants to know, or a model is to predict.
    analyses : tuple of (str, str, mapping)
        Analyses whose coefficients are compared: formula, model, options.
    provenance : mapping or None
        Of the copies, where they are ours; None for foreign tables.
    fitted : object or None
        The fit that made the copies (``Fitted``), where it is at hand.
    synthesizer : callable or None
        ``synthesizer(frame, seed)`` returns one synthetic table made anew from a frame, for shadow models.
    max_rows : int or None
        Rows that a costly measure uses of each table; None for its own default. A measure that takes fewer than there
        are says so in its notes.
    entropy : int
        From which :meth:`rng` derives all randomness.
    """

    original_frame: pd.DataFrame
    copy_frames: tuple[pd.DataFrame, ...]
    holdout_frame: pd.DataFrame | None
    written_original: pd.DataFrame
    written_holdout: pd.DataFrame | None
    original: Encoded
    copies: tuple[Encoded, ...]
    holdout: Encoded | None
    columns: tuple[str, ...]
    numbers: tuple[str, ...]
    levels: tuple[str, ...]
    sizes: Mapping[str, int]
    labels: Mapping[str, tuple[str, ...]]
    identifiers: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    target: str | None = None
    analyses: tuple[tuple[str, str, Mapping[str, Any]], ...] = ()
    provenance: Mapping[str, Any] | None = None
    fitted: Any = None
    synthesizer: Any = None
    max_rows: int | None = None
    entropy: int = 0
    cache: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def n(self) -> int:
        """Rows of the original."""
        return self.original.n

    @property
    def m(self) -> int:
        """Number of copies."""
        return len(self.copies)

    @property
    def k(self) -> int:
        """Rows of a copy, on average."""
        return round(float(np.mean([c.n for c in self.copies])))

    @property
    def proper(self) -> bool | None:
        """Whether each copy has its own posterior draw; None where that is unknown (foreign tables)."""
        return None if self.provenance is None else bool(self.provenance.get("proper", True))

    def rng(self, *key: str | int) -> np.random.Generator:
        """Return the random stream of one purpose, the same whichever other measures run."""
        words = [int.from_bytes(str(k).encode()[:24], "little") if isinstance(k, str) else int(k) for k in key]
        return np.random.default_rng([self.entropy, *words])

    @property
    def clusters(self) -> np.ndarray | None:
        """The group of every original row, as a code, where rows come in groups that copies draw anew.

        The coarsest of several grouping columns; None without groups, or where copies keep the original's groups.
        """
        if "clusters" not in self.cache:
            coded = [
                pd.factorize(self.original_frame[g], use_na_sentinel=False)[0]
                for g in self.groups
                if g in self.original_frame
            ]
            kept = self.provenance is not None and self.provenance.get("groups") == "existing"
            self.cache["clusters"] = min(coded, key=np.max) if coded and not kept else None
        return self.cache["clusters"]

    def redraw(self, rows: int, rng: np.random.Generator) -> np.ndarray:
        """Return the row numbers of a sample of the original, drawn with replacement: whole groups if it has any.

        The last group is cut so that there are exactly ``rows``.
        """
        clusters = self.clusters
        if clusters is None:
            return rng.integers(0, self.n, rows)
        sizes = np.bincount(clusters)
        members = np.split(np.argsort(clusters, kind="stable"), np.cumsum(sizes)[:-1])
        drawn = rng.integers(0, len(sizes), max(1, int(2 * rows / sizes.mean())))
        while sizes[drawn].sum() < rows:
            drawn = np.append(drawn, rng.integers(0, len(sizes), len(drawn)))
        needed = int(np.searchsorted(np.cumsum(sizes[drawn]), rows)) + 1
        return np.concatenate([members[g] for g in drawn[:needed]])[:rows]

    @property
    def noisy(self) -> bool:
        """Whether copies carry the noise of formal privacy, and there are several to tell how much."""
        return formal(self.provenance) and self.m > 1

    def pair(self, samples: str = "samples of these sizes") -> str:
        """Say what a reference compares: two such samples, or two copies with formal privacy."""
        return "two copies (noise of formal privacy included)" if self.noisy else f"two {samples}"

    def pairs_of_copies(self, repetitions: int, *key: str | int) -> list[tuple[int, int]]:
        """Return the numbers of two copies, drawn so many times."""
        rng = self.rng("pairs of copies", *key)
        return [tuple(rng.choice(self.m, 2, replace=False).tolist()) for _ in range(repetitions)]

    def resamples(self, repetitions: int, *key: str | int) -> Iterator[tuple[Encoded, Encoded]]:
        """Yield pairs of independent samples of sizes n and k, both drawn anew from the original (see ``redraw``).

        What a measure says of such a pair is its reference: copies cannot be expected to do better. With formal
        privacy the pairs are of copies: where the model holds, the original is to the release what a copy is, and lies
        no farther from a copy than another copy does, whose posterior draw has the noise too.
        """
        rng = self.rng("resample", *key)
        if self.noisy:
            for i, j in self.pairs_of_copies(repetitions, *key):
                first = self.copies[i]
                yield first if first.n == self.n else first.take(rng.integers(0, first.n, self.n)), self.copies[j]
            return
        for _ in range(repetitions):
            yield self.original.take(self.redraw(self.n, rng)), self.original.take(self.redraw(self.k, rng))


def read_tables(
    original: pd.DataFrame,
    copies: Sequence[pd.DataFrame],
    holdout: pd.DataFrame | None = None,
    *,
    groups: Sequence[str] = (),
    keys: Sequence[str] = (),
    target: str | None = None,
    **known: Any,
) -> Tables:
    """Check the tables against each other and encode them.

    Parameters
    ----------
    original : DataFrame
    copies : sequence of DataFrame
    holdout : DataFrame, optional
    groups, keys, target
        As in :func:`bayessynth.evaluate`.
    **known
        The further attributes of :class:`Tables`: ``analyses``, ``provenance``, ``fitted``, ``synthesizer``,
        ``max_rows``, ``entropy``.

    Raises
    ------
    DataError
        If a table is empty or lacks a column, a number stands as text, or a named column does not exist.

    Examples
    --------
    >>> df = pd.DataFrame({"x": [1.0, 2.0, None], "s": ["a", "b", "b"]})
    >>> tables = read_tables(df, [df])
    >>> tables.numbers, tables.levels, tables.original.codes["s"].tolist()
    (('x',), ('s',), [0, 1, 1])
    """
    if not isinstance(original, pd.DataFrame) or original.empty:
        raise DataError("The original must be a DataFrame with at least one row and one column.")
    if not copies:
        raise DataError("There is no copy to judge; hand in at least one synthetic table.")
    names = list(original)
    if len(set(names)) < len(names) or not all(isinstance(name, str) for name in names):
        raise DataError("Column names of the original must be text, and no two the same.")
    for role, given in {"groups": groups, "keys": keys, "target": (target,) if target else ()}.items():
        for column in given:
            if column not in original:
                raise DataError(f"{role}=: there is no column {column!r} in the original.{suggest(column, names)}")
    frames = [_aligned(f, names, f"copy {j}") for j, f in enumerate(copies)]
    kept = [c for c in names if all(c in f for f in frames)]
    if len(kept) < len(names):
        listed = ", ".join(repr(c) for c in names if c not in kept)
        warn(f"Not in every copy, so not judged: {listed}.", TableWarning)
    held = None if holdout is None else _aligned(holdout, kept, "the holdout", whole=True)
    written, written_held = original[kept], None if held is None else held[kept]
    original, *frames = plain_tables([original, *frames, *([] if held is None else [held])])
    held = None if held is None else frames.pop()
    encoders = {c: learn_encoder(original[c]) for c in kept}
    identifiers = tuple(c for c, e in encoders.items() if e is None and c not in groups)
    read = {c: e for c, e in encoders.items() if e is not None and c not in groups}
    if not read:
        raise DataError("No column is left to judge: all are identifiers or groups.")

    def encode(frame: pd.DataFrame, who: str) -> Encoded:
        values, codes = {}, {}
        for column, encoder in read.items():
            if encoder.number:
                values[column] = as_numbers(frame[column], who)
                codes[column] = encoder.cut(values[column])
            else:
                codes[column] = encoder.code(frame[column])
        return Encoded(values, codes, len(frame))

    _check_writing(original, frames, [c for c, e in read.items() if not e.number])
    return Tables(
        original_frame=original[kept], copy_frames=tuple(f[kept] for f in frames),
        holdout_frame=None if held is None else held[kept], written_original=written, written_holdout=written_held,
        original=encode(original, "the original"),
        copies=tuple(encode(f, f"copy {j}") for j, f in enumerate(frames)),
        holdout=None if held is None else encode(held, "the holdout"),
        columns=tuple(read), numbers=tuple(c for c, e in read.items() if e.number),
        levels=tuple(c for c, e in read.items() if not e.number), sizes={c: e.size for c, e in read.items()},
        labels={c: e.labels for c, e in read.items()}, identifiers=identifiers, groups=tuple(groups),
        keys=tuple(keys), target=target, **known,
    )  # fmt: skip


def _aligned(frame: pd.DataFrame, names: Sequence[str], who: str, whole: bool = False) -> pd.DataFrame:
    if not isinstance(frame, pd.DataFrame) or frame.empty:
        raise DataError(f"{who.capitalize()} must be a DataFrame with at least one row.")
    absent = [c for c in names if c not in frame]
    if absent and (whole or len(absent) == len(names)):
        listed = ", ".join(map(repr, absent[:5])) + (" …" if len(absent) > 5 else "")
        raise DataError(f"{who.capitalize()} lacks {len(absent)} of the original's columns: {listed}.")
    return frame[[c for c in names if c in frame]].reset_index(drop=True)


def _check_writing(original: pd.DataFrame, frames: Sequence[pd.DataFrame], columns: Sequence[str]) -> None:
    """Warn of columns of which no level of a copy occurs in the original: text that is written in another way."""
    if min(len(original), len(frames[0])) < IDENTIFIER_ROWS:
        return
    for column in columns:
        own, drawn = (set(as_text(f[column]).dropna()) for f in (original, frames[0]))
        if len(own) > 1 and drawn and not own & drawn:
            warn(
                f"Column {column!r}: no value of the copies occurs in the original, {min(drawn)!r} against "
                f"{min(own)!r}. If it names groups, say so (groups=); if text is written in another way (blanks, upper "
                "case, codes), mend it: else every measure says that the copies are wrong.",
                TableWarning,
            )
