"""Rows of the Weibull family with a cured share."""

from bayessynth.fitting.kernels.curing import WEIBULL, rows_of

rows = rows_of(WEIBULL)
