"""A fitted database on disk: one JSON file for its structure, one folder a table for its fit."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

from bayessynth import fitting
from bayessynth._version import __version__
from bayessynth.database.composite import Composite
from bayessynth.database.fitted import FittedDatabase
from bayessynth.database.structure import Structure
from bayessynth.database.table import TableModel
from bayessynth.errors import BayesSynthError, StorageError
from bayessynth.fitting import Fitted
from bayessynth.fitting.pymc_fitted import FittedPyMC
from bayessynth.fitting.pymc_layout import Build
from bayessynth.suffstats.storage import check_format

FORMAT = 1
_FILE, _FOLDER = "database.json", "tables"


def save(fitted: FittedDatabase, directory: str | os.PathLike[str]) -> Path:
    """Write a fitted database; see :meth:`FittedDatabase.save`."""
    target = Path(directory)
    if target.exists() and not (target.is_dir() and {p.name for p in target.iterdir()} <= {_FILE, _FOLDER}):
        raise StorageError(f"{target} exists and is not a saved database; name a new directory.")
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        declared = {
            "format": FORMAT, "version": __version__, "structure": fitted.structure.to_json(),
            "empty": fitted.empty, "tables": fitted.tables, "provenance": fitted.provenance,
            "composites": [own.to_json() for own in fitted.composites],
            "models": [model.to_json() for model in fitted.models.values()],
        }  # fmt: skip
        (temporary / _FILE).write_text(json.dumps(declared, indent=1), encoding="utf-8")
        for name, model in fitted.models.items():
            if model.fitted is not None:
                model.fitted.save(temporary / _FOLDER / name)
        temporary.chmod(0o755)
        if target.exists():
            shutil.rmtree(target)
        temporary.rename(target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return target


def load(directory: str | os.PathLike[str], build: Build | None = None) -> Fitted | FittedPyMC | FittedDatabase:
    """Open a saved fit, of one table or of a database.

    Parameters
    ----------
    directory : path
    build : callable, optional
        For a fit of :func:`from_pymc`: the function that was fitted, since a saved fit holds no code. Without it the
        fit opens but draws no copies.

    Returns
    -------
    Fitted, FittedPyMC or FittedDatabase

    Raises
    ------
    StorageError
        If there is no saved fit, it is damaged, a newer version wrote it, or ``build=`` is given for a fit of a spec.

    Examples
    --------
    >>> import bayessynth as bs
    >>> bs.load("nowhere")
    Traceback (most recent call last):
    ...
    bayessynth.errors.StorageError: nowhere is no saved fit: there is no fit.json, posterior.nc, groups.npz in it.
    """
    source = Path(directory)
    if not (source / _FILE).is_file():
        return fitting.load(directory, build)
    if build is not None:
        raise StorageError(f"{source} is the fit of a database, which needs no code; leave build= out.")
    try:
        declared = json.loads((source / _FILE).read_text(encoding="utf-8"))
        check_format(source, declared, FORMAT)
        models = {}
        for data in declared["models"]:
            own = fitting.load(source / _FOLDER / data["name"]) if data["fitted"] else None
            assert own is None or isinstance(own, Fitted)
            models[data["name"]] = TableModel.from_json(data, own)
        found = FittedDatabase(Structure.from_json(declared["structure"]), models, declared["empty"],
                               tuple(declared["tables"]), declared["provenance"])  # fmt: skip
        found.composites = tuple(map(Composite.from_json, declared.get("composites", ())))
        return found
    except BayesSynthError:
        raise
    except Exception as error:
        raise StorageError(
            f"{source} is damaged: {type(error).__name__}: {error}. Fit again, or take a backup."
        ) from error
