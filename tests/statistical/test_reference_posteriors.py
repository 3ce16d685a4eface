"""Posteriors on real data against REML, maximum likelihood and published coefficients.

Fixed effects lie within a quarter of a standard error of the reference, variance components of the reference inside
the posterior's central 80 %. The references are in ``reference_results.json`` beside the data (statsmodels), or
computed here by an independent method.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from numpy.polynomial.hermite_e import hermegauss
from scipy import optimize, special

import bayessynth as bs

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Case:
    """One published model."""

    file: str
    reference: str
    equation: str
    coefficients: dict[str, str]
    components: dict[str, float]
    drop: tuple[str, ...] = ()
    schema: dict[str, str] = field(default_factory=dict)


CASES = {
    "radon": Case("radon_mn", "radon_mn", "log.radon ~ basement + uranium + (1 | county)",
                  {"Intercept": "Intercept", "basement": "basement", "uranium": "uranium"},
                  {"1|county_sd": 0.1564, "sigma": 0.7584}),
    "radon without uranium": Case("radon_mn", "radon_mn no uranium", "log.radon ~ basement + (1 | county)",
                                  {"Intercept": "Intercept", "basement": "basement"},
                                  {"1|county_sd": 0.1077**0.5, "sigma": 0.5709**0.5}),
    "exam": Case("exam_london", "exam", "normexam ~ standLRT + (1 | school)",
                 {"Intercept": "Intercept", "standLRT": "standLRT"},
                 {"1|school_sd": 0.0938**0.5, "sigma": 0.5659**0.5}),
    "hsb82": Case("hsb82", "hsb82", "mAch ~ meanses + cses + (1 | school)",
                  {"Intercept": "Intercept", "meanses": "meanses", "cses": "cses"},
                  {"1|school_sd": 2.6928**0.5, "sigma": 37.019**0.5}),
    "hsb82 null": Case("hsb82", "hsb82 null", "mAch ~ 1 + (1 | school)", {"Intercept": "Intercept"},
                       {"1|school_sd": 8.6148**0.5, "sigma": 39.1483**0.5}),
    "sleepstudy": Case("sleepstudy", "sleepstudy", "Reaction ~ Days + (1 + Days | Subject)",
                       {"Intercept": "Intercept", "Days": "Days"},
                       {"1|Subject_sd": 612.0965**0.5, "Days|Subject_sd": 35.0716**0.5, "sigma": 654.9405**0.5}),
    "penicillin": Case("penicillin", "penicillin(crossed)", "diameter ~ 1 + (1 | plate) + (1 | sample)",
                       {"Intercept": "Intercept"},
                       {"1|plate_sd": 0.7168**0.5, "1|sample_sd": 3.7314**0.5, "sigma": 0.3024**0.5}),
}  # fmt: skip


def fit_one(frame: pd.DataFrame, equation: str | bs.Equation, **options: object) -> bs.Fitted:
    """Fit one equation, its predictors kept as they are."""
    spec = bs.Spec(equation, rest="keep")
    column = spec.equations[0]
    names = [column.response, *column.columns, *(c for f in column.factors for c in f)]
    return spec.fit(frame[list(dict.fromkeys(names))], random_seed=1, progress=False, draws=2000, **options)


def draws(fitted: bs.Fitted, name: str) -> np.ndarray:
    return fitted.idata["posterior"][name].values.ravel()


@pytest.fixture(scope="module")
def references(shared_data: Path) -> dict[str, dict]:
    return json.loads((shared_data / "reference_results.json").read_text())


@pytest.mark.parametrize("name", CASES)
def test_linear_mixed_models_match_reml(name: str, shared_data: Path, references: dict[str, dict]) -> None:
    case = CASES[name]
    frame = pd.read_csv(shared_data / f"{case.file}.csv.gz")
    fitted = fit_one(frame, bs.Equation(case.equation, family="normal"))
    assert fitted.diagnose().verdict == "pass", fitted.diagnose()
    column = fitted.spec.columns[0]
    effects = references[case.reference]["fe"]
    for ours, theirs in case.coefficients.items():
        estimate, error = effects[theirs]
        assert abs(draws(fitted, f"{column}_{ours}").mean() - estimate) < 0.25 * error, ours
    for component, value in case.components.items():
        low, high = np.quantile(draws(fitted, f"{column}_{component}"), [0.1, 0.9])
        assert low < value < high, (component, low, value, high)


def test_multilevel_logistic_matches_maximum_likelihood(shared_data: Path) -> None:
    """Contraception in Bangladesh; the reference integrates district effects by Gauss-Hermite quadrature."""
    frame = pd.read_csv(shared_data / "contraception.csv.gz")
    fitted = fit_one(frame, "use ~ age + I(age**2) + urban + livch + (1 | district)")
    assert fitted.diagnose().verdict == "pass", fitted.diagnose()
    design = np.column_stack([
        np.ones(len(frame)), frame["age"], frame["age"] ** 2, frame["urban"] == "Y",
        *(frame["livch"] == level for level in ("1", "2", "3+")),
    ]).astype(float)  # fmt: skip
    y = (frame["use"] == "Y").to_numpy()
    district = pd.factorize(frame["district"])[0]
    nodes, weights = hermegauss(25)

    def negative_log_likelihood(theta: np.ndarray) -> float:
        eta = (design @ theta[:-1])[:, None] + np.exp(theta[-1]) * nodes
        log_p = -np.logaddexp(0, np.where(y[:, None], -eta, eta))
        by_district = np.zeros((district.max() + 1, len(nodes)))
        np.add.at(by_district, district, log_p)
        return -float(special.logsumexp(by_district, b=weights / weights.sum(), axis=1).sum())

    start = np.r_[np.zeros(design.shape[1]), np.log(0.5)]
    scale = np.r_[1 / np.maximum(design.std(axis=0), 1e-9), 1.0]
    scale[0] = 1.0
    found = optimize.minimize(lambda t: negative_log_likelihood(t * scale), start / scale, method="BFGS")
    theta, errors = found.x * scale, np.sqrt(np.diag(found.hess_inv)) * scale
    # Bates' lme4 book has .6973 for urban and .4752 for the districts' standard deviation.
    assert abs(theta[3] - 0.6973) < 0.01 and abs(np.exp(theta[-1]) - 0.475) < 0.01
    posterior = fitted.idata["posterior"]
    ours = [draws(fitted, "use_Intercept").mean(), draws(fitted, "use_age").mean(),
            draws(fitted, "use_I(age ** 2)").mean(), posterior["use_urban"].mean().item(),
            *posterior["use_livch"].mean(("chain", "draw")).values]  # fmt: skip
    for mean, estimate, error in zip(ours, theta[:-1], errors[:-1], strict=True):
        assert abs(mean - estimate) < 0.25 * error
    low, high = np.quantile(draws(fitted, "use_1|district_sd"), [0.1, 0.9])
    assert low < np.exp(theta[-1]) < high


def test_negative_binomial_matches_maximum_likelihood(shared_data: Path, references: dict[str, dict]) -> None:
    """Visits of the elderly (NMES 1988), against statsmodels and the coefficients of Zeileis et al. (2008)."""
    frame = pd.read_csv(shared_data / "nmes1988.csv.gz")
    columns = next(c for c in frame if c.startswith("visits") or c == "n")
    equation = f"{columns} ~ hospital + C(health, 'average') + chronic + gender + school + insurance"
    fitted = fit_one(frame, bs.Equation(equation, family="negative_binomial"))
    assert fitted.diagnose().verdict == "pass", fitted.diagnose()
    formula = f"{columns} ~ hospital + C(health, Treatment('average')) + chronic + gender + school + insurance"
    reference = smf.negativebinomial(formula, frame).fit(disp=0)
    published = references["nmes1988"]["coef"]
    assert abs(reference.params["hospital"] - published["hospital"]) < 1e-3
    posterior = fitted.idata["posterior"].mean(("chain", "draw"))
    pairs = {"Intercept": "Intercept", "hospital": "hospital", "chronic": "chronic", "school": "school",
             "gender": "gender[T.male]", "insurance": "insurance[T.yes]"}  # fmt: skip
    for ours, theirs in pairs.items():
        error = abs(posterior[f"{columns}_{ours}"].values.item() - reference.params[theirs])
        assert error < 0.25 * reference.bse[theirs], ours
    low, high = np.quantile(1 / draws(fitted, f"{columns}_alpha"), [0.1, 0.9])
    assert low < published["alpha"] < high
