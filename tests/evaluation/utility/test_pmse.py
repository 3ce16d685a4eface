"""pMSE: against statsmodels, by hand, and its nulls by simulation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from bayessynth.evaluation.tables import read_tables
from bayessynth.evaluation.utility.design_matrix import independent as independent_columns
from bayessynth.evaluation.utility.design_matrix import main_effects
from bayessynth.evaluation.utility.pmse import column_pmse, nulls, pmse_of
from tests.evaluation.utility.samples import in_groups, independent, measured, related


def test_the_design_has_the_rank_of_all_its_indicators():
    original, copy = related(200, 1), related(150, 2).assign(s=lambda f: f["s"].where(f["x"] > 0, "other"))
    tables = read_tables(original.assign(again=original["s"]), [copy.assign(again=copy["s"])])
    design = main_effects(tables, [tables.original, tables.copies[0]])
    both = pd.concat([original, copy], ignore_index=True)
    full = pd.get_dummies(both[["s", "t"]], dummy_na=True, dtype=float)
    numbers = both[["x", "y", "count"]].fillna(0).assign(gone=both["y"].isna().astype(float))
    rank = np.linalg.matrix_rank(np.column_stack([np.ones(350), full, numbers]))
    assert design.shape == (350, rank - 1)
    assert np.linalg.matrix_rank(np.column_stack([np.ones(350), design])) == rank


def test_scores_are_those_of_a_logistic_regression():
    tables = read_tables(related(300, 1), [related(200, 2)])
    design = main_effects(tables, [tables.original, tables.copies[0]])
    label = np.repeat([0.0, 1.0], [300, 200])
    fitted = sm.Logit(label, sm.add_constant(design)).fit(disp=False).predict()
    assert pmse_of(design, label.astype(int)) == pytest.approx(np.mean((fitted - 0.4) ** 2), rel=1e-4)


def test_one_column_of_levels_by_hand():
    original, copy = pd.DataFrame({"s": list("aaab")}), pd.DataFrame({"s": list("abbb")})
    expected = (4 * (1 / 4 - 1 / 2) ** 2 + 4 * (3 / 4 - 1 / 2) ** 2) / 8
    found = measured("pmse", original, copy)
    assert found["pmse"].value == pytest.approx(expected / nulls(1, 4, 4).independent, rel=1e-4)
    codes = np.array([0, 0, 0, 1]), np.array([0, 1, 1, 1])
    assert column_pmse(*codes) == (pytest.approx(expected), 1)


def test_separated_tables_score_the_share_of_synthetic_rows():
    original, copy = pd.DataFrame({"x": np.arange(30.0)}), pd.DataFrame({"x": np.arange(50.0, 70.0)})
    tables = read_tables(original, [copy])
    design = main_effects(tables, [tables.original, tables.copies[0]])
    assert pmse_of(design, np.repeat([0, 1], [30, 20])) == pytest.approx(0.24, abs=1e-3)


def test_a_matrix_of_nothing_but_constants_keeps_no_column():
    assert independent_columns(np.full((10, 3), 7.0)).shape == (10, 0)
    same = pd.DataFrame({"x": [1.0] * 10})
    assert measured("pmse", same, same) == {}


@pytest.mark.parametrize(
    ("provenance", "names"),
    [(None, ["pmse", "pmse_plug_in"]), ({"proper": True}, ["pmse"]), ({"proper": False}, ["pmse"])],
)
def test_provenance_chooses_the_null_and_foreign_tables_get_both(provenance, names):
    original, copy = related(300, 1), related(600, 2)
    found = measured("pmse", original, copy, provenance=provenance)
    assert list(found) == names
    foreign = measured("pmse", original, copy)
    assert foreign["pmse_plug_in"].value == pytest.approx(foreign["pmse"].value * (1 + 600 / 300))
    of_plug_in = provenance is not None and not provenance["proper"]
    assert found["pmse"].value == foreign["pmse_plug_in" if of_plug_in else "pmse"].value


def test_identical_tables_score_nothing_and_fresh_ones_chance():
    original = related(1000, 1)
    assert measured("pmse", original, original)["pmse"].value == pytest.approx(0, abs=1e-6)
    fresh = measured("pmse", original, [related(1000, s) for s in range(2, 12)])["pmse"]
    low, high = fresh.reference_interval
    assert low < fresh.value < high
    assert fresh.verdict == "pass"


def test_main_effects_do_not_see_lost_relations_but_see_a_shift():
    original = related(1000, 1)
    assert measured("pmse", original, independent(original, 2))["pmse"].verdict == "pass"
    shifted = related(1000, 3).assign(x=lambda f: f["x"] + 1)
    found = measured("pmse", original, shifted)["pmse"]
    assert found.verdict == "fail"
    assert found.detail["column"][0] == "x"


def test_shuffled_labels_agree_with_the_null_of_independent_samples():
    found = measured("pmse", related(2000, 1), related(1000, 2))["pmse"]
    ratio = float(found.notes[-1].split("ratio is ")[1].split()[0])
    error = float(found.notes[-1].split("standard error ")[1].split(",")[0])
    assert ratio == pytest.approx(1, abs=3.5 * error)


def test_groups_raise_the_reference_to_what_samples_of_groups_score():
    original, fresh = in_groups(60, 1, icc=0.5), in_groups(60, 2, icc=0.5, first=1000)
    found = measured("pmse", original, fresh, groups=["site"])["pmse"]
    assert found.reference > 2
    assert found.verdict == "pass"
    assert "whole groups" in found.notes[-1]


def ratios(original: np.ndarray, copy: np.ndarray) -> tuple[float, float]:
    """Return pMSE over its plug-in and over its independent null, of two matrices of numbers."""
    frames = [pd.DataFrame(a).add_prefix("x") for a in (original, copy)]
    tables = read_tables(frames[0], [frames[1]])
    design = main_effects(tables, [tables.original, tables.copies[0]])
    n, k = len(original), len(copy)
    expected = nulls(design.shape[1], n, k)
    score = pmse_of(design, np.repeat([0, 1], [n, k]))
    return score / expected.plug_in, score / expected.independent


def simulated(kind: str, n: int, k: int, rng: np.random.Generator) -> tuple[float, float]:
    """Draw an original of five correlated normals and a copy: a fresh sample, a plug-in copy, a proper copy.

    The posterior of mean and covariance under the prior ∝ |Σ|^{-(p+1)/2} is normal-inverse-Wishart, drawn exactly.
    """
    p = 5
    root = np.linalg.cholesky(0.5 * np.eye(p) + 0.5)
    original = rng.normal(size=(n, p)) @ root.T
    if kind == "fresh":
        return ratios(original, rng.normal(size=(k, p)) @ root.T)
    mean, scatter = original.mean(axis=0), np.cov(original.T) * (n - 1)
    covariance = scatter / n
    if kind == "proper":
        # Wishart(n − 1, S⁻¹) as a sum of outer products; its inverse is the draw of the covariance.
        rows = rng.normal(size=(n - 1, p)) @ np.linalg.cholesky(np.linalg.inv(scatter)).T
        covariance = np.linalg.inv(rows.T @ rows)
        mean = rng.multivariate_normal(mean, covariance / n)
    return ratios(original, rng.multivariate_normal(mean, covariance, size=k))


@pytest.mark.slow
@pytest.mark.parametrize(("n", "k"), [(500, 500), (400, 800)])
@pytest.mark.parametrize(("kind", "null"), [("fresh", 1), ("proper", 1), ("plug_in", 0)])
def test_the_ratio_is_one_with_the_right_null_and_off_by_the_sizes_with_the_other(kind, null, n, k):
    rng = np.random.default_rng(7)
    found = np.array([simulated(kind, n, k, rng) for _ in range(200)]).mean(axis=0)
    assert found[null] == pytest.approx(1, abs=0.15)
    swapped = 1 + k / n if null == 1 else 1 / (1 + k / n)
    assert found[1 - null] == pytest.approx(swapped, rel=0.15)


@pytest.mark.slow
def test_two_hundred_permutations_agree_with_the_null_of_independent_samples():
    tables = read_tables(related(800, 1), [related(800, 2)])
    design = main_effects(tables, [tables.original, tables.copies[0]])
    rng = np.random.default_rng(3)
    label = np.repeat([0, 1], [800, 800])
    scores = np.array([pmse_of(design, rng.permutation(label)) for _ in range(200)])
    expected = nulls(design.shape[1], 800, 800).independent
    assert scores.mean() == pytest.approx(expected, rel=0.1)
    assert scores.std() == pytest.approx(expected * np.sqrt(2 / design.shape[1]), rel=0.2)
