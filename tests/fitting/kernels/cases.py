"""Rows of every family under every link, with constant and with varying parameters, as kernels take them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bayessynth import families
from bayessynth.families import Family, Parameter, inverse
from bayessynth.families.curing import CURED
from bayessynth.fitting import kernels
from bayessynth.fitting.kernels.links import CODES

N = 40
LEVELS = 4


@dataclass(frozen=True)
class Case:
    """Arguments of a kernel, and what ``Family.logp`` needs for the same rows.

    ``links`` has one name for each row of ``eta``; a parameter marked ``constant`` has its value in the first row alone
    (elsewhere eta holds NaN, which nothing may read).
    """

    family: Family
    links: tuple[str, ...]
    constant: tuple[bool, ...]
    options: dict[str, Any]
    y: np.ndarray
    eta: np.ndarray
    vector: np.ndarray
    weight: np.ndarray

    def call(self, order: int = 2) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return logp (n,), grad (P, n), grad_vector (K,) and curvature (n,)."""
        n, rows = len(self.y), kernels.get(self.family.name)
        assert rows is not None
        found = np.zeros(n), np.zeros(self.eta.shape), np.full(len(self.vector), np.nan), np.zeros(n)
        options = np.array(self.options.get("points", self.options.get("cuts", ())), dtype=float)
        if "link" in self.options:
            options = np.array([float(CODES[self.options["link"]])])
        links = np.array([CODES[link] for link in self.links], dtype=np.int64)
        rows(
            self.y,
            self.beside(),
            self.eta,
            np.array(self.constant),
            links,
            self.vector,
            options,
            self.weight,
            order,
            *found,
        )
        return found

    def beside(self) -> np.ndarray:
        """Return what stands beside the values as kernels take it."""
        wanted = self.family.beside if self.family.beside.keys() & self.options.keys() else {}
        found = [np.asarray(self.options.get(name, default), dtype=float) for name, default in wanted.items()]
        columns = [np.broadcast_to(v, self.y.shape) for v in found]
        return np.ascontiguousarray(np.stack(columns, axis=1)) if columns else np.empty((len(self.y), 0))

    def moved(self, row: int, by: np.ndarray | float) -> Case:
        """Return the case with a row of eta shifted."""
        eta = self.eta.copy()
        eta[row] += by
        return replace(self, eta=eta)

    def filled(self) -> Case:
        """Return the case with its constant parameters in every row."""
        eta = np.where(np.array(self.constant)[:, None], self.eta[:, :1], self.eta)
        return replace(self, eta=eta, constant=(False,) * len(eta))

    def reference(self) -> np.ndarray:
        """Return what the family says of the rows."""
        params, options = natural(self.family, self.links, self.filled().eta), dict(self.options)
        for v in self.family.vectors:
            if len(self.vector):
                params[v.name] = self.vector
        return self.family.logp(self.y, **params, **options)


def natural(family: Family, links: tuple[str, ...], eta: np.ndarray) -> dict[str, Any]:
    """Return the parameters on their own scales."""
    if family.multinomial:
        return {family.parameters[0].name: eta.T}
    found = {p.name: inverse(link, row) for p, link, row in zip(family.parameters, links, eta, strict=True)}
    if "link" in family.options:  # the family applies it itself
        found[family.parameters[0].name] = eta[0]
    return found


def made(family: Family, links: tuple[str, ...], constant: tuple[bool, ...], options: dict[str, Any]) -> Case:
    """Return rows drawn from the family at predictors drawn around moderate places."""
    rng = np.random.default_rng(1)
    eta = 0.7 * rng.standard_normal((len(links), N)) + 0.4
    vector = np.empty(0)
    params: dict[str, Any] = {}
    for v in family.vectors:
        length = v.length(LEVELS, options)
        vector = rng.dirichlet(np.ones(length)) if v.constraint == "simplex" else rng.standard_normal(length)
        vector = np.sort(vector) if v.constraint == "ordered" else vector
        params |= {v.name: vector} if length else {}
    full = np.where(np.array(constant)[:, None], eta[:, :1], eta)
    y = family.sample(rng, N, **natural(family, links, full), **params, **options)
    eta[np.array(constant), 1:] = np.nan
    return Case(family, links, constant, options, np.asarray(y, dtype=float), eta, vector, np.empty(0))


def _links(family: Family) -> Iterator[tuple[str, ...]]:
    """Yield all links of each parameter beside the default ones of the others, and all last ones together."""
    if family.multinomial:
        yield family.parameters[0].links[:1] * (LEVELS - 1)
        return
    usual: list[Parameter] = list(family.parameters)
    yield tuple(p.links[0] for p in usual)
    for i, p in enumerate(usual):
        for link in p.links[1:]:
            yield tuple(link if i == j else q.links[0] for j, q in enumerate(usual))
    last = tuple(p.links[-1] for p in usual)
    if sum(len(p.links) > 1 for p in usual) > 1:
        yield last


def _constant(p: int, multinomial: bool) -> Iterator[tuple[bool, ...]]:
    others = range(1, 1 if multinomial else p)
    for mask in range(2 ** len(others)):
        chosen = [False] * p
        for bit, i in enumerate(others):
            chosen[i] = bool(mask >> bit & 1)
        yield tuple(chosen)


def _all() -> Iterator[tuple[str, Case]]:
    for name in (*families.names(), *CURED):
        family = families.get(name)
        if not family.parameters:
            continue
        for example in family.examples:
            for links in _links(family):
                options = dict(example)
                if "link" in options and options["link"] != links[0]:
                    continue
                for constant in _constant(len(links), family.multinomial):
                    marks = "".join("c" if c else "v" for c in constant)
                    label = "-".join([name, *dict.fromkeys(links), marks, *map(str, example.values())])
                    yield label, made(family, links, constant, options)


def censored(case: Case) -> Case:
    """Return rows of times with events, censored times, intervals from a time and from 0, and delayed entry."""
    rng = np.random.default_rng(2)
    y, kind = case.y.copy(), np.arange(N) % 5
    upper = np.where(kind >= 3, y * rng.uniform(1.01, 3.0, N), 0.0)
    y[kind == 4] = 0.0
    entry = np.where(rng.random(N) < 0.4, 0.7 * y, 0.0)
    beside = {"event": (kind != 1).astype(float), "entry": entry, "upper": upper}
    return replace(case, y=y, options={**case.options, **beside})


def _censored() -> Iterator[tuple[str, Case]]:
    for name, case in _all():
        if "event" in case.family.beside:
            yield f"{name}-censored", censored(case)


CASES = dict(_all()) | dict(_censored())
