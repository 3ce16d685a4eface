"""Group effects that several terms share: one covariance for the effects of all terms with the same id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayessynth.design.names import dim, safe
from bayessynth.families import Prior


@dataclass(frozen=True)
class Member:
    """A group-specific term whose effects are correlated with those of others.

    Attributes
    ----------
    response, parameter : str
        The equation, and which of its predictors.
    position : int
        Of the term in the predictor.
    effects : tuple of str
        Names of its effects.
    """

    response: str
    parameter: str
    position: int
    effects: tuple[str, ...]

    @property
    def key(self) -> tuple[str, int]:
        """By what an equation's effects are found."""
        return self.parameter, self.position


@dataclass(frozen=True)
class Shared:
    """All effects with one id: their factor, the prior of their correlation, and the terms they stand in.

    Attributes
    ----------
    id : str
    factor : str
    prior : Prior
    members : tuple of Member
        In the order of the equations.
    labels : tuple of str
        Of the effects of all members side by side: ``"y: 1"``, ``"z: x"``, ``"z: sigma_1"``.
    """

    id: str
    factor: str
    prior: Prior
    members: tuple[Member, ...]
    labels: tuple[str, ...]

    @property
    def key(self) -> str:
        """The key of the correlation in ``priors=``."""
        return f"{self.factor}_{self.id}_corr"

    @property
    def name(self) -> str:
        """Name of the correlation in the posterior."""
        return safe(self.key)

    @property
    def dims(self) -> tuple[str, str]:
        """Dims of the correlation matrix in the posterior."""
        return dim(f"{self.name}_effect"), dim(f"{self.name}_effect_bis")

    @property
    def responses(self) -> tuple[str, ...]:
        """The equations, each once."""
        return tuple(dict.fromkeys(m.response for m in self.members))

    def deviations(self, values: Mapping[str, np.ndarray], prefixes: Mapping[str, Mapping[str, str]]) -> np.ndarray:
        """Return the standard deviations of all effects at one draw, shape (q,)."""
        names = [f"{prefixes[m.response][m.parameter]}{e}|{self.factor}_sd" for m in self.members for e in m.effects]
        return np.array([values[safe(name)] for name in names], dtype=float)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON data."""
        members = [[m.response, m.parameter, m.position, list(m.effects)] for m in self.members]
        return {"id": self.id, "factor": self.factor, "prior": self.prior.to_json(), "members": members,
                "labels": list(self.labels)}  # fmt: skip

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Shared:
        """Make it of what :meth:`to_json` returned."""
        members = tuple(Member(r, p, i, tuple(effects)) for r, p, i, effects in data["members"])
        return cls(data["id"], data["factor"], Prior.from_json(data["prior"]), members, tuple(data["labels"]))


def joined(shared: Sequence[Shared]) -> tuple[tuple[str, ...], ...]:
    """Return the equations that effects join, directly or by way of others, in components.

    >>> one = Shared("p", "g", Prior("LKJ", eta=2), (Member("y", "mu", 0, ("1",)), Member("z", "mu", 0, ("1",))), ())
    >>> other = Shared("q", "g", Prior("LKJ", eta=2), (Member("z", "mu", 1, ("x",)), Member("w", "mu", 0, ("1",))), ())
    >>> joined((one, other))
    (('y', 'z', 'w'),)
    """
    components: list[tuple[str, ...]] = []
    for block in shared:
        touched = [c for c in components if set(c) & set(block.responses)]
        merged = tuple(dict.fromkeys(r for c in (*touched, block.responses) for r in c))
        components = [c for c in components if c not in touched] + [merged]
    return tuple(components)
