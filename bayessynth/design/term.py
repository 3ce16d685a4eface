"""A term of a formula as columns of a design matrix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

import numpy as np

from bayessynth.design.evaluate import Codes, Frame, evaluate
from bayessynth.design.transforms import State
from bayessynth.errors import FormulaError
from bayessynth.spec import Expression, Term, parse


@dataclass(frozen=True)
class Factor:
    """How one factor of a term is coded: levels of a category, or columns of a number."""

    levels: tuple[str, ...] | None
    reference: int | None
    width: int

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the factor's columns; one empty label for a plain number."""
        if self.levels is not None:
            return tuple(level for i, level in enumerate(self.levels) if i != self.reference)
        return tuple(map(str, range(1, self.width + 1))) if self.width > 1 else ("",)


@dataclass(frozen=True)
class TermDesign:
    """A term with all that was learnt of it; columns vary fastest over the last factor.

    Attributes
    ----------
    term : Term
    factors : tuple of Factor
        Coding of each factor; a factor with a reference level has one column less than levels.
    states : mapping
        States of transforms.
    kept : tuple of int or None
        Which columns of the product of the factors the term has; None for all. Of ``1 + a:b`` one is left out,
        which the intercept spans.
    """

    term: Term
    factors: tuple[Factor, ...]
    states: Mapping[str, State]
    kept: tuple[int, ...] | None = None

    @property
    def name(self) -> str:
        """The term's name, ``"age:site"``."""
        return self.term.name

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the columns, empty for a term of one plain column."""
        if all(f.levels is None and f.width == 1 for f in self.factors):
            return ()
        found = [":".join(part for part in parts if part) for parts in product(*(f.labels for f in self.factors))]
        return tuple(found if self.kept is None else (found[i] for i in self.kept))

    @property
    def width(self) -> int:
        """Number of columns."""
        return int(np.prod([len(f.labels) for f in self.factors])) if self.kept is None else len(self.kept)

    def columns(self, frame: Frame, n: int) -> np.ndarray:
        """Return the term's columns, shape (n, width)."""
        result = np.ones((n, 1))
        for value, factor in zip(self._values(frame), self.factors, strict=True):
            if isinstance(value, Codes):
                kept = [i for i in range(len(value.levels)) if i != factor.reference]
                block = np.eye(len(value.levels))[:, kept][value.codes]
            else:
                block = value.reshape(-1, factor.width)
            result = (result[:, :, None] * block[:, None, :]).reshape(n, -1)
        return result if self.kept is None else result[:, self.kept]

    def contribution(self, frame: Frame, coefficients: np.ndarray) -> np.ndarray:
        """Return the columns times their coefficients, without building the columns of categories.

        Parameters
        ----------
        frame : Frame
        coefficients : ndarray of shape (width,)

        Returns
        -------
        ndarray of shape (n,)
        """
        table = np.asarray(coefficients)
        if self.kept is not None:
            table = np.zeros(int(np.prod([len(f.labels) for f in self.factors])))
            table[list(self.kept)] = coefficients
        table = table.reshape([len(f.labels) for f in self.factors])
        cell: np.ndarray | None = None
        numbers: np.ndarray | None = None
        category_axes, number_axes = [], []
        for axis, (value, factor) in enumerate(zip(self._values(frame), self.factors, strict=True)):
            if isinstance(value, Codes):
                category_axes.append(axis)
                if factor.reference is not None:
                    table = np.insert(table, factor.reference, 0.0, axis=axis)
                cell = value.codes if cell is None else cell * len(value.levels) + value.codes
            else:
                number_axes.append(axis)
                block = value.reshape(-1, factor.width)
                numbers = (
                    block if numbers is None else (numbers[:, :, None] * block[:, None, :]).reshape(len(block), -1)
                )
        table = table.transpose([*category_axes, *number_axes])
        if numbers is None:
            return table.reshape(-1)[cell]
        if cell is None:
            return numbers[:, 0] * table.item() if table.size == 1 else numbers @ table.reshape(-1)
        return np.einsum("nq,nq->n", table.reshape(-1, numbers.shape[1])[cell], numbers)

    def _values(self, frame: Frame) -> list[np.ndarray | Codes]:
        return [evaluate(f, frame, dict(self.states)) for f in self.term.factors]

    def to_json(self) -> dict[str, Any]:
        """Return the term and its states as JSON data."""
        coding = [{"levels": f.levels, "reference": f.reference, "width": f.width} for f in self.factors]
        return {"term": str(self.term), "factors": coding, "states": dict(self.states), "kept": self.kept}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TermDesign:
        """Make a term of what :meth:`to_json` returned; its text is parsed and checked anew."""
        parsed = parse(f"_ ~ {data['term'] or 0}")
        if len(parsed.terms) != 1 or parsed.offsets or parsed.groups:
            raise FormulaError(f"{data['term']!r} is not one term of a formula; the stored fit is damaged.")
        factors = tuple(
            Factor(None if f["levels"] is None else tuple(f["levels"]), f["reference"], f["width"])
            for f in data["factors"]
        )
        kept = data.get("kept")
        return cls(parsed.terms[0], factors, data["states"], None if kept is None else tuple(kept))


def learn_terms(terms: tuple[Term, ...], intercept: bool, frame: Frame) -> tuple[TermDesign, ...]:
    """Learn the coding of terms from a column's rows, so that they have full rank together.

    A categorical factor of a term gets a reference level if the term without that factor is spanned by lower terms
    (the intercept is the term without factors), else a column for each level. Where only smaller parts of the term
    are spanned, the columns are left out at which all factors beyond that part stand at their reference.
    """
    spanned: set[frozenset[Expression]] = {frozenset()} if intercept else set()
    designs: dict[Term, TermDesign] = {}
    for term in sorted(terms, key=lambda t: len(t.factors)):
        states: dict[str, State] = {}
        values = [evaluate(expression, frame, states, learn=True) for expression in term.factors]
        whole = frozenset(term.factors)
        factors, references = [], {}
        for expression, value in zip(term.factors, values, strict=True):
            if isinstance(value, Codes):
                reduced = whole - {expression} in spanned
                factors.append(Factor(value.levels, value.reference if reduced else None, len(value.levels)))
                references[expression] = value.reference
            else:
                if value.ndim == 0:
                    raise FormulaError(f"Term {term.name!r} is a number, not a column.")
                factors.append(Factor(None, None, 1 if value.ndim == 1 else value.shape[1]))
        parts = [whole - set(left) for k in range(len(references) + 1) for left in combinations(references, k)]
        kept = _kept(term, factors, references, [part for part in parts if part in spanned])
        designs[term] = TermDesign(term, tuple(factors), states, kept)
        spanned |= set(parts)
    return tuple(designs[term] for term in terms)


def _kept(
    term: Term, factors: list[Factor], references: Mapping[Expression, int], spanned: list[frozenset[Expression]]
) -> tuple[int, ...] | None:
    """Return the columns that the spanned parts of a term leave to it, or None for all."""
    full = {
        e: i for i, (e, f) in enumerate(zip(term.factors, factors, strict=True)) if f.levels and f.reference is None
    }
    # A part that lacks a factor with a reference level has given way to that level already.
    beyond = [set(references) - part for part in spanned]
    beyond = [factors_out for factors_out in beyond if factors_out and factors_out <= set(full)]
    if not beyond:
        return None
    cells = list(product(*(range(len(f.labels)) for f in factors)))
    return tuple(
        i for i, cell in enumerate(cells) if not any(all(cell[full[e]] == references[e] for e in out) for out in beyond)
    )
