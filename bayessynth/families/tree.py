"""The tree family: a nonparametric conditional, drawn by the Bayesian bootstrap.

Any kind of column given any others, missing cells included. It has no parameters, no priors and no density of its own:
a draw is a tree grown on records with Dirichlet weights (Rubin 1981; Taddy, Chen, Yu & Wyle 2015), and what stands in
its leaves. :mod:`bayessynth.trees` grows and draws.

>>> from bayessynth import families
>>> families.get("tree").nonparametric
True
"""

from __future__ import annotations

from typing import Any, NoReturn

from bayessynth.errors import SpecError
from bayessynth.families.family import Family
from bayessynth.families.registry import register


def _none(*args: Any, **kwargs: Any) -> NoReturn:
    raise SpecError("The family 'tree' has no distribution of its own: a draw of it is a fitted tree.")


def _check(y: Any, column: str, **options: Any) -> None:
    """Any value will do."""


register(
    Family(
        name="tree",
        kinds=frozenset({"binary", "categorical", "ordinal", "continuous", "positive", "proportion", "count",
                         "datetime", "constant"}),
        parameters=(),
        discrete=False,
        sample=_none,
        logp=_none,
        dist=_none,
        check=_check,
        nonparametric=True,
        examples=(),
    )
)  # fmt: skip
