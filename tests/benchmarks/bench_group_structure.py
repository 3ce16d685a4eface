"""Does group structure survive? Refits copies with new groups by REML and compares with the original.

For hsb82 (pupils in schools), exam (London schools) and radon (houses in counties): the intraclass correlation of
the null model, the variance between groups of the full model, and the number of groups in which a group-level
covariate varies. Medians over 20 and over 100 copies (the latter shows what is chance in the former); MixedLM runs
that do not converge are counted. Needs the data folder
beside the repository. Run by ``make bench``.
"""

from __future__ import annotations

import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import statsmodels.formula.api as smf
from statsmodels.tools.sm_exceptions import ConvergenceWarning

import bayessynth as bs

DATA = Path(__file__).parents[2].parent / "shared" / "data"
M = 100


@dataclass(frozen=True)
class Case:
    """A table, its spec, and the analysis that is repeated on copies."""

    file: str
    group: str
    response: str
    fixed: str
    spec: bs.Spec
    covariates: tuple[str, ...] = ()


def cases() -> list[Case]:
    """Return the three hierarchical tables."""
    normal = {"family": "normal"}
    return [
        Case("hsb82", "school", "mAch", "meanses + cses",
             bs.Spec("mAch ~ meanses + cses + (1 | school)", "meanses ~ 1", "cses ~ 1"), ("meanses",)),
        Case("exam_london", "school", "normexam", "standLRT",
             # A school's intake and its effect go together, which a school-level column carries to new schools.
             bs.Spec("normexam ~ standLRT + schavg + (1 | school)", "standLRT ~ schavg", "schavg ~ 1"),
             ("schavg",)),
        Case("radon_mn", "county", "Q('log.radon')", "basement + uranium",
             bs.Spec(bs.Equation("log.radon ~ basement + uranium + (1 | county)", **normal),
                     "basement ~ uranium + (1 | county)", bs.Equation("uranium ~ 1", **normal)), ("uranium",)),
    ]  # fmt: skip


def refit(frame: pd.DataFrame, case: Case, fixed: str) -> tuple[float, float, bool]:
    """Return the variance between groups, that within, and whether REML converged."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", UserWarning)
        model = smf.mixedlm(f"{case.response} ~ {fixed}", frame, groups=frame[case.group]).fit(reml=True)
    return float(model.cov_re.iloc[0, 0]), float(model.scale), bool(model.converged)


def structure(frame: pd.DataFrame, case: Case) -> dict[str, float]:
    """Return what is compared for one table."""
    between, within, null_converged = refit(frame, case, "1")
    tau2, _, converged = refit(frame, case, case.fixed)
    by_group = frame.groupby(case.group)
    varying = sum(int((by_group[c].nunique() > 1).sum()) for c in case.covariates)
    return {"icc": between / (between + within), "tau2": tau2, "groups": by_group.ngroups, "varying": varying,
            "unconverged": (not null_converged) + (not converged)}  # fmt: skip


def run(case: Case) -> pd.DataFrame:
    """Fit, draw copies, refit; one row for the original and one for the copies."""
    original = pd.read_csv(DATA / f"{case.file}.csv.gz")
    columns = [*case.spec.columns, case.group]
    start = time.perf_counter()
    fitted = case.spec.fit(original[columns], random_seed=1, progress=False)
    seconds = time.perf_counter() - start
    copies = pd.DataFrame([structure(copy, case) for copy in fitted.synthesize(m=M, random_seed=2)])
    rows = [{"table": case.file, "data": "original", **structure(original, case)}]
    for m in (20, M):
        some = copies.iloc[:: M // m]  # copies are spread over the chains either way
        low, high = some["tau2"].quantile([0.1, 0.9])
        rows.append(
            {"table": case.file, "data": f"median of {m} copies", **some.median().to_dict(),
             "varying": some["varying"].sum(), "unconverged": some["unconverged"].sum(),
             "tau2 central 80 %": f"{low:.3f} to {high:.3f}", "fit s": round(seconds, 1),
             "verdict": fitted.diagnose().verdict}
        )  # fmt: skip
    return pd.DataFrame(rows)


def main() -> int:
    """Print the table."""
    if not DATA.is_dir():
        print(f"skipped: there is no {DATA}")
        return 0
    table = pd.concat([run(case) for case in cases()], ignore_index=True)
    print(table.round(4).replace(np.nan, "").to_string(index=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
