"""Tables to their models, from the roots down."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from bayessynth.database.between import Edge, between
from bayessynth.database.covariates import FILLER, Covariate, Filler, FromAbove, Known, RowNumber, by_owner
from bayessynth.database.fitted import FittedDatabase
from bayessynth.database.labels import Labels
from bayessynth.database.order import PLACE, InTime, in_order
from bayessynth.database.pairing import Pairing, pairing_of
from bayessynth.database.screen import telling
from bayessynth.database.structure import Link, Structure, positions
from bayessynth.database.table import Optional, TableModel, drawn_columns
from bayessynth.database.write import (
    Above,
    check_own,
    checked_spec,
    covariates,
    factor_of,
    frame_of_table,
    groups_of,
    judged,
    read_by,
    spec_in_order,
    spec_of_table,
    with_rules,
)
from bayessynth.errors import SpecError, suggest
from bayessynth.fitting import Fitted
from bayessynth.fitting.fit import check_settings
from bayessynth.fitting.seeds import entropy_of
from bayessynth.rules import determined
from bayessynth.schema import Column, Schema
from bayessynth.spec import Spec
from bayessynth.trees import TreeSettings

# Records times trees of a column beyond which a large table has fewer trees, of which each has more leaves.
GROWN = 60_000
# Most trees of a column, as for a single table.
TREES = 10


def fit_database(
    tables: Mapping[str, pd.DataFrame], structure: Structure, empty: Mapping[str, Mapping[str, str]],
    order: Sequence[str], *, specs: Mapping[str, Spec] | None, schemas: Mapping[str, Schema] | None, copies: int,
    random_seed: int | None, cores: int | None, trees: TreeSettings | Mapping[str, TreeSettings] | None,
    in_time: bool = True,
) -> FittedDatabase:  # fmt: skip
    """Fit every table; :meth:`Database.fit` describes the arguments."""
    start = time.perf_counter()
    check_settings("auto", copies=copies, cores=cores)
    by_table = trees if isinstance(trees, Mapping) else None
    for given, what in ((specs, "specs"), (schemas, "schemas"), (by_table, "trees")):
        for table in given or {}:
            if table not in structure.order:
                raise SpecError(
                    f"{what}= names table {table!r}, which has no rows here.{suggest(table, structure.order)}"
                )
    entropy = entropy_of(random_seed, SpecError)
    tables, times = in_order(tables, structure) if in_time else (tables, {})
    bench = _Bench(tables, times, structure, specs or {}, schemas or {}, copies, entropy, cores, trees)
    models = {table: bench.fit(table) for table in structure.order}
    record = {
        "copies": copies, "random_seed": entropy, "rows": {t: len(tables[t]) for t in structure.order},
        "seconds": {t: round(s, 2) for t, s in bench.seconds.items()},
        "total_seconds": round(time.perf_counter() - start, 2),
        "data": {t: m.fitted.provenance["data"] for t, m in models.items() if m.fitted is not None},
    }  # fmt: skip
    return FittedDatabase(structure, models, dict(empty), tuple(order), record)


class _Bench:
    """Where tables are fitted one after the other, each given those before it."""

    def __init__(
        self, tables: Mapping[str, pd.DataFrame], times: Mapping[str, InTime], structure: Structure,
        specs: Mapping[str, Spec], schemas: Mapping[str, Schema], copies: int, entropy: int, cores: int | None,
        trees: TreeSettings | Mapping[str, TreeSettings] | None,
    ) -> None:  # fmt: skip
        self.tables, self.times, self.structure = tables, times, structure
        self.specs, self.schemas = specs, schemas
        self.copies, self.entropy, self.cores, self.trees = copies, entropy, cores, trees
        self.above: dict[str, Above] = {}
        self.stated: dict[str, list[Edge]] = {}
        self.known = Known({table: len(tables[table]) for table in structure.order})
        self.seconds: dict[str, float] = {}
        for link in structure.links:
            at = positions(link.key, tables)
            self.known.links[link.label] = np.argsort(at, kind="stable") if link.inverted else at

    def fit(self, table: str) -> TableModel:
        """Fit one table."""
        start = time.perf_counter()
        frame, structure, known = self.tables[table], self.structure, self.known
        keys = [key.column for key in structure.keys(table)]
        primary = structure.primary.get(table)
        own = frame[[c for c in frame if c != primary and c not in keys]].copy()
        counts = self._counts(table)
        owners = structure.owners(table)
        link = next((o for o in owners if o.primary), None)
        at = None if link is None else known.links[link.label]
        given = covariates(table, structure, self.above, known, [*own, *counts])
        factor = factor_of(link, at, [*own, *counts, *(c.name for c in given)])
        clash = [c for c in own if c in counts]
        if clash:
            raise SpecError(f"Table {table!r} has a column {clash[0]!r}, the name of an internal one; rename it.")
        given = (*given, Filler(FILLER, table))
        fitted = self._fitted(table, own.assign(**counts), list(counts), given, factor, at)
        self._remember(table, own, fitted, given, factor)
        pairings = {o.label: self._pairing(o, given) for o in owners if not o.primary}
        self.seconds[table] = time.perf_counter() - start
        there = int((at >= 0).sum()) if at is not None else len(frame)
        return TableModel(
            table, tuple(frame), {c: str(frame[c].dtype) for c in dict.fromkeys([*keys, *filter(None, [primary])])},
            len(frame), fitted, tuple(c for c in given if fitted is not None and c.name in fitted.schema), factor,
            None if primary is None else Labels.of(frame[primary], table), Optional(len(frame) - there, len(frame)),
            pairings, _in_time(fitted, known.arrays[table], at),
        )  # fmt: skip

    def _counts(self, table: str) -> dict[str, np.ndarray]:
        """Return internal columns: the numbers of members of each row, what running sums are like."""
        n = len(self.tables[table])
        counts: dict[str, np.ndarray] = {
            link.count: np.bincount(at[at >= 0], minlength=n)
            for link in self.structure.members(table) if not link.inverted
            for at in (self.known.links[link.label],)
        }  # fmt: skip
        ordered = self._in_order(table)
        if ordered is not None:
            counts |= ordered.of_owner(self.tables[table], self.known.links[self._first(table).label])
        return counts

    def _in_order(self, table: str) -> InTime | None:
        """Return how a table's rows follow each other, unless the user's spec says."""
        return None if table in self.specs else self.times.get(table)

    def _fitted(
        self, table: str, own: pd.DataFrame, internal: Sequence[str], given: Sequence[Covariate], factor: str | None,
        at: np.ndarray | None,
    ) -> Fitted | None:  # fmt: skip
        """Fit a table's own columns and numbers of members; None if it has neither."""
        if not len(own.columns):
            return None
        beside = {c.name: values for c in given for values in (c.values(self.known),) if _varies(values)}
        columns = {c.name: c.column for c in given if c.name in beside}
        found = self._schema(table, own)
        schema = Schema._of([*columns.values(), *found.values()], found._seen)
        frame = frame_of_table(own, {name: (columns[name], beside[name]) for name in beside})
        if factor is not None and at is not None:
            frame = frame.assign(**{factor: groups_of(at)[0] + 1})
            schema = Schema._of([*schema.values(), Column(factor, "group", "int64", labels="int")], found._seen)
            if self._in_order(table) is not None:
                place = RowNumber(PLACE, self._first(table).label, relative=False).values(self.known).astype(np.int64)
                frame = frame.assign(**{PLACE: place})
                schema = Schema._of([*schema.values(), Column(PLACE, "count", "int64", decimals=0)], found._seen)
        heard = self._heard(table, own, found, given, beside)
        used = [name for name in beside if any(name in columns for columns in heard.values())]
        spec = self._spec(table, frame, schema, list(beside), used, internal, factor, heard)
        if table not in self.specs:
            spec = with_rules(spec, between(spec.rules, given, schema, self.stated))
        names = {*spec.columns, *determined(spec.rules), *(c for f in spec.factors for c in f)}
        kept = [c for c in frame if c in names or c not in beside]
        return spec.fit(
            frame[kept], schema=schema.subset([c for c in schema if c in kept]), missing="model", copies=self.copies,
            cores=self.cores, progress=False, random_seed=_seed(self.entropy, table),
            trees=self._settings(table, len(frame)),
        )  # fmt: skip

    def _schema(self, table: str, own: pd.DataFrame) -> Schema:
        """Return the schema of a table's own columns, internal ones included, as declared or detected."""
        found, declared = Schema.detect(own), self.schemas.get(table)
        if declared is None:
            return found
        return Schema._of((declared[c] if c in declared else found[c] for c in found), found._seen)

    def _spec(
        self, table: str, frame: pd.DataFrame, schema: Schema, beside: Sequence[str], used: Sequence[str],
        internal: Sequence[str], factor: str | None, heard: Mapping[str, Sequence[str]],
    ) -> Spec:  # fmt: skip
        """Return the spec of a table: the user's, completed, or one that is written for it."""
        declares = self.specs.get(table)

        def some(names: Sequence[str]) -> list[str]:
            return [c for c in frame if c not in beside or c in names]

        if declares is not None:
            check_own(declares, table, beside)
            used = read_by(declares, beside, used)
            return checked_spec(declares, frame[some(used)], used, internal)
        real = [name for name in used if name != FILLER]
        ordered = self._in_order(table)
        if ordered is not None and factor is not None:
            left = [c for c in self._left(table) if c in real]
            pace = {ordered.column: left}
            return spec_in_order(frame[some(real)], schema.subset(some(real)), real, factor, PLACE, pace, heard,
                                 ordered.total, [c for c in self._left(table)[:1] if c in real])  # fmt: skip
        try:
            return spec_of_table(frame[some(real)], schema.subset(some(real)), real, factor, heard)
        except SpecError:
            # All columns may be computed, and a spec has an equation; what else is wrong is so with another column too.
            return spec_of_table(frame[some([FILLER])], schema.subset(some([FILLER])), [FILLER], factor, heard)

    def _first(self, table: str) -> Link:
        """Return the link to a table's primary owner."""
        return next(o for o in self.structure.owners(table) if o.primary)

    def _left(self, table: str) -> list[str]:
        """Return the covariates that say how many rows the owner has, and how far on among them a row is."""
        link = self._first(table)
        return [f"{link.name}.{link.count}", f"row of {link.name}"]

    def _settings(self, table: str, rows: int) -> TreeSettings:
        own = self.trees.get(table) if isinstance(self.trees, Mapping) else self.trees
        return own or TreeSettings(trees=int(np.clip(GROWN // max(rows, 1), 1, TREES)))

    def _heard(
        self,
        table: str,
        own: pd.DataFrame,
        schema: Schema,
        given: Sequence[Covariate],
        beside: Mapping[str, np.ndarray],
    ) -> dict[str, list[str]]:
        """Return for each column of a table which of the covariates tell something of it."""
        known = judged(given, self.known, beside)
        names = [c for c in schema if c in own and schema[c].kind not in ("identifier", "constant")]
        encoded = schema.subset(names).encode(own, missing="keep")
        # How many rows the owner has may tell only beside other columns: it is always taken.
        always = [f"{o.name}.{o.count}" for o in self.structure.links if o.member == table and not o.inverted]
        always = [name for name in always if name in known]
        known.pop(FILLER, None)
        return {c: [*dict.fromkeys([*always, *telling(encoded[c], len(schema[c].levels), known)])] for c in names}

    def _remember(
        self, table: str, own: pd.DataFrame, fitted: Fitted | None, given: Sequence[Covariate], factor: str | None
    ) -> None:
        """Note what later tables may be drawn given: columns that are drawn or computed, labels and names aside."""
        self.known.arrays[table] = {}
        if fitted is None:
            self.above[table] = Above(())
            return
        schema, names = fitted.schema, {c.name for c in given}
        self.stated[table] = [edge for rule in fitted.bound.rules for edge in rule.orders]
        factors = {c for columns in fitted.bound.plan.columns.values() for c in columns}
        made = drawn_columns(fitted.bound)
        kept = [schema[c] for c in schema if c in made and c not in names and c != factor and c not in factors
                and schema[c].kind not in ("identifier", "constant", "group")]  # fmt: skip
        counted = own.assign(**self._counts(table))
        encoded = schema.subset([c.name for c in kept]).encode(counted, missing="keep")
        self.known.arrays[table] = dict(encoded.arrays)
        keys = {rule.determines for rule in fitted.bound.rules if rule.name in ("unique", "numbered")}
        self.above[table] = Above(tuple(c for c in kept if c.name not in keys))

    def _pairing(self, link: Link, given: Sequence[Covariate]) -> Pairing:
        rows = [c for c in given if isinstance(c, FromAbove) and c.path[0] != link.label]
        rows = [c for c in rows if c.path[0] == self.structure.owners(link.member)[0].label]
        owners = [c.name for c in self.above[link.owner].columns if c.name != link.count]
        levels = {c.name: len(c.column.levels) for c in rows}
        levels |= {c.name: len(c.levels) for c in self.above[link.owner].columns}
        return pairing_of(link, self.structure, self.known, rows, owners, levels)


def _varies(values: np.ndarray) -> bool:
    there = values[~np.isnan(values)] if values.dtype.kind == "f" else values
    return len(there) > 0 and bool((there != there[0]).any())


def _seed(entropy: int, table: str) -> int:
    return int(np.random.SeedSequence([entropy, *table.encode()]).generate_state(1, np.uint64)[0] >> 1)


def _in_time(fitted: Fitted | None, arrays: Mapping[str, np.ndarray], at: np.ndarray | None) -> str | None:
    """Return the first column of times in whose order the rows of each owner stand, where that is no chance."""
    if fitted is None or at is None or fitted.bound.sequence is not None:
        return None
    order, starts = by_owner(at)
    if len(order) - len(starts) < 20:
        return None
    inside = np.ones(len(order), dtype=bool)
    inside[starts] = False
    for column in (c for c in fitted.schema if c in arrays and fitted.schema[c].kind == "datetime"):
        values = arrays[column][order]
        steps = np.diff(values)[inside[1:]]
        if not np.isnan(values).any() and (steps >= 0).all() and (steps > 0).sum() >= 20:
            return column
    return None
