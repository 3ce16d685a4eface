"""The command ``synthesize``: a saved fit to copies on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from bayessynth.cli.app import guarded, out
from bayessynth.cli.fit import Seed
from bayessynth.errors import SynthesisError


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
    where: Annotated[
        list[str] | None, typer.Option("--where", metavar="COLUMN=VALUE", help="Only rows with this level or number.")
    ] = None,
    do: Annotated[
        list[str] | None,
        typer.Option("--do", metavar="COLUMN=VALUE", help="Set a column from outside, its equation cut."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Draw although the diagnostics say 'fail'.")] = False,
) -> None:
    """Draw synthetic copies from a saved fit and write them, with their provenance."""
    from bayessynth.fitting import Fitted, load

    fitted = load(fit)
    asked = {
        option: {column: value for column, value in (_parted(text, option) for text in texts)}
        for option, texts in (("where", where), ("do", do))
        if texts
    }
    if asked and isinstance(fitted, Fitted):
        copies = fitted.synthesize(m, k=k, groups=groups, random_seed=seed, force=force, **asked)  # type: ignore[arg-type]
    elif asked:
        raise SynthesisError(f"--{next(iter(asked))} is for fits of a spec; this one is of a PyMC model.")
    else:
        copies = fitted.synthesize(m, k=k, groups=groups, random_seed=seed, force=force)
    written = copies.to_csv(out_) if format_ == "csv" else copies.to_parquet(out_)
    console = out()
    console.print(str(copies), markup=False, highlight=False)
    console.print(f"Written to {written}.", markup=False, soft_wrap=True)


def _parted(asked: str, option: str) -> tuple[str, str]:
    column, equals, value = asked.partition("=")
    if not equals:
        raise SynthesisError(f"--{option} {asked!r} names no value; write --{option} COLUMN=VALUE.")
    return column, value
