"""The family of columns whose joint cells were released under formal privacy.

It has no parameters of its own: given the cells of the columns before it, a column has the conditional probabilities
of a log-linear model of noisy tables of counts (:mod:`bayessynth.fitting.noise_aware.tables`). Equations are declared
with other families; a fit with formal privacy gives them this one where tables of counts serve them.

>>> from bayessynth import families
>>> families.get("cells").nonparametric
True
"""

from __future__ import annotations

from typing import Any, NoReturn

from bayessynth.errors import SpecError
from bayessynth.families.family import Family
from bayessynth.families.registry import register


def _none(*args: Any, **kwargs: Any) -> NoReturn:
    raise SpecError("The family 'cells' has no distribution of its own: a draw of it is a model of released tables.")


def _check(y: Any, column: str, **options: Any) -> None:
    """Any value will do."""


register(
    Family(
        name="cells",
        kinds=frozenset({"binary", "categorical", "ordinal", "continuous", "positive", "proportion", "count"}),
        parameters=(),
        discrete=False,
        sample=_none,
        logp=_none,
        dist=_none,
        check=_check,
        nonparametric=True,
        declared=False,
        examples=(),
    )
)
