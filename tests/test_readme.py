"""The README's first example runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


@pytest.mark.filterwarnings("ignore::bayessynth.errors.BayesSynthWarning")
def test_the_first_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(blocks[0], str(README), "exec"), names)
    assert (tmp_path / "report.html").stat().st_size > 10_000
    assert {path.name for path in (tmp_path / "fit").iterdir()} >= {"fit.json", "posterior.nc", "groups.npz"}
    assert len(list((tmp_path / "out").rglob("*.parquet"))) == 20
