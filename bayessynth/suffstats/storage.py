"""Sufficient statistics on disk: one npz file, with JSON for what is declared and learnt. No pickle."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from bayessynth._version import __version__
from bayessynth.errors import BayesSynthError, StorageError
from bayessynth.families import Moments
from bayessynth.suffstats.collect import Part
from bayessynth.suffstats.counts import Counts
from bayessynth.suffstats.gram import Gram
from bayessynth.suffstats.learn import Learnt
from bayessynth.suffstats.rows import Rows
from bayessynth.suffstats.statistics import Facts, SufficientStatistics
from bayessynth.suffstats.structure import Structure

FORMAT = 1
_DECLARED = "statistics.json"

Arrays = dict[str, np.ndarray]


def save(statistics: SufficientStatistics, path: str | os.PathLike[str]) -> Path:
    """Write statistics to one file; it stands there whole or not at all.

    Parameters
    ----------
    statistics : SufficientStatistics
    path : path
        By habit with the ending ``.npz``. A file that is there is replaced, if it holds statistics.

    Returns
    -------
    Path

    Raises
    ------
    StorageError
        If something else is there, or a group's label is neither text nor a number.
    """
    target = Path(path)
    if target.exists():
        load(target)
    arrays: Arrays = {}
    declared = {
        "format": FORMAT, "version": __version__, "learnt": statistics.learnt.to_json(), "n": statistics.n,
        "facts": {c: [_written(f.low), _written(f.high), f.missing] for c, f in statistics.facts.items()},
        "labels": {name: list(found) for name, found in statistics.structure.labels.items()},
        "constant": list(statistics.structure.constant), "sources": list(statistics.sources),
        "parts": {c: _part(part, f"{i}/", arrays) for i, (c, part) in enumerate(statistics.parts.items())},
    }  # fmt: skip
    structure = statistics.structure
    _put(arrays, "structure/cells/", structure.cells)
    _put(arrays, "structure/constant/", structure.constant)
    arrays["structure/counts"] = structure.counts
    text = json.dumps(declared, default=_refused)
    arrays[_DECLARED] = np.frombuffer(text.encode(), dtype=np.uint8)
    # Names of arrays may hold what a file's cannot, so they are numbered.
    names = list(arrays)
    listed = np.frombuffer(json.dumps(names).encode(), dtype=np.uint8)
    write_arrays(target, {"names": listed} | {str(i): arrays[name] for i, name in enumerate(names)})
    return target


def write_arrays(target: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays to one file, under a temporary name until it is complete.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_arrays(Path(folder, "one.npz"), {"x": np.arange(3)})
    ...     np.load(Path(folder, "one.npz"))["x"].tolist()
    [0, 1, 2]
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}-", delete=False) as file:
        try:
            np.savez_compressed(file, allow_pickle=False, **arrays)
            file.flush()
            os.fsync(file.fileno())
            os.chmod(file.name, 0o644)
            os.replace(file.name, target)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def check_format(source: Path, declared: Mapping[str, Any], reads: int) -> None:
    """Raise a StorageError if what was saved is in a format newer than this version reads.

    >>> check_format(Path("fit"), {"format": 1, "version": "0.1.0"}, 1)
    """
    written = declared["format"]
    if not isinstance(written, int) or written > reads:
        raise StorageError(
            f"{source} was written by bayessynth {declared.get('version', '?')} in format {written}; this version "
            f"({__version__}) reads up to format {reads}. Upgrade bayessynth."
        )


def load(path: str | os.PathLike[str]) -> SufficientStatistics:
    """Open statistics that :func:`save` wrote.

    Raises
    ------
    StorageError
        If there is no such file, it is damaged or holds something else, or a newer version wrote it.

    Examples
    --------
    >>> load("nowhere.npz")
    Traceback (most recent call last):
    ...
    bayessynth.errors.StorageError: There is no file nowhere.npz.
    """
    source = Path(path)
    if not source.is_file():
        raise StorageError(f"There is no file {source}.")
    try:
        with open(source, "rb") as opened, np.load(opened, allow_pickle=False) as file:
            names = json.loads(file["names"].tobytes())
            arrays = {name: file[str(i)] for i, name in enumerate(names)}
        declared = json.loads(arrays.pop(_DECLARED).tobytes())
        check_format(source, declared, FORMAT)
        return _read(declared, arrays)
    except BayesSynthError:
        raise
    except Exception as error:
        raise StorageError(
            f"{source} holds no sufficient statistics, or is damaged: {type(error).__name__}: {error}. Make them "
            "again, or take a backup."
        ) from error


def _part(part: Part, prefix: str, arrays: Arrays) -> dict[str, Any]:
    """Put a part's arrays among the others and return what is left of it."""
    kept = part.statistic
    declared: dict[str, Any] = {"dropped": part.dropped, "kind": type(kept).__name__}
    if part.moments is not None:
        declared["moments"] = {k: _written(v) for k, v in asdict(part.moments).items()}
    if isinstance(kept, Gram):
        declared["columns"] = list(kept.columns)
        _put(arrays, f"{prefix}codes/", kept.codes)
        _put(arrays, prefix, {name: getattr(kept, name) for name in ("shift", "scale", "counts", "moments")})
        return declared
    rows = kept if isinstance(kept, Rows) else kept.distinct
    declared |= {"n": rows.n, "columns": list(rows.columns), "groups": list(rows.groups)}
    _put(arrays, f"{prefix}rows/", rows.arrays)
    if isinstance(kept, Counts):
        arrays[f"{prefix}counts"] = kept.counts
    return declared


def _part_of(declared: Mapping[str, Any], prefix: str, arrays: Arrays) -> Part:
    moments: dict[str, Any] | None = declared.get("moments")
    known = None if moments is None else Moments(**{k: _number(v) for k, v in moments.items()})
    if declared["kind"] == "Gram":
        codes = _taken(arrays, f"{prefix}codes/")
        own = {name: arrays[f"{prefix}{name}"] for name in ("shift", "scale", "counts", "moments")}
        gram = Gram(tuple(declared["columns"]), own["shift"], own["scale"], codes, own["counts"], own["moments"])
        return Part(gram, known, declared["dropped"])
    found = _taken(arrays, f"{prefix}rows/")
    rows = Rows({c: found[c] for c in declared["columns"]}, {g: found[g] for g in declared["groups"]}, declared["n"])
    kept = rows if declared["kind"] == "Rows" else Counts(rows, arrays[f"{prefix}counts"])
    return Part(kept, known, declared["dropped"])


def _read(declared: Mapping[str, Any], arrays: Arrays) -> SufficientStatistics:
    labels = {name: tuple(found) for name, found in declared["labels"].items()}
    constant = _taken(arrays, "structure/constant/")
    structure = Structure(labels, _taken(arrays, "structure/cells/"), arrays["structure/counts"],
                          {name: constant[name] for name in declared["constant"]})  # fmt: skip
    facts = {c: Facts(_number(low), _number(high), missing) for c, (low, high, missing) in declared["facts"].items()}
    parts = {c: _part_of(part, f"{i}/", arrays) for i, (c, part) in enumerate(declared["parts"].items())}
    return SufficientStatistics(
        Learnt.from_json(declared["learnt"]), declared["n"], facts, structure, parts, tuple(declared["sources"])
    )  # fmt: skip


def _put(arrays: Arrays, prefix: str, found: Mapping[str, np.ndarray]) -> None:
    arrays.update({f"{prefix}{name}": values for name, values in found.items()})


def _taken(arrays: Arrays, prefix: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}


def _written(value: float) -> float | str:
    """Return a number as JSON has it; infinities are text."""
    return value if np.isfinite(value) else str(value)


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, str) else value


def _refused(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise StorageError(
        f"{value!r} ({type(value).__name__}) cannot be saved; if it is a group's label, make that column text."
    )
