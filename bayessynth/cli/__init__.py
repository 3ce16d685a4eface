"""The command line: one file a command, nothing heavy imported before a command runs.

Exit codes: 0 all went well, 1 a verdict says "fail" (of a fit's diagnostics, or of an evaluation), 2 an error of the
user's input.
"""

from __future__ import annotations

from bayessynth.cli.app import app
from bayessynth.cli.auto import auto
from bayessynth.cli.datasets import datasets
from bayessynth.cli.demo import demo
from bayessynth.cli.evaluate import compare, evaluate
from bayessynth.cli.fit import fit
from bayessynth.cli.show import show
from bayessynth.cli.synthesize import synthesize

__all__ = ["app", "main"]

for command in (demo, auto, fit, synthesize, evaluate, compare, show, datasets):
    app.command()(command)


def main() -> None:
    """Run the command line.

    Examples
    --------
    >>> import sys
    >>> sys.argv = ["bayessynth", "datasets"]
    >>> main()
    Traceback (most recent call last):
    ...
    SystemExit: 0
    """
    app(prog_name="bayessynth")
