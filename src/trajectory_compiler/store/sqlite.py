"""The only place that knows SQLite: files, pragmas, transactions, and its errors as sentences.

Everything else speaks the portable subset through `database.Database`; `postgres.py` is the other file like this one.

**Durability.** WAL with `synchronous=NORMAL`: after a crash of the process nothing is lost, after a power cut the last
transactions may be, and neither damages the file. A lost session is compiled again at no cost, and one sync per session
would cost nine tenths of the writing speed. What was paid for is written with `FULL`, one sync a call. Deleted content is
overwritten (`secure_delete`): erasure must erase.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from trajectory_compiler.errors import StoreError
from trajectory_compiler.store.lock import is_locked, run_lock

BUSY_SECONDS = 30.0
REFUSALS = (sqlite3.Error, UnicodeEncodeError, OverflowError)  # the last two come from binding a value, before SQLite sees it
READ_FAILURES = {
    "SQLITE_NOTADB": ("it is not a SQLite database", "Name another file with --store."),
    "SQLITE_CORRUPT": ("the file is damaged", "Restore a backup, or delete the file and compile again."),
    "SQLITE_CANTOPEN": ("the file or its folder cannot be opened", "Check that the folder exists and may be written."),
    "SQLITE_READONLY": ("the file or its folder is read-only", "Make it writable, or name another file with --store."),
    "SQLITE_PERM": ("access is denied", "Check the owner of the file, or name another one with --store."),
    "SQLITE_AUTH": ("access is denied", "Check the owner of the file, or name another one with --store."),
    "SQLITE_FULL": ("the disk is full", "Free some space and run again: finished sessions are kept."),
    "SQLITE_IOERR": ("the disk refused a read or a write (full, over a limit, or failing)", "Free some space and run again."),
    "SQLITE_BUSY": (
        f"another process has been writing to it for more than {BUSY_SECONDS:.0f} seconds",
        "Wait until it ends, then run again.",
    ),
    "SQLITE_TOOBIG": ("one session is larger than SQLite can hold in a row (1 GB compressed)", "Leave that session out."),
    "SQLITE_CONSTRAINT": ("a row refers to something that the store does not hold", "Compile the session again."),
}


@contextmanager
def write_transaction(connection: sqlite3.Connection, execute: Callable[[str], object]) -> Iterator[None]:
    """Write all or nothing. `BEGIN IMMEDIATE` waits for other writers at the start, where waiting is safe.

    `execute` runs a statement on the connection and puts its errors into the owner's words.
    """
    execute("BEGIN IMMEDIATE")
    try:
        yield
        execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk makes SQLite roll back by itself
            execute("ROLLBACK")
        raise


class SqliteDatabase:
    """One SQLite connection: statements, transactions, and errors that read as sentences."""

    engine = "SQLite"

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        self._connection = connection
        self.name = name

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """Run one statement and return how many rows it changed."""
        try:
            return self._connection.execute(sql, parameters).rowcount
        except REFUSALS as error:
            raise as_store_error(error, f"write store '{self.name}'") from error

    def execute_many(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        """Run one statement for each row of parameters."""
        try:
            self._connection.executemany(sql, rows)
        except REFUSALS as error:
            raise as_store_error(error, f"write store '{self.name}'") from error

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query as they are read."""
        try:
            yield from self._connection.execute(sql, parameters)
        except REFUSALS as error:
            raise as_store_error(error, f"read store '{self.name}'") from error

    def row(self, sql: str, parameters: Sequence[object] = ()) -> tuple[Any, ...] | None:
        """Return the first row of a query, or None."""
        return next(self.rows(sql, parameters), None)

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Iterator[None]:
        """Write all or nothing, see `write_transaction`. A `durable` one outlives a power cut: for what was paid for."""
        if durable:
            self.execute("PRAGMA synchronous = FULL")
        try:
            with write_transaction(self._connection, self.execute):
                yield
        finally:
            if durable:
                self.execute("PRAGMA synchronous = NORMAL")

    @contextmanager
    def view(self) -> Iterator[None]:
        """Read one unchanging state, whatever other processes write meanwhile; nothing may be written inside."""
        self.execute("BEGIN")
        try:
            yield
        finally:
            if self._connection.in_transaction:
                self.execute("ROLLBACK")

    def lock(self, purpose: str, since: str) -> AbstractContextManager[None]:
        """Hold the run lock, see `lock.run_lock`. Raises StoreLockedError (exit 4) where another run holds it."""
        return run_lock(Path(self.name), purpose, since)

    def is_locked(self) -> bool:
        """Return whether any run holds the run lock."""
        return is_locked(Path(self.name))

    def backup(self, target: Path) -> None:
        """Copy the whole database into a new file that only its owner may read."""
        create_private(target)
        try:
            copy = sqlite3.connect(target)
            try:
                self._connection.backup(copy)
            finally:
                copy.close()
        except sqlite3.Error as error:
            raise as_store_error(error, f"back up store '{self.name}'") from error

    def damage(self) -> tuple[str, ...]:
        """Return what SQLite's own integrity check finds: nothing in a sound store."""
        found = [str(row[0]) for row in self.rows("PRAGMA integrity_check")]
        broken = [f"row {row[1]} of {row[0]} refers to no row of {row[2]}" for row in self.rows("PRAGMA foreign_key_check")]
        return tuple([] if found == ["ok"] else found) + tuple(broken)

    def tables(self) -> frozenset[str]:
        """Return the names of the tables that the file holds."""
        return frozenset(row[0] for row in self.rows("SELECT name FROM sqlite_master WHERE type = 'table'"))

    def close(self) -> None:
        """Close the connection; the last one to go folds the write-ahead log into the file."""
        self._connection.close()


def connect(path: Path) -> SqliteDatabase:
    """Open a database file for reading and writing. The file must exist."""
    goal = f"open store '{path}'"
    # SQLite would open it for reading and fail at the first write; the log beside the file needs the folder, too.
    if not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        raise StoreError(goal, *READ_FAILURES["SQLITE_READONLY"])
    try:
        connection = sqlite3.connect(f"{_uri(path)}?mode=rw", uri=True, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA secure_delete = ON").fetchone()
            connection.execute("PRAGMA foreign_keys = ON")
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise as_store_error(error, goal) from error
    return SqliteDatabase(connection, str(path))


def connect_read_only(path: Path) -> SqliteDatabase:
    """Open a database file for reading only, beside a writer or in a folder that may not be written at all.

    SQLite reads a WAL database through an index file that it must be able to create. In a read-only folder without a
    write-ahead log the main file is complete, so it is opened as immutable instead.
    """
    try:
        return SqliteDatabase(_reading_connection(path, "mode=ro"), str(path))
    except sqlite3.Error as error:
        log = path.with_name(path.name + "-wal")
        if _code(error) not in ("SQLITE_CANTOPEN", "SQLITE_READONLY") or (log.exists() and log.stat().st_size > 0):
            raise as_store_error(error, f"open store '{path}'") from error
    try:
        return SqliteDatabase(_reading_connection(path, "mode=ro&immutable=1"), str(path))
    except sqlite3.Error as error:
        raise as_store_error(error, f"open store '{path}'") from error


def create_private(path: Path) -> None:
    """Create an empty file that only its owner may read and write; an existing file is left as it is."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    except OSError as error:
        raise StoreError(
            f"create '{path}'", error.strerror or type(error).__name__, "Name a place that may be written with --store."
        ) from error


def as_store_error(error: Exception, goal: str) -> StoreError:
    """Say in one sentence what SQLite's error means; its own text may hold content, so it is not repeated."""
    if isinstance(error, UnicodeEncodeError):
        return StoreError(goal, "a text has no UTF-8 form", "Leave that session out, or correct the log.")
    seen, action = READ_FAILURES.get(
        "SQLITE_TOOBIG" if isinstance(error, OverflowError) else _code(error),
        (f"SQLite reports {_code(error) or type(error).__name__}", "Check the file, or name another with --store."),
    )
    return StoreError(goal, seen, action)


def _code(error: Exception) -> str:
    """Return the primary name of SQLite's error code: SQLITE_IOERR for SQLITE_IOERR_WRITE."""
    name = str(getattr(error, "sqlite_errorname", "") or "")
    return "_".join(name.split("_")[:2])


def _reading_connection(path: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{_uri(path)}?{mode}", uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _uri(path: Path) -> str:
    return path.absolute().as_uri()
