"""A spec bound to what is public of a table: its domain, and nothing that was read off records."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd

from bayessynth.design import Bound, bind
from bayessynth.design.resolve import used_columns
from bayessynth.design.table import bound_table
from bayessynth.families import Prior
from bayessynth.privacy import Bounds, Domain
from bayessynth.privacy.plan import TYPICAL_SD
from bayessynth.spec import Spec

# Rows of the imagined table on which designs and default priors are learnt; none of these depends on their number.
_ROWS = 1000
# Spread of the logarithm of a standard deviation: 95 % of the prior lies within a factor of 4.3 of the typical one,
# which is .3 of half the distance between the bounds.
_LOG_SPREAD = 0.75


def bind_public(spec: Spec, domain: Domain) -> Bound:
    """Bind a spec to a domain, by an imagined table whose values are spread evenly over bounds and levels.

    Default priors follow from the bounds, as if the columns were uniform between them. That of a residual standard
    deviation is log-normal around .3 of half the distance between the bounds, since its density must vanish at zero:
    where the noise on a sum of squares is of that sum's size, a standard deviation near zero is not excluded by what
    was released, and there a coefficient on the column may be anything. Standard deviations of group-specific effects
    keep their half-normal default: no coefficient is divided by them, and groups may well not differ.

    Parameters
    ----------
    spec : Spec
    domain : Domain

    Returns
    -------
    Bound
        Its ``n`` is that of the imagined table.

    Examples
    --------
    >>> import bayessynth as bs
    >>> domain = bs.Domain({"age": bs.Bounds(0, 100)}, source="codebook")
    >>> bind_public(bs.Spec("age ~ 1"), domain)["age"].priors
    {'Intercept': Normal(mu=50.0, sigma=72.5), 'sigma': LogNormal(mu=2.71, sigma=0.75)}
    """
    whole = domain.schema()
    schema = whole.subset([name for name in whole if name in used_columns(spec)])
    groups = [name for factor in spec.factors for name in factor]
    table = schema.example(_ROWS, np.random.default_rng(0), groups=groups)
    bound, _ = bind(spec, table, schema)
    equations = []
    for equation in bound.equations:
        declared, priors = domain[equation.response], dict(equation.priors)
        if isinstance(declared, Bounds) and "sigma" in priors and "sigma" not in spec[equation.response].priors:
            priors["sigma"] = _spread_prior(declared)
        equations.append(replace(equation, priors=priors))
    return replace(bound, equations=tuple(equations))


def bounds_of(domain: Domain) -> dict[str, tuple[float, float]]:
    """Return the bounds of a domain's numbers.

    >>> import bayessynth as bs
    >>> bounds_of(bs.Domain({"age": bs.Bounds(0, 110), "sex": bs.Levels("f", "m")}, source="codebook"))
    {'age': (0.0, 110.0)}
    """
    return {c: (float(d.low), float(d.high)) for c, d in domain.items() if isinstance(d, Bounds)}


def public_priors(spec: Spec, domain: Domain) -> pd.DataFrame:
    """List every parameter with the prior that it has in a fit with formal privacy; see :meth:`bs.Spec.priors`.

    >>> import bayessynth as bs
    >>> domain = bs.Domain({"age": bs.Bounds(0, 100)}, source="codebook")
    >>> public_priors(bs.Spec("age ~ 1"), domain)["parameter"].tolist()
    ['Intercept', 'sigma']
    """
    return bound_table(spec, bind_public(spec, domain))


def _spread_prior(declared: Bounds) -> Prior:
    typical = TYPICAL_SD * 0.5 * (declared.high - declared.low)
    return Prior("LogNormal", mu=float(f"{math.log(typical):.3g}"), sigma=_LOG_SPREAD)
