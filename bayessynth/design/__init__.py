"""A bound spec on columns, NumPy only: transforms, design matrices, grouping factors, default priors."""

from bayessynth.design.bind import Bound, BoundEquation, Data, Missing, bind, resolve_schema
from bayessynth.design.component import Component, component, coordinate
from bayessynth.design.evaluate import Frame, frame_of
from bayessynth.design.grouping import GroupPlan, Grouping
from bayessynth.design.linear import Effects, new_effects, observed_effects, parameters
from bayessynth.design.names import safe, shown
from bayessynth.design.predictor import GroupDesign, Predictor
from bayessynth.design.table import prior_table
from bayessynth.design.term import TermDesign

__all__ = [
    "Bound",
    "BoundEquation",
    "Component",
    "Data",
    "Effects",
    "Frame",
    "GroupDesign",
    "GroupPlan",
    "Grouping",
    "Missing",
    "Predictor",
    "TermDesign",
    "bind",
    "component",
    "coordinate",
    "frame_of",
    "new_effects",
    "observed_effects",
    "parameters",
    "prior_table",
    "resolve_schema",
    "safe",
    "shown",
]
