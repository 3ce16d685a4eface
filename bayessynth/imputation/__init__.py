"""Missing predictors drawn from their posterior: completed data and parameters in turn, NumPy only."""

from bayessynth.imputation.chain import Chain, DrawParameters, chain, r_hat
from bayessynth.imputation.gaps import Gap, Gaps, Reader, gaps
from bayessynth.imputation.redraw import redraw
from bayessynth.imputation.shift import shifted
from bayessynth.imputation.start import start

__all__ = ["Chain", "DrawParameters", "Gap", "Gaps", "Reader", "chain", "gaps", "r_hat", "redraw", "shifted",
           "start"]  # fmt: skip
