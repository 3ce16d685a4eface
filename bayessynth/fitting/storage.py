"""A fit on disk: JSON for what is declared and learnt, netCDF for draws, npz for the group structure."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from bayessynth._version import __version__
from bayessynth.design import Bound, GroupPlan, dim, safe
from bayessynth.errors import BayesSynthError, StorageError
from bayessynth.fitting.fitted import Fitted
from bayessynth.fitting.groups import Crossed, GroupPosterior, Sizes
from bayessynth.fitting.noise_aware.tables import Cells
from bayessynth.fitting.pymc_fitted import FittedPyMC
from bayessynth.fitting.pymc_layout import Build, Layout
from bayessynth.suffstats.storage import check_format
from bayessynth.trees import Forest

FORMAT = 1
_FILES = ("fit.json", "posterior.nc", "groups.npz")
_TREES, _CELLS = "trees.npz", "cells.npz"


def save(fitted: Fitted | FittedPyMC, directory: str | os.PathLike[str]) -> Path:
    """Write a fit to a directory; see :meth:`Fitted.save`."""
    target = Path(directory)
    if target.exists() and not (target.is_dir() and {p.name for p in target.iterdir()} <= {*_FILES, _TREES, _CELLS}):
        raise StorageError(f"{target} exists and is not a saved fit; name a new directory.")
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        _write(fitted, temporary)
        temporary.chmod(0o755)
        if target.exists():
            shutil.rmtree(target)
        temporary.rename(target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return target


def _write(fitted: Fitted | FittedPyMC, directory: Path) -> None:
    model = {"pymc": fitted.layout} if isinstance(fitted, FittedPyMC) else {"bound": fitted.bound}
    declared = {"format": FORMAT, "version": __version__, **{k: v.to_json() for k, v in model.items()},
                "provenance": fitted.provenance, "groups": _declared_groups(fitted.groups)}  # fmt: skip
    if isinstance(fitted, Fitted) and fitted.forest.trees:
        declared["trees"] = fitted.forest.declared()
    if isinstance(fitted, Fitted) and fitted.cells is not None:
        declared["cells"], arrays = fitted.cells.to_arrays()
        np.savez_compressed(directory / _CELLS, allow_pickle=False, **arrays)
    (directory / "fit.json").write_text(json.dumps(declared, indent=1, default=_plain))
    # Groups without variables (a spec of design columns alone) are kept as empty groups.
    _released(fitted).to_netcdf(directory / "posterior.nc", engine="h5netcdf")
    np.savez_compressed(directory / "groups.npz", allow_pickle=False, **_arrays(fitted.groups))
    if isinstance(fitted, Fitted) and fitted.forest.trees:
        np.savez_compressed(directory / _TREES, allow_pickle=False, **fitted.forest.arrays())


def _released(fitted: Fitted | FittedPyMC) -> xr.DataTree:
    """Leave out what has an entry a row and, unless they are kept, an entry an observed group."""
    keep = bool(fitted.groups.observed)
    posterior = fitted.idata["posterior"].to_dataset()
    if isinstance(fitted, FittedPyMC):
        layout = fitted.layout
        names = map(safe, layout.rows if keep else (*layout.rows, *layout.groups))
        kept = posterior.drop_vars([name for name in names if name in posterior])
        used = {d for variable in kept.data_vars.values() for d in variable.dims}
        kept = kept.drop_dims([d for d in kept.dims if d not in used])
    else:
        factors = [] if keep else [dim(f) for f in fitted.bound.plan.columns]
        kept = posterior.drop_dims([f for f in factors if f in posterior.dims])
    tree = fitted.idata.copy()
    tree["posterior"] = xr.DataTree(kept)
    return tree


def load(directory: str | os.PathLike[str], build: Build | None = None) -> Fitted | FittedPyMC:
    """Open a saved fit.

    Parameters
    ----------
    directory : path
    build : callable, optional
        For a fit of :func:`from_pymc`: the function that was fitted, since a saved fit holds no code. Without it the
        fit opens but draws no copies.

    Returns
    -------
    Fitted or FittedPyMC

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
    missing = [name for name in _FILES if not (source / name).is_file()]
    if missing:
        raise StorageError(f"{source} is no saved fit: there is no {', '.join(missing)} in it.")
    try:
        declared = json.loads((source / "fit.json").read_text())
        check_format(source, declared, FORMAT)
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(f"{source / 'fit.json'} is damaged: {error}. Fit again, or take a backup.") from error
    try:
        with xr.open_datatree(source / "posterior.nc", engine="h5netcdf") as tree:
            idata = tree.load()
        with open(source / "groups.npz", "rb") as file, np.load(file, allow_pickle=False) as arrays:
            groups = _read_groups(declared["groups"], dict(arrays))
        if "pymc" in declared:
            return FittedPyMC(Layout.from_json(declared["pymc"]), idata, groups, declared["provenance"], build)
        if build is not None:
            raise StorageError(f"{source} is the fit of a spec, which needs no code; leave build= out.")
        bound = Bound.from_json(declared["bound"])
        _check_complete(bound, idata["posterior"].to_dataset())
        return Fitted(bound, idata, groups, declared["provenance"], _read_trees(source, declared.get("trees")),
                      _read_cells(source, declared.get("cells")))  # fmt: skip
    except BayesSynthError:
        raise
    except Exception as error:
        raise StorageError(
            f"{source} is damaged: {type(error).__name__}: {error}. Fit again, or take a backup."
        ) from error


def _read_trees(source: Path, declared: dict[str, Any] | None) -> Forest:
    if declared is None:
        return Forest()
    with open(source / _TREES, "rb") as file, np.load(file, allow_pickle=False) as arrays:
        return Forest.of_arrays(declared, dict(arrays))


def _read_cells(source: Path, declared: dict[str, Any] | None) -> Cells | None:
    if declared is None:
        return None
    with open(source / _CELLS, "rb") as file, np.load(file, allow_pickle=False) as arrays:
        return Cells.from_arrays(declared, dict(arrays))


def _check_complete(bound: Bound, posterior: xr.Dataset) -> None:
    """Refuse a posterior that lacks a parameter; effects of observed groups may be left out."""
    for equation in bound.equations:
        for key in equation.priors:
            if safe(f"{equation.response}_{key}") not in posterior:
                raise KeyError(f"the posterior has no {equation.response}_{key}")
    for block in bound.shared:
        if block.name not in posterior:
            raise KeyError(f"the posterior has no {block.name}")


def _declared_groups(groups: GroupPosterior) -> dict[str, Any]:
    return {
        "plan": groups.plan.to_json(),
        "constant": {f: s.constant for f, s in groups.sizes.items()},
        "crossed": list(groups.crossed),
        "labels": {f: list(labels) for f, labels in groups.labels.items()},
    }


def _arrays(groups: GroupPosterior) -> dict[str, np.ndarray]:
    arrays: dict[str, np.ndarray] = {}
    for factor, sizes in groups.sizes.items():
        arrays[f"mean {factor}"], arrays[f"shape {factor}"] = sizes.mean, sizes.shape
        arrays[f"common {factor}"], arrays[f"common_shares {factor}"] = sizes.values, sizes.shares
    for factor, crossed in groups.crossed.items():
        arrays[f"shares {factor}"], arrays[f"concentration {factor}"] = crossed.shares, crossed.concentration
    return arrays | {f"observed {factor}": codes for factor, codes in groups.observed.items()}


def _read_groups(declared: dict[str, Any], arrays: dict[str, np.ndarray]) -> GroupPosterior:
    def of(prefix: str) -> dict[str, np.ndarray]:
        return {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}

    means, shapes = of("mean "), of("shape ")
    # Fits of earlier versions have the negative binomial alone.
    common, shares = of("common "), of("common_shares ")
    sizes = {f: Sizes(means[f], shapes[f], constant, *((common[f], shares[f]) if f in common else ()))
             for f, constant in declared["constant"].items()}  # fmt: skip
    crossed = {f: Crossed(arrays[f"shares {f}"], arrays[f"concentration {f}"]) for f in declared["crossed"]}
    labels = {
        f: tuple(tuple(x) if isinstance(x, list) else x for x in labels) for f, labels in declared["labels"].items()
    }
    return GroupPosterior(GroupPlan.from_json(declared["plan"]), sizes, crossed, of("observed "), labels)


def _plain(value: Any) -> Any:
    """Let JSON write what NumPy and pandas bring."""
    if isinstance(value, np.generic):
        return value.item()
    raise StorageError(
        f"{value!r} ({type(value).__name__}) cannot be saved; if it is a group's label, fit that column as text."
    )
