"""What the command line reads: spec files, gallery specs, tables."""

from __future__ import annotations

import json
import runpy
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayessynth.errors import BayesSynthError, DataError, SpecError, StorageError, suggest

if TYPE_CHECKING:
    import pandas as pd

    from bayessynth.schema import Schema
    from bayessynth.spec import Spec


@dataclass(frozen=True)
class Model:
    """What a spec file defines: a spec, perhaps a schema, perhaps where its data come from."""

    path: Path
    spec: Spec
    schema: Schema | None = None
    load: Callable[[], pd.DataFrame] | None = None

    def table(self, data: Path | None) -> pd.DataFrame:
        """Return the table at ``data``, or what the file's ``load()`` returns.

        Raises
        ------
        DataError
            If there is neither, or the file cannot be read.
        """
        from bayessynth.fitting import read

        if data is not None:
            return read(data)
        if self.load is None:
            raise DataError(
                f"{self.path.name} does not load data itself: name a CSV or Parquet file after it, or define load()."
            )
        try:
            return read(self.load())
        except ImportError as error:
            raise DataError(f"The data of {self.path.name} need the package {error.name!r}: install it.") from error


def gallery() -> Path | None:
    """Return the folder of gallery specs: inside an installed package, or beside it in a clone."""
    package = Path(__file__).parents[1]
    return next((p for p in (package / "models", package.parent / "models") if (p / "rand_hie.py").is_file()), None)


def read_model(name: str) -> Model:
    """Read a spec file: Python that defines ``spec``, JSON that ``Spec.to_json`` wrote, or a gallery spec's name.

    Raises
    ------
    StorageError
        If there is no such file.
    SpecError
        If it defines no spec, or its code fails.
    """
    path = _find(name)
    if path.suffix == ".json":
        return Model(path, _from_json(path))
    defined = _run(path)
    from bayessynth.schema import Schema
    from bayessynth.spec import Spec

    if not isinstance(defined.get("spec"), Spec):
        found = f"its 'spec' is a {type(defined['spec']).__name__}" if "spec" in defined else "it has no 'spec'"
        raise SpecError(f"{path} must define spec = bs.Spec(…), but {found}.")
    schema = defined.get("schema")
    if schema is not None and not isinstance(schema, Schema):
        raise SpecError(f"{path}: 'schema' must be a bs.Schema, not {type(schema).__name__}.")
    return Model(path, defined["spec"], schema, defined.get("load"))


def _find(name: str) -> Path:
    path = Path(name)
    if path.is_file():
        if path.suffix not in (".py", ".json"):
            raise StorageError(f"{path} is neither a Python (.py) nor a JSON (.json) spec.")
        return path
    folder = gallery()
    shipped = sorted(p.stem for p in folder.glob("[!_]*.py")) if folder else []
    if folder and name in shipped:
        return folder / f"{name}.py"
    hint = suggest(name, shipped) or (f" Specs of the gallery: {', '.join(shipped)}." if shipped else "")
    raise StorageError(f"There is no spec file {name}.{hint}")


def _from_json(path: Path) -> Spec:
    from bayessynth.spec import Spec

    try:
        return Spec.from_json(json.loads(path.read_text(encoding="utf-8")))
    except BayesSynthError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StorageError(f"{path} is no spec that Spec.to_json wrote: {type(error).__name__}: {error}.") from error


def _run(path: Path) -> dict[str, Any]:
    """Run a spec file and return its names; an error in its code names the line."""
    try:
        return runpy.run_path(str(path), run_name="bayessynth_spec")
    except BayesSynthError as error:
        raise SpecError(f"{path}, line {_line(error, path)}: {error}") from error
    except SyntaxError as error:
        raise SpecError(f"{path}, line {error.lineno}: {error.msg}.") from error
    except Exception as error:
        raise SpecError(f"{path}, line {_line(error, path)}: {type(error).__name__}: {error}") from error


def _line(error: BaseException, path: Path) -> int | None:
    frames = traceback.extract_tb(error.__traceback__)
    return next((f.lineno for f in reversed(frames) if f.filename == str(path)), None)
