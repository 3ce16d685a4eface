"""Which cells of parametric columns are missing: when that is drawn, and given which columns."""

import json

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.design import Bound, Mask, bind
from bayessynth.errors import MissingRowsWarning, SpecError


def table(n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    site = np.arange(n) // 3
    frame = pd.DataFrame({"site": site, "size": rng.normal(size=n)[site], "area": rng.normal(size=n)[site]})
    for name in ("z", "x", "y", "t"):
        frame[name] = rng.normal(size=n)
    for name in ("x", "y", "t"):
        frame.loc[rng.random(n) < 0.2, name] = np.nan
    frame.loc[frame["site"] < 4, "size"] = np.nan
    return frame


def bound(*equations: str | bs.Equation, missing: str = "model", **options: object) -> Bound:
    return bind(bs.Spec(*equations, rest="drop", **options), table(), missing=missing)[0]


def test_a_mask_comes_after_all_equations_and_reads_what_is_shown_by_then() -> None:
    found = bound("z ~ 1", "x ~ z", "y ~ x")
    assert found.masks == (Mask("x", "row", ("z",), None), Mask("y", "row", ("z", "x"), None))
    assert Bound.from_json(json.loads(json.dumps(found.to_json()))).masks == found.masks


def test_a_mask_comes_before_the_first_tree() -> None:
    found = bound("z ~ 1", "x ~ z", bs.Equation("t ~ x", family="tree"), "y ~ x")
    assert found.masks == (Mask("x", "row", ("z",), "t"), Mask("y", "row", ("z", "x", "t"), None))


def test_a_mask_comes_before_what_reads_a_computed_column() -> None:
    frame = table().assign(double=lambda t: 2 * t["z"])
    frame.loc[:3, "z"] = frame.loc[:3, "double"] = np.nan
    spec = bs.Spec("z ~ 1", "x ~ double", rest="drop", rules=[bs.Derived("double", "2 * z")])
    assert bind(spec, frame, missing="model")[0].masks[0] == Mask("z", "row", (), "x")


def test_columns_of_groups_have_masks_of_their_own_level() -> None:
    found = bound("area ~ 1", "size ~ area", "z ~ 1", "x ~ size + (1 | site)", bs.Equation("t ~ x", family="tree"))
    assert found.masks == (Mask("size", "site", ("area",), None), Mask("x", "row", ("size", "area", "z"), "t"))


def test_there_is_none_where_missing_cells_are_not_modelled() -> None:
    with pytest.warns(MissingRowsWarning):
        assert bound("z ~ 1", "x ~ z", missing="drop").masks == ()


def test_the_name_of_a_mask_is_free() -> None:
    frame = table().rename(columns={"z": "x is missing"})
    with pytest.raises(SpecError, match=r"'x is missing' has the name .* which cells of 'x' are missing has; rename"):
        bind(bs.Spec("x ~ 1", "`x is missing` ~ 1", rest="drop"), frame, missing="model")
