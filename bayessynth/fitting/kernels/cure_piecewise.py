"""Rows of the piecewise-exponential family with a cured share."""

from bayessynth.fitting.kernels.curing import PIECEWISE, rows_of

rows = rows_of(PIECEWISE)
