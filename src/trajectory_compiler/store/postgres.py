"""The only place of the store that knows PostgreSQL: connections, transactions, locks, and its errors as sentences.

It keeps the protocol of `database.py`, as `sqlite.py` does, with the same SQL. What differs is said here:

- `TEXT` columns are made with `COLLATE "C"`: order and ranges of ids are those of SQLite, on a server of any locale.
- A transaction first takes an advisory lock of the schema, as SQLite's `BEGIN IMMEDIATE` takes the file: one writer at a time.
- The run lock is an advisory lock of the connection: the server frees it however the run ends. So a store needs a connection
  of its own, direct or from a pooler in session mode.
- `synchronous_commit` is off, as WAL with NORMAL on SQLite, and on where something was paid for.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import time
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from trajectory_compiler.errors import StoreLockedError
from trajectory_compiler.store.address import Address
from trajectory_compiler.store.server_errors import Refusals

BUSY_SECONDS = 30
ENDING_SECONDS, ENDING_TRIES = 1.0, 10  # that a server gets to notice that a client is gone
_TEXT = re.compile(r"\bTEXT\b")
_open: weakref.WeakSet[Any] = weakref.WeakSet()


def _close_in_child() -> None:
    """Drop a forked child's copies: a worker that outlives a killed run must not keep the store locked."""
    for connection in list(_open):
        with suppress(Exception):
            os.close(connection.fileno())
    _open.clear()


os.register_at_fork(after_in_child=_close_in_child)


class PostgresDatabase:
    """One connection to one schema: statements, transactions, and errors that read as sentences."""

    engine = "PostgreSQL"

    def __init__(self, connection: Any, address: Address) -> None:
        self.connection = connection
        self.schema = address.schema
        self.name = address.name
        self._locked = False

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """Run one statement and return how many rows it changed."""
        with self.refusals("write"):
            return int(self.connection.execute(translated(sql), tuple(parameters)).rowcount)

    def execute_many(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        """Run one statement for each row of parameters, sent in one go."""
        with self.refusals("write"), self.connection.cursor() as cursor:
            cursor.executemany(translated(sql), [tuple(row) for row in rows])

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query; they are fetched together, so that others may be asked for meanwhile."""
        with self.refusals("read"):
            found = self.connection.execute(translated(sql), tuple(parameters)).fetchall()
        yield from found

    def row(self, sql: str, parameters: Sequence[object] = ()) -> tuple[Any, ...] | None:
        """Return the first row of a query, or None."""
        return next(self.rows(sql, parameters), None)

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Iterator[None]:
        """Write all or nothing, one writer at a time. A `durable` one outlives a power cut of the server."""
        self.begin(f"SET LOCAL synchronous_commit = {'on' if durable else 'off'}")
        try:
            yield
            with self.refusals("write"):
                self.connection.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise

    def begin(self, setting: str) -> None:
        """Begin a transaction of this schema's only writer; all of it is local to the transaction, as poolers want it."""
        with self.refusals("write"):
            try:
                self.connection.execute(
                    f"BEGIN; SET LOCAL search_path = {self.schema}; SET LOCAL lock_timeout = '{BUSY_SECONDS}s'; {setting}; "
                    f"SELECT pg_advisory_xact_lock({_number('write', self.schema)})"
                )
            except BaseException:
                self._roll_back()
                raise

    @contextmanager
    def view(self) -> Iterator[None]:
        """Read one unchanging state, whatever other processes write meanwhile; nothing may be written inside."""
        with self.refusals("read"):
            self.connection.execute(f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL search_path = {self.schema}")
        try:
            yield
        finally:
            self._roll_back()

    @contextmanager
    def lock(self, purpose: str, since: str) -> Iterator[None]:
        """Hold the run lock: an advisory lock of this connection. Raises StoreLockedError where another run holds it."""
        number = _number("run", self.schema)
        with self.refusals("lock"):
            taken = not self._locked and self._take(number)
        if not taken:
            holder = f"another run ({self._holder(number)}) holds it"
            raise StoreLockedError(f"{purpose} into store '{self.name}'", holder, "Wait until it ends, then run again.")
        self._locked = True
        try:
            self._call_itself(f"trajc {purpose}, process {os.getpid()}, since {since}")
            yield
        finally:
            self._locked = False
            with suppress(self.driver.Error):  # a connection that is gone holds nothing
                self.connection.execute(f"SELECT pg_advisory_unlock({number})")
                self._call_itself("trajc")

    def _take(self, number: int) -> bool:
        """Take an advisory lock; one whose holder has just died is free once the server has noticed, which takes a moment."""
        for last in (False,) * (ENDING_TRIES - 1) + (True,):
            if self.connection.execute(f"SELECT pg_try_advisory_lock({number})").fetchone()[0]:
                return True
            if not last:
                time.sleep(ENDING_SECONDS / ENDING_TRIES)
        return False

    def is_locked(self) -> bool:
        """Return whether any run, of this process or another, holds the run lock."""
        return self._locked or self._holders(_number("run", self.schema)) != []

    def backup(self, target: Path) -> None:
        """Copy the rows of every table into a schema named after `target`; the server's own backups are another thing."""
        copy = re.sub(r"\W", "_", f"{self.schema}_{target.name}")[:63].lower()
        self.execute(f'CREATE SCHEMA "{copy}"')
        for table in sorted(self.tables()):
            self.execute(f'CREATE TABLE "{copy}"."{table}" AS TABLE "{self.schema}"."{table}"')

    def damage(self) -> tuple[str, ...]:
        """Return nothing: the server checks its own pages and refuses rows that refer to nothing."""
        return ()

    def tables(self) -> frozenset[str]:
        """Return the names of the tables that the schema holds."""
        query = "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND "
        return frozenset(row[0] for row in self.rows(f"{query} n.nspname = ?", (self.schema,)))

    def make_schema(self) -> None:
        """Make the schema where there is none yet; a role that may not make one needs not."""
        if self.row("SELECT 1 FROM pg_namespace WHERE nspname = ?", (self.schema,)) is None:
            with self.transaction():
                self.execute(f"CREATE SCHEMA IF NOT EXISTS {self.schema}")

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    @property
    def driver(self) -> Any:
        """The module psycopg."""
        import psycopg  # noqa: PLC0415  # an optional part

        return psycopg

    def refusals(self, verb: str) -> Refusals:
        """Put what the driver raises inside the block into a sentence."""
        return Refusals(self.driver, f"{verb} store '{self.name}'")

    def _roll_back(self) -> None:
        with suppress(self.driver.Error):  # a connection that is gone has rolled back by itself
            self.connection.execute("ROLLBACK")

    def _call_itself(self, words: str) -> None:
        self.connection.execute("SELECT set_config('application_name', %s, false)", (words[:63],))

    def _holder(self, number: int) -> str:
        return next((words for words in self._holders(number) if words), "its name is hidden")

    def _holders(self, number: int) -> list[str]:
        high, low = (number >> 32) & 0xFFFFFFFF, number & 0xFFFFFFFF
        query = (
            "SELECT coalesce(a.application_name, '') FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid "
            "WHERE l.locktype = 'advisory' AND l.classid = ? AND l.objid = ? AND l.objsubid = 1 AND l.granted "
            "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        return [str(row[0]) for row in self.rows(query, (high, low))]


def connect_server(address: Address, *, read_only: bool = False, keep_search_path: bool = True) -> PostgresDatabase:
    """Connect to a server. Raises StoreError where it cannot be reached or refuses.

    `keep_search_path` False leaves the connection as it is between transactions, so that it may come from any pooler.
    """
    import psycopg  # noqa: PLC0415  # an optional part; `parse_address` has said so where it is missing

    with Refusals(psycopg, f"open store '{address.name}'"):
        parameters: dict[str, Any] = {"application_name": "trajc", **address.parameters}
        connection = psycopg.connect(**parameters, autocommit=True, prepare_threshold=None)
        _open.add(connection)
        try:
            if keep_search_path:
                connection.execute(f"SET search_path = {address.schema}")
                connection.execute(f"SET default_transaction_read_only = {'on' if read_only else 'off'}")
        except BaseException:
            connection.close()
            raise
    return PostgresDatabase(connection, address)


@functools.lru_cache(maxsize=512)
def translated(sql: str) -> str:
    """Return a portable statement as the driver takes it: `%s` for a value, and texts that compare by their bytes."""
    text = sql.replace("%", "%%").replace("?", "%s")
    makes_columns = text.lstrip().upper().startswith(("CREATE TABLE", "ALTER TABLE"))
    return _TEXT.sub('TEXT COLLATE "C"', text) if makes_columns else text


def _number(kind: str, schema: str) -> int:
    """Return the number of an advisory lock: 63 bits of a hash, the same on every machine."""
    digest = hashlib.sha256(f"trajectory-compiler/{kind}/{schema}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
