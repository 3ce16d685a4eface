"""Walks over the graph of a PyMC model: shapes, differences between two builds, indices out of range.

Whatever is evaluated here is interpreted by Python and NumPy, never compiled: an index out of range is an error
there, and garbage under numba.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from pytensor.compile.mode import Mode
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Apply, Constant, Variable
from pytensor.graph.op import HasInnerGraph
from pytensor.graph.traversal import ancestors
from pytensor.tensor.random.op import RandomVariable
from pytensor.tensor.random.type import RandomType
from pytensor.tensor.shape import Shape, Shape_i

INTERPRETED = Mode("py", "fast_compile")


def evaluate(variables: Sequence[Variable], givens: Mapping[Variable, Variable] | None = None) -> list[np.ndarray]:
    """Evaluate variables that depend on data alone, or on what ``givens`` replaces by data."""
    function = pytensor.function(
        [], list(variables), givens=list((givens or {}).items()), mode=INTERPRETED, on_unused_input="ignore"
    )
    return [np.asarray(value) for value in function()]


def observed_values(model: pm.Model) -> dict[str, np.ndarray]:
    """Return the values that each observed variable is conditioned on."""
    variables = model.observed_RVs
    return dict(zip([v.name for v in variables], evaluate([model.rvs_to_values[v] for v in variables]), strict=True))


def shapes(model: pm.Model) -> dict[str, tuple[int, ...]]:
    """Return the shape of every random and deterministic variable, as it would be drawn."""
    variables = [*model.free_RVs, *model.deterministics, *model.observed_RVs]
    found = evaluate([v.shape for v in variables])
    return {v.name: tuple(map(int, shape)) for v, shape in zip(variables, found, strict=True)}


def parameter_lengths(model: pm.Model) -> dict[str, list[int]]:
    """Return how many entries the parameters of each observed variable have that may differ between rows.

    Free variables are ones and observed variables their data, so that nothing is drawn; what does not fit together
    raises as it would when drawn.
    """
    given = {v: model.rvs_to_values[v] for v in model.observed_RVs} | _ones(model.free_RVs)
    found: dict[str, list[int]] = {}
    for variable in model.observed_RVs:
        op, node = variable.owner.op, variable.owner
        if isinstance(op, RandomVariable):
            pairs = zip(op.dist_params(node), op.ndims_params, strict=True)
            parameters = [p for p, ndim in pairs if p.type.ndim > ndim]
        else:
            parameters = []  # what an entry is, is known to the inner graph alone
        found[str(variable.name)] = [len(value) for value in evaluate(parameters, given)]
    return found


def undrawable(model: pm.Model, trace: Collection[str]) -> str | None:
    """Return why a variable has no random draws, if there is one among those that new records draw."""
    given = _ones([v for v in model.free_RVs if v.name in trace])
    try:
        with np.errstate(all="ignore"):
            evaluate(model.observed_RVs, given)
    except NotImplementedError as error:
        return str(error).splitlines()[0]
    except Exception:
        return None  # parameters of one are no posterior draw, so that what they lead to says nothing
    return None


def _ones(variables: Sequence[Any]) -> dict[Variable, Variable]:
    found = evaluate([v.shape for v in variables])
    return {
        v: v.type.filter_variable(pt.ones(tuple(shape), dtype=v.type.dtype))
        for v, shape in zip(variables, found, strict=True)
    }


def reads(variable: Variable, others: Collection[Variable]) -> list[str]:
    """Return the names of those of ``others`` that a variable depends on."""
    above = set(ancestors([variable]))
    return [str(other.name) for other in others if other in above]


def differing(first: pm.Model, second: pm.Model, cut: Collection[str]) -> list[str]:
    """Return the observed variables whose distribution, given the variables of ``cut``, is not the same in both.

    Parameters
    ----------
    first, second : pymc.Model
        Two builds with the same observed variables.
    cut : collection of str
        Variables at which the walk ends, since their values come from elsewhere.
    """
    stop = {*cut, *(v.name for v in first.observed_RVs)}
    seen: set[tuple[int, int]] = set()
    # The random generators of a variable are its own, the rest of its inputs are its distribution.
    return [
        v.name for v in first.observed_RVs
        if not _same(zip(v.owner.inputs, second[v.name].owner.inputs, strict=False), stop, seen)
        or len(v.owner.inputs) != len(second[v.name].owner.inputs)
    ]  # fmt: skip


def _same(pairs: Iterable[tuple[Variable, Variable]], stop: set[str], seen: set[tuple[int, int]]) -> bool:
    left = list(pairs)
    while left:
        a, b = left.pop()
        if (id(a), id(b)) in seen or (a.name in stop and a.name == b.name):
            continue
        seen.add((id(a), id(b)))
        if a.owner is None or b.owner is None:
            if (a.owner is None) != (b.owner is None) or not _same_leaf(a, b):
                return False
            continue
        if len(a.owner.inputs) != len(b.owner.inputs) or str(a.owner.op) != str(b.owner.op):
            return False
        if isinstance(a.owner.op, Shape | Shape_i):
            continue  # of values that may differ, the shape does not
        if isinstance(a.owner.op, HasInnerGraph) and isinstance(b.owner.op, HasInnerGraph):
            left += zip(a.owner.op.inner_outputs, b.owner.op.inner_outputs, strict=False)
        left += zip(a.owner.inputs, b.owner.inputs, strict=True)
    return True


def _same_leaf(a: Variable, b: Variable) -> bool:
    if isinstance(a.type, RandomType):
        return True
    if isinstance(a, Constant) and isinstance(b, Constant):
        return _same_value(a.data, b.data)
    if isinstance(a, SharedVariable) and isinstance(b, SharedVariable):
        return _same_value(a.get_value(borrow=True), b.get_value(borrow=True))
    return type(a) is type(b)


def _same_value(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray | np.generic | int | float) and isinstance(b, np.ndarray | np.generic | int | float):
        x, y = np.asarray(a), np.asarray(b)
        return bool(np.array_equal(x, y, equal_nan=x.dtype.kind == "f" and y.dtype.kind == "f"))
    return bool(a == b)


@dataclass(frozen=True)
class IndexFault:
    """An index beyond the end of what it indexes.

    Attributes
    ----------
    variable, dim : str
        What is indexed, in words, and the dim (or the number of the axis) along which.
    size : int
        Its length there.
    indices : ndarray
        All indices, flattened; those outside are ``beyond``.
    """

    variable: str
    dim: str
    size: int
    indices: np.ndarray

    @property
    def beyond(self) -> np.ndarray:
        """Where the indices are out of range."""
        return (self.indices >= self.size) | (self.indices < -self.size)


def index_faults(model: pm.Model) -> list[IndexFault]:
    """Find indices out of range among those that are data, or observed variables, in a model's graph."""
    observed = {v: model.rvs_to_values[v] for v in model.observed_RVs}
    roots = [*model.basic_RVs, *model.deterministics, *model.potentials]
    nodes = dict.fromkeys(v.owner for v in ancestors(roots) if v.owner is not None)
    found = [(node, axis, index) for node in nodes for axis, index in _indexed(node)]
    known = [(node, axis, index) for node, axis, index in found if not _random(index, observed)]
    if not known:
        return []
    lengths = [node.inputs[0].shape[axis] for node, axis, _ in known]
    values = evaluate([*lengths, *(index for *_, index in known)], observed)
    faults = []
    for (node, axis, _), size, index in zip(known, values[: len(known)], values[len(known) :], strict=True):
        name, dim = _described(model, node.inputs[0], axis)
        fault = IndexFault(name, dim, int(size), index.ravel())
        if fault.beyond.any():
            faults.append(fault)
    return faults


def _indexed(node: Apply) -> list[tuple[int, Variable]]:
    """Return the integer indices of an indexing operation with the axes they index."""
    kind = type(node.op).__name__
    if "Subtensor" not in kind:
        return []
    given = node.inputs[2:] if "Inc" in kind else node.inputs[1:]
    entries = getattr(node.op, "idx_list", None) or tuple(range(len(given)))
    found, axis = [], 0
    for entry in entries:
        index = given[entry] if isinstance(entry, int) else None
        if index is None:
            axis += 1
        elif index.type.dtype == "bool":
            axis += max(1, index.type.ndim)
        else:
            found.append((axis, index))
            axis += 1
    return found


def _random(index: Variable, observed: Mapping[Variable, Variable]) -> bool:
    """Tell whether an index depends on a variable that is random even when the data are given."""
    left, seen = [index], set()
    while left:
        variable = left.pop()
        if variable in observed or variable in seen:
            continue
        seen.add(variable)
        if isinstance(variable.type, RandomType):
            return True
        if variable.owner is not None:
            left += variable.owner.inputs
    return False


def _described(model: pm.Model, variable: Variable, axis: int) -> tuple[str, str]:
    """Name what is indexed: a variable of the model, or the ones that an expression is made of."""
    dims = model.named_vars_to_dims.get(variable.name or "", ())
    if axis < len(dims) and dims[axis] is not None:
        return repr(variable.name), str(dims[axis])
    if variable.name in model.named_vars:
        return repr(variable.name), f"axis {axis}"
    above = set(ancestors([variable]))
    parts = [name for name, other in model.named_vars.items() if other in above and not isinstance(other, Constant)]
    return f"an expression of {', '.join(parts)}" if parts else "an array", f"axis {axis}"
