"""Compare an analysis of the copies with that of the original."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

from bayessynth.inference import registry
from bayessynth.inference.combining import RULES, Rule, rule_named
from bayessynth.inference.estimate import SCALES
from bayessynth.inference.overlap import expected_distance, expected_overlap, limits, overlap
from bayessynth.inference.pooled import Pooled
from bayessynth.inference.pooling import combine, estimates
from bayessynth.inference.provenance import check_copies, formal, rule_for
from bayessynth.synthesis import SyntheticData

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# A sign is judged where the original's |z| exceeds the first, significance where it exceeds the second.
SIGN_FROM, SIGNIFICANCE_FROM = 1.0, 3.0


@dataclass(frozen=True, repr=False)
class Comparison:
    """An analysis of the copies beside that of the original.

    Attributes
    ----------
    table : DataFrame
        A row a coefficient: ``original``, ``original_low``, ``original_high`` and ``copies``, ``copies_low``,
        ``copies_high`` (estimates with the 95 % interval of the original, and that which the copies say the original
        would have, q̄ ± 1.96 √(v̄ k/n)); ``overlap`` of the two intervals (``overlap_unclipped`` below zero where they
        are apart); ``difference``, (q̄ − q_o)/se_o; ``z``, of the original; ``pooled_z``, of the pooled estimate for
        the population; ``sign`` and ``significant``, whether copies agree, None where the original's |z| is too small
        to tell (1 for signs, 3 for significance).
    overlap, reference : float
        Mean overlap, and what perfect copies reach with these m, k, n (and with this noise, under formal privacy).
    distance, reference_distance : float
        Mean |q̄ − q_o|/se_o, and that of perfect copies.
    noise : ndarray of float, shape (p,) or None
        Of copies with formal privacy: the variance that its noise adds to each coefficient's posterior, in units of
        se_o², from the variance between copies: B − V̄ (1 + k/n), not below 0. None for others.
    lack_of_fit : float
        Chi-squared statistic of (q̄ − q_o)'[N + (V̄ (1 + k/n) + N)/m]⁻¹(q̄ − q_o) with the noise N,
        ``lack_df`` degrees of freedom.
    p_value : float
        Of the lack of fit: small where copies differ from the original by more than their own noise.
    pooled : Pooled

    Examples
    --------
    >>> import bayessynth as bs
    >>> rng = np.random.default_rng(1)
    >>> df, *copies = [pd.DataFrame(rng.normal(size=(300, 2)), columns=["y", "x"]) for _ in range(6)]
    >>> bs.compare(df, copies, "y ~ x").table.index.tolist()
    ['Intercept', 'x']
    """

    table: pd.DataFrame
    overlap: float
    reference: float
    distance: float
    reference_distance: float
    noise: np.ndarray | None
    lack_of_fit: float
    lack_df: int
    p_value: float
    pooled: Pooled

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the table."""
        return self.table.copy()

    @property
    def signs(self) -> tuple[int, int]:
        """How many signs agree, of how many that the original can tell (|z| > 1)."""
        judged = self.table["sign"].dropna()
        return int(judged.sum()), len(judged)

    @property
    def significances(self) -> tuple[int, int]:
        """How many coefficients with |z| > 3 in the original are significant at 5 % in the pooled analysis."""
        judged = self.table["significant"].dropna()
        return int(judged.sum()), len(judged)

    def plot(self) -> Figure:
        """Draw the intervals of original and copies beside each other."""
        from bayessynth.report import plot_comparison

        return plot_comparison(self)

    def summary(self) -> str:
        """Return the comparison as text."""
        signs, significances = self.signs, self.significances
        perfect = "perfect copies" if self.noise is None else "perfect copies with this noise of formal privacy"
        return "\n".join(
            [
                f"{self.pooled.title}: original (n={self.pooled.n:,}) against m={self.pooled.m} copies",
                *([self.pooled.formula] if self.pooled.formula else []),
                "",
                self._shown().to_string(),
                "",
                f"Mean overlap of intervals {self.overlap:.3f}; {perfect} reach {self.reference:.3f}.",
                f"Mean |difference| {self.distance:.2f} standard errors of the original; {perfect} "
                f"{self.reference_distance:.2f}.",
                f"Signs agree in {signs[0]} of {signs[1]} coefficients with |z| > 1; significance is kept in "
                f"{significances[0]} of {significances[1]} with |z| > 3.",
                f"Lack of fit: chi-squared {self.lack_of_fit:.1f} on {self.lack_df} degrees of freedom, "
                f"p = {self.p_value:.3f}.",
                *(f"Note: {note}" for note in self.pooled.notes),
            ]
        )

    def _shown(self) -> pd.DataFrame:
        shown = self.table[["original", "copies", "overlap", "difference", "z", "pooled_z"]]
        return shown.map(lambda v: "" if np.isnan(v) else f"{v:.3g}").rename_axis(None)

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        lines = [line for line in self.summary().split("\n\n")[-1].split("\n")]
        return self._shown().to_html() + "".join(f"<p>{html.escape(line)}</p>" for line in lines)


def compare(
    original: pd.DataFrame,
    copies: SyntheticData | pd.DataFrame | Iterable[pd.DataFrame],
    formula: str = "",
    model: str | registry.Ready = "ols",
    *,
    rule: str | None = None,
    **options: Any,
) -> Comparison:
    """Compare an analysis of the copies with the same analysis of the original.

    Parameters
    ----------
    original : DataFrame
    copies : SyntheticData, DataFrame or iterable of DataFrame
    formula, model, **options
        As in :func:`bayessynth.pool`.
    rule : str, optional
        The combining rule; by default that of the provenance, and "proper" for copies without one.

    Returns
    -------
    Comparison
        Overlap and distance beside what perfect copies reach; read neither without its reference.

    Raises
    ------
    DataError, FormulaError
        As :func:`bayessynth.pool`.

    Examples
    --------
    >>> rng = np.random.default_rng(2)
    >>> df, *copies = [pd.DataFrame(rng.normal(size=(300, 2)), columns=["y", "x"]) for _ in range(6)]
    >>> 0 <= compare(df, copies, "y ~ x").overlap <= 1
    True
    """
    provenance = copies.provenance if isinstance(copies, SyntheticData) else None
    frames = [copies] if isinstance(copies, pd.DataFrame) else list(copies)
    chosen = rule_named(rule or "proper") if provenance is None else rule_for(provenance, rule)
    check_copies(provenance, chosen, len(frames))
    return compared(original, frames, formula, model, chosen, formal(provenance), options)


def compared(
    original: pd.DataFrame, frames: Sequence[pd.DataFrame], formula: str, model: str | registry.Ready, rule: Rule,
    noisy: bool, options: Mapping[str, Any],
) -> Comparison:  # fmt: skip
    """Compare an analysis of frames, of which somebody else knows how they were made: :func:`compare` says the rest.

    Parameters
    ----------
    rule : Rule
    noisy : bool
        Whether the copies carry the noise of formal privacy.
    """
    own = estimates([original], formula, model, options, learn_from=frames)[0]
    found = estimates(frames, formula, model, options, learn_from=[original])
    k = round(float(np.mean([len(f) for f in frames])))
    title = registry.get(model).title if isinstance(model, str) else "Analysis"
    pooled = combine(found, rule, k, len(original), title=title, formula=formula)
    return _compared(own.on(pooled.scales), pooled, noisy)


def _compared(own: tuple[np.ndarray, np.ndarray], pooled: Pooled, noisy: bool) -> Comparison:
    (q_o, v_o), m, ratio = own, pooled.m, pooled.k / pooled.n
    proper = pooled.rule.name != RULES["plug_in"].name
    q = np.nanmean(pooled.estimates, axis=0)
    within = np.diag(pooled.within)
    se = np.sqrt(np.diag(v_o))
    intervals = (*limits(q_o, np.diag(v_o)), *limits(q, within * ratio))
    difference, z = (q - q_o) / se, q_o / se
    pooled_z = pooled.table["statistic"].to_numpy()
    tested = ~np.isnan(pooled_z)
    names = ("original_low", "original_high", "copies_low", "copies_high")
    back = [SCALES[s].back for s in pooled.scales]
    table = pd.DataFrame({"original": [float(f(x)) for f, x in zip(back, q_o, strict=True)],
                          "copies": pooled.table["estimate"].to_numpy()}, index=pooled.table.index)  # fmt: skip
    for name, values in zip(names, intervals, strict=True):
        table[name] = [float(f(x)) for f, x in zip(back, values, strict=True)]
    table["overlap"] = overlap(*intervals)
    table["overlap_unclipped"] = overlap(*intervals, clipped=False)
    table["difference"] = difference
    table["z"] = np.where(tested, z, np.nan)
    table["pooled_z"] = pooled_z
    significant = pooled.table["p_value"].to_numpy() < 0.05
    table["sign"] = pd.array(
        [bool(np.sign(a) == np.sign(b)) if t and abs(a) > SIGN_FROM else pd.NA
         for a, b, t in zip(z, q, tested, strict=True)], dtype="boolean",
    )  # fmt: skip
    table["significant"] = pd.array(
        [bool(s and np.sign(a) == np.sign(b)) if t and abs(a) > SIGNIFICANCE_FROM else pd.NA
         for a, b, s, t in zip(z, q, significant, tested, strict=True)], dtype="boolean",
    )  # fmt: skip
    sampled = pooled.within * (1 + ratio if proper else 1.0)
    added = _noise(pooled.between, sampled) if noisy else np.zeros_like(sampled)
    noise = np.diag(added) / se**2
    perfect = (m, ratio, proper, noise[np.isfinite(noise)])
    statistic, df = _lack_of_fit(q - q_o, added + (sampled + added) / m)
    return Comparison(
        table, float(np.nanmean(table["overlap"])), expected_overlap(*perfect),
        float(np.nanmean(np.abs(difference))), expected_distance(*perfect), noise if noisy else None, statistic, df,
        float(stats.chi2.sf(statistic, df)) if df else float("nan"), pooled,
    )  # fmt: skip


def _noise(between: np.ndarray, sampled: np.ndarray) -> np.ndarray:
    """Return by how much copies vary more than sampling explains, a covariance; NaN where a coefficient has none."""
    there = np.isfinite(np.diag(between)) & np.isfinite(np.diag(sampled))
    found = np.full(between.shape, np.nan)
    # In units in which sampling has variance 1 in every direction, what exceeds it is noise.
    variance, axes = np.linalg.eigh(sampled[np.ix_(there, there)])
    scale = np.sqrt(np.maximum(variance, 1e-12 * variance.max(initial=1e-300)))
    values, vectors = np.linalg.eigh((axes / scale).T @ between[np.ix_(there, there)] @ (axes / scale))
    wide = (axes * scale) @ vectors
    found[np.ix_(there, there)] = (wide * np.maximum(values - 1, 0.0)) @ wide.T
    return found


def _lack_of_fit(difference: np.ndarray, covariance: np.ndarray) -> tuple[float, int]:
    there = np.isfinite(difference) & np.isfinite(np.diag(covariance))
    if not there.any():
        return float("nan"), 0
    block = covariance[np.ix_(there, there)]
    return float(difference[there] @ np.linalg.pinv(block, hermitian=True) @ difference[there]), int(there.sum())
