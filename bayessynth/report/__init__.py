"""Original and synthetic data beside each other: tables, plots, the report of an evaluation and its public card.

What is here describes and does not judge: it computes plain summaries of frames and draws them, and it writes down what
the measures of an evaluation say.
"""

from bayessynth.report.check_plots import plot_calibration, plot_fit, plot_quantities
from bayessynth.report.estimates import plot_comparison, plot_pooled
from bayessynth.report.page import write_card, write_report
from bayessynth.report.plots import plot_columns, plot_groups
from bayessynth.report.sequences import plot_sequences
from bayessynth.report.survival import plot_survival
from bayessynth.report.tables import compare_columns, compare_correlations, compare_groups, compare_levels

__all__ = [
    "compare_columns",
    "compare_correlations",
    "compare_groups",
    "compare_levels",
    "plot_calibration",
    "plot_columns",
    "plot_comparison",
    "plot_fit",
    "plot_groups",
    "plot_pooled",
    "plot_quantities",
    "plot_sequences",
    "plot_survival",
    "write_card",
    "write_report",
]
