"""Short ways to write a log of an agent's own format and to compare its rows."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from trajectory_compiler.model import Row

Line = dict[str, Any]


def write_lines(path: Path, lines: Iterable[Any]) -> Path:
    """Write one JSON value a line; a text is written as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return path


def told(rows: Iterable[Row]) -> list[tuple[str, str, Any, Any]]:
    """Return what a test compares of rows."""
    return [(row.tool, row.kind, row.arguments, row.response) for row in rows]
