"""What an automatic spec rests on: how columns depend on each other, their order, their predictors, their groups."""

from bayessynth.spec.auto.dependence import Dependence, associations
from bayessynth.spec.auto.explain import Choice, choices, explain
from bayessynth.spec.auto.groups import GroupFinding, find_groups, levels_of
from bayessynth.spec.auto.order import visiting_order
from bayessynth.spec.auto.screen import screen
from bayessynth.spec.auto.strata import strata_of
from bayessynth.spec.auto.write import write

__all__ = [
    "Choice",
    "Dependence",
    "GroupFinding",
    "associations",
    "choices",
    "explain",
    "find_groups",
    "levels_of",
    "screen",
    "strata_of",
    "visiting_order",
    "write",
]
