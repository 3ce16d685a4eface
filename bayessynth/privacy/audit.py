"""Audits: whether a mechanism keeps what its ledger claims, seen from outside and from inside.

Three of them, since none sees all: a canary told from noise (too little noise, drawn anywhere), the complete output on
two neighbouring tables (whatever differs without noise), and the ledger against the calls that drew noise (a
sensitivity too small, a choice that was not paid for).
"""

from __future__ import annotations

import contextlib
import io
import logging
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri
from scipy.stats import beta

from bayessynth.errors import PrivacyError
from bayessynth.privacy.accounting import noise_cost, noise_scale, rho_of
from bayessynth.privacy.ledger import Ledger
from bayessynth.privacy.noise import Noise

# Runs on each table by which a difference counts as one without noise.
REPEATS = 8


@dataclass(frozen=True)
class CanaryAudit:
    """Whether noise suffices to hide a record.

    Attributes
    ----------
    mu : float
        Lower limit (95 %) of the distance at which an attacker tells the tables apart, as of N(0, 1) and N(mu, 1).
    epsilon : float
        The ε that goes with it at the claimed δ.
    claimed : float
        The claimed ε.
    runs : int
        On each table.
    """

    mu: float
    epsilon: float
    claimed: float
    runs: int

    @property
    def passes(self) -> bool:
        """Whether no more is shown than was claimed."""
        return self.epsilon <= self.claimed


def audit_canary(
    without: np.ndarray, present: np.ndarray, canary: np.ndarray, *, epsilon: float, delta: float
) -> CanaryAudit:
    """Look for a record in the outputs of a mechanism.

    Outputs are projected on what the record adds. The first half of the runs gives the cut, their median, which is the
    best one for Gaussian noise; on the second, upper limits FPR⁺ and FNR⁺ of its error rates (Clopper & Pearson 1934,
    97.5 % each) give μ = Φ⁻¹(1 - FPR⁺) - Φ⁻¹(FNR⁺). With 10,000 runs at ε = 1 and δ = 1e-5 it finds noise that is too
    small by 2 always, by 1.5 in 85 % of cases, by 1.25 in 12 %; :func:`power` computes this.

    Parameters
    ----------
    without, present : ndarray of shape (runs, k)
        Outputs on a table, and on that table with the record.
    canary : ndarray of shape (k,)
        What the record adds to the output, of a record for which this is as much as the sensitivity allows.
    epsilon, delta : float
        The claim.

    Returns
    -------
    CanaryAudit
        It fails if ε(μ, δ) exceeds the claim.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> noise = rng.normal(0, 4.05, (2, 10_000, 1))
    >>> audit_canary(noise[0], noise[1] + 1, np.ones(1), epsilon=1, delta=1e-5).passes
    True
    >>> audit_canary(noise[0] / 2, noise[1] / 2 + 1, np.ones(1), epsilon=1, delta=1e-5).passes
    False
    """
    scores = [np.asarray(outputs, dtype=float) @ canary for outputs in (without, present)]
    half = min(map(len, scores)) // 2
    cut = np.median(np.concatenate([score[:half] for score in scores]))
    mu = max(0.0, _distance([score[half:] for score in scores], float(cut)))
    return CanaryAudit(mu, epsilon_of_distance(mu, delta), epsilon, min(map(len, scores)))


def power(
    factors: Sequence[float],
    *,
    epsilon: float,
    delta: float,
    runs: int = 10_000,
    repeats: int = 100,
    random_seed: int = 0,
) -> dict[float, float]:
    """Return how often :func:`audit_canary` finds noise that is too small, by the factor.

    Examples
    --------
    >>> power([1, 2], epsilon=1, delta=1e-5, repeats=10)
    {1: 0.0, 2: 1.0}
    """
    rng, sd = np.random.default_rng(random_seed), noise_scale(1, rho_of(epsilon, delta))
    found = {}
    for factor in factors:
        draws = rng.normal(0, sd / factor, (repeats, 2, runs, 1))
        audits = [audit_canary(a, b + 1, np.ones(1), epsilon=epsilon, delta=delta) for a, b in draws]
        found[factor] = float(np.mean([not audit.passes for audit in audits]))
    return found


def epsilon_of_distance(mu: float, delta: float) -> float:
    """Return the ε at which N(0, 1) and N(μ, 1) are (ε, δ)-indistinguishable (Balle & Wang 2018, theorem 8).

    >>> round(epsilon_of_distance(1 / 3.7304, 1e-5), 3)
    1.0
    """

    def excess(epsilon: float) -> float:
        return ndtr(mu / 2 - epsilon / mu) - math.exp(epsilon) * ndtr(-mu / 2 - epsilon / mu) - delta

    if mu <= 0 or excess(0.0) <= 0:
        return 0.0
    return float(brentq(excess, 0.0, mu**2 / 2 + mu * 40))


def audit_output(run: Callable[[Any], Any], one: Any, two: Any) -> list[str]:
    """Compare all that a release shows of two neighbouring tables, and list what differs without noise.

    What it shows is its result down to every number, the warnings, log records and text that it writes, and the error
    that it raises. A number that is the same in all runs on a table has no noise on it.

    Parameters
    ----------
    run : callable
        Takes a table and returns the result, drawing its noise anew.
    one, two : object
        Tables that differ in one unit.

    Returns
    -------
    list of str
        One line a difference; empty if there is none.

    Examples
    --------
    >>> audit_output(lambda table: {"n": len(table)}, [1, 2], [1, 2, 3])
    ["result['n'] is 2 on one table and 3 on the other"]
    """
    seen = [[_shown(run, table) for _ in range(REPEATS)] for table in (one, two)]
    paths = dict.fromkeys(path for runs in seen for shown in runs for path in shown)
    found = []
    for path in paths:
        values = [[repr(shown.get(path, "absent")) for shown in runs] for runs in seen]
        fixed = [len(set(of_table)) == 1 for of_table in values]
        if any(fixed) and set(values[0]) != set(values[1]):
            first, second = (v[0] if f else "random" for v, f in zip(values, fixed, strict=True))
            found.append(f"{path} is {first} on one table and {second} on the other")
    return found


@dataclass(frozen=True)
class Call:
    """One call that drew noise.

    Attributes
    ----------
    mechanism : str
    values : tuple of int
        What the noise was added to.
    scale : float
    reply : object
        What came out.
    """

    mechanism: str
    values: tuple[int, ...]
    scale: float
    reply: Any


class Recorder:
    """Write down the calls that draw noise, or answer them as those of another run were answered.

    Parameters
    ----------
    noise : Noise
        What draws.
    answers : sequence of Call, optional
        Calls of another run whose replies are given again, so that both runs have the same past.

    Examples
    --------
    >>> from bayessynth.privacy.noise import Exact
    >>> recorder = Recorder(Exact())
    >>> _ = recorder.gaussian([1, 2], 4.0)
    >>> recorder.calls[0].values
    (1, 2)
    """

    def __init__(self, noise: Noise, answers: Sequence[Call] = ()) -> None:
        self.noise, self.answers = noise, answers
        self.calls: list[Call] = []
        self.test = noise.test

    def gaussian(self, values: Sequence[int], scale: float) -> np.ndarray:
        """Add noise, and write it down."""
        return self._reply("gaussian", values, scale, self.noise.gaussian)

    def largest(self, scores: Sequence[int], scale: float) -> int:
        """Choose, and write it down."""
        return self._reply("largest", scores, scale, self.noise.largest)

    def _reply(self, mechanism: str, values: Sequence[int], scale: float, draw: Callable[..., Any]) -> Any:
        place = len(self.calls)
        reply = self.answers[place].reply if place < len(self.answers) else draw(values, scale)
        self.calls.append(Call(mechanism, tuple(map(int, values)), scale, reply))
        return reply


@dataclass(frozen=True)
class LedgerAudit:
    """What two neighbouring tables cost, call by call, against what was paid.

    Attributes
    ----------
    realised : float
        Sum of ρ over the calls that drew noise, for these two tables: ‖v - v'‖²/2σ² for Gaussian noise,
        (range of s - s')²/8σ² for a choice.
    paid : float
        What the ledger has.
    calls, entries : int
        Calls that drew noise, and entries of the ledger.
    """

    realised: float
    paid: float
    calls: int
    entries: int

    @property
    def passes(self) -> bool:
        """Whether every call was paid for, and no less than it cost."""
        return self.calls == self.entries and self.realised <= self.paid


def audit_ledger(run: Callable[[Any, Noise], Ledger], one: Any, two: Any, noise: Noise) -> LedgerAudit:
    """Recompute what a release costs from the calls that drew its noise.

    Parameters
    ----------
    run : callable
        Takes a table and where noise comes from, and returns the ledger that was paid from, which was empty before.
    one, two : object
        Tables that differ in one unit, the more the better; the second run gets the replies of the first.
    noise : Noise

    Returns
    -------
    LedgerAudit

    Raises
    ------
    PrivacyError
        If the two tables led to different calls, which shows a unit by itself.

    Examples
    --------
    >>> import bayessynth as bs
    >>> from bayessynth.privacy.noise import Exact
    >>> domain = bs.Domain({"age": bs.Bounds(0, 110)}, source="codebook")
    >>> def count(table, noise):
    ...     release = bs.privacy.Release(domain, bs.Unit(), bs.Ledger(1, 1e-5), noise)
    ...     release.gaussian([len(table)], squared=1, rho=0.02, what="rows")
    ...     return release.ledger
    >>> audit_ledger(count, [1, 2], [1], Exact()).passes
    True
    """
    first = Recorder(noise)
    ledger = run(one, first)
    second = Recorder(noise, first.calls)
    run(two, second)
    kinds = [[(c.mechanism, len(c.values), c.scale) for c in recorder.calls] for recorder in (first, second)]
    if kinds[0] != kinds[1]:
        raise PrivacyError(
            f"The two tables led to different calls: {kinds[0]} and {kinds[1]} (mechanism, numbers, scale). What is "
            "released may not depend on records but through noise."
        )
    realised = math.fsum(_cost(a, b) for a, b in zip(first.calls, second.calls, strict=True))
    return LedgerAudit(realised, ledger.spent, len(first.calls), len(ledger.entries))


def _cost(one: Call, two: Call) -> float:
    moved = [a - b for a, b in zip(one.values, two.values, strict=True)]
    if one.mechanism == "gaussian":
        return noise_cost(sum(d * d for d in moved), one.scale)
    return noise_cost(Fraction(max(moved) - min(moved), 2) ** 2, one.scale)


def _distance(scores: Sequence[np.ndarray], cut: float) -> float:
    """Return the lower limit of μ at a cut."""
    false_alarms, misses = (scores[0] > cut), (scores[1] <= cut)
    return float(ndtri(1 - _upper(false_alarms)) - ndtri(_upper(misses)))


def _upper(wrong: np.ndarray) -> float:
    errors, runs = int(wrong.sum()), len(wrong)
    return 1.0 if errors == runs else float(beta.ppf(0.975, errors + 1, runs - errors))


def _shown(run: Callable[[Any], Any], table: Any) -> dict[str, Any]:
    """Return all that a run shows, by where it shows it."""
    logged = _Logged()
    written = io.StringIO()
    root = logging.getLogger()
    level = root.level
    root.addHandler(logged)
    root.setLevel(logging.DEBUG)
    result: Any = None
    error = ""
    try:
        with (
            warnings.catch_warnings(record=True, action="always") as warned,
            contextlib.redirect_stdout(written),
            contextlib.redirect_stderr(written),
        ):
            try:
                result = run(table)
            except Exception as raised:  # whatever it is, it is part of the output
                error = f"{type(raised).__name__}: {raised}"
    finally:
        root.removeHandler(logged)
        root.setLevel(level)
    said = [f"{type(w.message).__name__}: {w.message}" for w in warned]
    return {**dict(_leaves(result, "result")), "warnings": said, "log": logged.lines, "text": written.getvalue(),
            "error": error}  # fmt: skip


class _Logged(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.levelname} {record.name}: {record.getMessage()}")


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield every part of a result that has no parts, with its place."""
    if isinstance(value, np.ndarray):
        yield f"shape of {path}", (value.shape, str(value.dtype))
        yield from ((f"{path}[{i}]", v) for i, v in enumerate(value.ravel().tolist()))
    elif isinstance(value, Mapping):
        yield f"keys of {path}", list(value)
        for key in value:
            yield from _leaves(value[key], f"{path}[{key!r}]")
    elif isinstance(value, list | tuple):
        yield f"length of {path}", len(value)
        for i, part in enumerate(value):
            yield from _leaves(part, f"{path}[{i}]")
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _leaves(getattr(value, field.name), f"{path}.{field.name}")
    elif isinstance(value, Ledger):
        yield from _leaves(value.entries, f"{path}.entries")
    else:
        yield path, value
