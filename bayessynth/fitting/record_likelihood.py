"""Log likelihood of any records under draws of a fit, record by record: NumPy only, no PyMC model is built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import logsumexp

from bayessynth import families
from bayessynth.design import BoundEquation, Effects, Frame, dim, frame_of, new_effects, observed_effects, parameters
from bayessynth.design.autoregression import alone
from bayessynth.errors import FitError
from bayessynth.schema.column import CODES, plain

if TYPE_CHECKING:
    from bayessynth.fitting.fitted import Fitted

# Effects of a new group over which the likelihood of a record is averaged.
REPETITIONS = 32


@dataclass(frozen=True)
class Rows:
    """Records encoded for a fit.

    Attributes
    ----------
    arrays : mapping of str to ndarray
        Encoded columns, as ``Schema.encode`` makes them; missing cells NaN or -1.
    index : mapping of str to ndarray of int
        Group of every row by factor, as a position in the posterior; -1 for a group that the fit has no effects of.
    foreign : ndarray of bool, shape (n,)
        Rows with a level that the schema does not know; they have no likelihood.
    n : int
    """

    arrays: Mapping[str, np.ndarray]
    index: Mapping[str, np.ndarray]
    foreign: np.ndarray
    n: int


def row_equations(fitted: Fitted) -> tuple[BoundEquation, ...]:
    """Return the equations that say something of a single row: at its level, with parameters.

    A column of a group is shared by the group's other rows, so a row by itself adds nothing to it.
    """
    return tuple(e for e in fitted.bound.equations if e.level == "row" and families.get(e.family).parameters)


def encode_rows(fitted: Fitted, frame: pd.DataFrame) -> Rows:
    """Encode records with the schema of a fit.

    Parameters
    ----------
    fitted : Fitted
    frame : DataFrame
        Any records with the columns of the fit.

    Returns
    -------
    Rows
    """
    schema = fitted.schema
    grouping = {c for columns in fitted.bound.plan.columns.values() for c in columns}
    used = [c for c in schema if c not in grouping and schema[c].kind != "identifier"]
    foreign = np.zeros(len(frame), dtype=bool)
    cleaned = {}
    for column in used:
        series = frame[column]
        if schema[column].kind in CODES:
            values = series.astype(object)
            known = values.isna() | values.map(plain, na_action="ignore").isin(list(schema[column].levels))
            foreign |= ~known.to_numpy(dtype=bool)
            series = values.where(known, None)
        cleaned[column] = series
    encoded = schema.encode(pd.DataFrame(cleaned, index=frame.index), columns=used, missing="keep")
    posterior = fitted.idata["posterior"].to_dataset()
    index = {
        factor: _positions(frame, columns, posterior.coords.get(dim(factor)))
        for factor, columns in fitted.bound.plan.columns.items()
    }
    return Rows(encoded.arrays, index, foreign, len(frame))


def record_log_likelihood(
    fitted: Fitted,
    rows: Rows,
    draws: Sequence[tuple[int, int]],
    *,
    groups: str = "observed",
    equations: Sequence[BoundEquation] | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Return log p(record | θ) of every record under each of some draws, summed over equations.

    Parameters
    ----------
    fitted : Fitted
    rows : Rows
    draws : sequence of tuple of int
        Chain and position in it.
    groups : {"observed", "new"}
        Whether a record in a group of the original has that group's effects, or its likelihood is averaged over the
        effects of a new group. Records in other groups are always averaged.
    equations : sequence of BoundEquation, optional
        All of :func:`row_equations` by default.
    seed : int
        Of the effects of new groups, the same standard normal numbers for all draws and records, so that
        differences between draws carry little noise.

    Returns
    -------
    ndarray of shape (draws, n)
        An equation with a missing cell of the record adds nothing; a value outside a family's support gives -inf; a
        record with a level that the fit does not know has NaN.

    Raises
    ------
    FitError
        If effects of observed groups are needed and the fit has let them go, or equations share effects of groups that
        are none of the observed.

    Examples
    --------
    >>> import bayessynth as bs
    >>> import xarray as xr
    >>> from bayessynth.design import bind
    >>> table = pd.DataFrame({"x": [-1.5, 2.5, 4.0]})
    >>> bound, _ = bind(bs.Spec(bs.Equation("x ~ 1", family="normal")), table)
    >>> draws = {"x_Intercept": (("chain", "draw"), [[0.0, 1.0]]), "x_sigma": (("chain", "draw"), [[1.0, 1.0]])}
    >>> fitted = bs.Fitted(bound, xr.DataTree.from_dict({"posterior": xr.Dataset(draws)}), None, {})
    >>> record_log_likelihood(fitted, encode_rows(fitted, table), [(0, 0), (0, 1)]).round(3)[:, 0].tolist()
    [-2.044, -4.044]
    """
    posterior = {str(k): v.values for k, v in fitted.idata["posterior"].to_dataset().data_vars.items()}
    chosen = row_equations(fitted) if equations is None else equations
    total = np.zeros((len(draws), rows.n))
    for equation in chosen:
        own = {name: posterior[name] for name in equation.variables if name in posterior}
        index = {f: np.full(rows.n, -1) if groups == "new" else rows.index[f] for f in equation.factors}
        if any((codes >= 0).any() for codes in index.values()):
            _check_kept(equation, own)
        if fitted.bound.joins(equation.response) and any((codes < 0).any() for codes in index.values()):
            raise FitError(
                f"The equation for {equation.response!r} shares group effects with others: the likelihood of a record "
                "in a new group is no product over equations. Use groups='observed' with records of observed groups."
            )
        total += _over_draws(fitted, rows, equation, own, index, draws, seed)
    total[:, rows.foreign] = np.nan
    return total


@dataclass(frozen=True)
class _Part:
    """Complete rows of one equation."""

    y: np.ndarray
    frame: Frame
    index: Mapping[str, np.ndarray]


def _over_draws(
    fitted: Fitted, rows: Rows, equation: BoundEquation, own: Mapping[str, np.ndarray], index: Mapping[str, np.ndarray],
    draws: Sequence[tuple[int, int]], seed: int,
) -> np.ndarray:  # fmt: skip
    """Return one equation's log likelihood, 0 where a cell is missing."""
    found = np.zeros((len(draws), rows.n))
    complete = np.flatnonzero(_complete(equation, rows))
    seen = np.full(len(complete), True)
    for codes in index.values():
        seen &= codes[complete] >= 0
    whole = _part(fitted, rows, complete[seen], equation, index)
    # Each of the other rows stands once for every new group.
    repeated = _part(fitted, rows, np.repeat(complete[~seen], REPETITIONS), equation, index)
    for s, (chain, draw) in enumerate(draws):
        values = {name: v[chain, draw] for name, v in own.items()}
        if seen.any():
            found[s, complete[seen]] = _at(equation, whole, values, None)
        if not seen.all():
            each = _at(equation, repeated, values, np.random.default_rng(seed)).reshape(-1, REPETITIONS)
            found[s, complete[~seen]] = logsumexp(each, axis=1) - np.log(REPETITIONS)
    return found


def _part(
    fitted: Fitted, rows: Rows, kept: np.ndarray, equation: BoundEquation, index: Mapping[str, np.ndarray]
) -> _Part:
    arrays = {name: values[kept] for name, values in rows.arrays.items()}
    return _Part(
        arrays[equation.column], frame_of(fitted.schema, arrays), {f: codes[kept] for f, codes in index.items()}
    )  # fmt: skip


def _complete(equation: BoundEquation, rows: Rows) -> np.ndarray:
    """Tell which rows have all cells that an equation reads."""
    read = [t.term.columns for p in equation.predictors.values() for t in p.terms]
    read += [t.term.columns for p in equation.predictors.values() for g in p.groups for t in g.terms]
    read += [p.offset_columns for p in equation.predictors.values()]
    names = dict.fromkeys([equation.column, *(c for columns in read for c in columns)])
    names |= dict.fromkeys(equation.cause.declares if equation.cause else ())
    names |= dict.fromkeys(equation.beside_columns)
    complete = ~rows.foreign
    for name in names:
        values = rows.arrays[name]
        complete = complete & (~np.isnan(values) if values.dtype.kind == "f" else values >= 0)
    return complete


def _at(
    equation: BoundEquation, part: _Part, values: Mapping[str, np.ndarray], rng: np.random.Generator | None
) -> np.ndarray:
    """Return the log likelihood of every row at one draw, where there is ``rng`` under effects of new groups."""
    known: dict[tuple[str, int], np.ndarray] = {}
    if any((codes >= 0).any() for codes in part.index.values()):
        known = observed_effects(equation, values)
    effects, index = known, part.index
    if rng is not None:
        drawn = new_effects(equation, values, dict.fromkeys(equation.factors, REPETITIONS), rng)
        effects = {key: np.concatenate([known[key], new]) if known else new for key, new in drawn.items()}
        first = {f: len(known[key]) if known else 0 for key in drawn for f in [_factor(equation, key)]}
        turn = np.tile(np.arange(REPETITIONS), len(part.y) // REPETITIONS)
        index = {f: np.where(codes >= 0, codes, first[f] + turn) for f, codes in part.index.items()}
    with np.errstate(all="ignore"):
        given = parameters(equation, part.frame, len(part.y), values, Effects(effects, index))
        given = alone(equation, given, values) if equation.ar else given
        return families.get(equation.family).logp(part.y, **given)


def _factor(equation: BoundEquation, key: tuple[str, int]) -> str:
    parameter, position = key
    return equation.predictors[parameter].groups[position].factor


def _check_kept(equation: BoundEquation, values: Mapping[str, np.ndarray]) -> None:
    if any(name not in values for name in equation.variables):
        raise FitError(
            f"The effects of the observed groups ({', '.join(equation.factors)}) are not in this fit: they are saved "
            "only with keep_groups=True."
        )


def _label(value: Any) -> Any:
    """Return a group's label as the posterior has it: missing cells make integers floats."""
    value = plain(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _positions(frame: pd.DataFrame, columns: Sequence[str], labels: Any) -> np.ndarray:
    """Return the position of every row's group among the posterior's labels, -1 if it is not there."""
    n = len(frame)
    if labels is None or any(c not in frame for c in columns):
        return np.full(n, -1)
    cells = [[_label(v) for v in frame[c].astype(object)] for c in columns]
    known = {label: i for i, label in enumerate(labels.values.tolist())}
    whole = labels.values.dtype.kind in "iu"
    names = cells[0] if whole else [":".join(map(str, parts)) for parts in zip(*cells, strict=True)]
    return np.array([known.get(name, -1) if isinstance(name, int | str) else -1 for name in names])
