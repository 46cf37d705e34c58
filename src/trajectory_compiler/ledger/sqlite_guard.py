"""A writer's connection to an SQLite ledger: it can insert rows and read, and nothing else.

SQLite knows no roles, so triggers alone leave DROP and ALTER open. This closes them for the connection of a program that means
well (a recorder, a plug-in's code that got hold of its connection); whoever can open the file can make another connection.
"""

from __future__ import annotations

import sqlite3

from trajectory_compiler.ledger.schema import Names

# UPDATE and DELETE of the table pass on to its triggers, which refuse them in words.
_ALWAYS = frozenset(
    {
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_READ,
        sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_TRANSACTION,
        sqlite3.SQLITE_SAVEPOINT,
        sqlite3.SQLITE_RECURSIVE,
    }
)
_ON_THE_TABLE = frozenset({sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE})


def only_insert(connection: sqlite3.Connection, names: Names) -> None:
    """Leave a connection the right to insert into a ledger and to read. Set its pragmas before: it loses that right, too."""

    def allowed(action: int, first: str | None, _second: str | None, _database: str | None, _trigger: str | None) -> int:
        fine = action in _ALWAYS or (action in _ON_THE_TABLE and first == names.table)
        return sqlite3.SQLITE_OK if fine else sqlite3.SQLITE_DENY

    connection.set_authorizer(allowed)
