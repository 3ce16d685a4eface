"""A marker and a hazard that share their units' effects: the correlation found again, and kept by copies."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from statsmodels.duration.hazard_regression import PHReg

import bayessynth as bs
from tests.panels import CORRELATION, shared_effects


def spec(shared: bool) -> bs.Spec:
    term = "(1 |p| id)" if shared else "(1 | id)"
    return bs.Spec(
        "treat ~ 1", bs.Equation(f"y ~ start + {term}", family="normal"),
        bs.Survival(f"(start, stop) ~ treat + {term if shared else '1'}", event="d", family="exponential",
                    censoring="~ 1"),
        unit="id", time="start",
    )  # fmt: skip


def of_first(frame: pd.DataFrame) -> float:
    """Log hazard ratio of the marker's first value, from Cox regression with entry."""
    first = frame.groupby("id")["y"].transform("first")
    times = {"status": frame["d"].to_numpy(), "entry": frame["start"].to_numpy()}
    return float(PHReg(frame["stop"].to_numpy(), first.to_numpy()[:, None], **times).fit().params[0])


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    return shared_effects(300)


@pytest.fixture(scope="module")
def fitted(panel: pd.DataFrame) -> bs.Fitted:
    return spec(shared=True).fit(panel, random_seed=1, draws=600, tune=600, progress=False)


def test_it_is_fitted_together_and_drawn_together() -> None:
    fit = spec(shared=True).fit(shared_effects(60), random_seed=1, draws=60, tune=100, chains=2, progress=False)
    assert fitted_together(fit) and "id_p_corr[y: 1, stop: 1]" in fit.summary().index
    copy = fit.synthesize(m=2, random_seed=2, force=True).copies[0]
    assert (copy["start"] == copy.groupby("id")["stop"].shift().fillna(0.0)).all()
    effects = fit.bound.shared[0]
    assert effects.responses == ("y", "stop") and effects.factor == "id"


def fitted_together(fit: bs.Fitted) -> bool:
    return fit.provenance["engine"]["y"] == fit.provenance["engine"]["stop"] == "kernel"


@pytest.mark.slow
def test_the_correlation_is_found_again(fitted: bs.Fitted) -> None:
    assert fitted_together(fitted)
    assert fitted.diagnose().verdict != "fail", fitted.diagnose()
    # Coefficients of accelerated failure have the sign of times: effects that raise the hazard shorten them.
    rho = -fitted.idata["posterior"]["id_p_corr"].values[..., 0, 1]
    low, high = np.quantile(rho, [0.001, 0.999])
    assert 0.1 < low < CORRELATION < high
    table = fitted.summary()[["mean", "sd"]].astype(float)
    for name, value in {"y_1|id_sd": 1.0, "stop_1|id_sd": 0.9, "y_start": 0.1, "stop_treat": 0.5}.items():
        mean, sd = table.loc[name]
        assert abs(mean - value) < 3.5 * sd, name


@pytest.mark.slow
def test_copies_keep_what_the_marker_says_of_the_hazard(fitted: bs.Fitted, panel: pd.DataFrame) -> None:
    copies = list(fitted.synthesize(m=10, random_seed=2, force=True))
    found = [of_first(copy) for copy in copies]
    own = of_first(panel)
    assert own > 0.25 and np.mean(found) == pytest.approx(own, abs=3 * np.std(found))
    assert np.mean(found) > 0.6 * own
    apart = spec(shared=False).fit(panel, random_seed=1, draws=200, chains=2, progress=False)
    assert abs(np.mean([of_first(c) for c in apart.synthesize(m=6, random_seed=2, force=True)])) < 0.4 * own
