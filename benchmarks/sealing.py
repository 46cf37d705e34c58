"""`python -m benchmarks.sealing`: how fast rows are sealed and verified, beside a plain read of the same rows in the same run.

The floor reads what a seal reads, in the same order and by the same driver, and does nothing with it. Each job runs in a
process of its own; of three rounds the fastest by the clock counts, since the server works beside us on the same cores.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import secrets
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from benchmarks.ledger import server
from trajectory_compiler.config import SourceOptions
from trajectory_compiler.ledger.initialise import initialise
from trajectory_compiler.ledger.note import read_verifier
from trajectory_compiler.ledger.schema import TABLE, Names
from trajectory_compiler.ledger.seal import SealOptions, seal
from trajectory_compiler.ledger.seal_store import SealStore
from trajectory_compiler.ledger.table import open_sealed_table
from trajectory_compiler.ledger.verify import verify
from trajectory_compiler.store.clock import utc_now

ROWS, QUICK_ROWS, ROUNDS = 100_000, 2_000, 3
GOAL_ROWS_PER_SECOND = 40_000
FETCHED = 2_000
_UNIT = 1 if sys.platform == "darwin" else 1024  # ru_maxrss: bytes on macOS, KiB elsewhere
_COLUMNS = "session_id, agent, tool, arguments, response, cost_usd, duration_ms"
_MADE = """
    SELECT 's-' || g / 20, 'clerk', 'search_orders', json_build_object('query', 'parcel ' || g, 'limit', 10),
      json_build_object('order', 'o-' || g, 'text', repeat('on its way to "the north depot", due on Friday. ', 30)),
      g * 0.001, 12.5
    FROM generate_series(1, %s) AS g
"""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement: `floor`, `seal` or `verify`, of a table at a location; the seals lie in `folder`."""

    what: str
    location: str
    table: str
    folder: str


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What a job cost: rows a second by the clock, and per second of our own processor time; `times_floor` by the clock."""

    log: str
    what: str
    rows: int
    rows_per_second: float
    rows_per_cpu_second: float
    times_floor: float
    peak_mb: float


def main(arguments: list[str] | None = None) -> int:
    """Measure, print a table or JSON, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sealing", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS:,} rows")
    parser.add_argument("--rows", type=int, default=None, help=f"how many rows of 1.7 KB (default {ROWS:,})")
    parser.add_argument("--json", action="store_true", help="print the measures as JSON")
    options = parser.parse_args(arguments)
    rows = options.rows or (QUICK_ROWS if options.quick else ROWS)
    with tempfile.TemporaryDirectory(prefix="trajc-seal-") as folder:
        lines = list(measured_logs(Path(folder), rows))
    if options.json:
        sys.stdout.buffer.write(msgspec.json.encode(lines) + b"\n")
        return 0
    print(f"Goal: {GOAL_ROWS_PER_SECOND:,} rows a second\n")
    print("| log | what | rows | rows/s | rows/CPU s | x floor | peak MB |\n|---|---|--:|--:|--:|--:|--:|")
    for line in lines:
        speed = f"{line.rows_per_second:,.0f} | {line.rows_per_cpu_second:,.0f} | {line.times_floor:.2f}"
        print(f"| {line.log} | {line.what} | {line.rows:,} | {speed} | {line.peak_mb:.0f} |")
    return 0


def measured_logs(folder: Path, rows: int) -> list[Line]:
    """Measure somebody's table and a ledger of ours in PostgreSQL, and a table in SQLite."""
    lines = measured("a table in SQLite", str(_in_sqlite(folder / "log.db", rows)), "audit", folder / "sqlite", rows)
    running = server(folder)
    address = running.get_uri()
    _in_postgres(address, rows)
    lines += measured("a table in PostgreSQL", address, "audit", folder / "postgres", rows)
    lines += measured("a ledger of ours in PostgreSQL", address, TABLE, folder / "own", rows)
    running.cleanup()
    return lines


def measured(log: str, location: str, table: str, folder: Path, rows: int) -> list[Line]:
    """Measure one log: floor and seal in turn, then verify."""
    best: dict[str, tuple[float, float, float]] = {}
    for number in range(ROUNDS):
        for what in ("floor", "seal", "verify"):
            print(f"{log}: {what}", file=sys.stderr, flush=True)
            job = Job(what=what, location=location, table=table, folder=str(folder / str(number)))
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                found = pool.apply(run, (job, rows))
            best[what] = min(found, best.get(what, found))
    floor = best["floor"][0]
    return [
        Line(
            log=log,
            what={"floor": "floor: read the rows"}.get(what, what),
            rows=rows,
            rows_per_second=rows / clock,
            rows_per_cpu_second=rows / cpu,
            times_floor=clock / floor,
            peak_mb=peak / 1e6,
        )
        for what, (clock, cpu, peak) in best.items()
    ]


def run(job: Job, rows: int) -> tuple[float, float, float]:
    """Do a job and return its seconds by the clock and by our processor time, and the peak of memory in bytes."""
    jobs: dict[str, Callable[[Job], int]] = {"floor": _read, "seal": _seal, "verify": _verify}
    clock, cpu = time.perf_counter(), time.process_time()
    done = jobs[job.what](job)
    spent = time.perf_counter() - clock, time.process_time() - cpu
    if done != rows:
        raise AssertionError(f"{job.what} of {job.table}: {done:,} of {rows:,} rows")
    return *spent, float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT)


def _read(job: Job) -> int:
    rows = 0
    if not job.location.startswith("postgres"):
        cursor = sqlite3.connect(job.location).execute(f"SELECT * FROM {job.table} ORDER BY id")
        while fetched := cursor.fetchmany(FETCHED):
            rows += len(fetched)
        return rows
    import psycopg  # noqa: PLC0415  # an optional part

    query = f"COPY (SELECT * FROM {job.table} ORDER BY id) TO STDOUT"
    with psycopg.connect(job.location) as connection, connection.cursor() as reading, reading.copy(query) as copy:
        for _ in copy:
            rows += 1
    return rows


def _options(job: Job) -> SealOptions:
    folder = Path(job.folder)
    return SealOptions(
        seals=folder / "seals.db",
        key=folder / "key",
        places=(str(folder / "checkpoint"),),
        source=SourceOptions(table=job.table),
    )


def _seal(job: Job) -> int:
    return seal(job.location, _options(job), utc_now, secrets.token_bytes).sealed


def _verify(job: Job) -> int:
    options = _options(job)
    with SealStore.open(options.seals) as store:
        table = open_sealed_table(job.location, store, SourceOptions())
        note = Path(options.places[0]).read_text(encoding="utf-8")
        return verify(table, store, [note], read_verifier(f"{options.key}.pub")).intact


def _in_postgres(address: str, rows: int) -> None:
    """Make somebody's table and a ledger of ours, each with the same rows."""
    import psycopg  # noqa: PLC0415  # an optional part

    initialise(address, Names.of(TABLE))
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE audit (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, created_at timestamptz DEFAULT"
            " clock_timestamp(), session_id text, agent text, tool text, arguments jsonb, response jsonb, cost_usd numeric,"
            " duration_ms numeric)"
        )
        for table in ("audit", TABLE):
            connection.execute(f"INSERT INTO {table} ({_COLUMNS}) {_MADE}", [rows])
            connection.execute(f"VACUUM ANALYZE {table}")


def _in_sqlite(path: Path, rows: int) -> Path:
    """Make a table in a file."""
    text = 'on its way to "the north depot", due on Friday. ' * 30
    with sqlite3.connect(path) as connection:
        connection.execute(f"CREATE TABLE audit (id INTEGER PRIMARY KEY, created_at TEXT, {_COLUMNS})")
        connection.executemany(
            f"INSERT INTO audit (created_at, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    "2026-01-31T12:00:00.000250Z",
                    f"s-{number // 20}",
                    "clerk",
                    "search_orders",
                    json.dumps({"query": f"parcel {number}", "limit": 10}),
                    json.dumps({"order": f"o-{number}", "text": text}),
                    number * 0.001,
                    12.5,
                )
                for number in range(rows)
            ),
        )
    connection.close()
    return path


if __name__ == "__main__":
    sys.exit(main())
