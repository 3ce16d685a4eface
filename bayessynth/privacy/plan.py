"""The plan of a release: what each equation gets of the budget, and how many rows it takes to be of use."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import pandas as pd

from bayessynth.privacy.accounting import attacker_auc
from bayessynth.privacy.domain import Domain
from bayessynth.privacy.marginals import Clique, cell_labels, marginals_squared
from bayessynth.privacy.moments import moment_layout
from bayessynth.privacy.routes import Block, Routes
from bayessynth.privacy.unit import Unit

# Standard deviation of a typical column on the scale of [-1, 1], by which noise on its mean is judged.
TYPICAL_SD = 0.3


@dataclass(frozen=True)
class Served:
    """Equations, and what the statistic that serves them gets.

    Attributes
    ----------
    equations : tuple of str
        Left sides.
    statistic : str
        What is released.
    entries : int
        Noisy numbers that a row contributes to: k of moments, one of a table.
    rho : float
        Share of the budget.
    sd : float
        Standard deviation of the noise on a sum of numbers, or on a count.
    spread : float
        Standard deviation of what one row adds to a typical number.
    groups : int
        Parts that the rows fall into.
    """

    equations: tuple[str, ...]
    statistic: str
    entries: int
    rho: float
    sd: float
    spread: float
    groups: int

    def noise(self, n: int) -> float:
        """Return the noise on a mean as a multiple of its sampling error, for n rows in all."""
        return self.sd / (self.spread * math.sqrt(n / self.groups))

    @property
    def useful(self) -> int:
        """Rows from which the noise on a mean lies below its sampling error."""
        return math.ceil(self.groups * (self.sd / self.spread) ** 2)


@dataclass(frozen=True, repr=False)
class Plan:
    """What a release would spend, and what to expect of it; made before any budget is spent.

    Attributes
    ----------
    served : tuple of Served
    blocks : tuple of Block
        Columns of the moments, in the order in which they are released.
    block_rho : tuple of float
        Share of each.
    cliques : tuple of Clique
        Columns of the tables of counts.
    clique_rho : float
        Share of all tables together.
    n : int
        Rows, as stated.
    epsilon, delta, rho : float
        The guarantee after all releases, and what this one spends.
    unit : Unit
    alone : bool
        Whether no earlier release is counted in.

    Examples
    --------
    >>> import bayessynth as bs
    >>> domain = bs.Domain({"sex": bs.Levels("f", "m")}, source="codebook")
    >>> plan = bs.DP(1, 1e-5, domain=domain).plan(bs.Spec("sex ~ 1"), n=100)
    >>> plan.table()["statistic"].tolist(), plan.served[0].useful
    (['counts of sex'], 66)
    """

    served: tuple[Served, ...]
    blocks: tuple[Block, ...]
    block_rho: tuple[float, ...]
    cliques: tuple[Clique, ...]
    clique_rho: float
    n: int
    epsilon: float
    delta: float
    rho: float
    unit: Unit
    alone: bool

    def table(self) -> pd.DataFrame:
        """Return one row an equation.

        ``k`` numbers a row enters, ``rho`` of the statistic that serves the equation (shared with those served by the
        same), ``noise_sd`` on a sum of numbers or a count, ``noise`` on a mean as a multiple of its sampling error for
        ``n`` rows, and ``useful_from``, the rows at which that is 1: (noise_sd / .3)² for moments.
        """
        rows = [(equation, s.statistic, s.entries, s.rho, s.sd, s.noise(self.n), s.useful)
                for s in self.served for equation in s.equations]  # fmt: skip
        columns = ["equation", "statistic", "k", "rho", "noise_sd", "noise", "useful_from"]
        return pd.DataFrame(rows, columns=columns)

    def _said(self) -> tuple[str, str]:
        whose = "record" if self.unit.person is None else f"person ({self.unit.rows})"
        relation = "added or removed" if self.unit.adds else "replaced"
        head = (
            f"({self.epsilon:g}, {self.delta:g})-differential privacy of a {whose}, {relation}; this release spends "
            f"rho = {self.rho:.4g}."
        )
        auc = f"Nobody tells from it whether a unit is in the data with an AUC above {attacker_auc(self.rho):.3f}. "
        foot = f"noise: on a mean, as a multiple of its sampling error with n = {self.n}; below 1 it hardly matters."
        return head, (auc if self.alone else "") + foot

    def __repr__(self) -> str:
        head, foot = self._said()
        formats = {"rho": "{:.4f}".format, "noise_sd": "{:.3g}".format, "noise": "{:.3g}".format}
        return f"{head}\n{self.table().to_string(index=False, formatters=formats)}\n{foot}"

    def _repr_html_(self) -> str:
        head, foot = self._said()
        return f"<p>{html.escape(head)}</p>{self.table().round(4).to_html(index=False)}<p>{html.escape(foot)}</p>"


def make_plan(
    found: Routes, domain: Domain, unit: Unit, n: int, budget: tuple[float, float, float], alone: bool
) -> Plan:  # fmt: skip
    """Share a budget out so that sums of numbers and counts get noise of the same standard deviation.

    The statistics are then one Gaussian release of L2 sensitivity √ΣΔ², with ρ shared in proportion to Δ², where of
    moments Δ is told in units of the weight of such a sum (:class:`~bayessynth.privacy.moments.MomentLayout`).

    Parameters
    ----------
    found : Routes
    domain : Domain
    unit : Unit
    n : int
    budget : tuple of float
        ε, δ, and the ρ that may be spent.
    alone : bool
        Whether no earlier release is counted in.

    Returns
    -------
    Plan

    Examples
    --------
    >>> import bayessynth as bs
    >>> from bayessynth.privacy.routes import routes
    >>> domain = bs.Domain({"age": bs.Bounds(0, 110)}, source="codebook")
    >>> plan = make_plan(routes(bs.Spec("age ~ 1"), domain), domain, bs.Unit(), 1000, (1.0, 1e-5, 0.03), True)
    >>> plan.served[0].entries, round(plan.served[0].sd, 3), plan.served[0].useful
    (3, 6.505, 471)
    """
    cliques = tuple(found.cliques)
    layouts = [moment_layout(domain, unit, block.read, block.group) for block in found.blocks]
    squares = [layout.share for layout in layouts]
    squares += [Fraction(marginals_squared(domain, unit, cliques))] if cliques else []
    shares = _shares(budget[2], squares)
    served = []
    for block, layout, share in zip(found.blocks, layouts, shares, strict=False):
        what = f"moments of {len(layout.columns)} columns" + (f" by {block.group}" if block.group else "")
        served.append(Served(block.equations, what, len(layout.pairs), share, math.sqrt(layout.share / (2 * share)),
                             TYPICAL_SD, max(1, len(layout.groups))))  # fmt: skip
    for clique in cliques:
        size = math.prod(len(cell_labels(domain, name)) for name in clique)
        sd = math.sqrt(squares[-1] / (2 * shares[-1]))
        served.append(Served(found.cliques[clique], f"counts of {' × '.join(clique)}", 1, shares[-1], sd,
                             math.sqrt((1 - 1 / size) / size), 1))  # fmt: skip
    block_rho = tuple(shares[: len(layouts)])
    return Plan(tuple(served), found.blocks, block_rho, cliques, shares[-1] if cliques else 0.0, n, budget[0],
                budget[1], math.fsum(shares), unit, alone)  # fmt: skip


def _shares(rho: float, squares: Sequence[Fraction]) -> list[float]:
    """Return shares in proportion, rounded down so that they never exceed the whole."""
    total = sum(squares)
    return [math.nextafter(float(Fraction(rho) * part / total), 0.0) for part in squares]
