"""Scores of a copy by any synthesizer: how well it is told apart, whom it betrays, which pairs it keeps.

They read nothing of the project. Text is compared as text, numbers as numbers; a missing cell is a value of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
import pandas as pd
from numba import njit
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

# Originals and synthetic records that a discriminator sees, and records whose nearest neighbours are looked for.
SEEN, SOUGHT = 12_000, 4_000


@dataclass(frozen=True)
class Scorer:
    """A table cut into training rows and rows held out."""

    train: pd.DataFrame
    holdout: pd.DataFrame

    @cached_property
    def numeric(self) -> np.ndarray:
        """Tell which columns are numbers."""
        return np.array([pd.api.types.is_numeric_dtype(self.train[c].dtype) for c in self.train])

    @cached_property
    def levels(self) -> dict[str, dict[str, int]]:
        """Return a number for every text of the columns that are not numbers."""
        both = pd.concat([self.train, self.holdout])
        text = [c for c, number in zip(self.train, self.numeric, strict=True) if not number]
        return {c: {v: i for i, v in enumerate(sorted(set(both[c].dropna().astype(str))), 1)} for c in text}

    def matrix(self, frame: pd.DataFrame) -> np.ndarray:
        """Return a frame as numbers, missing cells as NaN."""
        columns = []
        for name, number in zip(self.train, self.numeric, strict=True):
            cells = frame[name]
            known = {} if number else self.levels[name]
            read = cells if number else cells.astype(object).map(lambda v, known=known: known.get(str(v), 0))
            columns.append(np.where(cells.isna(), np.nan, pd.to_numeric(read).astype(float).fillna(0)))
        return np.column_stack(columns)

    @cached_property
    def originals(self) -> tuple[np.ndarray, np.ndarray]:
        """Return training rows and rows held out as numbers."""
        return self.matrix(self.train), self.matrix(self.holdout)

    def discriminator(self, copy: np.ndarray) -> float:
        """Return the area under the curve of boosted trees that tell a copy from originals; .5 is best."""
        originals, rng = np.vstack(self.originals), np.random.default_rng(1)
        parts = [part[rng.permutation(len(part))[:SEEN]] for part in (originals, copy)]
        x, y = np.vstack(parts), np.repeat([0, 1], [len(part) for part in parts])
        # Boosted trees take at most 255 levels as such; the others are numbers to them.
        own = (~self.numeric) & (np.nan_to_num(x).max(axis=0) < 255)
        present = ~np.isnan(x).all(axis=0)
        x, own = x[:, present], own[present]
        found = np.zeros(len(y))
        for rows, rest in StratifiedKFold(5, shuffle=True, random_state=0).split(x, y):
            model = HistGradientBoostingClassifier(categorical_features=own, random_state=0)
            found[rest] = model.fit(x[rows], y[rows]).predict_proba(x[rest])[:, 1]
        return float(roc_auc_score(y, found))

    def membership(self, copy: np.ndarray) -> float:
        """Return the area under the curve of the nearest synthetic record's Gower distance, training against holdout.

        The rows held out are few in small tables, which leaves a split's own deviation from .5 in it: compare with
        :meth:`independent` columns on the same split.
        """
        train, holdout = self.originals
        rng, most = np.random.default_rng(2), min(len(holdout), len(train), SOUGHT)
        sought = [rows[rng.permutation(len(rows))[:most]] for rows in (train, holdout)]
        with np.errstate(all="ignore"):
            span = np.where(self.numeric, np.nanmax(train, axis=0) - np.nanmin(train, axis=0), 1)
        span = np.where(np.isfinite(span) & (span > 0), span, 1)
        scaled = [np.nan_to_num(part / span, nan=-1e6).astype(np.float32) for part in (np.vstack(sought), copy)]
        return float(roc_auc_score(np.repeat([1, 0], most), -_nearest(*scaled, self.numeric)))

    def independent(self) -> np.ndarray:
        """Return training rows with every column shuffled by itself, which betray nobody."""
        rng = np.random.default_rng(5)
        return np.column_stack([rng.permutation(column) for column in self.originals[0].T])

    def pairs(self, copy: np.ndarray) -> float:
        """Return one less the mean total variation of two-way tables, numbers cut at the training deciles."""
        cut, size = [], []
        for j, number in enumerate(self.numeric):
            train = self.originals[0][:, j]
            known = train[~np.isnan(train)]
            edges = np.unique(np.quantile(known, np.linspace(0.1, 0.9, 9))) if number and len(known) else np.zeros(0)
            own = [_binned(values, edges) if number else np.nan_to_num(values).astype(int)
                   for values in (train, copy[:, j])]  # fmt: skip
            cut.append(own)
            size.append(1 + max(int(part.max()) for part in own))
        far = []
        for i, j in combinations(range(len(cut)), 2):
            shares = [np.bincount(cut[i][k] * size[j] + cut[j][k], minlength=size[i] * size[j]) / len(cut[i][k])
                      for k in (0, 1)]  # fmt: skip
            far.append(0.5 * np.abs(shares[0] - shares[1]).sum())
        return 1 - float(np.mean(far)) if far else 1.0


def _binned(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(values), 0, 1 + np.searchsorted(edges, np.nan_to_num(values), side="right"))


@njit(cache=True)
def _nearest(sought: np.ndarray, among: np.ndarray, numeric: np.ndarray) -> np.ndarray:
    """Return the least Gower distance of each row to any other, times the number of columns."""
    found = np.empty(len(sought), dtype=np.float32)
    for i in range(len(sought)):
        least = np.float32(1e9)
        for k in range(len(among)):
            total = np.float32(0)
            for j in range(sought.shape[1]):
                if numeric[j]:
                    total += min(abs(sought[i, j] - among[k, j]), np.float32(1))
                elif sought[i, j] != among[k, j]:
                    total += np.float32(1)
                if total >= least:
                    break
            least = min(least, total)
        found[i] = least
    return found
