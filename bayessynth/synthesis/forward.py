"""From a fit of a user's PyMC model to copies: forward sampling through PyTensor."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayessynth._version import __version__
from bayessynth.design import safe
from bayessynth.errors import DataError, FitError, SynthesisError
from bayessynth.errors import where as where_rows
from bayessynth.schema.column import CODES
from bayessynth.synthesis.data import SyntheticData
from bayessynth.synthesis.draws import Draws
from bayessynth.synthesis.generate import child
from bayessynth.synthesis.groups import Groups, new_groups, observed_groups
from bayessynth.synthesis.labels import label, owners
from bayessynth.synthesis.provenance import PRIVACY
from bayessynth.synthesis.request import GroupPolicy, Request, checked, warn_disclosing

if TYPE_CHECKING:
    from bayessynth.fitting.pymc_fitted import FittedPyMC


def synthesize_pymc(
    fitted: FittedPyMC,
    m: int = 5,
    k: int | None = None,
    groups: GroupPolicy = "new",
    force: bool = False,
    random_seed: int | None = None,
) -> SyntheticData:
    """Draw proper synthetic copies from a user's PyMC model: each from its own posterior draw.

    Parameters
    ----------
    fitted : FittedPyMC
    m : int
        Number of copies.
    k : int, optional
        Rows of each copy; by default as many as the original has.
    groups : {"new", "existing"}
        Whether copies have new groups, with effects and sizes drawn from the fitted group distributions, or the
        original's. Existing groups need ``fit(keep_groups=True)`` and are marked as disclosing.
    force : bool
        Draw even if the diagnostics say "fail"; the provenance then says so.
    random_seed : int, optional
        The same seed gives the same bytes.

    Returns
    -------
    SyntheticData
        Lazy: a copy is drawn when it is asked for, all its rows at once.

    Raises
    ------
    FitError
        If the fit was loaded without ``build=``, or the diagnostics say "fail" and ``force`` is not set.
    SynthesisError
        If m or k is not positive, or there are no observed groups to use.
    """
    if fitted.build is None:
        raise FitError(
            "A saved fit of a PyMC model holds no code, so it cannot draw; open it with the function that was fitted: "
            "bs.load(directory, build=build)."
        )
    verdict = fitted.diagnose().verdict
    if verdict == "fail" and not force:
        raise FitError(
            f"The fit's diagnostics say 'fail', so its draws are not the posterior's:\n{fitted.diagnose()}\n"
            "Mend the model or sample longer, or say force=True; the provenance will then carry the verdict."
        )
    request = checked(m, k, groups, random_seed)
    existing = groups == "existing" and bool(fitted.layout.dims)
    if existing:
        if not fitted.groups.observed:
            raise SynthesisError(
                "groups='existing' needs the observed groups, which this fit let go: fit with keep_groups=True."
            )
        warn_disclosing("Copies have the original's groups, with their labels and sizes")
    draws = Draws.of(fitted.idata["posterior"].to_dataset())
    chosen = draws.spread(m)

    def parts(j: int, threads: int | None) -> Iterator[pd.DataFrame]:
        chain, draw = chosen[j]
        yield _copy(fitted, draws.at(chain, draw), chain * draws.shape[1] + draw, request, existing, j)

    return SyntheticData(parts, m, _provenance(fitted, chosen, request, verdict, existing))


def _copy(
    fitted: FittedPyMC, values: Mapping[str, np.ndarray], draw: int, request: Request, existing: bool, copy: int
) -> pd.DataFrame:
    """Draw one copy: groups, then all columns."""
    from bayessynth.fitting.pymc_run import draw_rows

    layout = fitted.layout
    assert fitted.build is not None
    seed = np.random.SeedSequence(request.entropy, spawn_key=(copy,))
    k = request.k if request.k is not None else layout.n
    rng = child(seed, 0)
    groups = _existing(fitted, k, rng) if existing else new_groups(fitted.groups, draw, k, rng)
    codes = {factor: groups.codes("row", factor) for factor in layout.factors.values()}
    shared = [*layout.trace, *((v for v in layout.groups if v in layout.free) if existing else ())]
    stream = np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, 1)).generate_state(4).tolist()
    try:
        arrays = draw_rows(fitted.build, layout, codes, groups.sizes, {v: values[safe(v)] for v in shared}, k, stream)
    except (FitError, DataError):
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {str(error).splitlines()[0]}"
        raise SynthesisError(
            f"Copy {copy} could not be drawn from the PyMC model: {reason}. If a parameter runs out of its "
            "distribution's range, its prior is too wide for new records; if an index does, a variable lacks a dim."
        ) from error
    _check(arrays, fitted, k, copy)
    return _decoded(fitted, arrays, groups)


def _existing(fitted: FittedPyMC, k: int, rng: np.random.Generator) -> Groups:
    """Return the original's groups: of its rows, or of k rows drawn from it."""
    structure, n = fitted.groups, fitted.layout.n
    rows = np.arange(n) if k == n else np.sort(rng.integers(0, n, k))
    codes = {factor: observed[rows] for factor, observed in structure.observed.items()}
    sizes = {factor: len(labels) for factor, labels in structure.labels.items()}
    return observed_groups(structure.plan, codes, structure.labels, sizes=sizes)


def _check(arrays: Mapping[str, np.ndarray], fitted: FittedPyMC, k: int, copy: int) -> None:
    """Raise unless the drawn values can be cells of their columns."""
    for name, values in arrays.items():
        column = fitted.schema[name]
        if values.shape != (k,):
            raise SynthesisError(
                f"Copy {copy}: variable {name!r} was drawn with shape {values.shape} for {k} rows; build must take all "
                "that has one entry a row from data."
            )
        wrong = ~np.isfinite(values)
        if column.kind in CODES:
            wrong |= (values < 0) | (values >= len(column.levels))
        if wrong.any():
            raise SynthesisError(
                f"Copy {copy} has values that its column cannot hold: {where_rows(name, wrong, values)}. Choose "
                f"another distribution for {name!r}, or tighter priors."
            )


def _decoded(fitted: FittedPyMC, arrays: Mapping[str, np.ndarray], groups: Groups) -> pd.DataFrame:
    codes: dict[str, np.ndarray] = dict(arrays)
    labels: dict[str, Any] = {}
    for column in owners(fitted.groups.plan):
        codes[column], labels[column] = label(column, fitted.schema, fitted.groups.plan, groups)
    return fitted.schema.decode(codes, labels=labels)


def _provenance(
    fitted: FittedPyMC, chosen: list[tuple[int, int]], request: Request, verdict: str, existing: bool
) -> dict[str, Any]:
    """Return a record of how copies were made, with the keys that copies from a spec have."""
    layout = fitted.layout
    return {
        "spec": "pymc",
        "synthesis": "fully",
        "proper": True,
        "m": request.m,
        "k": request.k if request.k is not None else layout.n,
        "n": layout.n,
        "groups": request.groups if layout.dims else "none",
        "group_columns": list(dict.fromkeys(c for columns in fitted.groups.plan.columns.values() for c in columns)),
        "random_seed": request.entropy,
        "draws": [[int(chain), int(draw)] for chain, draw in chosen],
        "verdict": verdict,
        "forced": verdict == "fail",
        "last_group_cut": bool(layout.dims) and not existing,
        "disclosing": ["the original groups: their labels, sizes and effects"] if existing else [],
        "privacy": PRIVACY,
        "fit": dict(fitted.provenance),
        "versions": {"bayessynth": __version__, "numpy": np.__version__, "pandas": pd.__version__,
                     "python": platform.python_version()},
    }  # fmt: skip
