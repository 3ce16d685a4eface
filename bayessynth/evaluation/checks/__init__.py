"""Posterior predictive checks of a fit and of the copies it made: one file a check."""
