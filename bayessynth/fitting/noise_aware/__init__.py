"""The posterior of a chain of equations given noisy sums of products, which knows the noise."""

from bayessynth.fitting.noise_aware.chain import Chain, chain
from bayessynth.fitting.noise_aware.density import NoisyDensity
from bayessynth.fitting.noise_aware.units import Bounds

__all__ = ["Bounds", "Chain", "NoisyDensity", "chain"]
