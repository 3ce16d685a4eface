"""Families: one file a distribution, with its sampler, log density, PyMC form and default priors.

To add one, add a file that calls :func:`register`; it is found by itself.

>>> get("normal").parameters[0].name
'mu'
"""

import importlib
import pkgutil

from bayessynth.families.family import Family, Parameter, Vector
from bayessynth.families.links import forward, inverse, inverse_graph
from bayessynth.families.prior import Prior
from bayessynth.families.registry import default_for, get, known, limited, names, register
from bayessynth.families.summary import Moments, Summary

__all__ = [
    "Family",
    "Moments",
    "Parameter",
    "Prior",
    "Summary",
    "Vector",
    "default_for",
    "forward",
    "get",
    "inverse",
    "inverse_graph",
    "known",
    "limited",
    "names",
    "register",
]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
