"""What a formal release shows of a table: noisy statistics, and the words and numbers that go with them."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bayessynth._version import __version__
from bayessynth.errors import PrivacyError
from bayessynth.privacy.domain import Domain
from bayessynth.privacy.ledger import Ledger
from bayessynth.privacy.marginals import NoisyMarginals
from bayessynth.privacy.moments import NoisyMoments
from bayessynth.privacy.routes import Routes
from bayessynth.privacy.unit import Unit

TEST = "test seed: protects nobody"


@dataclass(frozen=True, eq=False, repr=False)
class Released:
    """What a formal release shows of a table, and nothing else of it.

    Releases of tables that share no unit add up with ``+``; every table keeps a ledger of its own.

    Attributes
    ----------
    moments : tuple of NoisyMoments
        One for each block of ``routes``.
    marginals : tuple of NoisyMarginals
        Tables of counts of the cliques of ``routes``; several where they were released one after the other.
    routes : Routes
        Which statistic serves which equation.
    domain : Domain
    unit : Unit
    ledgers : tuple of Ledger
        One a table.
    test : bool
        Whether noise was drawn with a seed, which protects nobody.
    versions : mapping of str to str
        Of the software that drew the noise.

    Examples
    --------
    >>> import pandas as pd
    >>> import bayessynth as bs
    >>> domain = bs.Domain({"sex": bs.Levels("f", "m")}, source="codebook")
    >>> ask = bs.DP(1, 1e-5, domain=domain)
    >>> released = ask.release(bs.Spec("sex ~ 1"), pd.DataFrame({"sex": ["f", "m", "m"]}))
    >>> released
    Released: counts of sex
    (1, 1e-05)-differential privacy per record; neighbouring tables differ by one record added or removed; zCDP
    rho = 0.03056 spent on 1 statistic
    """

    moments: tuple[NoisyMoments, ...]
    marginals: tuple[NoisyMarginals, ...]
    routes: Routes
    domain: Domain
    unit: Unit
    ledgers: tuple[Ledger, ...]
    test: bool
    versions: Mapping[str, str]

    @property
    def ledger(self) -> Ledger:
        """The ledger of the table that paid most."""
        return max(self.ledgers, key=lambda one: one.spent)

    @property
    def statement(self) -> str:
        """The guarantee in words: ε, δ, unit, neighbour relation, ρ, and whether a test seed voids it."""
        whose = "record" if self.unit.person is None else "person"
        capped = "" if whose == "record" else f" ({self.unit.rows})"
        relation = "added or removed" if self.unit.adds else "replaced"
        count = max(len(ledger.entries) for ledger in self.ledgers)
        said = (
            f"({max(one.epsilon for one in self.ledgers):g}, {max(one.delta for one in self.ledgers):g})-differential "
            f"privacy per {whose}{capped}; neighbouring tables differ by one {whose} {relation}; zCDP "
            f"rho = {self.ledger.spent:.4g} spent on {count} {'statistic' if count == 1 else 'statistics'}"
        )
        if len(self.ledgers) > 1:
            said += f"; of {len(self.ledgers)} tables that share no {whose}, each with a ledger of its own"
        return f"{TEST}; with true noise it would be {said}" if self.test else said

    def record(self) -> dict[str, Any]:
        """Return the guarantee, what it rests on and what was released as JSON data, for provenance and card."""
        return {
            "statement": self.statement,
            "test": self.test,
            "unit": self.unit.to_json(),
            "epsilon": max(one.epsilon for one in self.ledgers),
            "delta": max(one.delta for one in self.ledgers),
            "rho": self.ledger.spent,
            "ledgers": [ledger.to_json() for ledger in self.ledgers],
            "statistics": self._statistics(),
            "domain": self.domain.to_json(),
            "versions": dict(self.versions),
        }

    def _statistics(self) -> list[dict[str, Any]]:
        """Return what was released, with the largest standard deviation of the noise on any number."""
        found = [
            {"statistic": f"sums of products of {', '.join(block.read)}{f' by {block.group}' if block.group else ''}",
             "numbers": sums.total.size, "noise_sd": math.sqrt(sums.covariance.max()),
             "scale": "columns mapped to [-1, 1]"}
            for block, sums in zip(self.routes.blocks, self.moments, strict=True)
        ]  # fmt: skip
        return found + [
            {"statistic": f"counts of {' × '.join(clique)}", "numbers": counts.size,
             "noise_sd": math.sqrt(tables.variance), "scale": "persons" if self.unit.weighted else "rows"}
            for tables in self.marginals for clique, counts in zip(tables.cliques, tables.counts, strict=True)
        ]  # fmt: skip

    def __add__(self, other: Released) -> Released:
        if not isinstance(other, Released):
            return NotImplemented
        if self.domain != other.domain or self.unit != other.unit or self.routes != other.routes:
            raise PrivacyError("Releases cannot be added: they differ in domain, unit or spec.")
        return replace(self, moments=tuple(a + b for a, b in zip(self.moments, other.moments, strict=True)),
                       marginals=tuple(a + b for a, b in zip(self.marginals, other.marginals, strict=True)),
                       ledgers=(*self.ledgers, *other.ledgers), test=self.test or other.test,
                       versions=_all_of(self.versions, other.versions))  # fmt: skip

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the release to one file, JSON and arrays without pickle; a release that is there is replaced.

        Returns
        -------
        Path

        Raises
        ------
        StorageError
            If something else is there.
        """
        from bayessynth.privacy.storage import save

        return save(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Released:
        """Open a release that :meth:`save` wrote.

        Raises
        ------
        StorageError
            If there is no such file, or it holds something else.
        """
        from bayessynth.privacy.storage import load

        return load(path)

    def __repr__(self) -> str:
        return f"Released: {'; '.join(one['statistic'] for one in self._statistics())}\n{self.statement}"


def versions(test: bool) -> dict[str, str]:
    """Return the versions of the software that draws noise.

    >>> sorted(versions(False))
    ['bayessynth', 'opendp']
    """
    drawing = "numpy" if test else "opendp"
    return {"bayessynth": __version__, drawing: version(drawing)}


def _all_of(one: Mapping[str, str], two: Mapping[str, str]) -> dict[str, str]:
    """Return versions of two releases, all of them where they differ."""
    found = {name: [*one.get(name, "").split(", "), *two.get(name, "").split(", ")] for name in {**one, **two}}
    return {name: ", ".join(dict.fromkeys(filter(None, seen))) for name, seen in found.items()}
