"""The posterior of a log-linear model of cells given noisy tables, and records from its draws."""

from bayessynth.fitting.noise_aware.tables.choose import measure
from bayessynth.fitting.noise_aware.tables.conditional import Cells, Conditionals, Grid
from bayessynth.fitting.noise_aware.tables.decode import decimals_of, decoded
from bayessynth.fitting.noise_aware.tables.posterior import TablePosterior, fit_tables

__all__ = ["Cells", "Conditionals", "Grid", "TablePosterior", "decimals_of", "decoded", "fit_tables", "measure"]
