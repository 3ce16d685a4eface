"""What of the data a component's posterior needs, in less room than the rows."""

from bayessynth.suffstats.gram import Gram, gram, unserved

__all__ = ["Gram", "gram", "unserved"]
