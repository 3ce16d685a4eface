"""Missing cells given parameters, against their exact distribution."""

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

import bayessynth as bs
from bayessynth import families
from bayessynth.errors import FitError
from bayessynth.imputation import Gaps, redraw, start
from tests.imputation.tables import found

# Rows that are all alike, so that their cells are as many independent draws.
N = 4000
SWEEPS = 12


def alike(spec: bs.Spec, x: object, schema: bs.Schema | None = None, **others: object) -> Gaps:
    """Return rows with x observed, from which equations are bound, before N rows alike that miss it."""
    rng = np.random.default_rng(0)
    seen = np.asarray(x)
    table = pd.DataFrame({"x": np.concatenate([seen.astype(object), np.full(N, None)])})
    for name, value in others.items():
        noise = rng.normal(size=len(seen)).round(3) if isinstance(value, float) else rng.integers(0, 2, len(seen))
        table[name] = np.concatenate([noise, np.full(N, value)])
    return found(spec, table.infer_objects(), schema)


def drawn(gaps: Gaps, values: dict, sweeps: int = SWEEPS, seed: int = 1, column: str = "x") -> np.ndarray:
    rng = np.random.default_rng(seed)
    arrays = start(gaps, rng)
    for _ in range(sweeps):
        arrays = redraw(gaps, values, arrays, rng)
    gap = next(g for g in gaps.gaps if g.column == column)
    return arrays[column][gap.at]


def scalars(**values: object) -> dict[str, np.ndarray]:
    return {name: np.asarray(value, dtype=float) for name, value in values.items()}


Y = scalars(y_Intercept=0.5, y_x=0.8, y_sigma=0.7)


def test_a_normal_predictor_has_its_conditional_normal_distribution():
    seen = np.random.default_rng(1).normal(size=50).round(3)
    gaps = alike(bs.Spec("z ~ 1", "x ~ z", "y ~ x + z"), seen, z=1.0, y=3.0)
    values = {
        "x": scalars(x_Intercept=0.2, x_z=0.5, x_sigma=1.5),
        "y": scalars(y_Intercept=0.5, y_x=0.8, y_z=-1.0, y_sigma=0.3),
    }
    x = drawn(gaps, values)
    precision = 1 / 1.5**2 + 0.8**2 / 0.3**2
    mean = (0.7 / 1.5**2 + 0.8 * (3.0 - 0.5 + 1.0) / 0.3**2) / precision
    assert stats.kstest(x, stats.norm(mean, precision**-0.5).cdf).pvalue > 1e-4


def test_sweeps_are_as_good_as_independent_after_a_few():
    seen = np.random.default_rng(1).normal(size=50).round(3)
    gaps = alike(bs.Spec("x ~ 1", "y ~ x"), seen, y=3.0)
    values, rng = {"x": scalars(x_Intercept=0.0, x_sigma=1.0), "y": Y}, np.random.default_rng(2)
    arrays = start(gaps, rng)
    for _ in range(SWEEPS):
        arrays = redraw(gaps, values, arrays, rng)
    then = redraw(gaps, values, arrays, rng)
    assert np.corrcoef(arrays["x"][50:], then["x"][50:])[0, 1] < 0.35


NUMBERS = {
    "normal": scalars(x_Intercept=0.3, x_sigma=1.2),
    "student_t": scalars(x_Intercept=0.3, x_sigma=1.2, x_nu=4.0),
    "lognormal": scalars(x_Intercept=0.3, x_sigma=0.6),
    "gamma": scalars(x_Intercept=0.3, x_alpha=2.0),
    "beta": scalars(x_Intercept=0.3, x_kappa=5.0),
    "poisson": scalars(x_Intercept=0.9),
    "negative_binomial": scalars(x_Intercept=0.9, x_alpha=1.5),
    "zero_inflated_poisson": scalars(x_Intercept=1.2, x_psi=0.6),
    "hurdle_poisson": scalars(x_Intercept=1.2, x_psi=0.6),
    "semicontinuous": scalars(x_Intercept=0.3, x_sigma=0.6, x_psi=0.5),
}
SEEN = {
    "beta": np.random.default_rng(1).uniform(0.05, 0.95, 60).round(3),
    "semicontinuous": np.where(np.arange(60) % 2, np.random.default_rng(1).gamma(2, 1, 60).round(3) + 0.01, 0.0),
}


@pytest.mark.parametrize("family", NUMBERS)
def test_numbers_of_every_shape_have_their_exact_distribution(family):
    discrete = families.get(family).discrete
    default = np.random.default_rng(1).poisson(2, 60) if discrete else np.random.default_rng(1).gamma(2, 1, 60).round(3)
    spec = bs.Spec(bs.Equation("x ~ 1", family=family), bs.Equation("y ~ x", family="normal"))
    gaps = alike(spec, SEEN.get(family, default), y=1.9)
    equation, own = gaps.bound["x"], NUMBERS[family]
    x = drawn(gaps, {"x": own, "y": Y})
    expected = {p.name: own[f"x_{p.name}"] for p in families.get(family).parameters[1:]}
    parent = families.get(family).parameters[0].name
    expected[parent] = families.inverse(equation.links[parent], own["x_Intercept"])

    def density(at: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return np.exp(families.get(family).logp(at, **expected)) * stats.norm.pdf(1.9, 0.5 + 0.8 * at, 0.7)

    if discrete:
        at, step, mass = np.arange(40.0), 1.0, 0.0
    else:
        at = np.linspace(-12, 14, 260_000) + 1e-7
        step, mass = at[1] - at[0], density(np.zeros(1))[0] if family == "semicontinuous" else 0.0
    weights = np.nan_to_num(density(at)) * step
    total = weights.sum() + mass
    cut = np.array([-0.5, 0.0, 0.4, 0.8, 1.3, 2.0, 3.0])
    exact = np.array([(weights[at <= c].sum() + mass * (c >= 0)) / total for c in cut])
    seen = np.array([(x <= c).mean() for c in cut])
    assert np.abs(seen - exact).max() < 4.0 * np.sqrt(0.25 / N)


def test_a_family_without_parameters_is_drawn_too():
    seen = np.random.default_rng(1).uniform(0.1, 3.9, 60).round(3)
    spec = bs.Spec(bs.Equation("x ~ 1", family="uniform"), bs.Equation("y ~ x", family="normal"))
    schema = bs.Schema.detect(pd.DataFrame({"x": seen, "y": seen - 2.0})).override(x=bs.Continuous(bounds=(0.0, 4.0)))
    gaps = alike(spec, seen, schema, y=3.5)
    assert gaps.sampled == ("y",)
    mean, sd = (3.5 - 0.5) / 0.8, 0.7 / 0.8
    exact = stats.truncnorm(-mean / sd, (4.0 - mean) / sd, mean, sd)
    assert stats.kstest(drawn(gaps, {"y": Y}), exact.cdf).pvalue > 1e-4


def test_successes_have_their_row_s_number_of_trials():
    rng = np.random.default_rng(1)
    trials = np.array([3.0, 4.0, 5.0, 6.0])[np.arange(60 + N) % 4]
    k = np.where(np.arange(60 + N) < 60, rng.binomial(trials.astype(int), 0.5), np.nan)
    table = pd.DataFrame({"trials": trials, "k": k, "y": np.where(np.arange(60 + N) < 60, k - 2.0, 1.5)})
    spec = bs.Spec("trials ~ 1", bs.Equation("k ~ 1", family="binomial", trials="trials"), "y ~ k")
    gaps = found(spec, table)
    values = {"k": scalars(k_Intercept=0.3), "y": scalars(y_Intercept=-1.0, y_k=1.0, y_sigma=1.2)}
    made, at = drawn(gaps, values, column="k"), gaps.gaps[0].at
    for number in (3, 6):
        levels = np.arange(number + 1)
        weights = stats.binom.pmf(levels, number, special.expit(0.3)) * stats.norm.pdf(1.5, levels - 1.0, 1.2)
        shares = np.bincount(made[trials[at] == number].astype(int), minlength=number + 1) / (N / 4)
        assert np.abs(shares - weights / weights.sum()).max() < 4 * np.sqrt(0.25 / (N / 4))


def test_a_binary_predictor_has_its_exact_share():
    gaps = alike(bs.Spec("x ~ 1", bs.Equation("y ~ x", family="normal")), np.arange(50) % 2, y=1.9)
    share = drawn(gaps, {"x": scalars(x_Intercept=-0.4), "y": Y}, sweeps=1).mean()
    odds = np.exp(-0.4 + stats.norm.logpdf(1.9, 1.3, 0.7) - stats.norm.logpdf(1.9, 0.5, 0.7))
    assert share == pytest.approx(odds / (1 + odds), abs=4 * np.sqrt(0.25 / N))


@pytest.mark.parametrize("family", ["categorical", "ordinal"])
def test_levels_have_their_exact_shares(family):
    seen = np.array(["a", "b", "c"])[np.arange(60) % 3]
    equation = bs.Equation("x ~ 1", family=family)
    schema = bs.Schema.detect(pd.DataFrame({"x": seen, "y": np.arange(60) - 9.5})).override(
        x=bs.Ordinal("a", "b", "c") if family == "ordinal" else "categorical"
    )
    gaps = alike(bs.Spec(equation, bs.Equation("y ~ x", family="normal")), seen, schema, y=1.9)
    own = scalars(x_Intercept=[0.4, -0.3]) if family == "categorical" else scalars(x_thresholds=[-0.5, 1.0])
    given = {"mu": [0.4, -0.3]} if family == "categorical" else {"mu": 0.0, "thresholds": np.array([-0.5, 1.0])}
    values = {"x": own, "y": scalars(y_Intercept=0.5, y_x=[1.0, 2.0], y_sigma=0.7)}
    codes = drawn(gaps, values, sweeps=1)
    weights = np.exp(families.get(family).logp(np.arange(3), **given)) * stats.norm.pdf(1.9, [0.5, 1.5, 2.5], 0.7)
    seen_shares = np.bincount(codes, minlength=3) / N
    assert np.abs(seen_shares - weights / weights.sum()).max() < 4 * np.sqrt(0.25 / N)


def test_two_missing_cells_of_a_row_have_their_joint_distribution():
    rng = np.random.default_rng(1)
    seen = rng.normal(size=(50, 2)).round(3)
    gone = [None] * N
    table = pd.DataFrame({"w": [*seen[:, 0], *gone], "x": [*seen[:, 1], *gone], "y": [*seen[:, 0], *[2.0] * N]})
    gaps = found(bs.Spec("w ~ 1", "x ~ w", "y ~ w + x"), table.astype(float))
    values = {
        "w": scalars(w_Intercept=0.0, w_sigma=1.0),
        "x": scalars(x_Intercept=0.0, x_w=0.6, x_sigma=0.8),
        "y": scalars(y_Intercept=0.0, y_w=0.5, y_x=1.0, y_sigma=0.5),
    }  # fmt: skip
    joint = np.array([[1.0, 0.6], [0.6, 1.0]])
    loading = np.array([0.5, 1.0])
    gain = joint @ loading / (loading @ joint @ loading + 0.25)
    mean, covariance = gain * 2.0, joint - np.outer(gain, loading @ joint)
    rng = np.random.default_rng(4)
    arrays = start(gaps, rng)
    for _ in range(30):
        arrays = redraw(gaps, values, arrays, rng)
    drawn_pairs = np.column_stack([arrays["w"][50:], arrays["x"][50:]])
    sds = np.sqrt(np.diag(covariance))
    assert np.abs((drawn_pairs.mean(axis=0) - mean) / sds).max() < 4 / np.sqrt(N)
    assert np.abs(np.cov(drawn_pairs.T) - covariance).max() < 6 * sds.max() ** 2 / np.sqrt(N)


def test_a_cell_at_a_groups_level_gathers_what_all_its_rows_say():
    sites = np.repeat(np.arange(1000), 3)
    size = np.where(np.arange(1000) < 20, np.random.default_rng(1).normal(size=1000).round(3), np.nan)
    y = np.where(sites < 20, np.random.default_rng(2).normal(size=3000).round(3), np.tile([1.0, 2.0, 2.5], 1000))
    gaps = found(
        bs.Spec("size ~ 1", "y ~ size + (1 | site)"), pd.DataFrame({"site": sites, "size": size[sites], "y": y})
    )
    effects = np.where(np.arange(1000) % 2, 0.5, -0.5)
    values = {
        "size": scalars(size_Intercept=0.0, size_sigma=1.0),
        "y": {**scalars(y_Intercept=0.0, y_size=1.0, y_sigma=1.0), "y_1|site": effects},
    }
    x = drawn(gaps, values, column="size")
    assert len(x) == 980
    for sign in (0, 1):
        own = x[np.arange(20, 1000) % 2 == sign]
        mean = (5.5 - 3 * (0.5 if sign else -0.5)) / 4
        assert stats.kstest(own, stats.norm(mean, 0.5).cdf).pvalue > 1e-4


def test_group_slopes_of_a_missing_predictor_are_read():
    sites = np.arange(2 * N) % 2
    rng = np.random.default_rng(1)
    x = np.where(np.arange(2 * N) < 60, rng.normal(size=2 * N).round(3), np.nan)
    y = np.where(np.arange(2 * N) < 60, rng.normal(size=2 * N).round(3), 1.0)
    gaps = found(bs.Spec("x ~ 1", "y ~ x + (0 + x | site)"), pd.DataFrame({"site": sites, "x": x, "y": y}))
    values = {
        "x": scalars(x_Intercept=0.0, x_sigma=1.0),
        "y": {**scalars(y_Intercept=0.0, y_x=1.0, y_sigma=1.0), "y_x|site": np.array([-1.0, 1.0])},
    }
    made = drawn(gaps, values)
    at = gaps.gaps[0].at
    assert stats.kstest(made[sites[at] == 0], stats.norm(0.0, 1.0).cdf).pvalue > 1e-4
    assert stats.kstest(made[sites[at] == 1], stats.norm(0.4, np.sqrt(0.2)).cdf).pvalue > 1e-4


def test_levels_of_which_none_is_possible_are_an_error():
    spec = bs.Spec("x ~ 1", bs.Equation("y ~ x", family="bernoulli"))
    gaps = alike(spec, np.arange(50) % 2, y=1)
    values = {"x": scalars(x_Intercept=0.0), "y": scalars(y_Intercept=-2000.0, y_x=0.0)}
    with pytest.raises(FitError, match=r"Column 'x': in 4000 of 4000 missing cells no level is possible"):
        drawn(gaps, values)


def test_observed_cells_stay_and_arrays_are_not_written_to():
    seen = np.random.default_rng(1).normal(size=50).round(3)
    gaps = alike(bs.Spec("x ~ 1", "y ~ x"), seen, y=3.0)
    rng = np.random.default_rng(1)
    arrays = start(gaps, rng)
    before = arrays["x"].copy()
    made = redraw(gaps, {"x": scalars(x_Intercept=0.0, x_sigma=1.0), "y": Y}, arrays, rng)
    assert (arrays["x"] == before).all()
    assert (made["x"][:50] == seen).all()
    assert np.isnan(gaps.frame.arrays["x"][50:]).all()
    assert np.isin(before[50:], seen).all()
