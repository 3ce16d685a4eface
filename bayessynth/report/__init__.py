"""Original and synthetic data beside each other: tables and plots.

What is here describes and does not judge; it computes plain summaries of frames and draws them.
"""

from bayessynth.report.plots import plot_columns, plot_groups
from bayessynth.report.tables import compare_columns, compare_correlations, compare_groups, compare_levels

__all__ = [
    "compare_columns",
    "compare_correlations",
    "compare_groups",
    "compare_levels",
    "plot_columns",
    "plot_groups",
]
