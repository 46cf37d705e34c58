"""Keep the README true: run the demo and put what it prints between the README's two marks."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BEGIN = "<!-- demo output: written by `make docs`, checked by a test -->\n```text\n"
END = "```\n<!-- end of demo output -->"
COLUMNS = 120


def demo_output() -> str:
    """Return what `trajc demo` prints in a fresh folder, on a terminal of 120 columns without colour."""
    environment = {**os.environ, "COLUMNS": str(COLUMNS), "NO_COLOR": "1", "TERM": "dumb"}
    command = [sys.executable, "-m", "trajectory_compiler", "demo"]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return "".join(f"{line.rstrip()}\n" for line in done.stdout.strip().splitlines())


def shown_output(page: str) -> str:
    """Return what the page shows between the marks. Raises ValueError: a mark is missing."""
    start = page.index(BEGIN) + len(BEGIN)
    return page[start : page.index(END, start)]


def main() -> int:
    """Write the README anew."""
    readme = ROOT / "README.md"
    page = readme.read_text(encoding="utf-8")
    start = page.index(BEGIN) + len(BEGIN)
    readme.write_text(page[:start] + demo_output() + page[page.index(END, start) :], encoding="utf-8")
    print("README.md: the demo's output")
    return 0


if __name__ == "__main__":
    sys.exit(main())
