"""A spec: all equations of a table, in an order in which they can be generated."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from bayessynth.errors import SpecError, StorageError, suggest
from bayessynth.rules import Rule, checked, from_json
from bayessynth.spec.equation import Equation
from bayessynth.spec.sequence import check_sequence
from bayessynth.spec.show import draw_graph, html_table, source, text_table
from bayessynth.spec.sort import Declared, as_declared, in_order, with_dots
from bayessynth.spec.survival import Survival, declared

if TYPE_CHECKING:
    import pandas as pd
    import pymc as pm
    from matplotlib.axes import Axes

    from bayessynth.fitting import Fitted
    from bayessynth.fitting.fit import Data
    from bayessynth.privacy import DP, Released
    from bayessynth.schema import Schema
    from bayessynth.spec.auto import Choice
    from bayessynth.suffstats import SufficientStatistics
    from bayessynth.synthesis import SyntheticData
    from bayessynth.trees import TreeSettings

Rest = Literal["error", "keep", "drop", "tree"]
RESTS = ("error", "keep", "drop", "tree")
FORMAT = 1


class Spec:
    """Declare a hierarchical model of a table, one equation a column.

    Parameters
    ----------
    *equations : str, Equation or Survival
        Formulas, or equations where a family, a prior or a second formula is wanted. Their order does not
        matter: the spec sorts itself so that every column comes after those it depends on.
    rest : {"error", "keep", "drop", "tree"}
        What becomes of columns without an equation: an error (default); kept as they are in the original
        (partial synthesis, marked as disclosing); left out of the copies; or drawn by the nonparametric family
        ``"tree"``, each from all columns before it. A grouping factor needs no equation.
    rules : sequence of Rule
        What holds on every row of every copy, by the way in which it is drawn: ``bs.Range("age", 0, 110)``. A column
        that a rule computes (``bs.Derived("bmi", "weight / height**2")``) needs no equation.
    unit, time : str, optional
        Columns that make sequences of the rows: those of a unit (a person, an account) follow each other in ``time``.
        :mod:`bayessynth.spec.sequence` says what formulas may then use. The time needs no equation.

    Raises
    ------
    SpecError
        If a column has two equations, the equations form a cycle, or a rule computes a column that has an equation.
    FormulaError
        If a formula cannot be parsed.

    Examples
    --------
    >>> import bayessynth as bs
    >>> spec = bs.Spec("income ~ age + (1 | site)", "age ~ 1")
    >>> spec.columns
    ('age', 'income')
    >>> spec["income"].factors
    (('site',),)
    """

    def __init__(
        self, *equations: str | Declared, rest: Rest = "error", rules: Sequence[Rule] = (), unit: str | None = None,
        time: str | None = None,
    ) -> None:  # fmt: skip
        if rest not in RESTS:
            raise SpecError(f"rest={rest!r} is not one of {', '.join(map(repr, RESTS))}.{suggest(str(rest), RESTS)}")
        if not equations and not (unit and rest == "tree"):
            raise SpecError("A spec needs at least one equation, such as 'age ~ 1'.")
        own = with_dots(tuple(map(as_declared, equations)))
        check_sequence(own, unit, time)
        self.unit, self.time = unit, time
        self._rules = checked(rules, [c for e in own for c in e.declares])
        self._declared = in_order(own, self._rules, time)
        self._equations = tuple(e for item in self._declared for e in item.equations)
        self._rest: Rest = rest
        self._choices: tuple[Choice, ...] = ()

    @property
    def equations(self) -> tuple[Equation, ...]:
        """The equations, every column after those it depends on; of a survival time one for each latent time."""
        return self._equations

    @property
    def declared(self) -> tuple[Declared, ...]:
        """What was declared, in the order of the equations: these, and survival times."""
        return self._declared

    @property
    def survivals(self) -> tuple[Survival, ...]:
        """The survival times among what was declared."""
        return tuple(item for item in self._declared if isinstance(item, Survival))

    @property
    def rest(self) -> Rest:
        """What becomes of columns without an equation."""
        return self._rest

    @property
    def rules(self) -> tuple[Rule, ...]:
        """What holds on every row of every copy."""
        return self._rules

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that have an equation, in the order of generation."""
        return tuple(c for item in self._declared for c in item.declares)

    @property
    def factors(self) -> tuple[tuple[str, ...], ...]:
        """All grouping factors, as tuples of columns, in the order in which they are first named."""
        own = [(self.unit,)] if self.unit else []
        return tuple(dict.fromkeys([*own, *(f for e in self._equations for f in e.factors)]))

    def __iter__(self) -> Iterator[Equation]:
        return iter(self._equations)

    def __len__(self) -> int:
        return len(self.columns)

    def __contains__(self, column: object) -> bool:
        return column in self.columns

    def __getitem__(self, column: str) -> Equation:
        for equation in sorted(self._equations, key=lambda e: e.response != column):
            if column in (equation.response, *equation.declares):
                return equation
        raise SpecError(f"The spec has no equation for {column!r}.{suggest(column, self.columns)}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Spec) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash(self.hash)

    def replace(self, *equations: str | Declared) -> Spec:
        """Return a spec in which the given equations stand in place of (or beside) those of the same columns.

        >>> import bayessynth as bs
        >>> bs.Spec("age ~ 1", "income ~ age").replace("income ~ 1")["income"]
        Equation('income ~ 1')
        """
        changed = {e.declares[0]: e for e in map(as_declared, equations)}
        kept = [changed.pop(e.declares[0], e) for e in self._declared]
        return self.of(*kept, *changed.values())

    def drop(self, *columns: str) -> Spec:
        """Return a spec without the equations of the given columns.

        >>> import bayessynth as bs
        >>> bs.Spec("age ~ 1", "income ~ 1").drop("income").columns
        ('age',)
        """
        _ = [self[column] for column in columns]  # an unknown one raises
        return self.of(*(e for e in self._declared if set(e.declares).isdisjoint(columns)))

    def of(self, *equations: Declared) -> Spec:
        """Return a spec of other equations, which is else like this one."""
        return Spec(*equations, rest=self._rest, rules=self._rules, unit=self.unit, time=self.time)

    @property
    def hash(self) -> str:
        """A short fingerprint of the spec, which provenance carries."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        """Return the spec as plain JSON data.

        >>> import bayessynth as bs
        >>> spec = bs.Spec("age ~ 1")
        >>> bs.Spec.from_json(spec.to_json()) == spec
        True
        """
        own = [item.to_json() for item in self._declared]
        data: dict[str, Any] = {"format": FORMAT, "rest": self._rest, "equations": own}
        data |= {"unit": self.unit, "time": self.time} if self.unit else {}
        return data | ({"rules": [rule.to_json() for rule in self._rules]} if self._rules else {})

    @classmethod
    def auto(
        cls,
        data: pd.DataFrame,
        *,
        schema: Schema | None = None,
        groups: Sequence[str] | Literal["detect"] | None = "detect",
        strata: str | Sequence[str] | None = None,
        order: Literal["table", "dependence"] = "table",
        random_seed: int = 0,
        unit: str | None = None,
        time: str | None = None,
    ) -> Spec:
        """Write a spec for any table; :func:`bayessynth.spec.auto.write` describes the arguments.

        ``spec.explain()`` then says what was chosen for each column, and why.

        Examples
        --------
        >>> import bayessynth as bs
        >>> spec = bs.Spec.auto(bs.datasets.load("rand_hie")[["female", "age", "income"]])
        >>> sorted(spec.columns)
        ['age', 'female', 'income']
        """
        from bayessynth.spec.auto import write

        spec, found = write(data, schema=schema, groups=groups, strata=strata, order=order, random_seed=random_seed,
                            unit=unit, time=time)  # fmt: skip
        spec._choices = found
        return spec

    def explain(self) -> pd.DataFrame:
        """Say what :meth:`auto` chose for each column: kind, family, predictors, level, and why.

        Raises
        ------
        SpecError
            If the spec was not written by :meth:`auto`.
        """
        from bayessynth.spec.auto import explain

        if not self._choices:
            raise SpecError("Only a spec of Spec.auto(df) has choices to explain; print(spec) shows what this says.")
        return explain(self._choices)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Spec:
        """Make a spec of what :meth:`to_json` returned; formulas are parsed and checked anew."""
        if data.get("format", 0) > FORMAT:
            raise StorageError(
                f"This spec has format {data['format']}, newer than the {FORMAT} that this version of bayessynth "
                "reads: upgrade bayessynth."
            )
        rules = tuple(map(from_json, data.get("rules", ())))
        return cls(*map(declared, data["equations"]), rest=data.get("rest", "error"), rules=rules,
                   unit=data.get("unit"), time=data.get("time"))  # fmt: skip

    def to_python(self) -> str:
        """Return Python source that makes the same spec, to edit and run.

        >>> import bayessynth as bs
        >>> print(bs.Spec("age ~ 1").to_python())
        spec = bs.Spec(
            bs.Equation('age ~ 1'),
        )
        """
        return source(self, self._declared)

    def __repr__(self) -> str:
        return text_table(self)

    def _repr_html_(self) -> str:
        return html_table(self)

    def graph(self, ax: Axes | None = None) -> Axes:
        """Draw the directed acyclic graph of the columns, with the grouping factors of each.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; by default a new figure.

        Returns
        -------
        matplotlib.axes.Axes

        Examples
        --------
        >>> import bayessynth as bs
        >>> ax = bs.Spec("age ~ 1", "income ~ age + (1 | site)").graph()
        """
        return draw_graph(self, ax)

    def priors(
        self, data: pd.DataFrame | None = None, schema: Schema | None = None, *, privacy: DP | None = None
    ) -> pd.DataFrame:
        """List every parameter with its prior.

        Parameters
        ----------
        data : DataFrame, optional
            What the default priors are scaled to. Without it, only declared priors are listed.
        schema : Schema, optional
            Kinds of the columns; detected if not given.
        privacy : DP, optional
            In place of data: priors of a fit with formal privacy, scaled to the domain.

        Returns
        -------
        DataFrame
            One row a parameter: ``column``, ``parameter`` (the key for ``priors=``), ``prior``, ``source``
            (``"declared"`` or ``"default"``).

        Examples
        --------
        >>> import bayessynth as bs
        >>> bs.Spec(bs.Equation("age ~ 1", family="normal",
        ...                     priors={"sigma": bs.Prior("HalfNormal", sigma=10)})).priors()
          column parameter                 prior    source
        0    age     sigma  HalfNormal(sigma=10)  declared
        """
        from bayessynth.design import prior_table

        if privacy is None:
            return prior_table(self, data, schema)
        from bayessynth.fitting.public_facts import public_priors

        return public_priors(self, privacy.known())

    def fit(
        self,
        data: Data,
        *,
        schema: Schema | None = None,
        missing: Literal["error", "drop", "model"] = "error",
        engine: str = "auto",
        draws: int = 1000,
        tune: int = 1000,
        chains: int = 4,
        copies: int = 20,
        random_seed: int | None = None,
        cores: int | None = None,
        privacy: DP | None = None,
        keep_groups: bool = False,
        trees: TreeSettings | None = None,
        progress: bool = True,
    ) -> Fitted:
        """Fit every equation to the data; :func:`bayessynth.fitting.fit` describes the arguments.

        Examples
        --------
        >>> import bayessynth as bs
        >>> table = bs.datasets.load("rand_hie")[["income"]]
        >>> bs.Spec("incme ~ 1").fit(table)
        Traceback (most recent call last):
        ...
        bayessynth.errors.SpecError: Column 'incme' (the left side of its equation) is not in the data. Did you mean
        'income'? The data have: income.
        """
        from bayessynth.fitting import fit

        return fit(self, data, schema=schema, missing=missing, engine=engine, draws=draws, tune=tune, chains=chains,
                   copies=copies, random_seed=random_seed, cores=cores, privacy=privacy, keep_groups=keep_groups,
                   trees=trees, progress=progress)  # fmt: skip

    def sufficient_statistics(
        self,
        data: Any,
        *,
        schema: Schema | None = None,
        missing: Literal["error", "drop"] = "error",
        like: SufficientStatistics | None = None,
        privacy: DP | None = None,
    ) -> SufficientStatistics | Released:
        """Reduce a table, however large, to what a fit needs; see :func:`bayessynth.suffstats.sufficient_statistics`.

        ``privacy=bs.DP(…)`` spends its budget: they are noisy, and a :class:`bayessynth.Released`.

        Examples
        --------
        >>> import bayessynth as bs
        >>> table = bs.datasets.load("rand_hie")[["income"]]
        >>> statistics = bs.Spec(bs.Equation("income ~ 1", family="normal")).sufficient_statistics(table)
        >>> statistics.n, statistics.exact
        (3459, True)
        """
        from bayessynth.suffstats import sufficient_statistics

        if privacy is not None:
            from bayessynth.fitting.private import release

            return release(self, data, privacy, schema=schema, missing=missing, like=like)
        return sufficient_statistics(self, data, schema=schema, missing=missing, like=like)

    def to_pymc(
        self, data: pd.DataFrame, *, schema: Schema | None = None, missing: Literal["error", "drop"] = "error"
    ) -> dict[str, pm.Model]:
        """Return the PyMC model of every equation, by column; see :func:`bayessynth.fitting.to_pymc`."""
        from bayessynth.fitting import to_pymc

        return to_pymc(self, data, schema=schema, missing=missing)

    def synthesize_prior(
        self, data: pd.DataFrame | Schema, m: int = 5, k: int | None = None, *, schema: Schema | None = None,
        n: int = 1000, random_seed: int | None = None,
    ) -> SyntheticData:  # fmt: skip
        """Draw copies from the prior predictive; see :func:`bayessynth.synthesis.synthesize_prior`."""
        from bayessynth.synthesis import synthesize_prior

        return synthesize_prior(self, data, m, k, schema=schema, n=n, random_seed=random_seed)
