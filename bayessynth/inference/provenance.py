"""Which combining rule fits how copies were made."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from bayessynth.errors import DataError
from bayessynth.inference.combining import RULES, Rule, rule_named
from bayessynth.inference.formula import Parts

NO_PRIVACY = "no formal guarantee"


def imputes(provenance: Mapping[str, Any]) -> bool:
    """Tell whether the posterior carries noise besides sampling error: imputed cells, or formal privacy.

    Trees draw missing cells as values among others; nothing is imputed then.

    >>> imputes({"privacy": "no formal guarantee", "fit": {"imputed": {"age": 12}}})
    True
    """
    return provenance.get("privacy", NO_PRIVACY) != NO_PRIVACY or bool(provenance.get("fit", {}).get("imputed"))


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
        if provenance is not None and imputes(provenance) and rule.expected is not None:
            raise DataError(
                f"rule={asked!r} leaves out the noise of imputed cells or of formal privacy, which these copies carry: "
                "its intervals would cover too seldom. Use rule='rrr' with m ≥ 100 copies."
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
