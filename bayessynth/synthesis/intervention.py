"""Interventions: columns that are set from outside, whatever their equations say (Pearl's do).

The equation of a set column is cut, what stands after it is drawn given it, and what stands before it knows nothing of
it: no weights. That is the truncated factorisation of Pearl (2009), equation 3.10, of which a spec's order of
equations is the graph.

References
----------
Pearl J (2009). Causality: Models, Reasoning, and Inference. 2nd edition. Cambridge University Press.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from bayessynth.design import Bound
from bayessynth.errors import SynthesisError, suggest
from bayessynth.rules import determined
from bayessynth.schema import Column
from bayessynth.schema.column import NUMBERS
from bayessynth.synthesis.conditional import Given, check_rules
from bayessynth.synthesis.evidence import tied
from bayessynth.synthesis.groups import Groups
from bayessynth.synthesis.where import code_of, number_of

Do = Mapping[str, Any]

_EXAMPLE = "do={'treat': 1}"


def intervened(bound: Bound, given: Given, do: Do | None, k: int, frame: pd.DataFrame | None = None) -> Given:
    """Add to what is given the columns that are set from outside.

    Parameters
    ----------
    bound : Bound
    given : Given
    do : mapping of str to object, optional
        By column: one value for all rows, or groups; or an array, Series or list of one value a row.
    k : int
        Rows of a copy.
    frame : DataFrame, optional
        The columns given beside, as they were handed in.

    Returns
    -------
    Given
        With ``cut``: encoded values, one or k of them.

    Raises
    ------
    SynthesisError
        If a column cannot be set, a value is none that it can have or breaks a rule, or the number of values is not k.

    Examples
    --------
    >>> import bayessynth as bs
    >>> from bayessynth.design import bind
    >>> table = pd.DataFrame({"treat": ["no", "yes", "no"], "y": [1.5, 2.25, 4.0]})
    >>> bound, _ = bind(bs.Spec("treat ~ 1", "y ~ treat"), table)
    >>> intervened(bound, Given(), {"treat": "yes"}, 3).cut["treat"].tolist()
    [1]
    """
    if do is None:
        return given
    if not (isinstance(do, Mapping) and do):
        raise SynthesisError(f"do= maps columns to what they are set to, such as {_EXAMPLE}.")
    for column in do:
        _check_column(bound, given, column)
    cut = {column: _encoded(bound, given, column, value, k) for column, value in do.items()}
    _check_ties(bound, given, cut)
    _check_against_rules(bound, cut, do, k, frame)
    return replace(given, cut=cut)


def set_columns(given: Given, bound: Bound, groups: Groups) -> Given:
    """Return what is given with the set columns at their own levels: one value a row, or a group.

    Parameters
    ----------
    given : Given
    bound : Bound
    groups : Groups
        Of the copy.

    Examples
    --------
    >>> set_columns(Given(), None, None).rows
    {}
    """
    if not given.cut:
        return given
    sizes = {c: groups.k if bound.levels[c] == "row" else groups.count(bound.levels[c]) for c in given.cut}
    whole = {c: np.broadcast_to(v, sizes[c]) if len(v) == 1 else v for c, v in given.cut.items()}
    rows = {c: v for c, v in whole.items() if bound.levels[c] == "row"}
    upper = {c: v for c, v in whole.items() if c not in rows}
    return replace(given, rows={**given.rows, **rows}, upper={**given.upper, **upper})


def _check_column(bound: Bound, given: Given, column: str) -> None:
    if column not in bound.schema:
        raise SynthesisError(f"do= has column {column!r}, which the fit does not.{suggest(str(column), bound.schema)}")
    rule = determined(bound.rules).get(column)
    if rule is not None:
        inputs = [c for c in rule.columns if c != column]
        raise SynthesisError(
            f"do= sets {column!r}, which {rule!r} computes: it cannot differ from what it is computed of. Set "
            f"{' or '.join(map(repr, inputs)) or 'another column'} instead, or fit without the rule."
        )
    if bound.sequence is not None and column == bound.sequence.time:
        raise SynthesisError(
            f"do= sets {column!r}, the time that orders the rows of each {bound.sequence.unit!r}: give units and times "
            "by given= instead."
        )
    name = bound.sequence.column if bound.sequence else str
    if column not in {name(e.response) for e in bound.equations}:
        kept = " It is the original's own (rest='keep')." if column in bound.kept else ""
        raise SynthesisError(f"do= sets {column!r}, which has no equation that could be cut.{kept}")
    if column in given.rows or column in given.upper or column in given.within:
        raise SynthesisError(
            f"Column {column!r} stands in do= and in given=, where= or shares=; leave it in one: do= sets it from "
            "outside, the others condition on it."
        )


def _encoded(bound: Bound, given: Given, column: str, value: Any, k: int) -> np.ndarray:
    """Return encoded values of a column, one for all or k of them, after a look at whether it can hold them."""
    own = bound.schema[column]
    several = isinstance(value, np.ndarray | pd.Series | pd.Index | pd.api.extensions.ExtensionArray | list | tuple)
    if not several:
        code = np.array([_one(own, value)])
        _check_exact(bound, column, code, value)
        return code
    if bound.sequence is not None:
        raise SynthesisError(
            f"do= sets {column!r} to {len(value)} values, but in sequences how many rows a unit has is drawn: set it "
            "to one value."
        )
    if bound.levels[column] != "row" or given.n_top:
        raise SynthesisError(
            f"do= sets {column!r} to {len(value)} values, but "
            + (f"it has one value a {bound.levels[column]!r}" if bound.levels[column] != "row"
               else "given= leaves the number of rows open")
            + ": copies differ in how many there are, so set it to one value."
        )  # fmt: skip
    if len(value) != k:
        raise SynthesisError(f"do= sets {column!r} to {len(value)} values for {k} rows: give one, or one a row.")
    frame = pd.DataFrame({column: pd.Series(value).reset_index(drop=True)})
    schema = bound.schema.subset([column])
    schema.validate(frame)
    encoded = schema.encode(frame, columns=[column], missing="keep")
    missing = encoded.missing(column)
    if missing.any():
        raise SynthesisError(
            f"do= sets {column!r} to nothing in {int(missing.sum())} of {k} rows, the first is row "
            f"{int(np.flatnonzero(missing)[0])}: an intervention has a value everywhere."
        )
    return np.asarray(encoded[column])


def _one(column: Column, value: Any) -> float | int:
    """Return one value encoded, a level named by itself or by its text."""
    if value is None or (np.isscalar(value) and pd.isna(value)):
        raise SynthesisError(f"do= sets {column.name!r} to nothing: an intervention has a value everywhere.")
    if column.levels:
        return code_of(column, value, "do")
    if column.kind not in NUMBERS:
        raise SynthesisError(f"do= sets {column.name!r} of kind {column.kind!r}, which has neither levels nor numbers.")
    return number_of(column, value, "do")


def _check_exact(bound: Bound, column: str, code: np.ndarray, value: Any) -> None:
    """Refuse a value that a cell of the column cannot hold: out of bounds, or between its decimals."""
    schema = bound.schema.subset([column])
    cells = schema.decode({column: code})
    try:
        schema.validate(cells)
        back = schema.encode(cells, columns=[column], missing="keep")[column]
    except SynthesisError:
        raise
    except Exception as error:
        raise SynthesisError(f"do= sets {column!r} to {value!r}, which it cannot be: {error}") from error
    if not np.allclose(back.astype(float), code.astype(float), rtol=1e-12, atol=1e-12):
        raise SynthesisError(
            f"do= sets {column!r} to {value!r}, which its cells cannot hold: the nearest is {cells[column].iloc[0]!r}."
        )


def _check_ties(bound: Bound, given: Given, cut: Mapping[str, np.ndarray]) -> None:
    """Refuse to set a column that a rule ties to one before it that is drawn, and so may contradict it."""
    for column in cut:
        stands = cut.keys() | ((given.rows.keys() | given.upper.keys()) - given.cells.keys())
        before = [c for c in tied(bound, column) if c not in stands]
        if before:
            rule = next(r for r in bound.rules if {column, before[0]} <= set(r.columns))
            raise SynthesisError(
                f"do= sets {column!r}, which {rule!r} ties to {before[0]!r}, drawn before it: rows in which they "
                f"contradict each other would break the rule. Set {before[0]!r} too, or fit without the rule."
            )


def _check_against_rules(
    bound: Bound, cut: Mapping[str, np.ndarray], do: Do, k: int, frame: pd.DataFrame | None
) -> None:
    """Refuse values that break a rule all of whose columns are set, or given."""
    whole = frame is not None and len(frame) == k
    # Two rows of the same value show what a rule says of repetition.
    n = k if whole or any(len(v) > 1 for v in cut.values()) else min(k, 2)
    cells = bound.schema.subset(list(cut)).decode({c: np.resize(v, n) for c, v in cut.items()})
    if whole and frame is not None:
        beside = frame[[c for c in frame if c not in cut]].reset_index(drop=True)
        cells = pd.concat([cells, beside], axis=1)
    check_rules(bound, cells, "do")
