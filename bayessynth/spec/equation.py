"""One column given others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bayessynth import families
from bayessynth.errors import SpecError, suggest
from bayessynth.families import Prior
from bayessynth.spec.cause import Cause
from bayessynth.spec.formula import Formula, has_dot, parse
from bayessynth.spec.grouping import split_sides
from bayessynth.spec.lags import base

# Key of the prior of the autocorrelation of residuals, and the end of the parameter's name.
AR = "ar"


@dataclass(frozen=True, init=False)
class Equation:
    """Declare how one column is distributed given others.

    Parameters
    ----------
    formula : str
        The column on the left, its predictors on the right: ``"visits ~ log(income) + age + (1 + age | site)"``.
        It models the family's first parameter.
    *distributional : str
        Formulas for further parameters of the family: ``"sigma ~ female"``.
    family : str, optional
        Name of a family (``bayessynth.families.names()``). By default it follows from the column's kind.
    link : str or mapping, optional
        Link of the first parameter, or a mapping from parameter to link. By default the family's.
    priors : mapping of str to Prior, optional
        Priors by parameter name without the column's prefix: ``{"age": Prior("Normal", mu=0, sigma=0.5)}``.
        ``Spec.priors`` lists the names. The prior of ``"Intercept"`` is that of the linear predictor at the
        mean of the predictors.
    level : str, optional
        The grouping factor at whose level the column lives (one value a group), or ``"row"``. By default it is
        detected: a column that is constant within the groups of a factor lives at that factor's level.
    trials : str, optional
        For ``family="binomial"``: the column with the number of trials.
    points : sequence of float, optional
        For ``family="semicontinuous"``: the values that have probability mass of their own. Default ``(0,)``.
    initial : str or Equation, optional
        In sequences: the equation of the first rows of a unit, which have no lag, ``"y ~ x"``. By default the
        formula without its lagged terms and without effects of the unit.
    ar : {0, 1}
        In sequences, for a column that is normal or whose logarithm is: with 1, residuals of a unit's rows are an
        autoregression of order one, y = η + e with e_t = ρ e_{t-1} + ν, ν ~ Normal(0, σ). Where the times between rows
        differ, ρ is taken to the power of what elapses, in units of the usual time between rows. ρ is the parameter
        ``y_ar``, uniform between -1 and 1 by default (between 0 and 1 where times between rows are no multiples of the
        usual one); the key of its prior is ``"ar"``.

    Raises
    ------
    FormulaError
        If a formula cannot be parsed.
    SpecError
        If the family, a link, a parameter or a prior is unknown.

    Examples
    --------
    >>> import bayessynth as bs
    >>> bs.Equation("income ~ age + (1 | site)", "sigma ~ female", family="lognormal")
    Equation('income ~ age + (1 | site)', 'sigma ~ female', family='lognormal')
    """

    formulas: tuple[str, ...]
    family: str | None
    links: Mapping[str, str]
    priors: Mapping[str, Prior]
    level: str | None
    trials: str | None
    points: tuple[float, ...] | None
    initial: Equation | None
    cause: Cause | None
    ar: int

    def __init__(
        self,
        formula: str,
        *distributional: str,
        family: str | None = None,
        link: str | Mapping[str, str] | None = None,
        priors: Mapping[str, Prior] | None = None,
        level: str | None = None,
        trials: str | None = None,
        points: tuple[float, ...] | None = None,
        initial: str | Equation | None = None,
        ar: int = 0,
    ) -> None:
        _check_priors(priors or {}, formula)
        declared = families.get(family) if family is not None else None
        links = {"": link} if isinstance(link, str) else dict(link or {})
        if declared is not None and declared.parameters:
            parent = declared.parameters[0].name
            links = {name or parent: value for name, value in links.items()}
        values = {
            "formulas": (formula, *distributional),
            "family": family,
            "links": links,
            "priors": dict(priors or {}),
            "level": level,
            "trials": trials,
            "points": None if points is None else tuple(float(p) for p in points),
            "initial": None if initial is None else as_equation(initial),
            "cause": None,
            "ar": _order(ar, formula),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)
        for text in self.formulas:
            parse(text, ("_",) if has_dot(text) else ())
        further = [split_sides(text)[0] for text in distributional]
        for name in further:
            if further.count(name) > 1:
                raise SpecError(f"Equation {formula!r} has two formulas for {name!r}; write them as one.")
        if declared is not None:
            self.check_family(declared)

    def __hash__(self) -> int:
        return hash((self.formulas, self.family, self.level))

    @property
    def formula(self) -> Formula:
        """The parsed main formula."""
        return parse(self.formulas[0])

    @property
    def response(self) -> str:
        """The column on the left side."""
        return split_sides(self.formulas[0])[0]

    @property
    def distributional(self) -> dict[str, Formula]:
        """Parsed formulas of further parameters, by parameter."""
        parsed = [parse(text) for text in self.formulas[1:]]
        return {formula.response: formula for formula in parsed}

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that the equation reads, grouping factors aside."""
        read = [c for f in (self.formula, *self.distributional.values()) for c in f.columns]
        beside = self.cause.columns if self.cause else (self.trials,) if self.trials else ()
        return tuple(dict.fromkeys([*read, *beside]))

    @property
    def equations(self) -> tuple[Equation, ...]:
        """The equation itself, as what is declared has equations."""
        return (self,)

    @property
    def column(self) -> str:
        """The column that its values are in: the response, or the times where it is of a latent one."""
        return self.cause.time if self.cause else self.response

    @property
    def declares(self) -> tuple[str, ...]:
        """The columns that it draws, by itself or with other latent times."""
        return self.cause.declares if self.cause else (self.response,)

    @property
    def cells(self) -> tuple[str, ...]:
        """The columns of which it needs the cells, grouping factors aside."""
        return (*self.declares, *self.columns)

    @property
    def named(self) -> tuple[str, ...]:
        """Columns of the table that the equation reads, in its own row or, by ``lag(y)``, in those before."""
        return tuple(dict.fromkeys(base(c) for c in self.columns))

    @property
    def factors(self) -> tuple[tuple[str, ...], ...]:
        """Grouping factors of all formulas, as tuples of columns."""
        found = [g for f in (self.formula, *self.distributional.values()) for g in f.factors]
        return tuple(dict.fromkeys(found))

    @property
    def uses_dot(self) -> bool:
        """Whether a right side has a ``.`` that stands for all columns declared before."""
        return any(map(has_dot, self.formulas))

    def with_dot(self, columns: tuple[str, ...]) -> Equation:
        """Return the equation with ``.`` standing for the given columns."""
        return self.rewritten(tuple(str(parse(t, columns)) if has_dot(t) else t for t in self.formulas))

    def rewritten(self, formulas: tuple[str, ...]) -> Equation:
        """Return the equation with other formulas of the same columns."""
        return self._with(formulas=formulas)

    def of(self, cause: Cause, family: str) -> Equation:
        """Return the equation as one of a latent time, whose family may be one that no equation can name."""
        made = self._with(cause=cause, family=family)
        made.check_family(families.get(family))
        return made

    def _with(self, **changes: Any) -> Equation:
        copy = object.__new__(Equation)
        for name in self.__dataclass_fields__:
            object.__setattr__(copy, name, changes.get(name, getattr(self, name)))
        return copy

    def check_family(self, family: families.Family) -> None:
        """Raise a SpecError unless the equation's formulas and links are among the family's parameters."""
        parameters = {p.name: p for p in family.parameters}
        where = f"Equation for {self.response!r} (family {family.name!r})"
        if not family.declared and self.cause is None:
            raise SpecError(f"{where}: no equation can name it. {family.instead}")
        further = [split_sides(text)[0] for text in self.formulas[1:]]
        for name in (*further, *(n for n in self.links if n)):
            if name not in parameters:
                listed = ", ".join(parameters) or "none"
                raise SpecError(f"{where} has no parameter {name!r}; it has: {listed}.{suggest(name, parameters)}")
        for name, link in self.links.items():
            allowed = parameters[name].links if name else family.parameters[0].links
            if link not in allowed:
                raise SpecError(
                    f"{where}: link {link!r} of {name or family.parameters[0].name!r} is not one of "
                    f"{', '.join(allowed)}.{suggest(link, allowed)}"
                )
        if family.parameters and family.parameters[0].name in further:
            raise SpecError(f"{where}: the first formula models {family.parameters[0].name!r} already.")
        if self.trials and "trials" not in family.options:
            raise SpecError(f"{where} takes no trials=; that is for family='binomial'.")
        if "trials" in family.options and not self.trials:
            raise SpecError(f"{where} needs trials='column', the column with the number of trials.")
        if self.points is not None and "points" not in family.options:
            raise SpecError(f"{where} takes no points=; that is for family='semicontinuous'.")

    def to_json(self) -> dict[str, Any]:
        """Return the equation as plain JSON data."""
        data: dict[str, Any] = {"formulas": list(self.formulas)}
        options = {"family": self.family, "level": self.level, "trials": self.trials}
        data |= {name: value for name, value in options.items() if value is not None}
        if self.links:
            data["links"] = dict(self.links)
        if self.priors:
            data["priors"] = {name: prior.to_json() for name, prior in self.priors.items()}
        if self.points is not None:
            data["points"] = list(self.points)
        if self.initial is not None:
            data["initial"] = self.initial.to_json()
        if self.ar:
            data["ar"] = self.ar
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Equation:
        """Make an equation of what :meth:`to_json` returned; formulas are checked as if just written."""
        links = dict(data.get("links", {}))
        return cls(
            *data["formulas"],
            family=data.get("family"),
            link=links[""] if set(links) == {""} else links,
            priors={name: Prior.from_json(prior) for name, prior in data.get("priors", {}).items()},
            level=data.get("level"),
            trials=data.get("trials"),
            points=tuple(data["points"]) if "points" in data else None,
            initial=cls.from_json(data["initial"]) if "initial" in data else None,
            ar=data.get("ar", 0),
        )

    def __repr__(self) -> str:
        parts = list(map(repr, self.formulas))
        parts += [f"{name}={getattr(self, name)!r}" for name in ("family", "level", "trials", "points", "initial")
                  if getattr(self, name) is not None]  # fmt: skip
        if self.ar:
            parts.append(f"ar={self.ar}")
        if self.links:
            parts.append(f"link={self.links.get('', dict(self.links))!r}")
        if self.priors:
            parts.append(f"priors={{{', '.join(f'{k!r}: {_source(v)}' for k, v in self.priors.items())}}}")
        return f"Equation({', '.join(parts)})"


def as_equation(declared: str | Equation) -> Equation:
    """Return an equation as declared, or that of a formula.

    >>> as_equation("age ~ 1")
    Equation('age ~ 1')
    """
    if isinstance(declared, Equation):
        return declared
    if isinstance(declared, str):
        return Equation(declared)
    raise SpecError(f"A spec takes formulas and bs.Equation(...), not {declared!r}.")


def _source(prior: Prior) -> str:
    return f"Prior({', '.join([repr(prior.name), *(f'{k}={v!r}' for k, v in prior.params.items())])})"


def _order(ar: int, formula: str) -> int:
    if isinstance(ar, bool) or ar not in (0, 1):
        raise SpecError(f"Equation {formula!r}: ar={ar!r} must be 0 or 1; residuals depend on those of one row before.")
    return int(ar)


def _check_priors(priors: Mapping[str, Prior], formula: str) -> None:
    for name, prior in priors.items():
        if not isinstance(prior, Prior):
            raise SpecError(
                f"Equation {formula!r}: the prior of {name!r} is {prior!r}; write bs.Prior('Normal', mu=0, sigma=1)."
            )
