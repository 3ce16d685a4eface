"""The piecewise-exponential family with a cured share: a part of the records never has the event.

Parameters: those of ``piecewise``, rate and the baseline,
and susceptible, the probability of not being cured, by the logit (:mod:`bayessynth.families.curing`).
``Survival(…, cure="~ x")`` stands for this family with the formula ``susceptible ~ x``.


>>> from bayessynth import families
>>> families.get("cure_piecewise").logp([50.0], rate=1.0, susceptible=0.6, event=0).round(3).tolist()
[-0.916]
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bayessynth.families.curing import cured
from bayessynth.families.piecewise import FAMILY, graph
from bayessynth.families.registry import register


def _graph(pm: Any, value: Any, own: Mapping[str, Any], beside: Mapping[str, Any], fixed: Mapping[str, Any]) -> Any:
    return graph(pm, value, own["rate"], own.get("baseline"), fixed.get("cuts", ()), beside)


register(cured(FAMILY, _graph))
