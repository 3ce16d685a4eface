"""Long columns of group numbers that are kept short, and groups of as many rows as one likes."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bayessynth.design import bind
from bayessynth.fitting.groups import Crossed, GroupPosterior, Sizes
from bayessynth.synthesis.groups import Groups, existing_groups, new_groups
from bayessynth.synthesis.runs import Runs
from tests import clinics


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=12), st.integers(0, 30), st.integers(0, 30), st.booleans())
def test_runs_are_what_repeat_gives(sizes: list[int], start: int, stop: int, valued: bool) -> None:
    values = np.arange(len(sizes)) * 7 % 5
    expected = np.repeat(values if valued else np.arange(len(sizes)), sizes)
    runs = Runs(np.cumsum(sizes), values.astype("uint8") if valued else None)
    assert len(runs) == len(expected)
    assert runs.on(slice(start, stop)).tolist() == expected[start:stop].tolist()
    assert runs.on(slice(None)).tolist() == expected.tolist()
    places = np.arange(len(expected))[::-2]
    assert runs.take(places).tolist() == expected[places].tolist()
    dense = Runs(values=expected.astype("uint8"))
    assert dense.on(slice(start, stop)).tolist() == expected[start:stop].tolist()
    assert dense.take(places).tolist() == expected[places].tolist() and dense.on(slice(None)).dtype == np.int64


def held(groups: Groups) -> int:
    """Return how many bytes the groups take."""
    runs = [*groups.parent.values(), *(chosen for _, chosen in groups.chosen.values())]
    return sum(array.nbytes for run in runs for array in (run.ends, run.values) if array is not None)


def posterior(crossed: bool) -> GroupPosterior:
    """Return sizes of a thousand rows a site, and perhaps three doctors who are met at all of them."""
    frame, spec = clinics.clinics(), clinics.spec()
    if crossed:
        frame["doctor"] = np.arange(len(frame)) % 3
        spec = spec.replace("visits ~ female + (1 | site) + (1 | doctor)")
    plan = bind(spec, frame)[0].plan
    choice = {f: Crossed(np.array([[0.5, 0.3, 0.2]]), np.array([5.0])) for f in plan.crossed}
    return GroupPosterior(plan, {"site": Sizes(np.array([1000.0]), np.array([2.0]))}, choice, {}, {})


def test_groups_of_many_rows_take_the_memory_of_groups() -> None:
    k = 20_000_000
    groups = new_groups(posterior(crossed=False), 0, k, np.random.default_rng(1))
    assert held(groups) < 10 * 8 * k / 1000
    last = groups.codes("row", "site", slice(k - 5, k))
    assert (last == groups.sizes["site"] - 1).any() and (np.diff(last) >= 0).all()


def test_choices_among_few_groups_take_a_byte_a_row() -> None:
    k = 1_000_000
    groups = new_groups(posterior(crossed=True), 0, k, np.random.default_rng(1))
    assert groups.sizes["doctor"] == 3 and held(groups) < 1.1 * k
    assert set(groups.codes("row", "doctor", slice(17, 40_000)).tolist()) == {0, 1, 2}


def test_rows_drawn_from_the_original_s() -> None:
    """Each of the k rows is one of the n with equal chance, in the original's order."""
    site = np.repeat(np.arange(4), [1, 2, 3, 4])
    plan = posterior(crossed=False).plan
    original = GroupPosterior(plan, {}, {}, {"site": site}, {"site": ("a", "b", "c", "d")})
    groups = existing_groups(original, 10, 50_000, np.random.default_rng(1))
    codes = groups.codes("row", "site")
    assert len(codes) == groups.k == 50_000 and (np.diff(codes) >= 0).all()
    np.testing.assert_allclose(np.bincount(codes) / 50_000, [0.1, 0.2, 0.3, 0.4], atol=0.01)
    same = existing_groups(original, 10, 10, np.random.default_rng(1))
    assert same.codes("row", "site").tolist() == site.tolist()
