"""Synthetic data: m copies, drawn when they are asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from bayessynth.errors import SynthesisError
from bayessynth.synthesis.batches import cut
from bayessynth.synthesis.comma import write_csv
from bayessynth.synthesis.request import check_positive
from bayessynth.synthesis.source import Foreign, Source, Weighed
from bayessynth.synthesis.stream import write_parquet

if TYPE_CHECKING:
    from distributed import Client

    from bayessynth.inference import Pooled


class SyntheticData:
    """m copies of a table, each from its own posterior draw.

    Copies are lazy: ``syn[0]`` draws the first one (and keeps none), ``to_parquet`` streams all of them in parts.
    A copy is the same whenever and however it is asked for.

    Attributes
    ----------
    m : int
        Number of copies.
    provenance : dict
        How the copies were made: spec, seeds, draws, group policy, verdict, privacy.

    Examples
    --------
    >>> import bayessynth as bs
    >>> schema = bs.Schema(age=bs.Continuous(bounds=(0, 110)))
    >>> syn = bs.Spec("age ~ 1").synthesize_prior(schema, m=2, k=10, random_seed=1)
    >>> len(syn), syn[1].shape, syn.provenance["privacy"]
    (2, (10, 1), 'no formal guarantee')
    """

    def __init__(
        self, source: Source | Callable[[int, int | None], Iterator[pd.DataFrame]], m: int,
        provenance: Mapping[str, Any],
    ) -> None:  # fmt: skip
        self._source: Source = source if isinstance(source, Source) else Foreign(source, m)
        self.m = m
        self.provenance = dict(provenance)

    def __len__(self) -> int:
        return self.m

    def __getitem__(self, copy: int) -> pd.DataFrame:
        return pd.concat(self.parts(copy), ignore_index=True)

    def __iter__(self) -> Iterator[pd.DataFrame]:
        return (self[j] for j in range(self.m))

    @property
    def copies(self) -> SyntheticData:
        """The copies as a sequence: ``syn.copies[0]`` is the first."""
        return self

    def parts(self, copy: int, threads: int | None = None) -> Iterator[pd.DataFrame]:
        """Yield one copy in parts of a bounded number of rows, some drawn ahead on other cores."""
        return self._source.frames(self._index(copy), None, threads)

    def batches(self, copy: int | None = None, rows: int | None = None) -> Iterator[pd.DataFrame]:
        """Iterate over frames of bounded size, of one copy or of all.

        Parameters
        ----------
        copy : int, optional
            Which copy; by default all, one after the other, with a first column ``copy`` (from 0). No frame has rows
            of two copies.
        rows : int, optional
            Rows of a frame, the last of a copy aside, which has what is left; by default those of the parts in which
            a copy is drawn, 65,536.

        Yields
        ------
        DataFrame
            Together the copy as it is elsewhere, whatever the size of the frames. (Copies of a PyMC model of yours
            are drawn as a whole, so there memory holds all of one.)

        Raises
        ------
        SynthesisError
            If rows is not positive, or all copies are asked for and the table has a column ``copy``.

        Examples
        --------
        >>> import bayessynth as bs
        >>> schema = bs.Schema(age=bs.Continuous(bounds=(0, 110)))
        >>> syn = bs.Spec("age ~ 1").synthesize_prior(schema, m=2, k=10, random_seed=1)
        >>> [len(frame) for frame in syn.batches(rows=4)]
        [4, 4, 2, 4, 4, 2]
        """
        if rows is not None:
            check_positive(rows=rows)
        if copy is not None:
            return cut(self.parts(copy), rows)
        return (_numbered(frame, j) for j in range(self.m) for frame in cut(self.parts(j), rows))

    def _index(self, copy: int) -> int:
        index = copy + self.m if copy < 0 else copy
        if not 0 <= index < self.m:
            raise IndexError(f"There is no copy {copy}; there are {self.m}, from 0 to {self.m - 1}.")
        return index

    def effective_sizes(self, copy: int = 0) -> pd.Series:
        """Return how many proposals are effective behind each given row of a copy.

        What given columns depend on is drawn by importance sampling; :func:`bayessynth.synthesis.synthesize_fit` says
        how. A size of 20 means that the row's draw is about as good as one out of 20 draws from the exact conditional:
        its distribution is off by some 1/20. Below 10 there was a warning. One row a given row, or a given top-level
        group.

        Raises
        ------
        SynthesisError
            If nothing was drawn so: no column was given, or none that depends on one that was not.

        Examples
        --------
        >>> import pandas as pd
        >>> import bayessynth as bs
        >>> df = pd.DataFrame({"x": ["a", "a", "b"] * 20, "y": ["c", "d", "d"] * 20})
        >>> spec = bs.Spec(bs.Equation("x ~ 1", family="tree"), bs.Equation("y ~ x", family="tree"))
        >>> syn = spec.fit(df, copies=1, random_seed=1).synthesize(1, where={"y": "c"}, k=3, random_seed=1)
        >>> bool((syn.effective_sizes() > 10).all())
        True
        """
        found = self._source.effective(self._index(copy)) if isinstance(self._source, Weighed) else None
        if found is None:
            raise SynthesisError(
                "No draw of these copies was weighed: no column was given, or none that depends on one that was not."
            )
        return pd.Series(found.sizes, name="effective_size")

    def concat(self) -> pd.DataFrame:
        """Return all copies below each other, with a first column ``copy`` (from 0).

        Raises
        ------
        SynthesisError
            If the table has a column of that name.

        Examples
        --------
        >>> import bayessynth as bs
        >>> schema = bs.Schema(age=bs.Continuous(bounds=(0, 110)))
        >>> bs.Spec("age ~ 1").synthesize_prior(schema, m=2, k=3, random_seed=1).concat()["copy"].tolist()
        [0, 0, 0, 1, 1, 1]
        """
        return pd.concat([_numbered(frame, j) for j, frame in enumerate(self)], ignore_index=True)

    def pool(self, formula: str = "", model: Any = "ols", **options: Any) -> Pooled:
        """Pool an analysis over the copies, with valid standard errors; :func:`bayessynth.pool` has the arguments."""
        from bayessynth.inference import pool

        return pool(self, formula, model, **options)

    def to_card(self, path: str | os.PathLike[str]) -> Path:
        """Write the public card: how the copies were made and how to analyse them, from their provenance alone.

        No original is needed, so that with formal privacy it costs nothing. ``bs.evaluate(…).to_card`` writes the card
        of copies that were judged.
        """
        from bayessynth.report import write_card

        return write_card(self, path)

    def to_parquet(
        self, directory: str | os.PathLike[str], *, client: Client | None = None, progress: bool = True
    ) -> Path:
        """Stream every copy to ``copy=0/part-00000.parquet`` … below a directory.

        ``pd.read_parquet(directory)``, PyArrow, Dask and DuckDB read all copies, with a column ``copy``;
        ``pd.read_parquet(directory / "copy=0")`` reads one. Beside them stand ``_provenance.json``, how the copies
        were made, and ``_manifest.json``, which files there are.

        Dtypes are restored as far as Parquet knows them: categories that are numbers come back as numbers, and
        objects as what they are. All files have one Arrow schema.

        A file appears when it is whole. Writing that was broken off is resumed by the same call (same fit, arguments
        and seed; so state ``random_seed``): only missing files are drawn, and none is drawn again when all are there.
        Neither this nor the number of threads or workers changes a byte. Memory holds one part of 65,536 rows a
        thread, and what a copy has at its groups' level.

        Parameters
        ----------
        directory : path
            A new one, or one of the same request.
        client : distributed.Client, optional
            A Dask cluster whose workers draw and write (``pip install bayessynth[dask]``). They must share the file
            system. A worker that dies loses the file at which it is, which another then writes.
        progress : bool
            Show a progress bar where there is a terminal or a notebook.

        Returns
        -------
        Path
            The directory.

        Raises
        ------
        SynthesisError
            If the directory holds something else, the table has a column ``copy``, or a worker fails for good.

        Examples
        --------
        >>> import tempfile
        >>> import pandas as pd
        >>> import bayessynth as bs
        >>> schema = bs.Schema(age=bs.Continuous(bounds=(0, 110)))
        >>> syn = bs.Spec("age ~ 1").synthesize_prior(schema, m=2, k=3, random_seed=1)
        >>> with tempfile.TemporaryDirectory() as parent:
        ...     pd.read_parquet(syn.to_parquet(f"{parent}/out"))["copy"].tolist()
        [0, 0, 0, 1, 1, 1]
        """
        return write_parquet(self._source, self.m, self.provenance, directory, client, progress)

    def to_csv(self, directory: str | os.PathLike[str], *, progress: bool = True) -> Path:
        """Stream every copy to ``copy-000.csv`` … in a new directory, with ``provenance.json`` beside them.

        The directory appears when all files are whole; if writing is broken off, nothing is left.

        Returns
        -------
        Path
            The directory.

        Raises
        ------
        SynthesisError
            If the directory exists and is not empty.
        """
        return write_csv(self._source, self.m, self.provenance, directory, progress)

    def __repr__(self) -> str:
        record = self.provenance
        lines = [
            f"SyntheticData: m={record['m']} copies of k={record['k'] or 'varying'} rows, "
            f"{record['synthesis']} synthetic, proper",
            f"groups: {record['groups']}; diagnostics: {record['verdict']}{' (forced)' if record['forced'] else ''}; "
            f"random seed: {record['random_seed']}",
            f"privacy: {record['privacy']}",
        ]
        if record.get("effective"):
            found = record["effective"]
            lines.append(
                f"given: {', '.join(record['given'])}; effective proposals a row: median {found['median']:g}, least "
                f"{found['minimum']:g}"
            )
        lines += [f"disclosing: {what}" for what in record["disclosing"]]
        return "\n".join(lines)


def _numbered(frame: pd.DataFrame, copy: int) -> pd.DataFrame:
    if "copy" in frame:
        raise SynthesisError("The table has a column 'copy' of its own; use pd.concat(list(syn), keys=range(syn.m)).")
    frame.insert(0, "copy", copy)
    return frame
