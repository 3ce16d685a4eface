"""What the public card says of a formal guarantee: the claim, what it rests on, and what it does not cover.

All of it comes from the release: public facts, and figures that the ledger paid for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bayessynth.inference.provenance import FORMAL_COPIES
from bayessynth.report.numerals import number


@dataclass(frozen=True)
class Guarantee:
    """A formal guarantee as the card shows it.

    Attributes
    ----------
    statement : str
    test : bool
        Whether a test seed voids it.
    facts : tuple of (str, str)
    ledger : tuple of tuple of str
        Table, what was released, mechanism, ρ, and sensitivity and scale of the noise.
    statistics : tuple of tuple of str
        What was released, how many numbers, standard deviation of the noise, its scale.
    domain : tuple of tuple of str
        Column, bounds or levels, what a missing cell counts as, source.
    limits : tuple of str
        What the guarantee does not cover.
    """

    statement: str
    test: bool
    facts: tuple[tuple[str, str], ...]
    ledger: tuple[tuple[str, ...], ...]
    statistics: tuple[tuple[str, ...], ...]
    domain: tuple[tuple[str, ...], ...]
    limits: tuple[str, ...]


def guarantee(record: Mapping[str, Any]) -> Guarantee | None:
    """Gather what the card says of a formal guarantee, from the provenance of copies; None if there is none.

    Examples
    --------
    >>> guarantee({"privacy": "no formal guarantee", "fit": {}}) is None
    True
    """
    released = record.get("fit", {}).get("privacy")
    if released is None:
        return None
    columns = released["domain"]["columns"]
    source = released["domain"]["source"]
    several = len(released["ledgers"]) > 1
    return Guarantee(
        released["statement"],
        released["test"],
        _facts(released, record),
        tuple(_entry(entry, i if several else 0) for i, ledger in enumerate(released["ledgers"], start=1)
              for entry in ledger["entries"]),
        tuple((s["statistic"], f"{s['numbers']:,}", number(s["noise_sd"]), s["scale"]) for s in released["statistics"]),
        tuple((name, _known(facts), _missing(facts), facts.get("source") or source) for name, facts in columns.items()),
        _limits(released["unit"]),
    )  # fmt: skip


def _facts(released: Mapping[str, Any], record: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    unit = released["unit"]
    person = unit["person"]
    whose = "record" if person is None else "person"
    used = "all, together with the weight of one" if unit.get("weighted") else f"at most {unit['cap']}"
    cap = [] if person is None else [("Rows of a person that are used", f"{used} (column {person!r})")]
    change = "added or removed" if unit["relation"] == "add_remove" else "replaced"
    budgets = [f"{one['epsilon']:g} at δ = {one['delta']:g}" for one in released["ledgers"]]
    return (
        ("Unit", f"one {whose}"), *cap, ("Neighbouring tables", f"differ by one {whose} {change}"),
        ("ε", f"{released['epsilon']:g}"), ("δ", f"{released['delta']:g}"),
        ("ρ (zCDP), spent", f"{released['rho']:.4g}"),
        *([("Budgets of the tables", "; ".join(budgets))] if len(budgets) > 1 else []),
        ("Rows of the original", record["fit"]["n"]),
        ("Copies", f"any number costs nothing more; pool at least {FORMAL_COPIES}, by the rule rrr"),
        ("Versions", ", ".join(f"{name} {version}" for name, version in released["versions"].items())),
    )  # fmt: skip


def _entry(entry: Mapping[str, Any], table: int) -> tuple[str, ...]:
    sizes = ["" if entry[key] is None else number(entry[key]) for key in ("sensitivity", "scale")]
    what = f"table {table}: {entry['what']}" if table else entry["what"]
    return what, entry["mechanism"], f"{entry['rho']:.4g}", *sizes


def _known(facts: Mapping[str, Any]) -> str:
    if "values" in facts:
        return ", ".join(map(str, facts["values"]))
    return f"{facts['low']:g} to {facts['high']:g}"


def _missing(facts: Mapping[str, Any]) -> str:
    return "row left out" if facts.get("missing") is None else str(facts["missing"])


def _limits(unit: Mapping[str, Any]) -> tuple[str, ...]:
    whose = "record" if unit["person"] is None else "person"
    found = [
        "What is true of people in general: who learns from the copies how traits go together learns it of everybody, "
        "whether in the data or not.",
        "That the table exists, the model that was declared, and what the domain states.",
        "Other tables and releases with the same people that the ledger does not list.",
        f"Several {whose}s together: the guarantee for j of them is weaker, with j² times the ρ.",
        "Figures from the original that were published besides the copies and this card.",
        "Values outside the bounds, which count as the nearest bound: estimates are those of the table so cut.",
    ]
    if unit["person"] is None:
        found.append("A person with several records, who is protected record by record only.")
    elif unit.get("weighted"):
        found.append(
            "How many rows a person has: each person counts as one row, and estimates are those of a table so weighted."
        )
    else:
        found.append(
            f"Rows beyond {unit['cap']} a person, which are left out: estimates are those of the table so capped."
        )
    return tuple(found)
