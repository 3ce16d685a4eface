"""Rows of the log-normal family with a cured share."""

from bayessynth.fitting.kernels.curing import LOGNORMAL, rows_of

rows = rows_of(LOGNORMAL)
