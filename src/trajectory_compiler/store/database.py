"""What the store asks of a database: one small protocol, kept by `sqlite.SqliteDatabase` and `postgres.PostgresDatabase`.

SQL comes in the portable subset of `schema.sql` with `?` for a value. Everything above speaks to this protocol alone, so that a
store is the same store in a file and on a server.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol


class Database(Protocol):
    """An open database. `name` is how messages call it, without any password; `engine` is SQLite or PostgreSQL."""

    @property
    def name(self) -> str:
        """How messages and records call this database."""

    @property
    def engine(self) -> str:
        """SQLite or PostgreSQL."""

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """Run one statement and return how many rows it changed."""

    def execute_many(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        """Run one statement for each row of parameters."""

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query."""

    def row(self, sql: str, parameters: Sequence[object] = ()) -> tuple[Any, ...] | None:
        """Return the first row of a query, or None."""

    def transaction(self, *, durable: bool = False) -> AbstractContextManager[None]:
        """Write all or nothing, one writer at a time. A `durable` one outlives a power cut: for what was paid for."""

    def view(self) -> AbstractContextManager[None]:
        """Read one unchanging state inside the block; nothing may be written there."""

    def lock(self, purpose: str, since: str) -> AbstractContextManager[None]:
        """Hold the run lock. Raises StoreLockedError (exit 4) at once where another run holds it."""

    def is_locked(self) -> bool:
        """Return whether any run, of this process or another, holds the run lock."""

    def backup(self, target: Path) -> None:
        """Copy everything before a migration: into the file `target`, or on a server into a schema named after it."""

    def damage(self) -> tuple[str, ...]:
        """Return what the engine's own check finds wrong: nothing in a sound database."""

    def tables(self) -> frozenset[str]:
        """Return the names of the tables that there are."""

    def close(self) -> None:
        """Close the connection."""
