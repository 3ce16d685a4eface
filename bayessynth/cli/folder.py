"""A folder of related tables to a folder of copies."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from bayessynth.cli.app import out
from bayessynth.errors import SpecError


def holds_tables(folder: Path) -> bool:
    """Tell whether a folder holds several tables rather than one in parts: CSV files, or Parquet of unlike columns."""
    import pyarrow.parquet as pq

    if any(folder.glob("*.csv")) or any(folder.glob("*.csv.gz")):
        return True
    return len({tuple(pq.read_schema(path).names) for path in folder.glob("*.parquet")}) > 1


def auto_folder(
    data: Path, target: Path, m: int, k: int | None, seed: int | None, cores: int | None,
    strata: Sequence[str] | None, spec_out: Path | None, ending: str,
) -> None:  # fmt: skip
    """Find the keys of a folder's tables, fit them, draw copies; print the keys and why each was taken.

    Raises
    ------
    SpecError
        If an option is given that is for one table.
    """
    from bayessynth.cli.tables import frame_table
    from bayessynth.database import Database

    for given, option in ((strata, "--strata"), (spec_out, "--spec-out")):
        if given:
            raise SpecError(f"{option} is for one table, and {data} is a folder of tables: leave it out.")
    console = out()
    start = time.perf_counter()
    database = Database.read(data)
    console.print(str(database), markup=False, highlight=False)
    console.print(frame_table(database.explain(), f"Keys of {data.name}"))
    fitted = database.fit(copies=m, random_seed=seed, cores=cores)
    copies = fitted.synthesize(m, k, random_seed=seed)
    written = copies.to_csv(target) if ending == "csv" else copies.to_parquet(target)
    console.print(str(copies), markup=False, highlight=False)
    console.print(f"Written to {written} ({time.perf_counter() - start:.0f} s).", markup=False, soft_wrap=True)
