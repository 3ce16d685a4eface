"""Names of dtypes from which the same dtypes are made again."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import pandas as pd

_DECIMAL = re.compile(r"decimal(\d+)\((\d+), (-?\d+)\)\[pyarrow\]")
_DICTIONARY = re.compile(r"dictionary<values=(\w+), indices=(\w+), ordered=([01])>\[pyarrow\]")


def dtype_name(dtype: Any) -> str:
    """Return the name from which :func:`dtype_named` makes the same dtype again.

    >>> dtype_name(pd.StringDtype("python"))
    'string[python]'
    """
    if isinstance(dtype, pd.ArrowDtype) and str(dtype) == "string[pyarrow]":
        return "utf8[pyarrow]"  # pandas gives the other name to a dtype of its own
    python_text = isinstance(dtype, pd.StringDtype) and dtype.storage == "python" and dtype.na_value is pd.NA
    return "string[python]" if python_text else str(dtype)


@lru_cache(maxsize=1024)
def dtype_named(name: str) -> Any:
    """Return the dtype of a name.

    >>> dtype_named("decimal128(5, 2)[pyarrow]")
    decimal128(5, 2)[pyarrow]
    """
    decimal, dictionary = _DECIMAL.fullmatch(name), _DICTIONARY.fullmatch(name)
    if decimal is None and dictionary is None:
        return pd.api.types.pandas_dtype(name)
    import pyarrow as pa  # loaded for such dtypes only

    if decimal is not None:
        make = getattr(pa, f"decimal{decimal[1]}")
        return pd.ArrowDtype(make(int(decimal[2]), int(decimal[3])))
    assert dictionary is not None
    values, indices = (pa.type_for_alias(dictionary[i]) for i in (1, 2))
    return pd.ArrowDtype(pa.dictionary(indices, values, dictionary[3] == "1"))
