"""Rows of the log-logistic family with a cured share."""

from bayessynth.fitting.kernels.curing import LOGLOGISTIC, rows_of

rows = rows_of(LOGLOGISTIC)
