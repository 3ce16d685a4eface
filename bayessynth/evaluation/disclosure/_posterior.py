"""What attacks with the fitted model need: draws, the draws of the copies, leave-one-out weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from arviz_stats.base import array_stats
from scipy.special import logsumexp

from bayessynth import families
from bayessynth.errors import FitError
from bayessynth.evaluation.tables import Tables
from bayessynth.fitting.record_likelihood import Rows, record_log_likelihood

if TYPE_CHECKING:
    from bayessynth.design import BoundEquation

# Posterior draws over which predictive densities are averaged, and at least so many for each copy.
DRAWS, DRAWS_EACH = 200, 10
# Pareto k̂ above which a leave-one-out weight cannot be relied on (Vehtari et al. 2024).
UNRELIABLE = 0.7

Pairs = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Knowledge:
    """What the fit and the copies say of the draws.

    Attributes
    ----------
    fitted : Fitted
    made : sequence of (chain, draw)
        Draws that made the copies.
    draws : sequence of (chain, draw)
        Draws over which predictive densities are averaged.
    groups : {"observed", "new"}
        Whether the copies have the effects of the original's groups in them.
    seed : int
    """

    fitted: Any
    made: Pairs
    draws: Pairs
    groups: str
    seed: int

    def likelihood(
        self, rows: Rows, draws: Pairs, groups: str, equations: Sequence[BoundEquation] | None = None
    ) -> np.ndarray:
        """Return log p(record | θ), shape (draws, records)."""
        return record_log_likelihood(
            self.fitted, rows, draws, groups=groups, equations=equations, seed=self.seed
        )  # fmt: skip


def knowledge(tables: Tables) -> Knowledge | str:
    """Return what attacks with the fitted model need, or why they cannot be made."""
    fitted, record = tables.fitted, tables.provenance
    if not hasattr(fitted, "bound"):
        return "Needs a fit of a Spec; of a PyMC model the likelihood of a single record is not known."
    if fitted.ledgers:
        return (
            "Needs a posterior given the records themselves; this one knows them through noisy statistics only, so "
            "that its draws cannot be weighed by one record. The guarantee bounds every attacker, this one too: "
            f"{fitted.provenance['privacy']['statement']}."
        )
    trees = [e.response for e in fitted.bound.equations if families.get(e.family).nonparametric]
    if trees:
        return f"Needs the likelihood of whole records; {trees[0]!r} is drawn by trees, which have none."
    if fitted.bound.shared:
        return "Needs the likelihood of single records in new groups, which equations that share effects have jointly."
    if record is None or not record.get("draws"):
        return "Needs to know which draws made the copies: hand in what fitted.synthesize returned, not its frames."
    if record.get("synthesis") != "fully" or record.get("given") or record.get("do"):
        return "The copies keep or were given some columns as they stand, so who is in them is no secret of the model."
    posterior = fitted.idata["posterior"].to_dataset()
    chains, draws = posterior.sizes["chain"], posterior.sizes["draw"]
    made = [(int(c), int(d)) for c, d in record["draws"][: tables.m]]
    if any(c >= chains or d >= draws for c, d in made):
        return "The copies were made of draws that this fit does not have; hand in the fit that made them."
    each = min(draws, -(-max(DRAWS, DRAWS_EACH * len(made)) // chains))
    thinned = [(c, int((i + 0.5) * draws / each)) for c in range(chains) for i in range(each)]
    groups = "observed" if record.get("groups") == "existing" else "new"
    return Knowledge(fitted, made, thinned, groups, int(tables.rng("disclosure effects").integers(2**31)))


def effects_kept(known: Knowledge) -> str | None:
    """Return why leave-one-out weights cannot be had, if a fit let go the effects of its groups."""
    names = known.fitted.idata["posterior"].to_dataset().data_vars
    if all(v in names for e in known.fitted.bound.equations for v in e.variables):
        return None
    return str(FitError("The effects of the observed groups are not in this fit: save it with keep_groups=True."))


def leave_one_out(log_likelihood: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the log weights that turn draws given all records into draws given all but one.

    Parameters
    ----------
    log_likelihood : ndarray of shape (draws, n)

    Returns
    -------
    tuple of ndarray
        Pareto-smoothed, normalised log weights, shape (draws, n), and Pareto k̂ of each record.

    References
    ----------
    Vehtari, Simpson, Gelman, Yao & Gabry (2024), Pareto smoothed importance sampling, JMLR 25(72).

    Examples
    --------
    >>> weights, _ = leave_one_out(np.random.default_rng(1).normal(size=(100, 3)))
    >>> np.exp(weights).sum(axis=0).round(6).tolist()
    [1.0, 1.0, 1.0]
    """
    draws, n = log_likelihood.shape
    weights, shape = np.full((draws, n), -np.log(draws)), np.full(n, -np.inf)
    # A record of which all draws say the same (all its cells may be missing) has nothing to be smoothed.
    varies = np.ptp(log_likelihood, axis=0) > 1e-12
    if varies.any():
        with np.errstate(all="ignore"):
            smoothed, shape[varies] = array_stats.psislw(log_likelihood[:, varies], axis=0)  # takes log likelihoods
        weights[:, varies] = np.moveaxis(np.asarray(smoothed), -1, 0)
    return weights - logsumexp(weights, axis=0), shape
