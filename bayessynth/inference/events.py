"""Two-valued responses as zeros and ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bayessynth.inference.formula import response_event, response_numbers, split
from bayessynth.inference.regression import Response


def event_response(frames: Sequence[pd.DataFrame], formula: str) -> Response:
    """Return a function from a table to its two-valued response as 0 and 1, NaN where missing.

    Parameters
    ----------
    frames : sequence of DataFrame
        From which the two values are learnt; the event is the last of them in order.
    formula : str
        Its left side names a column, or is an expression that gives 0 and 1.

    Examples
    --------
    >>> frame = pd.DataFrame({"sick": ["no", "yes", None]})
    >>> event_response([frame], "sick ~ 1")(frame).tolist()
    [0.0, 1.0, nan]
    """
    name = split(formula).response
    if name not in frames[0]:
        return lambda frame: response_numbers(frame, name)
    event = response_event(frames, name)

    def response(frame: pd.DataFrame) -> np.ndarray:
        cells = frame[name]
        return np.where(cells.isna(), np.nan, (cells == event).fillna(False).to_numpy(dtype=float))

    return response
