"""The command ``datasets``: which tables ship with the package, and what they hold."""

from __future__ import annotations

from typing import Annotated

import typer

from bayessynth.cli.app import guarded


@guarded
def datasets(name: Annotated[str | None, typer.Argument(help="A table to describe.")] = None) -> None:
    """List the bundled tables; with a name, describe that one."""
    from bayessynth import datasets as bundled

    if name is not None:
        typer.echo(bundled.describe(name))
        return
    for table in bundled.names():
        typer.echo(f"{table}  {bundled.describe(table).splitlines()[0]}")
