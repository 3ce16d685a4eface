"""The command ``fit``: a spec and its data to a saved fit."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Literal

import typer

from bayessynth.cli.app import VERDICT_FAILED, guarded, out
from bayessynth.cli.privacy import Cap, Delta, DomainFile, Epsilon, Person, Planned, Rows, Weighted, asked
from bayessynth.cli.show import Data, Source

Draws = Annotated[int, typer.Option(min=1, help="Draws kept of each chain.")]
Tune = Annotated[int, typer.Option(min=1, help="Warm-up draws of each chain.")]
Chains = Annotated[int, typer.Option(min=1, help="Chains.")]
Cores = Annotated[int | None, typer.Option(min=1, help="Most worker processes; by default all cores.")]
Seed = Annotated[int | None, typer.Option(min=0, help="The same seed gives the same result.")]


@guarded
def fit(
    spec: Source,
    data: Data = None,
    *,
    out_: Annotated[Path, typer.Option("--out", metavar="FIT", help="The directory to save the fit in.")],
    draws: Draws = 1000,
    tune: Tune = 1000,
    chains: Chains = 4,
    cores: Cores = None,
    seed: Seed = None,
    missing: Annotated[
        Literal["error", "drop", "model"],
        typer.Option(
            help="Missing cells are an error, or their rows are left out of the equations that use them, or they are "
            "drawn with the parameters and copies have missing cells."
        ),
    ] = "error",
    keep_groups: Annotated[
        bool, typer.Option("--keep-groups", help="Keep effects and labels of the observed groups (disclosing).")
    ] = False,
    epsilon: Epsilon = None,
    delta: Delta = None,
    domain: DomainFile = None,
    person: Person = None,
    cap: Cap = None,
    weighted: Weighted = False,
    plan: Planned = False,
    rows: Rows = None,
) -> None:
    """Fit a spec to data, save the fit, print its diagnostics.

    With --epsilon and --domain, noisy statistics of the data are released, the budget is spent, and the fit is made of
    these and of public facts alone.

    Exits with 1 if the diagnostics say "fail": the fit is saved, and its draws should not be used.
    """
    from bayessynth.cli.inputs import read_model
    from bayessynth.cli.tables import diagnosis_view

    model = read_model(spec)
    check_target(out_)
    console = out()
    privacy = asked(epsilon, delta, domain, person, cap, weighted, rows, plan)
    if privacy is not None and plan:
        from bayessynth.fitting.private import planned

        console.print(repr(planned(model.spec, privacy, rows or 1)), markup=False, soft_wrap=True)
        return
    # A file is read by the release itself, each cell by itself.
    frame = data if privacy is not None and data is not None else model.table(data)
    start = time.perf_counter()
    fitted = model.spec.fit(
        frame, schema=model.schema, missing=missing, draws=draws, tune=tune, chains=chains, cores=cores,
        random_seed=seed, privacy=privacy, keep_groups=keep_groups,
    )  # fmt: skip
    saved = fitted.save(out_)
    if privacy is not None:
        console.print(f"Privacy: {fitted.provenance['privacy']['statement']}.", markup=False, soft_wrap=True)
    console.print(diagnosis_view(fitted.diagnose()))
    console.print(f"Saved in {saved} ({time.perf_counter() - start:.0f} s).", markup=False, soft_wrap=True)
    if fitted.diagnose().verdict == "fail":
        raise typer.Exit(VERDICT_FAILED)


def check_target(directory: Path) -> None:
    """Refuse a directory that cannot take a fit before time is spent on fitting.

    Raises
    ------
    StorageError
        If it exists and holds something else than a saved fit.
    """
    from bayessynth.errors import StorageError

    if directory.is_file() or (
        directory.is_dir() and any(directory.iterdir()) and not (directory / "fit.json").is_file()
    ):
        raise StorageError(f"{directory} exists and is not a saved fit; name a new directory.")
