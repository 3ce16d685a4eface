"""What a table is: kinds of columns, their detection, declaration and validation, and the codec to arrays."""

from bayessynth.schema.column import KINDS, Column
from bayessynth.schema.columns import Columns
from bayessynth.schema.declare import (
    Binary,
    Categorical,
    Constant,
    Continuous,
    Count,
    Datetime,
    Declaration,
    Group,
    Identifier,
    Ordinal,
    Positive,
    Proportion,
)
from bayessynth.schema.formats import Format
from bayessynth.schema.names import named
from bayessynth.schema.schema import Schema
from bayessynth.schema.validate import check_modelled

__all__ = [
    "KINDS",
    "Binary",
    "Categorical",
    "Column",
    "Columns",
    "Constant",
    "Continuous",
    "Count",
    "Datetime",
    "Declaration",
    "Format",
    "Group",
    "Identifier",
    "Ordinal",
    "Positive",
    "Proportion",
    "Schema",
    "check_modelled",
    "named",
]
