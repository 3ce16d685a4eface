"""A fitted database: a model of every table. It holds no record of the originals."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from bayessynth.database.composite import Composite
from bayessynth.database.copies import SyntheticDatabase, Tables
from bayessynth.database.draw import Asked
from bayessynth.database.structure import Structure
from bayessynth.database.table import TableModel
from bayessynth.errors import FitError, SynthesisError, suggest
from bayessynth.fitting import Fitted
from bayessynth.synthesis.request import check_positive, checked


class FittedDatabase:
    """What ``Database.fit`` returns.

    Attributes
    ----------
    structure : Structure
        Tables in the order in which they are drawn, and the links between them.
    models : dict of str to TableModel
    provenance : dict
    composites : tuple of Composite
        Keys of several columns.

    Examples
    --------
    >>> import pandas as pd
    >>> import bayessynth as bs
    >>> school = pd.DataFrame({"school_id": range(1, 31), "size": [1, 2, 3] * 10})
    >>> pupil = pd.DataFrame({"school_id": [i for i in range(1, 31) for _ in range(2)], "score": range(60)})
    >>> fitted = bs.Database({"school": school, "pupil": pupil}).fit(copies=2, random_seed=1)
    >>> copy = fitted.synthesize(m=2, random_seed=2)[0]
    >>> len(copy["pupil"]), bool(copy["pupil"]["school_id"].isin(copy["school"]["school_id"]).all())
    (60, True)
    """

    def __init__(
        self, structure: Structure, models: Mapping[str, TableModel], empty: Mapping[str, Mapping[str, str]],
        tables: tuple[str, ...], provenance: Mapping[str, Any],
    ) -> None:  # fmt: skip
        self.structure, self.models, self.empty, self.tables = structure, dict(models), dict(empty), tables
        self.provenance = dict(provenance)
        self.composites: tuple[Composite, ...] = ()

    def __getitem__(self, table: str) -> Fitted:
        """Return the fit of one table: its own columns given those beside it."""
        if table not in self.models:
            raise SynthesisError(f"There is no fit of table {table!r}.{suggest(table, self.models)}")
        fitted = self.models[table].fitted
        if fitted is None:
            raise SynthesisError(f"Table {table!r} has keys only, and no fit.")
        return fitted

    def explain(self, table: str) -> pd.DataFrame:
        """Say what each column of a table is drawn from: its family, what its equation reads, its groups."""
        bound = self[table].bound
        level = {e.response: e.level for e in bound.equations}
        rows = [
            (e.response, family, ", ".join(e.columns), ", ".join(f for own in e.factors for f in own),
             level.get(e.response, "row"))
            for e in bound.spec for family in [str(e.family)] if family != "given"
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=["column", "family", "drawn given", "shares effects of", "level"])

    def synthesize(
        self, m: int = 5, k: int | Mapping[str, int] | None = None, *, force: bool = False,
        random_seed: int | None = None,
    ) -> SyntheticDatabase:  # fmt: skip
        """Draw m proper copies of all tables: copy j uses draw j of every table.

        Parameters
        ----------
        m : int
            Number of copies, at most as many as ``fit(copies=…)`` kept draws.
        k : int or mapping of str to int, optional
            Rows of the root table, or of each root by name; by default as many as the originals have. The numbers of
            rows of all other tables follow from it.
        force : bool
            Draw even if the diagnostics of a table's parametric equations say "fail".
        random_seed : int, optional
            The same seed gives the same bytes.

        Returns
        -------
        SyntheticDatabase

        Raises
        ------
        SynthesisError
            If m or k is not positive, m is more than the fit has draws, or k does not say of which root it is.
        FitError
            If a table's diagnostics say "fail".
        """
        request = checked(m, None, "new", random_seed)
        if m > self.provenance["copies"]:
            raise SynthesisError(
                f"m={m} copies need as many draws, but the fit has {self.provenance['copies']}: fit with copies={m}."
            )
        verdicts = {t: self[t].diagnose().verdict for t, own in self.models.items() if own.fitted is not None}
        failed = [table for table, verdict in verdicts.items() if verdict == "fail"]
        if failed and not force:
            raise FitError(
                f"The diagnostics of table {failed[0]!r} say 'fail': fitted[{failed[0]!r}].diagnose() says why. Mend "
                "its spec, or say force=True; the provenance will then carry the verdict."
            )
        asked = Asked(request.m, self._rows(k), request.entropy)
        record = {
            "m": m, "k": dict(asked.k), "random_seed": asked.entropy, "proper": True, "synthesis": "fully",
            "tables": list(self.tables), "keys": [str(o.key) for o in self.structure.links],
            "verdicts": verdicts, "forced": bool(failed), "privacy": "no formal guarantee", "fit": self.provenance,
        }  # fmt: skip
        return SyntheticDatabase(
            Tables(self.structure, self.models, self.empty, self.tables, asked, self.composites), record
        )

    def _rows(self, k: int | Mapping[str, int] | None) -> dict[str, int]:
        roots = self.structure.roots
        known = {table: self.models[table].n for table in roots}
        if k is None:
            return known
        if isinstance(k, Mapping):
            for table, rows in k.items():
                if table not in roots:
                    raise SynthesisError(
                        f"k= names table {table!r}, which is no root: its number of rows follows. Roots: "
                        f"{', '.join(roots)}."
                    )
                check_positive(**{f"k[{table!r}]": rows})
            return {**known, **k}
        check_positive(k=k)
        if len(roots) > 1:
            raise SynthesisError(f"k={k}, of which root? There are {', '.join(roots)}: say k={{{roots[0]!r}: {k}}}.")
        return {roots[0]: int(k)}

    def save(self, directory: str | os.PathLike[str]) -> Path:
        """Save the fit to a new directory, one folder a table: JSON, netCDF and npz, no record of the originals.

        Raises
        ------
        StorageError
            If the directory exists and holds something else than a saved database.
        """
        from bayessynth.database.storage import save

        return save(self, directory)

    def __repr__(self) -> str:
        rows = ", ".join(f"{t} ({m.n:,} rows)" for t, m in self.models.items())
        return f"FittedDatabase: {rows}; {self.provenance['copies']} draws, {self.provenance['total_seconds']:.0f} s"
