"""The log density of an equation's parameters and its gradient, from compiled kernels: what its PyMC graph computes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from bayessynth import families
from bayessynth.design import BoundEquation, Component
from bayessynth.families import Prior
from bayessynth.fitting import kernels
from bayessynth.fitting.kernels import chunks, whole
from bayessynth.fitting.kernels import vectors as vector_kernels
from bayessynth.fitting.kernels.links import CODES
from bayessynth.fitting.kernels.tables import Tables
from bayessynth.fitting.kernels.vectors import Ordered, Simplex, Vector, Walk
from bayessynth.fitting.parameters import AUTOREGRESSIVE, Parameters, layout, unserved
from bayessynth.fitting.program import program
from bayessynth.fitting.threads import in_threads
from bayessynth.spec.equation import AR

_NOTHING = np.empty(0)


def unserved_family(equation: BoundEquation) -> str | None:
    """Return why the kernels cannot serve an equation, or None if they can."""
    if kernels.get(equation.family) is None:
        return f"family {equation.family!r} has no kernel"
    return unserved(equation)


def unserved_apart(equation: BoundEquation) -> str | None:
    """Return why the kernels cannot serve an equation whose rows are independent given the effects, or None."""
    return AUTOREGRESSIVE if equation.ar else unserved_family(equation)


class Density:
    """Log density (up to a constant) and gradient of a component's unconstrained parameters.

    Parameters
    ----------
    component : Component
    without : str, optional
        A factor whose effects are no parameters here.

    Attributes
    ----------
    parameters : Parameters
    program : Program
    vectors : mapping of str to Ordered, Simplex or Walk
        Vector-valued parameters.
    rows, tables, laid : Rows, Tables, Vectors
        What the compiled functions take: the family's kernel, all arrays, and the vector-valued parameters as arrays.
    """

    def __init__(self, component: Component, without: str | None = None) -> None:
        # Rows sorted by group: their effects are read, and their gradients summed, in order.
        main = without or max(component.index, key=lambda factor: len(component.labels[factor]), default=None)
        component = component if main is None else by_group(component, main)[0]
        self.component = component
        self.equation = component.equation
        self.family = families.get(self.equation.family)
        rows = kernels.get(self.equation.family)
        assert rows is not None  # unserved_family() was asked
        self.rows = rows
        sizes = {factor: len(labels) for factor, labels in component.labels.items()}
        self.parameters: Parameters = layout(self.equation, sizes, [without] if without else [])
        self.program = program(component, self.parameters, without)
        self.vectors = _vectors(self.equation)
        places = {name: self.parameters.blocks[name].rows.start for name in self.vectors}
        self.laid = vector_kernels.vectors((places[name], vector) for name, vector in self.vectors.items())
        self.tables = self._tables()

    def _tables(self) -> Tables:
        parameters, p, made = self.family.parameters, self.parameters, self.program
        modelled = [parameter.name in self.equation.predictors for parameter in parameters]
        links = [self.equation.links[q.name] if m else q.links[0] for q, m in zip(parameters, modelled, strict=True)]
        scalars = [
            (i, p.blocks[q.name].rows.start, q.links[0] == "logit")
            for i, (q, m) in enumerate(zip(parameters, modelled, strict=True))
            if not m
        ]
        if self.family.multinomial:
            modelled, links = modelled[:1] * p.categories, links[:1] * p.categories
        known = self.equation.options
        options = np.asarray(known.get("points", known.get("cuts", ())), dtype=float)
        if "link" in self.equation.options:
            options = np.array([float(CODES[self.equation.options["link"]])])
        own, component = p.elements, self.component
        return Tables(
            own.code, own.arguments, own.transform, own.bounds,
            made.predictor_table, made.term_table, made.matrix, made.offsets, made.index, made.columns,
            made.columns_of, made.around, made.shapes, np.array(scalars, dtype=np.int64).reshape(-1, 3),
            np.array([p.categories]), np.array([made.widest]), component.y.astype(float),
            component.beside_table(),
            ~np.array(modelled), np.array([CODES[link] for link in links], dtype=np.int64), options,
            _NOTHING if component.weights is None else component.weights.astype(float), *self._chain(),
        )  # fmt: skip

    def _chain(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return the row before each, how long ago, its value, and the place of their autocorrelation."""
        chain, gaussian = self.component.chain, self.family.gaussian
        if chain is None or gaussian is None:
            return _NOTHING.astype(np.int64), _NOTHING, _NOTHING, np.array([-1])
        before = np.maximum(chain.before, 0)
        values = np.asarray(gaussian(self.component.y.astype(float)), dtype=float)
        place = self.parameters.blocks[AR].rows.start
        return before, np.where(chain.first, -1.0, chain.power), values[before], np.array([place])

    def vector(self, theta: np.ndarray) -> np.ndarray:
        """Return the vector-valued parameters side by side, shape (…, K)."""
        blocks = self.parameters.blocks
        parts = [v.forward(theta[..., blocks[name].rows]) for name, v in self.vectors.items()]
        return np.concatenate([*parts, np.empty((*theta.shape[:-1], 0))], axis=-1)

    def __call__(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the log density and its gradient, shape (size,)."""
        theta = np.ascontiguousarray(theta, dtype=float)
        grad = np.empty(len(theta))
        total = chunks.gradient(self.rows, self.tables, self.laid, theta, grad)
        return (total if np.isfinite(total) else -np.inf), grad

    def pull_vectors(self, theta: np.ndarray, space: whole.Space) -> float:
        """Return the log prior density of the vector-valued parameters; add their gradients."""
        return self._pull(theta, self.vector(theta), space.vector_slope, space.grad)

    def vector_priors(self, thetas: np.ndarray) -> np.ndarray:
        """Return the log prior densities of the vector-valued parameters, shape (S,)."""
        values, grad = self.vector(thetas), np.zeros(self.parameters.size)
        slope = np.zeros(values.shape[1])
        return np.array([self._pull(theta, value, slope, grad) for theta, value in zip(thetas, values, strict=True)])

    def _pull(self, theta: np.ndarray, value: np.ndarray, slope: np.ndarray, grad: np.ndarray) -> float:
        if not self.vectors:
            return 0.0
        return vector_kernels.pull_back(self.rows, self.laid, self.tables.options, theta, value, slope, grad)

    def values(self, thetas: np.ndarray, threads: int) -> np.ndarray:
        """Return the log densities at points, shape (S,)."""
        thetas = np.ascontiguousarray(thetas)
        if self.component.chain is not None:
            return np.array([self(theta)[0] for theta in thetas])
        vectors, out = self.vector(thetas), np.empty(len(thetas))
        in_threads(
            lambda rows: whole.values(self.rows, self.tables, thetas[rows], vectors[rows], out[rows]),
            len(thetas), threads,
        )  # fmt: skip
        return out + self.vector_priors(thetas)


def _simplex(prior: Prior, length: int) -> Simplex:
    a = np.broadcast_to(np.asarray(prior.params["a"], dtype=float).reshape(-1), (length,))
    return Simplex(tuple(a.tolist()))


_CONSTRAINTS: Mapping[str, Callable[[Prior, int], Vector]] = {"ordered": Ordered, "simplex": _simplex, "walk": Walk}


def _vectors(equation: BoundEquation) -> Mapping[str, Vector]:
    found: dict[str, Vector] = {}
    for vector in families.get(equation.family).vectors:
        length = vector.length(len(equation.levels), equation.options)
        if not length:
            continue
        found[vector.name] = _CONSTRAINTS[vector.constraint](equation.priors[vector.name], length)
    return found


def by_group(component: Component, factor: str) -> tuple[Component, np.ndarray]:
    """Return the component with its rows sorted by a factor's groups, and where each group starts, shape (G + 1,)."""
    index = component.index[factor]
    order = np.argsort(index, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(index, minlength=len(component.labels[factor])))])
    return component.take(order), starts.astype(np.int64)
