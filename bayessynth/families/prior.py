"""Priors as data: a name of a closed registry and its parameters, in PyMC's parametrisations."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from bayessynth.errors import SpecError, suggest

REAL, POSITIVE, UNIT = (-math.inf, math.inf), (0.0, math.inf), (0.0, 1.0)


@dataclass(frozen=True)
class _Kind:
    """What is known of one prior distribution."""

    parameters: tuple[tuple[str, ...], ...]  # alternative, complete sets of parameters
    support: tuple[float, float]
    constructor: str = ""  # PyMC's name where it is not ours
    frozen: Callable[..., Any] | None = None  # SciPy's counterpart, taking the first set of parameters
    standard: Callable[..., dict[str, float]] | None = None  # another set -> the first set


def _gamma_moments(mu: float, sigma: float) -> dict[str, float]:
    return {"alpha": mu**2 / sigma**2, "beta": mu / sigma**2}


def _inverse_gamma_moments(mu: float, sigma: float) -> dict[str, float]:
    return {"alpha": 2 + mu**2 / sigma**2, "beta": mu * (mu**2 + sigma**2) / sigma**2}


def _beta_moments(mu: float, sigma: float = 0.0, nu: float = 0.0) -> dict[str, float]:
    size = nu or mu * (1 - mu) / sigma**2 - 1
    return {"alpha": mu * size, "beta": (1 - mu) * size}


def _half_t(nu: float, sigma: float) -> Any:
    # |t| is not in SciPy; the t is, and sample() and logp() fold it.
    return stats.t(nu, scale=sigma)


@dataclass(frozen=True)
class _Spherical:
    """A multivariate t of as many numbers as the last axis has: independent normal numbers, one scale for all."""

    nu: float
    sigma: float

    def rvs(self, size: Any, random_state: np.random.Generator) -> np.ndarray:
        normal = random_state.standard_normal(size)
        shape = (*normal.shape[:-1], 1) if normal.ndim else ()
        return np.asarray(self.sigma * normal / np.sqrt(random_state.chisquare(self.nu, shape) / self.nu))

    def logpdf(self, x: np.ndarray) -> np.ndarray:
        d = x.shape[-1]
        own = stats.multivariate_t(np.zeros(d), np.full(d, self.sigma**2), self.nu)
        return np.asarray(own.logpdf(x))


_KINDS: dict[str, _Kind] = {
    "Normal": _Kind((("mu", "sigma"),), REAL, frozen=lambda mu, sigma: stats.norm(mu, sigma)),
    "StudentT": _Kind((("nu", "mu", "sigma"),), REAL, frozen=lambda nu, mu, sigma: stats.t(nu, mu, sigma)),
    "Cauchy": _Kind((("alpha", "beta"),), REAL, frozen=lambda alpha, beta: stats.cauchy(alpha, beta)),
    "Laplace": _Kind((("mu", "b"),), REAL, frozen=lambda mu, b: stats.laplace(mu, b)),
    "HalfNormal": _Kind((("sigma",),), POSITIVE, frozen=lambda sigma: stats.halfnorm(scale=sigma)),
    "HalfStudentT": _Kind((("nu", "sigma"),), POSITIVE, frozen=_half_t),
    "HalfCauchy": _Kind((("beta",),), POSITIVE, frozen=lambda beta: stats.halfcauchy(scale=beta)),
    "Exponential": _Kind(
        (("lam",), ("scale",)),
        POSITIVE,
        frozen=lambda lam: stats.expon(scale=1 / lam),
        standard=lambda scale: {"lam": 1 / scale},
    ),
    "Gamma": _Kind(
        (("alpha", "beta"), ("mu", "sigma")),
        POSITIVE,
        frozen=lambda alpha, beta: stats.gamma(alpha, scale=1 / beta),
        standard=_gamma_moments,
    ),
    "InverseGamma": _Kind(
        (("alpha", "beta"), ("mu", "sigma")),
        POSITIVE,
        frozen=lambda alpha, beta: stats.invgamma(alpha, scale=beta),
        standard=_inverse_gamma_moments,
    ),
    "LogNormal": _Kind((("mu", "sigma"),), POSITIVE, frozen=lambda mu, sigma: stats.lognorm(sigma, scale=math.exp(mu))),
    "Beta": _Kind(
        (("alpha", "beta"), ("mu", "sigma"), ("mu", "nu")),
        UNIT,
        frozen=lambda alpha, beta: stats.beta(alpha, beta),
        standard=_beta_moments,
    ),
    "Uniform": _Kind((("lower", "upper"),), REAL, frozen=lambda lower, upper: stats.uniform(lower, upper - lower)),
    "MvStudentT": _Kind((("nu", "sigma"),), REAL, frozen=_Spherical),
    "LKJ": _Kind((("eta",),), (-1.0, 1.0), constructor="LKJCorr"),
    "Dirichlet": _Kind((("a",),), UNIT),
}
# Locations may be any number; every other parameter is a scale, a shape or a concentration.
_LOCATIONS = frozenset(
    {("Normal", "mu"), ("StudentT", "mu"), ("Laplace", "mu"), ("LogNormal", "mu"), ("Cauchy", "alpha")}
    | {("Uniform", "lower"), ("Uniform", "upper")}
)


@dataclass(frozen=True, init=False, repr=False)
class Prior:
    """A prior distribution: one of a closed list of names, with PyMC's parameters.

    Parameters
    ----------
    name
        One of Normal, StudentT, Cauchy, Laplace, HalfNormal, HalfStudentT, HalfCauchy, Exponential, Gamma,
        InverseGamma, LogNormal, Beta, Uniform, LKJ, Dirichlet, MvStudentT. The last is of the steps of a walk: normal,
        with one unknown scale for all, which is integrated out; sigma is that scale's size, nu how well it is known.
    **params
        One complete set of the distribution's parameters, as PyMC names them. ``Dirichlet``'s ``a`` may be
        one number for all components or a sequence.

    Raises
    ------
    SpecError
        If the name or a parameter is not known, a parameter is left out, or a value is out of range.

    Examples
    --------
    >>> Prior("Normal", mu=0, sigma=2.5)
    Normal(mu=0, sigma=2.5)
    >>> Prior("Normal", mu=0, sd=1)
    Traceback (most recent call last):
    ...
    bayessynth.errors.SpecError: Prior 'Normal' takes (mu, sigma), not (mu, sd).
    """

    name: str
    items: tuple[tuple[str, float | tuple[float, ...]], ...]

    def __init__(self, name: str, **params: Any) -> None:
        if name not in _KINDS:
            raise SpecError(f"There is no prior {name!r}.{suggest(name, _KINDS)} Known: {', '.join(_KINDS)}.")
        names = next((s for s in _KINDS[name].parameters if set(s) == set(params)), None)
        if names is None:
            raise SpecError(_wrong_parameters(name, tuple(params)))
        items = tuple((key, _plain(name, key, params[key])) for key in names)
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "items", items)
        _check_ranges(name, dict(items))

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(f'{key}={value!r}' for key, value in self.items)})"

    @property
    def params(self) -> dict[str, float | tuple[float, ...]]:
        """Return the parameters as a dictionary.

        >>> Prior("Exponential", lam=1).params
        {'lam': 1}
        """
        return dict(self.items)

    @property
    def support(self) -> tuple[float, float]:
        """Return the interval that holds the prior's whole mass.

        >>> Prior("HalfNormal", sigma=1).support
        (0.0, inf)
        """
        if self.name == "Uniform":
            values = self.params
            return float(values["lower"]), float(values["upper"])  # type: ignore[arg-type]
        return _KINDS[self.name].support

    def dist(self, pm: Any, var_name: str | None = None, **kwargs: Any) -> Any:
        """Build the PyMC variable, inside the model context that is open.

        Parameters
        ----------
        pm
            The module ``pymc``.
        var_name
            The variable's name; None builds an unnamed distribution, outside any model.
        **kwargs
            Handed to PyMC: ``dims``, ``shape``, ``transform``, and ``n`` for LKJ.

        Examples
        --------
        >>> import pymc as pm
        >>> with pm.Model() as model:
        ...     sigma = Prior("HalfNormal", sigma=1).dist(pm, "sigma")
        >>> model.free_RVs
        [sigma]
        """
        constructor = getattr(pm, _KINDS[self.name].constructor or self.name)
        params = {key: np.asarray(v) if isinstance(v, tuple) else v for key, v in self.items}
        if var_name is None:
            return constructor.dist(**params, **kwargs)
        return constructor(var_name, **params, **kwargs)

    def sample(self, rng: np.random.Generator, size: int | tuple[int, ...]) -> np.ndarray:
        """Draw from a scalar prior with NumPy; numbers of MvStudentT share a scale along the last axis.

        Raises
        ------
        SpecError
            For LKJ and Dirichlet, whose draws are not scalars.

        Examples
        --------
        >>> Prior("HalfNormal", sigma=1).sample(np.random.default_rng(1), 3).min() > 0
        np.True_
        """
        draws = np.asarray(self._frozen().rvs(size=size, random_state=rng))
        return np.abs(draws) if self.name == "HalfStudentT" else draws

    def logp(self, x: np.ndarray) -> np.ndarray:
        """Return the log density of a scalar prior at ``x``, as PyMC computes it; of MvStudentT that of the last axis.

        Examples
        --------
        >>> Prior("Uniform", lower=0, upper=2).logp(np.array([1.0, 3.0])).round(3).tolist()
        [-0.693, -inf]
        """
        x = np.asarray(x, dtype=float)
        density = np.asarray(self._frozen().logpdf(x))
        return np.where(x >= 0, density + math.log(2), -np.inf) if self.name == "HalfStudentT" else density

    @property
    def standard(self) -> dict[str, Any]:
        """Return the parameters in the first of the sets that the distribution takes.

        >>> Prior("Gamma", mu=2, sigma=1).standard
        {'alpha': 4.0, 'beta': 2.0}
        """
        kind, params = _KINDS[self.name], self.params
        if kind.standard is None or set(params) == set(kind.parameters[0]):
            return params
        return dict(kind.standard(**params))

    def _frozen(self) -> Any:
        kind = _KINDS[self.name]
        if kind.frozen is None:
            raise SpecError(f"Prior {self!r} is not a distribution of one number.")
        return kind.frozen(**self.standard)

    def to_json(self) -> dict[str, Any]:
        """Return a dictionary that JSON can hold.

        >>> Prior("Normal", mu=0, sigma=1).to_json()
        {'name': 'Normal', 'params': {'mu': 0, 'sigma': 1}}
        """
        params = {key: list(value) if isinstance(value, tuple) else value for key, value in self.items}
        return {"name": self.name, "params": params}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Prior:
        """Build the prior that :meth:`to_json` wrote.

        >>> Prior.from_json({"name": "Dirichlet", "params": {"a": [1, 2]}})
        Dirichlet(a=(1, 2))
        """
        if not isinstance(data, Mapping) or set(data) != {"name", "params"}:
            raise SpecError(f"A prior is written as {{'name': ..., 'params': {{...}}}}, not {data!r}.")
        return cls(data["name"], **data["params"])


def _wrong_parameters(name: str, given: tuple[str, ...]) -> str:
    known = sorted({p for names in _KINDS[name].parameters for p in names})
    hints = "".join(suggest(p, known) for p in given if p not in known)
    sets = " or ".join(f"({', '.join(names)})" for names in _KINDS[name].parameters)
    return f"Prior {name!r} takes {sets}, not ({', '.join(given)}).{hints}"


def _plain(name: str, key: str, value: Any) -> float | tuple[float, ...]:
    """Return a parameter as Python numbers, so that equal priors compare, hash and serialise alike."""
    if name == "Dirichlet" and isinstance(value, (list, tuple, np.ndarray)) and np.ndim(value) == 1:
        return tuple(_plain(name, key, item) for item in value)  # type: ignore[misc]
    value = value.item() if isinstance(value, (np.generic, np.ndarray)) and np.ndim(value) == 0 else value
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise SpecError(f"Prior {name!r}: {key} must be a finite number, not {value!r}.")
    return value


def _check_ranges(name: str, params: Mapping[str, float | tuple[float, ...]]) -> None:
    for key, value in params.items():
        numbers = value if isinstance(value, tuple) else (value,)
        if (name, key) not in _LOCATIONS and (not numbers or min(numbers) <= 0):
            raise SpecError(f"Prior {name!r}: {key} must be above 0, not {value!r}.")
    if name == "Uniform" and params["lower"] >= params["upper"]:  # type: ignore[operator]
        raise SpecError(f"Prior 'Uniform': lower {params['lower']!r} is not below upper {params['upper']!r}.")
    if name == "Beta" and "mu" in params:
        mu: Any = params["mu"]
        sigma: Any = params.get("sigma", 0.0)
        if mu >= 1 or sigma**2 >= mu * (1 - mu):
            raise SpecError(f"Prior 'Beta': needs mu below 1 and sigma**2 below mu * (1 - mu), not {dict(params)}.")
