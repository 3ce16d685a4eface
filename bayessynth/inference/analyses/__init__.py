"""Analyses that can be pooled: one file each, found by itself.

To add one, add a file that registers an :class:`~bayessynth.inference.registry.Analysis`.
"""
