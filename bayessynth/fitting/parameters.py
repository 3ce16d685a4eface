"""An equation's parameters as one unconstrained vector: the same variables and transforms as its PyMC model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayessynth import families
from bayessynth.design import BoundEquation, GroupDesign, Predictor
from bayessynth.families import Prior
from bayessynth.fitting.kernels import priors
from bayessynth.spec.equation import AR

# Why what takes rows apart does not serve an equation with ``ar=1``.
AUTOREGRESSIVE = "its residuals depend on those of the row before"


@dataclass(frozen=True)
class Block:
    """Entries of the vector that belong to one variable.

    Attributes
    ----------
    name : str
        Key of ``priors=``; of raw group effects the effect's name and factor.
    rows : slice
    shape : tuple of int
        Of the variable.
    """

    name: str
    rows: slice
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Parameters:
    """Where everything stands in the vector.

    First stand all numbers with a prior of their own (coefficients, standard deviations, scalars), then correlations
    and vectors, then the raw effects of groups.

    Attributes
    ----------
    equation : BoundEquation
    blocks : mapping of str to Block
    elements : Elements
        Priors and transforms of the numbers with a prior of their own.
    size : int
    """

    equation: BoundEquation
    blocks: Mapping[str, Block]
    elements: priors.Elements
    size: int

    @property
    def categories(self) -> int:
        """Predictors side by side: K-1 for a multinomial family, else 1."""
        return len(self.equation.levels) - 1 if families.get(self.equation.family).multinomial else 1

    def intercept(self, parameter: str) -> bool:
        """Tell whether a predictor has an intercept of its own."""
        family = families.get(self.equation.family)
        first = family.parameters[0].name == parameter
        return self.equation.predictors[parameter].intercept and (family.intercept or not first)

    def prefix(self, parameter: str) -> str:
        """Return the prefix of a predictor's keys in ``priors=``."""
        first = families.get(self.equation.family).parameters[0].name == parameter
        return "" if first else f"{parameter}_"


def unserved(equation: BoundEquation) -> str | None:
    """Return why an equation's priors cannot be laid out, or None if they can."""
    vectors = {v.name for v in families.get(equation.family).vectors}
    for name, prior in equation.priors.items():
        if not (priors.serves(prior) or prior.name == "LKJ" or name in vectors):
            return f"the prior {prior} of {name!r} is none of a single number"
    return None


def layout(equation: BoundEquation, sizes: Mapping[str, int], without: Sequence[str] = ()) -> Parameters:
    """Lay out an equation's parameters.

    Parameters
    ----------
    equation : BoundEquation
    sizes : mapping of str to int
        Number of groups, by factor.
    without : sequence of str
        Factors whose raw effects are left out, because they are integrated.
    """
    family = families.get(equation.family)
    categories = (len(equation.levels) - 1,) if family.multinomial else ()
    singles: list[tuple[str, tuple[int, ...]]] = []
    tail: list[tuple[str, int, tuple[int, ...]]] = []
    raw: list[tuple[str, int, tuple[int, ...]]] = []
    for i, parameter in enumerate(family.parameters):
        if parameter.name not in equation.predictors:
            singles.append((parameter.name, ()))
            continue
        predictor = equation.predictors[parameter.name]
        prefix = f"{parameter.name}_" if i else ""
        if predictor.intercept and (i > 0 or family.intercept):
            singles.append((f"{prefix}Intercept", categories))
        singles += [(f"{prefix}{t.name}", (*((t.width,) if t.labels else ()), *categories)) for t in predictor.terms]
        for group in predictor.groups:
            singles += [(f"{prefix}{effect}|{group.factor}_sd", categories) for effect in group.effects]
            q = len(group.effects)
            if group.correlated:
                tail.append((f"{prefix}{group.factor}_corr", q * (q - 1) // 2, (q, q)))
            if group.factor not in without:
                shape = (sizes[group.factor], q, *categories)
                raw.append((raw_name(prefix, group), int(np.prod(shape)), shape))
    if equation.ar:
        singles.append((AR, ()))
    levels = len(equation.levels)
    for vector in family.vectors:
        length = vector.length(levels, equation.options)
        if length:
            tail.append((vector.name, length - (vector.constraint == "simplex"), (length,)))
    blocks: dict[str, Block] = {}
    own: list[Prior] = []
    start = 0
    for name, shape in singles:
        blocks[name] = Block(name, slice(start, start + int(np.prod(shape))), shape)
        own += [equation.priors[name]] * int(np.prod(shape))
        start = blocks[name].rows.stop
    for name, length, shape in [*tail, *raw]:
        blocks[name] = Block(name, slice(start, start + length), shape)
        start += length
    return Parameters(equation, blocks, priors.elements(own), start)


def raw_name(prefix: str, group: GroupDesign) -> str:
    """Return the name of the block of a term's raw effects."""
    return f"{prefix}{'+'.join(group.effects)}|{group.factor}"


def coefficients(parameters: Parameters, predictor: Predictor, x: np.ndarray) -> np.ndarray:
    """Return the coefficients of all terms, shape (…, p, K-1), K-1 being 1 but for categories.

    Parameters
    ----------
    parameters : Parameters
    predictor : Predictor
    x : ndarray of shape (…, d)
        Constrained values.
    """
    prefix = parameters.prefix(predictor.parameter)
    parts = [
        x[..., parameters.blocks[f"{prefix}{t.name}"].rows].reshape(*x.shape[:-1], t.width, parameters.categories)
        for t in predictor.terms
    ]
    return np.concatenate(parts, axis=-2) if parts else np.zeros((*x.shape[:-1], 0, parameters.categories))


def slope_rows(parameters: Parameters, predictor: Predictor) -> slice:
    """Return where the coefficients of a predictor's terms stand; its terms stand side by side."""
    prefix = parameters.prefix(predictor.parameter)
    rows = [parameters.blocks[f"{prefix}{t.name}"].rows for t in predictor.terms]
    return slice(rows[0].start, rows[-1].stop) if rows else slice(0, 0)


def standard_deviations(parameters: Parameters, prefix: str, group: GroupDesign, x: np.ndarray) -> np.ndarray:
    """Return the standard deviations of a term's effects, shape (…, q, K-1)."""
    rows = sd_rows(parameters, prefix, group)
    return x[..., rows].reshape(*x.shape[:-1], len(group.effects), parameters.categories)


def sd_rows(parameters: Parameters, prefix: str, group: GroupDesign) -> slice:
    """Return where the standard deviations of a term's effects stand."""
    found = [parameters.blocks[f"{prefix}{effect}|{group.factor}_sd"].rows for effect in group.effects]
    return slice(found[0].start, found[-1].stop)


def scalar_parameters(equation: BoundEquation) -> list[Any]:
    """Return the family's parameters that no formula models."""
    return [p for p in families.get(equation.family).parameters if p.name not in equation.predictors]
