"""From a fit of a user's PyMC model to copies: forward sampling through PyTensor."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from bayessynth._version import __version__
from bayessynth.design import safe
from bayessynth.errors import DataError, FitError, SynthesisError
from bayessynth.errors import where as where_rows
from bayessynth.fitting.groups import GroupPosterior
from bayessynth.fitting.pymc_layout import Build, Layout
from bayessynth.schema.column import CODES
from bayessynth.synthesis.arrow import types_of
from bayessynth.synthesis.data import SyntheticData
from bayessynth.synthesis.digest import digest, digest_of_groups
from bayessynth.synthesis.draws import Draws
from bayessynth.synthesis.generate import child
from bayessynth.synthesis.groups import Groups, existing_groups, new_groups
from bayessynth.synthesis.labels import Labels, label, owners
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
    flat = tuple(chain * draws.shape[1] + draw for chain, draw in chosen)
    forward = Forward(fitted.build, fitted.layout, fitted.groups, draws.take(chosen), flat, request, existing)
    return SyntheticData(forward, m, _provenance(fitted, chosen, request, verdict, existing))


@dataclass(frozen=True)
class Forward:
    """Makes any copy of a user's PyMC model, all its rows at once.

    Attributes
    ----------
    build : callable
        The user's function.
    layout : Layout
    structure : GroupPosterior
    draws : Draws
        Those that the copies use, in one chain.
    flat : tuple of int
        Number of each copy's draw in the posterior.
    request : Request
    existing : bool
        Whether the groups are the original's, with their effects.
    """

    build: Build
    layout: Layout
    structure: GroupPosterior
    draws: Draws
    flat: tuple[int, ...]
    request: Request
    existing: bool
    part: int | None = None

    def rows(self, copy: int) -> int:
        """Return the number of rows of a copy."""
        return self.request.k if self.request.k is not None else self.layout.n

    def frames(self, copy: int, parts: range | None, threads: int | None) -> Iterator[pd.DataFrame]:
        """Yield a copy."""
        groups = self._groups(copy)
        yield self._decoded(self._drawn(copy, groups), groups)

    def _groups(self, copy: int) -> Groups:
        rng, k = child(self._seed(copy), 0), self.rows(copy)
        if self.existing:
            return existing_groups(self.structure, self.layout.n, k, rng)
        return new_groups(self.structure, self.flat[copy], k, rng)

    def _seed(self, copy: int) -> np.random.SeedSequence:
        return np.random.SeedSequence(self.request.entropy, spawn_key=(copy,))

    def _drawn(self, copy: int, groups: Groups) -> dict[str, np.ndarray]:
        """Draw all columns of a copy."""
        from bayessynth.fitting.pymc_run import draw_rows

        layout, k = self.layout, self.rows(copy)
        codes = {factor: groups.codes("row", factor) for factor in layout.factors.values()}
        shared = [*layout.trace, *((v for v in layout.groups if v in layout.free) if self.existing else ())]
        values = self.draws.at(0, copy)
        stream = np.random.SeedSequence(self.request.entropy, spawn_key=(copy, 1)).generate_state(4).tolist()
        try:
            arrays = draw_rows(self.build, layout, codes, groups.sizes, {v: values[safe(v)] for v in shared}, k, stream)
        except (FitError, DataError):
            raise
        except Exception as error:
            reason = f"{type(error).__name__}: {str(error).splitlines()[0]}"
            raise SynthesisError(
                f"Copy {copy} could not be drawn from the PyMC model: {reason}. If a parameter runs out of its "
                "distribution's range, its prior is too wide for new records; if an index does, a variable lacks a dim."
            ) from error
        _check(arrays, layout, k, copy)
        return arrays

    def _decoded(self, arrays: Mapping[str, np.ndarray], groups: Groups) -> pd.DataFrame:
        codes: dict[str, np.ndarray] = dict(arrays)
        labels: dict[str, Any] = {}
        for column, known in self._labels(groups).items():
            codes[column], labels[column] = known.on(groups, slice(None)), known.values
        return self.layout.schema.decode(codes, labels=labels)

    def _labels(self, groups: Groups) -> dict[str, Labels]:
        plan = self.structure.plan
        return {column: label(column, self.layout.schema, plan, groups) for column in owners(plan)}

    def types(self) -> pa.Schema:
        """Return the Arrow schema that all copies have."""
        every = [self._labels(self._groups(copy)) for copy in range(self.request.m)]
        longest = {c: max((found[c] for found in every), key=lambda known: len(known.values)) for c in every[0]}
        return types_of(self.layout.schema, longest)

    def digest(self) -> str:
        """Return a hash of the posterior draws and the groups; of ``build`` only what the provenance says of it."""
        return digest([self.layout.to_json(), self.draws.variables, list(self.flat), digest_of_groups(self.structure)])


def _check(arrays: Mapping[str, np.ndarray], layout: Layout, k: int, copy: int) -> None:
    """Raise unless the drawn values can be cells of their columns."""
    for name, values in arrays.items():
        column = layout.schema[name]
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
