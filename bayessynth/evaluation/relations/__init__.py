"""How the tables of a database hang together in copies: keys, children, correlations, likeness, order in time."""

from bayessynth.evaluation.registry import load
from bayessynth.evaluation.relations import measures
from bayessynth.evaluation.relations.judge import RelatedEvaluation, evaluate_related

__all__ = ["RelatedEvaluation", "evaluate_related"]

load(measures)
