"""Copies to a directory of CSV files, one a copy."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bayessynth.synthesis.manifest import check_new
from bayessynth.synthesis.progress import reporting
from bayessynth.synthesis.source import Source


def write_csv(
    source: Source, m: int, provenance: Mapping[str, Any], directory: str | os.PathLike[str], progress: bool
) -> Path:
    """Write all copies; :meth:`SyntheticData.to_csv` says how."""
    target = Path(directory)
    check_new(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    width = max(3, len(str(m - 1)))
    known = [source.rows(j) for j in range(m)]
    total = None if None in known else sum(rows for rows in known if rows is not None)
    try:
        with reporting("Writing copies", total, progress) as advance:
            for j in range(m):
                with open(temporary / f"copy-{j:0{width}d}.csv", "w", encoding="utf-8", newline="") as file:
                    for i, frame in enumerate(source.frames(j, None, None)):
                        frame.to_csv(file, header=i == 0, index=False)
                        advance(len(frame))
        (temporary / "provenance.json").write_text(json.dumps(provenance, indent=2), encoding="utf-8")
        if target.exists():
            target.rmdir()
        temporary.chmod(0o755)
        temporary.rename(target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return target
