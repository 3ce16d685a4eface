"""Predicates on rows: which of them are true of exactly one row of a table."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import pandas as pd

from bayessynth.evaluation.disclosure._records import distinct
from bayessynth.evaluation.tables import Tables

# A missing cell as a number that no comparison reaches but equality.
MISSING = -np.finfo(float).max
EQUAL, LEAST, MOST = 0, 1, 2


@dataclass(frozen=True)
class Predicates:
    """Conjunctions of conditions on columns.

    Attributes
    ----------
    columns, operators : ndarray of int, shape (predicates, conditions)
        Positions of columns; 0 equal to, 1 at least, 2 at most.
    values : ndarray of float, shape (predicates, conditions)
    """

    columns: np.ndarray
    operators: np.ndarray
    values: np.ndarray

    def __len__(self) -> int:
        return len(self.columns)

    def take(self, rows: np.ndarray) -> Predicates:
        """Return some of the predicates."""
        return Predicates(self.columns[rows], self.operators[rows], self.values[rows])


def cells(tables: Tables) -> tuple[np.ndarray, tuple[np.ndarray, ...], np.ndarray | None]:
    """Return original, copies and holdout as numbers: values of numbers, codes of levels; missing a value."""
    every = [tables.original, *tables.copies, *([tables.holdout] if tables.holdout is not None else [])]
    cuts = np.cumsum([t.n for t in every])[:-1]
    joint = np.empty((sum(t.n for t in every), len(tables.columns)))
    for j, column in enumerate(tables.columns):
        if column in tables.numbers:
            values = np.concatenate([t.values[column] for t in every])
            joint[:, j] = np.where(np.isnan(values), MISSING, values)
        else:
            joint[:, j] = distinct(tables, column)
    original, *others = np.split(joint, cuts)
    return original, tuple(others[: tables.m]), others[-1] if tables.holdout is not None else None


def matches(predicates: Predicates, table: np.ndarray, most: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Count the rows of which each predicate is true, up to ``most``, and return the first of them (or -1).

    Examples
    --------
    >>> older = Predicates(np.array([[0]]), np.array([[1]]), np.array([[40.0]]))
    >>> matches(older, np.array([[30.0], [50.0]]))
    (array([1]), array([1]))
    """
    found, first = np.zeros(len(predicates), dtype=np.int64), np.full(len(predicates), -1, dtype=np.int64)
    _count(predicates.columns, predicates.operators, predicates.values, np.ascontiguousarray(table), most, found, first)
    return found, first


@numba.njit(cache=True, nogil=True)
def _count(
    columns: np.ndarray, operators: np.ndarray, values: np.ndarray, table: np.ndarray, most: int,
    found: np.ndarray, first: np.ndarray,
) -> None:  # fmt: skip  # pragma: no cover  (compiled)
    for p in range(len(columns)):
        for r in range(len(table)):
            true = True
            for c in range(columns.shape[1]):
                cell, value, operator = table[r, columns[p, c]], values[p, c], operators[p, c]
                if operator == EQUAL:
                    true = cell == value
                elif operator == LEAST:
                    true = cell >= value
                else:
                    true = cell <= value and cell != MISSING
                if not true:
                    break
            if true:
                if found[p] == 0:
                    first[p] = r
                found[p] += 1
                if found[p] >= most:
                    break


def described(predicates: Predicates, tables: Tables, copies: np.ndarray, rows: np.ndarray) -> list[str]:
    """Write predicates as text, with the cells of the synthetic rows that they were made of.

    Parameters
    ----------
    predicates : Predicates
    tables : Tables
    copies, rows : ndarray of int
        The synthetic row behind each predicate.
    """
    signs = {EQUAL: "=", LEAST: "≥", MOST: "≤"}
    found = []
    for p in range(len(predicates)):
        frame, parts = tables.copy_frames[copies[p]], []
        for column, operator in zip(predicates.columns[p], predicates.operators[p], strict=True):
            name = tables.columns[column]
            cell = frame[name].iloc[rows[p]]
            parts.append(f"{name} is missing" if pd.isna(cell) else f"{name} {signs[int(operator)]} {cell}")
        found.append(" and ".join(dict.fromkeys(parts)))
    return found
