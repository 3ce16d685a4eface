"""A bound spec on columns, NumPy only: transforms, design matrices, grouping factors, default priors."""

from bayessynth.design.bind import Data, Missing, bind
from bayessynth.design.bound import Bound, BoundEquation, Mask
from bayessynth.design.component import Component, component, coordinate
from bayessynth.design.evaluate import Frame, frame_of, numbers
from bayessynth.design.followup import FollowUp
from bayessynth.design.grouping import Grouping, GroupPlan
from bayessynth.design.linear import Effects, new_effects, observed_effects, parameters
from bayessynth.design.names import dim, safe, shown
from bayessynth.design.predictor import GroupDesign, Predictor
from bayessynth.design.resolve import resolve_schema
from bayessynth.design.table import prior_table
from bayessynth.design.term import TermDesign

__all__ = [
    "Bound",
    "BoundEquation",
    "Component",
    "Data",
    "Effects",
    "FollowUp",
    "Frame",
    "GroupDesign",
    "GroupPlan",
    "Grouping",
    "Mask",
    "Missing",
    "Predictor",
    "TermDesign",
    "bind",
    "component",
    "coordinate",
    "dim",
    "frame_of",
    "new_effects",
    "numbers",
    "observed_effects",
    "parameters",
    "prior_table",
    "resolve_schema",
    "safe",
    "shown",
]
