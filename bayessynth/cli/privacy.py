"""What the command line takes for a formal guarantee."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bayessynth.errors import BayesSynthError, PrivacyError, StorageError

if TYPE_CHECKING:
    from bayessynth.privacy import DP, Domain

Epsilon = Annotated[
    float | None, typer.Option(help="Spend a privacy budget: (epsilon, delta)-differential privacy. Needs --domain.")
]
Delta = Annotated[float | None, typer.Option(help="The budget's delta, well below 1 / rows, such as 1e-6.")]
DomainFile = Annotated[
    Path | None, typer.Option("--domain", metavar="JSON", help="Public bounds and levels, as Domain.to_json has them.")
]
Person = Annotated[
    str | None, typer.Option(metavar="COLUMN", help="Protect persons, named in this column, instead of records.")
]
Cap = Annotated[int | None, typer.Option(min=1, help="How many rows of a person are used at most.")]
Weighted = Annotated[
    bool, typer.Option("--weighted", help="Use all rows of a person, with weights that sum to one, instead of a cap.")
]
Planned = Annotated[bool, typer.Option("--plan", help="Print what the budget would buy, and spend nothing.")]
Rows = Annotated[
    int | None,
    typer.Option(min=1, help="About how many rows the table has, as far as the public knows; for --plan."),
]


def asked(
    epsilon: float | None, delta: float | None, domain: Path | None, person: str | None, cap: int | None,
    weighted: bool, rows: int | None, plan: bool,
) -> DP | None:  # fmt: skip
    """Return the request for a formal guarantee, or None if none is asked for.

    Raises
    ------
    PrivacyError
        If options are left out that belong together.
    StorageError
        If the domain cannot be read.
    """
    if epsilon is None:
        given = {"--delta": delta, "--domain": domain, "--person": person, "--cap": cap,
                 "--weighted": weighted or None, "--rows": rows, "--plan": plan or None}  # fmt: skip
        stray = next((name for name, value in given.items() if value is not None), None)
        if stray is not None:
            raise PrivacyError(f"{stray} goes with a privacy budget: state --epsilon, --delta and --domain.")
        return None
    from bayessynth.privacy import DP, Unit

    if delta is None:
        raise PrivacyError("--epsilon needs --delta, well below 1 / rows, such as 1e-6.")
    if domain is None:
        raise PrivacyError("--epsilon needs --domain: the public bounds and levels of the columns in a JSON file.")
    if plan and rows is None:
        raise PrivacyError("--plan needs --rows: about how many rows the table has, as far as the public knows.")
    if (person is None) != (cap is None and not weighted) or (cap is not None and weighted):
        raise PrivacyError(
            "--person goes with --cap or --weighted: the column that names persons, and how many rows of each are "
            "used, or that all are, with weights."
        )
    unit = Unit() if person is None else Unit(person, cap=cap or 1, weighted=weighted)
    return DP(epsilon, delta, unit, read_domain(domain))


def read_domain(path: Path) -> Domain:
    """Return the domain in a JSON file.

    Raises
    ------
    StorageError
        If there is no such file, or it holds no domain.
    """
    from bayessynth.privacy import Domain

    if not path.is_file():
        raise StorageError(f"There is no file {path}.")
    try:
        return Domain.from_json(json.loads(path.read_text(encoding="utf-8")))
    except BayesSynthError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StorageError(
            f"{path} is no domain that Domain.to_json wrote: {type(error).__name__}: {error}. It holds 'columns' (each "
            "with 'low' and 'high', or 'values') and 'source'."
        ) from error
