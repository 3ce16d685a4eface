"""The commands ``evaluate`` and ``compare``: what copies are worth, as a table, a report and an exit code."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from bayessynth.cli.app import VERDICT_FAILED, guarded, out

Original = Annotated[Path, typer.Argument(metavar="ORIGINAL", help="The original table: CSV or Parquet.")]
Copies = Annotated[
    list[Path], typer.Argument(metavar="COPIES…", help="Synthetic tables, or a directory that 'synthesize' wrote.")
]


@guarded
def evaluate(
    original: Original,
    copies: Copies,
    *,
    holdout: Annotated[Path | None, typer.Option(metavar="FILE", help="Records that no fit has seen.")] = None,
    target: Annotated[str | None, typer.Option(help="The column to predict, and that an intruder wants.")] = None,
    keys: Annotated[str | None, typer.Option(help="Columns an intruder knows, joined by commas.")] = None,
    groups: Annotated[str | None, typer.Option(help="Columns that name a row's group, joined by commas.")] = None,
    fit: Annotated[Path | None, typer.Option(metavar="DIR", help="The saved fit that made the copies.")] = None,
    out_: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write the report here (HTML).")] = None,
    card: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the public card here (HTML).")] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same numbers.")] = 0,
) -> None:
    """Judge copies: checks, utility, inference, disclosure. Exit code 1 if the gate says "fail"."""
    from bayessynth.cli.copies import read_copies
    from bayessynth.cli.tables import evaluation_view
    from bayessynth.evaluation import evaluate as judge
    from bayessynth.fitting import load, read

    result = judge(
        read(original), read_copies(copies), None if holdout is None else read(holdout),
        None if fit is None else load(fit), _names(keys), target, groups=_names(groups),
        random_seed=seed, progress=True,
    )  # fmt: skip
    console = out()
    console.print(evaluation_view(result))
    if out_ is not None:
        console.print(f"Report for the data's steward: {result.to_html(out_)}.", markup=False, soft_wrap=True)
    if card is not None:
        console.print(f"Public card: {result.to_card(card)}.", markup=False, soft_wrap=True)
    if result.verdict == "fail":
        raise typer.Exit(VERDICT_FAILED)


@guarded
def compare(
    original: Original,
    copies: Copies,
    *,
    formula: Annotated[str, typer.Option(help="The analysis, as statsmodels writes it: 'y ~ x + C(z)'.")],
    model: Annotated[str, typer.Option(help="ols, logit, poisson, mixed, cox, …")] = "ols",
    rule: Annotated[
        Literal["proper", "plug_in", "rrr", "partial"] | None,
        typer.Option(help="The combining rule; by default that of the copies' provenance."),
    ] = None,
    event: Annotated[str | None, typer.Option(help="Column of events, for model=cox.")] = None,
    cluster: Annotated[str | None, typer.Option(help="Column of clusters, for robust standard errors.")] = None,
) -> None:
    """Compare an analysis of the copies with that of the original: overlap of intervals, signs, lack of fit."""
    from bayessynth.cli.copies import read_copies
    from bayessynth.fitting import read
    from bayessynth.inference import compare as compare_analyses

    given = {"event": event, "cluster": cluster}
    options = {name: value for name, value in given.items() if value is not None}
    found = compare_analyses(read(original), read_copies(copies), formula, model, rule=rule, **options)
    out().print(str(found), markup=False, highlight=False, soft_wrap=True)


def _names(joined: str | None) -> list[str] | None:
    return None if joined is None else [name.strip() for name in joined.split(",") if name.strip()]
