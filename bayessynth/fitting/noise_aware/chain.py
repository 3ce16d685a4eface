"""Equations that share one release, laid out as one vector of parameters and the tables of its kernel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from bayessynth.design import Bound, BoundEquation, Predictor
from bayessynth.fitting.kernels.noisy_moments import Tables
from bayessynth.fitting.kernels.priors import Elements
from bayessynth.fitting.noise_aware.units import BINARY, Bounds, Column, Line, columns_of, line, refused
from bayessynth.fitting.parameters import AUTOREGRESSIVE, Parameters, layout, raw_name, sd_rows, slope_rows, unserved
from bayessynth.privacy import NoisyMoments

# Beyond this many cells of binary columns the moments of each row's mixture take too long.
MOST_CELLS = 1024


@dataclass(frozen=True)
class Part:
    """One equation of a chain.

    Attributes
    ----------
    column : Column
    lines : tuple of Line
        Of its common terms.
    parameters : Parameters
        Its own vector.
    own, raw : slice
        Where the numbers with a prior and the standardised group effects of that vector stand in the chain's.
    """

    column: Column
    lines: tuple[Line, ...]
    parameters: Parameters
    own: slice
    raw: slice

    @property
    def equation(self) -> BoundEquation:
        """The equation."""
        return self.column.equation

    @property
    def predictor(self) -> Predictor:
        """Its linear predictor."""
        (predictor,) = self.equation.predictors.values()
        return predictor


@dataclass(frozen=True)
class Chain:
    """Equations of one release.

    Attributes
    ----------
    parts : tuple of Part
        Binary columns first, each after those that it depends on.
    factor : str or None
        The grouping factor.
    labels : tuple of str
        Labels of its groups.
    elements : Elements
        All priors.
    tables : Tables
    size : int
        Number of parameters.
    """

    parts: tuple[Part, ...]
    factor: str | None
    labels: tuple[str, ...]
    elements: Elements
    tables: Tables
    size: int

    def constrain(self, theta: np.ndarray) -> np.ndarray:
        """Return the values of the numbers with a prior at points (S, size), shape (S, d)."""
        x, over = self.elements.constrain(theta[:, : len(self.elements)]), self.tables.over
        return np.where(over >= 0, x / x[:, over], x)


def chain(bound: Bound, released: NoisyMoments, bounds: Bounds) -> Chain:
    """Lay out the equations of a release's columns; other equations of the spec are left to other releases.

    Parameters
    ----------
    bound : Bound
        The spec, bound to what is public (a schema with bounds and levels): means and default priors that were taken
        from the records themselves would tell of them outside the release.
    released : NoisyMoments
    bounds : mapping of str to tuple of float
        Public bounds of the numbers.

    Raises
    ------
    FitError
        If an equation has no noise-aware posterior, naming it and the reason.

    Examples
    --------
    >>> import bayessynth as bs
    >>> from bayessynth.design import bind
    >>> schema = bs.Schema(y=bs.Continuous(bounds=(0, 10)))
    >>> bound, _ = bind(bs.Spec("y ~ 1"), schema.example(100, np.random.default_rng(1)), schema)
    >>> sums = np.array([[100.0, 10.0, 20.0]])
    >>> released = NoisyMoments(("y",), (False,), ((0, 0), (0, 1), (1, 1)), sums, 25.0 * np.eye(3), None, ())
    >>> chain(bound, released, {"y": (0, 10)}).size  # intercept, standard deviation, number of rows
    3
    """
    columns = columns_of(bound, released, bounds)
    cells = 2 ** sum(c.binary for c in columns)
    if cells > MOST_CELLS:
        raise refused(columns[0].name, f"{cells} combinations of 0/1 columns are more than {MOST_CELLS}")
    factor = _factor(columns, released)
    for column in columns:
        _check(column)
    lines = [tuple(line(bound, columns, c.name, t) for t in _predictor(c).terms) for c in columns]
    for column, own in zip(columns, lines, strict=True):
        wrong = next((columns[i.column - 1] for i in own if not columns[i.column - 1].binary), None)
        if column.binary and wrong is not None:
            raise refused(column.name, f"a 0/1 column that depends on the number {wrong.name!r} has no moments in "
                          f"closed form; turn the arrow round, as in '{wrong.name} ~ {column.name}'")  # fmt: skip
    groups = len(released.total)
    layouts = [layout(c.equation, {factor: groups} if factor else {}) for c in columns]
    singles = np.cumsum([0, *(len(p.elements) for p in layouts)])
    raws = singles[-1] + np.cumsum([0, *(p.size - len(p.elements) for p in layouts)])
    parts = tuple(
        Part(column, own, p, slice(int(singles[i]), int(singles[i + 1])), slice(int(raws[i]), int(raws[i + 1])))
        for i, (column, own, p) in enumerate(zip(columns, lines, layouts, strict=True))
    )
    elements = _joined([p.elements for p in layouts])
    public = len(released.total) == 1 and released.n is not None
    tables = _tables(bound, columns, parts, elements, released, public)
    size = int(raws[-1]) + (0 if public else groups)
    return Chain(parts, factor, released.groups, elements, tables, size)


def _predictor(column: Column) -> Predictor:
    (predictor,) = column.equation.predictors.values()
    return predictor


def _factor(columns: Sequence[Column], released: NoisyMoments) -> str | None:
    """Return the factor by whose groups moments were released."""
    factors = dict.fromkeys((f, c.name) for c in columns for f in c.equation.factors)
    names = list(dict.fromkeys(f for f, _ in factors))
    if len(names) > 1:
        raise refused(list(factors)[1][1], f"it has effects of {names[1]!r} beside those of {names[0]!r}, and moments "
                      "are released by the groups of one factor")  # fmt: skip
    if names and not released.groups:
        raise refused(next(iter(factors))[1], f"it has effects of {names[0]!r}, but moments were not released by group")
    return names[0] if names else None


def _check(column: Column) -> None:
    """Raise if the form of an equation does not serve."""
    equation, name = column.equation, column.name
    modelled = list(equation.predictors)
    link = "logit" if equation.family == BINARY else "identity"
    if len(modelled) > 1:
        raise refused(name, f"{modelled[1]!r} has a formula of its own; leave it out")
    if equation.links[modelled[0]] != link:
        raise refused(name, f"the link of {modelled[0]!r} is {equation.links[modelled[0]]!r}; use {link!r}")
    if equation.level != "row":
        raise refused(name, f"its column has one value a group of {equation.level!r}; moments are of rows")
    if _predictor(column).offsets:
        raise refused(name, "it has an offset; make it a term with a narrow prior around 1")
    for group in _predictor(column).groups:
        if group.correlated:
            raise refused(name, f"the effects of {group.factor!r} are correlated; write '||' instead of '|'")
    reason = AUTOREGRESSIVE if equation.ar else unserved(equation)
    if reason:
        raise refused(name, reason)


def _joined(found: Sequence[Elements]) -> Elements:
    return Elements(
        np.concatenate([e.code for e in found]), np.concatenate([e.arguments for e in found]),
        np.concatenate([e.transform for e in found]), np.concatenate([e.bounds for e in found]),
    )  # fmt: skip


def _tables(
    bound: Bound, columns: Sequence[Column], parts: Sequence[Part], elements: Elements, released: NoisyMoments,
    public: bool,
) -> Tables:  # fmt: skip
    # A predictor of a binary column is on the logit scale already, of its second level.
    scale = [2.0 * c.half if c.binary else 1.0 / c.half for c in columns]
    common, effects = [], []
    for row, part in enumerate(parts, start=1):
        common += _common(part, row, scale[row - 1])
        effects += _effects(bound, columns, part, row, scale[row - 1])
    constants = [0.0, *(0.0 if c.binary else -c.middle * s for c, s in zip(columns, scale, strict=True))]
    spreads = [-1, *(-1 if p.column.binary else p.own.start + p.parameters.blocks["sigma"].rows.start for p in parts)]
    cells = np.array(list(product((-1.0, 1.0), repeat=sum(c.binary for c in columns))))
    # Where the number of rows is public there is no noise in it to weigh.
    kept = [i for i, pair in enumerate(released.pairs) if not (public and pair == (0, 0))]
    place = {0: 0} | {c.place: i for i, c in enumerate(columns, start=1)}
    pairs = [[place[side] for side in released.pairs[i]] for i in kept]
    return Tables(
        elements.code, elements.arguments, elements.transform, elements.bounds, _over(parts, elements),
        np.array(constants),
        *_split(common, 3), *_split(effects, 5), np.array(spreads, dtype=np.int64), np.array([0.0, *scale]), cells,
        np.array(pairs, dtype=np.int64), np.ascontiguousarray(released.total[:, kept], dtype=float),
        np.ascontiguousarray(released.covariance[np.ix_(kept, kept)], dtype=float),
        np.array([float(released.n)] if public and released.n else []),
        np.array([parts[0].raw.start, parts[-1].raw.stop], dtype=np.int64),
    )  # fmt: skip


def _over(parts: Sequence[Part], elements: Elements) -> np.ndarray:
    """Return, for coefficients of normal columns, the place of that column's standard deviation; -1 for all else."""
    over = np.full(len(elements), -1, dtype=np.int64)
    for part in parts:
        first = part.own.start + slope_rows(part.parameters, part.predictor).start
        for at, own in enumerate(part.lines, start=first):
            on = parts[own.column - 1]
            if not on.column.binary and elements.transform[at] == 0:
                over[at] = on.own.start + on.parameters.blocks["sigma"].rows.start
    return over


def _split(rows: list[tuple[list[int], list[float]]], width: int) -> tuple[np.ndarray, np.ndarray]:
    places = np.array([p for p, _ in rows], dtype=np.int64).reshape(-1, width)
    return places, np.array([w for _, w in rows], dtype=float).reshape(-1, 2)


def _common(part: Part, row: int, scale: float) -> list[tuple[list[int], list[float]]]:
    """Return what each coefficient adds to the predictor of the unit column."""
    found = []
    intercept = part.parameters.blocks.get("Intercept")
    if intercept is not None:
        found.append(([part.own.start + intercept.rows.start, row, 0], [scale, 0.0]))
    first = part.own.start + slope_rows(part.parameters, part.predictor).start
    # The intercept is that at the means of the terms' columns.
    means = part.predictor.means if part.predictor.centred else np.zeros(len(part.lines))
    for i, (own, mean) in enumerate(zip(part.lines, means, strict=True)):
        found.append(([first + i, row, own.column], [scale * own.half, scale * (own.middle - mean)]))
    return found


def _effects(
    bound: Bound, columns: Sequence[Column], part: Part, row: int, scale: float
) -> list[tuple[list[int], list[float]]]:
    found = []
    for group in part.predictor.groups:
        sd = part.own.start + sd_rows(part.parameters, "", group).start
        raw = part.raw.start + part.parameters.blocks[raw_name("", group)].rows.start - len(part.parameters.elements)
        q = len(group.effects)
        lines = [line(bound, columns, part.column.name, t) for t in group.terms]
        weights = [(0, [scale, 0.0])] if group.intercept else []
        weights += [(own.column, [scale * own.half, scale * own.middle]) for own in lines]
        found += [([sd + e, raw + e, q, row, at], pair) for e, (at, pair) in enumerate(weights)]
    return found
