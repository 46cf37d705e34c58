"""Eight writers at once into a ledger in an SQLite file, against the same table without its triggers."""

from __future__ import annotations

import multiprocessing
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec

from benchmarks.ledger import GUARDS, PLAIN, ROUNDS, WORDS, WRITERS, Cost, row, summed
from trajectory_compiler.ledger.initialise import initialise
from trajectory_compiler.ledger.schema import TABLE, Names, insert_statement

WAY = "SQLite: 100 rows a transaction"
_ROWS = 100
_BUSY_SECONDS = 120


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What one writer writes: `rows` rows from `first` on."""

    path: str
    writer: int
    first: int
    rows: int


def measured_files(folder: Path, rows: int) -> Iterator[tuple[str, str, int, Cost, float]]:
    """Yield what `ledger.measured_tables` yields, for files. Processor time is the writers': SQLite runs inside them."""
    files = {table: create_file(folder / f"{table}.db", plain=table == PLAIN) for table in (PLAIN, GUARDS)}
    costs = dict.fromkeys(files, Cost(server_seconds=0, wall_seconds=0))
    number = rows // (WRITERS * ROUNDS) * WRITERS * ROUNDS
    for turn in range(ROUNDS):
        for table, path in files.items():
            print(f"{WAY}: {WORDS[table]}", file=sys.stderr, flush=True)
            costs[table] = summed(costs[table], write(path, turn * number // ROUNDS, number // ROUNDS))
    for table, cost in costs.items():
        yield WAY, table, number, cost, cost.server_seconds / costs[PLAIN].server_seconds


def create_file(path: Path, *, plain: bool) -> Path:
    """Make a ledger, or the same tables and indexes without triggers."""
    initialise(str(path), Names.of(TABLE))
    if plain:
        with closing(sqlite3.connect(path)) as connection:
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                connection.execute(f"DROP TRIGGER {name}")
    return path


def write(path: Path, first: int, rows: int) -> Cost:
    """Write rows with all writers at once; every tenth transaction is sent twice."""
    each = rows // WRITERS
    parts = [Part(path=str(path), writer=w, first=first + w * each, rows=each) for w in range(WRITERS)]
    with multiprocessing.get_context("spawn").Pool(WRITERS) as pool:
        costs = pool.map(write_part, parts, chunksize=1)
    return Cost(
        server_seconds=sum(cost.server_seconds for cost in costs), wall_seconds=max(cost.wall_seconds for cost in costs)
    )


def write_part(part: Part) -> Cost:
    """Be one writer. The rows are made before the clock starts."""
    statement = insert_statement("sqlite", Names.of(TABLE))
    rows = [tuple(row(part.writer, number).values()) for number in range(part.first, part.first + part.rows)]
    with closing(sqlite3.connect(part.path, isolation_level=None, timeout=_BUSY_SECONDS)) as connection:
        connection.execute("PRAGMA synchronous = FULL")
        processor, clock = time.process_time(), time.perf_counter()
        for number, begin in enumerate(range(0, part.rows, _ROWS)):
            for _ in range(2 if number % 10 == 0 else 1):
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany(statement, rows[begin : begin + _ROWS])
                connection.execute("COMMIT")
        return Cost(server_seconds=time.process_time() - processor, wall_seconds=time.perf_counter() - clock)


def faults(folder: Path, rows: int) -> str:
    """Return in words what is wrong with the rows of the ledger: lost, doubled; empty if nothing is."""
    with closing(sqlite3.connect(folder / f"{GUARDS}.db")) as connection:
        count, keys = connection.execute(f"SELECT count(*), count(DISTINCT idempotency_key) FROM {TABLE}").fetchone()
    told = {"lost": rows - keys, "doubled": count - keys}
    return ", ".join(f"{number:,} {what}" for what, number in told.items() if number)
