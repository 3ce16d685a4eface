"""A time until an event, seen or censored: one declaration of two columns.

With a start and a stop, in a spec of sequences, it is of three::

    bs.Spec("treat ~ 1", "bilirubin ~ lag(bilirubin) + treat",
            bs.Survival("(start, stop) ~ treat + bilirubin", event="died"), unit="patient", time="start")

Rows of a unit follow each other without a gap: each starts where the one before stopped, the event can come in the last
one only, and all others have the value of ``event`` that means censored. In the likelihood a row is a record that
enters at its start and is watched until its stop (Andersen & Gill 1982, Annals of Statistics 10, 1100-1120). A row with
another after it ended because that was due: whether and when it is, were it not for events and the end of follow-up,
is drawn by trees. Copies go on row by row: the columns at its start, given the rows before; then the event, the end of
follow-up or the next row, whichever comes first, given that neither of the first two has come yet. A column's value in
a row is that at its start, so that ``lag(y)`` is for what acts with a delay.

With ``(1 |p| patient)`` in the equation of a marker and in that of the event, a unit's effects on both are correlated:
a joint model of marker and hazard. A unit has one event at most, so its effect on the hazard is told from the
baseline's shape by the marker alone; with few events let the family be ``"exponential"`` or ``"weibull"`` and draw
longer. Where the hazard follows the marker's present value, not the unit's level, let the formula read the marker too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bayessynth import families
from bayessynth.errors import SpecError, suggest
from bayessynth.families import Prior
from bayessynth.families.curing import cured_name
from bayessynth.spec.cause import Cause
from bayessynth.spec.equation import Equation
from bayessynth.spec.expression import quote
from bayessynth.spec.formula import has_dot, parse
from bayessynth.spec.two_times import of_one, of_two, two_times, with_term, without_groups

#: What the equation of the time of censoring is called, beside causes of an event.
CENSORED = "censored"
_FAMILY = "piecewise"


@dataclass(frozen=True, init=False)
class Survival:
    """Declare a time until an event and whether the event or the end of follow-up came first.

    Every cause of an event has a latent time, and so has the end of follow-up (censoring); a record shows the smallest,
    and which it was. Given predictors and group effects they are independent, so that the likelihood factorises: in the
    equation of a cause the rows that it ended are events and all others are right-censored. Only cause-specific hazards
    are identified by such data (Prentice et al. 1978, Biometrics 34, 541-554), and they suffice to make more of them.
    Copies draw all latent times, and have follow-up like the original's.

    Parameters
    ----------
    formula : str
        The column of times on the left, predictors on the right: ``"time ~ treat + age + (1 | site)"``. Each cause's
        equation, unless ``causes`` has another. With two columns, ``"(start, stop) ~ treat + bilirubin"``, the rows of
        a unit are intervals one after another, through which predictors keep the value that they have in the row
        (start–stop form of time-varying predictors); :mod:`bayessynth.spec.survival` says more.
    *distributional : str
        Formulas of further parameters of the family: ``"alpha ~ treat"``.
    event : str
        The column that says what ended the time: censoring or an event, of one cause or of several. Numbers, booleans
        or categories.
    family : str
        ``"piecewise"`` (proportional hazards with a smooth step function as baseline; coefficients are log hazard
        ratios, as Cox's), or, accelerated failure (coefficients are log ratios of times), ``"exponential"``,
        ``"weibull"``, ``"loglogistic"``, ``"lognormal"``.
    censored : value, optional
        The value of ``event`` that means censored. By default 0, False, or a category called censored; of the numbers
        1 and 2 it is 1.
    causes : mapping of str to str, optional
        Right sides for causes whose formula differs, by the value of ``event``: ``{"relapse": "~ age"}``.
    censoring : str, optional
        Right side for the time of censoring: ``"~ treat"``, ``"~ 1"``. By default that of the formula; of rows from
        start to stop, without its group-specific terms, because a unit is censored once.
    cure : str, optional
        Right side of the probability of ever having the event, by the logit (``susceptible`` in the posterior): the
        others never have it, however long they are watched. Only follow-up that goes on long after the last events
        tells that from late events. With several causes it is of each cause.
    entry : str, optional
        Column of the times from which on records were watched (delayed entry). It needs an equation of its own.
    until : str, optional
        Column of the ends of intervals: where it is above the time, the event came after the time and by that end (with
        a time of 0: before it). Copies have as many exact times as the original, and intervals like its: between visits
        that records have in common, attended as often, or with widths that depend on when the event came.
    strata : str, optional
        Column whose levels have baselines of their own, where their hazards are not proportional (family
        ``"piecewise"``); it joins the predictors of the causes, its coefficient being the log ratio of hazards at
        first.
    priors : mapping of str to Prior, optional
        Priors of the equations of the causes, by parameter name.

    Raises
    ------
    FormulaError
        If a formula cannot be parsed.
    SpecError
        If the family is none of times, or two of the columns are one.

    Examples
    --------
    >>> import bayessynth as bs
    >>> bs.Survival("time ~ treat", event="status", censoring="~ 1")
    Survival('time ~ treat', event='status', censoring='~ 1')
    >>> spec = bs.Spec("treat ~ 1", bs.Survival("time ~ treat", event="status"))
    >>> spec.columns
    ('treat', 'time', 'status')
    """

    formulas: tuple[str, ...]
    event: str
    family: str
    censored: Any
    causes: Mapping[str, str]
    censoring: str | None
    cure: str | None
    entry: str | None
    until: str | None
    strata: str | None
    priors: Mapping[str, Prior]
    coding: tuple[tuple[str, float], ...] | None

    def __init__(
        self,
        formula: str,
        *distributional: str,
        event: str,
        family: str = _FAMILY,
        censored: Any = None,
        causes: Mapping[str, str] | None = None,
        censoring: str | None = None,
        cure: str | None = None,
        entry: str | None = None,
        until: str | None = None,
        strata: str | None = None,
        priors: Mapping[str, Prior] | None = None,
    ) -> None:
        start = two_times(formula)[0]
        entry = start if entry is None else entry
        values = {
            "formulas": (formula, *distributional), "event": event, "family": family, "censored": censored,
            "causes": {str(k): v for k, v in (causes or {}).items()}, "censoring": censoring, "cure": cure,
            "entry": entry, "until": until, "strata": strata, "priors": dict(priors or {}), "coding": None,
        }  # fmt: skip
        for name, value in values.items():
            object.__setattr__(self, name, value)
        timed = [name for name in families.names() if "event" in families.get(name).beside]
        if family not in timed:
            raise SpecError(
                f"Survival({formula!r}): family {family!r} is none of times until an event."
                f"{suggest(family, timed)} Known: {', '.join(timed)}."
            )
        if start is not None and (until is not None or entry != start):
            raise SpecError(
                f"Survival({formula!r}): rows from {start!r} on take no entry= and no until=: a row enters at its "
                "start, and its event comes at its stop. Leave them out."
            )
        if strata is not None and "shift" not in families.get(family).beside:
            raise SpecError(
                f"Survival({formula!r}): strata= is for family='piecewise'. A shape of its own gives a level of "
                f"{strata!r} another hazard in others: Survival({formula!r}, 'alpha ~ {quote(strata)}', …)."
            )
        named = [self.time, event, *filter(None, (entry, until, strata))]
        if len(set(named)) < len(named):
            raise SpecError(
                f"Survival({formula!r}) names one column twice among time, event, entry, until and strata: {named}."
            )
        self._equations_of(self.coding)

    def __hash__(self) -> int:
        return hash((self.formulas, self.event, self.family))

    @property
    def time(self) -> str:
        """The column of times."""
        return two_times(self.formulas[0])[1]

    @property
    def start(self) -> str | None:
        """The column of starts, where rows of a unit are intervals one after another."""
        return two_times(self.formulas[0])[0]

    @property
    def level(self) -> str:
        """The level at which it lives: rows."""
        return "row"

    @property
    def declares(self) -> tuple[str, ...]:
        """The columns that it declares: the times, what ended them, and the ends of intervals if there are any."""
        return (self.time, self.event, *([self.until] if self.until else []))

    @property
    def equations(self) -> tuple[Equation, ...]:
        """The equations of the latent times: one a cause, and that of censoring.

        Before data have said which causes there are, there is one, as for a single cause.

        >>> import bayessynth as bs
        >>> [e.response for e in bs.Survival("time ~ treat", event="status").equations]
        ['time', 'time_censored']
        """
        return self._equations_of(self.coding)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that its equations read, grouping factors aside."""
        return tuple(dict.fromkeys(c for e in self.equations for c in e.columns))

    @property
    def uses_dot(self) -> bool:
        """Whether a right side has a ``.`` that stands for all columns declared before."""
        return any(e.uses_dot for e in self.equations)

    def with_dot(self, columns: tuple[str, ...]) -> Survival:
        """Return the declaration with ``.`` standing for the given columns."""
        start, time, right = two_times(self.formulas[0])

        def written(text: str) -> str:
            whole = text if text.split("~")[0].strip() else f"_ {text}"
            return str(parse(whole, columns)).removeprefix("_ ") if has_dot(whole) else text

        return self._with(
            formulas=(of_two(start, written(of_one(time, right))), *map(written, self.formulas[1:])),
            causes={k: written(v) for k, v in self.causes.items()},
            censoring=None if self.censoring is None else written(self.censoring),
            cure=None if self.cure is None else written(self.cure),
        )  # fmt: skip

    def coded(self, coding: tuple[tuple[str, float], ...]) -> Survival:
        """Return the declaration with the codes that data have for causes, and that of censoring by its name, if any.

        Raises
        ------
        SpecError
            If ``causes`` has one that the data do not have.
        """
        known = [name for name, _ in coding if name != CENSORED]
        for name in self.causes:
            if name not in known:
                raise SpecError(
                    f"Survival({self.formulas[0]!r}): causes= has {name!r}, which is no event in {self.event!r}."
                    f"{suggest(name, known)} Its events: {', '.join(known)}."
                )
        return self._with(coding=coding)

    def _with(self, **changes: Any) -> Survival:
        copy = object.__new__(Survival)
        for name in self.__dataclass_fields__:
            object.__setattr__(copy, name, changes.get(name, getattr(self, name)))
        return copy

    def _equations_of(self, coding: tuple[tuple[str, float], ...] | None) -> tuple[Equation, ...]:
        known = coding or (("", 1.0), (CENSORED, 0.0))
        several = sum(name != CENSORED for name, _ in known) > 1
        found = []
        for name, code in known:
            ends = name == CENSORED
            response = self.time if not several and not ends else f"{self.time}_{name}"
            text = self._side(name)
            further = () if ends else (*self.formulas[1:], *self._susceptible())
            last = f"last({self.start})" if ends and self.start else None
            strata = None if ends else self.strata
            cause = Cause(self.time, self.event, code, ends, self.entry, self.until, last=last, strata=strata)
            found.append(
                Equation(f"{quote(response)} {text}", *further, level="row", priors={} if ends else self.priors)
                .of(cause, _FAMILY if ends else self._family)
            )  # fmt: skip
        return tuple(found)

    @property
    def _family(self) -> str:
        """The family of the events' times, with a cured share if there is one."""
        return self.family if self.cure is None else cured_name(self.family)

    def _susceptible(self) -> tuple[str, ...]:
        return () if self.cure is None else (f"susceptible {self._right(self.cure)}",)

    def _side(self, name: str) -> str:
        """Return the right side of a latent time's equation, with its tilde."""
        if name == CENSORED:
            start, _, right = two_times(self.formulas[0])
            plain = without_groups(right) if start else right.strip()
            return f"~ {plain}" if self.censoring is None else self._right(self.censoring)
        text = self.causes.get(name)
        right = f"~ {two_times(self.formulas[0])[2].strip()}" if text is None else self._right(text)
        return right if self.strata is None else with_term(right, self.strata)

    def _right(self, text: str) -> str:
        """Return a right side with its tilde."""
        left, right = text.split("~", 1) if "~" in text else ("?", "")
        if left.strip():
            raise SpecError(f"Survival({self.formulas[0]!r}): write {text!r} as a right side, such as '~ age'.")
        return f"~ {right.strip()}"

    def to_json(self) -> dict[str, Any]:
        """Return the declaration as plain JSON data."""
        data: dict[str, Any] = {"formulas": list(self.formulas), "event": self.event, "family": self.family}
        options = {"censored": self.censored, "censoring": self.censoring, "cure": self.cure,
                   "entry": None if self.start else self.entry, "until": self.until, "strata": self.strata}  # fmt: skip
        data |= {name: value for name, value in options.items() if value is not None}
        if self.causes:
            data["causes"] = dict(self.causes)
        if self.priors:
            data["priors"] = {name: prior.to_json() for name, prior in self.priors.items()}
        if self.coding is not None:
            data["coding"] = [list(pair) for pair in self.coding]
        return {"survival": data}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Survival:
        """Make a declaration of what :meth:`to_json` returned; formulas are checked as if just written."""
        own = dict(data["survival"])
        coding = own.pop("coding", None)
        priors = {name: Prior.from_json(prior) for name, prior in own.pop("priors", {}).items()}
        made = cls(*own.pop("formulas"), priors=priors, **own)
        return made if coding is None else made._with(coding=tuple((name, float(code)) for name, code in coding))

    def __repr__(self) -> str:
        parts = [*map(repr, self.formulas), f"event={self.event!r}"]
        if self.family != _FAMILY:
            parts.append(f"family={self.family!r}")
        options = ("censored", "censoring", "cure", "entry", "until", "strata")
        parts += [f"{name}={getattr(self, name)!r}" for name in options
                  if getattr(self, name) is not None and not (name == "entry" and self.start)]  # fmt: skip
        if self.causes:
            parts.append(f"causes={dict(self.causes)!r}")
        if self.priors:
            listed = (f"{k!r}: Prior({', '.join([repr(v.name), *(f'{a}={b!r}' for a, b in v.params.items())])})"
                      for k, v in self.priors.items())  # fmt: skip
            parts.append(f"priors={{{', '.join(listed)}}}")
        return f"Survival({', '.join(parts)})"


def declared(data: Mapping[str, Any]) -> Equation | Survival:
    """Make an equation or a survival declaration of what its ``to_json`` returned.

    >>> declared(Survival("time ~ 1", event="status").to_json())
    Survival('time ~ 1', event='status')
    """
    return Survival.from_json(data) if "survival" in data else Equation.from_json(data)
