"""The command ``auto``: any table to copies, with the spec that was written for it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Literal

import typer

from bayessynth.cli.app import guarded, out
from bayessynth.cli.fit import Cores, Seed


@guarded
def auto(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A CSV or Parquet file.")],
    *,
    out_: Annotated[Path, typer.Option("--out", metavar="DIR", help="A new directory for the copies.")],
    m: Annotated[int, typer.Option(min=1, help="Copies, each from its own posterior draw.")] = 5,
    k: Annotated[int | None, typer.Option(min=1, help="Rows of each copy; by default the original's number.")] = None,
    seed: Seed = None,
    cores: Cores = None,
    strata: Annotated[
        list[str] | None, typer.Option(help="Column that comes first and that all others are drawn from.")
    ] = None,
    spec_out: Annotated[
        Path | None, typer.Option("--spec-out", metavar="FILE", help="Write the spec as Python, to edit and refit.")
    ] = None,
    format_: Annotated[Literal["parquet", "csv"], typer.Option("--format", help="File format.")] = "parquet",
) -> None:
    """Write a spec for a table, fit it, draw copies; print what was chosen for each column and why."""
    from bayessynth.cli.tables import frame_table
    from bayessynth.fitting import read
    from bayessynth.spec import Spec

    frame = read(data)
    start = time.perf_counter()
    spec = Spec.auto(frame, strata=strata)
    console = out()
    console.print(frame_table(spec.explain(), f"Spec of {data.name}"))
    if spec_out is not None:
        spec_out.write_text(f"import bayessynth as bs\n\n{spec.to_python()}\n", encoding="utf-8")
        console.print(f"The spec is in {spec_out}.", markup=False, soft_wrap=True)
    fitted = spec.fit(frame, missing="model", copies=m, random_seed=seed, cores=cores)
    copies = fitted.synthesize(m, k, random_seed=seed)
    written = copies.to_csv(out_) if format_ == "csv" else copies.to_parquet(out_)
    console.print(str(copies), markup=False, highlight=False)
    console.print(f"Written to {written} ({time.perf_counter() - start:.0f} s).", markup=False, soft_wrap=True)
