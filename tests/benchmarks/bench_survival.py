"""Are treatment outcomes found again? Cox regressions and Kaplan-Meier curves of public tables, on copies.

For each table the survival time is declared with the formula of its reference analysis, all other columns are left to
trees, and 20 proper copies are drawn. Compared with the original: the pooled Cox regression (mean overlap of intervals
beside what perfect copies reach, signs where the original's |z| > 1, significance at 5 % where |z| > 3), the
Kaplan-Meier curve of each arm (share of 100 times at which it lies inside the band that holds 95 % of copies' curves,
by their mean and spread; bar 90 %)
and the share censored (in standard errors of the difference). Needs the data folder beside the repository. A table's
name as argument runs that one.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import bayessynth as bs
from bayessynth.evaluation.checks.survival_curves import band
from bayessynth.inference.product_limit import product_limit

DATA = Path(__file__).parents[2].parent / "shared" / "data"
M = 20
#: What mean overlap is asked for: 0.95 of what copies of the true model reach (0.936).
BAR = 0.889


@dataclass(frozen=True)
class Case:
    """A table, its survival time, and the analysis: which events count, and by which arms curves are drawn."""

    name: str
    load: Callable[[], pd.DataFrame]
    survival: bs.Survival
    counts: Any
    arms: tuple[str, ...]
    analysis: str = ""
    schema: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[Any, ...] = ()


def read(name: str) -> pd.DataFrame:
    return pd.read_csv(DATA / f"{name}.csv.gz")


def colon(kind: int) -> pd.DataFrame:
    """Return death (2) or recurrence (1) of the colon cancer trial."""
    table = read("colon").query(f"etype == {kind}")
    return table[["rx", "sex", "age", "nodes", "time", "status"]].dropna().reset_index(drop=True)


def lung() -> pd.DataFrame:
    table = read("lung").rename(columns={"ph.ecog": "phecog"})
    return table[["age", "sex", "phecog", "time", "status"]].dropna().reset_index(drop=True)


def pbc() -> pd.DataFrame:
    columns = ["age", "edema", "bili", "protime", "albumin", "time", "status"]
    return read("pbc")[columns].dropna().reset_index(drop=True)


def trace() -> pd.DataFrame:
    """Return the trial's register; days are given as years with three digits."""
    table = read("trace")[["age", "chf", "diabetes", "sex", "vf", "time", "status"]]
    return table[table["time"] > 0].reset_index(drop=True)


def framingham() -> pd.DataFrame:
    """Return the baseline examination of persons without coronary disease, complete cases."""
    table = read("framingham_long").query("PERIOD == 1 and PREVCHD == 0")
    table = table.assign(male=(table["SEX"] == 1).astype(int))
    columns = ["male", "AGE", "CURSMOKE", "BMI", "SYSBP", "TOTCHOL", "DIABETES", "ANYCHD", "TIMECHD"]
    return table[columns].dropna().reset_index(drop=True)


def cases() -> list[Case]:
    """Return the tables."""
    return [
        Case("gbsg2", lambda: read("gbsg2").drop(columns="pid"), bs.Survival(
            "rfstime ~ hormon + age + meno + size + C(grade) + nodes + pgr + er", event="status"), 1, ("hormon",)),
        Case("colon death", lambda: colon(2), bs.Survival(
            "time ~ rx + age + sex + nodes", event="status"), 1, ("rx",), "time ~ C(rx, Treatment('Obs'))"),
        Case("colon recurrence", lambda: colon(1), bs.Survival(
            "time ~ rx + age + sex + nodes", event="status"), 1, ("rx",), "time ~ C(rx, Treatment('Obs'))"),
        Case("pbc", pbc, bs.Survival(
            "time ~ age + edema + log(bili) + log(protime) + log(albumin)", event="status"), 2, ("edema",),
            rules=(bs.Range("bili", 0.1, 40),)),
        Case("lung", lung, bs.Survival("time ~ age + sex + phecog", event="status"), 2, ("sex",)),
        Case("veteran", lambda: read("veteran"), bs.Survival(
            "time ~ trt + celltype + karno + diagtime + age + prior", event="status"), 1, ("trt",),
            "time ~ trt + C(celltype, Treatment('squamous')) + karno + diagtime + age + prior"),
        Case("trace", trace, bs.Survival("time ~ age + chf + diabetes + sex + vf", event="status"), 9,
             ("vf", "chf", "diabetes", "sex")),
        Case("nwtco", lambda: read("nwtco")[["histol", "stage", "age", "edrel", "rel"]], bs.Survival(
            "edrel ~ histol + C(stage) + age", event="rel"), 1, ("histol",)),
        Case("framingham", framingham, bs.Survival(
            "TIMECHD ~ AGE + male + TOTCHOL + SYSBP + CURSMOKE + DIABETES + BMI", event="ANYCHD"), 1, ("male",)),
    ]  # fmt: skip


def inside(case: Case, original: pd.DataFrame, copies: list[pd.DataFrame]) -> float:
    """Return the share of times, over arms, at which the original's curve lies in the band of the copies'."""
    time_of, shares = case.survival.time, []
    for column, arm in ((c, level) for c in case.arms for level in original[c].unique()):
        own = original[original[column] == arm]
        if len(own) < 20:
            continue
        grid = np.linspace(0.0, np.quantile(own[time_of], 0.95), 101)[1:]
        curves = [
            product_limit(part[time_of].to_numpy(), (part["ev"] == 1).to_numpy()).at(grid)[0]
            for part in (copy[copy[column] == arm] for copy in copies) if len(part)
        ]  # fmt: skip
        curve = product_limit(own[time_of].to_numpy(), (own["ev"] == 1).to_numpy()).at(grid)[0]
        low, high = band(np.array([curve, *curves]), len(own))
        shares.append(((curve >= low - 1e-12) & (curve <= high + 1e-12)).mean())
    return float(np.mean(shares))


def run(case: Case) -> dict[str, Any]:
    """Fit, draw, compare."""
    original = case.load()
    schema = bs.Schema.detect(original).override(**case.schema)
    start = time.perf_counter()
    fitted = bs.Spec(case.survival, rest="tree", rules=case.rules).fit(
        original, schema=schema, random_seed=1, progress=False
    )
    seconds = time.perf_counter() - start
    event = case.survival.event
    formula = case.analysis or case.survival.formulas[0].replace("log(", "np.log(")
    copies = [c.assign(ev=(c[event] == case.counts).astype(int)) for c in fitted.synthesize(m=M, random_seed=2)]
    original = original.assign(ev=(original[event] == case.counts).astype(int))
    found = bs.compare(original, copies, formula, "cox", event="ev", rule="proper")
    censored = 1.0 - original["ev"].mean()
    shares = np.array([1.0 - c["ev"].mean() for c in copies])
    error = np.sqrt(censored * (1 - censored) / len(original) + shares.var(ddof=1) / M)
    signs, significances = found.signs, found.significances
    own = [c for c in fitted.bound.equations if c.cause is not None]
    print(f"\n{case.name}\n{found}\n{fitted.diagnose()}", flush=True)
    return {
        "table": case.name, "rows": len(original), "events": int(original["ev"].sum()), "overlap": found.overlap,
        "perfect": found.reference, "signs": f"{signs[0]}/{signs[1]}",
        "significant": f"{significances[0]}/{significances[1]}", "KM inside": inside(case, original, copies),
        "censored": censored, "in copies": shares.mean(), "difference / se": (shares.mean() - censored) / error,
        "fit s": seconds, "survival s": sum(fitted.provenance["seconds"][e.response] for e in own),
        "verdict": fitted.diagnose().verdict,
    }  # fmt: skip


def main(names: list[str]) -> int:
    """Print the table."""
    if not DATA.is_dir():
        print(f"skipped: there is no {DATA}")
        return 0
    warnings.simplefilter("ignore")
    table = pd.DataFrame([run(case) for case in cases() if not names or case.name in names])
    print(table.round(3).to_string(index=False))
    print(f"mean overlap {table['overlap'].mean():.3f} (bar {BAR}), of perfect copies {table['perfect'].mean():.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
