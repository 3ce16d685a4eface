"""The plan of a copy whose rows form sequences: its units, their rows, and where these are cut."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bayessynth.design import Bound
from bayessynth.errors import SynthesisError
from bayessynth.fitting.cores import available_cores
from bayessynth.spec.lags import base
from bayessynth.synthesis.conditional import Given
from bayessynth.synthesis.generate import Plan, child, draw_effects, draw_upper
from bayessynth.synthesis.generate import reads as read_by
from bayessynth.synthesis.groups import Groups, cut_units, groups_of_units, observed_groups
from bayessynth.synthesis.labels import label, owners
from bayessynth.synthesis.request import Request
from bayessynth.synthesis.sequence import BATCH, Fixed, Rows, Steps
from bayessynth.synthesis.together import rows_together
from bayessynth.trees import Grove

if TYPE_CHECKING:
    from bayessynth.synthesis.maker import Maker


def check_request(bound: Bound, request: Request) -> None:
    """Refuse what sequences cannot be asked for.

    Raises
    ------
    SynthesisError
        For levels, shares and the original's groups.
    """
    if bound.sequence is None:
        return
    if request.where is not None or request.shares is not None:
        raise SynthesisError(
            "where= and shares= are not for specs with unit= and time=: a row then depends on all rows before. Draw "
            "more rows and keep the units that are wanted."
        )
    if request.groups == "existing":
        raise SynthesisError(
            "groups='existing' is not for specs with unit= and time=, whose units are new: give the units, and as many "
            "rows as each has, by given=."
        )


def check_given(bound: Bound, given: Given) -> None:
    """Refuse given columns without their units, and those that tell of others which are drawn before them.

    Raises
    ------
    SynthesisError
        Naming the column, and what it depends on.
    """
    sequences = bound.sequence
    if sequences is None:
        return
    if given.rows and not given.codes:
        raise SynthesisError(
            f"given= has {', '.join(map(repr, given.rows))} without {sequences.unit!r}: give the unit's label on every "
            "row, or columns of the units alone, one row a unit."
        )
    if given.codes and sequences.stop is not None:
        raise SynthesisError(
            f"given= has the {sequences.unit!r} of rows, but how many rows a unit has follows from when its event "
            f"comes: leave {sequences.unit!r} out and give columns of units, one row a unit."
        )
    if given.cells:
        column = next(iter(given.cells))
        raise SynthesisError(
            f"given= has missing cells in {column!r}; of sequences columns are given in all rows or in none."
        )
    known = {*given.rows, *given.upper, sequences.time}
    for column in (c for c in known if c != sequences.time):
        for equation in (e for e in bound.equations if e.response in sequences.drawn_by(column)):
            told = [base(c) for c in read_by(equation) if base(c) not in known]
            told += [f"effects of {factor}" for factor in equation.factors]
            if told:
                raise SynthesisError(
                    f"given= has {column!r}, which depends on {told[0]!r} that is drawn: in sequences given columns "
                    f"must tell of no others. Give {told[0]!r} too, or leave {column!r} out."
                )


def sequence_plan(maker: Maker, copy: int, seed: np.random.SeedSequence, rng: np.random.Generator) -> Plan:
    """Draw all of a copy: units, their columns, and their rows.

    Parameters
    ----------
    maker : Maker
    copy : int
    seed : SeedSequence
        Of the copy.
    rng : Generator
        For all that is above the rows.
    """
    bound, given = maker.bound, maker.given
    assert bound.sequence is not None
    k = None if given.codes or given.n_top else maker.k
    guess = given.n_top or (0 if k is None else int(1.2 * k / bound.sequence.average) + 8)
    while True:
        steps, order = _begun(maker, copy, guess, k, seed, rng)
        rows = _rows(steps, steps.units, k)
        if k is None or rows.sizes.sum() >= k:
            break
        guess *= 2
    return _finished(maker, steps.plan, rows, order, k)


def sequence_plans(asked: Sequence[tuple[Maker, int]], threads: int = 1) -> list[Plan]:
    """Draw several copies of sequences whose units are given, one row of all of them at a time.

    What each copy is does not depend on which others are drawn beside it.

    Parameters
    ----------
    asked : sequence of tuple of Maker and int
        What makes each copy, and its number.
    threads : int
        Share the rows of a step; they change no byte.
    """
    begun = []
    for maker, copy in asked:
        seed = np.random.SeedSequence(maker.request.entropy, spawn_key=(copy,))
        begun.append(_begun(maker, copy, 0, None, seed, child(seed, 0)))
    walked = rows_together([steps for steps, _ in begun], threads)
    return [_finished(maker, steps.plan, rows, order, None)
            for (maker, _), (steps, order), rows in zip(asked, begun, walked, strict=True)]  # fmt: skip


def _begun(
    maker: Maker, copy: int, guess: int, k: int | None, seed: np.random.SeedSequence, rng: np.random.Generator
) -> tuple[Steps, np.ndarray | None]:
    """Draw a copy's units and their columns, and say where each given row stands."""
    bound, given = maker.bound, maker.given
    values = maker.draws.at(0, copy)
    groups = _groups(maker, copy, guess, k, rng)
    effects = draw_effects(bound, values, groups, rng)
    grove = Grove.of(maker.forest, copy, {f: groups.rows_of(f, known=False) for f in maker.forest.effects}, rng)
    plan = Plan(replace(bound, schema=bound.inner), groups, values, effects, {}, seed, maker.part, dict(given.upper),
                None, {}, grove)  # fmt: skip
    set_rows = _set(plan, given, bound)
    fixed, order = _fixed(plan, given, bound)
    draw_upper(plan, rng)
    return Steps(plan, fixed, set_rows), order


def _finished(maker: Maker, plan: Plan, rows: Rows, order: np.ndarray | None, k: int | None) -> Plan:
    """Return a copy whose rows are there, cut after row k."""
    bound, groups = maker.bound, plan.groups
    if order is None:
        groups = cut_units(bound.plan, groups, np.cumsum(rows.sizes), k or int(rows.sizes.sum()))
    arrays = {c: v[order] if order is not None else v[: groups.k] for c, v in rows.arrays.items()}
    labels = {column: label(column, bound.schema, bound.plan, groups) for column in owners(bound.plan)}
    released = replace(bound, equations=())
    return Plan(released, groups, plan.values, {}, arrays, plan.seed, maker.part, plan.upper, maker.given.kept, labels,
                plan.grove)  # fmt: skip


def _groups(maker: Maker, copy: int, guess: int, k: int | None, rng: np.random.Generator) -> Groups:
    """Return the units, and the groups that they lie in, before it is known how many rows each has."""
    given, plan = maker.given, maker.bound.plan
    if given.codes:
        return observed_groups(plan, given.codes, given.labels, {f: len(v) for f, v in given.labels.items()})
    return groups_of_units(maker.structure, maker.flat[copy], guess, top=k is None, rng=rng)


def _set(plan: Plan, given: Given, bound: Bound) -> dict[str, np.ndarray]:
    """Set columns of units from outside, and return those of rows with the value that each row has."""
    for column, value in given.cut.items():
        if bound.levels[column] != "row":
            plan.upper[column] = np.broadcast_to(value, plan.groups.count(bound.levels[column]))
    return {column: value for column, value in given.cut.items() if bound.levels[column] == "row"}


def _fixed(plan: Plan, given: Given, bound: Bound) -> tuple[Fixed | None, np.ndarray | None]:
    """Return what is given of the rows, sorted by unit, and where each given row then stands.

    Columns of groups that are given on every row join those that are drawn.
    """
    if not given.codes:
        return None, None
    assert bound.sequence is not None
    unit, time = bound.sequence.unit, bound.sequence.time
    codes = given.codes[unit]
    moments = given.rows.get(time, np.zeros(len(codes)))
    places = np.lexsort((np.arange(len(codes)), moments, codes))
    same = (np.diff(codes[places]) == 0) & (np.diff(moments[places]) == 0)
    if time in given.rows and same.any():
        at = int(np.flatnonzero(same)[0])
        one, other = sorted((int(places[at]), int(places[at + 1])))
        raise SynthesisError(f"given= has two rows of one {unit!r} at one {time!r}: rows {one} and {other}.")
    for column in (c for c in given.rows if bound.levels.get(c, "row") != "row"):
        own = given.codes[bound.levels[column]]
        plan.upper[column] = given.rows[column][np.unique(own, return_index=True)[1]]
    arrays = {c: v[places] for c, v in given.rows.items() if bound.levels.get(c, "row") == "row"}
    sizes = np.bincount(codes, minlength=plan.groups.count(unit))
    order = np.empty(len(codes), dtype=np.int64)
    order[places] = np.arange(len(codes))
    return Fixed(np.cumsum(sizes) - sizes, sizes, arrays), order


def _rows(steps: Steps, units: int, k: int | None) -> Rows:
    """Draw batches of units until there are k rows; of all units if k is None."""
    found: list[Rows] = []
    total = 0
    for rows in _batches(steps, units, k):
        found.append(rows)
        total += int(rows.sizes.sum())
        if k is not None and total >= k:
            break
    sizes = np.concatenate([rows.sizes for rows in found])
    return Rows(sizes, {c: np.concatenate([rows.arrays[c] for rows in found]) for c in steps.columns})


def _batches(steps: Steps, units: int, k: int | None) -> Iterator[Rows]:
    """Yield the rows of batches of units in order, drawn as many at a time as there are cores."""
    numbered = list(enumerate(range(0, units, BATCH)))
    threads = min(available_cores(), len(numbered))
    # Batches beyond those that will hold k rows are drawn only once it shows that these do not.
    likely = len(numbered) if k is None else int(k / steps.sequences.average / BATCH) + 1

    def draw(number: int, first: int) -> Rows:
        return steps.batch(number, slice(first, min(first + BATCH, units)))

    if threads <= 1:
        yield from (draw(*pair) for pair in numbered)
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[Rows]] = deque()
        for number, first in numbered:
            while waiting and (number >= likely or len(waiting) > threads):
                yield waiting.popleft().result()
            waiting.append(pool.submit(draw, number, first))
        while waiting:
            yield waiting.popleft().result()
