"""Evaluate a component's PyMC model at a random point, without compiling it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pymc as pm
import pytensor

from bayessynth import families
from bayessynth.design import Bound, Data, Effects, component, observed_effects, parameters
from bayessynth.graph import build

MODE = pytensor.compile.mode.Mode(linker="py", optimizer="fast_compile")
# Nothing is compiled, so no compiler and no BLAS need be found.
FLAGS = {"cxx": "", "mode": MODE}


@dataclass(frozen=True)
class Point:
    """A model's value variables at one point, and what the model says there."""

    inputs: dict[str, np.ndarray]
    named: dict[str, np.ndarray]
    observed: np.ndarray
    total: float


class Evaluator:
    """Returns all named variables, the log likelihood by row, and the log density of all without Jacobians."""

    def __init__(self, model: pm.Model) -> None:
        variables = [*model.free_RVs, *model.deterministics]
        self.names = [v.name for v in variables]
        self.inputs = [v.name for v in model.value_vars]
        (observed,) = model.logp(vars=model.observed_RVs, sum=False)
        outputs = [*model.replace_rvs_by_values(variables), observed, model.logp(jacobian=False)]
        with pytensor.config.change_flags(**FLAGS):
            self.function = pytensor.function(model.value_vars, outputs, mode=MODE, on_unused_input="ignore")
            start = model.initial_point(random_seed=1)
        self.start = {name: np.asarray(value) for name, value in start.items()}

    def __call__(self, inputs: dict[str, np.ndarray]) -> Point:
        *values, rows, total = self.function(*(inputs[name] for name in self.inputs))
        return Point(inputs, dict(zip(self.names, values, strict=True)), rows, float(total))

    def at_random(self, rng: np.random.Generator) -> Point:
        """Move every value variable a little from PyMC's start and evaluate there."""
        return self({name: value + 0.3 * rng.standard_normal(value.shape) for name, value in self.start.items()})


def by_numpy(bound: Bound, data: Data, column: str, values: dict[str, np.ndarray]) -> np.ndarray:
    """Return the log likelihood of every row by the road that generation takes."""
    equation, rows = bound[column], data.rows[column]
    index = {factor: data.grouping.codes[factor][rows] for factor in equation.factors}
    effects = Effects(observed_effects(equation, values), index)
    params = parameters(equation, data.at(column), len(rows), values, effects)
    return families.get(equation.family).logp(data.columns[column][rows], **params)


def build_for(bound: Bound, data: Data, column: str) -> pm.Model:
    """Return the model of one equation."""
    return build(component(bound, data, column))


def agree(bound: Bound, data: Data, column: str, seed: int = 1) -> Point:
    """Assert that graph and NumPy give every row the same log likelihood at two random points."""
    evaluator, rng = Evaluator(build_for(bound, data, column)), np.random.default_rng(seed)
    for _ in range(2):
        point = evaluator.at_random(rng)
        assert set(bound[column].variables) <= set(point.named)
        ours = by_numpy(bound, data, column, point.named)
        np.testing.assert_allclose(np.broadcast_to(point.observed, ours.shape), ours, rtol=1e-8, atol=1e-10)
    return point
