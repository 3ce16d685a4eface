"""A table model of few cells with known coefficients, releases of its records, and regressions of pooled copies."""

from __future__ import annotations

import time
import warnings
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.special import expit

import bayessynth as bs
from bayessynth.fitting.noise_aware.tables import fit_tables
from bayessynth.inference.combining import RULES, interval, variance
from bayessynth.privacy import NoisyMarginals
from bayessynth.privacy.accounting import rho_of

SIZES = {"age": 3, "race": 2, "sex": 2, "income": 2}
NAMES = ("Intercept", "age 2", "age 3", "race", "sex")
#: Log odds of a high income: the conditional of income in a log-linear model of pairs is a logistic regression.
TRUTH = np.array([-1.6, 1.2, 0.9, -0.5, 0.8])
COPIES = 100


def design() -> np.ndarray:
    """Return the regressors of the cells of age, race and sex."""
    age, race, sex = (a.ravel() for a in np.indices((3, 2, 2)))
    return np.column_stack([np.ones(12), age == 1, age == 2, race, sex]).astype(float)


def probabilities() -> np.ndarray:
    """Return the probability of every cell, one axis a column."""
    age, race, sex, income = np.indices((3, 2, 2, 2))
    others = -0.1 * age - 1.5 * race + 0.2 * sex + 0.15 * age * race - 0.2 * age * sex + 0.3 * race * sex
    log_p = others + income * (design() @ TRUTH).reshape(3, 2, 2, 1)
    p = np.exp(log_p)
    return p / p.sum()


def release(counts: np.ndarray, cliques: list[tuple[str, ...]], rho: float, rng: np.random.Generator) -> NoisyMarginals:
    """Return tables of counts with continuous Gaussian noise; records are added or removed, n is private."""
    names, variance_ = list(SIZES), len(cliques) / (2 * rho)
    tables = []
    for clique in cliques:
        table = counts.sum(axis=tuple(i for i, name in enumerate(names) if name not in clique))
        tables.append(table + np.sqrt(variance_) * rng.standard_normal(table.shape))
    cells = {name: tuple(map(str, range(size))) for name, size in SIZES.items()}
    return NoisyMarginals(tuple(cliques), cells, tuple(tables), variance_, None)


CLIQUES = {"pairs": list(combinations(SIZES, 2)), "one table": [tuple(SIZES)]}


def logistic(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return coefficients and their squared standard errors of income, from counts of all cells (Newton's method)."""
    x, high, all_ = design(), counts[..., 1].ravel(), counts.sum(axis=-1).ravel()
    beta = np.zeros(x.shape[1])
    for _ in range(25):
        p = expit(x @ beta)
        information = (x * (all_ * p * (1 - p))[:, None]).T @ x
        step = np.linalg.solve(information, x.T @ (high - all_ * p))
        beta = beta + step
        if np.abs(step).max() < 1e-9:
            break
    return beta, np.diag(np.linalg.inv(information))


def pooled(noisy: NoisyMarginals, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the limits of 95 % intervals of the coefficients from pooled copies."""
    posterior = fit_tables([noisy], COPIES, random_seed=seed)
    rng = np.random.default_rng(seed)
    q, v = np.empty((COPIES, len(TRUTH))), np.empty((COPIES, len(TRUTH)))
    for j in range(COPIES):
        codes = posterior.sample(j, None, rng)
        place = np.ravel_multi_index([codes[name] for name in SIZES], tuple(SIZES.values()))
        q[j], v[j] = logistic(np.bincount(place, minlength=24).reshape(tuple(SIZES.values())))
    found = variance(RULES["rrr"], q.var(axis=0, ddof=1), v.mean(axis=0), COPIES, 1.0)
    return interval(q.mean(axis=0), found)


def simulate(kind: str, n: int, epsilon: float, repetitions: int, seed: int) -> pd.DataFrame:
    """Return coverage and median width of the intervals, beside those without privacy, one row a coefficient."""
    rho, p, begun = rho_of(epsilon, 1e-5), probabilities(), time.perf_counter()
    inside, widths, plain = [], [], []
    for own in range(seed, seed + repetitions):
        rng = np.random.default_rng(own)
        counts = rng.multinomial(n, p.ravel()).reshape(p.shape).astype(float)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", bs.errors.DiagnosticsWarning)
            low, high = pooled(release(counts, CLIQUES[kind], rho, rng), own)
        inside.append((low < TRUTH) & (high > TRUTH))
        widths.append(high - low)
        plain.append(2 * 1.96 * np.sqrt(logistic(counts)[1]))
    return pd.DataFrame({
        "tables": kind, "n": n, "coefficient": NAMES, "coverage": np.mean(inside, axis=0),
        "width": np.median(widths, axis=0), "against no privacy": np.median(np.array(widths) / plain, axis=0),
        "seconds": (time.perf_counter() - begun) / repetitions,
    })  # fmt: skip
