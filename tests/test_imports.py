"""The import direction of the rooms, what imports PyMC, how long a file is, and how the public names load.

Data moves to the right only: a room imports nothing that stands right of it. Function bodies count too, but
for the closed list of verbs that point right, each a short method that imports where it is called.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import bayessynth

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "bayessynth"

ORDER = [
    {"errors", "_version"},
    {"schema", "datasets"},
    {"families"},
    {"rules"},
    {"spec"},
    {"design"},
    {"graph", "suffstats", "trees", "imputation"},
    {"privacy"},
    {"fitting"},
    {"synthesis"},
    {"database"},
    {"inference"},
    {"evaluation"},
    {"report"},
    {"cli"},
    {"__main__"},
]
RANK = {room: rank for rank, rooms in enumerate(ORDER) for room in rooms}

DELEGATIONS = {
    ("spec", "Spec.priors"),
    ("spec", "Spec.fit"),
    ("spec", "Spec.to_pymc"),
    ("spec", "Spec.synthesize_prior"),
    ("spec", "Spec.sufficient_statistics"),
    ("fitting", "Fitted.synthesize"),
    ("fitting", "FittedPyMC.synthesize"),
    ("synthesis", "SyntheticData.pool"),
    ("synthesis", "SyntheticData.to_card"),
    ("inference", "Pooled.plot"),
    ("inference", "Comparison.plot"),
    ("evaluation", "Evaluation.to_html"),
    ("evaluation", "Evaluation.to_card"),
}

PYMC = {"pymc", "pytensor", "nutpie"}
PYMC_ROOMS = {"graph", "fitting", "models"}


class Import(NamedTuple):
    module: str
    line: int
    where: str  # "Class.method", "" at the top of the file


def is_import_call(call: ast.Call) -> bool:
    return ast.unparse(call.func).split(".")[-1] in {"import_module", "__import__"}


def imports(tree: ast.Module, package: str) -> Iterator[Import]:
    """Yield what a file imports, import_module("...") included, type-checking blocks left out."""

    def walk(node: ast.AST, where: str) -> Iterator[Import]:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for child in node.orelse:
                yield from walk(child, where)
            return
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno, where) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, base] if base else parents)
            if base == "bayessynth":
                yield from (Import(f"bayessynth.{alias.name}", node.lineno, where) for alias in node.names)
            else:
                yield Import(base, node.lineno, where)
        elif isinstance(node, ast.Call) and is_import_call(node):
            named = node.args[0] if node.args else None
            if isinstance(named, ast.Constant) and isinstance(named.value, str):
                yield Import(named.value, node.lineno, where)
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            where = f"{where}.{node.name}" if where else node.name
        for child in ast.iter_child_nodes(node):
            yield from walk(child, where)

    yield from walk(tree, "")


def faults(source: str, path: Path) -> list[str]:
    """Name the imports of one file that break the direction; ``path`` is relative to the repository."""
    parts = path.with_suffix("").parts
    room = parts[1] if parts[0] == "bayessynth" else parts[0]
    found = []
    for module, line, where in imports(ast.parse(source), ".".join(parts[:-1])):
        top, _, rest = module.partition(".")
        if top in PYMC and room not in PYMC_ROOMS:
            found.append(f"{path}:{line} imports {module}: only {sorted(PYMC_ROOMS)} do")
        if top != "bayessynth" or room == "models":
            continue
        target = rest.partition(".")[0]
        if target not in RANK:
            if room not in {"cli", "__main__"}:
                found.append(f"{path}:{line} imports {module}: name the room it lives in")
        elif room == "__init__":
            if target not in {"errors", "_version"}:
                found.append(f"{path}:{line} imports {module}: public names load lazily")
        elif target != room and RANK[target] >= RANK[room] and (room, where) not in DELEGATIONS:
            found.append(f"{path}:{line} imports {module}: {room} may not import {target}")
    return found


def modules() -> list[Path]:
    return sorted(p.relative_to(ROOT) for folder in ("bayessynth", "models") for p in (ROOT / folder).rglob("*.py"))


def test_every_room_has_its_place_in_the_order():
    rooms = {path.with_suffix("").parts[1] for path in modules() if path.parts[0] == "bayessynth"}
    assert rooms - {"__init__"} <= set(RANK)


@pytest.mark.parametrize("path", modules(), ids=str)
def test_a_module_imports_only_what_stands_left_of_it(path):
    assert faults((ROOT / path).read_text(), path) == []


IN_FIT = "class Spec:\n    def fit(self):\n        import bayessynth.fitting"
IN_PLOT = "class Spec:\n    def plot(self):\n        import bayessynth.report"


@pytest.mark.parametrize(
    ("source", "path", "faulty"),
    [
        ("from bayessynth.fitting import Fitted", "bayessynth/spec/spec.py", True),
        ("from ..fitting import Fitted", "bayessynth/spec/spec.py", True),
        ("from .. import fitting", "bayessynth/spec/__init__.py", True),
        ("from bayessynth import Spec", "bayessynth/evaluation/x.py", True),
        ("def f():\n    import bayessynth.fitting", "bayessynth/spec/spec.py", True),
        (IN_PLOT, "bayessynth/spec/spec.py", True),
        (IN_FIT, "bayessynth/spec/spec.py", False),
        (IN_FIT, "bayessynth/design/x.py", True),
        ("if TYPE_CHECKING:\n    from bayessynth.fitting import Fitted", "bayessynth/spec/spec.py", False),
        ("import_module('bayessynth.fitting')", "bayessynth/spec/spec.py", True),
        ("from bayessynth.suffstats import gram", "bayessynth/graph/x.py", True),
        ("from bayessynth.schema import Schema", "bayessynth/spec/spec.py", False),
        ("from .formula import parse", "bayessynth/spec/spec.py", False),
        ("import pymc as pm", "bayessynth/families/normal.py", True),
        ("import pymc as pm", "bayessynth/graph/build.py", False),
        ("import pytensor.tensor as pt", "bayessynth/design/x.py", True),
        ("import bayessynth.schema", "bayessynth/__init__.py", True),
        ("import bayessynth as bs\nimport pymc", "models/visits.py", False),
    ],
)
def test_the_check_itself_finds_what_it_should(source, path, faulty):
    assert bool(faults(source, Path(path))) is faulty


@pytest.mark.parametrize("path", modules(), ids=str)
def test_a_file_stays_under_400_lines(path):
    assert len((ROOT / path).read_text().splitlines()) < 400


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_import_is_quick_and_loads_no_heavy_package():
    code = (
        "import sys, time; start = time.perf_counter(); import bayessynth\n"
        "print(time.perf_counter() - start, *sorted({'pandas', 'pymc', 'scipy', 'arviz'} & set(sys.modules)))"
    )
    runs = [run_python(code).split() for _ in range(3)]
    assert all(len(run) == 1 for run in runs), f"loaded by import bayessynth: {runs[0][1:]}"
    assert min(float(run[0]) for run in runs) < 0.5


def test_the_frameless_rooms_work_without_pymc():
    rooms = [room for room in ("schema", "families", "rules", "spec", "design") if (PACKAGE / room).is_dir()]
    loading = ", ".join(f"bayessynth.{room}" for room in rooms)
    code = f"import sys, {loading}; print('pymc' in sys.modules)"
    assert run_python(code) == "False"


def test_a_table_of_trees_is_copied_without_importing_engines():
    code = (
        "import sys, pandas as pd, bayessynth as bs\n"
        "copy = bs.synthesize(pd.DataFrame({'x': [1, 2] * 30, 'y': list('aab') * 20}), m=1, random_seed=1)[0]\n"
        "print(len(copy), *sorted({'pymc', 'nutpie', 'arviz', 'arviz_stats', 'sklearn'} & set(sys.modules)))"
    )
    assert run_python(code) == "60"


@pytest.mark.parametrize("name", bayessynth.__all__)
def test_every_public_name_has_a_docstring_with_an_example(name):
    doc = getattr(bayessynth, name).__doc__
    assert doc, f"bayessynth.{name} has no docstring"
    assert ">>> " in doc, f"the docstring of bayessynth.{name} has no example"
    first = doc.strip().split("\n\n")[0]
    assert first.endswith("."), f"the first line of bayessynth.{name} is no whole sentence: {first!r}"


def test_public_names_agree_everywhere():
    assert sorted(bayessynth.__all__) == sorted(bayessynth._ROOM_OF)
    assert set(bayessynth.__all__) <= set(dir(bayessynth))
    checked = next(
        node
        for node in ast.parse((PACKAGE / "__init__.py").read_text()).body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    statements = [node for node in checked.body if isinstance(node, ast.ImportFrom)]
    annotated = {alias.name for node in statements for alias in node.names}
    assert annotated == set(bayessynth.__all__)
    assert set(bayessynth.__all__) & set(RANK) == {"datasets"}


def test_a_misspelt_public_name_is_met_with_the_nearest():
    with pytest.raises(AttributeError, match=r"has no attribute 'Equatoin'\. Did you mean 'Equation'"):
        bayessynth.Equatoin  # noqa: B018
