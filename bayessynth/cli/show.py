"""The command ``show``: a spec as a table, and with data its priors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bayessynth.cli.app import guarded, out

Source = Annotated[
    str, typer.Argument(metavar="SPEC", help="A .py file that defines spec, a .json spec, or a gallery spec's name.")
]
Data = Annotated[
    Path | None, typer.Argument(metavar="[DATA]", help="A CSV, CSV.GZ or Parquet file; by default the spec's load().")
]


@guarded
def show(spec: Source, data: Data = None) -> None:
    """Print a spec; with data, print every parameter's prior as well."""
    from bayessynth.cli.inputs import read_model
    from bayessynth.cli.tables import frame_table, spec_table

    model = read_model(spec)
    console = out()
    console.print(spec_table(model.spec))
    if data is None and model.load is None:
        return
    frame = model.table(data)
    console.print(
        f"{len(frame)} rows, {len(frame.columns)} columns: {', '.join(map(str, frame.columns))}", markup=False
    )
    if model.schema is not None:
        model.schema.validate(frame)
    console.print(frame_table(model.spec.priors(frame if model.schema is None else model.schema), "Priors"))
