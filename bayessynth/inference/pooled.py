"""A pooled analysis: estimates over m copies with standard errors that are valid for the population."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayessynth.errors import DataError, suggest
from bayessynth.inference.combining import Rule, wald

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SHOWN = {
    "estimate": "estimate", "std_error": "std. error", "statistic": "z or t", "p_value": "p", "low": "low",
    "high": "high", "df": "df", "information_lost": "inf. lost", "spread": "b ratio",
}  # fmt: skip


@dataclass(frozen=True, repr=False)
class Pooled:
    """The result of an analysis pooled over copies.

    Attributes
    ----------
    table : DataFrame
        A row a coefficient. ``estimate``; ``std_error``; ``statistic`` and ``p_value`` of the hypothesis of none (NaN
        for variances and proportions); ``low`` and ``high``, limits of the interval; ``df``, degrees of freedom
        (infinite: normal); ``information_lost``, the share of the original's information that synthesis costs,
        1 − v̄(k/n)/T; ``spread``, b over what the rule takes for granted (about 1), NaN for rules that take b as it is;
        ``copies``, in how many it could be estimated.
    rule : Rule
    m : int
    k, n : int
        Rows of a copy (on average), rows of the original.
    title, formula : str
    target : {"population", "original"}
        Whether intervals are for the population's value, or for the estimate that the original would give.
    level : float
        Of the intervals.
    notes : tuple of str
        What must be known to read the result.
    estimates : ndarray of shape (m, p)
        Of each copy, on the pooling scale.
    between, within : ndarray of shape (p, p)
        Covariance between copies, and average covariance within, on the pooling scale.
    scales : tuple of str
        Pooling scale of each coefficient.
    estimated : bool
        Whether n is an estimate, as it is where a formal guarantee hides it.

    Examples
    --------
    >>> import bayessynth as bs
    >>> rng = np.random.default_rng(2)
    >>> copies = [pd.DataFrame({"y": rng.normal(2, 1, 100)}) for _ in range(5)]
    >>> bs.pool(copies, "y ~ 1", model="ols", rule="plug_in", n=100).table.index.tolist()
    ['Intercept']
    """

    table: pd.DataFrame
    rule: Rule
    m: int
    k: int
    n: int
    title: str
    formula: str
    target: str
    level: float
    notes: tuple[str, ...]
    estimates: np.ndarray
    between: np.ndarray
    within: np.ndarray
    scales: tuple[str, ...]
    estimated: bool = False

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the table."""
        return self.table.copy()

    def wald(self, terms: Sequence[str] | None = None) -> pd.Series:
        """Test that several coefficients are all zero (Reiter 2005).

        Parameters
        ----------
        terms : sequence of str, optional
            Names of coefficients; by default all that are pooled on their own scale, but the intercept.

        Returns
        -------
        Series
            ``statistic`` (F, or chi-squared over p), ``p`` (number of coefficients), ``df`` of the denominator,
            ``p_value``.

        Raises
        ------
        DataError
            If a name is unknown, or nothing is left to test.

        Examples
        --------
        >>> import bayessynth as bs
        >>> rng = np.random.default_rng(2)
        >>> copies = [pd.DataFrame(rng.normal(size=(50, 3)), columns=list("yxz")) for _ in range(5)]
        >>> pooled = bs.pool(copies, "y ~ x + z", model="ols", rule="plug_in", n=50)
        >>> bool(pooled.wald(["x", "z"])["p_value"] > 0.05)
        True
        """
        names = list(self.table.index)
        if not self.rule.joint:
            raise DataError(f"There is no joint test for the rule {self.rule.name!r}; look at single coefficients.")
        if terms is None:
            terms = [n for n, s in zip(names, self.scales, strict=True) if s == "identity" and n != "Intercept"]
        for term in terms:
            if term not in names:
                raise DataError(
                    f"There is no coefficient {term!r}.{suggest(term, names)} There are: {', '.join(names)}."
                )
        if not terms:
            raise DataError("There is no coefficient to test.")
        at = [names.index(term) for term in terms]
        block = np.ix_(at, at)
        q = self.estimates.mean(axis=0)[at]
        if not (np.isfinite(q).all() and np.isfinite(self.within[block]).all()):
            raise DataError("A coefficient could not be estimated in every copy, so there is no joint test of these.")
        statistic, df, p_value = wald(self.rule, q, self.between[block], self.within[block], self.m, self.k / self.n)
        return pd.Series({"statistic": statistic, "p": len(at), "df": df, "p_value": p_value})

    def plot(self) -> Figure:
        """Draw estimates and intervals, with each copy's estimate behind them."""
        from bayessynth.report import plot_pooled

        return plot_pooled(self)

    def summary(self) -> str:
        """Return the result as text, in the manner of a statsmodels summary."""
        about = "the population's values" if self.target == "population" else "the original's estimates"
        lines = [
            f"{self.title}, pooled over m={self.m} {'copy' if self.m == 1 else 'copies'} of k={self.k:,} rows "
            f"(original n{' about ' if self.estimated else '='}{self.n:,})",
            *([self.formula] if self.formula else []),
            f"Rule: {self.rule.name}, T = {self.rule.formula}; {self.rule.source}. "
            f"{self.level:.0%} intervals for {about}.",
            "",
            self._shown().to_string(),
            *(f"Note: {note}" for note in self.notes),
        ]
        return "\n".join(lines)

    def _shown(self) -> pd.DataFrame:
        shown = self.table[[c for c in _SHOWN if not self.table[c].isna().all()]]
        digits: dict[str, Any] = {
            "p_value": "{:.3f}".format, "df": "{:.0f}".format, "information_lost": "{:.0%}".format,
            "spread": "{:.2f}".format, "statistic": "{:.2f}".format,
        }  # fmt: skip
        made = {
            _SHOWN[c]: [digits.get(c, "{:.4g}".format)(v) if not np.isnan(v) else "" for v in shown[c]] for c in shown
        }
        return pd.DataFrame(made, index=self.table.index.rename(None))

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        head, _, rest = self.summary().partition("\n\n")
        notes = [line for line in rest.split("\n") if line.startswith("Note: ")]
        return (
            f"<p>{html.escape(head).replace(chr(10), '<br>')}</p>{self._shown().to_html()}"
            + "".join(f"<p>{html.escape(note)}</p>" for note in notes)
        )  # fmt: skip
