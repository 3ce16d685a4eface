"""Parameters and missing cells in turn, and whether several such chains have come to rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from bayessynth.design import Component, safe
from bayessynth.errors import FitError
from bayessynth.imputation.conditional import Values
from bayessynth.imputation.gaps import Arrays, Gaps
from bayessynth.imputation.redraw import redraw
from bayessynth.imputation.shift import shifted
from bayessynth.imputation.start import start
from bayessynth.schema.column import CODES

# Sweeps of which the later half, split in two, has a variance in each part.
_FEWEST = 8


class DrawParameters(Protocol):
    """Draws an equation's parameters given completed data."""

    def __call__(self, component: Component, previous: Values | None, rng: np.random.Generator) -> Values:
        """Return draws of every variable by its name in the posterior, effects of groups included.

        Parameters
        ----------
        component : Component
            At the start of a chain of complete rows, later of all rows of the equation.
        previous : mapping of str to ndarray or None
            The draw before; None at the start of a chain.
        rng : Generator

        Returns
        -------
        mapping of str to ndarray of shape (draws, …)
            Independent draws from the posterior, or steps from the previous draw that leave it as it is; any number,
            the same each time. The missing cells are redrawn given the last.
        """


@dataclass(frozen=True)
class Chain:
    """A chain of parameters and missing cells.

    Attributes
    ----------
    arrays : mapping of str to ndarray
        Completed columns after the last sweep.
    values : tuple of mapping
        For every sweep, draws of each joined equation's parameters by response; each of shape (draws, …).
    moments : mapping of str to ndarray of shape (sweeps,)
        Of the drawn cells: mean and standard deviation of numbers, share of each level.
    """

    arrays: Arrays
    values: tuple[Mapping[str, Values], ...]
    moments: Mapping[str, np.ndarray]

    def draws(self, column: str, since: int = 0) -> dict[str, np.ndarray]:
        """Return an equation's draws of the sweeps from ``since`` on, one sweep after the other.

        They are draws from the posterior given what is observed: missing cells are integrated out.
        """
        kept = [sweep[column] for sweep in self.values[since:]]
        return {name: np.concatenate([own[name] for own in kept]) for name in kept[0]}


def chain(
    gaps: Gaps, draw_parameters: DrawParameters, sweeps: int, seed: np.random.SeedSequence, begun: Chain | None = None
) -> Chain:
    """Draw parameters given completed data and missing cells given parameters, in turn (Tanner & Wong 1987).

    Parameters
    ----------
    gaps : Gaps
    draw_parameters : callable
        See :class:`DrawParameters`.
    sweeps : int
    seed : SeedSequence
        Each sweep has its own stream below it: a chain that is gone on with has the same bytes as one made at once.
    begun : Chain, optional
        A chain to go on with. A new one starts from a hot deck and from parameters drawn given complete rows only.

    Returns
    -------
    Chain
        Sweeps of the chain before included.

    Examples
    --------
    >>> import warnings
    >>> import pandas as pd
    >>> import bayessynth as bs
    >>> from bayessynth.design import bind
    >>> from bayessynth.imputation import gaps
    >>> table = pd.DataFrame({"x": [-1.5, None, 2.25, 3.5], "y": [-0.5, 2.5, 3.75, 5.25]})
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     bound, data = bind(bs.Spec("x ~ 1", "y ~ x"), table, missing="drop")
    >>> known = {"x": {"x_Intercept": np.array([2.0]), "x_sigma": np.array([1.0])},
    ...          "y": {"y_Intercept": np.array([1.0]), "y_x": np.array([1.0]), "y_sigma": np.array([0.1])}}
    >>> made = chain(gaps(bound, data), lambda component, *_: known[component.equation.response], 50,
    ...              np.random.SeedSequence(1))
    >>> made.moments["x mean"][10:].mean().round(1).item()  # the one missing cell
    1.5
    """
    done = len(begun.values) if begun else 0
    arrays = begun.arrays if begun else start(gaps, _stream(seed, 0))
    values = list(begun.values) if begun else []
    made = []
    for sweep in range(done + 1, done + sweeps + 1):
        rng = _stream(seed, sweep)
        values.append(_parameters(gaps, draw_parameters, arrays, _last(values[-1]) if values else None, rng))
        last = _last(values[-1])
        arrays, moved = shifted(gaps, last, redraw(gaps, last, arrays, rng), rng)
        values[-1] = _ending(values[-1], last, moved)
        made.append(_moments(gaps, arrays))
    moments = {name: np.array([m[name] for m in made]) for name in (made[0] if made else {})}
    if begun:
        moments = {name: np.concatenate([begun.moments[name], own]) for name, own in moments.items()}
    return Chain(arrays, tuple(values), moments)


def _stream(seed: np.random.SeedSequence, sweep: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, sweep)))


def _last(values: Mapping[str, Values]) -> dict[str, Values]:
    return {column: {name: draws[-1] for name, draws in own.items()} for column, own in values.items()}


def _ending(values: Mapping[str, Values], last: Mapping[str, Values], moved: Mapping[str, Values]) -> dict[str, Values]:
    """Return draws of which the last has moved."""
    return {
        c: {name: d if moved[c][name] is last[c][name] else np.concatenate([d[:-1], moved[c][name][None]])
            for name, d in own.items()}
        for c, own in values.items()
    }  # fmt: skip


def _parameters(
    gaps: Gaps, draw_parameters: DrawParameters, arrays: Arrays, previous: Mapping[str, Values] | None,
    rng: np.random.Generator,
) -> dict[str, Values]:  # fmt: skip
    if previous is None:
        # A hot deck hides how columns hang together; complete rows show it from the first sweep.
        return {c: draw_parameters(gaps.component(c, arrays, gaps.complete[c]), None, rng) for c in gaps.sampled}
    return {c: draw_parameters(gaps.component(c, arrays), previous[c], rng) for c in gaps.sampled}


def _moments(gaps: Gaps, arrays: Arrays) -> dict[str, float]:
    found: dict[str, float] = {}
    for gap in gaps.gaps:
        column, values = gaps.bound.schema[gap.column], arrays[gap.column][gap.at]
        if column.kind in CODES:
            shares = np.bincount(values, minlength=len(column.levels)) / len(values)
            found |= {f"{gap.column}[{level}]": share for level, share in zip(column.levels, shares, strict=True)}
        else:
            found |= {f"{gap.column} mean": float(values.mean()), f"{gap.column} sd": float(values.std())}
    return found


def r_hat(gaps: Gaps, chains: Sequence[Chain]) -> dict[str, float]:
    """Return split R-hat over the later half of all chains' sweeps (Gelman et al., Bayesian Data Analysis, 11.4).

    Of the moments of drawn cells, and of the last draw a sweep of every parameter but the effects of groups. Near 1 the
    chains agree with each other and with themselves. With few sweeps it is above 1 by chance as well: of forty, values
    up to about 1.1 say nothing.

    Parameters
    ----------
    gaps : Gaps
    chains : sequence of Chain
        Equally long.

    Returns
    -------
    dict of str to float
        By name of a parameter or moment; what does not vary is left out.

    Raises
    ------
    FitError
        If the chains have too few sweeps.
    """
    sweeps = len(chains[0].values)
    if sweeps < _FEWEST:
        raise FitError(f"Whether chains have come to rest shows from {_FEWEST} sweeps on; there are {sweeps}.")
    since = sweeps // 2
    traces: dict[str, np.ndarray] = {
        name: np.stack([c.moments[name][since:] for c in chains]) for name in chains[0].moments
    }
    for column in gaps.sampled:
        for key in gaps.bound[column].priors:
            name = safe(f"{column}_{key}")
            draws = np.stack([[np.ravel(sweep[column][name][-1]) for sweep in c.values[since:]] for c in chains])
            single = draws.shape[-1] == 1
            traces |= {name if single else f"{name}[{i}]": draws[..., i] for i in range(draws.shape[-1])}
    return {name: _split(trace) for name, trace in traces.items() if np.ptp(trace) > 0}


def _split(trace: np.ndarray) -> float:
    """Return split R-hat of a trace of shape (chains, sweeps)."""
    n = trace.shape[1] // 2
    parts = np.concatenate([trace[:, :n], trace[:, -n:]])
    within, between = parts.var(axis=1, ddof=1).mean(), parts.mean(axis=1).var(ddof=1)
    return float(np.sqrt((n - 1) / n + between / within)) if within > 0 else np.inf
