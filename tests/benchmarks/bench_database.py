"""Related tables: Berka, a clinical trial and NAFLD, beside what SDV's HMA was measured to do with four of Berka's.

Prints times, generation speed, children a parent, correlations across tables, orphans, and how well loan default is
predicted by models trained on copies. Beside the correlations of Berka it prints how many a perfect re-draw keeps, with
77 districts drawn with replacement with all that belongs to them: with so few parents that is not all of them.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

import bayessynth as bs
from bayessynth.database import FittedDatabase

DATA = Path(__file__).parents[3] / "shared" / "data"
# SDV 1.x, HMA: account, loan, order, trans of the 354 accounts that have transactions.
HMA = {"fit s": 8.0, "rows/s": 950.0, "KS loan": 0.0, "KS order": 0.15, "KS trans": 0.045, "loan r": 0.09, "ICC": 0.342}
BAD = ("B", "D")


def berka(names: tuple[str, ...]) -> dict[str, pd.DataFrame]:
    return {n: pd.read_csv(DATA / "berka" / f"{'trans_subset' if n == 'trans' else n}.csv.gz") for n in names}


def loans(tables: dict[str, pd.DataFrame]) -> tuple[pd.DataFrame, np.ndarray]:
    """Return what is known of every loan, and whether it went bad."""
    loan = tables["loan"].copy()
    trans = tables["trans"]
    withdrawn = trans["type"].str.startswith("withdrawal")
    summed = trans.assign(out=withdrawn).groupby("account_id").agg(
        n=("amount", "size"), amount=("amount", "mean"), out=("out", "mean"), balance=("balance", "mean"),
        least=("balance", "min"), most=("balance", "max"), spread=("balance", "std"))  # fmt: skip
    known = loan.merge(tables["account"], on="account_id", suffixes=("", "_account"), how="left")
    if "district" in tables:
        numbers = tables["district"].select_dtypes("number")
        known = known.merge(numbers, on="district_id", how="left")
    known = known.merge(summed, left_on="account_id", right_index=True, how="left", suffixes=("", "_trans"))
    for column in ("date", "date_account"):
        known[column] = pd.to_datetime(known[column]).astype("int64")
    known["frequency"] = known["frequency"].astype("category").cat.codes
    bad = known["status"].isin(BAD).to_numpy(dtype=int)
    drop = ["loan_id", "account_id", "district_id", "status"]
    return known.drop(columns=[c for c in drop if c in known]).fillna(-1e6), bad


def model(seed: int) -> GradientBoostingClassifier:
    return GradientBoostingClassifier(n_estimators=60, max_depth=3, subsample=0.7, learning_rate=0.1, random_state=seed)


def default_auc(original: dict[str, pd.DataFrame], copies: list[dict[str, pd.DataFrame]], repeats: int) -> None:
    """Print the cross-fitted AUC on original loans of models of original loans, and of models of copies."""
    x, y = loans(original)
    own = []
    for repeat in range(repeats):
        for train, test in StratifiedKFold(5, shuffle=True, random_state=repeat).split(x, y):
            fitted = model(repeat).fit(x.iloc[train], y[train])
            own.append(roc_auc_score(y[test], fitted.predict_proba(x.iloc[test])[:, 1]))
    made = []
    for copy in copies:
        cx, cy = loans(copy)
        fitted = model(0).fit(cx[x.columns], cy)
        scores = fitted.predict_proba(x)[:, 1]
        # The same test sets as above.
        folds = [StratifiedKFold(5, shuffle=True, random_state=repeat).split(x, y) for repeat in range(repeats)]
        made.append(np.mean([roc_auc_score(y[test], scores[test]) for fold in folds for _, test in fold]))
    ratio = np.mean(made) / np.mean(own)
    print(f"loan default: AUC {np.mean(own):.3f} of the original, {np.mean(made):.3f} (±{np.std(made):.3f}) of copies, "
          f"ratio {ratio:.3f}; bad: {y.sum()} of {len(y)}, "
          f"in copies {np.mean([loans(c)[1].mean() for c in copies]):.1%}")  # fmt: skip


def redrawn(tables: dict[str, pd.DataFrame], seed: int) -> dict[str, pd.DataFrame]:
    """Return Berka with its districts drawn with replacement, each with its accounts and all that belongs to them."""
    rng = np.random.default_rng(seed)
    district = tables["district"].iloc[rng.integers(len(tables["district"]), size=len(tables["district"]))]
    district = district.assign(new=np.arange(1, len(district) + 1))
    account = tables["account"].merge(district[["district_id", "new"]], on="district_id")
    account["made"] = np.arange(1, len(account) + 1)
    ties = account[["account_id", "made", "new", "district_id"]].rename(columns={"district_id": "own"})
    disp = tables["disp"].merge(ties, on="account_id").merge(tables["client"], on="client_id")
    disp["number"] = np.arange(1, len(disp) + 1)
    places = {key: group.to_numpy() for key, group in district.groupby("district_id")["new"]}
    rows = zip(disp["new"], disp["own"], disp["district_id"], strict=True)
    disp["lives"] = [new if own == lives or lives not in places else rng.choice(places[lives])
                     for new, own, lives in rows]  # fmt: skip
    card = tables["card"].merge(disp[["disp_id", "number"]], on="disp_id")
    made = {
        "district": district.assign(district_id=district["new"]),
        "account": account.assign(account_id=account["made"], district_id=account["new"]),
        "client": disp.assign(client_id=disp["number"], district_id=disp["lives"]),
        "disp": disp.assign(disp_id=disp["number"], client_id=disp["number"], account_id=disp["made"]),
        "card": card.assign(card_id=np.arange(1, len(card) + 1), disp_id=card["number"]),
    }
    for name, key in (("loan", "loan_id"), ("order", "order_id"), ("trans", "trans_id")):
        rows = tables[name].merge(ties, on="account_id")
        made[name] = rows.assign(**{"account_id": rows["made"], key: np.arange(1, len(rows) + 1)})
    return {name: made[name][list(frame)].reset_index(drop=True) for name, frame in tables.items()}


def attainable(database: bs.Database, copies: list[dict[str, pd.DataFrame]]) -> None:
    """Print how many correlations of parents and children copies keep, and how many a perfect re-draw does."""
    print("\ncorrelations of parents and children within .05 in the mean over copies, by key")
    found = {}
    for who, some in (("copies", copies), ("re-drawn", [redrawn(database.tables, j) for j in range(len(copies))])):
        detail = bs.evaluate(database, some, measures=["univariate"])["parent_child"].detail
        kind = np.where(detail["child"] == "number of children", "number of children", detail["of"])
        close = (detail["difference"].abs() <= 0.05).groupby([detail["key"], kind]).agg(["size", "mean"])
        found |= {"pairs": close["size"], who: close["mean"].round(2)}
        print(f"{who}: {(detail['difference'].abs() <= 0.05).mean():.0%} of {len(detail)}")
    print(pd.DataFrame(found).to_string())


def speed(fitted: FittedDatabase, m: int) -> None:
    """Print rows a second, and a second of one core, of single copies, of all, and of a hundred times the rows."""
    root = fitted.structure.roots[0]

    def timed(what: str, draw: Callable[[], list[dict[str, pd.DataFrame]]]) -> None:
        start, busy = time.perf_counter(), time.process_time()
        rows = sum(len(frame) for copy in draw() for frame in copy.values())
        busy, took = time.process_time() - busy, time.perf_counter() - start
        print(f"{what}: {rows:,} rows, {rows / took:,.0f} rows/s, {rows / busy:,.0f} rows a second of one core")

    small = fitted.synthesize(m, random_seed=2)
    small[0]
    timed("one copy", lambda: [small[1]])
    timed(f"m={m} copies", lambda: list(small))
    large = fitted.synthesize(m, {root: 100 * fitted.models[root].n}, random_seed=2)
    timed("one copy of 100 times the rows", lambda: [large[1]])


def run(name: str, tables: dict[str, pd.DataFrame], m: int, keys: list[bs.Key] | None = None) -> tuple[
    bs.Database, FittedDatabase, list[dict[str, pd.DataFrame]]
]:  # fmt: skip
    database = bs.Database(tables, keys)
    start = time.perf_counter()
    fitted = database.fit(copies=m, random_seed=1)
    fit = time.perf_counter() - start
    synthetic = fitted.synthesize(m, random_seed=2)
    synthetic[0]
    start = time.perf_counter()
    copies = list(synthetic)
    took = time.perf_counter() - start
    rows = sum(len(frame) for copy in copies for frame in copy.values())
    print(f"\n== {name}: fit {fit:.0f} s ({fitted.provenance['seconds']}), {m} copies in {took:.1f} s, "
          f"{rows / took:,.0f} rows/s")  # fmt: skip
    result = bs.evaluate(database, copies, measures=["univariate"])
    print(result)
    with pd.option_context("display.width", 200, "display.max_rows", 60):
        for measure in result:
            print(measure.detail.head(20).to_string())
    return database, fitted, copies


def beside_hma(m: int) -> None:
    tables = berka(("account", "loan", "order", "trans"))
    held = set(tables["trans"]["account_id"])
    tables = {n: f[f["account_id"].isin(held)].reset_index(drop=True) for n, f in tables.items()}
    tables["account"] = tables["account"].drop(columns="district_id")
    database = bs.Database(tables)
    start = time.perf_counter()
    fitted = database.fit(copies=m, random_seed=1)
    fit = time.perf_counter() - start
    synthetic = fitted.synthesize(m, random_seed=2)
    synthetic[0]
    start = time.perf_counter()
    copies = list(synthetic)
    speed = sum(len(f) for c in copies for f in c.values()) / (time.perf_counter() - start)
    result = bs.evaluate(database, copies, measures=["univariate"])
    children = result["children"].detail.assign(key=lambda d: d["key"].str.split(".").str[0]).set_index("key")
    alike = result["likeness"].detail.set_index("column")
    r = np.mean([c["loan"]["amount"].corr(c["loan"]["duration"]) for c in copies])
    own = {"fit s": fit, "rows/s": speed, "loan r": r, "ICC": alike.loc["balance", "copies"]}
    own |= {f"KS {t}": children.loc[t, "pooled_ks"] for t in ("loan", "order", "trans")}
    want = {"loan r": tables["loan"]["amount"].corr(tables["loan"]["duration"])}
    want["ICC"] = alike.loc["balance", "original"]
    print("\n== account, loan, order, trans of 354 accounts, beside HMA")
    print(pd.DataFrame({"original": want, "ours": own, "HMA": HMA}).reindex(HMA).round(3).to_string())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("-m", type=int, default=20)
    parser.add_argument("--only", nargs="*", default=["hma", "berka", "cdisc", "nafld"])
    chosen = parser.parse_args(sys.argv[1:])
    warnings.simplefilter("ignore")
    if not DATA.is_dir():
        print("no shared data")
        return
    if "hma" in chosen.only:
        beside_hma(chosen.m)
    if "berka" in chosen.only:
        tables = berka(("district", "account", "client", "disp", "card", "loan", "order", "trans"))
        database, fitted, copies = run("Berka, 8 tables", tables, chosen.m)
        default_auc(tables, copies, 5)
        attainable(database, copies)
        speed(fitted, chosen.m)
    if "cdisc" in chosen.only:
        trial = {n: pd.read_csv(DATA / "cdisc_sdtm" / f"{n}.csv.gz") for n in ("dm", "ae", "vs")}
        run("CDISC pilot: DM, AE, VS", trial, chosen.m)
    if "nafld" in chosen.only:
        nafld = {n: pd.read_csv(DATA / "nafld" / f"{n}.csv.gz") for n in ("nafld1", "nafld2", "nafld3")}
        some = set(nafld["nafld1"]["id"].head(1500))
        run("NAFLD, 1,500 patients", {n: f[f["id"].isin(some)] for n, f in nafld.items()}, chosen.m)


if __name__ == "__main__":
    main()
