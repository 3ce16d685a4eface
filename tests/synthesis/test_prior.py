"""The prior predictive: from a table, from a schema alone, and against PyMC's own prior draws."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pymc as pm
import pytensor
import pytest
from scipy import stats

import bayessynth as bs
from bayessynth.design import bind, component
from bayessynth.errors import DisclosureWarning, SynthesisError
from bayessynth.graph import build
from bayessynth.synthesis.prior import prior_draws
from tests import clinics
from tests.graph.evaluate import FLAGS, MODE
from tests.graph.tables import predictors

DRAWS = 400
EQUATIONS = {
    "normal": bs.Equation("y ~ x * z + (1 + x + w | site)", "sigma ~ x + (1 | rater)", family="normal"),
    "ordinal": bs.Equation("level ~ x + z + (1 | site)", family="ordinal"),
    "categorical": bs.Equation("level ~ x + (1 + x || site)", family="categorical"),
    "semicontinuous": bs.Equation("y ~ x", family="semicontinuous", points=(0, 1)),
    "negative_binomial": bs.Equation("count ~ 0 + z + (1 | site)", family="negative_binomial",
                                     priors={"alpha": bs.Prior("Gamma", mu=2, sigma=1)}),
}  # fmt: skip


def table() -> pd.DataFrame:
    rng, frame = np.random.default_rng(3), predictors()
    n = len(frame)
    level = pd.Categorical(np.array(["I", "II", "III", "IV"])[rng.integers(0, 4, n)], ordered=True)
    y = np.where(rng.random(n) < 0.4, rng.integers(0, 2, n), rng.lognormal(size=n))
    return frame.assign(level=level, y=y, count=rng.poisson(4, n))


@pytest.mark.parametrize("name", EQUATIONS)
def test_prior_draws_are_the_graph_s(name: str) -> None:
    """Every reported parameter has the distribution that PyMC draws it from (Kolmogorov and Smirnov's test)."""
    column = EQUATIONS[name].response
    bound, data = bind(bs.Spec(EQUATIONS[name], rest="keep"), table())
    ours = prior_draws(bound, DRAWS, np.random.default_rng(1))
    model = build(component(bound, data, column))
    with pytensor.config.change_flags(**FLAGS):
        variables = [model[key] for key in ours]
        theirs = pm.draw(variables, DRAWS, random_seed=1, mode=MODE)
    assert len(ours) >= 3
    for key, drawn in zip(ours, theirs, strict=True):
        mine = ours[key][0]
        assert mine.shape == drawn.shape, key
        flat = drawn.reshape(DRAWS, -1)
        for j in range(flat.shape[1]):
            if np.ptp(flat[:, j]) > 1e-9:  # the diagonal of a correlation matrix is 1
                found = stats.ks_2samp(mine.reshape(DRAWS, -1)[:, j], flat[:, j])
                assert found.pvalue > 1e-5, (key, j)


def test_effects_of_new_groups_are_the_graph_s() -> None:
    """Effects and their slopes, drawn anew for the observed number of groups, against PyMC's."""
    from bayessynth.design import new_effects

    bound, data = bind(bs.Spec(EQUATIONS["normal"], rest="keep"), table())
    flat, rng = prior_draws(bound, DRAWS, np.random.default_rng(1)), np.random.default_rng(2)
    mine = np.stack(
        [new_effects(bound["y"], {k: v[0, i] for k, v in flat.items()}, {"site": 9, "rater": 5}, rng)["mu", 0][0]
         for i in range(DRAWS)]
    )  # fmt: skip
    model = build(component(bound, data, "y"))
    with pytensor.config.change_flags(**FLAGS):
        theirs = pm.draw([model["y_1|site"], model["y_x|site"]], DRAWS, random_seed=3, mode=MODE)
    for j, drawn in enumerate(theirs):
        assert stats.ks_2samp(mine[:, j], drawn[:, 0]).pvalue > 1e-5
    products = mine[:, 0] * mine[:, 1], theirs[0][:, 0] * theirs[1][:, 0]
    assert stats.ks_2samp(*products).pvalue > 1e-5


def test_from_a_table(clinic_table: pd.DataFrame) -> None:
    syn = clinics.spec().synthesize_prior(clinic_table, m=3, k=200, random_seed=1)
    for copy in syn:
        assert len(copy) == 200 and copy.dtypes.to_dict() == clinic_table.dtypes.to_dict()
        assert (copy.groupby("site")["beds"].nunique() == 1).all()
        assert set(copy["site"]).isdisjoint(clinic_table["site"])
    assert syn.provenance["verdict"] == "prior"
    assert syn.provenance["fit"] == {"engine": "prior predictive"}
    again = clinics.spec().synthesize_prior(clinic_table, m=3, k=200, random_seed=1)
    assert all(a.equals(b) for a, b in zip(syn, again, strict=True))
    assert len(clinics.spec().synthesize_prior(clinic_table, m=1, random_seed=1)[0]) == len(clinic_table)


def test_from_a_schema_alone() -> None:
    schema = bs.Schema(
        site=bs.Group(), age=bs.Count(bounds=(0, 110)), sex=bs.Binary("f", "m"), cost=bs.Positive(scale=100),
        stage=bs.Ordinal("I", "II", "III"), kind=bs.Categorical("a", "b", "c"), share=bs.Proportion(),
        day=bs.Datetime(bounds=(18262, 18627), unit="D"), year=bs.Constant(2024),
    )  # fmt: skip
    spec = bs.Spec(
        "age ~ 1", "sex ~ age", "cost ~ sex + (1 | site)", "stage ~ age + (1 | site)", "kind ~ sex",
        "share ~ stage", "day ~ 1", "year ~ 1",
    )  # fmt: skip
    syn = spec.synthesize_prior(schema, m=3, k=150, n=400, random_seed=1)
    for copy in syn:
        assert list(copy) == list(schema) and len(copy) == 150
        assert copy["site"].nunique() > 2 and copy["site"].dtype == "int64"
        assert set(copy["sex"]) <= {"f", "m"} and copy["stage"].cat.ordered
        assert copy["share"].between(0, 1).all() and (copy["cost"] > 0).all() and (copy["age"] >= 0).all()
        assert (copy["year"] == 2024).all()
    assert len(spec.synthesize_prior(schema, m=1, random_seed=1)[0]) == 1000


def test_nested_groups_from_a_schema_alone() -> None:
    schema = bs.Schema(school=bs.Group(), klass=bs.Group(), y=bs.Continuous(scale=1))
    copy = bs.Spec("y ~ (1 | school / klass)").synthesize_prior(schema, m=1, k=80, random_seed=1)[0]
    assert len(copy) == 80 and set(copy) == {"school", "klass", "y"}


def test_kept_columns_with_new_effects(clinic_table: pd.DataFrame) -> None:
    """Before a fit there are no effects of observed groups: they are drawn, for the original's groups."""
    spec = bs.Spec("visits ~ female + (1 | site)", rest="keep")
    with pytest.warns(DisclosureWarning):
        syn = spec.synthesize_prior(clinic_table, m=2, random_seed=1)
    kept = ["site", "beds", "female", "dose", "pressure"]
    pd.testing.assert_frame_equal(syn[0][kept], clinic_table[kept])
    assert syn.provenance["synthesis"] == "partially"


@pytest.mark.parametrize(("options", "message"), [({"m": 0}, "m=0"), ({"k": -1}, "k=-1"), ({"n": 0}, "n=0")])
def test_bad_arguments(options: dict, message: str) -> None:
    schema = bs.Schema(age=bs.Continuous(bounds=(0, 110)))
    with pytest.raises(SynthesisError, match=f"{message} must be a whole number above zero"):
        bs.Spec("age ~ 1").synthesize_prior(schema, **options)
