"""`trajc ledger init`: create the audit table with its guards, or say that it stands already."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from trajectory_compiler.errors import LedgerError
from trajectory_compiler.ledger.schema import Names
from trajectory_compiler.ledger.script import postgres_script, sqlite_script
from trajectory_compiler.ledger.state import LedgerState, Part, postgres_state, sqlite_state
from trajectory_compiler.sources.postgres import ADDRESSES, Server
from trajectory_compiler.sources.sqlite_table import sqlite_path

_SMALLEST_SQLITE = (3, 37, 0)  # STRICT tables


class InitReport(msgspec.Struct, frozen=True, kw_only=True):
    """What `--json` prints. `changed` is false where the ledger stood already; `next` holds what to do now."""

    ledger: str
    database: str
    changed: bool
    parts: tuple[Part, ...]
    next: tuple[str, ...]


def is_postgres(location: str) -> bool:
    """Say whether a location is a PostgreSQL address; everything else is an SQLite file."""
    return location.startswith(ADDRESSES)


def script(location: str, names: Names) -> str:
    """Return the SQL that `initialise` runs there, as one transaction."""
    made = postgres_script(names) if is_postgres(location) else sqlite_script(names)
    return f"BEGIN;\n\n{made}\nCOMMIT;\n"


def initialise(location: str, names: Names) -> InitReport:
    """Create a ledger at a PostgreSQL address or in an SQLite file, in one transaction. What stands already stays.

    Raises: LedgerError: a different table of that name exists, or the database refuses. SourceError: it cannot be reached.
    """
    if is_postgres(location):
        return _in_postgres(location, names)
    return _in_sqlite(sqlite_path(location), names)


def _in_postgres(address: str, names: Names) -> InitReport:
    goal = f"create the ledger '{names.qualified}'"
    with Server(address, goal).connection(read_only=False) as connection:
        before = postgres_state(connection, names)
        _refuse_foreign(before, names, goal)
        # Who may not make event triggers must not try again and again; a superuser makes up for what that one left out.
        superuser = connection.execute("SELECT current_setting('is_superuser') = 'on'").fetchone()[0]
        changed = not before.complete or (superuser and not all(part.stands for part in before.parts))
        if changed:
            _run(connection, postgres_script(names), goal)
        after = postgres_state(connection, names)
    _refuse_incomplete(after, goal)
    role = names.role
    return InitReport(
        ledger=names.qualified,
        database="PostgreSQL",
        changed=changed,
        parts=after.parts,
        next=(
            f"Let an agent's login write: GRANT {role('writer')} TO agent_login;",
            f"Let a person or trajc read: GRANT {role('reader')} TO reader_login;",
            f"Let the one who answers for erasures purge: GRANT {role('purger')}, {role('reader')} TO officer_login;",
        ),
    )


def _run(connection: Any, sql: str, goal: str) -> None:
    """Run the script; what the database says against it holds no row, so it may be shown."""
    import psycopg  # noqa: PLC0415  # the caller has connected with it

    connection.execute("SET LOCAL client_min_messages = warning")
    try:
        connection.execute(sql)
    except psycopg.Error as error:
        said = (error.diag.message_primary or type(error).__name__).rstrip(".")
        action = "Run it as a superuser or as a role that may create roles, or show the SQL to one who is: add --print."
        raise LedgerError(goal, f"the server says '{said}'", action) from None


def _in_sqlite(path: Path, names: Names) -> InitReport:
    goal = f"create the ledger '{names.table}' in {path}"
    if names.schema:
        raise LedgerError(goal, f"an SQLite file has no schema '{names.schema}'", f"Name it --table {names.table}.")
    if sqlite3.sqlite_version_info < _SMALLEST_SQLITE:
        raise LedgerError(goal, f"this Python has SQLite {sqlite3.sqlite_version}", "Use one with SQLite 3.37 or later.")
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            before = sqlite_state(connection, names)
            _refuse_foreign(before, names, goal)
            if not before.complete:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.executescript(f"BEGIN IMMEDIATE;\n{sqlite_script(names)}\nCOMMIT;")
            after = sqlite_state(connection, names)
    except sqlite3.Error as error:
        raise LedgerError(goal, f"SQLite says: {error}", "Name a new file or an SQLite database that you may write.") from None
    _refuse_incomplete(after, goal)
    return InitReport(
        ledger=names.table,
        database="SQLite",
        changed=not before.complete,
        parts=after.parts,
        next=("Whoever may write the file can drop its triggers: seal it, and keep the checkpoints elsewhere.",),
    )


def _refuse_foreign(state: LedgerState, names: Names, goal: str) -> None:
    if state.foreign:
        seen = f"a different table of that name exists: it {state.foreign}"
        raise LedgerError(goal, seen, f"Choose another name with --table, such as --table {names.table}_2.")


def _refuse_incomplete(state: LedgerState, goal: str) -> None:
    missing = [part.name for part in state.parts if part.needed and not part.stands]
    if missing or not state.exists:
        seen = f"the script ran, but the database does not show {', '.join(missing) or 'the table'}"
        raise LedgerError(goal, seen, "Run it again with TRAJC_DEBUG=1 and report what it prints.")
