"""The drawing of a spec's graph as part of a page."""

from __future__ import annotations

import io
import re
import warnings
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from markupsafe import Markup

if TYPE_CHECKING:
    from bayessynth.spec import Spec

# Names of columns are text, never mathematics; letters stay letters, so that a reader can search them.
_PLAIN: dict[Any, Any] = {"svg.fonttype": "none", "text.parse_math": False, "svg.hashsalt": "bayessynth"}


def graph_drawing(spec: Spec) -> Markup:
    """Return ``spec.graph()`` as inline SVG.

    Matplotlib's style sheet, which would rule the whole page, and its metadata are taken out, and its ids are kept
    apart from those of the page.

    Examples
    --------
    >>> import bayessynth as bs
    >>> drawn = graph_drawing(bs.Spec("x ~ 1", "y ~ x"))
    >>> drawn.startswith("<svg"), "http" in drawn
    (True, False)
    """
    buffer = io.StringIO()
    with mpl.rc_context(_PLAIN), warnings.catch_warnings():
        # The reader's browser has the letters that Matplotlib's font lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure: Any = spec.graph().figure
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    plt.close(figure)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>|<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r' xmlns(:xlink)?="[^"]*"', "", text, count=2)
    text = re.sub(r' id="|url\(#|href="#', lambda found: f"{found[0]}graph-", text)
    said = f"Graph of {len(spec)} equations"
    start = f'<svg role="img" aria-label="{said}" style="stroke-linejoin: round; stroke-linecap: butt"'
    return Markup(text.replace("<svg", start, 1))
