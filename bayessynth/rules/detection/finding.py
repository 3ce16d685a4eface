"""What detection returns: a rule that holds on every row, why it was proposed, and how many rows speak for it."""

from __future__ import annotations

from dataclasses import dataclass

from bayessynth.rules.rule import Rule


@dataclass(frozen=True)
class Finding:
    """A rule that a table obeys on every row.

    Attributes
    ----------
    rule : Rule
    reason : str
        A sentence with the evidence.
    support : int
        Rows in which the rule could have been broken.

    Examples
    --------
    >>> from bayessynth.rules import Inequality
    >>> Finding(Inequality("low", "high"), "Holds in all 500 rows.", 500).support
    500
    """

    rule: Rule
    reason: str
    support: int
