"""Equations that share group effects, fitted as one component."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from bayessynth.design import Bound, Component, Shared
from bayessynth.errors import EngineWarning, FitError, warn
from bayessynth.fitting.engines.nutpie import USUAL_ACCEPT, Native, explained, sample_compiled, statistics
from bayessynth.fitting.engines.pymc import as_posterior, sample_model
from bayessynth.fitting.engines.settings import Settings
from bayessynth.fitting.joint_density import JointDensity, unserved_joint
from bayessynth.fitting.kernels import joint as kernels
from bayessynth.fitting.posterior import Posterior
from bayessynth.fitting.threads import one_thread

if TYPE_CHECKING:
    import pymc as pm

#: Engines that fit equations jointly, the fastest first; the last is the reference.
ENGINES = ("kernel", "pymc")


@dataclass(frozen=True)
class Joint:
    """Equations with the group effects that they share.

    Attributes
    ----------
    components : tuple of Component
    shared : tuple of Shared
    """

    components: tuple[Component, ...]
    shared: tuple[Shared, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The equations' columns."""
        return tuple(c.equation.response for c in self.components)

    def model(self) -> pm.Model:
        """Build the PyMC model of all its equations."""
        from bayessynth.graph import build_joint

        return build_joint(self.components, self.shared)


def joint(bound: Bound, components: Mapping[str, Component], column: str) -> Joint:
    """Return the equations that are fitted with one.

    Parameters
    ----------
    bound : Bound
    components : mapping of str to Component
        At least those of these equations.
    column : str
    """
    columns = bound.together(column)
    blocks = tuple(block for block in bound.shared if set(block.responses) & set(columns))
    return Joint(tuple(components[c] for c in columns), blocks)


def check_joint(bound: Bound, imputed: Collection[str], engine: str) -> None:
    """Refuse, before anything is fitted, what equations that share effects cannot be fitted with.

    Parameters
    ----------
    bound : Bound
    imputed : collection of str
        Equations that missing cells join.
    engine : str

    Raises
    ------
    FitError
        If the engine fits one equation at a time, or missing cells would have to be drawn with the parameters.
    """
    for columns in bound.joined:
        listed = ", ".join(map(repr, columns))
        if engine not in ("auto", *ENGINES):
            raise FitError(
                f"engine={engine!r} fits one equation at a time, and those for {listed} share group effects. Use "
                f"engine='auto', or {' or '.join(map(repr, ENGINES))}."
            )
        if set(columns) & set(imputed):
            raise FitError(
                f"Missing cells would have to be drawn with the parameters of the equations for {listed}, which share "
                "group effects; that is not available. Say missing='drop', or give each equation effects of its own, "
                "(1 | g)."
            )


def fit_joint(own: Joint, engine: str, settings: Settings, seed: int) -> list[Posterior]:
    """Fit equations that share effects, by NUTS.

    Parameters
    ----------
    own : Joint
    engine : str
        ``"auto"``, or one of :data:`ENGINES`.
    settings : Settings
    seed : int

    Returns
    -------
    list of Posterior
        One an equation, with the same statistics of the sampler; the correlation stands with the first of its
        equations.

    Raises
    ------
    FitError
        If the engine cannot fit these equations, or the sampler cannot start.

    Warns
    -----
    EngineWarning
        If the PyMC model has to be compiled because no kernel serves an equation.
    """
    listed = ", ".join(map(repr, own.columns))
    reason = None if engine == "pymc" else unserved_joint(own.components)
    if reason and engine == "kernel":
        raise FitError(f"The equations for {listed}, which share effects, cannot be fitted by 'kernel': {reason}.")
    if reason:
        warn(f"Equations for {listed}: {reason}, so their PyMC model is compiled, which is slower.", EngineWarning)
    if reason or engine == "pymc":
        return _by_pymc(own, settings, seed, {"kernel": reason} if reason else {})
    return _by_kernel(own, settings, seed)


def _by_kernel(own: Joint, settings: Settings, seed: int) -> list[Posterior]:
    start = time.perf_counter()
    with one_thread(), explained(", ".join(own.columns)):
        density = JointDensity(own.components, own.shared)
        model = Native(density.size, density, kernels.addresses())
        tree = sample_compiled(model, settings, seed, USUAL_ACCEPT)
        if statistics(tree)["diverging"].any():
            tree = sample_compiled(model, settings, seed)
        theta = tree["posterior"].to_dataset()["theta"].values.reshape(-1, density.size)
        return density.posteriors(theta, chains=settings.chains, stats=statistics(tree), engine="kernel",
                                  seconds=time.perf_counter() - start)  # fmt: skip


def _by_pymc(own: Joint, settings: Settings, seed: int, refused: Mapping[str, str]) -> list[Posterior]:
    start = time.perf_counter()
    with threadpool_limits(1):
        model = own.model()
        tree = sample_model(model, settings, seed, ", ".join(own.columns))
    whole = as_posterior(model, tree, own.columns[0], time.perf_counter() - start)
    return [_part(whole, component, own.shared, refused) for component in own.components]


def _part(whole: Posterior, component: Component, shared: Sequence[Shared], refused: Mapping[str, str]) -> Posterior:
    """Return one equation's part of a joint posterior."""
    column = component.equation.response
    names = {*component.equation.variables, *(b.name for b in shared if b.responses[0] == column)}
    variables = {name: own for name, own in whole.variables.items() if name in names}
    dims = {d for own, _ in variables.values() for d in own}
    coords = {d: values for d, values in whole.coords.items() if d in dims}
    return replace(whole, column=column, variables=variables, coords=coords, refused=refused)
