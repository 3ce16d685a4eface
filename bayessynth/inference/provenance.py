"""Which combining rule fits how copies were made."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from bayessynth.errors import DataError
from bayessynth.inference.combining import RULES, Rule, rule_named
from bayessynth.inference.formula import Parts

NO_PRIVACY = "no formal guarantee"
#: What the provenance of a fit says where the number of rows is public.
PUBLIC = "public"
#: Fewest copies with which the variance between them is known well enough to hold the noise of formal privacy.
FORMAL_COPIES = 100
_LEFT_OUT = (
    "leaves out the noise of formal privacy, which these copies carry: it takes the variance between copies from "
    "theory or from within a copy, and the noise is in neither: its intervals would cover too seldom. Only rule='rrr' "
    f"(Raghunathan, Reiter and Rubin 2003) with m ≥ {FORMAL_COPIES} copies is valid."
)


def formal(provenance: Mapping[str, Any] | None) -> bool:
    """Tell whether copies carry the noise of formal privacy.

    >>> formal({"privacy": "no formal guarantee"}), formal(None)
    (False, False)
    """
    return (provenance or {}).get("privacy", NO_PRIVACY) != NO_PRIVACY


def counted(provenance: Mapping[str, Any] | None) -> bool:
    """Return whether the provenance has the original's number of rows, and not an estimate from noisy counts.

    >>> counted(None), counted({"privacy": "(1, 1e-06)-differential privacy", "fit": {"n": "estimated"}})
    (True, False)
    """
    return provenance is None or not formal(provenance) or provenance.get("fit", {}).get("n", PUBLIC) == PUBLIC


def imputes(provenance: Mapping[str, Any]) -> bool:
    """Tell whether the posterior carries noise besides sampling error: imputed cells, or formal privacy.

    Trees draw missing cells as values among others; nothing is imputed then.

    >>> imputes({"privacy": "no formal guarantee", "fit": {"imputed": {"age": 12}}})
    True
    """
    return formal(provenance) or bool(provenance.get("fit", {}).get("imputed"))


def uncongenial(provenance: Mapping[str, Any], parts: Parts, terms: Sequence[Collection[str]]) -> list[str]:
    """Return what an analysis looks for and the spec that made the copies leaves out.

    Parameters
    ----------
    provenance : mapping
        With ``terms`` and ``slopes``, as copies from a spec have it.
    parts : Parts
        The analysis' formula.
    terms : sequence of collections of str
        Columns of each of its common terms.

    Returns
    -------
    list of str
        Interactions such as "x × z on y", and group slopes such as "x by site on y".

    Examples
    --------
    >>> from bayessynth.inference.formula import split
    >>> made = {"terms": {"y": [["x"], ["z"]]}, "slopes": {"y": []}}
    >>> uncongenial(made, split("y ~ x * z"), [{"x"}, {"z"}, {"x", "z"}])
    ['x × z on y']
    """
    declared = provenance.get("terms")
    if not declared or parts.response not in declared:
        return []
    y = parts.response

    def has(columns: Collection[str]) -> bool:
        # An interaction on y shows in y's equation, or in that of one of its columns given y and the others.
        together = {y, *columns}
        return any(together - {r} <= set(t) for r in together & set(declared) for t in declared[r])

    found = [f"{' × '.join(sorted(t))} on {y}" for t in terms if len(t) > 1 and y not in t and not has(t)]
    slopes = {tuple(s) for s in provenance.get("slopes", {}).get(y, ())}
    for group in parts.groups:
        columns = [c for c in re.findall(r"[^\W\d]\w*", group.effects) if c in declared]
        found += [f"{c} by {group.factor} on {y}" for c in columns if (c, group.factor) not in slopes]
    return found


def rule_for(provenance: Mapping[str, Any] | None, asked: str | None = None) -> Rule:
    """Choose the combining rule from the copies' provenance, or take the one that was asked for.

    Raises
    ------
    DataError
        If copies without provenance come without a rule, or the rule leaves out noise that the posterior carries.

    Examples
    --------
    >>> rule_for({"synthesis": "fully", "proper": True, "privacy": "no formal guarantee"}).name
    'proper'
    """
    if asked is not None:
        rule = rule_named(asked)
        if formal(provenance) and rule.name != "rrr":
            raise DataError(f"rule={asked!r} ({rule.source}) {_LEFT_OUT}")
        if provenance is not None and imputes(provenance) and rule.expected is not None:
            raise DataError(
                f"rule={asked!r} leaves out the noise of imputed cells, which these copies carry: its intervals would "
                "cover too seldom. Use rule='rrr' with m ≥ 100 copies."
            )
        return rule
    if provenance is None:
        listed = "; ".join(f"{r.name!r} ({r.copies})" for r in RULES.values())
        raise DataError(f"These copies do not say how they were made. Name the combining rule: {listed}.")
    if provenance.get("synthesis") == "partially":
        return RULES["partial"]
    if imputes(provenance):
        return RULES["rrr"]
    return RULES["proper" if provenance.get("proper", True) else "plug_in"]


def least_copies(provenance: Mapping[str, Any] | None, rule: Rule) -> int:
    """Return the fewest copies with which a rule is valid for copies made in this way.

    >>> least_copies({"privacy": "(1, 1e-06)-differential privacy per record"}, RULES["rrr"])
    100
    """
    return max(rule.least, FORMAL_COPIES) if formal(provenance) else rule.least


def check_copies(provenance: Mapping[str, Any] | None, rule: Rule, m: int) -> None:
    """Refuse a rule with fewer copies than it needs, or one for copies that were made otherwise.

    Raises
    ------
    DataError
    """
    if formal(provenance) and rule.name != "rrr":
        raise DataError(f"The rule {rule.name!r} ({rule.source}) {_LEFT_OUT}")
    least = least_copies(provenance, rule)
    if m < least:
        why = " where they carry the noise of formal privacy" if formal(provenance) else ""
        raise DataError(f"The rule {rule.name!r} needs at least {least} copies{why}; there are {m}.")
