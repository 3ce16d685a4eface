"""What copies give away of the original's records: one file an attack or measure.

Empirical measures are lower bounds on risk: an attack that fails says something of the attack.
"""
