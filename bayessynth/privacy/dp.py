"""What a user asks of a formal release."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from bayessynth.errors import PrivacyError
from bayessynth.privacy.domain import Domain
from bayessynth.privacy.ledger import Entry, Ledger
from bayessynth.privacy.marginals import marginals
from bayessynth.privacy.moments import moments
from bayessynth.privacy.noise import Exact, Seeded
from bayessynth.privacy.plan import Plan, make_plan
from bayessynth.privacy.release import Release
from bayessynth.privacy.released import Released, versions
from bayessynth.privacy.routes import Routes, routes
from bayessynth.privacy.unit import Unit
from bayessynth.spec import Spec

# Share of a budget below which nothing is left of it but what rounding leaves.
_LEAST = 1e-6


def carried_out(plan: Plan, found: Routes, release: Release, data: pd.DataFrame) -> Released:
    """Carry a plan out.

    Examples
    --------
    >>> import bayessynth as bs
    >>> domain = bs.Domain({"age": bs.Bounds(0, 110)}, source="codebook")
    >>> spec, ask = bs.Spec("age ~ 1"), bs.DP(1, 1e-5, domain=domain)
    >>> found = routes(spec, domain)
    >>> released = carried_out(ask.plan(spec, 1000), found, ask.start(), pd.DataFrame({"age": [31, 64]}))
    >>> released.ledger.spent <= released.ledger.total
    True
    """
    needed = [name for block in plan.blocks for name in (*block.read, block.group)]
    needed += [*(name for clique in plan.cliques for name in clique), release.unit.person]
    table = release.domain.check(data, dict.fromkeys(filter(None, needed)))
    sums = tuple(
        moments(release, table, block.read, rho=rho, group=block.group)
        for block, rho in zip(plan.blocks, plan.block_rho, strict=True)
    )
    tables = (marginals(release, table, plan.cliques, rho=plan.clique_rho),) if plan.cliques else ()
    return Released(sums, tables, found, release.domain, release.unit, (release.ledger,), release.noise.test,
                    versions(release.noise.test))  # fmt: skip


@dataclass(frozen=True)
class DP:
    """Ask for a formal guarantee: (ε, δ)-differential privacy per stated unit.

    Noisy statistics of the table are released, and whatever is made of them keeps the guarantee: fits, checks, any
    number of copies. It covers everything about a unit that the released numbers show; it does not cover what the
    domain states, that the table exists, or other tables with the same people that no entry of ``earlier`` pays for.

    Parameters
    ----------
    epsilon, delta : float
        The budget for all releases about the same people; δ lies well below 1 / rows.
    unit : "record" or Unit
        Whose data are hidden: one record's, or all of a person's, ``bs.Unit("patient", cap=3)`` or
        ``bs.Unit("patient", weighted=True)``.
    domain : Domain, optional
        Public facts of the columns.
    earlier : Ledger or iterable of Entry
        Releases about the same people that were made before.
    test_seed : int, optional
        Draws noise that can be repeated, which protects nobody: for tests only. It warns, and marks all output.

    Raises
    ------
    PrivacyError
        If the budget or the unit makes no sense.

    Examples
    --------
    >>> import bayessynth as bs
    >>> domain = bs.Domain({"age": bs.Bounds(0, 110), "pay": bs.Bounds(0, 1e5)}, source="codebook")
    >>> bs.DP(epsilon=1, delta=1e-5, domain=domain).plan(bs.Spec("age ~ 1", "pay ~ age"), n=5000)
    (1, 1e-05)-differential privacy of a record, added or removed; this release spends rho = 0.03056.
    equation            statistic  k    rho noise_sd noise  useful_from
         age moments of 2 columns  6 0.0306       11  0.52         1352
         pay moments of 2 columns  6 0.0306       11  0.52         1352
    Nobody tells from it whether a unit is in the data with an AUC above 0.569. noise: on a mean, ...
    """

    epsilon: float
    delta: float
    unit: str | Unit = "record"
    domain: Domain | None = None
    earlier: Ledger | Iterable[Entry] = ()
    test_seed: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.unit, Unit):
            if self.unit != "record":
                raise PrivacyError(
                    f"unit={self.unit!r}: state 'record', or the column that names persons with a cap on their rows, "
                    "bs.Unit('patient', cap=3), or with weights on all of them, bs.Unit('patient', weighted=True)."
                )
            object.__setattr__(self, "unit", Unit())
        entries = self.earlier.entries if isinstance(self.earlier, Ledger) else tuple(self.earlier)
        object.__setattr__(self, "earlier", entries)
        self.ledger()

    def ledger(self) -> Ledger:
        """Return a ledger with the budget and the earlier releases."""
        assert not isinstance(self.earlier, Ledger)
        return Ledger(self.epsilon, self.delta, self.earlier)

    def known(self, domain: Domain | None = None) -> Domain:
        """Return the domain that is given, or else that of the request.

        Raises
        ------
        PrivacyError
            If there is none.
        """
        found = domain if domain is not None else self.domain
        if found is None:
            raise PrivacyError(
                "A formal release needs a domain, the public bounds and levels of the columns: bs.DP(…, "
                "domain=bs.Domain({'age': bs.Bounds(0, 110)}, source='codebook'))."
            )
        return found

    def start(self, domain: Domain | None = None) -> Release:
        """Return a release from whose budget single mechanisms are paid.

        Examples
        --------
        >>> import bayessynth as bs
        >>> domain = bs.Domain({"age": bs.Bounds(0, 110)}, source="codebook")
        >>> release = bs.DP(1, 1e-5, domain=domain).start()
        >>> release.largest([0, 90, 5], sensitivity=1, rho=0.01, what="a column")
        1
        """
        noise = Exact() if self.test_seed is None else Seeded(self.test_seed)
        assert isinstance(self.unit, Unit)
        return Release(self.known(domain), self.unit, self.ledger(), noise)

    def plan(self, spec: Spec, n: int, domain: Domain | None = None) -> Plan:
        """Say what each equation would get of the budget, and what to expect; nothing is spent.

        Parameters
        ----------
        spec : Spec
        n : int
            Rows, as far as they are known to the public.
        domain : Domain, optional

        Raises
        ------
        PrivacyError
            If an equation has no formal route, the domain lacks a column, or δ is not below 1 / n.
        """
        if not (isinstance(n, int) and n > 0):
            raise PrivacyError(f"n={n!r}: state about how many rows the table has.")
        if self.delta * n >= 1:
            raise PrivacyError(
                f"delta={self.delta:g} is not below 1 / n for n = {n}: showing one record at random in full would be "
                f"allowed. State one well below, such as {0.1 / n:.0e}."
            )
        known = self.known(domain)
        return self._plan(routes(spec, known), known, n)

    def release(self, spec: Spec, data: pd.DataFrame, domain: Domain | None = None) -> Released:
        """Release the noisy statistics that a spec's equations need, spending what is left of the budget.

        Parameters
        ----------
        spec : Spec
        data : DataFrame
            The confidential table.
        domain : Domain, optional

        Returns
        -------
        Released

        Raises
        ------
        PrivacyError
            If an equation has no formal route, or no budget is left; then nothing is drawn.
        DataError
            If the table lacks a column.

        Examples
        --------
        >>> import bayessynth as bs
        >>> domain = bs.Domain({"income": bs.Bounds(0, 50_000), "age": bs.Bounds(0, 110)}, source="codebook")
        >>> spec = bs.Spec("age ~ 1", "income ~ age")
        >>> released = bs.DP(1, 1e-5, domain=domain).release(spec, bs.datasets.load("rand_hie"))
        >>> released.moments[0].columns, released.moments[0].total.shape
        (('age', 'income'), (1, 6))
        """
        known = self.known(domain)
        found = routes(spec, known)
        plan = self._plan(found, known, 1)
        return carried_out(plan, found, self.start(known), data)

    def _plan(self, found: Routes, domain: Domain, n: int) -> Plan:
        assert isinstance(self.unit, Unit)
        ledger = self.ledger()
        left = ledger.left * (1 - 1e-12)
        if left < _LEAST * ledger.total:
            raise PrivacyError(
                f"Nothing is left of the budget (epsilon {self.epsilon:g} at delta {self.delta:g}) after "
                f"{len(ledger.entries)} earlier releases. State a larger epsilon for all of them together."
            )
        return make_plan(found, domain, self.unit, n, (self.epsilon, self.delta, left), not ledger.entries)
