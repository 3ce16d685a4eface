"""The application: its consoles, its options, and how errors and warnings reach the user."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from bayessynth import __version__
from bayessynth.errors import BayesSynthError, BayesSynthWarning

VERDICT_FAILED, USER_ERROR = 1, 2

app = typer.Typer(
    name="bayessynth",
    help="Synthetic tables from hierarchical Bayesian models: declare, fit, generate, check.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def out() -> Console:
    """Return the console for results."""
    return Console()


def err() -> Console:
    """Return the console for messages."""
    return Console(stderr=True)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"bayessynth {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Take the options that stand before a command."""


def guarded(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command end with a short message and exit code 2 where the library raises one of its errors."""

    @functools.wraps(command)
    def run(*args: Any, **options: Any) -> None:
        try:
            with _warnings_shown():
                command(*args, **options)
        except BayesSynthError as error:
            err().print(Text.assemble(("Error: ", "bold red"), (str(error), "red")))
            raise typer.Exit(USER_ERROR) from None

    return run


@contextmanager
def _warnings_shown() -> Iterator[None]:
    """Show the library's warnings as lines on stderr, each once; leave all others as they are."""
    shown: set[str] = set()
    with warnings.catch_warnings():
        warnings.simplefilter("always", BayesSynthWarning)
        before = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *args: Any, **kwargs: Any) -> None:
            if not issubclass(category, BayesSynthWarning):
                before(message, category, *args, **kwargs)
            elif str(message) not in shown:
                shown.add(str(message))
                err().print(Text.assemble(("Warning: ", "bold yellow"), str(message)))

        warnings.showwarning = show
        yield
