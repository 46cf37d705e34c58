"""The logs that are measured on, written line by line so that this process stays small."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

from benchmarks.measure import ROOT, Log
from benchmarks.renaming import Renamer
from trajectory_compiler.demo import write_demo_log

RECORDED = ROOT.parent / "shared" / "data" / "tau_airline.jsonl"
_START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


def write_log(path: Path, name: str, lines: Iterable[bytes]) -> Log:
    """Write lines to a file and say what it holds."""
    rows = size = 0
    with path.open("wb") as file:
        for line in lines:
            file.write(line)
            rows += 1
            size += len(line)
    return Log(name=name, path=str(path), rows=rows, bytes=size)


def demo_log(path: Path, scale: int) -> Log:
    """Write the demo log, so many times its usual size."""
    written = write_demo_log(path, 0, scale)
    return Log(name=f"demo x{scale}", path=str(path), rows=written.rows, bytes=path.stat().st_size)


def copies(renamer: Renamer, wanted: int) -> Iterator[bytes]:
    """Yield so many copies of a log, the log as it is first."""
    for number in range(wanted):
        yield from renamer.copy(number)


def one_session(renamer: Renamer, turns: int) -> Iterator[bytes]:
    """Yield the rows of a log, copy after copy, as the turns of one long session, five seconds apart."""
    written = number = 0
    while written < turns:
        for line in renamer.copy(number):
            row = orjson.loads(line)
            stamp = (_START + timedelta(seconds=5 * written)).strftime("%Y-%m-%dT%H:%M:%SZ")
            yield orjson.dumps({**row, "id": f"{written:09d}", "session_id": "long", "created_at": stamp}) + b"\n"
            written += 1
            if written == turns:
                return
        number += 1
