"""Execute notebooks/*.ipynb in reading order and write the outputs back.

``--check`` leaves the files as they are. A cell that raises ends the run with its traceback.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "notebooks"


def execute(path: Path, write: bool) -> None:
    """Run one notebook in its own folder and report how long it took."""
    start = time.perf_counter()
    notebook = nbformat.read(path, as_version=4)
    # Recorded times would change the file at every run.
    client = NotebookClient(
        notebook, timeout=1200, record_timing=False, resources={"metadata": {"path": str(path.parent)}}
    )
    client.execute()
    if write:
        nbformat.write(notebook, path)
    print(f"{path.name}: {time.perf_counter() - start:.0f} s", flush=True)


def main() -> None:
    """Execute every notebook, or those named."""
    names = [Path(argument) for argument in sys.argv[1:] if argument != "--check"]
    paths = names or sorted(FOLDER.glob("*.ipynb"))
    if not paths:
        print("no notebooks to execute")
    for path in paths:
        execute(path, write="--check" not in sys.argv)


if __name__ == "__main__":
    main()
