"""Components fitted side by side in worker processes.

Workers are loky's: they start without re-importing the user's script, stay for the next fit (so that imports and
compiled code are paid once), and take one BLAS thread each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace

from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import TerminatedWorkerError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from bayessynth.design import Component
from bayessynth.errors import FitError
from bayessynth.fitting.cores import available_cores
from bayessynth.fitting.engines.ladder import INDEPENDENT, LADDER, attempt, sample
from bayessynth.fitting.engines.settings import Settings
from bayessynth.fitting.posterior import Posterior

# Seconds that idle workers wait for the next fit.
KEEP_ALIVE = 300


def fit_components(
    components: Sequence[Component], engine: str, settings: Settings, seeds: Mapping[str, int], cores: int,
    progress: bool,
) -> list[Posterior]:  # fmt: skip
    """Fit components and return their posteriors in the given order.

    Engines that draw independently come first, here, one component after the other with all cores: they take less
    time than a worker to start. What they leave is sampled by NUTS, side by side in workers.

    Results do not depend on ``cores``: each component has its own seed, each chain its own stream.
    """
    names = LADDER if engine == "auto" else (engine,)
    direct = [name for name in names if name in INDEPENDENT]
    finished: dict[str, Posterior] = {}
    with _reporting(len(components), progress) as done:
        left: list[tuple[Component, dict[str, str]]] = []
        for component in components:
            column = component.equation.response
            result = attempt(component, direct, replace(settings, cores=cores), seeds[column])
            if isinstance(result, Posterior):
                finished[column] = result
                done(column)
            else:
                left.append((component, result))
        tasks = [
            _Task(component, tuple(names), refused, seeds[component.equation.response]) for component, refused in left
        ]
        finished |= _sampled(tasks, settings, cores, done)
    return [finished[c.equation.response] for c in components]


@dataclass(frozen=True)
class _Task:
    """A component that is left to NUTS, with the engines to try and why others have refused it."""

    component: Component
    names: tuple[str, ...]
    refused: Mapping[str, str]
    seed: int

    @property
    def column(self) -> str:
        return self.component.equation.response

    def run(self, settings: Settings) -> Posterior:
        """Fit the component."""
        return sample(self.component, self.names, settings, self.seed, self.refused)


def _sampled(
    tasks: Sequence[_Task], settings: Settings, cores: int, done: Callable[[str], None]
) -> dict[str, Posterior]:
    cores = max(1, min(cores, len(tasks)))
    if cores > 1:
        return _in_workers(tasks, settings, cores, done)
    alone = replace(settings, cores=min(settings.chains, available_cores()) if len(tasks) == 1 else 1)
    finished = {}
    for task in tasks:
        finished[task.column] = task.run(alone)
        done(task.column)
    return finished


def _in_workers(
    tasks: Sequence[_Task], settings: Settings, cores: int, done: Callable[[str], None]
) -> dict[str, Posterior]:
    executor = get_reusable_executor(max_workers=cores, timeout=KEEP_ALIVE)
    # The longest first, so that no long one is left to run alone at the end.
    order = sorted(tasks, key=lambda t: -len(t.component.y) * (1 + sum(map(len, t.component.labels.values())) / 100))
    futures = {executor.submit(task.run, settings): task.column for task in order}
    finished: dict[str, Posterior] = {}
    try:
        for future in as_completed(futures):
            finished[futures[future]] = future.result()
            done(futures[future])
    except TerminatedWorkerError as error:
        open_ones = ", ".join(set(futures.values()) - set(finished))
        raise FitError(
            f"A worker process was ended from outside while fitting {open_ones}; most often memory ran out. "
            "Use cores=1, or fewer draws."
        ) from error
    except BaseException:
        executor.shutdown(wait=False, kill_workers=True)
        raise
    return finished


@contextmanager
def _reporting(total: int, progress: bool) -> Iterator[Callable[[str], None]]:
    """Show a progress bar with the time left, where there is a terminal or a notebook to show it in."""
    console = Console(stderr=True)
    shown = progress and (console.is_terminal or console.is_jupyter)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
               TextColumn("left"), TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=console, disable=not shown) as bar:
        task = bar.add_task("Fitting equations", total=total)

        def done(column: str) -> None:
            bar.update(task, advance=1, description=f"Fitted {column}")

        yield done
