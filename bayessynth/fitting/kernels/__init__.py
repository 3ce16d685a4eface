"""Compiled kernels: the log density of a family's rows, one file a family, and the structure around it.

A family's ``rows`` fills, row by row, the log density with its derivatives in the linear predictors. All have
:data:`SIGNATURE`, so that compiled code can take any of them as an argument, by address, and be cached all the same.

y, beside
    Values, shape (n,), and what stands beside them, (n, C), in the order of the family's ``beside``: numbers of trials;
    of times, whether the event was seen, when the record came in, and the end of an interval. C may be 0 where the
    family has a default for all of it.
eta
    Linear predictors, shape (P, n), of the parameters in their order in the family; of ``categorical`` those of the
    levels after the first.
constant
    Which parameters are the same for all rows, (P,): of those, only ``eta[p, 0]`` is read.
links
    Codes of :data:`bayessynth.fitting.kernels.links.CODES`, (P,); the parameter itself is the inverse link of ``eta``.
vector, options
    Thresholds or weights, (K,); points of ``semicontinuous``, or the code of the link of ``ordinal``.
weight
    What a row counts in ``grad_vector``, or none for 1. All else is left unweighted.
order
    0 asks for ``logp``, 1 for gradients too, 2 for the curvature too. What is not asked for may be overwritten.
logp, grad, grad_vector, curvature
    Filled: log densities (n,) without terms of y and ``beside`` alone; derivatives in ``eta``, (P, n); the sum over
    rows of those in ``vector``, (K,); minus the second derivatives in ``eta[0]``, (n,), of ``categorical`` 0.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from numba import boolean, float64, int64, void
from numba.core.types import WrapperAddressProtocol
from numba.experimental.function_type import _get_wrapper_address

from bayessynth import families

#: y, beside, eta, constant, links, vector, options, weight, order -> logp, grad, grad_vector, curvature.
SIGNATURE = void(
    float64[::1], float64[:, ::1], float64[:, ::1], boolean[::1], int64[::1], float64[::1], float64[::1], float64[::1],
    int64, float64[::1], float64[:, ::1], float64[::1], float64[::1],
)  # fmt: skip


class Rows(WrapperAddressProtocol):
    """A family's kernel: to be called, or to be handed to compiled code, which knows it by its address."""

    def __init__(self, function: Any) -> None:
        self.function = function
        self._address = _get_wrapper_address(function, SIGNATURE)

    def __call__(self, *args: Any) -> None:
        """Fill the results."""
        self.function(*args)

    def __wrapper_address__(self) -> int:
        return self._address

    def signature(self) -> Any:
        """Return the signature."""
        return SIGNATURE


_FOUND: dict[str, Rows] = {}


def get(family: str) -> Rows | None:
    """Return a family's kernel, or None if it has none.

    >>> get("point") is None
    True
    """
    name = f"{__name__}.{family}"
    if family not in _FOUND and families.known(family) and find_spec(name) is not None:
        _FOUND[family] = Rows(import_module(name).rows)
    return _FOUND.get(family)
