"""Rows of a unit in the order of time: what a spec may say of them.

``Spec(…, unit="patient", time="visit")`` makes a sequence of the rows of each unit. Its formulas may use

- ``lag(y)``, ``lag(y, 2)``: the value one row, or two rows, before; of any column, that of the equation too;
- ``first(y)``: the value in the unit's first row;
- ``past(y)``: what the rows before say of the unit's level of a number: their mean, drawn towards the overall one by as
  much as rows of a unit differ (the best linear predictor of a random intercept, its variances learnt at the fit);
- ``elapsed(time)``: the time since the row before (dates: in days);
- ``number(time)``: the row's number within the unit, from 1.

``bs.Equation("y ~ x + (1 | id)", ar=1)`` has residuals that depend on those of the row before, whatever the formula
reads (:mod:`bayessynth.design.autoregression`).

The first rows have no lag. An equation with such terms is fitted to the rows where they exist; the rows before have an
*initial* equation, by default the formula without its lagged terms and without effects of the unit, or as declared:
``bs.Equation("y ~ lag(y) + x + (1 | id)", initial="y ~ x")``. Its parameters are ``y_first_…`` in the posterior, and
its priors have the keys ``first_…``.

A unit's effect and its first value depend on each other (the initial-conditions problem, Heckman 1981). With a lag of
the response beside an effect of the unit, ``first(y)`` in the formula takes that dependence in (Wooldridge 2005):
``"y ~ lag(y) + first(y) + x + (1 | id)"``; without it the lag's coefficient takes part of the variance between units.

References
----------
Heckman JJ (1981). The incidental parameters problem and the problem of initial conditions. In Manski and McFadden
(eds), Structural Analysis of Discrete Data.
Wooldridge JM (2005). Simple solutions to the initial conditions problem in dynamic, nonlinear panel data models with
unobserved heterogeneity. Journal of Applied Econometrics 20, 39-54.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bayessynth.errors import SpecError
from bayessynth.spec.equation import Equation
from bayessynth.spec.lags import Derived, derived, order
from bayessynth.spec.survival import Survival


def same_row(equation: Equation) -> list[str]:
    """Return the columns of its own row that an equation reads: a lag is of another row and makes no cycle.

    >>> same_row(Equation("y ~ x + lag(y) + elapsed(day)"))
    ['x', 'day']
    """
    found = [(name, derived(name)) for name in equation.columns]
    return [made.column if made else name for name, made in found if made is None or made.function == "elapsed"]


def check_sequence(equations: Sequence[object], unit: str | None, time: str | None) -> None:
    """Raise a SpecError unless the equations of a spec fit what it says of its sequences.

    Parameters
    ----------
    equations : sequence of Equation
    unit, time : str or None
    """
    if (unit is None) != (time is None):
        raise SpecError(f"unit={unit!r} and time={time!r} make sequences together: give both, or neither.")
    if unit is not None and unit == time:
        raise SpecError(f"unit and time are both {unit!r}; the unit is what is seen again, the time is when.")
    several = [own for own in equations if isinstance(own, Survival)][1:] if unit is not None else []
    if several:
        raise SpecError(f"{several[0]!r} is a second survival time of the same rows, which can end for one only.")
    for equation in equations:
        if not isinstance(equation, Equation):
            if unit is not None:
                check_survival(equation, time)
            elif isinstance(equation, Survival) and equation.start is not None:
                raise SpecError(
                    f"{equation!r} is of rows that follow each other: say what makes a sequence of them, "
                    f"Spec(…, unit='patient', time={equation.start!r})."
                )
            continue
        where = f"Equation for {equation.response!r}"
        read = [(name, made) for name in equation.columns if (made := derived(name))]
        if read and unit is None and _calls(equation):
            raise SpecError(
                f"{where} reads {read[0][0]}, but the spec does not say what makes a sequence of the rows: "
                "Spec(…, unit='patient', time='visit')."
            )
        if unit is None:
            if equation.initial is not None:
                raise SpecError(f"{where}: initial= is for sequences; say unit= and time= in the spec, or drop it.")
            if equation.ar:
                raise SpecError(f"{where}: ar=1 is for sequences; say unit= and time= in the spec, or drop it.")
            continue
        for name, made in read:
            if made.function in ("elapsed", "number") and made.column != time:
                raise SpecError(f"{where}: {name} is of the time; write {made.function}({time}).")
        if equation.ar and equation.response == time:
            raise SpecError(f"{where}: ar=1 is for what is measured, not for the time {time!r} itself; drop it.")
        _check_initial(equation, where, unit, time)


def check_survival(declared: object, time: str | None) -> None:
    """Raise a SpecError unless a survival time is one that rows of a unit can have.

    >>> check_survival(Survival("stop ~ x", event="d"), "start")
    Traceback (most recent call last):
    ...
    bayessynth.errors.SpecError: Survival('stop ~ x', event='d') in a spec with unit= and time=: rows of a unit need the
    time at which each starts and stops. Write '(start, stop) ~ …', or declare it in a spec of units.
    """
    assert isinstance(declared, Survival)
    if declared.start is None:
        raise SpecError(
            f"{declared!r} in a spec with unit= and time=: rows of a unit need the time at which each starts and stops."
            f" Write '({time}, {declared.time}) ~ …', or declare it in a spec of units."
        )
    if declared.start != time:
        raise SpecError(f"{declared!r} starts rows at {declared.start!r}; say time={declared.start!r} in the spec.")


def refuse_sequences(unit: str | None, what: str) -> None:
    """Raise a SpecError where a spec has sequences, which something cannot take.

    >>> refuse_sequences("id", "Sufficient statistics")
    Traceback (most recent call last):
    ...
    bayessynth.errors.SpecError: Sufficient statistics are not for specs with unit= and time=, of which the rows of each
    unit are needed in order: fit the table itself.
    """
    if unit is not None:
        raise SpecError(
            f"{what} are not for specs with unit= and time=, of which the rows of each unit are needed in order: fit "
            "the table itself."
        )


def _calls(equation: Equation) -> bool:
    """Tell whether derived columns are called, not names of columns in back-ticks."""
    return not any(f"`{name}`" in text for text in equation.formulas for name in equation.columns if derived(name))


def _check_initial(equation: Equation, where: str, unit: str, time: str | None) -> None:
    initial = equation.initial
    if initial is None:
        return
    if initial.response != equation.response:
        raise SpecError(f"{where}: initial= is an equation of {initial.response!r}; it must be of the same column.")
    if order(initial.columns) or initial.initial is not None:
        raise SpecError(f"{where}: initial= is for rows without a lag, and cannot read one itself.")
    if (unit,) in initial.factors:
        raise SpecError(
            f"{where}: initial= has effects of {unit!r}, but most units have one first row, from whose residual these "
            f"cannot be told; remove (… | {unit})."
        )
    if not order(equation.columns) and equation.response != time:
        raise SpecError(f"{where}: initial= says nothing, since the equation reads no lag; leave it out.")


def lagged(equation: Equation) -> Iterator[Derived]:
    """Yield the derived columns that an equation reads and first rows lack.

    >>> [made.function for made in lagged(Equation("y ~ lag(y) + number(day)"))]
    ['lag']
    """
    for name in equation.columns:
        made = derived(name)
        if made and made.order:
            yield made
