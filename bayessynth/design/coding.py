"""Which value of an event column means what: causes of an event, and the end of follow-up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bayessynth.design.followup import administrative
from bayessynth.design.intervals import check_ends, check_times, last_rows
from bayessynth.errors import DataError, MissingDataError, SpecError, suggest, where
from bayessynth.schema import Schema
from bayessynth.spec import CENSORED, Spec, Survival

# Most values of an event column.
_MOST = 20
_WORDS = ("censored", "censor", "cens")


def detected(spec: Spec, data: pd.DataFrame) -> Schema:
    """Detect a schema, in which whole numbers of which no two are equal are times where the spec says so.

    >>> from bayessynth.spec import Spec
    >>> table = pd.DataFrame({"days": range(1, 100), "status": [0, 1, 1] * 33})
    >>> detected(Spec(Survival("days ~ 1", event="status")), table)["days"].kind
    'count'
    """
    schema = Schema.detect(data)
    named = [own.time for own in spec.survivals if own.time in schema and schema[own.time].kind == "identifier"]
    whole = [c for c in named if pd.api.types.is_integer_dtype(data[c])]
    return schema.override(**dict.fromkeys(whole, "count")) if whole else schema


def coded(spec: Spec, data: pd.DataFrame, schema: Schema, missing: str = "error") -> Spec:
    """Return the spec whose survival times know the codes of their events.

    Raises
    ------
    SpecError
        If a column is not there, or it is not clear which value means censored.
    DataError
        If there is no event, or a time is not above 0.
    MissingDataError
        If missing cells are to be modelled, which survival times do not serve.

    Examples
    --------
    >>> from bayessynth.spec import Spec
    >>> table = pd.DataFrame({"time": [1.5, 2.25, 3.0, 4.5], "status": ["died", "censored", "died", "died"]})
    >>> coded(Spec(Survival("time ~ 1", event="status")), table, Schema.detect(table)).survivals[0].coding
    (('died', 1.0), ('censored', 0.0))
    """
    if not spec.survivals:
        return spec
    if missing == "model":
        raise MissingDataError(
            f"The survival time {spec.survivals[0].time!r} takes no missing='model': say missing='drop' to leave out "
            "rows with missing cells, or fill the cells first."
        )
    units = data[spec.unit] if spec.unit is not None else np.arange(len(data))
    return spec.replace(*(_coded(own, data, schema, last_rows(units)) for own in spec.survivals))


def _coded(own: Survival, data: pd.DataFrame, schema: Schema, last: np.ndarray) -> Survival:
    for column in (*own.declares, *filter(None, (own.entry, own.strata))):
        if column not in schema or column not in data:
            raise SpecError(
                f"Column {column!r} (the survival time {own.time!r}) is not in the data.{suggest(column, schema)} "
                f"The data have: {', '.join(schema)}."
            )
    _check_latent(own, schema)
    check_times(own, schema)
    _check_strata(own, schema)
    kinds = {c: schema[c].kind for c in own.declares}
    if kinds[own.event] in ("identifier", "group", "datetime") or kinds[own.time] in ("identifier", "group"):
        odd = own.event if kinds[own.event] in ("identifier", "group", "datetime") else own.time
        wanted = "categorical" if odd == own.event else "positive"
        raise SpecError(
            f"Column {odd!r} of the survival time {own.time!r} was taken for {kinds[odd]}; if it is not, use "
            f"Schema.detect(df).override({odd}={wanted!r})."
        )
    encoded = schema.encode(data[list(own.declares)], columns=list(own.declares), missing="keep")
    time, event = encoded[own.time], encoded[own.event]
    _check_times(own, encoded.arrays)
    values = _values(own, event, schema)
    censored = _censored(own, values)
    names = {value: str(label) for value, label in values.items() if value != censored}
    if not names:
        raise DataError(
            f"Column {own.event!r} says that every record of the survival time {own.time!r} is censored: there is no "
            "event to learn from. Say censored= if another value means that."
        )
    if own.cure is not None and censored is None:
        raise DataError(
            f"Every record of the survival time {own.time!r} has an event, so that nothing says of a share that never "
            "has it: leave cure= out."
        )
    if own.until and len(names) > 1:
        raise SpecError(
            f"The survival time {own.time!r} has ends of intervals (until={own.until!r}) and events of several causes "
            f"({', '.join(names.values())}), which do not go together. Leave until= out, or make one event of them."
        )
    check_ends(own, np.isin(event, list(names)), last)
    coding = tuple((name, value) for value, name in names.items())
    if censored is not None:
        ends = np.isfinite(time) & (event == censored) & last
        whole = np.where(np.isfinite(time), time, 0.0)
        atoms = administrative(whole[last], ends[last], schema[own.time].decimals)
        if (ends & ~np.isin(time, atoms)).any():
            coding = (*coding, (CENSORED, censored))
    return own.coded(coding)


def _check_latent(own: Survival, schema: Schema) -> None:
    """Refuse a column that has the name of a latent time."""
    if f"{own.time}_{CENSORED}" in schema:
        raise SpecError(
            f"Column {own.time + '_' + CENSORED!r} has the name that the time of censoring of {own.time!r} has; rename "
            "it."
        )


def _check_strata(own: Survival, schema: Schema) -> None:
    """Refuse strata that have no levels."""
    if own.strata is not None and not schema[own.strata].levels:
        raise SpecError(
            f"{own!r}: strata={own.strata!r} is {schema[own.strata].kind}, and strata are levels. Use "
            f"Schema.detect(df).override({own.strata}='categorical') if it has few values."
        )


def _check_times(own: Survival, arrays: Any) -> None:
    time = arrays[own.time]
    known = np.isfinite(time)
    allowed = time > 0
    if own.until:
        allowed |= (time == 0) & (arrays[own.until] > 0)
    bad = known & ~allowed
    if bad.any():
        raise DataError(
            f"The survival time needs times above 0: {where(own.time, bad, time)}. A time counts from when the record "
            "could first have had the event: mend such times, or leave the rows out."
        )


def _values(own: Survival, event: np.ndarray, schema: Schema) -> dict[float, Any]:
    """Return the values of the event column, by their codes."""
    column = schema[own.event]
    if column.levels:
        present = np.unique(event[event >= 0]).astype(int)
        return {float(code): column.levels[code] for code in present}
    if column.kind == "constant":
        return {0.0: column.value}
    found = np.unique(event[np.isfinite(event)])
    if len(found) > _MOST:
        raise DataError(
            f"Column {own.event!r} has {len(found)} values, too many for what ended a time. Is it the column of events?"
        )
    return {float(v): int(v) if float(v).is_integer() else float(v) for v in found}


def _censored(own: Survival, values: dict[float, Any]) -> float | None:
    """Return the code that means censored, None if no record is."""
    shown = ", ".join(map(repr, values.values()))
    if own.censored is not None:
        for code, value in values.items():
            if value == own.censored and isinstance(value, str) == isinstance(own.censored, str):
                return code
        raise SpecError(
            f"Survival({own.formulas[0]!r}): censored={own.censored!r} is no value of {own.event!r}. It has: {shown}."
        )
    for code, value in values.items():
        if value is False or (not isinstance(value, str) and value == 0):
            return code
        if isinstance(value, str) and (value.lower() in _WORDS or value in ("0", "False")):
            return code
    if len(values) == 1:
        return None
    if set(values.values()) == {1, 2}:
        return next(code for code, value in values.items() if value == 1)
    raise SpecError(
        f"It is not clear which value of {own.event!r} means that the survival time {own.time!r} is censored. It has: "
        f"{shown}. Say which: Survival(…, censored=…); or which columns are meant."
    )
