"""A release on disk: one npz file, with JSON for what is declared. No pickle."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bayessynth._version import __version__
from bayessynth.errors import BayesSynthError, StorageError
from bayessynth.privacy.domain import Domain
from bayessynth.privacy.ledger import Ledger
from bayessynth.privacy.marginals import NoisyMarginals
from bayessynth.privacy.moments import NoisyMoments
from bayessynth.privacy.released import Released
from bayessynth.privacy.routes import Block, Routes
from bayessynth.privacy.unit import Unit
from bayessynth.suffstats.storage import check_format, write_arrays

FORMAT = 2
_DECLARED = "release.json"


def save(released: Released, path: str | os.PathLike[str]) -> Path:
    """Write a release to one file; it stands there whole or not at all."""
    target = Path(path)
    if target.exists():
        load(target)
    arrays = {_DECLARED: np.frombuffer(json.dumps(_declared(released)).encode(), dtype=np.uint8)}
    for i, sums in enumerate(released.moments):
        arrays |= {f"moments {i}": sums.total, f"noise {i}": sums.covariance}
    for place, tables in enumerate(released.marginals):
        arrays |= {f"counts {place} {i}": counts for i, counts in enumerate(tables.counts)}
    write_arrays(target, arrays)
    return target


def load(path: str | os.PathLike[str]) -> Released:
    """Open a release that :func:`save` wrote.

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
            arrays = dict(file)
        declared = json.loads(arrays.pop(_DECLARED).tobytes())
        check_format(source, declared, FORMAT)
        return _read(declared, arrays)
    except BayesSynthError:
        raise
    except Exception as error:
        raise StorageError(
            f"{source} holds no release, or is damaged: {type(error).__name__}: {error}. Take a backup; releasing "
            "again spends budget again."
        ) from error


def _declared(released: Released) -> dict[str, Any]:
    return {
        "format": FORMAT, "version": __version__, "test": released.test, "versions": dict(released.versions),
        "unit": released.unit.to_json(),
        "domain": released.domain.to_json(), "ledgers": [ledger.to_json() for ledger in released.ledgers],
        "blocks": [[block.equations, block.read, block.group] for block in released.routes.blocks],
        "cliques": list(released.routes.cliques.items()),
        "moments": [
            {"columns": m.columns, "binary": m.binary, "pairs": m.pairs, "n": m.n,
             "groups": m.groups, "test": m.test} for m in released.moments
        ],
        "marginals": [
            {"cliques": t.cliques, "cells": dict(t.cells), "variance": t.variance, "n": t.n, "test": t.test}
            for t in released.marginals
        ],
    }  # fmt: skip


def _read(declared: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Released:
    blocks = tuple(Block(tuple(equations), tuple(read), group) for equations, read, group in declared["blocks"])
    cliques = {tuple(clique): tuple(equations) for clique, equations in declared["cliques"]}
    sums = tuple(
        NoisyMoments(tuple(m["columns"]), tuple(m["binary"]), tuple((i, j) for i, j in m["pairs"]),
                     arrays[f"moments {i}"], _covariance(i, m, arrays), m["n"], tuple(m["groups"]), m["test"])
        for i, m in enumerate(declared["moments"])
    )  # fmt: skip
    ledgers = tuple(map(Ledger.from_json, declared["ledgers"]))
    tables = tuple(_tables(place, own, arrays) for place, own in enumerate(declared["marginals"]))
    return Released(sums, tables, Routes(blocks, cliques),
                    Domain.from_json(declared["domain"]), Unit(**declared["unit"]), ledgers, declared["test"],
                    declared["versions"])  # fmt: skip


def _covariance(place: int, declared: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the covariance of the noise; format 1 has one variance for all numbers."""
    if "variance" in declared:
        return float(declared["variance"]) * np.eye(len(declared["pairs"]))
    return arrays[f"noise {place}"]


def _tables(place: int, declared: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> NoisyMarginals:
    cliques = tuple(map(tuple, declared["cliques"]))
    cells = {name: tuple(labels) for name, labels in declared["cells"].items()}
    counts = tuple(arrays[f"counts {place} {i}"] for i in range(len(cliques)))
    return NoisyMarginals(cliques, cells, counts, declared["variance"], declared["n"], declared["test"])
