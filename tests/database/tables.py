"""Small databases with known structure."""

from __future__ import annotations

import numpy as np
import pandas as pd


def clinics(n: int = 150, seed: int = 1) -> dict[str, pd.DataFrame]:
    """Patients of two arms, whose number of visits is 1 or 4 by arm; visits share an effect of the patient."""
    rng = np.random.default_rng(seed)
    arm = rng.choice(["a", "b"], n)
    age = rng.normal(50, 10, n).round(1)
    ids = np.array([f"P-{i:04d}" for i in rng.permutation(9000)[:n]])
    patient = pd.DataFrame({"patient_id": ids, "arm": arm, "age": age})
    at = np.repeat(np.arange(n), np.where(arm == "a", 1, 4))
    effect = rng.normal(0, 2, n)
    day = np.concatenate([np.arange(k) * 7 for k in np.where(arm == "a", 1, 4)])
    visit = pd.DataFrame({
        "visit_id": np.arange(len(at)) + 500, "patient_id": ids[at], "day": day,
        "score": (0.2 * age[at] + effect[at] + rng.normal(0, 1, len(at))).round(2),
    })  # fmt: skip
    return {"patient": patient, "visit": visit}


def bank(n: int = 120, seed: int = 5) -> dict[str, pd.DataFrame]:
    """Accounts with some 15 bookings each, whose balance is their running sum; the order within days is lost.

    Half of the accounts may go below zero, down to -500.
    """
    rng = np.random.default_rng(seed)
    account = pd.DataFrame({"account_id": np.arange(1, n + 1), "credit": rng.choice(["yes", "no"], n)})
    rows = []
    for key, credit in account.itertuples(index=False):
        balance, day = 0.0, int(rng.integers(0, 100))
        for number in range(int(rng.integers(8, 24))):
            kind = "in" if number == 0 or rng.random() < 0.5 else "out"
            room = balance + (500 if credit == "yes" else 0)
            amount = round(rng.gamma(2, 200) if kind == "in" else rng.uniform(0.1, 0.7) * room, 2)
            if amount < 0.01:
                kind, amount = "in", 100.0
            balance = round(balance + (amount if kind == "in" else -amount), 2)
            rows.append((key, day, kind, amount, balance))
            day += int(rng.choice([0, 1, 5, 9], p=[0.2, 0.3, 0.3, 0.2]))
    booking = pd.DataFrame(rows, columns=["account_id", "day", "kind", "amount", "balance"])
    mixed = booking.sample(frac=1, random_state=seed).sort_values(["account_id", "day"], kind="stable")
    mixed["day"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(mixed["day"], unit="D")
    return {"account": account, "booking": mixed.reset_index(drop=True)}


def three_levels(seed: int = 2) -> dict[str, pd.DataFrame]:
    """Schools with two classes each, classes with three pupils each."""
    rng = np.random.default_rng(seed)
    school = pd.DataFrame({"school_id": np.arange(1, 41), "sector": rng.choice(["state", "church"], 40)})
    class_ = pd.DataFrame({"class_id": np.arange(1, 81), "school_id": np.repeat(np.arange(1, 41), 2),
                           "grade": np.tile([1, 2], 40)})  # fmt: skip
    church = (school["sector"] == "church").to_numpy()[np.repeat(np.arange(40), 6)]
    pupil = pd.DataFrame({"class_id": np.repeat(np.arange(1, 81), 3),
                          "mark": (rng.normal(0, 1, 240) + 3 * church).round(2)})  # fmt: skip
    return {"pupil": pupil, "class": class_, "school": school}


def crossed(seed: int = 3) -> dict[str, pd.DataFrame]:
    """Loans of books to readers: both margins vary, old readers borrow old books."""
    rng = np.random.default_rng(seed)
    reader = pd.DataFrame({"reader_id": np.arange(1, 121), "age": rng.normal(40, 15, 120).round()})
    book = pd.DataFrame({"book_id": np.arange(1, 61), "year": rng.integers(1900, 2020, 60)})
    at = np.repeat(np.arange(120), rng.integers(1, 6, 120))
    order = np.argsort(reader["age"].to_numpy()[at] + rng.normal(0, 8, len(at)))
    stubs = np.sort(rng.integers(0, 60, len(at)))
    by_age = np.argsort(-book["year"].to_numpy(), kind="stable")
    chosen = np.empty(len(at), dtype=int)
    chosen[order] = by_age[stubs]
    loan = pd.DataFrame({"reader_id": at + 1, "book_id": chosen + 1, "days": rng.integers(1, 30, len(at))})
    return {"reader": reader, "book": book, "loan": loan}


def ringed() -> dict[str, pd.DataFrame]:
    """Accounts with one or two clients, each client of one account; clients mostly live in the account's town."""
    rng = np.random.default_rng(4)
    town = pd.DataFrame({"town_id": np.arange(1, 13), "size": rng.integers(1, 100, 12)})
    account = pd.DataFrame({"account_id": np.arange(1, 201), "town_id": rng.integers(1, 13, 200),
                            "fee": rng.choice([1, 2, 3], 200)})  # fmt: skip
    at = np.repeat(np.arange(200), rng.choice([1, 2], 200, p=[0.8, 0.2]))
    n = len(at)
    lives = np.where(rng.random(n) < 0.9, account["town_id"].to_numpy()[at], rng.integers(1, 13, n))
    client = pd.DataFrame({"client_id": np.arange(1, n + 1), "town_id": lives, "sex": rng.choice(["f", "m"], n)})
    first = np.r_[True, at[1:] != at[:-1]]
    disp = pd.DataFrame({"client_id": np.arange(1, n + 1), "account_id": at + 1,
                         "role": np.where(first, "owner", "user")})  # fmt: skip
    return {"town": town, "account": account, "client": client, "disp": disp}


def sites(seed: int = 6) -> dict[str, pd.DataFrame]:
    """Sites, whose patients are numbered from 1 at each; visits are numbered within patients, and have labs."""
    rng = np.random.default_rng(seed)
    site = pd.DataFrame({"site": [f"S{i:02d}" for i in range(1, 16)], "beds": rng.integers(10, 90, 15)})
    counts = rng.integers(5, 12, 15)
    patient = pd.DataFrame({"study": "X1", "site": np.repeat(site["site"].to_numpy(), counts),
                            "no": np.concatenate([np.arange(1, k + 1) for k in counts]),
                            "age": rng.integers(20, 90, counts.sum())})  # fmt: skip
    counts = rng.integers(1, 5, len(patient))
    visit = patient.loc[patient.index.repeat(counts), ["study", "site", "no", "age"]].reset_index(drop=True)
    visit["visit"] = np.concatenate([np.arange(1, k + 1) for k in counts])
    visit["pressure"] = (visit.pop("age") + rng.normal(0, 5, len(visit))).round(1)
    lab = visit.loc[visit.index.repeat(rng.integers(0, 4, len(visit))), ["site", "no", "visit"]].reset_index(drop=True)
    lab["value"] = rng.normal(size=len(lab)).round(2)
    return {"lab": lab, "visit": visit, "patient": patient, "site": site}
