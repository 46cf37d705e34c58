"""A small log: some sessions of the demo's business, or rows written by hand."""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from trajectory_compiler.demo import write_demo_log

LENGTHS = range(9, 45)
SESSIONS = 14


def write_small_log(path: Path, sessions: int = SESSIONS) -> Path:
    """Write the first sessions of middling length of the demo log."""
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.jsonl"
        write_demo_log(whole)
        found: dict[str, list[str]] = defaultdict(list)
        for line in whole.read_text(encoding="utf-8").splitlines():
            found[json.loads(line)["session_id"]].append(line)
    chosen = [lines for lines in found.values() if len(lines) in LENGTHS][:sessions]
    path.write_text("".join(f"{line}\n" for lines in chosen for line in lines), encoding="utf-8")
    return path


def row(number: int, session: str = "s-1", **more: Any) -> dict[str, Any]:
    """Return a row that reads a ticket."""
    return {
        "id": f"{session}-{number:04d}",
        "session_id": session,
        "created_at": f"2026-03-01T09:{number // 60 % 60:02d}:{number % 60:02d}Z",
        "agent": "clerk",
        "tool": "get_ticket",
        "arguments": {"ticket_id": f"T-{number}"},
        "response": {"owner": f"o-{number}"},
    } | more


def write_rows(path: Path, rows: Iterable[dict[str, Any] | str]) -> Path:
    """Write rows as JSONL; a string is written as it is."""
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), encoding="utf-8")
    return path
