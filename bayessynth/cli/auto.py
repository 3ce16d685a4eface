"""The command ``auto``: any table, or folder of tables, to copies, with the spec that was written for it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bayessynth.cli.app import guarded, out
from bayessynth.cli.fit import Cores, Seed
from bayessynth.cli.folder import auto_folder, holds_tables
from bayessynth.cli.privacy import Cap, Delta, DomainFile, Epsilon, Person, Weighted, asked
from bayessynth.errors import PrivacyError

if TYPE_CHECKING:
    from bayessynth.privacy import DP
    from bayessynth.synthesis import SyntheticData


@guarded
def auto(
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="A CSV or Parquet file, or a folder of them: related tables.")
    ],
    *,
    out_: Annotated[Path, typer.Option("--out", metavar="DIR", help="A new directory for the copies.")],
    m: Annotated[int, typer.Option(min=1, help="Copies, each from its own posterior draw.")] = 5,
    k: Annotated[int | None, typer.Option(min=1, help="Rows of each copy; by default the original's number.")] = None,
    seed: Seed = None,
    cores: Cores = None,
    strata: Annotated[
        list[str] | None, typer.Option(help="Column that comes first and that all others are drawn from.")
    ] = None,
    unit: Annotated[str | None, typer.Option(help="Column of what is seen again: rows of one form a sequence.")] = None,
    time_: Annotated[str | None, typer.Option("--time", help="Column that orders the rows of a unit.")] = None,
    spec_out: Annotated[
        Path | None, typer.Option("--spec-out", metavar="FILE", help="Write the spec as Python, to edit and refit.")
    ] = None,
    format_: Annotated[Literal["parquet", "csv"], typer.Option("--format", help="File format.")] = "parquet",
    epsilon: Epsilon = None,
    delta: Delta = None,
    domain: DomainFile = None,
    person: Person = None,
    cap: Cap = None,
    weighted: Weighted = False,
) -> None:
    """Write a spec for a table, fit it, draw copies; print what was chosen for each column and why.

    Of a folder every file is a table; keys are found, and every copy is a folder.
    """
    start = time.perf_counter()
    privacy = asked(epsilon, delta, domain, person, cap, weighted, None, False)
    if data.is_dir() and holds_tables(data):
        if privacy is not None:
            raise PrivacyError("--epsilon is for one table, and a folder holds several: name one file.")
        auto_folder(data, out_, m, k, seed, cores, strata, spec_out, format_)
        return
    if privacy is None:
        copies = _copies(data, m, k, seed, cores, {"strata": strata, "unit": unit, "time": time_}, spec_out)
    elif strata or unit or time_ or spec_out is not None:
        stray = "--unit and --time do" if unit or time_ else "--strata and --spec-out do"
        raise PrivacyError(f"{stray} not go with --epsilon: the spec follows from noisy tables.")
    else:
        copies = _private(data, m, k, seed, privacy)
    console = out()
    written = copies.to_csv(out_) if format_ == "csv" else copies.to_parquet(out_)
    console.print(str(copies), markup=False, highlight=False)
    console.print(f"Written to {written} ({time.perf_counter() - start:.0f} s).", markup=False, soft_wrap=True)


def _copies(
    data: Path, m: int, k: int | None, seed: int | None, cores: int | None, asked: dict[str, Any],
    spec_out: Path | None,
) -> SyntheticData:  # fmt: skip
    from bayessynth.cli.tables import frame_table
    from bayessynth.fitting import read
    from bayessynth.spec import Spec

    frame = read(data)
    spec = Spec.auto(frame, **asked)
    console = out()
    console.print(frame_table(spec.explain(), f"Spec of {data.name}"))
    if spec_out is not None:
        spec_out.write_text(f"import bayessynth as bs\n\n{spec.to_python()}\n", encoding="utf-8")
        console.print(f"The spec is in {spec_out}.", markup=False, soft_wrap=True)
    fitted = spec.fit(frame, missing="model", copies=m, random_seed=seed, cores=cores)
    return fitted.synthesize(m, k, random_seed=seed)


def _private(data: Path, m: int, k: int | None, seed: int | None, privacy: DP) -> SyntheticData:
    from bayessynth.synthesis.automatic import synthesize

    copies = synthesize(data, m, k, privacy=privacy, random_seed=seed)
    out().print(copies.provenance["privacy"], markup=False, soft_wrap=True)
    return copies
