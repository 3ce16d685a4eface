"""The two pages that an evaluation writes: the report for the data's steward, and the public card."""

from __future__ import annotations

import os
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from bayessynth._version import __version__
from bayessynth.evaluation.evaluation import Evaluation
from bayessynth.report.card import card
from bayessynth.report.distributions import OPEN, panels
from bayessynth.report.glance import scale
from bayessynth.report.graph import graph_drawing
from bayessynth.report.grouped import spreads
from bayessynth.report.pairs import pair, worst_pairs
from bayessynth.report.sections import ROOMS, diagnosis_parts, facts, flattened, glance, reasons, rooms, sentence
from bayessynth.report.survival import survival_panels
from bayessynth.report.trajectories import trajectory_panels

if TYPE_CHECKING:
    from jinja2 import Environment

    from bayessynth.synthesis import SyntheticData

# Characters that no page may hold; a column may be named with one all the same.
_CONTROLS = {c: "\ufffd" for c in (*range(9), 11, 12, *range(14, 32), *range(127, 160), 0xFFFE, 0xFFFF)}


def write_report(evaluation: Evaluation, path: str | os.PathLike[str]) -> Path:
    """Write the report for the data's steward: one page that needs no network. It compares with original records.

    Parameters
    ----------
    evaluation : Evaluation
    path : path-like
        A file of that name is replaced; until the page is complete it has a temporary name.

    Returns
    -------
    Path

    Examples
    --------
    >>> import tempfile
    >>> import pandas as pd
    >>> import bayessynth as bs
    >>> table = pd.DataFrame({"s": ["a", "b", "b", "a"] * 10})
    >>> result = bs.evaluate(table, table, measures=["univariate"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_report(result, f"{folder}/report.html").stat().st_size < 100_000
    True
    """
    return _write(report_html(evaluation), Path(path))


def write_card(source: Evaluation | SyntheticData, path: str | os.PathLike[str]) -> Path:
    """Write the public card: how the copies were made and how to analyse them; no comparison with original records.

    Parameters
    ----------
    source : Evaluation or SyntheticData
        What was judged, or copies alone.
    path : path-like

    Returns
    -------
    Path

    Examples
    --------
    >>> import tempfile
    >>> import pandas as pd
    >>> import bayessynth as bs
    >>> table = pd.DataFrame({"s": ["a", "b", "b", "a"] * 10})
    >>> result = bs.evaluate(table, table, measures=["univariate"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     "Total variation" in write_card(result, f"{folder}/card.html").read_text()
    False
    """
    return _write(card_html(source), Path(path))


def report_html(evaluation: Evaluation) -> str:
    """Return the report as text; :func:`write_report` writes it to a file."""
    tables = evaluation.tables
    spec = getattr(tables.fitted, "spec", None)
    diagnosis = evaluation.diagnosis
    pairs = [pair(tables, *names) for names in worst_pairs(evaluation.of("utility"), tables)]
    groups = [(g, found) for g in tables.groups if (found := spreads(tables, g))]
    copies = f"{tables.m} {'copy' if tables.m == 1 else 'copies'}"
    contents = [("verdict", "Verdict"), ("glance", "At a glance"), ("made", "Spec and provenance")]
    contents += [("diagnostics", "Diagnostics")] if diagnosis else []
    contents += [(key, own[0]) for key, own in ROOMS.items() if evaluation.of(key)]
    contents += [("columns", "Columns")]
    contents += [("pairs", "Pairs")] if pairs else []
    contents += [("groups", "Groups")] if groups else []
    survival = survival_panels(tables)
    contents += [("survival", "Survival")] if survival else []
    trajectories = trajectory_panels(tables)
    contents += [("trajectories", "In time")] if trajectories else []
    return _render(
        "report.html.j2",
        title=f"Evaluation of {copies}",
        subtitle=f"{tables.n:,} original rows, {tables.k:,} rows in a copy, {len(tables.columns)} columns, "
        + (f"{tables.holdout.n:,} holdout rows" if tables.holdout else "no holdout"),
        contents=contents,
        verdict=evaluation.verdict,
        sentence=sentence(evaluation),
        reasons=reasons(evaluation),
        scale=scale(),
        glance=list(glance(evaluation)),
        spec=None if spec is None else {"table": Markup(spec._repr_html_()), "graph": graph_drawing(spec)},
        provenance=list(flattened(tables.provenance)) if tables.provenance else None,
        facts=facts(tables),
        diagnosis=None if diagnosis is None else {
            "verdict": diagnosis.verdict, "reasons": diagnosis.reasons, "parts": diagnosis_parts(diagnosis),
        },
        rooms=rooms(evaluation),
        panels=panels(tables),
        open=OPEN,
        pairs=pairs,
        groups=groups,
        survival=survival,
        trajectories=trajectories,
    )  # fmt: skip


def card_html(source: Evaluation | SyntheticData) -> str:
    """Return the public card as text; :func:`write_card` writes it to a file."""
    return _render("card.html.j2", card=card(source), title="Synthetic data card")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("bayessynth.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )


def _render(template: str, **content: Any) -> str:
    environment = _environment()
    style = Markup((Path(__file__).parent / "templates" / "style.css").read_text(encoding="utf-8"))
    text = environment.get_template(template).render(style=style, version=__version__, **content)
    return text.translate(_CONTROLS)


def _write(text: str, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode("utf-8", errors="replace"))
        Path(temporary).chmod(0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path
