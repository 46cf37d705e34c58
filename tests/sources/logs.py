"""The same small log in every format that a source can read, and short ways to read one back."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import zstandard

from trajectory_compiler.config import SourceOptions
from trajectory_compiler.model import Row
from trajectory_compiler.sources import Source, open_source

Record = dict[str, Any]
COLUMNS = (
    "id",
    "session_id",
    "created_at",
    "agent",
    "tool",
    "arguments",
    "response",
    "cost_usd",
    "duration_ms",
    "success",
    "region",
)


def record(session: str, place: int, **more: Any) -> Record:
    """Return one row of a log as its writer would give it."""
    return {
        "id": f"{session}-{place:03d}",
        "session_id": session,
        "created_at": f"2026-03-01T09:00:{place:02d}.250Z",
        "agent": "clerk",
        "tool": "get_ticket",
        "arguments": {"ticket": f"T-{place}"},
        "response": {"state": "open", "owner": f"owner-{place}", "tags": ["a", "b"], "size": 1.5},
        "cost_usd": 0.25,
        "duration_ms": 12.0,
        "success": True,
        "region": "north",
        **more,
    }


def small_log() -> list[Record]:
    """Return two sessions whose rows have every shape that all formats can hold."""
    return [
        record("s-1", 0),
        record("s-1", 1, tool="respond", arguments={"content": "Which ticket?"}, response="T-2, please; it says {urgent}"),
        record("s-1", 2, tool="think", arguments={"thought": "look it up"}, response="noted"),
        record("s-1", 3, response="Error: no such ticket", success=None, cost_usd=None, duration_ms=None),
        record("s-1", 4, tool="update_ticket", response={"error": "locked", "code": 4}, success=None),
        record("s-2", 0, response=[{"ticket": "Ünïcode 😀"}, {"ticket": "line\nbreak"}], success=None),
        record("s-2", 1, response=None, success=None, agent="auditor"),
        record("s-2", 2, success=False),
    ]


def jsonl(records: Iterable[Record]) -> bytes:
    """Return records as JSON Lines."""
    return "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in records).encode()


def cells(item: Record, columns: Sequence[str] = COLUMNS) -> list[Any]:
    """Return a record's values as databases and CSV hold them: JSON as its text."""
    return [json.dumps(item[c], ensure_ascii=False) if isinstance(item[c], dict | list) else item[c] for c in columns]


def csv_text(records: Iterable[Record]) -> bytes:
    """Return records as CSV."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    writer.writerows(cells(item) for item in records)
    return out.getvalue().encode()


def write_sqlite(path: Path, records: Iterable[Record], table: str = "audit") -> None:
    """Write records into a new table of an SQLite database."""
    connection = sqlite3.connect(path)
    kinds = {"cost_usd": "REAL", "duration_ms": "REAL", "success": "BOOLEAN"}
    columns = ", ".join(f"{name} {kinds.get(name, 'TEXT')}" for name in COLUMNS)
    with connection:
        connection.execute(f"CREATE TABLE {table} ({columns})")
        connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(COLUMNS))})", map(cells, records))
    connection.close()


def write_postgres(address: str, records: Iterable[Record], table: str = "audit") -> None:
    """Write records into a new table with the types that such a table should have."""
    import psycopg  # noqa: PLC0415 - an optional part

    with psycopg.connect(address) as connection:
        connection.execute(
            f"""CREATE TABLE {table} (id text, session_id text, created_at timestamptz, agent text, tool text, arguments jsonb,
            response jsonb, cost_usd numeric, duration_ms double precision, success boolean, region text)"""
        )
        for item in records:
            values = [
                item[c] if c not in ("arguments", "response") or item[c] is None else json.dumps(item[c]) for c in COLUMNS
            ]
            connection.execute(f"INSERT INTO {table} VALUES ({', '.join(['%s'] * len(COLUMNS))})", values)


def write_parquet(path: Path, records: Iterable[Record]) -> None:
    """Write records as Parquet, JSON as text (its own types cannot hold rows of different shapes)."""
    import pyarrow as arrow  # noqa: PLC0415 - an optional part
    from pyarrow import parquet  # noqa: PLC0415

    rows = [dict(zip(COLUMNS, cells(item), strict=True)) for item in records]
    parquet.write_table(arrow.Table.from_pylist(rows), path)


WRITERS: dict[str, Callable[[Path, list[Record]], None]] = {
    "jsonl": lambda path, records: _write(path, jsonl(records)),
    "jsonl.gz": lambda path, records: _write(path, gzip.compress(jsonl(records))),
    "jsonl.zst": lambda path, records: _write(path, zstandard.compress(jsonl(records))),
    "csv": lambda path, records: _write(path, csv_text(records)),
    "csv.gz": lambda path, records: _write(path, gzip.compress(csv_text(records))),
    "csv.zst": lambda path, records: _write(path, zstandard.compress(csv_text(records))),
    "parquet": write_parquet,
    "db": write_sqlite,
}


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def open_bytes(folder: Path, data: bytes, name: str = "log.jsonl", **options: Any) -> Source:
    """Write a log file and open it."""
    path = folder / name
    path.write_bytes(data)
    return open_source(str(path), SourceOptions(**options))


def read(source: Source) -> tuple[list[Row], dict[str, int]]:
    """Return the rows of a source and what it counted, by reason."""
    rows = list(source.rows())
    return rows, {finding.reason: finding.count for finding in source.findings()}
