"""Audit tables to seal, of six kinds, as whoever owns the database sees them.

postgres        somebody's table with columns of every common type, numbered rows with gaps
postgres-text   the same with ids that are no numbers
postgres-own    a ledger of ours, its guards switched off as an owner can
sqlite, sqlite-text, sqlite-own   the same in SQLite
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.postgres_server import new_database
from trajectory_compiler.config import SourceOptions
from trajectory_compiler.ledger.initialise import initialise
from trajectory_compiler.ledger.note import read_verifier
from trajectory_compiler.ledger.rows import RowId, Table
from trajectory_compiler.ledger.schema import TABLE, Names
from trajectory_compiler.ledger.seal import SealOptions, SealReport, seal
from trajectory_compiler.ledger.seal_store import SealStore
from trajectory_compiler.ledger.table import open_sealed_table
from trajectory_compiler.ledger.verify import VerifyReport, verify

KINDS = ("postgres", "postgres-text", "postgres-own", "sqlite", "sqlite-text", "sqlite-own")
NOW = "2026-03-01T12:00:00Z"
_POSTGRES = """
    CREATE TABLE audit (id {id} PRIMARY KEY, session_id text, created_at timestamptz, agent text, tool text, arguments jsonb,
      response json, cost_usd float8, duration_ms numeric, took interval, tags text[], raw bytea, price money, seen timestamp,
      ok boolean, f4 real)
"""
_SQLITE = """
    CREATE TABLE audit (id {id} PRIMARY KEY, session_id TEXT, created_at TEXT, agent TEXT, tool TEXT, arguments TEXT,
      response, cost_usd REAL, duration_ms NUMERIC, took TEXT, tags, raw BLOB, price, seen INTEGER, ok INTEGER, f4)
"""
_ODD_TEXTS = ("plain", "tab\tnewline\nreturn\r", 'back\\slash "quoted" \\N', "Ünïcode 😀", "", " ", "\\t\\\\n", "end\\")


_made: list[SealedLog] = []


@pytest.fixture(autouse=True)
def logs_are_closed() -> Iterator[None]:
    """Close the connections of every log that a test made: a server does not stop under them."""
    yield
    while _made:
        _made.pop().connection.close()


class SealedLog:
    """A log with rows, and seals beside it."""

    def __init__(self, kind: str, location: str, folder: Path) -> None:
        self.kind, self.location, self.folder = kind, location, folder
        self.is_postgres, self.is_own, self.is_text = (
            kind.startswith("postgres"),
            kind.endswith("-own"),
            kind.endswith("-text"),
        )
        self.table = TABLE if self.is_own else "audit"
        self.connection: Any = (
            psycopg.connect(location, autocommit=True) if self.is_postgres else sqlite3.connect(location, isolation_level=None)
        )
        _made.append(self)
        self._make()

    def _make(self) -> None:
        if self.is_own:
            initialise(self.location, Names.of(TABLE))
            self._disarm()
        else:
            kind = "text" if self.is_text else "bigint" if self.is_postgres else "INTEGER"
            self.execute((_POSTGRES if self.is_postgres else _SQLITE).format(id=kind))
        self.columns = [name for name in self._names() if name != "row_hash"]
        self.execute(f"CREATE TABLE kept AS SELECT {', '.join(self.columns)} FROM {self.table} WHERE false")

    def _disarm(self) -> None:
        """Switch the guards off, which only an owner or superuser can."""
        if self.is_postgres:
            for (name,) in self.rows("SELECT quote_ident(evtname) FROM pg_event_trigger"):
                self.execute(f"DROP EVENT TRIGGER {name}")
            self.execute(f"ALTER TABLE {self.table} DISABLE TRIGGER ALL")
        else:
            for (name,) in self.rows("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
                self.execute(f"DROP TRIGGER {name}")

    def _names(self) -> list[str]:
        if self.is_postgres:
            query = "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum"
            return [name for (name,) in self.rows(query, [self.table])]
        return [row[1] for row in self.rows(f"PRAGMA table_info({self.table})")]

    # --- the database ------------------------------------------------------------------------------------------------

    def execute(self, sql: str, values: Sequence[object] = ()) -> None:
        """Run a statement as the owner."""
        self.connection.execute(sql, values)

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Read as the owner."""
        found: list[tuple[Any, ...]] = self.connection.execute(sql, values).fetchall()
        return found

    @property
    def mark(self) -> str:
        """What stands for a value in a statement."""
        return "%s" if self.is_postgres else "?"

    def row_id(self, number: int) -> RowId:
        """Return the id of the n-th row: numbers have gaps, texts no order."""
        return f"row-{number * 7919 % 10007:05d}" if self.is_text else number * 3

    def ids(self) -> list[RowId]:
        """Return the ids in the order in which the rows were written."""
        return [row[0] for row in self.rows(f"SELECT id FROM {self.table} ORDER BY created_at, id")]

    def insert(self, values: dict[str, object]) -> None:
        """Insert a row with whatever columns are given, id and stamp included."""
        names, marks = ", ".join(values), ", ".join([self.mark] * len(values))
        overriding = "OVERRIDING SYSTEM VALUE " if self.is_postgres and self.is_own else ""
        self.execute(f"INSERT INTO {self.table} ({names}) {overriding}VALUES ({marks})", list(values.values()))

    def update(self, row_id: RowId, column: str, value: object) -> None:
        """Change one value of a row."""
        self.execute(f"UPDATE {self.table} SET {column} = {self.mark} WHERE id = {self.mark}", [value, row_id])

    def delete(self, row_id: RowId) -> None:
        """Delete a row."""
        self.execute(f"DELETE FROM {self.table} WHERE id = {self.mark}", [row_id])

    def write(self, begin: int, count: int, seed: int = 0) -> None:
        """Write rows, a minute apart, with values of every kind."""
        chance = random.Random(f"{seed}-{begin}")
        self.execute("BEGIN")
        for number in range(begin, begin + count):
            self.insert(self.values(self.row_id(number), number, chance))
        self.execute("COMMIT")

    def values(self, row_id: RowId, number: int, chance: random.Random) -> dict[str, object]:
        """Return the columns of a row that differs from every other."""
        stamp = f"2026-02-{1 + number // 1440:02d}T{number // 60 % 24:02d}:{number % 60:02d}:00.{chance.randrange(10**6):06d}Z"
        text = chance.choice(_ODD_TEXTS)
        held = f'{{"n": {number}, "b": [1.50, null, true], "a": "x\\ty"}}'
        values: dict[str, object] = {
            "id": row_id,
            "session_id": f"s-{number // 5}",
            "created_at": stamp,
            "agent": chance.choice(("clerk", "bot")),
            "tool": chance.choice(("get", "put", "respond")),
            "arguments": held,
            "response": f'{{"number":  {number}, "z": 1, "z": 2}}',
            "cost_usd": chance.choice((None, 0.1, 1 / 3, 1e-9, 123456.5)),
            "duration_ms": chance.choice((None, 1, 12.5, 0.001)),
        }
        if self.is_own:
            return values | {"called_at": stamp, "idempotency_key": f"key-{number}-{chance.random()}"}
        if not self.is_postgres:
            values["response"] = chance.choice((values["response"], text, b"\x00\xfftext", 5, 5.0, "5", None))
            odd = {"tags": chance.choice((1, "1", 1.0, b"1")), "raw": b"\x00\t\n", "price": 1e300, "seen": 10**15 + number}
            return values | {"took": f"{text} {number}", "ok": 1, "f4": 0.1} | odd
        return values | {
            "took": f"{number} days 02:00:00.5",
            "tags": [text, "x", None],
            "raw": b"\x00\\\xff\t" + bytes([number % 256]),
            "price": f"{number}.25",
            "seen": stamp[:-1],
            "ok": chance.choice((True, False, None)),
            "f4": 1 / 3,
        }

    def keep(self) -> None:
        """Remember the table as it stands, for `restore`."""
        names = ", ".join(self.columns)
        self.execute("DELETE FROM kept")
        self.execute(f"INSERT INTO kept SELECT {names} FROM {self.table}")

    def restore(self) -> None:
        """Put the table back as it was."""
        names = ", ".join(self.columns)
        overriding = "OVERRIDING SYSTEM VALUE " if self.is_postgres and self.is_own else ""
        self.execute("BEGIN")
        self.execute(f"DELETE FROM {self.table}")
        self.execute(f"INSERT INTO {self.table} ({names}) {overriding}SELECT {names} FROM kept")
        self.execute("COMMIT")

    def unsettle(self, chance: random.Random) -> None:
        """Change how the server prints and stores things, which must change no seal."""
        if not self.is_postgres:
            self.execute(chance.choice(("VACUUM", "PRAGMA user_version = 7", "ANALYZE")))
            return
        settings = (
            ("TimeZone", ("Asia/Kathmandu", "America/New_York", "UTC")),
            ("DateStyle", ("German", "SQL, DMY", "Postgres", "ISO")),
            ("IntervalStyle", ("iso_8601", "sql_standard", "postgres_verbose")),
            ("extra_float_digits", ("-5", "0", "3")),
            ("bytea_output", ("escape", "hex")),
            ("client_encoding", ("LATIN1", "UTF8")),
        )
        name = self.rows("SELECT current_database()")[0][0]
        for setting, choices in settings:
            self.execute(f"ALTER DATABASE {name} SET {setting} = '{chance.choice(choices)}'")
        self.execute(chance.choice((f"VACUUM FULL {self.table}", "ANALYZE", f"CLUSTER {self.table} USING {self.table}_pkey")))

    # --- its seals ---------------------------------------------------------------------------------------------------

    @property
    def checkpoint(self) -> Path:
        """The checkpoint that the caller holds."""
        return self.folder / "checkpoint"

    @property
    def seals(self) -> Path:
        """The seal store."""
        return self.folder / "seals.db"

    def options(self, **more: Any) -> SealOptions:
        """Return how it is sealed."""
        given = {"seals": self.seals, "key": self.folder / "key", "places": (str(self.checkpoint),), "wait_seconds": 5.0}
        return SealOptions(**{**given, "source": SourceOptions(table=self.table), **more})

    def seal(self, **more: Any) -> SealReport:
        """Seal what is new."""
        return seal(self.location, self.options(**more), lambda: NOW, random.Random(1).randbytes)

    def opened(self, store: SealStore) -> Table:
        """Return the sealed table."""
        return open_sealed_table(self.location, store, SourceOptions())

    def verify(self, *notes: str) -> VerifyReport:
        """Verify against the checkpoint in the folder, or against others."""
        with SealStore.open(self.seals) as store:
            given = list(notes) or [self.checkpoint.read_text()]
            return verify(self.opened(store), store, given, read_verifier(str(self.folder / "key.pub")))


def make(kind: str, folder: Path, rows: int = 40, seed: int = 0) -> SealedLog:
    """Return a log with rows, not sealed yet."""
    folder.mkdir(exist_ok=True)
    made = SealedLog(kind, new_database() if kind.startswith("postgres") else str(folder / "log.db"), folder)
    made.write(1, rows, seed)
    return made


def named(report: VerifyReport) -> set[tuple[str, RowId]]:
    """Return what a report says of which row."""
    return {(found.kind, found.id) for found in report.tampered} | {(row.kind, row.id) for row in report.unsealed}
