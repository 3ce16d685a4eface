"""Survival curves of the original under the band of the copies', and the share of times that are censored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from bayessynth.evaluation.measure import Measure, judged
from bayessynth.evaluation.registry import measure
from bayessynth.evaluation.tables import Tables
from bayessynth.inference.product_limit import product_limit

# Times at which curves are compared: so many, up to the time by which such a share of the original's records has ended.
TIMES, UNTIL = 100, 0.95
# Arms: of columns with at most so many levels among the predictors, levels with so many rows and events.
LEVELS, ROWS, EVENTS = 6, 30, 10
COVERAGE, MARGIN = 0.95, 0.05
# The share censored passes within so many standard errors of its difference.
ERRORS = 3.0


@dataclass(frozen=True)
class Curves:
    """One estimate of the original and of every copy.

    Attributes
    ----------
    title : str
        ``"without event"``, or ``"relapse"`` for the cumulative incidence of one cause.
    arm : str
        ``"all"``, or ``"treat = 1"``.
    times : ndarray of shape (TIMES,)
    original : ndarray of shape (TIMES,)
    copies : ndarray of shape (m, TIMES)
    low, high : ndarray of shape (TIMES,)
        The band within which 95 % of copies' curves lie.
    """

    title: str
    arm: str
    times: np.ndarray
    original: np.ndarray
    copies: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @property
    def inside(self) -> float:
        """Share of times at which the original lies in the band."""
        return float(((self.original >= self.low - 1e-12) & (self.original <= self.high + 1e-12)).mean())


@measure("survival_curves", "checks")
def survival_curves(tables: Tables) -> Iterator[Measure]:
    """Yield the share of times at which the original's curves lie in the copies' bands, and the share censored.

    Kaplan-Meier's curve of the time without event, of several causes each one's cumulative incidence (Aalen-Johansen),
    of all records and of each arm: the levels of categorical predictors. The band holds 95 % of such curves of copies,
    from their mean and spread at each time. It applies to copies whose spec has a survival time.

    Examples
    --------
    >>> from bayessynth.evaluation.tables import read_tables
    >>> rng = np.random.default_rng(1)
    >>> frames = [pd.DataFrame({"t": rng.exponential(1.0, 200), "d": 1}) for _ in range(6)]
    >>> own = {"survivals": [{"time": "t", "event": "d", "entry": None, "causes": [1], "predictors": []}]}
    >>> found = next(survival_curves(read_tables(frames[0], frames[1:], provenance=own)))
    >>> found.verdict
    'pass'
    """
    for own in survivals_of(tables):
        name = own["time"]
        curves = list(curves_of(tables, own))
        parts = pd.DataFrame(
            {
                "curve": [c.title for c in curves], "arm": [c.arm for c in curves],
                "inside": [c.inside for c in curves],
                "largest difference": [float(np.abs(c.original - c.copies.mean(axis=0)).max()) for c in curves],
            }
        )  # fmt: skip
        value = float(parts["inside"].mean())
        worst = parts.sort_values("inside", kind="stable").iloc[0]
        reading = (
            f"At {value:.0%} of times the original's curves of {name} lie in the band that holds 95 % of the "
            f"copies'. Least often it does for {worst['curve']} of {worst['arm']} ({worst['inside']:.0%}), at most "
            f"{worst['largest difference']:.3f} from the copies' mean."
        )
        yield Measure(
            f"survival_curves_{name}", "checks", f"Survival curves of {name} (share of times inside the band)", value,
            reading, reference=COVERAGE, better="higher", verdict=judged(value, COVERAGE, MARGIN, "higher"),
            detail=parts.sort_values("inside", kind="stable", ignore_index=True),
        )  # fmt: skip
        yield _censored(tables, own)


def survivals_of(tables: Tables) -> Sequence[Mapping[str, Any]]:
    """Return what provenance, or the fit, says of survival times."""
    if tables.provenance is not None:
        return list(tables.provenance.get("survivals", ()))
    bound = getattr(tables.fitted, "bound", None)
    if bound is None or not bound.survivals:
        return []
    from bayessynth.synthesis.provenance import survivals

    return survivals(bound)


def curves_of(tables: Tables, own: Mapping[str, Any]) -> Iterator[Curves]:
    """Yield all curves of a survival time: of each cause and arm."""
    frames = (tables.original_frame, *tables.copy_frames)
    for arm, chosen in _arms(tables.original_frame, own):
        parts = [frame[chosen(frame)] for frame in frames]
        if min(map(len, parts)) < 2:
            continue
        end = float(np.quantile(_numbers(parts[0], own["time"]), UNTIL))
        times = np.linspace(0.0, end, TIMES + 1)[1:]
        found = [_estimates(part, own, times) for part in parts]
        for k, title in enumerate(_titles(own)):
            values = np.array([f[k] for f in found])
            yield Curves(title, arm, times, values[0], values[1:], *band(values, len(parts[0])))


def _titles(own: Mapping[str, Any]) -> list[str]:
    causes = [str(c) for c in own["causes"]]
    return ["without event", *(causes if len(causes) > 1 else [])]


def _numbers(frame: pd.DataFrame, name: str) -> np.ndarray:
    values = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=float)
    return values[np.isfinite(values)]


def _estimates(frame: pd.DataFrame, own: Mapping[str, Any], times: np.ndarray) -> list[np.ndarray]:
    time = pd.to_numeric(frame[own["time"]], errors="coerce").to_numpy(dtype=float)
    code = np.zeros(len(frame), dtype=int)
    for k, cause in enumerate(own["causes"]):
        code[(frame[own["event"]] == cause).fillna(False).to_numpy(dtype=bool)] = k + 1
    entry = None
    if own.get("entry"):
        entry = pd.to_numeric(frame[own["entry"]], errors="coerce").to_numpy(dtype=float)
    rows = np.isfinite(time) & frame[own["event"]].notna().to_numpy(dtype=bool)
    rows &= True if entry is None else np.isfinite(entry)
    curve = product_limit(time[rows], code[rows], None if entry is None else entry[rows], len(own["causes"]))
    survival, _, incidence = curve.at(times)
    return [survival, *incidence.T] if len(own["causes"]) > 1 else [survival]


def _arms(original: pd.DataFrame, own: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "all", lambda frame: np.full(len(frame), True)
    happened = original[own["event"]].isin(list(own["causes"])).to_numpy(dtype=bool)
    for column in own.get("predictors", ()):
        if column not in original or original[column].nunique() > LEVELS:
            continue
        for level in sorted(original[column].dropna().unique().tolist(), key=str):
            rows = (original[column] == level).to_numpy(dtype=bool)
            if rows.sum() >= ROWS and (rows & happened).sum() >= EVENTS:
                yield (
                    f"{column} = {level}",
                    lambda frame, c=column, at=level: (frame[c] == at).fillna(False).to_numpy(dtype=bool),
                )


def band(values: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the band that holds 95 % of copies' curves at each time, each end of shape (times,).

    It is the prediction interval of another copy's, from copies' mean and spread (Student's t); of a single copy that
    of sampling error. Quantiles of m curves would not do: those of 20 hold another one in 86 % of cases.

    Parameters
    ----------
    values : ndarray of shape (1 + m, times)
        Curves of the original, which is not looked at, and of copies.
    n : int
        Records of the original.

    Examples
    --------
    >>> low, high = band(np.array([[0.5], [0.4], [0.5], [0.6]]), 100)
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.003], [0.997])
    """
    copies, m = values[1:], len(values) - 1
    centre = copies.mean(axis=0)
    if m > 1:
        reach = stats.t.ppf(0.975, m - 1) * copies.std(axis=0, ddof=1) * np.sqrt(1.0 + 1.0 / m)
    else:
        reach = 1.96 * np.sqrt(2.0 * centre * (1.0 - centre) / n)
    # Where no copy has an event yet there is no spread: one record is within chance.
    reach = np.maximum(reach, 1.0 / n)
    return np.clip(centre - reach, 0.0, 1.0), np.clip(centre + reach, 0.0, 1.0)


def _censored(tables: Tables, own: Mapping[str, Any]) -> Measure:
    unit, what = own.get("unit"), "units" if own.get("unit") else "records"

    def share(frame: pd.DataFrame) -> float:
        if unit:
            frame = frame.sort_values(own["time"]).drop_duplicates(unit, keep="last")
        there = frame[own["event"]].notna()
        return 1.0 - float(frame[own["event"]][there].isin(list(own["causes"])).mean())

    original, copies = share(tables.original_frame), np.array([share(f) for f in tables.copy_frames])
    value, n = float(copies.mean()), len(tables.original_frame[unit].unique() if unit else tables.original_frame)
    error = float(np.sqrt(max(original * (1.0 - original), 1.0 / n) * 2.0 / n))
    reading = (
        f"{value:.1%} of the copies' {what} are censored, {original:.1%} of the original's; chance alone lets them "
        f"differ by about {error:.1%}."
    )
    return Measure(
        f"censored_{own['time']}", "checks", f"Share of {own['time']} censored", value, reading,
        interval=(float(copies.min()), float(copies.max())) if len(copies) > 1 else None, reference=original,
        verdict=judged(value, original, ERRORS * error, "closer"),
    )  # fmt: skip
