"""Batches of rows into the ledger, each row once: the writer's side of PostgreSQL and of SQLite.

A batch is one statement and one transaction. A row whose key is there already is left out, so a batch whose outcome is unknown
(the connection broke while it was committed) is simply sent again. What the database says is sorted into three kinds:

    AwayError      nobody answers, it is busy, its disk is full     wait, send again
    UnreadyError   no such table, no such right, wrong password     say so, wait for a person, send again
    RefusedError   it takes no such row                             send the rows one by one, keep the bad ones aside
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from trajectory_compiler.errors import MissingExtraError, OptionError, TrajcError
from trajectory_compiler.ledger.entry import Entry
from trajectory_compiler.ledger.initialise import initialise, is_postgres
from trajectory_compiler.ledger.schema import COLUMNS, TABLE, WRITER_COLUMNS, Names, insert_statement
from trajectory_compiler.ledger.sqlite_guard import only_insert
from trajectory_compiler.sources.sqlite_table import sqlite_path

CONNECT_TIMEOUT_SECONDS = 5
STATEMENT_TIMEOUT_SECONDS = 60
_BUSY_SECONDS = 10.0
# May be different next time: no state at all, connection, read-only, conflict, resources, locks, shutdown, system, internal.
_AWAY_CLASSES = ("", "08", "25", "40", "53", "55", "57", "58", "XX")
_UNREADY_CLASSES = ("28", "3D", "3F", "42")  # password, database, schema, names and rights: a person must mend it
_SET_UP = {  # what a connection that fails says, and what of it may be shown
    "password authentication failed": "PostgreSQL refuses this user or password",
    "no password supplied": "PostgreSQL wants a password",
    "no pg_hba.conf entry": "PostgreSQL does not let this user in from here",
    "does not exist": "PostgreSQL has no such database or user",
}
_decode = msgspec.json.Decoder(list[Entry]).decode


class WriteError(Exception):
    """A batch is not in the ledger. The text is for people: it holds no row and no address."""


class AwayError(WriteError):
    """The database cannot be reached or is busy; the same batch may succeed later."""


class UnreadyError(WriteError):
    """The database is there, but somebody must set something up first."""


class RefusedError(WriteError):
    """The database will never take this batch as it is."""


class Writer(Protocol):
    """Sends batches. Used by one thread. `ledger` names the table on its server, without user and password."""

    ledger: str

    def send(self, rows: Sequence[bytes]) -> int:
        """Write rows, each a JSON line of an `Entry`, and return how many were new. Raises WriteError: one of the three."""

    def close(self) -> None:
        """End the connection."""

    def forget(self) -> Any:
        """Return the connection without ending it: in a forked child it is the parent's, and must not even be collected."""


def open_writer(address: str, table: str = TABLE) -> Writer:
    """Return a writer for `postgresql://...`, `sqlite:///path` or the path of an SQLite file. Does not connect yet.

    Raises: OptionError: no such kind of address, or a bad table name. MissingExtraError: psycopg is missing.
    """
    names = Names.of(table)
    if is_postgres(address):
        return PostgresWriter(address, names)
    if "://" in address and not address.startswith("sqlite:"):
        kind = address.partition("://")[0]
        raise OptionError(
            "write to the ledger", f"there is no ledger of the kind '{kind}'", "Name a postgresql:// address or an SQLite file."
        )
    return SqliteWriter(sqlite_path(address), names)


class _Connected:
    """Holds the connection of a writer, or None while there is none."""

    _connection: Any = None

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def forget(self) -> Any:
        """Return the connection, see `Writer`."""
        connection, self._connection = self._connection, None
        return connection


class SqliteWriter(_Connected):
    """Writes into a file; makes the ledger where the file has none."""

    _connection: sqlite3.Connection | None

    def __init__(self, path: Path, names: Names) -> None:
        self._path, self._names = path, names
        self.ledger = f"{path.resolve()} {names.qualified}"
        self._insert = insert_statement("sqlite", names)

    def send(self, rows: Sequence[bytes]) -> int:
        """Write rows in one transaction, see `Writer`."""
        entries = _decode(b"[" + b",".join(rows) + b"]")
        try:
            connection = self._connected()
            connection.execute("BEGIN IMMEDIATE")
            try:
                before = connection.total_changes
                connection.executemany(self._insert, map(_sqlite_values, entries))
                new = connection.total_changes - before
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            return new
        except (sqlite3.IntegrityError, sqlite3.DataError, OverflowError) as error:
            raise RefusedError(_first_line(error)) from None
        except TrajcError as error:
            raise AwayError(str(error)) from None
        except (sqlite3.Error, OSError) as error:
            self.close()
            kind = UnreadyError if "no such" in str(error) or "no column" in str(error) else AwayError
            raise kind(f"SQLite says: {_first_line(error)}") from None

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            connection = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            try:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=FULL")
                found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (self._names.table,)).fetchone()
                if found is None:
                    initialise(str(self._path), self._names)
                only_insert(connection, self._names)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection


class PostgresWriter(_Connected):
    """Writes to a server with the rights of the writer role; the table must be there (`trajc ledger init`)."""

    def __init__(self, address: str, names: Names) -> None:
        try:
            import psycopg  # noqa: PLC0415  # an optional part, and 0.2 s of imports
        except ImportError:
            raise MissingExtraError("write to PostgreSQL", "postgres") from None
        self._psycopg: Any = psycopg
        try:
            self._parameters: dict[str, Any] = psycopg.conninfo.conninfo_to_dict(address)
        except psycopg.Error:
            raise OptionError(
                "write to PostgreSQL", "its address cannot be understood", "Write @ : / # in a password as %40 %3A %2F %23."
            ) from None
        place = [str(self._parameters.get(name, "")) for name in ("host", "port", "dbname")]
        self.ledger = " ".join([*place, names.qualified])
        types = ", ".join(f"{column.name} {column.postgres}" for column in COLUMNS if column.name in WRITER_COLUMNS)
        columns = ", ".join(WRITER_COLUMNS)
        values = ", ".join("coalesce(truncated, false)" if name == "truncated" else name for name in WRITER_COLUMNS)
        self._insert = (
            f"INSERT INTO {names.qualified} ({columns}) SELECT {values} FROM json_to_recordset(%s::json) AS sent({types})"
            " ON CONFLICT DO NOTHING"
        )

    def send(self, rows: Sequence[bytes]) -> int:
        """Write rows in one statement, see `Writer`. The server unpacks them: this side spends no time on each."""
        sent = (b"[" + b",".join(rows) + b"]").decode()
        psycopg = self._psycopg
        try:
            new: int = self._connected().execute(self._insert, (sent,)).rowcount
        except psycopg.Error as error:
            state = getattr(error, "sqlstate", None) or ""
            if state[:2] not in _AWAY_CLASSES + _UNREADY_CLASSES:  # data, constraints, a trigger's word: the row is at fault
                raise RefusedError(f"the server refuses it (SQLSTATE {state})") from None
            self.close()
            if state[:2] in _UNREADY_CLASSES:
                raise UnreadyError(f"PostgreSQL says: {_first_line(error)} (is the ledger made? trajc ledger init)") from None
            for sign, cause in _SET_UP.items():
                if sign in str(error):
                    raise UnreadyError(cause) from None
            raise AwayError(f"PostgreSQL is away (SQLSTATE {state or 'none'})") from None
        return new

    def _connected(self) -> Any:
        if self._connection is None or self._connection.closed:
            defaults = {"connect_timeout": CONNECT_TIMEOUT_SECONDS, "application_name": "trajc-recorder"}
            parameters = defaults | self._parameters
            connection = self._psycopg.connect(**parameters, autocommit=True, prepare_threshold=None)
            if "statement_timeout" not in str(parameters.get("options", "")):
                connection.execute(f"SET statement_timeout = '{STATEMENT_TIMEOUT_SECONDS}s'")
            self._connection = connection
        return self._connection


def _sqlite_values(entry: Entry) -> tuple[Any, ...]:
    values = (getattr(entry, name) for name in WRITER_COLUMNS)
    return tuple((bytes(value).decode() or None) if isinstance(value, msgspec.Raw) else value for value in values)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]
