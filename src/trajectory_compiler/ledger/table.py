"""From what the user named to a table that can be sealed, and back to the same one at the next seal."""

from __future__ import annotations

from pathlib import Path

from trajectory_compiler.config import SourceOptions
from trajectory_compiler.ledger.rows import Table
from trajectory_compiler.ledger.rows_file import FileTable
from trajectory_compiler.ledger.rows_postgres import PostgresTable
from trajectory_compiler.ledger.rows_sqlite import SqliteTable
from trajectory_compiler.ledger.seal_store import SealStore
from trajectory_compiler.sources.postgres import ADDRESSES
from trajectory_compiler.sources.sqlite_table import MAGIC


def open_table(location: str, options: SourceOptions) -> Table:
    """Find the audit table as every command finds a log. Raises SourceError, MappingError, SealError."""
    if location.startswith(ADDRESSES):
        return PostgresTable.open(location, options)
    path = Path(location).expanduser()
    return SqliteTable.open(path, options) if _is_sqlite(path) else FileTable.open(location, options)


def open_sealed_table(location: str, store: SealStore, options: SourceOptions) -> Table:
    """Open the table that was sealed: by its stored name and columns, so that an emptied one is found, too.

    `options.table` names it where it was renamed.
    """
    shape = store.shapes[0]
    name = options.table or store.get("table") or ""
    if location.startswith(ADDRESSES):
        return PostgresTable(location, name, (shape.id, shape.stamp))
    path = Path(location).expanduser()
    return SqliteTable(path, name, (shape.id, shape.stamp)) if _is_sqlite(path) else FileTable.open(location, options)


def _is_sqlite(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False  # the file reader says in a sentence what is wrong
