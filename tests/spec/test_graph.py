"""The drawing of a spec's graph: every box and arrow is there, and none covers another."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.transforms import Bbox

from bayessynth.spec import Spec
from bayessynth.spec.layout import layout

TEN = Spec(
    "female ~ 1", "age ~ female + (1 | region)", "education ~ age + female + (1 | region/site)",
    "employed ~ education + age", "income ~ age + education + employed + (1 | region/site)", "smoker ~ age + income",
    "body_mass_index ~ age + female + smoker", "blood_pressure ~ age + body_mass_index + (1 | region:site)",
    "visits ~ blood_pressure + income + age + (1 | region:site)", "cost ~ visits + income",
)  # fmt: skip
FLAT = Spec(*(f"column_{i} ~ 1 + (1 | {'a_very_long_factor_name'})" for i in range(8)))
KEPT = Spec("y ~ x + z", "z ~ x + `a b`", rest="keep")


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    plt.close("all")


def boxes(ax: Axes) -> dict[str, Bbox]:
    return {str(p.get_gid()): p.get_window_extent() for p in ax.patches if isinstance(p, FancyBboxPatch)}


@pytest.mark.parametrize("spec", [TEN, FLAT, KEPT, Spec("y ~ 1")], ids=["ten", "flat", "kept", "one"])
def test_boxes_hold_their_names_and_stay_apart(spec: Spec) -> None:
    ax = spec.graph()
    ax.figure.canvas.draw()
    found = boxes(ax)
    assert set(spec.columns) <= set(found)
    frame = ax.figure.bbox
    for one, other in combinations(found.values(), 2):
        assert not one.overlaps(other)
    for box in found.values():
        assert frame.x0 <= box.x0 <= box.x1 <= frame.x1
    for label in ax.texts:
        (x, y), extent = label.get_position(), label.get_window_extent()
        around = [b for b in found.values() if b.contains(*ax.transData.transform((x, y)))]
        assert len(around) == 1
        assert around[0].x0 <= extent.x0 <= extent.x1 <= around[0].x1
        assert around[0].y0 <= extent.y0 <= extent.y1 <= around[0].y1


@pytest.mark.parametrize("spec", [TEN, KEPT], ids=["ten", "kept"])
def test_arrows_arrive_at_every_predictor_and_pass_no_box(spec: Spec) -> None:
    ax = spec.graph()
    found = boxes(ax)
    lines = [p for p in ax.patches if isinstance(p, FancyArrowPatch)]
    heads = [p for p in lines if getattr(p.get_arrowstyle(), "arrow", "") == "-|>"]
    assert len(heads) == sum(len(e.columns) for e in spec)
    for line in lines:
        curve, *_ = line.get_path().to_polygons(closed_only=False)
        pixels = ax.transData.transform(curve)
        assert len(pixels) >= 2
        for box in found.values():
            assert not box.padded(-3).count_contains(pixels)


def test_factors_and_given_columns_are_told_apart() -> None:
    ax = TEN.graph()
    assert "region, region:site" in {t.get_text() for t in ax.texts}
    given = {p.get_gid() for p in KEPT.graph().patches if isinstance(p, FancyBboxPatch) and p.get_linestyle() == "--"}
    assert given == {"x", "a b"}


def test_a_graph_goes_where_it_is_asked_to() -> None:
    _, ax = plt.subplots()
    assert Spec("y ~ x", "x ~ 1").graph(ax) is ax
    assert len(plt.get_fignums()) == 1


def test_lines_run_from_layer_to_layer() -> None:
    found = layout([("a", "b"), ("b", "c"), ("a", "c"), ("a", "d")], list("abcd"), dict.fromkeys("abcd", 1.0))
    assert found.layer == {"a": 0, "b": 1, "c": 2, "d": 1}
    assert all(lower[1] == upper[1] + 1 for upper, lower in found.lines)
    assert abs(found.x["b", 1] - found.x["d", 1]) >= 1.3 - 1e-9
    assert np.isfinite(list(found.x.values())).all()
