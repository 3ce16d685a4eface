"""Columns that come first and that every equation reads, so that their groups keep all their relations."""

from __future__ import annotations

from collections.abc import Mapping

from bayessynth.errors import SpecError, suggest
from bayessynth.schema import Column

# A number or text with more values is no stratum: each would hold too few rows.
MOST_STRATA = 50


def strata_of(strata: str | tuple[str, ...] | list[str] | None, schema: Mapping[str, Column]) -> tuple[str, ...]:
    """Return the columns that were declared as strata; none by default.

    They are handed to :func:`visiting_order` as ``fixed_first`` and to :func:`screen` as ``always``.

    Parameters
    ----------
    strata : str or sequence of str or None
    schema : mapping of str to Column

    Returns
    -------
    tuple of str

    Raises
    ------
    SpecError
        If there is no such column, or it can be no stratum.

    Examples
    --------
    >>> import bayessynth as bs
    >>> strata_of("sex", bs.Schema(sex=bs.Binary("f", "m"), age=bs.Count(bounds=(0, 110))))
    ('sex',)
    """
    names = () if strata is None else (strata,) if isinstance(strata, str) else tuple(dict.fromkeys(strata))
    for name in names:
        if name not in schema:
            raise SpecError(f"strata={name!r}: there is no such column.{suggest(str(name), schema)}")
        column = schema[name]
        if column.kind in ("identifier", "constant", "group"):
            raise SpecError(
                f"strata={name!r}: a column of kind {column.kind!r} parts the rows into no strata. Leave it out."
            )
        if len(column.levels) > MOST_STRATA:
            raise SpecError(
                f"strata={name!r} has {len(column.levels)} levels, and strata have at most {MOST_STRATA}; join levels "
                "first, or leave it out, for it is among the predictors anyway."
            )
    return names
