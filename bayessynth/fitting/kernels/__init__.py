"""Compiled kernels: the log density of a family's rows, one file a family, and the structure around it.

Each family's ``rows`` has :data:`SIGNATURE`, so that compiled code can take any of them as an argument, by address,
and be cached all the same.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from numba import boolean, float64, int64, void
from numba.core.types import WrapperAddressProtocol
from numba.experimental.function_type import _get_wrapper_address

from bayessynth import families

#: y, trials, eta, constant, links, vector, options, weight, order -> logp, grad, grad_vector, curvature.
SIGNATURE = void(
    float64[::1], float64[::1], float64[:, ::1], boolean[::1], int64[::1], float64[::1], float64[::1], float64[::1],
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
    if family not in _FOUND and family in families.names() and find_spec(name) is not None:
        _FOUND[family] = Rows(import_module(name).rows)
    return _FOUND.get(family)
