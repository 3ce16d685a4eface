"""The verdict on posteriors made by hand."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from bayessynth.fitting.diagnose import Diagnosis, diagnose
from bayessynth.fitting.posterior import STATS, Posterior, to_datatree

CHAINS, DRAWS = 4, 500


def tree(draws: np.ndarray | None = None, **stats: np.ndarray) -> xr.DataTree:
    """Return one equation ``y`` whose parameter has the given draws, independent normal ones by default."""
    rng = np.random.default_rng(1)
    draws = rng.normal(size=(CHAINS, DRAWS)) if draws is None else draws
    found = {name: np.zeros(draws.shape[:2]) for name in STATS} | {"energy": rng.normal(size=draws.shape[:2])} | stats
    dims = ("site",) if draws.ndim > 2 else ()
    coords = {"site": [f"s{i}" for i in range(draws.shape[2])]} if dims else {}
    variables = {"y_Intercept": (dims, draws), "y_sigma": ((), rng.normal(size=draws.shape[:2]))}
    return to_datatree([Posterior("y", variables, coords, found, "made by hand", 0.0)])


def judged(data: xr.DataTree) -> Diagnosis:
    return diagnose(data, {"y_Intercept": "y", "y_sigma": "y"})


def autocorrelated(rho: float) -> np.ndarray:
    rng = np.random.default_rng(2)
    draws = np.zeros((CHAINS, DRAWS))
    state = rng.normal(size=CHAINS)
    for t in range(DRAWS):
        state = rho * state + np.sqrt(1 - rho**2) * rng.normal(size=CHAINS)
        draws[:, t] = state
    return draws


def diverging(count: int) -> np.ndarray:
    flags = np.zeros((CHAINS, DRAWS), dtype=bool)
    flags.ravel()[:count] = True
    return flags


def test_independent_draws_pass() -> None:
    found = judged(tree())
    assert (found.verdict, found.reasons) == ("pass", ())
    (row,) = found.table.to_dict("records")
    assert row["equation"] == "y" and row["rhat"] <= 1.01 and row["ess_bulk"] > 1500 and row["divergences"] == 0


@pytest.mark.parametrize(("shift", "verdict"), [(0.28, "warn"), (2.0, "fail")])
def test_chains_that_disagree(shift: float, verdict: str) -> None:
    draws = np.random.default_rng(3).normal(size=(CHAINS, DRAWS))
    draws[0] += shift
    found = judged(tree(draws))
    assert found.verdict == verdict
    assert "R-hat" in found.reasons[0] and "y_Intercept" in found.reasons[0] and "Sample longer" in found.reasons[0]
    assert found.table["parameter"].tolist() == ["y_Intercept"]


@pytest.mark.parametrize(("rho", "verdict"), [(0.8, "warn"), (0.97, "fail")])
def test_few_effective_draws(rho: float, verdict: str) -> None:
    found = judged(tree(autocorrelated(rho)))
    assert found.verdict == verdict
    assert any("effective draws" in reason and "draws=" in reason for reason in found.reasons)


@pytest.mark.parametrize(("count", "verdict"), [(0, "pass"), (1, "warn"), (20, "warn"), (21, "fail")])
def test_divergences(count: int, verdict: str) -> None:
    found = judged(tree(diverging=diverging(count)))
    assert found.verdict == verdict
    assert (f"{count} of 2000 draws diverged" in " ".join(found.reasons)) is (count > 0)
    assert ("tighter prior" in " ".join(found.reasons)) is (count > 0)


def test_slow_energy_warns() -> None:
    energy = np.cumsum(np.random.default_rng(4).normal(size=(CHAINS, DRAWS)), axis=1)
    found = judged(tree(energy=energy))
    assert found.verdict == "warn" and "BFMI" in found.reasons[0] and "Tighter priors" in found.reasons[0]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("everywhere", [False, True])
def test_draws_that_are_not_finite_fail(value: float, everywhere: bool) -> None:
    draws = np.random.default_rng(5).normal(size=(CHAINS, DRAWS, 3))
    draws[(..., 1) if everywhere else (2, 7, 1)] = value
    found = judged(tree(draws))
    assert found.verdict == "fail"
    assert "y_Intercept are not finite" in found.reasons[0] and "Rescale" in found.reasons[0]


def test_entries_that_cannot_move_are_left_out() -> None:
    draws = np.random.default_rng(6).normal(size=(CHAINS, DRAWS, 3))
    draws[..., 0] = 1.0
    assert judged(tree(draws)).verdict == "pass"


def test_chains_that_stand_still_fail() -> None:
    draws = np.repeat(np.arange(4.0)[:, None], DRAWS, axis=1)
    assert judged(tree(draws)).verdict == "fail"


def test_too_few_draws_to_tell_fail() -> None:
    found = judged(tree(np.random.default_rng(7).normal(size=(1, 3))))
    assert found.verdict == "fail"
    assert "few effective draws (0," in " ".join(found.reasons)


def test_worst_equation_decides() -> None:
    good, bad = tree(), tree(diverging=diverging(100))
    stats = xr.concat([t["sample_stats"].to_dataset() for t in (good, bad)], dim="component")
    stats = stats.assign_coords(component=["y", "z"])
    posterior = good["posterior"].to_dataset().assign(z_mu=(("chain", "draw"), autocorrelated(0.0)))
    both = xr.DataTree.from_dict({"posterior": posterior, "sample_stats": stats})
    found = diagnose(both, {"y_Intercept": "y", "y_sigma": "y", "z_mu": "z"})
    assert found.verdict == "fail"
    assert found.table["verdict"].tolist() == ["pass", "fail"]
    assert all(reason.startswith("z: ") for reason in found.reasons)


def test_text_and_html() -> None:
    found = judged(tree(diverging=diverging(5)))
    assert repr(found).startswith("Diagnostics: warn\n") and "- y: 5 of 2000 draws" in repr(found)
    assert "<b>Diagnostics: warn</b>" in found._repr_html_()
    odd = tree()
    stats = odd["sample_stats"].to_dataset().assign_coords(component=["dose∕kg"])
    posterior = odd["posterior"].to_dataset()
    owner = dict.fromkeys(["y_Intercept", "y_sigma"], "dose∕kg")
    data = xr.DataTree.from_dict({"posterior": posterior, "sample_stats": stats})
    assert diagnose(data, owner).table["equation"].tolist() == ["dose/kg"]


@pytest.mark.parametrize(("worst", "verdict"), [(1.1, "pass"), (1.3, "warn"), (1.7, "fail")])
def test_chains_of_missing_cells(worst: float, verdict: str) -> None:
    how = {"equations": ["y"], "burn_in": 20, "sweeps": 50, "r_hat": {"x mean": worst, "x sd": 1.0}}
    told = {"imputed": {"x": 7}, "left_out": {"z": 3}, "imputation": how}
    found = diagnose(tree(), {"y_Intercept": "y", "y_sigma": "y"}, None, told)
    assert found.verdict == verdict
    assert ("R-hat 1" in " ".join(found.reasons)) == (verdict != "pass")
    assert "missing cells of 'x' (7) were drawn with the parameters, in 50 sweeps of each chain after 20" in repr(found)
    assert "left out of the equations of 'z' (3)" in found._repr_html_().replace("&#x27;", "'")
