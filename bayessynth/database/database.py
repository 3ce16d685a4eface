"""Several tables that are tied by keys."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from bayessynth.database.check import check_keys, check_tables, completed, from_the_top
from bayessynth.database.composite import composites_of, joined, split, without_repeated
from bayessynth.database.detect import Found, foreign_keys, primary_keys
from bayessynth.database.detect_several import several
from bayessynth.database.key import Key
from bayessynth.database.structure import positions, structure_of
from bayessynth.errors import TableWarning, warn
from bayessynth.schema.dtypes import dtype_name

if TYPE_CHECKING:
    from bayessynth.database.fitted import FittedDatabase
    from bayessynth.schema import Schema
    from bayessynth.spec import Spec
    from bayessynth.trees import TreeSettings


class Database:
    """Several tables that are tied by keys: patients, their admissions, the laboratory values of these.

    Parameters
    ----------
    tables : mapping of str to DataFrame
    keys : sequence of Key, optional
        Which columns refer to which tables; found by themselves if not given. A key is one column, or several that
        name a row together.
    orphans : {"error", "drop"}
        What becomes of rows that refer to no row of the parent: an error, or they are left out, with a warning. A
        missing cell is no orphan but a row without that parent.

    Raises
    ------
    DataError
        If a parent's key is missing or occurs twice, or a row is an orphan; with table, column and rows.
    SpecError
        If a key names what does not exist, or keys form a cycle.

    Notes
    -----
    A table without rows has none in every copy, and its columns. A column that refers to its own table is an ordinary
    column.

    Examples
    --------
    >>> import pandas as pd
    >>> import bayessynth as bs
    >>> account = pd.DataFrame({"account_id": [1, 2, 3], "fee": [5, 0, 5]})
    >>> loan = pd.DataFrame({"loan_id": [7, 8], "account_id": [1, 3], "amount": [100, 250]})
    >>> print(bs.Database({"account": account, "loan": loan}))
    Database: 2 tables, 1 key
      table  rows  columns        key
    account     3        2 account_id
       loan     2        3    loan_id
                                 key children a parent
    loan.account_id → account.account_id    0–1, mean 0.667
    """

    def __init__(
        self, tables: Mapping[str, pd.DataFrame], keys: Sequence[Key] | None = None, *,
        orphans: Literal["error", "drop"] = "error",
    ) -> None:  # fmt: skip
        frames = check_tables(tables)
        self._primary = primary_keys(frames)
        if keys is None:
            self._found = foreign_keys(frames, self._primary)
            self._found += several(frames, [own.key for own in self._found if own.taken], self._primary)
            chosen = [own.key for own in self._found if own.taken]
        else:
            chosen = completed(keys, frames, self._primary)
            self._found = [Found(key, "it was declared") for key in chosen]
        chosen = self._without_repeated(chosen)
        self._primary = {**self._primary, **{key.parent: str(key.parent_column) for key in chosen}}
        own = {key.parent: str(key.parent_column) for key in chosen}
        checked = check_keys(joined(frames, chosen), chosen, own, orphans)
        stood = {key.column for key in chosen if key.parts} | {key.parent_column for key in chosen if key.parts}
        self._tables = {t: frame.drop(columns=[c for c in frame if c in stood]) for t, frame in checked.items()}
        for key in chosen:  # a child's own key may be one of its parents': it is then written by that parent
            if self._primary.get(key.table) == key.column:
                self._shared(key, chosen)
        self.keys: tuple[Key, ...] = tuple(chosen)
        self._composites = composites_of(self._tables, from_the_top(chosen))
        self._tell_alone()

    def _without_repeated(self, keys: list[Key]) -> list[Key]:
        kept, repeated = without_repeated(keys)
        reason = "a key of several columns leads there already"
        self._found = [Found(o.key, reason, taken=False) if o.key in repeated else o for o in self._found]
        return kept

    def _shared(self, key: Key, keys: Sequence[Key]) -> None:
        if not any(other.parent == key.table for other in keys):
            del self._primary[key.table]

    def _tell_alone(self) -> None:
        tied = {table for key in self.keys for table in (key.table, key.parent)}
        alone = [table for table in self._tables if table not in tied]
        if alone and len(self._tables) > 1:
            warn(
                f"No key ties table {alone[0]!r} to another, so it is drawn by itself. If it belongs to one, declare "
                f"it: keys=[bs.Key({alone[0]!r}, 'column', 'parent'), …].",
                TableWarning,
            )

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables by name, without orphans that were left out."""
        return dict(self._tables)

    @property
    def primary(self) -> dict[str, str]:
        """The column that names the rows of each table that has one."""
        return dict(self._primary)

    def joined(self, tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
        """Return these tables, or a copy's, with a column that stands for each key of several."""
        return joined(tables, self.keys)

    def __getitem__(self, table: str) -> pd.DataFrame:
        return self._tables[table]

    @classmethod
    def read(
        cls, folder: str | os.PathLike[str], keys: Sequence[Key] | None = None, *,
        orphans: Literal["error", "drop"] = "error",
    ) -> Database:  # fmt: skip
        """Read the CSV and Parquet files of a folder, each a table of the file's name.

        Raises
        ------
        DataError
            If there is no such folder, it holds no table or two of one name, or a file cannot be read.

        Examples
        --------
        >>> import tempfile
        >>> import pandas as pd
        >>> import bayessynth as bs
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     pd.DataFrame({"id": [1, 2]}).to_csv(f"{folder}/ward.csv", index=False)
        ...     pd.DataFrame({"ward_id": [1, 1]}).to_csv(f"{folder}/bed.csv", index=False)
        ...     [str(key) for key in bs.Database.read(folder).keys]
        ['bed.ward_id → ward.id']
        """
        from bayessynth.database.folder import read

        return cls(read(folder), keys, orphans=orphans)

    def fit(
        self,
        *,
        specs: Mapping[str, Spec] | None = None,
        schemas: Mapping[str, Schema] | None = None,
        copies: int = 20,
        random_seed: int | None = None,
        cores: int | None = None,
        trees: TreeSettings | Mapping[str, TreeSettings] | None = None,
        in_time: bool = True,
    ) -> FittedDatabase:
        """Fit every table, from the roots down.

        A table's rows are drawn given their parents' and grandparents' columns, their number in the parent, and
        summaries of the rows that other tables have of the same parent and that are drawn before; the children of one
        parent share an effect. How many children a row has in each table is an internal column of the parent.

        Parameters
        ----------
        specs : mapping of str to Spec, optional
            Of some tables; by default each has that of :meth:`Spec.auto`. A spec may read the columns beside the
            table's own by their names (``fitted["loan"].schema`` lists them): ``"amount ~ duration + `account.fee`"``;
            the grouping factor is called as the column that refers to the parent: ``(1 | account_id)``.
        schemas : mapping of str to Schema, optional
            Kinds of some tables' columns; detected if not given.
        copies : int
            Draws that are kept: as many copies can be synthesised.
        random_seed : int, optional
            The same seed gives the same fit.
        cores : int, optional
            Threads; by default all cores.
        trees : TreeSettings or mapping of str to TreeSettings, optional
            The dial between fidelity and disclosure, of all tables or by table: of a small table of places, whose rows
            are no persons, ``{"district": bs.TreeSettings(leaf=5)}`` keeps more. By default tables of more than 6,000
            rows have fewer trees a column, of which each has more leaves.
        in_time : bool
            Whether rows of an owner follow each other where a table says so: its owners have four rows or more on
            average, and stand in the order of a column of times. Each row is then drawn given the one before, as in
            ``Spec(unit=…, time=…)``; a balance, or another running sum, is found and stays exact, and rows of one day
            stand in the order that it tells. A table with a spec of its own follows that spec.

        Returns
        -------
        FittedDatabase
        """
        from bayessynth.database.fit import fit_database

        tables = split(joined(self._tables, self.keys), self._composites)
        structure = structure_of(tables, self.keys, self._primary)
        empty = {table: {c: dtype_name(frame[c].dtype) for c in frame}
                 for table, frame in self._tables.items() if not len(frame)}  # fmt: skip
        fitted = fit_database(tables, structure, empty, list(tables), specs=specs, schemas=schemas, copies=copies,
                              random_seed=random_seed, cores=cores, trees=trees, in_time=in_time)  # fmt: skip
        fitted.composites = tuple(own for own in self._composites if own.parent in structure.order)
        return fitted

    def explain(self) -> pd.DataFrame:
        """Say which columns were taken for keys and which were not, and why.

        Returns
        -------
        DataFrame
            One row a key that was found, declared or refused.
        """
        rows = [(str(own.key), own.taken, own.reason) for own in self._found]
        return pd.DataFrame(rows, columns=["key", "taken", "why"])

    def children(self) -> pd.DataFrame:
        """Return the number of children a parent of each key: fewest, mean, most, and rows without a parent."""
        rows, whole = [], self.joined(self._tables)
        for key in self.keys:
            at = positions(key, whole)
            count = np.bincount(at[at >= 0], minlength=len(self._tables[key.parent]))
            size = (int(count.min()), float(count.mean()), int(count.max())) if len(count) else (0, 0.0, 0)
            rows.append((str(key), *size, int((at < 0).sum())))
        return pd.DataFrame(rows, columns=["key", "fewest", "mean", "most", "without"])

    def __repr__(self) -> str:
        tables = pd.DataFrame({
            "table": list(self._tables), "rows": [len(f) for f in self._tables.values()],
            "columns": [f.shape[1] for f in self._tables.values()],
            "key": [self._primary.get(t, "") for t in self._tables],
        })  # fmt: skip
        number = f"{len(self.keys)} key{'' if len(self.keys) == 1 else 's'}"
        lines = [f"Database: {len(tables)} tables, {number}", tables.to_string(index=False)]
        if self.keys:
            shown = self.children()
            spans = [f"{a}–{b}, mean {c:.3g}" if a != b else f"{a}"
                     for a, c, b in zip(shown["fewest"], shown["mean"], shown["most"], strict=True)]  # fmt: skip
            spans = [s + (f"; {w} rows without" if w else "") for s, w in zip(spans, shown["without"], strict=True)]
            keys = [str(k) if k.parts else f"{k.table}.{k.column} → {k.parent}.{k.parent_column}" for k in self.keys]
            lines.append(pd.DataFrame({"key": keys, "children a parent": spans}).to_string(index=False))
        return "\n".join(lines)
