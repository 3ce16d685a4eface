"""Periods: months, quarters, years as such."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd

from bayessynth.schema.formats.format import Format, Found, register


@register
@dataclass(frozen=True)
class Period(Format):
    """Periods, each by the time at which it begins.

    Attributes
    ----------
    freq : str
        Their length, as pandas names it.

    Examples
    --------
    >>> Period("M").write(pd.Series(pd.to_datetime(["2020-01-17"])))[0]
    Period('2020-01', 'M')
    """

    name: ClassVar[str] = "period"

    freq: str = "M"

    @property
    def plain(self) -> str:
        """Times without a zone."""
        return "datetime64[us]"

    def read(self, series: pd.Series) -> pd.Series:
        """Return the times at which periods begin."""
        return series.dt.start_time.astype(self.plain)

    def write(self, plain: pd.Series) -> Any:
        """Return the periods in which times lie."""
        return plain.dt.to_period(self.freq).array

    @classmethod
    def find(cls, series: pd.Series) -> Found | None:
        """Return the length of a column's periods."""
        if not isinstance(series.dtype, pd.PeriodDtype):
            return None
        form = cls(str(series.dtype).removeprefix("period[").removesuffix("]"))
        return Found(form, form.read(series))
