"""Which combining rule fits how copies were made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bayessynth.errors import DataError
from bayessynth.inference.combining import RULES, Rule, rule_named

NO_PRIVACY = "no formal guarantee"


def imputes(provenance: Mapping[str, Any]) -> bool:
    """Tell whether the posterior carries noise besides sampling error: imputed cells, or formal privacy.

    >>> imputes({"privacy": "no formal guarantee", "fit": {"missing": "model"}})
    True
    """
    return provenance.get("privacy", NO_PRIVACY) != NO_PRIVACY or provenance.get("fit", {}).get("missing") == "model"


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
