"""A component as a PyMC model: this graph is what the equation means."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from bayessynth.design import Component, GroupDesign, Predictor, dim, safe
from bayessynth.design.centring import centred, reliability
from bayessynth.errors import SpecError
from bayessynth.families import Prior, inverse_graph
from bayessynth.graph.autoregression import followed


def build(component: Component) -> pm.Model:
    """Build the PyMC model of a component.

    Parameters
    ----------
    component : Component

    Returns
    -------
    pymc.Model
        With named dims: ``row``, the grouping factors, and a ``…_level`` dim for each term with levels. Data are
        ``pm.Data``, so the model can be conditioned on other rows.

    Raises
    ------
    SpecError
        If the equation shares group effects with others: its model is that of all of them.
    """
    shared = [g.shared for p in component.equation.predictors.values() for g in p.groups if g.shared]
    if shared:
        raise SpecError(
            f"The equation for {component.equation.response!r} shares the group effects {shared[0]!r}: its model is "
            "that of all equations which do, bayessynth.graph.build_joint(…)."
        )
    return Builder(component.expanded()).model()


class Builder:
    """Builds one component's model, parameter by parameter.

    Parameters
    ----------
    component : Component
        Every row once.
    row : str
        Name of the dim of rows.
    """

    def __init__(self, component: Component, row: str = "row") -> None:
        self.component = component
        self.row = row
        # Effects that are shared with other terms, by predictor and position of the term.
        self.shared: dict[tuple[str, int], list[Any]] = {}
        # What predictors have in common for all groups, once it is made.
        self.made: dict[str, tuple[Any, Any]] = {}
        self.equation = component.equation
        self.family = component.family
        self.column = safe(component.equation.response)
        self.categories = self.equation.levels[1:] if self.family.multinomial else ()

    def model(self) -> pm.Model:
        """Return the model of the component alone."""
        with pm.Model(coords=self.coords()) as model:
            self.prepare()
            self.fill()
        return model

    def coords(self) -> dict[str, Any]:
        """Return the coords of rows, groups and categories."""
        coords: dict[str, Any] = {self.row: np.arange(len(self.component.y))}
        coords |= {dim(factor): list(labels) for factor, labels in self.component.labels.items()}
        if self.categories:
            coords[dim(f"{self.column}_category")] = list(self.categories)
        return coords

    def prepare(self) -> None:
        """Make what terms refer to: the group of every row."""
        self.index = {
            factor: pm.Data(f"{self.column}_{safe(factor)}_index", index.astype("int64"), dims=self.row)
            for factor, index in self.component.index.items()
        }

    def fill(self) -> None:
        """Make all parameters and the likelihood."""
        params = {p.name: self.parameter(p.name) for p in self.family.parameters}
        params |= self.vectors()
        options = dict(self.equation.options)
        for name, values in self.component.beside.items():
            dims = self.row if np.ndim(values) < 2 else (self.row, None)
            options[name] = pm.Data(f"{self.column}_{name}", values, dims=dims)
        y = self.component.y.astype("int64" if self.family.discrete else "float64")
        observed = pm.Data(f"{self.column}_observed", y, dims=self.row)
        if self.component.chain is not None:
            params |= followed(self, self.component.chain, params)
        self.family.dist(pm, self.column, params, **options, observed=observed, dims=self.row)

    def deviations(self, parameter: str, position: int) -> list[Any]:
        """Make the standard deviations of a term's effects, before the effects."""
        group = self.equation.predictors[parameter].groups[position]
        prefix = self.prefix(parameter)
        return [self.prior(f"{prefix}{effect}|{group.factor}_sd") for effect in group.effects]

    def centre_of(self, parameter: str, position: int) -> Any:
        """Return what a term's groups are sampled around; None where they are sampled non-centred."""
        predictor = self.equation.predictors[parameter]
        group = predictor.groups[position]
        if not (group.intercept and centred(self.component, group.factor)):
            return None
        slopes, intercept = self.common(predictor)
        return self.centre(predictor, group, intercept, slopes) if group is self.around(predictor) else 0.0

    def prefix(self, parameter: str) -> str:
        """Return the prefix of a parameter's keys in ``priors=``."""
        return "" if self.family.parameters[0].name == parameter else f"{parameter}_"

    def prior(self, name: str, **kwargs: Any) -> Any:
        """Make the variable of a parameter, by its key in ``priors=``."""
        return self.equation.priors[name].dist(pm, self.named(name), **kwargs)

    def named(self, name: str) -> str:
        """Return a key's name in the model."""
        return f"{self.column}_{safe(name)}"

    def parameter(self, name: str) -> Any:
        """Make a parameter of the family: a number, or what its predictor's link makes of every row."""
        if name not in self.equation.predictors:
            return self.prior(name)
        eta = self.predictor(self.equation.predictors[name])
        return inverse_graph(self.equation.links[name], eta, pm)

    def predictor(self, predictor: Predictor) -> Any:
        """Build a linear predictor, of shape (n,) or, for categories, (n, K-1)."""
        prefix = self.prefix(predictor.parameter)
        slopes, intercept = self.common(predictor)
        eta: Any = intercept
        if slopes is not None:
            matrix = pm.Data(self.named(f"{prefix}matrix"), self.component.matrices[predictor.parameter])
            eta = eta + pm.math.dot(matrix, slopes)
        if predictor.parameter in self.component.offsets:
            offset = pm.Data(self.named(f"{prefix}offset"), self.component.offsets[predictor.parameter], dims=self.row)
            eta = eta + (offset[:, None] if self.categories else offset)
        around = self.around(predictor)
        for i, group in enumerate(predictor.groups):
            columns = self.component.effects[predictor.parameter][i]
            if group.shared:
                eta = eta + self.on_rows(group, prefix, columns, self.shared[predictor.parameter, i])
                continue
            centre = self.centre(predictor, group, intercept, slopes) if group is around else 0.0
            eta = eta + self.group_effects(group, prefix, columns, centre)
        if not predictor.terms and not predictor.groups and self.categories:
            eta = eta + pt.zeros((len(self.component.y), len(self.categories)))
        return eta

    def common(self, predictor: Predictor) -> tuple[Any, Any]:
        """Make the coefficients and the intercept of a predictor, once."""
        if predictor.parameter not in self.made:
            first, prefix = self.family.parameters[0].name == predictor.parameter, self.prefix(predictor.parameter)
            category = (dim(f"{self.column}_category"),) if self.categories else ()
            slopes = self.slopes(predictor, prefix, category)
            has_intercept = predictor.intercept and not (first and not self.family.intercept)
            intercept = self.intercept(predictor, prefix, category, slopes) if has_intercept else 0.0
            self.made[predictor.parameter] = slopes, intercept
        return self.made[predictor.parameter]

    def around(self, predictor: Predictor) -> GroupDesign | None:
        """Return the term whose groups are sampled around the intercept instead of around zero, if any is.

        With a few large groups intercept and effects are known well in sum and badly apart (hierarchical centring,
        Gelfand, Sahu & Carlin 1995).
        """
        groups = [g for g in predictor.groups if g.intercept and centred(self.component, g.factor)]
        return max(groups, key=lambda g: reliability(self.component, g.factor), default=None)

    def centre(self, predictor: Predictor, group: GroupDesign, intercept: Any, slopes: Any) -> Any:
        """Return what groups are sampled around: the intercept and the columns that are constant within groups.

        Their coefficients, as the intercept, are known from the groups' levels alone.
        """
        matrix, index = self.component.matrices[predictor.parameter], self.component.index[group.factor]
        rows = np.zeros(len(self.component.labels[group.factor]), dtype="int64")
        rows[index] = np.arange(len(index))
        constant = np.flatnonzero((matrix == matrix[rows][index]).all(axis=0))
        if slopes is None or not len(constant):
            return intercept
        return intercept + pm.math.dot(matrix[rows][:, constant], slopes[constant])

    def slopes(self, predictor: Predictor, prefix: str, category: tuple[str, ...]) -> Any:
        """Make the coefficients of all terms, one below the other."""
        parts = []
        for term in predictor.terms:
            dims: tuple[str, ...] = ()
            if term.labels:
                dims = (dim(self.named(f"{prefix}{term.name}_level")),)
                pm.modelcontext(None).add_coord(dims[0], list(term.labels))
            value = self.prior(f"{prefix}{term.name}", dims=(*dims, *category) or None)
            parts.append(value if term.labels else value[None])
        if not parts:
            return None
        slopes = pt.concatenate(parts) if len(parts) > 1 else parts[0]
        self.means = np.asarray(predictor.means)
        return slopes

    def intercept(self, predictor: Predictor, prefix: str, category: tuple[str, ...], slopes: Any) -> Any:
        """Make the intercept; with terms, sampled at their means and reported where all columns are zero."""
        name = f"{prefix}Intercept"
        if not predictor.centred:
            return self.prior(name, dims=category or None)
        centred = self.equation.priors[name].dist(pm, self.named(f"{name}~centred"), dims=category or None)
        pm.Deterministic(self.named(name), centred - pm.math.dot(np.asarray(predictor.means), slopes),
                         dims=category or None)  # fmt: skip
        return centred

    def vectors(self) -> dict[str, Any]:
        """Make the family's vector-valued parameters; thresholds move with the predictor's means."""
        made: dict[str, Any] = {}
        for vector in self.family.vectors:
            length = vector.length(len(self.equation.levels), self.equation.options)
            if not length:
                continue
            level = dim(self.named(f"{vector.name}_level"))
            pm.modelcontext(None).add_coord(level, list(range(1, length + 1)))
            shift = self.threshold_shift() if vector.constraint == "ordered" else None
            name = self.named(vector.name) + ("~centred" if shift is not None else "")
            prior = self.equation.priors[vector.name]
            made[vector.name] = vector.dist(pm, name, length, prior, self.equation.options, dims=level)
            if shift is not None:
                pm.Deterministic(self.named(vector.name), made[vector.name] + shift, dims=level)
        return made

    def threshold_shift(self) -> Any:
        """Return the predictor at the means of its columns, None where they are not centred."""
        parent = self.equation.predictors[self.family.parameters[0].name]
        if not parent.centred:
            return None
        model = pm.modelcontext(None)
        parts = [model[self.named(t.name)] if t.labels else model[self.named(t.name)][None] for t in parent.terms]
        return pm.math.dot(np.asarray(parent.means), pt.concatenate(parts) if len(parts) > 1 else parts[0])

    def group_effects(self, group: GroupDesign, prefix: str, columns: np.ndarray, centre: Any) -> Any:
        """Make the effects of one group-specific term and return their part of the predictor."""
        factor = dim(group.factor)
        category = (dim(f"{self.column}_category"),) if self.categories else ()
        sds = [self.prior(f"{prefix}{effect}|{group.factor}_sd", dims=category or None) for effect in group.effects]
        if group.correlated:
            effects = self.correlated(group, prefix, sds, centre)
        else:
            effects = [
                self.independent(group, f"{prefix}{effect}", sd, (factor, *category), centre if effect == "1" else None)
                for effect, sd in zip(group.effects, sds, strict=True)
            ]
        return self.on_rows(group, prefix, columns, effects)

    def on_rows(self, group: GroupDesign, prefix: str, columns: np.ndarray, effects: list[Any]) -> Any:
        """Return the part of the predictor that effects of groups have, (n,) or, for categories, (n, K-1)."""
        index = self.index[group.factor]
        parts = []
        for j, effect in enumerate(effects):
            own = effect[index]
            if (columns[:, j] != 1.0).any():
                data = pm.Data(
                    self.named(f"{prefix}{group.effects[j]}|{group.factor}_column"), columns[:, j], dims=self.row
                )
                own = own * (data[:, None] if self.categories else data)
            parts.append(own)
        return sum(parts[1:], start=parts[0])

    def independent(self, group: GroupDesign, effect: str, sd: Any, dims: tuple[str, ...], centre: Any) -> Any:
        """Make effects that are independent of the group's others; slopes, less known, have no centre."""
        name = self.named(f"{effect}|{group.factor}")
        if centre is not None and centred(self.component, group.factor):
            around = pm.Normal(f"{name}~around", centre, sd, dims=dims)
            return pm.Deterministic(name, around - centre, dims=dims)
        offset = pm.Normal(f"{name}~offset", 0.0, 1.0, dims=dims)
        return pm.Deterministic(name, offset * sd, dims=dims)

    def correlated(self, group: GroupDesign, prefix: str, sds: list[Any], centre: Any) -> list[Any]:
        """Make correlated effects from a Cholesky factor of their correlation matrix."""
        factor, size = dim(group.factor), len(group.effects)
        prior: Prior = self.equation.priors[f"{prefix}{group.factor}_corr"]
        name = self.named(f"{prefix}{group.factor}_corr")
        model = pm.modelcontext(None)
        dims = (dim(f"{name}_effect"), dim(f"{name}_effect_bis"))
        for side in dims:
            model.add_coord(side, list(group.effects))
        cholesky = prior.dist(pm, f"{name}~cholesky", n=size)
        pm.Deterministic(name, cholesky @ cholesky.T, dims=dims)
        if group.intercept and centred(self.component, group.factor):
            # The first row of the Cholesky factor is (1, 0, …), so the groups' levels can be sampled by themselves.
            around = pm.Normal(f"{name}~around", centre, sds[0], dims=factor)
            others = pm.Normal(f"{name}~offset", 0.0, 1.0, shape=(len(self.component.labels[group.factor]), size - 1))
            offset = pt.concatenate([((around - centre) / sds[0])[:, None], others], axis=1)
        else:
            offset = pm.Normal(f"{name}~offset", 0.0, 1.0, dims=(factor, dims[0]))
        effects = offset @ (pt.stack(sds)[:, None] * cholesky).T
        return [
            pm.Deterministic(self.named(f"{prefix}{effect}|{group.factor}"), effects[:, j], dims=factor)
            for j, effect in enumerate(group.effects)
        ]
