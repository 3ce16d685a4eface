"""A formal release of a whole table with no spec given: noisy tables of pairs of columns, chosen under the same budget.

The spec is written from the release: along the junction tree of the pairs, each column given those that it shares a set
with and that stand before it. Drawn so, records follow the log-linear model of the noisy tables exactly.
"""

from __future__ import annotations

from typing import Any

from bayessynth.errors import PrivacyError
from bayessynth.fitting.engines.settings import Settings
from bayessynth.fitting.fitted import Fitted
from bayessynth.fitting.noise_aware.tables import measure
from bayessynth.fitting.noise_aware.tables.junction import junction_tree
from bayessynth.fitting.noise_aware.tables.layout import sums_of
from bayessynth.fitting.private import Ready, drawn_fit, read_table
from bayessynth.fitting.private_cells import with_cells
from bayessynth.fitting.public_facts import bind_public, bounds_of
from bayessynth.privacy import DP, Bounds, Domain, Released
from bayessynth.privacy.released import versions
from bayessynth.privacy.routes import Routes
from bayessynth.spec import Equation, Spec, quote

# What rounding may take of a budget.
_ALL = 1 - 1e-9


def fit_chosen(data: Any, privacy: DP, settings: Settings, entropy: int, copies: int) -> Fitted:
    """Spend a budget on tables of pairs of columns, and fit these.

    Parameters
    ----------
    data : DataFrame or path
        The confidential table; it must hold all columns of the domain, which are those of the copies.
    privacy : DP
    settings : Settings
        Not used by tables; recorded.
    entropy : int
        Of the draws from the posterior.
    copies : int
        Draws kept; pooled intervals need 100 copies.

    Raises
    ------
    PrivacyError
        If a column of numbers has no grid, there are fewer than two columns, or no budget is left; nothing is spent.
    DataError
        If the table cannot be read or lacks a column.

    Examples
    --------
    >>> import bayessynth as bs
    >>> import numpy as np, pandas as pd
    >>> domain = bs.Domain({name: bs.Levels(0, 1) for name in "ab"}, source="codebook")
    >>> table = pd.DataFrame({"a": np.tile([0, 1], 1000), "b": np.repeat([0, 1], 1000)})
    >>> fitted = fit_chosen(table, bs.DP(1, 1e-5, domain=domain), Settings(500, 500, 2), 1, 100)
    >>> fitted.spec.columns, fitted.cells.copies
    (('a', 'b'), 100)
    """
    domain = privacy.known()
    _check_grids(domain)
    release = privacy.start()
    noisy = measure(release, read_table(data), tuple(domain), rho=release.ledger.left * _ALL)
    spec, test = _written(noisy, domain), release.noise.test
    found = Routes((), {clique: () for tables in noisy for clique in tables.cliques})
    released = Released((), noisy, found, domain, release.unit, (release.ledger,), test, versions(test))
    bound = with_cells(bind_public(spec, domain), Routes((), {tuple(domain): spec.columns}))
    return drawn_fit(Ready(bound, found, bounds_of(domain)), released, settings, entropy, copies)


def _check_grids(domain: Domain) -> None:
    without = [name for name, declared in domain.items() if isinstance(declared, Bounds) and not declared.cuts]
    if without:
        raise PrivacyError(
            f"Column{'s' if len(without) > 1 else ''} {', '.join(map(repr, without))}: tables of counts need a grid, "
            "bs.Bounds(…, grid=10) or points from a public source. Nothing was spent."
        )


def _written(noisy: tuple[Any, ...], domain: Domain) -> Spec:
    """Write the spec that draws records along the junction tree."""
    layout = sums_of(noisy).layout
    tree = junction_tree(layout.cliques, layout.sizes)
    equations, known = [], set[int]()
    for place, clique in enumerate(tree.cliques):
        before = list(tree.shared(place))
        for column in [i for i in clique if i not in known]:
            reads = " + ".join(quote(layout.columns[i]) for i in before) or "1"
            equations.append(Equation(f"{quote(layout.columns[column])} ~ {reads}"))
            before.append(column)
            known.add(column)
    return Spec(*equations)
