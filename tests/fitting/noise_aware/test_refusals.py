"""What has no noise-aware posterior is refused by a message that names the equation, the reason and the way out."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np
import pytest

import bayessynth as bs
from bayessynth.errors import FitError
from bayessynth.fitting.noise_aware import chain, units
from bayessynth.privacy import NoisyMoments
from tests.fitting.noise_aware.releases import UNIT, bound_to, pairs_of

SEX = bs.Binary("f", "m")
BOUNDS = {"x": UNIT, "y": UNIT}


def released(*names: str, groups: tuple[str, ...] = ()) -> NoisyMoments:
    binary = tuple("[" in name for name in names)
    pairs = pairs_of(binary)
    total = np.ones((max(1, len(groups)), len(pairs)))
    return NoisyMoments(names, binary, pairs, total, np.eye(len(pairs)), None, groups)


def spec(*equations: Any) -> bs.Spec:
    return bs.Spec(*equations)


CASES: dict[str, tuple[bs.Spec, dict[str, Any], NoisyMoments, str]] = {
    "family": (
        spec(bs.Equation("x ~ 1", family="student_t")), {}, released("x"),
        r"equation for 'x' cannot be fitted to noisy sums of products: family 'student_t' does not serve a number, .* "
        r"use 'bernoulli' for a 0/1 column and 'normal' for a number",
    ),
    "number for a 0/1 column": (
        spec("sex ~ 1"), {"sex": SEX}, released("sex"), r"'sex' .* family 'bernoulli' does not serve a number",
    ),
    "no column": (spec("x ~ 1", "y ~ x"), {}, released("y"), r"'y' .*: no moments of 'x' were released, on which the"),
    "no equation": (spec("x ~ 1"), {}, released("x", "y"), r"Moments of 'y' were released, but the spec has no"),
    "interaction": (
        spec("sex ~ 1", "x ~ 1", "y ~ x * sex"), {"sex": SEX}, released("sex[m]", "x", "y"),
        r"'y' .*: the term '(x:sex|sex:x)' is of 2 columns; sums of products of pairs say nothing of interactions",
    ),
    "curve": (spec("x ~ 1", "y ~ exp(x)"), {}, released("x", "y"), r"'y' .*: the term 'exp\(x\)' is not a straight"),
    "spline": (spec("x ~ 1", "y ~ bs(x, df=4)"), {}, released("x", "y"), r"the term 'bs\(x, df=4\)' has 4 columns"),
    "0/1 from a number": (
        spec("x ~ 1", "sex ~ x"), {"sex": SEX}, released("sex[m]", "x"),
        r"'sex' .* depends on the number 'x' has no moments in closed form; turn the arrow round, as in 'x ~ sex'",
    ),
    "spread with a formula": (
        spec("x ~ 1", bs.Equation("y ~ x", "sigma ~ x")), {}, released("x", "y"), r"'sigma' has a formula of its own",
    ),
    "link": (
        spec(bs.Equation("sex ~ 1", link="probit")), {"sex": SEX}, released("sex[m]"), r"is 'probit'; use 'logit'",
    ),
    "offset": (spec("x ~ 1", "y ~ offset(x)"), {}, released("x", "y"), r"'y' .*: it has an offset; make it a term"),
    "correlated": (
        spec("x ~ 1", "y ~ x + (1 + x | site)"), {"site": bs.Group()}, released("x", "y", groups=("a", "b")),
        r"the effects of 'site' are correlated; write '\|\|' instead of '\|'",
    ),
    "not by group": (
        spec("x ~ 1", "y ~ x + (1 | site)"), {"site": bs.Group()}, released("x", "y"),
        r"'y' .*: it has effects of 'site', but moments were not released by group",
    ),
    "two factors": (
        spec("x ~ (1 | site)", "y ~ x + (1 | ward)"), {"site": bs.Group(), "ward": bs.Group()},
        released("x", "y", groups=("a", "b")), r"'y' .*: it has effects of 'ward' beside those of 'site'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_it_is_refused(case: str) -> None:
    own, columns, given, message = CASES[case]
    groups = [name for name, column in columns.items() if column.kind == "group"]
    bound = bound_to(own, groups, **{name: c for name, c in columns.items() if name not in groups})
    with pytest.raises(FitError, match=message):
        chain(bound, given, BOUNDS)


def test_a_column_of_groups_is_refused() -> None:
    bound = bound_to(spec("x ~ 1", "y ~ x + (1 | site)"), ("site",))
    equations = tuple(replace(e, level="site") if e.response == "x" else e for e in bound.equations)
    with pytest.raises(FitError, match=r"'x' .*: its column has one value a group of 'site'; moments are of rows"):
        chain(replace(bound, equations=equations), released("x", "y", groups=("a", "b")), BOUNDS)


def test_too_many_cells_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("bayessynth.fitting.noise_aware.chain"), "MOST_CELLS", 1)
    with pytest.raises(FitError, match="2 combinations of 0/1 columns are more than 1"):
        chain(bound_to(spec("sex ~ 1"), sex=SEX), released("sex[m]"), {})


@pytest.mark.parametrize("bounds", [{}, {"x": (1.0, 1.0)}, {"x": (0.0, np.inf)}])
def test_bounds_are_needed(bounds: units.Bounds) -> None:
    with pytest.raises(FitError, match=r"Column 'x'(:| has no public) bounds"):
        chain(bound_to(spec("x ~ 1")), released("x"), bounds)


def test_equations_of_other_columns_are_left_to_other_releases() -> None:
    made = chain(bound_to(spec("x ~ 1", "y ~ x")), released("x"), BOUNDS)
    assert [part.column.name for part in made.parts] == ["x"]


def test_straight_terms_are_taken() -> None:
    """A shifted, scaled or recoded column is as good as the column itself."""
    made = chain(bound_to(spec("sex ~ 1", "x ~ sex", "y ~ I(2 * x + 1) + sex"), sex=SEX), released("sex[f]", "x", "y"),
                 BOUNDS)  # fmt: skip
    sex, x, y = made.parts
    assert [(i.column, i.middle, i.half) for i in x.lines] == [(1, 0.5, -0.5)]  # sex[m] falls as sex[f] rises
    assert [(i.column, i.middle, i.half) for i in y.lines] == [(2, 1.0, 2.0), (1, 0.5, -0.5)]
    assert (sex.column.half, sex.column.place) == (-0.5, 1)
