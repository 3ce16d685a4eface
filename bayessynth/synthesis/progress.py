"""A progress bar with rows a second, where there is a terminal or a notebook to show it in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text


class _Speed(ProgressColumn):
    """Rows so far, and rows a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{task.completed:,.0f} rows" + (f", {speed:,.0f} a second" if speed else ""))


@contextmanager
def reporting(text: str, total: int | None, progress: bool) -> Iterator[Callable[[int], None]]:
    """Show how many rows are written; yields what is to be told of further rows, from any thread."""
    console = Console(stderr=True)
    shown = progress and (console.is_terminal or console.is_jupyter)
    columns = (TextColumn("{task.description}"), BarColumn(), _Speed(), TimeElapsedColumn(), TextColumn("left"),
               TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=console, disable=not shown) as bar:
        task = bar.add_task(text, total=total)

        def advance(rows: int) -> None:
            bar.update(task, advance=rows)

        yield advance
