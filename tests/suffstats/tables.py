"""A table with every kind of column, a spec of every kind of statistic, and how both roads are compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.design import Bound, Component, bind, component
from bayessynth.suffstats import Sums, bind_statistics, chunks, gram, stream
from bayessynth.suffstats.bound import BoundStatistics
from bayessynth.suffstats.gram import Gram


def table(n: int = 600, seed: int = 1, sites: Sequence[int] = tuple(range(12))) -> pd.DataFrame:
    """Rows in nested and crossed groups, with a column of the sites."""
    rng = np.random.default_rng(seed)
    site = rng.permutation(np.resize(np.asarray(sites), n))
    x = rng.normal(3.0, 2.0, n)
    age, dose = rng.integers(0, 4, n), rng.integers(1, 4, n)
    level = np.random.default_rng(9).normal(size=100)[site]
    frame = pd.DataFrame(
        {
            "site": np.array([f"s{i:02d}" for i in range(100)])[site],
            "ward": rng.integers(0, 2, n),
            "rater": rng.integers(10, 14, n),
            "beds": site * 3 % 7,
            "x": x,
            "age": age,
            "dose": dose,
            "sex": rng.choice(["f", "m"], n),
            "stage": pd.Categorical(rng.choice(["I", "II", "III"], n), ["I", "II", "III"], ordered=True),
        }
    )
    frame["y"] = 0.5 * x + level + rng.normal(size=n)
    frame["cost"] = np.exp(0.3 * frame["y"] + 0.1 * age)
    frame["visits"] = rng.poisson(np.exp(0.2 * age + 0.2 * level))
    frame["share"] = rng.binomial(dose, 0.4)
    return frame


def spec() -> bs.Spec:
    """Sums of products, counts of distinct rows, rows, and an equation with one value a site."""
    return bs.Spec(
        bs.Equation("y ~ x + sex + (1 + x | site)", family="normal"),
        bs.Equation("cost ~ stage * sex + offset(age) + (1 | site/ward)", family="lognormal"),
        bs.Equation("visits ~ age + stage + (1 | site)", family="poisson"),
        bs.Equation("share ~ age", family="binomial", trials="dose"),
        bs.Equation("beds ~ 1", family="poisson"),
        bs.Equation("x ~ log1p(age)", "sigma ~ sex", family="normal"),
        "stage ~ age + sex",
        "sex ~ 1",
        bs.Equation("age ~ 1", family="poisson"),
        bs.Equation("dose ~ 1", family="poisson"),
        rest="drop",
    )


@contextmanager
def read_in(size: int, least: int | None = None) -> Iterator[None]:
    """Let tables be read in chunks of so many rows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "CHUNK", size)
        patch.setattr(chunks, "WHOLE", size)
        patch.setattr(chunks, "LEAST", size if least is None else least)
        patch.setattr(stream, "DETECTED", size)
        yield


def same_bound(found: Bound, expected: Bound) -> None:
    """Hold a bound spec to one of rows: everything equal, means and spreads to rounding."""
    assert found.plan == expected.plan and found.levels == expected.levels and found.schema == expected.schema
    assert (found.n, found.kept) == (expected.n, expected.kept)
    for own, other in zip(found.equations, expected.equations, strict=True):
        assert own.priors == other.priors, own.response
        assert own.options == other.options and own.links == other.links
        for name, predictor in own.predictors.items():
            reference = other.predictors[name]
            assert predictor.groups == reference.groups
            assert [t.to_json() for t in predictor.terms] == [t.to_json() for t in reference.terms]
            np.testing.assert_allclose(predictor.sds, reference.sds, rtol=1e-12)
            np.testing.assert_allclose(predictor.means, reference.means, rtol=1e-12, atol=1e-12)


def in_order(own: Component) -> list[np.ndarray]:
    """Return the arrays of a component's rows, sorted, every row as often as it counts."""
    full = own.expanded()
    blocks = [m for m in full.matrices.values()] + [e for effects in full.effects.values() for e in effects]
    blocks += [o[:, None] for o in full.offsets.values()] + [i[:, None] for i in full.index.values()]
    blocks += [values[:, None] for values in full.beside.values()]
    whole = np.column_stack([full.y.astype(float), *blocks])
    order = np.lexsort(np.round(whole, 8).T)
    return [whole[order]]


def same_sums(found: Gram, expected: Gram, rtol: float = 1e-10) -> None:
    """Hold sums to others: of the same cells, about the same shift."""
    moved = found.about(expected.shift, expected.scale)
    assert found.columns == expected.columns and list(found.codes) == list(expected.codes)

    def order(sums: Gram) -> np.ndarray:
        return np.lexsort(tuple(sums.codes.values())) if sums.codes else np.arange(1)

    for factor, codes in expected.codes.items():
        np.testing.assert_array_equal(moved.codes[factor][order(moved)], codes[order(expected)])
    np.testing.assert_array_equal(moved.counts[order(moved)], expected.counts[order(expected)])
    np.testing.assert_allclose(
        moved.moments[order(moved)], expected.moments[order(expected)], rtol=rtol, atol=rtol * expected.n
    )


def same_as_rows(statistics: bs.SufficientStatistics, frame: pd.DataFrame, schema: bs.Schema | None = None) -> None:
    """Hold bound statistics to the table bound in memory."""
    bound, data = bind(statistics.spec, frame, schema, statistics.learnt.missing)
    found: BoundStatistics = bind_statistics(statistics)
    same_bound(found.bound, bound)
    assert found.rows == {c: len(rows) for c, rows in data.rows.items()}
    for column, own in found.inputs.items():
        rows = component(bound, data, column)
        assert own.labels == rows.labels
        if isinstance(own, Sums):
            same_sums(own.gram, gram(rows))
        else:
            for one, other in zip(in_order(own), in_order(rows), strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)
