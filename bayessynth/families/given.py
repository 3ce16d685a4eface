"""The given family: a column that nothing draws, because every copy is handed its values.

It stands for what other equations are drawn given: in a database, the columns of a parent beside each of its children.
It has no parameters, no priors and no density, and a missing cell is as good as any other.

>>> from bayessynth import families
>>> families.get("given").drawn
False
"""

from __future__ import annotations

from typing import Any, NoReturn

from bayessynth.errors import SynthesisError
from bayessynth.families.family import Family
from bayessynth.families.registry import register


def _none(*args: Any, **kwargs: Any) -> NoReturn:
    raise SynthesisError("A column of the family 'given' is not drawn: hand its values in, given=….")


def _check(y: Any, column: str, **options: Any) -> None:
    """Any value will do."""


register(
    Family(
        name="given",
        kinds=frozenset({"binary", "categorical", "ordinal", "continuous", "positive", "proportion", "count",
                         "datetime", "constant"}),
        parameters=(),
        discrete=False,
        sample=_none,
        logp=_none,
        dist=_none,
        check=_check,
        nonparametric=True,
        drawn=False,
        examples=(),
    )
)  # fmt: skip
