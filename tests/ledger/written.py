"""Ledgers that recorders write to, in SQLite and in PostgreSQL: made by `initialise`, written with a writer's rights alone.

A test that takes the fixture `written` runs once on each database.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from trajectory_compiler.ledger.initialise import initialise
from trajectory_compiler.ledger.recorder import Recorder, RecorderOptions
from trajectory_compiler.ledger.schema import TABLE, Names

WRITER = "tests_agent"


class Written(msgspec.Struct, frozen=True):
    """A ledger: its writer's address, its owner's, and a folder for the spool."""

    address: str
    owner: str
    folder: Path

    @property
    def spool(self) -> Path:
        """The spool of this ledger's recorders."""
        return self.folder / "spool"

    def recorder(self, **options: Any) -> Recorder:
        """Return a recorder with a spool beside the ledger."""
        return Recorder(self.address, agent="tester", options=RecorderOptions(spool=str(self.spool), **options))

    def rows(self, session: str = "%") -> list[dict[str, Any]]:
        """Return the rows of a session, or all, in the order in which they were written, JSON parsed."""
        query = f"SELECT * FROM {TABLE} WHERE session_id LIKE '{session}' ORDER BY id"
        if self.address.startswith("postgres"):
            psycopg = pytest.importorskip("psycopg")
            with psycopg.connect(self.owner) as connection:
                cursor = connection.execute(query)
                names = [column.name for column in cursor.description]
                return [dict(zip(names, row, strict=True)) for row in cursor]
        with closing(sqlite3.connect(self.address)) as connection:
            connection.row_factory = sqlite3.Row
            rows = [dict(row) for row in connection.execute(query)]
        for row in rows:
            for name in ("arguments", "response", "extra"):
                row[name] = row[name] and msgspec.json.decode(row[name])
        return rows

    def column(self, name: str) -> list[Any]:
        """Return one column of every row, in the order in which they were written."""
        return [row[name] for row in self.rows()]


def sqlite_written(folder: Path) -> Written:
    """Make a ledger in a file."""
    address = str(folder / "ledger.db")
    initialise(address, Names.of(TABLE))
    return Written(address, address, folder)


def postgres_written(owner: str, folder: Path) -> Written:
    """Make a ledger in an empty database, and a login that has the writer's rights alone."""
    psycopg = pytest.importorskip("psycopg", reason="the extra 'postgres' is not installed")
    names = Names.of(TABLE)
    initialise(owner, names)
    with psycopg.connect(owner, autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (WRITER,)).fetchone() is None:
            connection.execute(f"CREATE ROLE {WRITER} LOGIN")
        connection.execute(f"GRANT {names.role('writer')} TO {WRITER}")
    return Written(owner.replace("//postgres:", f"//{WRITER}:", 1), owner, folder)


@pytest.fixture(params=["sqlite", "postgres"])
def written(request: pytest.FixtureRequest, tmp_path: Path) -> Written:
    """Return a new, empty ledger."""
    if request.param == "sqlite":
        return sqlite_written(tmp_path)
    return postgres_written(request.getfixturevalue("postgres_address"), tmp_path)
