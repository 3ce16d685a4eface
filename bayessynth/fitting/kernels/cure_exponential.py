"""Rows of the exponential family with a cured share."""

from bayessynth.fitting.kernels.curing import EXPONENTIAL, rows_of

rows = rows_of(EXPONENTIAL)
