"""Formal privacy: public domains, units, the ledger, and mechanisms that add noise to sufficient statistics."""

from bayessynth.privacy.accounting import attacker_auc, epsilon_of, rho_of
from bayessynth.privacy.domain import Bounds, Domain, Levels
from bayessynth.privacy.dp import DP
from bayessynth.privacy.ledger import Entry, Ledger
from bayessynth.privacy.marginals import NoisyMarginals, marginals
from bayessynth.privacy.moments import NoisyMoments, moments
from bayessynth.privacy.noise import Exact, Seeded
from bayessynth.privacy.plan import Plan
from bayessynth.privacy.release import Release
from bayessynth.privacy.released import Released
from bayessynth.privacy.unit import Unit

__all__ = [
    "DP",
    "Bounds",
    "Domain",
    "Entry",
    "Exact",
    "Ledger",
    "Levels",
    "NoisyMarginals",
    "NoisyMoments",
    "Plan",
    "Release",
    "Released",
    "Seeded",
    "Unit",
    "attacker_auc",
    "epsilon_of",
    "marginals",
    "moments",
    "rho_of",
]
