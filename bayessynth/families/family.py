"""What a family is: parameters, sampler, log density, PyMC distribution and checks, as one frozen value."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bayessynth.errors import SpecError, SynthesisError, suggest
from bayessynth.families.prior import Prior
from bayessynth.families.summary import Summary


@dataclass(frozen=True)
class Parameter:
    """One parameter of a family that a formula can model.

    Parameters
    ----------
    name
        ``"mu"``, ``"sigma"``, ...
    links
        The links allowed for it, the default first.
    predictor
        ``predictor(summary, link)`` gives location and spread of the linear predictor under that link; they
        scale the default priors of its intercept and coefficients.
    prior
        ``prior(summary)`` gives the default prior on the natural scale where no formula models the
        parameter. None for the parent, which always has a formula.

    Examples
    --------
    >>> from bayessynth import families
    >>> families.get("normal").parameters[0].predictor(Summary(mean=3.0, sd=2.0), "identity")
    (3.0, 2.0)
    """

    name: str
    links: tuple[str, ...]
    predictor: Callable[[Summary, str], tuple[float, float]]
    prior: Callable[[Summary], Prior] | None = None


@dataclass(frozen=True)
class Vector:
    """One vector-valued parameter of a family, which no formula models.

    Parameters
    ----------
    name
        ``"thresholds"``, ``"weights"``.
    constraint
        ``"ordered"``, ``"simplex"``, or ``"walk"``: any numbers, with a prior on the steps from 0 to the first and
        from each to the next.
    length
        ``length(n_levels, options)``; 0 says that the vector is not there.
    prior
        The default prior.
    dist
        ``dist(pm, name, length, prior, options, **kwargs)`` builds the PyMC variable; it samples forwards and
        has the log density of what it samples.

    Examples
    --------
    >>> from bayessynth import families
    >>> families.get("ordinal").vectors[0].length(4, {})
    3
    """

    name: str
    constraint: str
    length: Callable[[int, Mapping[str, Any]], int]
    prior: Prior
    dist: Callable[..., Any]


@dataclass(frozen=True)
class Family:
    """The distribution of one column given its parameters.

    Values are encoded: floats for numbers, integer codes from 0 for levels.

    Parameters
    ----------
    name
        What ``family=`` calls it.
    kinds
        Kinds of columns that it serves.
    parameters
        The first is the parent, which the main formula models.
    discrete
        Whether ``logp`` is the logarithm of a probability rather than of a density.
    sample
        ``sample(rng, n, **params, **options)``, shape (n,); parameters are scalars or of shape (n,).
    logp
        ``logp(y, **params, **options)``, shape (n,); -inf outside the support.
    dist
        ``dist(pm, name, params, **options, **kwargs)``, a PyMC variable in the model that is open;
        ``kwargs`` are ``observed``, ``dims``, ``shape``.
    check
        ``check(y, column, **options)`` raises DataError, with rows and a remedy, for values outside the
        support.
    vectors
        Vector-valued parameters without a formula.
    options
        Options of an equation that ``sample``, ``logp`` and ``dist`` take as keywords. A family with the
        option ``link`` applies the parent's link itself: its parent is handed over as the linear predictor.
    multinomial
        Whether the parent is a matrix (n, K-1) of linear predictors, the first level being the reference.
    intercept
        Whether the parent's formula has an intercept; the thresholds of ``ordinal`` stand for it.
    default_for
        Kinds whose default the family is; ``"positive with zeros"`` for positive columns with exact zeros.
    gaussian
        For a family that is normal with mean ``mu`` and standard deviation ``sigma`` of a function of the values: that
        function. Under the identity link its sufficient statistics are sums of products.
    beside
        What stands beside every value, by name, each an array (n,) that ``sample``, ``logp`` and ``dist`` take as a
        keyword, with the number that stands for it where an equation has none; None where it must have one.
    learn
        ``learn(y, **beside)`` returns options that the family takes from the rows, none of which is a value of theirs.
    nonparametric
        For a family whose draws are no parameters; it has neither a sampler nor a density here.
    declared
        Whether an equation may name the family; others come of how a spec is fitted.
    instead
        What to do where an equation names one that it may not.
    drawn
        Whether copies draw the column; False for one whose values they are handed.
    base
        For a family within limits: the one without.
    examples
        Values of the options at which the contract test of families exercises this one.

    Examples
    --------
    >>> from bayessynth import families
    >>> families.get("poisson").sample(np.random.default_rng(1), 3, mu=2.0).shape
    (3,)
    """

    name: str
    kinds: frozenset[str]
    parameters: tuple[Parameter, ...]
    discrete: bool
    sample: Callable[..., np.ndarray]
    logp: Callable[..., np.ndarray]
    dist: Callable[..., Any]
    check: Callable[..., None]
    vectors: tuple[Vector, ...] = ()
    options: tuple[str, ...] = ()
    multinomial: bool = False
    intercept: bool = True
    default_for: frozenset[str] = frozenset()
    gaussian: Callable[[np.ndarray], np.ndarray] | None = None
    beside: Mapping[str, float | None] = field(default_factory=dict)
    learn: Callable[..., Mapping[str, Any]] | None = None
    nonparametric: bool = False
    declared: bool = True
    instead: str = "It comes of how a spec is fitted: leave family= out."
    drawn: bool = True
    base: Family | None = None
    examples: tuple[Mapping[str, Any], ...] = field(default=({},), compare=False, repr=False)

    def __post_init__(self) -> None:
        guarded = functools.partial(_guarded, self.name, self.parameters, self.sample)
        object.__setattr__(self, "sample", guarded)

    def __repr__(self) -> str:
        return f"Family({self.name!r})"

    @property
    def parent(self) -> Parameter | None:
        """Return the parameter that the main formula models, or None.

        >>> from bayessynth import families
        >>> families.get("normal").parent.name
        'mu'
        """
        return self.parameters[0] if self.parameters else None

    def parameter(self, name: str) -> Parameter:
        """Return a parameter by its name.

        Raises
        ------
        SpecError
            If the family has no such parameter.

        Examples
        --------
        >>> from bayessynth import families
        >>> families.get("normal").parameter("sigma").links
        ('log',)
        """
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        known = [parameter.name for parameter in self.parameters]
        hint = suggest(name, known) or f" It has: {', '.join(known) or 'none'}."
        raise SpecError(f"Family {self.name!r} has no parameter {name!r}.{hint}")


def _guarded(
    name: str,
    parameters: tuple[Parameter, ...],
    sample: Callable[..., np.ndarray],
    rng: np.random.Generator,
    n: int,
    **params: Any,
) -> np.ndarray:
    """Sample after a look at the parameters: a NaN or an infinity would turn into a plausible value."""
    for parameter in parameters:
        values = np.asarray(params[parameter.name], dtype=float)
        finite = np.isfinite(values)
        if not finite.all():
            rows = np.flatnonzero(~finite.reshape(len(values), -1).all(axis=1)) if values.ndim else [0]
            raise SynthesisError(
                f"Family {name!r}: {parameter.name!r} is not finite in {len(rows)} of {n} rows, "
                f"the first is row {rows[0]}. Look at that row's predictors and at the fit's diagnostics."
            )
    return sample(rng, n, **params)
