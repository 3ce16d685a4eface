"""An attack whose success on training records is set against its success on records that no fit has seen."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from bayessynth.evaluation.disclosure._attack import Rate, conclusion, judge_excess, risk
from bayessynth.evaluation.measure import Measure, Verdict


def judge_risk(attack: Rate, control: Rate, baseline: float, alpha: float = 0.05) -> Verdict:
    """Judge an attack: "info" if it is no better than its baseline, else by the risk beyond its control.

    >>> judge_risk(Rate(10, 100), Rate(10, 100), 0.2), judge_risk(Rate(90, 100), Rate(10, 100), 0.2)
    ('info', 'fail')
    """
    if attack.interval(alpha)[0] <= baseline:
        return "info"
    found, (low, _) = risk(attack, control, alpha)
    return judge_excess(found, low)


def risk_measure(
    name: str, title: str, what: str, attack: Rate, control: Rate, baseline: float,
    detail: pd.DataFrame | None = None, notes: Sequence[str] = (), verdict: Verdict | None = None, more: str = "",
) -> Measure:  # fmt: skip
    """Return an attack as a measure.

    Parameters
    ----------
    name, title : str
    what : str
        What succeeds: "linking two parts of a record".
    attack, control : Rate
        On training records, and on records that no fit has seen.
    baseline : float
        Success of guessing without the copies.
    detail : DataFrame, optional
    notes : sequence of str
    verdict : str, optional
        Where it is not that of the rates.
    more : str
        A further sentence.
    """
    value, interval = risk(attack, control)
    given = judge_risk(attack, control, baseline) if verdict is None else verdict
    reading = (
        f"{what} succeeds for {attack.value:.1%} of {attack.attempts:,} attempts on training records, for "
        f"{control.value:.1%} of {control.attempts:,} on records that no fit has seen, and for {baseline:.1%} by "
        f"guessing. What the copies add for training records is a risk of {value:.3f} (95 % interval "
        f"{interval[0]:.3f} to {interval[1]:.3f}; 0 is none, 1 certain).{more} {conclusion(given)}"
    )
    return Measure(
        name, "disclosure", f"{title} (risk, 95 % interval)", value, reading, interval, 0.0, None, "lower", given,
        detail, tuple(notes),
    )  # fmt: skip
