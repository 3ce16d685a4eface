"""A schema: the columns of a table."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from bayessynth.errors import DataError, MissingDataError, SchemaError, suggest
from bayessynth.schema.column import NUMBERS, Column, plain
from bayessynth.schema.columns import Columns
from bayessynth.schema.declare import Declaration
from bayessynth.schema.decode import decode
from bayessynth.schema.detect import look
from bayessynth.schema.encode import encode
from bayessynth.schema.example import example
from bayessynth.schema.names import label_of, named, restored
from bayessynth.schema.override import MAX_LEVELS, overridden
from bayessynth.schema.validate import check_frame, check_present, check_values
from bayessynth.schema.words import sortable


class Schema(Mapping[str, Column]):
    """The columns of a table: kinds, dtypes, levels, bounds. It holds no record.

    Parameters
    ----------
    **columns : Declaration
        Columns of a table that is not there (yet): ``Schema(age=bs.Count(bounds=(0, 110)))``. Numbers state bounds
        or a scale.

    Raises
    ------
    SchemaError
        If a declaration is incomplete.

    Examples
    --------
    >>> import bayessynth as bs
    >>> import pandas as pd
    >>> schema = bs.Schema.detect(pd.DataFrame({"age": [31, 64, 47], "sex": ["f", "m", "f"]}))
    >>> schema["age"].kind, schema["sex"].levels
    ('count', ('f', 'm'))
    """

    def __init__(self, /, **columns: Declaration) -> None:
        made = {}
        for name, declaration in columns.items():
            if not isinstance(declaration, Declaration):
                raise SchemaError(
                    f"Column {name!r}: declare it as bs.Count(…), bs.Categorical(…), not {declaration!r}."
                )
            column = declaration.column(name)
            if column.kind in NUMBERS and column.bounds is None and column.scale is None:
                raise SchemaError(
                    f"Column {name!r}: without data a {column.kind} column must state bounds=(low, high) or scale=…, "
                    "to which default priors are scaled."
                )
            made[name] = column
        self._columns: dict[str, Column] = made
        self._seen: dict[str, tuple[Any, ...]] = {}

    @classmethod
    def _of(cls, columns: Iterable[Column], seen: Mapping[str, tuple[Any, ...]] | None = None) -> Schema:
        schema = cls()
        schema._columns = {c.name: c for c in columns}
        schema._seen = {name: values for name, values in (seen or {}).items() if name in schema._columns}
        return schema

    @classmethod
    def detect(cls, data: pd.DataFrame) -> Schema:
        """Detect the kinds of a table's columns.

        Two distinct values make a column binary; text categorical, or an identifier if nearly every value is
        distinct; whole numbers a count if none is negative; numbers strictly between 0 and 1 a proportion; numbers
        above zero (or with at least 1 % exact zeros) positive. Objects that are numbers count as numbers, and so does
        text all of whose cells are numbers (``1,234.50``, ``12%``) or times (``31 Jan 2020``): it is written so
        again. Leading zeros make it names. A column without any value is constant.

        Raises
        ------
        SchemaError, DataError
            If the table has no more than one row, names two columns alike, or a column holds what no kind has.

        Warns
        -----
        FormatWarning
            If how numbers or times are written is ambiguous, or is not kept cell by cell.

        Examples
        --------
        >>> import pandas as pd
        >>> Schema.detect(pd.DataFrame({"cost": ["$1,200.00", "$7.50", "$0.99"]}))["cost"].kind
        'positive'
        """
        inner = named(data) if isinstance(data, pd.DataFrame) else data
        check_frame(inner)
        if len(data) == 1:
            raise DataError("The table has 1 row, from which nothing can be learnt: kinds need two or more.")
        columns, seen = [], {}
        for label, name in zip(data.columns, inner, strict=True):
            column, distinct = look(inner[name])
            columns.append(replace(column, label=label_of(label)) if not isinstance(label, str) else column)
            if len(distinct) <= MAX_LEVELS:
                seen[name] = tuple(sorted(map(plain, distinct), key=sortable))
        return cls._of(columns, seen)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self._columns)

    def __getitem__(self, name: str) -> Column:
        try:
            return self._columns[name]
        except KeyError:
            raise SchemaError(f"The schema has no column {name!r}.{suggest(str(name), self._columns)}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schema) and self._columns == other._columns

    def __hash__(self) -> int:
        return hash(tuple(self._columns.values()))

    def subset(self, names: Sequence[str]) -> Schema:
        """Return the schema of some of the columns, in the given order."""
        return self._of((self[name] for name in names), self._seen)

    def override(self, /, **kinds: str | Declaration) -> Schema:
        """Return a schema in which some columns are of another kind.

        Parameters
        ----------
        **kinds : str or Declaration
            ``zip="categorical"``, ``stage=bs.Ordinal("I", "II", "III")``. For odd names: ``override(**{"a b": …})``.

        Raises
        ------
        SchemaError
            If there is no such column or kind, or the values that were seen cannot be of that kind.

        Examples
        --------
        >>> import pandas as pd
        >>> Schema.detect(pd.DataFrame({"zip": [1010, 1020, 1030]})).override(zip="categorical")["zip"].levels
        (1010, 1020, 1030)
        """
        changed = dict(self._columns)
        for name, kind in kinds.items():
            declaration = Declaration(kind) if isinstance(kind, str) else kind
            if not isinstance(declaration, Declaration):
                raise SchemaError(f"Column {name!r}: override it with a kind or a declaration, not {kind!r}.")
            changed[name] = overridden(self[name], declaration, self._seen.get(name, ()))
        return self._of(changed.values(), self._seen)

    def validate(self, data: pd.DataFrame, columns: Sequence[str] | None = None) -> None:
        """Check a table against the schema.

        Raises
        ------
        SchemaError, DataError
            Naming column and rows: a missing column, infinite values, values outside levels, bounds or kind.
        """
        data = named(data) if isinstance(data, pd.DataFrame) else data
        check_frame(data, self if columns is None else columns)
        for name in self if columns is None else columns:
            check_values(data[name], self[name])

    def encode(self, data: pd.DataFrame, columns: Sequence[str] | None = None, missing: str = "error") -> Columns:
        """Encode columns of a table as arrays.

        Parameters
        ----------
        data : DataFrame
        columns : sequence of str, optional
            Which; all but identifiers by default.
        missing : {"error", "keep"}
            Whether missing cells are an error or are encoded (NaN, or code -1).

        Returns
        -------
        Columns

        Raises
        ------
        MissingDataError, DataError, SchemaError
            If cells are missing, a column is, or a value is not of its column's kind.
        """
        if missing not in ("error", "keep"):
            raise DataError(f"missing={missing!r} is not one of 'error', 'keep'.{suggest(missing, ['error', 'keep'])}")
        data = named(data)
        names = [n for n in self if self[n].kind != "identifier"] if columns is None else list(columns)
        check_present(data, (self[name].name for name in names))
        arrays, levels = {}, {}
        for name in names:
            arrays[name], found = encode(data[name], self[name])
            if found is not None:
                levels[name] = found
        encoded = Columns(arrays, len(data), levels)
        gaps = {n: int(encoded.missing(n).sum()) for n in names if encoded.missing(n).any()}
        if gaps and missing == "error":
            listed = ", ".join(f"{n!r} ({k} of {len(data)} rows)" for n, k in gaps.items())
            raise MissingDataError(f"Missing cells in {listed}. Fill them, or leave these rows out.")
        return encoded

    def decode(
        self, arrays: Mapping[str, np.ndarray], labels: Mapping[str, Sequence[Any]] | None = None
    ) -> pd.DataFrame:
        """Decode arrays to a table with the original dtypes, in the schema's order of columns.

        Parameters
        ----------
        arrays : mapping of str to ndarray
            Encoded columns; columns of the schema that are not in it are left out.
        labels : mapping of str to sequence, optional
            For group columns: the values behind their codes. Where a column's dtype cannot hold them, the decoded
            column has theirs.

        Raises
        ------
        SchemaError
            If a group has no labels, or a code no level.

        Warns
        -----
        PrecisionWarning
            If values lie beyond what a column's dtype can hold; they are set to its limit.

        Examples
        --------
        >>> import pandas as pd
        >>> schema = Schema.detect(pd.DataFrame({"site": ["a", "b", "c"]})).override(site="group")
        >>> schema.decode({"site": np.array([1, 0])}, labels={"site": ["site_1", "site_2"]})["site"].tolist()
        ['site_2', 'site_1']
        """
        given = labels or {}
        frame = pd.DataFrame(
            {name: decode(arrays[name], self[name], given.get(name)) for name in self if name in arrays}, copy=False
        )
        return self.restored(frame)

    def plain(self, data: pd.DataFrame) -> pd.DataFrame:
        """Return a table in which text that stands for numbers or times is replaced by them.

        Parameters
        ----------
        data : DataFrame
            A table that fits the schema: the original, or a copy.

        Raises
        ------
        SchemaError
            If a cell cannot be read, naming column and rows.

        Examples
        --------
        >>> import pandas as pd
        >>> df = pd.DataFrame({"cost": ["$1,200.00", "$7.50", "$0.99"]})
        >>> Schema.detect(df).plain(df)["cost"].tolist()
        [1200.0, 7.5, 0.99]
        """
        formats = {c.name: c.format for c in self.values() if c.format is not None}
        inner = named(data)
        return inner.assign(**{name: f.read(inner[name]) for name, f in formats.items() if name in inner})

    def plain_names(self) -> Schema:
        """Return the schema of the same table with its columns named by text, as :func:`named` does."""
        return self._of((replace(column, label=None) for column in self.values()), self._seen)

    def restored(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return a table with its columns named as in the original, where these are no text."""
        return restored(frame, self._columns.values())

    def example(self, n: int, rng: np.random.Generator, groups: Sequence[str] = ()) -> pd.DataFrame:
        """Return an imagined table that fits the schema: values spread over bounds or scales, levels equally often.

        It stands for data where there are none, so that transforms and default priors have a scale.
        """
        return self.decode(*example(self, n, rng, groups))

    def to_json(self) -> list[dict[str, Any]]:
        """Return the schema as JSON data.

        >>> import bayessynth as bs
        >>> schema = bs.Schema(age=bs.Count(bounds=(0, 110)))
        >>> bs.Schema.from_json(schema.to_json()) == schema
        True
        """
        return [column.to_json() for column in self._columns.values()]

    @classmethod
    def from_json(cls, data: Sequence[Mapping[str, Any]]) -> Schema:
        """Make a schema of what :meth:`to_json` returned."""
        return cls._of(map(Column.from_json, data))

    def _table(self) -> pd.DataFrame:
        rows = []
        for c in self._columns.values():
            shown = ", ".join(map(str, c.levels[:6])) + (", …" if len(c.levels) > 6 else "")
            detail = shown or ("" if c.bounds is None else f"{c.bounds[0]:g} to {c.bounds[1]:g}")
            rows.append((c.name, c.kind, c.dtype, detail, "yes" if c.missing else ""))
        return pd.DataFrame(rows, columns=["column", "kind", "dtype", "levels or range", "missing"])

    def __repr__(self) -> str:
        return self._table().to_string(index=False) if self else "Schema()"

    def _repr_html_(self) -> str:
        return f"<p>{html.escape('Schema')}</p>{self._table().to_html(index=False)}"
