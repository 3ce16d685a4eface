"""The command ``demo``: the whole way from a bundled table to copies, with what to look at."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bayessynth.cli.app import VERDICT_FAILED, guarded, out

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from bayessynth.fitting import Fitted
    from bayessynth.spec import Spec

# Enough for all effective sample sizes above 400 at this seed.
_SETTINGS: dict[str, Any] = {"draws": 900, "tune": 600, "chains": 4}
_QUICK: dict[str, Any] = {"draws": 50, "tune": 100, "chains": 2}
_COPIES = 20
_JUDGED = 5
_WRITTEN = {"spec.json", "fit", "copies", "plots", "report.html", "card.html"}
_GROUPS = ["site", "person"]
_NUMBERS = ["income", "visits", "expenditure"]


@guarded
def demo(
    out_: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Where to write; an earlier demo there is replaced.")
    ] = Path("demo"),
    quick: Annotated[
        bool, typer.Option("--quick", help="Few persons, few draws: a smoke run, not to be trusted.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same result.")] = 1,
) -> None:
    """Fit the RAND health insurance experiment, draw copies, compare and judge them, write all of it."""
    from bayessynth.cli.inputs import read_model
    from bayessynth.cli.tables import diagnosis_view, spec_table
    from bayessynth.fitting import fit

    _clear(out_)
    console = out()
    model = read_model("rand_hie")
    original = model.table(None)
    if quick:
        original = original[original["person"] % 3 == 0].reset_index(drop=True)
    console.rule("1. The spec: one equation a column")
    persons, sites = original["person"].nunique(), original["site"].nunique()
    console.print(f"RAND Health Insurance Experiment: {len(original)} years of {persons} persons at {sites} sites.\n")
    console.print(spec_table(model.spec))
    console.rule("2. The fit")
    length = _QUICK if quick else _SETTINGS
    fitted = fit(model.spec, original, random_seed=seed, **length)
    console.print(diagnosis_view(fitted.diagnose()))
    if quick:
        console.print("Few draws were asked for (--quick): the verdict says so, and the copies are drawn all the same.")
    _show_posterior(console, fitted)
    failed = fitted.diagnose().verdict == "fail"
    console.rule("3. The copies")
    copies = fitted.synthesize(_COPIES, random_seed=seed, force=failed)
    console.print(str(copies), markup=False, highlight=False)
    frames = list(copies)
    console.print("\nThe first rows of the first copy, written sideways:")
    console.print(frames[0].head(3).T.to_string(header=False), markup=False, highlight=False, soft_wrap=True)
    console.rule("4. Original beside synthetic")
    _show_comparison(console, original, frames)
    (out_ / "spec.json").write_text(json.dumps(model.spec.to_json(), indent=1), encoding="utf-8")
    fitted.save(out_ / "fit")
    copies.to_parquet(out_ / "copies")
    _save_plots(out_ / "plots", model.spec, original, frames)
    console.rule("5. What the copies are worth")
    _judge(console, original, fitted, out_, seed, failed)
    console.rule("6. What was written")
    _show_written(console, out_)
    if failed and not quick:
        raise typer.Exit(VERDICT_FAILED)


def _clear(directory: Path) -> None:
    """Make the directory, without what an earlier demo wrote there.

    Raises
    ------
    StorageError
        If something else is in it.
    """
    from bayessynth.errors import StorageError

    if directory.exists() and not directory.is_dir():
        raise StorageError(f"{directory} is a file; name a directory with --out.")
    directory.mkdir(parents=True, exist_ok=True)
    foreign = sorted(p.name for p in directory.iterdir() if p.name not in _WRITTEN)
    if foreign:
        raise StorageError(f"{directory} holds {foreign[0]!r}, which no demo wrote; name another directory with --out.")
    for path in directory.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _show_posterior(console: Console, fitted: Fitted) -> None:
    """Print the parameters that a reader asks for first: effects on visits, and how much groups differ."""
    from bayessynth.cli.tables import frame_table

    summary = fitted.summary()
    wanted = [name for name in map(str, summary.index) if name.startswith("visits_") or name.endswith("|site_sd")]
    columns = [c for c in summary.columns if c in ("mean", "sd") or "_lb" in c or "_ub" in c]
    console.print()
    console.print(frame_table(summary.loc[wanted, columns], "Posterior (some of the parameters)", index="parameter"))


def _show_comparison(console: Console, original: pd.DataFrame, frames: list[pd.DataFrame]) -> None:
    from bayessynth.cli.tables import frame_table
    from bayessynth.report import compare_columns, compare_correlations, compare_groups, compare_levels

    console.print("Of the copies: the average over all, the lowest and the highest of them.\n")
    columns = [c for c in original if c not in _GROUPS]
    console.print(frame_table(compare_columns(original, frames, _NUMBERS), "Numbers"))
    console.print(frame_table(compare_levels(original[columns], frames), "\nShares of levels"))
    console.print(frame_table(compare_correlations(original, frames, _NUMBERS), "\nRank correlations"))
    groups = compare_groups(original, frames, _GROUPS, ["black", *_NUMBERS])
    console.print(frame_table(groups, "\nBetween groups: sd, and intraclass correlation (icc)"))


def _judge(console: Console, original: pd.DataFrame, fitted: Fitted, directory: Path, seed: int, force: bool) -> None:
    """Judge a few copies, print every measure beside its reference, write the report and the card."""
    from bayessynth.cli.tables import evaluation_view
    from bayessynth.evaluation import evaluate

    copies = fitted.synthesize(_JUDGED, random_seed=seed, force=force)
    result = evaluate(original, copies, fitted=fitted, measures=["checks", "utility"], random_seed=seed)
    console.print(f"{_JUDGED} copies. Attacks on them need records that no fit has seen: holdout=.\n")
    console.print(evaluation_view(result))
    if result.verdict == "fail":
        console.print("So this spec would not be released as it is: the reasons say where it falls short of the data.")
    result.to_html(directory / "report.html")
    result.to_card(directory / "card.html")


def _save_plots(directory: Path, spec: Spec, original: pd.DataFrame, frames: list[pd.DataFrame]) -> None:
    """Draw without touching the user's plotting backend: figures are saved, never shown."""
    import matplotlib.pyplot as plt

    from bayessynth.report import plot_columns, plot_groups

    directory.mkdir(parents=True)
    columns = [c for c in original if c not in _GROUPS]
    plot_columns(original, frames, columns).savefig(directory / "columns.png", dpi=120)
    plot_groups(original, frames, "site", ["visits", "black"]).savefig(directory / "site_means.png", dpi=120)
    spec.graph().set_title("What each column depends on\n(in italics: the groups it differs by)", fontsize=11)
    # The graph is as wide as its boxes, which can be less than the title.
    plt.savefig(directory / "graph.png", dpi=120, bbox_inches="tight")
    plt.close()


def _show_written(console: Console, directory: Path) -> None:
    lines = {
        "spec.json": "the spec; 'bayessynth show' reads it",
        "fit": "the fit, without any original record; 'bayessynth synthesize' draws from it",
        "copies": f"{_COPIES} copies in Parquet, and _provenance.json: how they were made",
        "plots": "columns.png, site_means.png, graph.png",
        "report.html": "the evaluation, for the data's steward: it compares with original records",
        "card.html": "the public card: how the copies were made, how to analyse them",
    }
    for name, text in lines.items():
        console.print(f"{directory / name}  {text}", markup=False, highlight=False, soft_wrap=True)
    console.print(
        "\nPrivacy: no formal guarantee. The copies are draws from a model of the original; measure what they disclose "
        "before they are released.",
        highlight=False,
    )
