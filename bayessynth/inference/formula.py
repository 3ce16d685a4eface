"""Formulas of an analysis on several tables: the same columns in each, whatever levels it happens to have.

Formulas are patsy's, as in statsmodels, and are the analyst's own code; group-specific terms ``(1 + x | g)`` are taken
out first. Levels are learnt from all tables together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import patsy

from bayessynth.errors import DataError, FormulaError, suggest

_GROUP_TERM = re.compile(r"\+?\s*\(\s*([^()|]+?)\s*\|\s*([^()|]+?)\s*\)")


@dataclass(frozen=True)
class GroupTerm:
    """A group-specific term of a mixed model: what varies, and by what.

    >>> GroupTerm("1 + x", "site").factor
    'site'
    """

    effects: str
    factor: str


@dataclass(frozen=True)
class Parts:
    """A formula taken apart.

    Attributes
    ----------
    response : str
        Left side; empty for a one-sided formula.
    common : str
        Right side without group-specific terms.
    groups : tuple of GroupTerm
    """

    response: str
    common: str
    groups: tuple[GroupTerm, ...]


def split(formula: str) -> Parts:
    """Take a formula apart.

    Raises
    ------
    FormulaError
        If it is empty, or has more than one ``~``.

    Examples
    --------
    >>> split("y ~ x + (1 | site)")
    Parts(response='y', common='x', groups=(GroupTerm(effects='1', factor='site'),))
    """
    sides = [side.strip() for side in formula.split("~")]
    if len(sides) > 2 or not sides[-1]:
        raise FormulaError(f"{formula!r} is no formula of an analysis; write 'y ~ x + z', or 'y' for a mean.")
    groups = tuple(GroupTerm(*found) for found in _GROUP_TERM.findall(sides[-1]))
    common = _GROUP_TERM.sub("", sides[-1]).strip().removeprefix("+").strip() or "1"
    return Parts(sides[0] if len(sides) == 2 else "", common, groups)


@dataclass(frozen=True)
class Design:
    """A one-sided formula with the levels and transforms that it learnt from tables.

    Attributes
    ----------
    formula : str
    info : patsy.DesignInfo
    columns : tuple of str
        Columns of the tables that the formula reads, as far as they can be told.
    """

    formula: str
    info: patsy.DesignInfo
    columns: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the matrix' columns, as statsmodels shows them."""
        return tuple(self.info.column_names)

    def matrix(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the matrix of a table, shape (n, p), NaN in rows with a missing cell."""
        plain = readable(frame, self.columns)
        whole = plain.notna().all(axis=1).to_numpy()
        matrix = np.full((len(frame), len(self.names)), np.nan)
        built = patsy.build_design_matrices([self.info], plain[whole], NA_action=_KEEP)[0]
        matrix[whole] = built
        return matrix


# Rows with missing cells are taken out before patsy sees them; what a transform makes of others is kept.
_KEEP = patsy.NAAction(NA_types=[])


def learn(formula: str, frames: Sequence[pd.DataFrame]) -> Design:
    """Learn a one-sided formula's levels and transforms from tables.

    Parameters
    ----------
    formula : str
        ``"x + C(z)"``; ``"x - 1"`` leaves the intercept out.
    frames : sequence of DataFrame

    Raises
    ------
    FormulaError
        If it cannot be read or evaluated; the message names the nearest column.

    Examples
    --------
    >>> frames = [pd.DataFrame({"s": ["a", "b"]}), pd.DataFrame({"s": ["a", "c"]})]
    >>> learn("s", frames).matrix(frames[0]).tolist()
    [[1.0, 0.0, 0.0], [1.0, 1.0, 0.0]]
    """
    try:
        description = patsy.ModelDesc.from_formula(formula)
        columns = _columns(description, frames[0])
        plain = [readable(f, columns).dropna() for f in frames]
        info = patsy.incr_dbuilder(description, lambda: iter(plain), eval_env=1, NA_action=_KEEP)
    except patsy.PatsyError as error:
        raise FormulaError(f"{formula!r}: {_short(error)}{_nearest(str(error), frames[0])}") from error
    except Exception as error:  # code of the analyst's own runs inside
        raise FormulaError(f"{formula!r}: {type(error).__name__}: {error}") from error
    return Design(formula, info, columns)


def _columns(description: patsy.ModelDesc, frame: pd.DataFrame) -> tuple[str, ...]:
    return tuple(dict.fromkeys(c for term in _terms(description, frame) for c in term))


def _terms(description: patsy.ModelDesc, frame: pd.DataFrame) -> list[tuple[str, ...]]:
    found = []
    for term in description.rhs_termlist:
        words: dict[str, None] = {}
        for factor in term.factors:
            words.update(dict.fromkeys(re.findall(r"Q\(['\"](.+?)['\"]\)", factor.code)))
            words.update(dict.fromkeys(re.findall(r"[^\W\d]\w*", factor.code)))
        found.append(tuple(w for w in words if w in frame))
    return found


def terms_of(formula: str, frame: pd.DataFrame) -> list[tuple[str, ...]]:
    """Return the columns that each term of a one-sided formula reads.

    >>> terms_of("x * np.log(z)", pd.DataFrame({"x": [1], "z": [2]}))
    [(), ('x',), ('z',), ('x', 'z')]
    """
    return _terms(patsy.ModelDesc.from_formula(formula), frame)


def readable(frame: pd.DataFrame, columns: Iterable[str]) -> pd.DataFrame:
    """Return columns in dtypes that patsy and statsmodels read: text as objects, nullable numbers as floats."""
    made: Mapping[str, pd.Series] = {c: _plain(frame[c]) for c in columns}
    return pd.DataFrame(made, index=frame.index)


def _plain(series: pd.Series) -> pd.Series:
    if isinstance(series.dtype, pd.CategoricalDtype):
        return series
    if pd.api.types.is_bool_dtype(series.dtype) and not series.isna().any():
        return series.astype(bool)
    if pd.api.types.is_integer_dtype(series.dtype) and not series.isna().any():
        return series.astype(np.int64)
    if pd.api.types.is_numeric_dtype(series.dtype):
        return series.astype(float)
    if pd.api.types.is_datetime64_any_dtype(series.dtype):
        return series
    return series.astype(object).where(series.notna(), None)


def _short(error: patsy.PatsyError) -> str:
    return str(error).split("\n")[0].removeprefix("Error evaluating factor: ").removeprefix("NameError: ")


def _nearest(message: str, frame: pd.DataFrame) -> str:
    found = re.search(r"name '(.+?)' is not defined", message)
    return suggest(found[1], map(str, frame)) if found else ""


def column(frame: pd.DataFrame, name: str, role: str) -> pd.Series:
    """Return a column that an analysis needs by its name.

    Raises
    ------
    DataError
        If there is none; the message names the nearest.

    Examples
    --------
    >>> column(pd.DataFrame({"age": [1]}), "agee", "response")
    Traceback (most recent call last):
    ...
    bayessynth.errors.DataError: The response 'agee' is not a column of the table. Did you mean 'age'?
    """
    if name not in frame:
        raise DataError(f"The {role} {name!r} is not a column of the table.{suggest(name, map(str, frame))}")
    return frame[name]


def response_numbers(frame: pd.DataFrame, formula: str) -> np.ndarray:
    """Return the left side as numbers: a column, or an expression of columns such as ``np.log(y)``.

    Raises
    ------
    DataError
        If a column's cells are no numbers.

    Examples
    --------
    >>> response_numbers(pd.DataFrame({"y": [1, 2]}), "np.log(y)").round(2).tolist()
    [0.0, 0.69]
    """
    if formula in frame:
        series = frame[formula]
        if not pd.api.types.is_numeric_dtype(series.dtype):
            raise DataError(f"The response {formula!r} holds {series.dtype}, not numbers.")
        return series.to_numpy(dtype=float, na_value=np.nan)
    design = learn(f"{formula} - 1", [frame])
    matrix = design.matrix(frame)
    if matrix.shape[1] != 1:
        raise DataError(f"The response {formula!r} is not one column of numbers.")
    return matrix[:, 0]


def response_event(frames: Sequence[pd.DataFrame], name: str) -> str | float | bool:
    """Return the level that a two-valued response counts as the event: the last of its two, in order.

    Raises
    ------
    DataError
        If the column has not two values.

    Examples
    --------
    >>> response_event([pd.DataFrame({"sick": ["no", "yes"]})], "sick")
    'yes'
    """
    first = column(frames[0], name, "response")
    if isinstance(first.dtype, pd.CategoricalDtype):
        levels = [v for v in first.cat.categories if any((f[name] == v).any() for f in frames)]
    else:
        levels = sorted({v for f in frames for v in f[name].dropna().unique()})
    if len(levels) != 2:
        raise DataError(f"The response {name!r} has {len(levels)} values, not two: {levels[:4]}.")
    return levels[1]
