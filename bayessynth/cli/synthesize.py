"""The command ``synthesize``: a saved fit to copies on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from bayessynth.cli.app import guarded, out
from bayessynth.cli.fit import Seed


@guarded
def synthesize(
    fit: Annotated[Path, typer.Argument(metavar="FIT", help="A directory that 'bayessynth fit' wrote.")],
    *,
    out_: Annotated[Path, typer.Option("--out", metavar="DIR", help="A new directory for the copies.")],
    m: Annotated[int, typer.Option(min=1, help="Copies, each from its own posterior draw.")] = 5,
    k: Annotated[int | None, typer.Option(min=1, help="Rows of each copy; by default the original's number.")] = None,
    seed: Seed = None,
    groups: Annotated[
        Literal["new", "existing"], typer.Option(help="New groups, or the original's (disclosing).")
    ] = "new",
    format_: Annotated[Literal["parquet", "csv"], typer.Option("--format", help="File format.")] = "parquet",
    force: Annotated[bool, typer.Option("--force", help="Draw although the diagnostics say 'fail'.")] = False,
) -> None:
    """Draw synthetic copies from a saved fit and write them, with their provenance."""
    from bayessynth.fitting import load

    copies = load(fit).synthesize(m, k=k, groups=groups, random_seed=seed, force=force)
    written = copies.to_csv(out_) if format_ == "csv" else copies.to_parquet(out_)
    console = out()
    console.print(str(copies), markup=False, highlight=False)
    console.print(f"Written to {written}.", markup=False, soft_wrap=True)
