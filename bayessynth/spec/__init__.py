"""What the user declares: formulas, priors, equations, the spec. Imports no PyMC and evaluates no data."""

from bayessynth.spec.cause import Cause
from bayessynth.spec.equation import Equation
from bayessynth.spec.expression import Call, Expression, Literal, Name, Operation, names, quote, text
from bayessynth.spec.formula import Formula, GroupTerm, Term, parse
from bayessynth.spec.language import FUNCTIONS
from bayessynth.spec.spec import Spec
from bayessynth.spec.survival import CENSORED, Survival

__all__ = [
    "CENSORED",
    "FUNCTIONS",
    "Call",
    "Cause",
    "Equation",
    "Expression",
    "Formula",
    "GroupTerm",
    "Literal",
    "Name",
    "Operation",
    "Spec",
    "Survival",
    "Term",
    "names",
    "parse",
    "quote",
    "text",
]
