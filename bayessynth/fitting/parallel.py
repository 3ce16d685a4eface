"""Components fitted side by side in worker processes.

Workers are loky's: they start without re-importing the user's script, stay for the next fit (so that imports and
compiled code are paid once), and take one BLAS thread each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from contextlib import contextmanager
from dataclasses import replace

from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import TerminatedWorkerError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from bayessynth.design import Component
from bayessynth.errors import FitError
from bayessynth.fitting.cores import available_cores
from bayessynth.fitting.engines import Settings, sample
from bayessynth.fitting.posterior import Posterior

# Seconds that idle workers wait for the next fit.
_KEEP_ALIVE = 300


def fit_components(
    components: Sequence[Component], settings: Settings, seeds: Mapping[str, int], cores: int, progress: bool
) -> list[Posterior]:
    """Fit components in parallel and return their posteriors in the given order.

    Results do not depend on ``cores``: each component has its own seed, each chain its own stream.
    """
    cores = max(1, min(cores, len(components)))
    with _reporting(len(components), progress) as done:
        if cores == 1:
            alone = replace(settings, cores=min(settings.chains, available_cores()) if len(components) == 1 else 1)
            posteriors = []
            for component in components:
                posteriors.append(sample(component, alone, seeds[component.equation.response]))
                done(component.equation.response)
            return posteriors
        return _in_workers(components, settings, seeds, cores, done)


def _in_workers(
    components: Sequence[Component], settings: Settings, seeds: Mapping[str, int], cores: int,
    done: Callable[[str], None],
) -> list[Posterior]:  # fmt: skip
    executor = get_reusable_executor(max_workers=cores, timeout=_KEEP_ALIVE)
    # The longest first, so that no long one is left to run alone at the end.
    order = sorted(components, key=lambda c: -len(c.y) * (1 + sum(map(len, c.labels.values())) / 100))
    futures = {executor.submit(sample, c, settings, seeds[c.equation.response]): c.equation.response for c in order}
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
    return [finished[c.equation.response] for c in components]


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
