"""Which engine fits a component: the first of the ladder that serves it and whose result can be trusted.

An engine is a module of this folder with ``unserved(component) -> str | None``, the reason why it cannot fit an
equation, and ``sample(component, settings, seed) -> Posterior | str``, a posterior or why its own check refused it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module

from bayessynth.design import Component
from bayessynth.errors import EngineWarning, FitError, warn
from bayessynth.fitting.engines.settings import Settings
from bayessynth.fitting.posterior import Posterior

#: Engines whose draws are independent, the most exact first; each verifies itself.
INDEPENDENT = ("marginal", "laplace", "quadrature")
#: Engines that sample by NUTS; the last is the reference and serves everything.
NUTS = ("kernel", "pymc")
LADDER = (*INDEPENDENT, *NUTS)


def unserved(component: Component, names: Sequence[str]) -> dict[str, str]:
    """Return the engines that cannot fit a component, each with its reason, without trying."""
    found = {name: import_module(f"bayessynth.fitting.engines.{name}").unserved(component) for name in names}
    return {name: reason for name, reason in found.items() if reason}


def attempt(component: Component, names: Sequence[str], settings: Settings, seed: int) -> Posterior | dict[str, str]:
    """Try engines in turn.

    Returns
    -------
    Posterior or dict of str to str
        Or, where none could fit the component, each engine's reason.
    """
    reasons: dict[str, str] = {}
    for name in names:
        engine = import_module(f"bayessynth.fitting.engines.{name}")
        reason = engine.unserved(component)
        result = reason or engine.sample(component, settings, seed)
        if isinstance(result, Posterior):
            return replace(result, refused=reasons)
        reasons[name] = result
    return reasons


def sample(
    component: Component, names: Sequence[str], settings: Settings, seed: int, refused: Mapping[str, str]
) -> Posterior:
    """Fit a component by the first engine that can.

    Parameters
    ----------
    component : Component
    names : sequence of str
    settings : Settings
    seed : int
    refused : mapping of str to str
        Engines that were tried already, with their reasons; they are not tried again.

    Raises
    ------
    FitError
        If none can.

    Warns
    -----
    EngineWarning
        If the reference has to be compiled because no kernel serves the equation.
    """
    result = attempt(component, [name for name in names if name not in refused], settings, seed)
    response = component.equation.response
    if isinstance(result, dict):
        listed = "; ".join(f"{name!r}: {reason}" for name, reason in ({**refused, **result}).items())
        raise FitError(f"The equation for {response!r} cannot be fitted by {listed}. Use engine='auto'.")
    if result.engine == "pymc" and "kernel" in result.refused:
        warn(
            f"Equation for {response!r}: {result.refused['kernel']}, so its PyMC model is compiled, which is slower.",
            EngineWarning,
        )
    return replace(result, refused={**refused, **result.refused})
