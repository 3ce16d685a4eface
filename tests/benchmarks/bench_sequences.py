"""Do sequences stay sequences? Five public panels, copied from a declared spec and from the automatic one.

Of each: the mixed model of reference on the original and averaged over m = 20 copies (coefficients within one standard
error; variance components within 20 % where there are 100 groups and more and the component is five standard errors
from zero, else the original's inside the central 80 % of the copies'), lag-1 autocorrelation of its response (within
.03, or two standard errors in small tables), rows after an end and constants that vary (none), lengths of sequences.
Needs the data folder beside the repository. Run by ``make bench``; names of tables as arguments run those, with
``declared`` or ``automatic`` one of the specs.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import bayessynth as bs
from bayessynth.inference.estimate import Estimate
from bayessynth.inference.registry import get

DATA = Path(__file__).parents[2].parent / "shared" / "data"
M = 20
KINDS = ("declared", "automatic")


@dataclass(frozen=True)
class Case:
    """A panel, its declared spec, and the analysis of reference."""

    name: str
    load: Callable[[], pd.DataFrame]
    unit: str
    time: str
    spec: bs.Spec
    formula: str
    prepare: Callable[[pd.DataFrame], pd.DataFrame] = field(default=lambda frame: frame)
    tolerance: float | None = None
    missing: str = "error"

    @property
    def response(self) -> str:
        """The column that the analysis explains."""
        return self.formula.split("~")[0].strip()


def read(name: str) -> pd.DataFrame:
    return pd.read_csv(DATA / f"{name}.csv.gz")


def wagepan() -> pd.DataFrame:
    return read("wagepan")[["nr", "year", "educ", "black", "hisp", "exper", "married", "union", "lwage"]]


def bodyweight() -> pd.DataFrame:
    return read("bodyweight").assign(Diet=lambda d: d["Diet"].map({1: "a", 2: "b", 3: "c"}))


def pbcseq(frame: pd.DataFrame) -> pd.DataFrame:
    """Return log bilirubin, and the time in years."""
    return frame.assign(lbili=np.log(frame["bili"]), years=frame["day"] / 365.25)


def cases() -> list[Case]:
    """Return the five panels."""
    panel = {"unit": "nr", "time": "year"}
    return [
        Case("wagepan", wagepan, "nr", "year", bs.Spec(
            "black ~ 1", "hisp ~ black", bs.Equation("educ ~ black + hisp", family="tree"),
            bs.Equation("exper ~ educ + black + hisp + lag(exper)", family="tree"),
            "married ~ lag(married) + first(married) + black + educ + exper + C(year) + (1 | nr)",
            "union ~ lag(union) + first(union) + black + hisp + educ + exper + married + C(year) + (1 | nr)",
            bs.Equation("lwage ~ educ + black + hisp + exper + I(exper**2) + married + lag(married) + union + "
                        "lag(union) + first(union) + C(year) + lag(lwage) + first(lwage) + (1 | nr)", family="normal"),
            **panel,
        ), "lwage ~ educ + black + hisp + exper + I(exper**2) + married + union + C(year) + (1 | nr)", tolerance=0.03),
        Case("pbcseq", lambda: read("pbcseq"), "id", "day", bs.Spec(
            bs.Equation("bili ~ day + age + sex + trt + (1 + day | id)", family="lognormal", ar=1),
            rest="tree", unit="id", time="day", rules=[bs.Inequality("day", "futime")],
        ), "lbili ~ years + age + sex + trt + (1 + years | id)", pbcseq, tolerance=0.03, missing="model"),
        Case("sleepstudy", lambda: read("sleepstudy"), "Subject", "Days", bs.Spec(
            bs.Equation("Reaction ~ Days + (1 + Days | Subject)", family="normal", ar=1), unit="Subject", time="Days",
        ), "Reaction ~ Days + (1 + Days | Subject)"),
        Case("orthodont", lambda: read("orthodont"), "Subject", "age", bs.Spec(
            "Sex ~ 1", bs.Equation("distance ~ age * Sex + (1 + age | Subject)", family="normal"), unit="Subject",
            time="age",
        ), "distance ~ age + (1 + age | Subject)"),
        Case("bodyweight", bodyweight, "Rat", "Time",
             bs.Spec("Diet ~ 1", bs.Equation("weight ~ Time * Diet + (1 + Time | Rat)", family="normal", ar=1),
                     unit="Rat", time="Time"),
             "weight ~ Time * Diet + (1 + Time | Rat)"),
    ]  # fmt: skip


def autocorrelation(frame: pd.DataFrame, case: Case, within: bool) -> float:
    """Return the correlation of a row's response with that of the row before."""
    frame = frame.sort_values([case.unit, case.time])
    own = frame[case.response]
    own = own - own.groupby(frame[case.unit]).transform("mean") if within else own
    before = own.groupby(frame[case.unit]).shift()
    there = before.notna() & own.notna()
    return float(np.corrcoef(own[there], before[there])[0, 1])


def standard_error(frame: pd.DataFrame, case: Case, within: bool) -> float:
    """Return the standard error of the autocorrelation, by a bootstrap of units."""
    parts = [part for _, part in frame.groupby(case.unit)]
    rng = np.random.default_rng(1)
    found = []
    for _ in range(200):
        drawn = [parts[i].assign(**{case.unit: j}) for j, i in enumerate(rng.integers(0, len(parts), len(parts)))]
        found.append(autocorrelation(pd.concat(drawn), case, within))
    return float(np.std(found))


def violations(frame: pd.DataFrame, case: Case, constant: list[str]) -> int:
    """Return how many constants vary within a unit, and times do not grow."""
    varying = sum(int((frame.groupby(case.unit)[c].nunique(dropna=False) > 1).sum()) for c in constant)
    if varying:
        print({c: int((frame.groupby(case.unit)[c].nunique(dropna=False) > 1).sum()) for c in constant})
    return varying + int((frame.groupby(case.unit)[case.time].diff().dropna() <= 0).sum())


def judged(case: Case, original: pd.DataFrame, copies: list[pd.DataFrame]) -> dict[str, Any]:
    """Compare copies with the original; print each coefficient."""
    frames = [case.prepare(frame).dropna(subset=[case.response]) for frame in (original, *copies)]
    fit = get("mixed").prepare(frames, case.formula)
    found, failed = [], 0
    for frame in frames:
        try:
            found.append(fit(frame))
        except (bs.errors.DataError, np.linalg.LinAlgError):
            failed += 1
    first, *others = found
    table = compared(first, others, original[case.unit].nunique())
    total = [autocorrelation(frame, case, False) for frame in frames]
    within = [autocorrelation(frame, case, True) for frame in frames]
    lags = [(r[0], float(np.mean(r[1:]))) for r in (total, within)]
    least = [case.tolerance or 2 * standard_error(frames[0], case, inside) for inside in (False, True)]
    levels = original.groupby(case.unit).nunique(dropna=False).max()
    constant = [c for c in levels.index if levels[c] == 1]
    sizes = [frame.groupby(case.unit).size() for frame in (original, *copies)]
    print(table.to_string(float_format="%.4g"), flush=True)
    return {
        "coefficients": f"{int(table['good'][~table['component']].sum())}/{int((~table['component']).sum())}",
        "components": f"{int(table['good'][table['component']].sum())}/{int(table['component'].sum())}",
        "lag-1": f"{lags[0][0]:.3f} {lags[0][1]:.3f}", "within": f"{lags[1][0]:.3f} {lags[1][1]:.3f}",
        "lag ok": all(abs(a - b) <= most for (a, b), most in zip(lags, least, strict=True)),
        "tolerance": " ".join(f"{most:.3f}" for most in least),
        "violations": sum(violations(frame, case, constant) for frame in copies),
        "rows a unit": f"{sizes[0].mean():.2f} {np.mean([s.mean() for s in sizes[1:]]):.2f}", "failed": failed,
    }  # fmt: skip


def compared(first: Estimate, others: list[Estimate], units: int) -> pd.DataFrame:
    """Return each coefficient and component of the original and of the copies, and whether they agree."""
    values = np.array([e.values for e in others])
    errors = np.sqrt(np.diag(first.covariance))
    rows = []
    for i, name in enumerate(first.names):
        component = name.startswith(("var(", "corr("))
        own, mean = float(first.values[i]), float(np.nanmean(values[:, i]))
        low, high = np.nanquantile(values[:, i], [0.1, 0.9])
        if not component:
            good = abs(mean - own) <= errors[i]
        elif name.startswith("var(") and units >= 100 and own > 5 * errors[i]:
            good = abs(mean / own - 1) <= 0.2
        else:
            good = bool(low <= own <= high)
        rows.append((name, own, errors[i], mean, low, high, component, bool(good)))
    return pd.DataFrame(rows, columns=["name", "original", "se", "copies", "10 %", "90 %", "component", "good"])


def run(case: Case, kinds: tuple[str, ...]) -> list[dict[str, Any]]:
    """Fit the specs, draw, compare."""
    original = case.load()
    rows = []
    for kind in kinds:
        start = time.perf_counter()
        spec = case.spec if kind == "declared" else bs.Spec.auto(original, unit=case.unit, time=case.time)
        missing = case.missing if kind == "declared" else "model"
        fitted = spec.fit(original, missing=missing, copies=M, random_seed=1, progress=False)
        seconds = time.perf_counter() - start
        start = time.perf_counter()
        copies = list(fitted.synthesize(m=M, random_seed=2, force=True))
        drawn = time.perf_counter() - start
        print(f"\n{case.name}, {kind}; fit {seconds:.1f} s: {fitted.diagnose().verdict}", flush=True)
        found = judged(case, original, copies)
        rows.append({"table": case.name, "spec": kind, **found, "fit s": round(seconds, 1),
                     "rows/s": round(M * len(original) / drawn)})  # fmt: skip
    return rows


def main(names: list[str]) -> int:
    """Print the table."""
    if not DATA.is_dir():
        print(f"skipped: there is no {DATA}")
        return 0
    warnings.simplefilter("ignore")
    kinds = tuple(kind for kind in KINDS if kind in names) or KINDS
    tables = [name for name in names if name not in KINDS]
    rows = [row for case in cases() if not tables or case.name in tables for row in run(case, kinds)]
    print("\n" + pd.DataFrame(rows).to_string(index=False))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
