"""Nonparametric equations: trees on Bayesian-bootstrap weights, with distributions in their leaves.

A draw of an equation is a tree grown on the original records with Dirichlet weights (Rubin 1981; Taddy et al. 2015), on
the columns before its own and on a linear score of these. Leaves hold no records: probabilities of levels and of
numbers that many records share, and intervals that end between neighbours for other numbers.
"""

from bayessynth.trees.draw import Grove
from bayessynth.trees.forest import Forest, plant
from bayessynth.trees.settings import TreeSettings

__all__ = ["Forest", "Grove", "TreeSettings", "plant"]
