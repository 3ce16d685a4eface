"""A Gaussian equation given its sums of products: the marginal log density, and the posterior that its draws make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bayessynth.design import BoundEquation, GroupDesign
from bayessynth.fitting.kernels import gaussian
from bayessynth.fitting.kernels.priors import elements
from bayessynth.fitting.kernels.vectors import Cholesky
from bayessynth.fitting.posterior import Posterior
from bayessynth.fitting.report import PredictorDraws, report
from bayessynth.fitting.threads import in_threads
from bayessynth.spec.equation import AR
from bayessynth.suffstats import Gram

# Draws made at a time, which bounds the memory for their random numbers.
_AT_A_TIME = 50


class Gaussian:
    """Log density of a Gaussian equation's standard deviations and correlations, all else integrated.

    The vector holds the residual standard deviation, those of the group effects in the order of their terms, the
    autocorrelation of residuals if they have one, then the correlations, transformed as PyMC does.

    Parameters
    ----------
    equation : BoundEquation
    labels : mapping of str to sequence
        Labels of the groups, by factor.
    sums : Gram
    """

    def __init__(self, equation: BoundEquation, labels: Mapping[str, Sequence[Any]], sums: Gram) -> None:
        self.equation, self.labels = equation, labels
        (self.predictor,) = equation.predictors.values()
        # The factor with most groups first: its effects are integrated group by group.
        self.factors = sorted(equation.factors, key=lambda f: -len(labels[f]))
        own = [f"{e}|{g.factor}_sd" for g in self.predictor.groups for e in g.effects]
        own += [AR] if equation.ar else []
        self.elements = elements([equation.priors[name] for name in ("sigma", *own)])
        self.correlations = [self._correlation(g) for g in self.predictor.groups]
        self.intercept = self.predictor.intercept
        self.spread = float(sums.scale[-1])
        # The response about its mean, which the intercept takes up: sums of products lose no digits to it.
        self.level = float(sums.shift[-1]) if self.intercept else 0.0
        self.sums = self._sums(sums.about(sums.shift, np.ones(len(sums.columns))))

    def _correlation(self, group: GroupDesign) -> Cholesky | None:
        if not group.correlated:
            return None
        eta = self.equation.priors[f"{group.factor}_corr"].params["eta"]
        return Cholesky(len(group.effects), float(eta))  # type: ignore[arg-type]

    @property
    def size(self) -> int:
        """Length of the vector."""
        return len(self.elements) + sum(c.q * (c.q - 1) // 2 for c in self.correlations if c)

    def _columns(self, sums: Gram, factor: str) -> np.ndarray:
        """Return the columns that a factor's effects multiply as combinations of v, shape (V, q)."""
        effects = [e for g in self.predictor.groups if g.factor == factor for e in g.effects]
        return _combined(sums, [sums.columns.index(e) for e in effects], np.zeros(len(effects)))

    def _common(self, sums: Gram) -> np.ndarray:
        """Return intercept and common columns, about the predictor's means if it is centred, shape (V, p)."""
        p = sum(t.width for t in self.predictor.terms)
        means = np.asarray(self.predictor.means) if self.predictor.centred else np.zeros(p)
        common = _combined(sums, list(range(1, p + 1)), means)
        return np.column_stack([np.eye(len(sums.columns))[:, :1], common]) if self.intercept else common

    def _sums(self, sums: Gram) -> gaussian.Sums:
        response = _combined(sums, [len(sums.columns) - 1], np.array([self.level]))[:, 0]
        common = self._common(sums)
        blocks = {f: self._columns(sums, f) for f in self.factors}
        groups, widths = [len(self.labels[f]) for f in self.factors], [blocks[f].shape[1] for f in self.factors]
        firsts = np.cumsum([common.shape[1], *(g * w for g, w in zip(groups[1:], widths[1:], strict=True))])
        table = [(g, w, 0 if k == 0 else firsts[k - 1]) for k, (g, w) in enumerate(zip(groups, widths, strict=True))]
        design = self._design(sums, common, blocks, firsts)
        products = sums.moments @ design
        by_response = sums.moments @ response
        dd, dy = np.einsum("cvi,cvj->ij", design, products), np.einsum("cvi,cv->i", design, by_response)
        count, width = (groups[0], widths[0]) if groups else (0, 0)
        zz, zd, zy = np.zeros((count, width, width)), np.zeros((count, width, len(dy))), np.zeros((count, width))
        if width:
            code, own = sums.codes[self.factors[0]], blocks[self.factors[0]]
            np.add.at(zz, code, own.T @ sums.moments @ own)
            np.add.at(zd, code, own.T @ products)
            np.add.at(zy, code, by_response @ own)
        centre, precision = self._prior(len(dy))
        return gaussian.Sums(
            self.elements.code, self.elements.arguments, self.elements.transform, self.elements.bounds,
            self._places(), np.array([c.eta if c else 0.0 for c in self.correlations]),
            np.array(table, dtype=np.int64).reshape(-1, 3), np.array([sums.n]), zz, zd, zy, dd, dy,
            np.array([float((by_response @ response).sum())]), centre, precision,
        )  # fmt: skip

    def _design(
        self, sums: Gram, common: np.ndarray, blocks: Mapping[str, np.ndarray], firsts: np.ndarray
    ) -> np.ndarray:
        """Return every cell's dense columns as combinations of v, shape (C, V, P)."""
        design = np.zeros((len(sums.counts), len(sums.columns), int(firsts[-1])))
        design[:, :, : common.shape[1]] = common
        cells = np.arange(len(sums.counts))
        for k, factor in enumerate(self.factors[1:]):
            q = blocks[factor].shape[1]
            for j in range(q):
                design[cells, :, firsts[k] + sums.codes[factor] * q + j] = blocks[factor][:, j]
        return design

    def _prior(self, dense: int) -> tuple[np.ndarray, np.ndarray]:
        """Return prior means and precisions of the dense coefficients."""
        centre, sd = np.zeros(dense), np.ones(dense)
        start = int(self.intercept)
        if self.intercept:
            prior = self.equation.priors["Intercept"].params
            centre[0], sd[0] = float(prior["mu"]) - self.level, prior["sigma"]  # type: ignore[arg-type]
        for term in self.predictor.terms:
            prior, rows = self.equation.priors[term.name].params, self.predictor.slices[term.name]
            at = slice(start + rows.start, start + rows.stop)
            centre[at], sd[at] = prior["mu"], prior["sigma"]
        return centre, sd**-2.0

    def _places(self) -> np.ndarray:
        table, sds, place = [], 1, len(self.elements)
        for group, made in zip(self.predictor.groups, self.correlations, strict=True):
            q = len(group.effects)
            table.append((sds, place if made else -1, q, self.factors.index(group.factor)))
            sds += q
            place += q * (q - 1) // 2 if made else 0
        return np.array(table, dtype=np.int64).reshape(-1, 4)

    def start(self) -> np.ndarray:
        """Return where to start a search for the mode: half of the response's spread everywhere."""
        start = np.zeros(self.size)
        scales = [1.0, *(s or 1.0 for g in self.predictor.groups for s in g.scales)]
        for i, scale in enumerate(scales):
            if self.elements.transform[i] == 1:
                start[i] = np.log(0.5 * self.spread / scale)
        return start

    def scales(self) -> np.ndarray:
        """Return about how well each number will be known: better than its prior says, the more rows and groups."""
        scales = [1.0 / np.sqrt(2.0 * self.sums.n[0])]
        for group in self.predictor.groups:
            scales += [1.0 / np.sqrt(2.0 * len(self.labels[group.factor]))] * len(group.effects)
        scales += [2.0 / np.sqrt(self.sums.n[0])] if self.equation.ar else []
        for group, made in zip(self.predictor.groups, self.correlations, strict=True):
            if made is not None:
                scales += [1.0 / np.sqrt(len(self.labels[group.factor]))] * (made.q * (made.q - 1) // 2)
        return np.array(scales)

    def values(self, thetas: np.ndarray, threads: int) -> np.ndarray:
        """Return the log densities at points, shape (S,)."""
        thetas, out = np.ascontiguousarray(thetas), np.empty(len(thetas))
        in_threads(lambda rows: self._values(thetas[rows], out[rows]), len(thetas), threads, 200)
        return out

    def _values(self, thetas: np.ndarray, out: np.ndarray) -> None:
        gaussian.values(self.sums, thetas, out)

    def _draws(self, thetas: np.ndarray, normal: np.ndarray, dense: np.ndarray, effects: np.ndarray) -> None:
        gaussian.draws(self.sums, thetas, normal, dense, effects)

    def posterior(self, thetas: np.ndarray, seed: int, threads: int, **kwargs: Any) -> Posterior:
        """Draw coefficients and effects given draws of the rest, and return all of them.

        Parameters
        ----------
        thetas : ndarray of shape (S, size)
        seed : int
            Each draw has a random stream of its own below it.
        threads : int
        **kwargs
            Handed to :func:`bayessynth.fitting.report.report`.
        """
        (groups, q), p = self.sums.zy.shape, len(self.sums.dy)
        thetas = np.ascontiguousarray(thetas)
        dense, effects = np.empty((len(thetas), p)), np.empty((len(thetas), groups, q))

        def work(rows: slice) -> None:
            rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1, rows.start)))
            normal = rng.standard_normal((rows.stop - rows.start, p + groups * q))
            self._draws(thetas[rows], normal, dense[rows], effects[rows])

        in_threads(work, len(thetas), threads, _AT_A_TIME)
        x = self.elements.constrain(thetas[:, : len(self.elements)])
        predictors = {self.predictor.parameter: self._predictor(thetas, x, dense, effects)}
        scalars = {"sigma": x[:, 0]} | ({AR: x[:, -1]} if self.equation.ar else {})
        return report(self.equation, self.labels, predictors, scalars, {}, **kwargs)

    def _predictor(self, thetas: np.ndarray, x: np.ndarray, dense: np.ndarray, effects: np.ndarray) -> PredictorDraws:
        start, p = int(self.intercept), sum(t.width for t in self.predictor.terms)
        sds, factors, own = [], [], []
        taken = dict.fromkeys(self.factors, 0)
        for group, made, (at, place, q, k) in zip(
            self.predictor.groups, self.correlations, self.sums.places, strict=True
        ):
            first = taken[group.factor]
            z = self._standardised(k, dense, effects)[:, :, first : first + q]
            taken[group.factor] += q
            sds.append(x[:, at : at + q])
            factors.append(made.forward(thetas[:, place : place + q * (q - 1) // 2]) if made else None)
            # One small product a draw: many times as fast as the same sums by einsum.
            scale = sds[-1][:, :, None] * np.eye(q) if factors[-1] is None else sds[-1][:, :, None] * factors[-1]
            own.append(z @ scale.transpose(0, 2, 1))
        intercept = dense[:, 0] + self.level if self.intercept else None
        return PredictorDraws(intercept, dense[:, start : start + p], tuple(sds), tuple(factors), tuple(own))

    def _standardised(self, k: int, dense: np.ndarray, effects: np.ndarray) -> np.ndarray:
        """Return the standardised effects of the k-th factor, shape (S, G, q)."""
        if k == 0:
            return effects
        groups, q, first = self.sums.factors[k]
        return dense[:, first : first + groups * q].reshape(len(dense), groups, q)


def _combined(sums: Gram, columns: list[int], away: np.ndarray) -> np.ndarray:
    """Return columns less given numbers as combinations of v, whose own columns are less their shifts."""
    found = np.eye(len(sums.columns))[:, columns]
    found[0] += sums.shift[columns] - away
    return found
