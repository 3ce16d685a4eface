"""What measures with many parts share: the average over columns, pairs or triples, and each part by its own chance."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bayessynth.evaluation.measure import Better, Measure, judged, over_copies, worst


def summarised(
    name: str,
    title: str,
    parts: pd.DataFrame,
    by_copy: np.ndarray,
    chance: np.ndarray,
    reading: str,
    *,
    margin: float,
    part_margin: float,
    better: Better = "lower",
    notes: tuple[str, ...] = (),
    pair: str = "two samples of these sizes",
) -> Measure:
    """Return a measure of utility that averages over parts, its worst parts first.

    The verdict is the worse of two: that of the average, and that of the worst part. Each is judged against the edge
    of what chance does (the 97.5 % quantile of pairs of samples), so that small tables do not fail by chance.

    Parameters
    ----------
    name, title : str
    parts : DataFrame of q rows
        What names each part: one column for columns, two for pairs.
    by_copy : ndarray of float, shape (m, q)
        Scores of every copy.
    chance : ndarray of float, shape (repetitions, q)
        Scores of pairs of samples.
    reading : str
        May use ``{value}``, ``{reference}``, ``{worst}``, ``{worst_value}``, ``{worst_reference}`` and ``{pair}``.
    margin, part_margin : float
        Differences that matter in practice, of the average and of a part; see :func:`judged`.
    better : {"lower", "higher"}
    notes : tuple of str
    pair : str
        What the samples of a pair are.

    Examples
    --------
    >>> parts = pd.DataFrame({"column": ["x", "y"]})
    >>> scores, chance = np.array([[0.01, 0.09]]), np.array([[0.01, 0.02], [0.02, 0.01]])
    >>> found = summarised("d", "Distance", parts, scores, chance, "Worst: {worst}.", margin=0.03, part_margin=0.03)
    >>> found.reading, found.verdict
    ('Worst: y.', 'warn')
    """
    value, interval = over_copies(by_copy.mean(axis=1))
    averages = chance.mean(axis=1)
    low, high = (float(q) for q in np.quantile(averages, [0.025, 0.975]))
    edge = 0.975 if better == "lower" else 0.025
    detail = parts.assign(
        value=by_copy.mean(axis=0), lowest=by_copy.min(axis=0), highest=by_copy.max(axis=0),
        reference=chance.mean(axis=0), limit=np.quantile(chance, edge, axis=0),
    )  # fmt: skip
    worse = detail["value"] - detail["limit"] if better == "lower" else detail["limit"] - detail["value"]
    # First what chance does not explain; then, where it explains all, what is farthest from its average.
    distance = np.abs(detail["value"] - detail["reference"]) * np.where(
        (detail["value"] > detail["reference"]) == (better == "lower"), 1.0, -1.0
    )
    detail = detail.iloc[np.lexsort((-distance, -worse.clip(lower=0)))].reset_index(drop=True)
    first = detail.iloc[0]
    said = reading.format(
        value=value, reference=float(averages.mean()), worst=" × ".join(str(first[c]) for c in parts),
        worst_value=first["value"], worst_reference=first["reference"], pair=pair,
    )  # fmt: skip
    verdict = worst(
        [
            judged(value, high if better == "lower" else low, margin, better),
            judged(float(first["value"]), float(first["limit"]), part_margin, better),
        ]
    )
    return Measure(
        name, "utility", title, value, said, interval, float(averages.mean()), (low, high), better, verdict, detail,
        notes,
    )  # fmt: skip
