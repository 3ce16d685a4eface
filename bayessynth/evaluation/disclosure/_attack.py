"""How well an attack did, beside what it does where there is nothing to learn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from bayessynth.evaluation.measure import Measure, Verdict, unavailable

# An attack clearly beats its control if the 95 % interval of its excess lies above zero. An AUC so far above the
# control's matters in practice; where even the interval's lower end is as far above, most would call it memorising.
MATTERS, MEMORISES = 0.02, 0.10
# Records that a table of detail lists.
WORST = 100
BOOTSTRAPS = 500
# A true-positive rate is told at false-positive rates that rest on at least so many false alarms.
FALSE_ALARMS = 10

NO_HOLDOUT = (
    "Needs records of the same population that no fit has seen, as a control: keep some rows out of the fit and hand "
    "them in, holdout=."
)


@dataclass(frozen=True)
class Scores:
    """What an attack says of records: the higher, the surer that a record was in the training data.

    Attributes
    ----------
    members : ndarray of shape (n1,)
        Of records that were.
    others : ndarray of shape (n0,)
        Of records that were not.
    """

    members: np.ndarray
    others: np.ndarray


def auc(scores: Scores) -> tuple[float, float]:
    """Return the area under the ROC curve and its standard error.

    Parameters
    ----------
    scores : Scores

    Returns
    -------
    tuple of float
        The chance that a member scores higher than another record, ties counted half: 0.5 is guessing, 1 perfect. Its
        standard error, about 1/√(6·members) where both groups are of one size and the scores say nothing.

    References
    ----------
    DeLong, DeLong & Clarke-Pearson (1988), Biometrics 44, 837-845.

    Examples
    --------
    >>> auc(Scores(np.array([3.0, 2.0, 1.0]), np.array([1.0, 0.0])))
    (0.916..., 0.117...)
    """
    n1, n0 = len(scores.members), len(scores.others)
    members, others = np.asarray(scores.members, dtype=float), np.asarray(scores.others, dtype=float)
    joint = stats.rankdata(np.concatenate([members, others]))
    above = (joint[:n1] - stats.rankdata(members)) / n0
    below = 1 - (joint[n1:] - stats.rankdata(others)) / n1
    variance = sum(float(np.var(part, ddof=1)) / len(part) for part in (above, below) if len(part) > 1)
    return float(above.mean()), float(np.sqrt(variance))


def excess(attack: Scores, control: Scores, rng: np.random.Generator) -> tuple[float, float, float]:
    """Return by how much the AUC of an attack exceeds that of its control on the same records, with a 95 % interval.

    Parameters
    ----------
    attack, control : Scores
        Of the same members and the same others, in the same order.
    rng : Generator

    Returns
    -------
    tuple of float
        Excess, lower and upper end. The interval is a bootstrap of members and of others, each drawn together with
        its score in the control.

    Examples
    --------
    >>> scores = Scores(np.array([2.0, 3.0]), np.array([0.0, 1.0]))
    >>> excess(scores, scores, np.random.default_rng(1))
    (0.0, 0.0, 0.0)
    """
    n1, n0 = len(attack.members), len(attack.others)
    pairs = [_places(attack), _places(control)]
    drawn = np.empty(BOOTSTRAPS)
    for b in range(BOOTSTRAPS):
        members, others = rng.integers(0, n1, n1), rng.integers(0, n0, n0)
        drawn[b] = _area(pairs[0], members, others) - _area(pairs[1], members, others)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return auc(attack)[0] - auc(control)[0], float(low), float(high)


def _places(scores: Scores) -> tuple[np.ndarray, np.ndarray, int]:
    distinct, places = np.unique(np.concatenate([scores.members, scores.others]), return_inverse=True)
    return places[: len(scores.members)], places[len(scores.members) :], len(distinct)


def _area(places: tuple[np.ndarray, np.ndarray, int], members: np.ndarray, others: np.ndarray) -> float:
    """Return the AUC of drawn records from the places of their scores in the order of all."""
    first, second, size = places
    ones, zeros = np.bincount(first[members], minlength=size), np.bincount(second[others], minlength=size)
    return float(ones @ (np.cumsum(zeros) - zeros / 2)) / (len(members) * len(others))


def true_positives(scores: Scores) -> tuple[float, float] | None:
    """Return the share of members found at the smallest false-positive rate that rests on enough false alarms.

    Returns
    -------
    tuple of float or None
        False-positive rate and true-positive rate; None with fewer than 100 other records.

    Examples
    --------
    >>> true_positives(Scores(np.array([150.0, 98.5, 20.0]), np.arange(100.0)))
    (0.1, 0.666...)
    """
    for rate in (0.001, 0.01, 0.1):
        if len(scores.others) * rate >= FALSE_ALARMS:
            # The highest scores of others, of which at most this share may pass.
            bar = np.sort(scores.others)[::-1][int(len(scores.others) * rate)]
            return rate, float((scores.members > bar).mean())
    return None


@dataclass(frozen=True)
class Rate:
    """Successes of an attack among attempts.

    Attributes
    ----------
    successes : float
        On average over copies.
    attempts : int
    scale : float
        By which the share is multiplied, where it was counted in a table of another size.
    """

    successes: float
    attempts: int
    scale: float = 1.0

    @property
    def value(self) -> float:
        """Share of the attempts that succeeded."""
        return min(1.0, self.scale * self.successes / self.attempts)

    def interval(self, alpha: float = 0.05) -> tuple[float, float]:
        """Return the Wilson interval of the share.

        >>> Rate(5, 10).interval()
        (0.236..., 0.763...)
        """
        low, high = proportion_confint(self.successes, self.attempts, alpha, method="wilson")
        return min(1.0, self.scale * float(low)), min(1.0, self.scale * float(high))


def risk(attack: Rate, control: Rate, alpha: float = 0.05) -> tuple[float, tuple[float, float]]:
    """Return what an attack on training records succeeds in beyond its success on records that no fit has seen.

    Returns
    -------
    tuple
        (r_attack - r_control) / (1 - r_control): 0 if training records are no easier than others, 1 if all succeed;
        and an interval of level 1 - ``alpha`` that carries the Wilson intervals of both rates over to it.

    References
    ----------
    Giomi, Boenisch, Wehmeyer & Tasnádi (2023), A unified framework for quantifying privacy risk in synthetic data,
    PoPETs 2023(2), 312-328.

    Examples
    --------
    >>> value, (low, high) = risk(Rate(60, 100), Rate(20, 100))
    >>> round(value, 3), round(low, 3), round(high, 3)
    (0.5, 0.366, 0.621)
    """
    a, c = attack.value, control.value
    if c == 1:
        return 0.0, (0.0, 0.0)
    (a_low, a_high), (c_low, c_high) = attack.interval(alpha), control.interval(alpha)
    by_attack, by_control = 1 / (1 - c), (1 - a) / (1 - c) ** 2
    found = (a - c) / (1 - c)
    low = found - np.hypot((a - a_low) * by_attack, (c_high - c) * by_control)
    high = found + np.hypot((a_high - a) * by_attack, (c - c_low) * by_control)
    return found, (max(-1.0, float(low)), min(1.0, float(high)))


def judge_excess(value: float, low: float, matters: float = MATTERS, memorises: float = MEMORISES) -> Verdict:
    """Judge an excess over a control: "warn" and "fail" only where its interval lies above zero.

    >>> judge_excess(0.03, 0.01), judge_excess(0.03, -0.01), judge_excess(0.3, 0.28)
    ('warn', 'pass', 'fail')
    """
    return "fail" if low > memorises else "warn" if low > 0 and value > matters else "pass"


def conclusion(verdict: Verdict) -> str:
    """Say what a verdict on an attack means."""
    return _CONCLUSIONS[verdict]


_CONCLUSIONS: dict[Verdict, str] = {
    "info": "The attack does no better than its baseline: it failed, which speaks of the attack and not of protection.",
    "pass": "This attack learned nothing beyond chance that matters; others may.",
    "warn": "The attack learned something of the training records.",
    "fail": "The copies give training records away to this attack.",
}


def membership(
    name: str, title: str, how: str, attack: Scores, control: Scores | None, rng: np.random.Generator,
    detail: pd.DataFrame | None = None, notes: Sequence[str] = (), matters: float = MATTERS,
) -> Measure:  # fmt: skip
    """Return a membership attack as a measure.

    Parameters
    ----------
    name, title : str
    how : str
        By what records were ranked: "their distance to the nearest synthetic record".
    attack : Scores
    control : Scores or None
        Of the same records, attacked in tables whose columns were drawn one by one; None sets the attack against
        guessing.
    rng : Generator
        Of the paired bootstrap.
    detail : DataFrame, optional
    notes : sequence of str
    matters : float
        Excess from which it matters.
    """
    value, error = auc(attack)
    if control is None:
        reference, reference_error = 0.5, float(np.sqrt((1 / len(attack.members) + 1 / len(attack.others)) / 12))
        beyond, low, high = value - 0.5, value - 0.5 - 1.96 * error, value - 0.5 + 1.96 * error
        against, spread = "50 % is guessing", "The interval is that of DeLong et al. on the one split at hand."
    else:
        reference, reference_error = auc(control)
        beyond, low, high = excess(attack, control, rng)
        against = (
            "50 % is guessing); attacking tables whose columns were drawn one by one, which know no record, in "
            f"{reference:.1%} (what the split alone makes"
        )
        spread = "The excess is a paired bootstrap of members and of others on the one split at hand."
    verdict = judge_excess(beyond, low, matters)
    at = true_positives(attack)
    found = "" if at is None else f" At {at[0]:.1%} false alarms it finds {at[1]:.1%} of the training records."
    reading = (
        f"Ranked by {how}, a training record comes before a record that no fit has seen in {value:.1%} of pairs (AUC; "
        f"{against}). The excess is {100 * beyond:.1f} points (95 % interval {100 * low:.1f} to {100 * high:.1f})."
        f"{found} {conclusion(verdict)}"
    )
    counted = f"{len(attack.members):,} training records against {len(attack.others):,} of the holdout."
    return Measure(
        name, "disclosure", f"{title} (AUC, 95 % interval)", value, reading, _around(value, error), reference,
        _around(reference, reference_error), "lower", verdict, detail, (counted, spread, *notes),
    )  # fmt: skip


def _around(value: float, error: float) -> tuple[float, float]:
    return max(0.0, value - 1.96 * error), min(1.0, value + 1.96 * error)


def without(name: str, title: str, why: str = NO_HOLDOUT) -> Measure:
    """Return an attack that could not be made."""
    return unavailable(name, "disclosure", title, why)


def listed(columns: Sequence[Any], most: int = 8) -> str:
    """Write column names in a row: ``'a', 'b' …``.

    >>> listed(["a", "b"])
    "'a', 'b'"
    """
    return ", ".join(map(repr, columns[:most])) + (f" and {len(columns) - most} more" if len(columns) > most else "")
