"""What a directory of copies holds, so that writing it can go on where it was broken off."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bayessynth.errors import SynthesisError
from bayessynth.synthesis.digest import digest
from bayessynth.synthesis.part_file import PartFile
from bayessynth.synthesis.source import Source

# Names with an underscore are skipped by readers of directories.
MANIFEST, PROVENANCE = "_manifest.json", "_provenance.json"
_FORMAT = 1
_KEYS = {"request", "complete", "m", "random_seed", "rows_a_part", "parts"}


@dataclass(frozen=True)
class Manifest:
    """The plan of a directory of copies.

    Attributes
    ----------
    request : str
        A hash of all that the copies depend on: the posterior draws, the provenance without the fit's times.
    random_seed : int or None
    m : int
    rows_a_part : int or None
        Rows of a full file; None where every copy is one file.
    files : sequence of PartFile
    """

    request: str
    random_seed: int | None
    m: int
    rows_a_part: int | None
    files: Sequence[PartFile]

    def open(self, directory: Path, provenance: Mapping[str, Any]) -> None:
        """Begin a new directory, or go on with one of the same request.

        Raises
        ------
        SynthesisError
            If the directory holds anything else.
        """
        path = directory / MANIFEST
        if path.is_file():
            self._check_same(path)
        else:
            check_new(directory)
            directory.mkdir(parents=True, exist_ok=True)
            self.write(directory, {})
        if not (directory / PROVENANCE).is_file():
            _replace(directory / PROVENANCE, provenance)

    def write(self, directory: Path, finished: Mapping[PartFile, int]) -> None:
        """Write down which files are finished, with their rows."""
        files = [
            {"file": f.name, "copy": f.copy, "rows": finished.get(f, f.rows), "finished": f in finished}
            for f in self.files
        ]
        state = {
            "format": _FORMAT, "request": self.request, "random_seed": self.random_seed, "m": self.m,
            "rows_a_part": self.rows_a_part, "complete": len(finished) == len(files), "parts": files,
        }  # fmt: skip
        _replace(directory / MANIFEST, state)

    def _check_same(self, path: Path) -> None:
        found = read_manifest(path)
        if found["request"] != self.request or found["rows_a_part"] != self.rows_a_part:
            state = "copies" if found["complete"] else "unfinished copies"
            raise SynthesisError(
                f"{path.parent} exists already and holds {state} of another request (m={found['m']}, random "
                f"seed {found['random_seed']}; asked for are m={self.m}, random seed {self.random_seed}). The same "
                "fit, arguments, seed and versions would go on with it; else name a new directory, or delete this one."
            )


def manifest_of(
    source: Source, m: int, provenance: Mapping[str, Any], files: Sequence[PartFile], rows_a_part: int | None
) -> Manifest:
    """Return the manifest of a request."""
    # What of the fit matters is in the source's hash; its record has times, which differ when it is repeated.
    stated = {key: value for key, value in provenance.items() if key != "fit"}
    request = digest([stated, source.digest(), rows_a_part])
    return Manifest(request, provenance.get("random_seed"), m, rows_a_part, files)


def check_new(directory: Path) -> None:
    """Raise a SynthesisError if there is a file of that name, or a directory that is not empty."""
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise SynthesisError(f"{directory} exists already; name a new directory, so that nothing is overwritten.")


def read_manifest(path: Path) -> dict[str, Any]:
    """Read a manifest.

    Raises
    ------
    SynthesisError
        If it is damaged, or written by a newer version.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        known = found["format"] == _FORMAT and set(found) >= _KEYS
    except (ValueError, KeyError, TypeError):
        known = False
    if not known:
        raise SynthesisError(
            f"{path} is damaged, or written by another version of bayessynth; delete the directory, or name another."
        )
    return dict(found)


def _replace(path: Path, content: Mapping[str, Any]) -> None:
    """Write a file so that it is the old one or the new one at any time."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")
    temporary.replace(path)
