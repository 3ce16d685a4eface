"""Patterns of keys: a small part of the language of regular expressions that can be counted and written."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from bayessynth.errors import SpecError

_TOKEN = re.compile(r"\[((?:\\.|[^\]\\])+)\](?:\{(\d+)(?:,(\d+))?\})?|\\(.)|([^\[\]{}\\])", re.DOTALL)
_CLASSES = ("0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
_RUNS = re.compile(r"[0-9]+|[A-Za-z]+|.", re.DOTALL)


@dataclass(frozen=True)
class Token:
    """Some characters of an alphabet, at least ``least`` and at most ``most`` of them."""

    alphabet: str
    least: int = 1
    most: int = 1

    @property
    def capacity(self) -> int:
        """Return how many texts there are."""
        return sum(len(self.alphabet) ** length for length in range(self.least, self.most + 1))

    def write(self, ordinal: int) -> str:
        """Return the text with a number; shorter ones come first."""
        length = self.least
        while ordinal >= len(self.alphabet) ** length:
            ordinal -= len(self.alphabet) ** length
            length += 1
        digits = []
        for _ in range(length):
            ordinal, digit = divmod(ordinal, len(self.alphabet))
            digits.append(self.alphabet[digit])
        return "".join(reversed(digits))

    def read(self, text: str) -> int:
        """Return the number of a text."""
        ordinal = 0
        for character in text:
            ordinal = ordinal * len(self.alphabet) + self.alphabet.index(character)
        return ordinal + sum(len(self.alphabet) ** length for length in range(self.least, len(text)))

    @property
    def source(self) -> str:
        """Return the token as a pattern writes it."""
        if len(self.alphabet) == 1:
            return f"\\{self.alphabet}" if self.alphabet in r"\[]{}" else self.alphabet
        counts = {(self.least, self.least): f"{{{self.least}}}"} | {(1, 1): ""}
        return f"[{_ranges(self.alphabet)}]{counts.get((self.least, self.most), f'{{{self.least},{self.most}}}')}"


def _ranges(alphabet: str) -> str:
    """Return an alphabet as a class writes it: neighbours as ranges, all else one by one."""
    parts: list[str] = []
    for character in alphabet:
        if parts and parts[-1][-1].isalnum() and character.isalnum() and ord(character) == ord(parts[-1][-1]) + 1:
            parts[-1] += character
        else:
            parts.append(character)
    single = "".join(f"\\{part}" if part in r"\]^-" else part for part in parts if len(part) < 3)
    return "".join(f"{part[0]}-{part[-1]}" for part in parts if len(part) > 2) + single


@lru_cache(maxsize=64)
def parse(pattern: str) -> tuple[Token, ...]:
    r"""Parse a pattern: plain characters, and classes such as ``[0-9]{4}`` or ``[A-Z]``.

    Raises
    ------
    SpecError
        If the pattern uses anything else.

    Examples
    --------
    >>> parse("P-[0-9]{4}")[-1]
    Token(alphabet='0123456789', least=4, most=4)
    """
    tokens, end = [], 0
    while end < len(pattern):
        match = _TOKEN.match(pattern, end)
        if match is None:
            raise SpecError(
                f"Pattern {pattern!r} cannot be read from {pattern[end:]!r} on: it may have plain characters and "
                "classes such as [0-9]{4} or [A-Z]; put \\ before a bracket that is meant."
            )
        inside, least, most, escaped, plain = match.groups()
        low = int(least or 1)
        tokens.append(Token(_alphabet(inside), low, int(most or low)) if inside else Token(escaped or plain))
        end = match.end()
    _check_readable(pattern, tokens)
    return tuple(tokens)


def _check_readable(pattern: str, tokens: Sequence[Token]) -> None:
    """Refuse a pattern of which two different keys could be written alike."""
    varying = [place for place, token in enumerate(tokens) if token.least != token.most]
    for place in varying[:-1]:
        token, following = tokens[place], tokens[place + 1]
        if following.least == 0 or set(following.alphabet) & set(token.alphabet):
            raise SpecError(
                f"Pattern {pattern!r}: after {token.source!r}, whose length varies, no character says where the next "
                "part begins; put one between them, or fix the length."
            )


@lru_cache(maxsize=64)
def matcher(pattern: str) -> re.Pattern[str]:
    """Return a regular expression with a group for every token, which matches what is written by the pattern.

    >>> bool(matcher("P.[0-9]{2}").fullmatch("P.07")), bool(matcher("P.[0-9]{2}").fullmatch("P-07"))
    (True, False)
    """
    groups = (f"([{''.join(map(re.escape, t.alphabet))}]{{{t.least},{t.most}}})" for t in parse(pattern))
    return re.compile("".join(groups), re.DOTALL)


def _alphabet(inside: str) -> str:
    """Return the characters of a class, sorted."""
    found: set[str] = set()
    for first, last, single in re.findall(r"(\w)-(\w)|\\?(.)", inside, re.DOTALL):
        found |= set(map(chr, range(ord(first), ord(last) + 1))) if first else {single}
    return "".join(sorted(found))


def learn(keys: Sequence[str]) -> str:
    """Return a pattern that all keys follow: what they share stays, what varies becomes a class of characters.

    >>> learn(["P-0041", "P-0377", "P-1020"]), learn(["id9", "id10", "id124"])
    ('P-[0-9]{4}', 'id[1-9][0-9]{0,2}')
    """
    runs = [_RUNS.findall(key) for key in keys]
    if len({tuple(map(_kind, row)) for row in runs}) > 1:
        runs = [[key] for key in keys]
    tokens: list[Token] = []
    for column in zip(*runs, strict=True):
        tokens += _tokens(sorted(set(column)))
    return "".join(token.source for token in _merged(tokens))


def between(low: int, high: int) -> str:
    """Return a pattern of the whole numbers that have as many digits as those between two, and begin like them.

    >>> between(4012, 4970), between(7, 1200)
    ('4[0-9]{3}', '[1-9][0-9]{0,3}')
    """
    first, last = str(low), str(high)
    if len(first) < len(last):
        return f"[1-9][0-9]{{{len(first) - 1},{len(last) - 1}}}"
    shared = "".join(a for a, _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=True)))
    rest = [Token(_CLASSES[0])] * (len(first) - len(shared))
    if not shared:
        rest[0] = Token(_CLASSES[0][1:])
    return shared + "".join(token.source for token in _merged(rest))


def _kind(run: str) -> str:
    """Return what stands for all runs of digits, for all of letters, or the one character that a run is."""
    if not run.isascii():
        return run
    return "0" if run[0].isdigit() else "a" if run[0].isalpha() else run


def _tokens(texts: Sequence[str]) -> list[Token]:
    """Return tokens for the texts that stand at one place of the keys."""
    lengths = sorted(map(len, texts))
    digits = all(text.isdigit() and text.isascii() for text in texts)
    counted = digits and not any(text[0] == "0" for text in texts)  # without leading zeros
    if lengths[0] == lengths[-1]:
        tokens = [Token(_widened({text[i] for text in texts})) for i in range(lengths[0])]
        return [Token(_CLASSES[0][1:]), *tokens[1:]] if counted and len(tokens[0].alphabet) > 1 else tokens
    if counted:
        return [Token(_CLASSES[0][1:]), Token(_CLASSES[0], lengths[0] - 1, lengths[-1] - 1)]
    return [Token(_widened(set("".join(texts))), lengths[0], lengths[-1])]


def _widened(characters: set[str]) -> str:
    """Return the characters, each with all of its class where there are several."""
    if len(characters) == 1:
        return next(iter(characters))
    wide = set(characters)
    for part in _CLASSES:
        wide |= set(part) if characters & set(part) else set()
    return "".join(sorted(wide))


def _merged(tokens: Sequence[Token]) -> list[Token]:
    """Return the tokens with neighbours of one alphabet and fixed lengths joined."""
    merged: list[Token] = []
    for token in tokens:
        last = merged[-1] if merged else None
        fixed = last is not None and last.least == last.most and token.least == token.most
        if last is not None and fixed and last.alphabet == token.alphabet and len(token.alphabet) > 1:
            merged[-1] = Token(last.alphabet, last.least + token.least, last.most + token.most)
        else:
            merged.append(token)
    return merged
