"""A daily run over a large PostgreSQL log: 10,000 new rows on a million, against compiling the touched sessions from a file.

The floor is what nobody can save: the same sessions, alone in a file, compiled into a new store with the same statistics. What
a daily run costs beyond it is finding and fetching them.
"""

from __future__ import annotations

import json
import resource
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import orjson

from benchmarks.logs import copies, demo_log, one_session
from benchmarks.renaming import Renamer
from trajectory_compiler.config import CompileOptions, SourceOptions, SyncOptions
from trajectory_compiler.ledger.initialise import initialise
from trajectory_compiler.ledger.schema import Names
from trajectory_compiler.pipeline import compile_into
from trajectory_compiler.pipeline.sync import sync_into
from trajectory_compiler.redaction.keyfile import key_path
from trajectory_compiler.store import Store

PLAIN, LEDGER = "audit", "ledger"
LATER = timedelta(days=400)  # the new rows are of another year
LONG_TAIL = 20  # one session holds a twentieth of the rows
CONTINUED = 10  # one new row in ten goes on with an old session
JSON_COLUMNS = ("arguments", "response")
COLUMNS = ("session_id", "created_at", "agent", "tool", "arguments", "response")
CREATE = """
    CREATE TABLE audit (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, session_id text NOT NULL, created_at timestamptz NOT NULL,
        agent text, tool text, arguments jsonb, response jsonb
    );
    CREATE INDEX ON audit (session_id, created_at, id);
    CREATE INDEX ON audit (created_at)
"""


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """What a daily run did and cost. `touched` sessions are those with new rows that are long enough to be compiled.

    `floor_seconds` are the processor's, as `cpu_seconds` are; `idle_seconds` is a run with nothing new.
    """

    table: str
    rows: int
    new_rows: int
    touched: int
    compiled: int
    proved: int
    basis: str
    wall_seconds: float
    cpu_seconds: float
    floor_seconds: float
    idle_seconds: float


def measured_day(address: str, folder: Path, table: str, rows: int, new_rows: int) -> Day:
    """Fill a table, make a first run over its last sessions, add rows, and measure the run that takes them up."""
    folder.mkdir()
    demo_log(folder / "demo.jsonl", 1)
    with (folder / "demo.jsonl").open("rb") as file:
        renamer = Renamer(file)
    count = rows // LONG_TAIL
    create(address, table)
    load(address, table, islice(_all_rows(renamer, count, rows), rows))
    first, later = _new_rows(renamer, new_rows)
    load(address, table, first)
    options = CompileOptions(source=SourceOptions(table=table))
    store = folder / "store.db"
    day = _stamp(max(row["created_at"] for row in first), timedelta(hours=2))
    with Store.open(store) as opened:  # a log that was large when daily runs began: only its last sessions are taken up
        since = min(row["created_at"] for row in first)
        chosen = SyncOptions(since=since)
        sync_into(opened, address, options, chosen, day)
    load(address, table, later)
    now = _stamp(max(row["created_at"] for row in later), timedelta(hours=2))
    with Store.open(store) as opened:
        done, wall, cpu = timed(lambda: sync_into(opened, address, options, chosen, now))
        _, idle, _ = timed(lambda: sync_into(opened, address, options, chosen, now))
    floor = floor_seconds(address, folder, table, {row["session_id"] for row in later})
    return Day(
        table=table,
        rows=rows + len(first) + len(later),
        new_rows=len(later),
        touched=len(_long_enough([*first, *later]) & {row["session_id"] for row in later}),
        compiled=done.run.compiled,
        proved=done.run.proved,
        basis=done.basis,
        wall_seconds=wall,
        cpu_seconds=cpu,
        floor_seconds=floor,
        idle_seconds=idle,
    )


def faults(day: Day) -> str:
    """Return in words what is wrong with a run: more or fewer sessions compiled than were touched; empty if nothing is."""
    return "" if day.compiled == day.touched else f"{day.compiled:,} compiled of {day.touched:,} touched"


def create(address: str, table: str) -> None:
    """Make the empty table."""
    import psycopg  # noqa: PLC0415  # an optional part

    if table == LEDGER:
        initialise(address, Names.of(LEDGER))
        return
    with psycopg.connect(address) as connection:
        connection.execute(CREATE)


def load(address: str, table: str, rows: Iterator[dict[str, Any]] | list[dict[str, Any]]) -> None:
    """Copy rows into the table and let the server take its statistics."""
    import psycopg  # noqa: PLC0415

    names = ", ".join("called_at" if name == "created_at" and table == LEDGER else name for name in COLUMNS)
    with psycopg.connect(address, autocommit=True) as connection:
        with connection.transaction(), connection.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row([json.dumps(row[name]) if name in JSON_COLUMNS else row[name] for name in COLUMNS])
        connection.execute(f"VACUUM ANALYZE {table}")


def floor_seconds(address: str, folder: Path, table: str, sessions: set[str]) -> float:
    """Compile the touched sessions from a file, with the statistics and the key of the daily store; return CPU seconds."""
    import psycopg  # noqa: PLC0415

    stamp = "called_at" if table == LEDGER else "created_at"
    columns = f"id, session_id, {stamp}, agent, tool, arguments, response"
    path = folder / "touched.jsonl"
    with psycopg.connect(address) as connection, path.open("wb") as file:
        query = f"SELECT {columns} FROM {table} WHERE session_id = ANY(%s) ORDER BY session_id, {stamp}, id"
        names = ("id", "session_id", "created_at", "agent", "tool", "arguments", "response")
        for row in connection.execute(query, [sorted(sessions)]):
            file.write(orjson.dumps(dict(zip(names, row, strict=True))) + b"\n")
    place = folder / "floor.db"
    key_path(place).write_bytes(key_path(folder / "store.db").read_bytes())
    key_path(place).chmod(0o600)
    with Store.open(folder / "store.db") as daily, Store.open(place) as opened:
        snapshot = daily.snapshot(table)
        if snapshot is not None:
            opened.save_snapshot(table, *snapshot)
        options = CompileOptions(source=SourceOptions(name=table))
        _, _, cpu = timed(lambda: compile_into(opened, str(path), options))
    return cpu


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """Return the result of some work, its seconds by the clock, and those on a processor, worker processes included."""
    wall, cpu = time.perf_counter(), _cpu_seconds()
    result = work()
    return result, time.perf_counter() - wall, _cpu_seconds() - cpu


def _cpu_seconds() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _all_rows(renamer: Renamer, long: int, rows: int) -> Iterator[dict[str, Any]]:
    """Yield one very long session, and then copies of the demo log."""
    yield from map(orjson.loads, one_session(renamer, long))
    yield from map(orjson.loads, copies(renamer, rows))


def _new_rows(renamer: Renamer, wanted: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rows of a last day before, and those of the new day: some sessions of the first go on in the second."""
    copy = 1_000_000  # a number that no copy of the old rows has
    rows: list[dict[str, Any]] = []
    while len(rows) < wanted + wanted // CONTINUED:
        rows += [_shifted(orjson.loads(line)) for line in renamer.copy(copy)]
        copy += 1
    rows = rows[: wanted + wanted // CONTINUED]
    cut = rows[-1]["session_id"]  # it may have been left too short to be compiled
    rows = [row for row in rows if row["session_id"] != cut]
    names = list(dict.fromkeys(row["session_id"] for row in rows))
    continued = set(names[: len(names) // CONTINUED])
    first: list[dict[str, Any]] = []
    later: list[dict[str, Any]] = []
    seen: dict[str, int] = {}
    for row in rows:
        name = row["session_id"]
        seen[name] = seen.get(name, 0) + 1
        if name in continued and seen[name] <= 7:
            first.append(row)
        else:
            later.append(row | {"created_at": _stamp(row["created_at"], timedelta(days=40))})
    return first, later


def _long_enough(rows: list[dict[str, Any]]) -> set[str]:
    """Return the sessions that are not left out as too short."""
    lengths = Counter(row["session_id"] for row in rows)
    return {name for name, length in lengths.items() if length >= CompileOptions().sessions.min_turns}


def _shifted(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"created_at": _stamp(row["created_at"], LATER)}


def _stamp(stamp: str, after: timedelta) -> str:
    return (datetime.fromisoformat(stamp) + after).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
