"""A log density as a C function that needs no Python, so that chains share no lock.

A sampler calls it with an address. Behind it lie the family's kernel and all arrays, as Numba itself holds them, so
that one compiled function, cached like any other, serves every density.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import boolean, carray, float64, int64, njit, types, void
from numba.core import cgutils
from numba.experimental.function_type import _get_wrapper_address
from numba.extending import intrinsic

from bayessynth.fitting.kernels import SIGNATURE, Rows, chunks
from bayessynth.fitting.kernels.tables import Tables
from bayessynth.fitting.kernels.vectors import Vectors

_NUMBERS, _TABLE, _CODES, _CODE_TABLE = float64[::1], float64[:, ::1], int64[::1], int64[:, ::1]
_TYPES = {
    "code": _CODES, "arguments": _TABLE, "transform": _CODES, "bounds": _TABLE, "predictors": _CODE_TABLE,
    "terms": _CODE_TABLE, "matrix": _TABLE, "offsets": _TABLE, "group_of": _CODE_TABLE, "columns": _TABLE,
    "columns_of": _CODES, "around": _NUMBERS, "shapes": _NUMBERS, "scalars": _CODE_TABLE, "categories": _CODES,
    "widest": _CODES, "y": _NUMBERS, "beside": _TABLE, "constant": boolean[::1], "links": _CODES,
    "options": _NUMBERS, "weights": _NUMBERS, "before": _CODES, "power": _NUMBERS, "known": _NUMBERS, "rho": _CODES,
}  # fmt: skip


class Data(NamedTuple):
    """All that a log density reads."""

    tables: Tables
    vectors: Vectors
    rows: Rows


_DATA = types.NamedTuple(
    [
        types.NamedTuple([_TYPES[name] for name in Tables._fields], Tables),
        types.NamedTuple([_CODE_TABLE, _NUMBERS], Vectors),
        types.FunctionType(SIGNATURE),
    ],
    Data,
)
#: Number of parameters, parameters, gradient, log density, address of the data -> 0, or a number that says why not.
LOG_DENSITY = int64(types.uint64, types.CPointer(float64), types.CPointer(float64), types.CPointer(float64),
                    types.voidptr)  # fmt: skip
#: Number of parameters, number of values, parameters, values, address of the data -> 0.
EXPAND = int64(types.uint64, types.uint64, types.CPointer(float64), types.CPointer(float64), types.voidptr)
# What a sampler is told where a point has no finite gradient, or no finite log density: it may go on from elsewhere.
NO_GRADIENT, NO_DENSITY = 3, 4


class Handed:
    """A log density in memory of its own, as :func:`log_density` is handed it.

    Parameters
    ----------
    data : Data

    Attributes
    ----------
    data : Data
    address : int
        Valid as long as the object lives.
    """

    def __init__(self, data: Data) -> None:
        self.data = data
        self._memory = np.zeros(_size(data), dtype=np.uint8)
        self.address: int = self._memory.ctypes.data
        _hold(data, self.address)


def addresses() -> tuple[int, int]:
    """Return the addresses of :func:`log_density` and :func:`expand` as C functions."""
    return _get_wrapper_address(log_density, LOG_DENSITY), _get_wrapper_address(expand, EXPAND)


@njit(cache=True, nogil=True, error_model="numpy")
def log_density(d, theta, grad, value, address):
    """Fill log density and gradient (:data:`LOG_DENSITY`)."""
    data: Any = _held(address)
    slope = carray(grad, (d,))
    total = chunks.gradient(data.rows, data.tables, data.vectors, carray(theta, (d,)), slope)
    if not np.isfinite(total):
        return NO_DENSITY
    value[0] = total
    for i in range(slope.shape[0]):
        if not np.isfinite(slope[i]):
            return NO_GRADIENT
    return 0


@njit(cache=True, nogil=True, error_model="numpy")
def expand(d, count, theta, values, address):
    """Fill a draw's values: the parameters as they are (:data:`EXPAND`)."""
    for i in range(d):
        values[i] = theta[i]
    return 0


@intrinsic
def _held(typing: Any, address: Any) -> Any:
    """Read the data from an address."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = builder.bitcast(args[0], context.get_data_type(_DATA).as_pointer())
        return context.unpack_value(builder, _DATA, place)

    return _DATA(types.voidptr), generate


@intrinsic
def held(typing: Any, address: Any) -> Any:
    """Read the data from an address that is a whole number."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = builder.inttoptr(args[0], context.get_data_type(_DATA).as_pointer())
        return context.unpack_value(builder, _DATA, place)

    return _DATA(types.int64), generate


@intrinsic
def _put(typing: Any, data: Any, address: Any) -> Any:
    """Write the data to an address."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = builder.inttoptr(args[1], context.get_data_type(_DATA).as_pointer())
        context.pack_value(builder, _DATA, _unowned(context, builder, _DATA, args[0]), place)
        return context.get_dummy_value()

    return void(_DATA, int64), generate


def _unowned(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """Take out of all arrays who owns their memory: threads would wait for each other to count references to it."""
    if isinstance(kind, types.Array):
        array = context.make_array(kind)(context, builder, value=value)
        for owner in ("meminfo", "parent"):
            setattr(array, owner, cgutils.get_null_value(getattr(array, owner).type))
        return array._getvalue()
    if isinstance(kind, types.NamedTuple):
        for i, part in enumerate(kind.types):
            inner = _unowned(context, builder, part, builder.extract_value(value, i))
            value = builder.insert_value(value, inner, i)
    return value


@intrinsic
def _bytes(typing: Any, data: Any) -> Any:
    """Return how much memory the data take, the arrays themselves left out."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return context.get_constant(types.int64, context.get_abi_sizeof(context.get_data_type(_DATA)))

    return int64(_DATA), generate


@njit(cache=True)
def _size(data):
    return _bytes(data)


@njit(cache=True)
def _hold(data, address):
    _put(data, address)
