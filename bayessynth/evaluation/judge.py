"""From an original and its copies to an evaluation: every registered measure, in the rooms' order."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import pandas as pd
from rich.progress import Progress

from bayessynth.database import Database, Key
from bayessynth.errors import BayesSynthError, BayesSynthWarning, DataError, suggest
from bayessynth.evaluation.evaluation import Evaluation
from bayessynth.evaluation.measure import Measure, Room, unavailable
from bayessynth.evaluation.registry import Entry, entries
from bayessynth.evaluation.tables import Tables, read_tables
from bayessynth.fitting.seeds import entropy_of
from bayessynth.inference.registry import get as get_analysis
from bayessynth.synthesis import SyntheticData

if TYPE_CHECKING:
    from bayessynth.evaluation.relations import RelatedEvaluation
    from bayessynth.fitting import Fitted, FittedPyMC

ROOMS: tuple[Room, ...] = ("checks", "inference", "utility", "disclosure")

Synthesizer = Callable[[pd.DataFrame, int], pd.DataFrame]


@overload
def evaluate(
    original: Database | dict[str, Any], copies: Any, *, keys: Sequence[Key] | None = None,
    measures: Sequence[str] | None = None, max_rows: int | None = None, random_seed: int | None = 0,
) -> RelatedEvaluation: ...  # fmt: skip
@overload
def evaluate(original: pd.DataFrame, copies: Any, *args: Any, **options: Any) -> Evaluation: ...
def evaluate(
    original: pd.DataFrame | Database | Mapping[str, pd.DataFrame],
    copies: SyntheticData | pd.DataFrame | Iterable[pd.DataFrame],
    holdout: pd.DataFrame | None = None,
    fitted: Fitted | FittedPyMC | None = None,
    keys: Sequence[Any] | None = None,
    target: str | None = None,
    *,
    groups: Sequence[str] | None = None,
    analyses: Sequence[tuple[Any, ...]] = (),
    measures: Sequence[str] | None = None,
    synthesizer: Synthesizer | None = None,
    max_rows: int | None = None,
    random_seed: int | None = 0,
    progress: bool = False,
) -> Evaluation | RelatedEvaluation:
    """Judge synthetic copies of a table: checks, utility, inference, disclosure, each number beside its reference.

    The copies may come from anywhere; what only a fit can tell (posterior checks, membership by importance weights,
    the attribute risks of Reiter and Hu) needs ``fitted``.

    Parameters
    ----------
    original : DataFrame, Database, or mapping of str to DataFrame
        The records that the copies were made of, holdout left out. Of a database every table is judged, and how they
        hang together; ``keys`` then are its keys, and :func:`bayessynth.evaluation.relations.evaluate_related` says
        the rest.
    copies : SyntheticData, DataFrame or iterable of DataFrame
        Columns are matched by name.
    holdout : DataFrame, optional
        Records of the same population that no fit has seen: the control of attacks and classifiers. Without it, the
        measures that need one say so.
    fitted : Fitted, optional
        The fit that made the copies.
    keys : sequence of str, optional
        Columns that an intruder is taken to know of a person.
    target : str, optional
        The column that an intruder wants to know, and that a model trained on copies is to predict.
    groups : sequence of str, optional
        Columns that name a row's group; those of the fit if there is one.
    analyses : sequence of (formula, model) or (formula, model, options)
        Analyses that users of the copies will make, as :func:`bayessynth.compare` takes them; with a target and no
        analysis, the regression of the target on all other columns.
    measures : sequence of str, optional
        Names of measures, or of rooms ("checks", "utility", "inference", "disclosure"); all by default.
    synthesizer : callable, optional
        ``synthesizer(frame, seed)`` makes one synthetic table of a frame anew: for attacks by shadow models, which
        refit many times and therefore run only if it is given.
    max_rows : int, optional
        Rows of each table that costly measures use; a measure that takes fewer than there are says so.
    random_seed : int, optional
        The same seed gives the same numbers.
    progress : bool
        Whether a progress bar names the measure at work.

    Returns
    -------
    Evaluation

    Raises
    ------
    DataError
        If tables lack columns, are empty, or a name is unknown.

    Examples
    --------
    >>> import bayessynth as bs
    >>> rng = np.random.default_rng(1)
    >>> table = pd.DataFrame({"x": rng.normal(size=200), "s": rng.choice(["a", "b"], 200)})
    >>> again = pd.DataFrame({"x": rng.normal(size=200), "s": rng.choice(["a", "b"], 200)})
    >>> bs.evaluate(table, again, measures=["univariate"]).verdict
    'pass'
    """
    if isinstance(original, Database | Mapping):
        from bayessynth.evaluation.relations import evaluate_related

        return evaluate_related(original, copies, keys, measures, random_seed=random_seed, max_rows=max_rows)
    chosen = _chosen(measures)
    provenance = copies.provenance if isinstance(copies, SyntheticData) else None
    frames = [copies] if isinstance(copies, pd.DataFrame) else list(copies)
    if groups is None:
        groups = [c for c in _groups_of(fitted, provenance) if c in original]
    tables = read_tables(
        original, frames, holdout, groups=groups, keys=tuple(keys or ()), target=target,
        analyses=tuple(map(_analysis, analyses)), provenance=provenance,
        fitted=fitted, synthesizer=synthesizer, max_rows=max_rows, entropy=entropy_of(random_seed, DataError),
    )  # fmt: skip
    found: list[Measure] = []
    with Progress(transient=True, disable=not progress) as bar:
        task = bar.add_task("", total=len(chosen))
        for entry in chosen:
            bar.update(task, description=f"{entry.room}: {entry.name}")
            found += _computed(entry, tables)
            bar.advance(task)
    return Evaluation(tuple(found), tables, None if fitted is None else fitted.diagnose())


def _computed(entry: Entry, tables: Tables) -> list[Measure]:
    """Compute one measure; data that it cannot use must not cost the others their result."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        warnings.simplefilter("default", BayesSynthWarning)
        try:
            return list(entry.compute(tables))
        except BayesSynthError as error:
            return [
                unavailable(entry.name, entry.room, entry.name.replace("_", " "), f"Could not be computed: {error}")
            ]


def _groups_of(fitted: Any, provenance: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return the columns that name groups, as the copies' provenance or the fit has them."""
    if provenance is not None:
        return tuple(provenance.get("group_columns", ()))
    if fitted is None:
        return ()
    return tuple(dict.fromkeys(c for columns in fitted.groups.plan.columns.values() for c in columns))


def _analysis(given: Any) -> tuple[str, str, Mapping[str, Any]]:
    """Read one entry of ``analyses=``."""
    entry = (given,) if isinstance(given, str) else tuple(given)
    options = entry[2] if len(entry) == 3 else {}
    if not 2 <= len(entry) <= 3 or not isinstance(options, Mapping):
        raise DataError(f"analyses= takes (formula, model) or (formula, model, options), not {given!r}.")
    get_analysis(entry[1])
    return str(entry[0]), str(entry[1]), options


def _chosen(measures: Sequence[str] | None) -> list[Entry]:
    every = [e for room in ROOMS for e in entries(room)]
    if measures is None:
        return every
    known = {*ROOMS, *(e.name for e in every)}
    for name in measures:
        if name not in known:
            raise DataError(f"There is no measure {name!r}.{suggest(name, known)} Known: {', '.join(sorted(known))}.")
    return [e for e in every if e.name in measures or e.room in measures]
