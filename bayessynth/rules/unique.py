"""A key: every row has another value."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from bayessynth.errors import SpecError, SynthesisError
from bayessynth.rules import pattern as patterns
from bayessynth.rules.registry import register
from bayessynth.rules.rule import Arrays, Rule
from bayessynth.schema import Column, Schema
from bayessynth.schema.dtypes import dtype_named

# Ordinals are drawn from a range that 64 bits hold; what a pattern has beyond is drawn character by character.
MOST = 2**62


@register
@dataclass(frozen=True, repr=False)
class Unique(Rule):
    """A column names the rows: every row has another value, made anew by the pattern of the original ones.

    Parameters
    ----------
    column : str
    pattern : str, optional
        How a key is written: plain characters and classes such as ``[0-9]{4}``. Without it keys are whole numbers.
    start : int, optional
        Keys count up from here (of a pattern: from the key with this number). By default they are in random order.

    Without pattern and start, both are learnt from the data.

    Examples
    --------
    >>> import pandas as pd
    >>> Unique("id", "P-[0-9]{4}").violations(pd.DataFrame({"id": ["P-0001", "P-0001", "Q-1"]})).tolist()
    [False, True, True]
    """

    name: ClassVar[str] = "unique"
    whole_copy: ClassVar[bool] = True
    column: str
    pattern: str | None = None
    start: int | None = None

    def __post_init__(self) -> None:
        if self.pattern is not None:
            patterns.parse(self.pattern)

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the column."""
        return (self.column,)

    @property
    def determines(self) -> str:
        """Return the column."""
        return self.column

    def check_schema(self, schema: Schema) -> None:
        """Check that the column holds text or whole numbers that name rows."""
        column = schema[self.column]
        if column.kind not in ("identifier", "count"):
            raise SpecError(
                f"{self!r}: column {column.name!r} is of kind {column.kind!r}; a key is an identifier or a whole "
                f"number. Declare it: schema.override({column.name}='identifier')."
            )
        if self.pattern is None and self.start is not None and not _whole(column):
            raise SpecError(f"{self!r}: column {column.name!r} holds text; state the pattern of its keys.")
        if self.pattern is not None and _whole(column) and not self._writes_numbers():
            raise SpecError(f"{self!r}: column {column.name!r} holds whole numbers; use digits alone, the first not 0.")

    def learn(self, frame: pd.DataFrame, schema: Schema) -> Unique:
        """Return the rule with the pattern of a table's keys, and where they count up, with their start."""
        if self.pattern is not None or self.start is not None:
            return self
        cells = frame[self.column].dropna()
        if _whole(schema[self.column]):
            numbers = cells.to_numpy(dtype=np.int64)
            if (np.diff(numbers) == 1).all():
                return Unique(self.column, start=int(numbers[0]))
            if numbers.min() < 0:
                raise SpecError(f"{self!r}: keys below zero follow no pattern; state start=.")
            return Unique(self.column, patterns.between(int(numbers.min()), int(numbers.max())))
        keys = cells.astype(str).tolist()
        pattern = patterns.learn(keys)
        places = (_ordinal(pattern, key) for key in keys)
        ascending = all(b == a + 1 for a, b in itertools.pairwise(places))
        return Unique(self.column, pattern, start=_ordinal(pattern, keys[0]) if ascending else None)

    def explain(self) -> str:
        """Say what holds."""
        written = "" if self.pattern is None else f", written {self.pattern}"
        counted = "" if self.start is None else f", counted from {self.start}"
        return f"{self.column!r} has another value in every row{written}{counted}."

    def violations(self, frame: pd.DataFrame) -> np.ndarray:
        """Return rows whose key occurred before or is not written by the pattern."""
        cells = frame[self.column]
        wrong = cells.duplicated().to_numpy(dtype=bool)
        if self.pattern is not None:
            if pd.api.types.is_float_dtype(cells.dtype):
                cells = cells.astype("Int64")
            wrong = wrong | ~cells.astype(str).str.fullmatch(patterns.matcher(self.pattern)).to_numpy(dtype=bool)
        return wrong & cells.notna().to_numpy()

    def compute(self, arrays: Arrays, schema: Schema, n: int, rng: np.random.Generator) -> np.ndarray:
        """Return n keys: numbers, or text (an array of objects) for a column of text.

        Raises
        ------
        SynthesisError
            If the pattern has fewer keys.
        """
        if self.pattern is None:
            return float(self._start()) + np.arange(n)
        tokens = patterns.parse(self.pattern)
        capacity = math.prod(token.capacity for token in tokens)
        if n + (self.start or 0) > capacity:
            raise SynthesisError(
                f"{self!r}: the pattern has {capacity} keys, and {n} rows need one each"
                f"{'' if self.start is None else f' from number {self.start} on'}; state a longer pattern."
            )
        tokens = _split(tokens)
        split, size = _tail(tokens)
        chosen = self.start + np.arange(n) if self.start is not None else rng.choice(size, n, replace=False)
        heads = [_head(tokens[:split], rng) for _ in range(n)] if self.start is None else [""] * n
        used = tokens[split:] if self.start is None else tokens
        keys = [head + _written(used, int(i)) for head, i in zip(heads, chosen, strict=True)]
        if _whole(schema[self.column]):
            return np.array(keys, dtype=float)
        made = np.empty(n, dtype=object)
        made[:] = keys
        return made

    def cells(self, values: np.ndarray, schema: Schema) -> pd.Series | None:
        """Return keys that are text in the column's dtype."""
        column = schema[self.column]
        return None if _whole(column) else pd.Series(values, dtype=dtype_named(column.dtype), name=self.column)

    def _start(self) -> int:
        if self.start is None:
            raise SpecError(f"{self!r} leaves its pattern to the data, which it has not seen; use learn(…).")
        return self.start

    def _writes_numbers(self) -> bool:
        tokens = patterns.parse(self.pattern or "")
        digits = all(set(token.alphabet) <= set("0123456789") for token in tokens)
        return digits and bool(tokens) and "0" not in tokens[0].alphabet and sum(t.most for t in tokens) <= 15


def _whole(column: Column) -> bool:
    """Tell whether keys are whole numbers, in whatever dtype."""
    return bool(pd.api.types.is_numeric_dtype(dtype_named(column.unwritten.dtype)))


def _split(tokens: tuple[patterns.Token, ...]) -> tuple[patterns.Token, ...]:
    """Return the tokens with those of too many texts to be counted split into characters."""
    parts = ([t] if t.capacity <= MOST else [patterns.Token(t.alphabet)] * t.most for t in tokens)
    return tuple(itertools.chain.from_iterable(parts))


def _tail(tokens: tuple[patterns.Token, ...]) -> tuple[int, int]:
    """Return from which token on the keys can be counted in 64 bits, and how many there are."""
    size, split = 1, len(tokens)
    while split and size * tokens[split - 1].capacity <= MOST:
        split -= 1
        size *= tokens[split].capacity
    return split, size


def _head(tokens: tuple[patterns.Token, ...], rng: np.random.Generator) -> str:
    lengths = [int(rng.integers(token.least, token.most + 1)) for token in tokens]
    return "".join("".join(rng.choice(list(t.alphabet), size)) for t, size in zip(tokens, lengths, strict=True))


def _written(tokens: tuple[patterns.Token, ...], ordinal: int) -> str:
    parts = []
    for token in reversed(tokens):
        ordinal, own = divmod(ordinal, token.capacity)
        parts.append(token.write(own))
    return "".join(reversed(parts))


def _ordinal(pattern: str, key: str) -> int:
    """Return the number of a key that the pattern writes."""
    match, ordinal = patterns.matcher(pattern).fullmatch(key), 0
    for token, part in zip(patterns.parse(pattern), match.groups() if match else (), strict=True):
        ordinal = ordinal * token.capacity + token.read(part)
    return ordinal
