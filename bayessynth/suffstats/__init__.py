"""What of the data a component's posterior needs, in less room than the rows."""

from bayessynth.suffstats.bound import BoundStatistics, Sums, bind_statistics, summary_of
from bayessynth.suffstats.chunks import CHUNK, Source, source_of
from bayessynth.suffstats.counts import Counts
from bayessynth.suffstats.gram import Gram, gram, unserved
from bayessynth.suffstats.rows import Rows
from bayessynth.suffstats.statistics import SufficientStatistics, merged
from bayessynth.suffstats.stream import is_dask, sufficient_statistics, with_rows

__all__ = [
    "CHUNK",
    "BoundStatistics",
    "Counts",
    "Gram",
    "Rows",
    "Source",
    "SufficientStatistics",
    "Sums",
    "bind_statistics",
    "gram",
    "is_dask",
    "merged",
    "source_of",
    "sufficient_statistics",
    "summary_of",
    "unserved",
    "with_rows",
]
