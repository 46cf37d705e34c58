"""A ledger in either database, as its writer sees it and as whoever administers the database sees it."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

import pytest

from trajectory_compiler.ledger.initialise import initialise
from trajectory_compiler.ledger.schema import Dialect, LedgerRow, Names, hashed_columns, insert_statement
from trajectory_compiler.ledger.sqlite_guard import only_insert

NAMES = Names.of("agent_audit_log")
_logins = itertools.count(1)
ROW = {
    "session_id": "s-1",
    "called_at": "2026-01-31T12:00:00.000250Z",
    "agent": "clerk",
    "tool": "get_ticket",
    "arguments": '{"ticket": "T-1"}',
    "response": '{"state": "open"}',
    "status": "ok",
    "cost_usd": 0.00025,
    "duration_ms": 12.5,
    "truncated": 0,
    "idempotency_key": "key-1",
}


class Ledger(Protocol):
    """A ledger under test."""

    dialect: Dialect
    location: str

    def attempt(self, sql: str, values: Sequence[object] = (), *, admin: bool = False) -> str | None:
        """Run one statement as the writer (or as administrator) and commit; return what the database says against it."""

    def read(self, sql: str) -> list[tuple[Any, ...]]:
        """Read as administrator."""


def insert(ledger: Ledger, **columns: object) -> str | None:
    """Insert a row as the writer; return what the database says against it."""
    row = {**ROW, **columns}
    if ledger.dialect == "postgres":
        row["truncated"] = bool(row["truncated"])
    return ledger.attempt(insert_statement(ledger.dialect, NAMES, list(row)), list(row.values()))


def hashed_rows(ledger: Ledger) -> list[LedgerRow]:
    """Return the rows as they are hashed, in the order of their ids."""
    return [
        LedgerRow.of(values)
        for values in ledger.read(f"SELECT {hashed_columns(ledger.dialect)} FROM agent_audit_log ORDER BY id")
    ]


class SqliteLedger:
    """A ledger in a file. The writer's connection is guarded, the administrator's is not."""

    dialect: Dialect = "sqlite"

    def __init__(self, folder: Path) -> None:
        self.location = str(folder / "ledger.db")
        initialise(self.location, NAMES)

    def attempt(self, sql: str, values: Sequence[object] = (), *, admin: bool = False) -> str | None:
        """See `Ledger`."""
        with closing(sqlite3.connect(self.location, timeout=30)) as connection:
            if not admin:
                only_insert(connection, NAMES)
            try:
                with connection:
                    connection.execute(sql, tuple(values))
            except sqlite3.Error as error:
                return str(error)
        return None

    def read(self, sql: str) -> list[tuple[Any, ...]]:
        """See `Ledger`."""
        with closing(sqlite3.connect(self.location)) as connection:
            return connection.execute(sql).fetchall()


class PostgresLedger:
    """A ledger on a server. The writer is a login of its own to which nothing but the writer role was granted."""

    dialect: Dialect = "postgres"

    def __init__(self, address: str) -> None:
        self._psycopg = pytest.importorskip("psycopg", reason="the extra 'postgres' is not installed")
        self.location = address
        initialise(address, NAMES)
        login = f"agent_{next(_logins)}"
        with self._psycopg.connect(address) as connection:
            connection.execute(f"CREATE ROLE {login} LOGIN; GRANT agent_audit_log_writer TO {login}")
        self.writer = address.replace("//postgres:", f"//{login}:", 1)

    def attempt(self, sql: str, values: Sequence[object] = (), *, admin: bool = False) -> str | None:
        """See `Ledger`."""
        try:
            with self._psycopg.connect(self.location if admin else self.writer) as connection:
                connection.execute(sql, tuple(values) or None)
        except self._psycopg.Error as error:
            return str(error)
        return None

    def read(self, sql: str) -> list[tuple[Any, ...]]:
        """See `Ledger`."""
        with self._psycopg.connect(self.location) as connection:
            found: list[tuple[Any, ...]] = connection.execute(sql).fetchall()
            return found
