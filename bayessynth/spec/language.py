"""The closed set of functions that a formula may call.

A formula is data: it may come from a file that somebody else wrote. So it can name columns, literals and the
functions listed here, and nothing else; :mod:`bayessynth.design.transforms` holds what each of them computes.
"""

from __future__ import annotations

from collections.abc import Sequence

from bayessynth.errors import FormulaError, suggest

# Function -> names of its arguments after the first, which is always the column or expression it transforms.
FUNCTIONS: dict[str, tuple[str, ...]] = {
    "log": (),
    "log1p": (),
    "exp": (),
    "sqrt": (),
    "scale": (),
    "center": (),
    "poly": ("degree",),
    "bs": ("df", "degree"),
    "cr": ("df",),
    "C": ("reference",),
    "I": (),
    "offset": (),
    "lag": ("k",),
    "first": (),
    "past": (),
    "elapsed": (),
    "number": (),
}
# Those that say something of a sequence: columns of their own, made of the rows before.
SEQUENCE = ("lag", "first", "past", "elapsed", "number")


def check_call(function: str, n_args: int, keywords: Sequence[str], formula: str) -> None:
    """Raise a FormulaError unless the call is one that the formula language has.

    >>> check_call("log", 1, [], "y ~ log(x)")
    """
    if function not in FUNCTIONS:
        raise FormulaError(
            f"Formula {formula!r} calls {function!r}, which is not one of the functions a formula may call: "
            f"{', '.join(FUNCTIONS)}.{suggest(function, FUNCTIONS)} Compute anything else as a column first."
        )
    parameters = FUNCTIONS[function]
    for keyword in keywords:
        if keyword not in parameters:
            allowed = ", ".join(parameters) or "none"
            raise FormulaError(f"Formula {formula!r}: {function}() has no argument {keyword!r}; it takes: {allowed}.")
    if not 1 <= n_args <= 1 + len(parameters):
        raise FormulaError(
            f"Formula {formula!r}: {function}() takes one expression"
            + (f" and then {', '.join(parameters)}" if parameters else "")
            + f", but {n_args} arguments were given."
        )
