"""The Weibull family with a cured share: a part of the records never has the event.

Parameters: those of ``weibull``, scale and alpha,
and susceptible, the probability of not being cured, by the logit (:mod:`bayessynth.families.curing`).
``Survival(…, cure="~ x")`` stands for this family with the formula ``susceptible ~ x``.


>>> from bayessynth import families
>>> families.get("cure_weibull").logp([50.0], scale=1.0, alpha=2.0, susceptible=0.6, event=0).round(3).tolist()
[-0.916]
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bayessynth.families import lifetimes
from bayessynth.families.curing import cured
from bayessynth.families.registry import register
from bayessynth.families.weibull import FAMILY, GUMBEL


def _graph(pm: Any, value: Any, own: Mapping[str, Any], beside: Mapping[str, Any], fixed: Mapping[str, Any]) -> Any:
    return lifetimes.graph(GUMBEL, value, pm.math.log(own["scale"]), own["alpha"], beside, pm)


register(cured(FAMILY, _graph))
