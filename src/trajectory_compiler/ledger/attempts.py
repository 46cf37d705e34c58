"""Is a table of somebody's really append-only? It is tried: a row is changed and deleted, and nothing of that is kept.

PostgreSQL: inside a transaction that is rolled back, on one row, with short time-outs, so that at most that row is locked for
a moment. TRUNCATE would lock the table, so it is judged from rights and triggers. SQLite: on a copy in memory, made of the
file's own CREATE statements and one row; the file is only read.

What a trigger says may quote the row, so it is never passed on.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Literal

import msgspec

from trajectory_compiler.errors import OptionError
from trajectory_compiler.ledger.schema import Names
from trajectory_compiler.ledger.state import postgres_state
from trajectory_compiler.sources.ledger_table import is_ledger
from trajectory_compiler.sources.mapped import MappedSource
from trajectory_compiler.sources.postgres import PostgresReader, Server, quoted
from trajectory_compiler.sources.source import Source
from trajectory_compiler.sources.sqlite_table import SqliteReader, connect

Outcome = Literal["right", "guard", "ignored", "done", "untold"]
_DELETE, _UPDATE, _TRUNCATE = 8, 16, 32  # bits of pg_trigger.tgtype; 2 is BEFORE
_TIME_OUTS = "SET LOCAL lock_timeout = '500ms'; SET LOCAL statement_timeout = '10s'"
_WHO = """
    SELECT current_user, current_setting('is_superuser') = 'on', class.relkind::text, pg_get_userbyid(class.relowner),
           pg_has_role(class.relowner, 'USAGE'), has_table_privilege(class.oid, 'TRUNCATE'),
           (SELECT coalesce(bit_or(tgtype::int), 0) FROM pg_trigger
             WHERE tgrelid = class.oid AND tgenabled IN ('O', 'A') AND tgtype & 2 <> 0 AND NOT tgisinternal),
           (SELECT rolcanlogin FROM pg_roles WHERE oid = class.relowner), pg_is_in_recovery()
    FROM pg_catalog.pg_class AS class WHERE class.oid = to_regclass(%s)
"""
_CHANGERS = """
    SELECT DISTINCT coalesce(grantee.rolname, 'PUBLIC') FROM pg_catalog.pg_class AS class
    CROSS JOIN LATERAL (
        SELECT held.grantee, held.privilege_type FROM aclexplode(class.relacl) AS held
        UNION ALL
        SELECT held.grantee, held.privilege_type FROM pg_attribute, aclexplode(attacl) AS held WHERE attrelid = class.oid
    ) AS held
    LEFT JOIN pg_catalog.pg_roles AS grantee ON grantee.oid = held.grantee
    WHERE class.oid = to_regclass(%s) AND held.grantee <> class.relowner
      AND held.privilege_type IN ('UPDATE', 'DELETE', 'TRUNCATE') ORDER BY 1
"""
# An index serves an ORDER BY where it is a B-tree whose columns sort as the table's own do, all of them one way.
_INDEXES = """
    SELECT indisunique, array(
        SELECT coalesce(attname::text, '') FROM unnest(indkey::smallint[]) WITH ORDINALITY AS key (number, place)
        LEFT JOIN pg_attribute ON attrelid = indrelid AND attnum = key.number WHERE place <= indnkeyatts ORDER BY place
    ), array(
        SELECT CASE WHEN amname = 'btree' AND indcollation[place - 1] = attcollation AND indoption[0] IN (0, 3)
                         AND indoption[place - 1] = indoption[0] THEN attname::text ELSE '' END
        FROM unnest(indkey::smallint[]) WITH ORDINALITY AS key (number, place)
        LEFT JOIN pg_attribute ON attrelid = indrelid AND attnum = key.number WHERE place <= indnkeyatts ORDER BY place
    )
    FROM pg_catalog.pg_index JOIN pg_catalog.pg_class AS held ON held.oid = indexrelid
    JOIN pg_catalog.pg_am ON pg_am.oid = held.relam
    WHERE indrelid = to_regclass(%s) AND indisvalid AND indpred IS NULL
"""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """What was tried and how it ended.

    `right`: the login lacks the right; `guard`: a trigger, rule or policy refused it; `ignored`: nothing was said and nothing
    was changed; `done`: it was changed (and rolled back); `untold`: it could not be tried.
    """

    what: str
    outcome: Outcome

    @property
    def refused(self) -> bool:
        """Whether the row stayed as it was."""
        return self.outcome in ("right", "guard", "ignored")


class Index(msgspec.Struct, frozen=True, kw_only=True):
    """An index that covers all rows: its columns in order; an expression is an empty name.

    `sorts` are the columns again, empty where the index keeps another order than the column (a hash, another collation, DESC
    after ASC); None where all keep it.
    """

    columns: tuple[str, ...]
    unique: bool
    sorts: tuple[str, ...] | None = None


class TableFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the database says of a table. `login` tried; `changers` are the other roles that may update, delete or truncate.

    `triggers` stand before both UPDATE and DELETE, whatever they do; `ledger` is one of ours with every guard in its place.
    """

    database: Literal["PostgreSQL", "SQLite"]
    table: str
    login: str = ""
    superuser: bool = False
    owner: str = ""
    owns: bool = False
    owner_logs_in: bool = False
    attempts: tuple[Attempt, ...] = ()
    changers: tuple[str, ...] = ()
    triggers: bool = False
    ledger: bool = False
    indexes: tuple[Index, ...] = ()


def facts_of(source: Source) -> TableFacts | None:
    """Return what the database says of the table behind a source, or None where there is no table: a file, a query, a view.

    Raises: SourceError: the database cannot be reached. Cost: one row is locked for a moment (PostgreSQL).
    """
    reader = source.reader if isinstance(source, MappedSource) else None
    if not isinstance(reader, PostgresReader | SqliteReader) or reader.relation.startswith("("):
        return None
    columns = [name for role in ("tool", "session_id") if (name := source.mapping.column(role))]
    if isinstance(reader, PostgresReader):
        return _in_postgres(reader.server, reader.relation, columns, ours=is_ledger(source.mapping.available))
    return _in_sqlite(reader.path, reader.relation)


def _in_postgres(server: Server, table: str, columns: Sequence[str], *, ours: bool) -> TableFacts | None:
    with server.connection() as connection:
        who = connection.execute(_WHO, (table,)).fetchone()
        if who is None or who[2] not in ("r", "p"):
            return None
        login, superuser, _, owner, owns, may_truncate, before, owner_logs_in, standby = who
        changers = tuple(name for (name,) in connection.execute(_CHANGERS, (table,)))
        indexes = tuple(
            Index(columns=tuple(names), unique=unique, sorts=None if sorts == names else tuple(sorts))
            for unique, names, sorts in connection.execute(_INDEXES, (table,))
        )
        ledger = ours and _is_whole(connection, table)
    truncate: Outcome = "right" if not may_truncate else "guard" if before & _TRUNCATE else "done"
    tried = () if standby else _tried(server, table, columns)
    return TableFacts(
        database="PostgreSQL",
        table=table,
        login=login,
        superuser=superuser,
        owner=owner,
        owns=owns,
        owner_logs_in=owner_logs_in,
        attempts=(*tried, Attempt(what="TRUNCATE", outcome=truncate)) if tried else (),
        changers=changers,
        triggers=before & (_UPDATE | _DELETE) == _UPDATE | _DELETE,
        ledger=ledger,
        indexes=indexes,
    )


def _is_whole(connection: Any, table: str) -> bool:
    schema, _, name = table.rpartition(".")
    try:
        return postgres_state(connection, Names.of(f"{schema}.{name}")).complete
    except OptionError:  # a name that needs quotes is none of ours
        return False


def _tried(server: Server, table: str, columns: Sequence[str]) -> tuple[Attempt, Attempt]:
    """Try UPDATE and DELETE on one row, each in a savepoint that is rolled back, and so is all around them."""
    with server.connection(read_only=False) as connection:
        try:
            connection.execute(_TIME_OUTS)
            row = connection.execute(f"SELECT ctid::text, tableoid::text FROM {table} LIMIT 1").fetchone()
            place = "ctid = '{}'::tid AND tableoid = {}".format(*(row or ("(0,0)", "0")))
            changed = _changed(connection, table, columns, place)
            deleted = _outcome(connection, f"DELETE FROM {table} WHERE {place} RETURNING true")
        finally:
            connection.rollback()
    outcomes = [outcome if row or outcome != "ignored" else "untold" for outcome in (changed, deleted)]
    return Attempt(what="UPDATE", outcome=outcomes[0]), Attempt(what="DELETE", outcome=outcomes[1])


def _changed(connection: Any, table: str, columns: Sequence[str], place: str) -> Outcome:
    """Try to change each column until one tells: a text shows whether a trigger put the old value back."""
    changed: Outcome = "untold"
    for column in map(quoted, columns):
        became = f"{column} IS DISTINCT FROM (SELECT {column} FROM {table} WHERE {place})"
        update = f"UPDATE {table} SET {column} = coalesce({column}, '') || '.' WHERE {place} RETURNING {became}"
        if changed in ("untold", "right"):
            changed = _outcome(connection, update)
    if changed == "untold" and columns:  # no text at all: the same value again
        column = quoted(columns[0])
        changed = _outcome(connection, f"UPDATE {table} SET {column} = {column} WHERE {place} RETURNING true")
    return changed


def _outcome(connection: Any, sql: str) -> Outcome:
    import psycopg  # noqa: PLC0415  # the source was opened with it

    try:
        with connection.transaction(force_rollback=True):
            changed = connection.execute(sql).fetchall()
    except psycopg.Error as error:
        return _refusal(error.sqlstate or "", error.diag.message_primary or "")
    return "done" if (True,) in changed else "ignored"


def _refusal(state: str, said: str) -> Outcome:
    """Tell a missing right from a guard, and both from what says nothing of guards: a constraint, a lock, a standby."""
    if state == "42501":
        return "right" if said.startswith(("permission denied", "must be owner")) else "guard"
    if state.startswith("23"):
        return "done"  # the guards let it pass; a constraint on the new value is no guard
    return "untold" if state[:2] in ("22", "25", "42", "53", "55", "57", "40", "08", "") else "guard"


def _in_sqlite(path: Path, relation: str) -> TableFacts | None:
    table = relation.strip('"').replace('""', '"')
    with closing(connect(path)) as connection:
        kind = connection.execute("SELECT type FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        if kind != ("table",):
            return None
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({relation})")]
        row = connection.execute(f"SELECT {', '.join(map(quoted, columns))} FROM {relation} LIMIT 1").fetchone()
        listed = connection.execute(f"PRAGMA index_list({relation})").fetchall()
        indexes = [_sqlite_index(connection, index[1], unique=bool(index[2])) for index in listed if not index[4]]
        key = [row[1] for row in connection.execute(f"PRAGMA table_info({relation})") if row[5]]
        if len(key) == 1:
            indexes.append(Index(columns=tuple(key), unique=True))
        objects = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type = 'trigger'").fetchall()
    if row is None:
        return TableFacts(database="SQLite", table=table, indexes=tuple(indexes))
    return TableFacts(
        database="SQLite", table=table, attempts=_tried_on_a_copy(relation, columns, row, objects), indexes=tuple(indexes)
    )


def _sqlite_index(connection: sqlite3.Connection, name: str, *, unique: bool) -> Index:
    """Describe an index. Sessions are read in binary order, and an index can be read in one direction only."""
    keys = [row[2:] for row in connection.execute(f"PRAGMA index_xinfo({quoted(name)})") if row[5]]
    one_way = len({descends for _, descends, *_ in keys}) == 1
    columns = tuple(column or "" for column, *_ in keys)
    sorts = tuple(column or "" if one_way and collation == "BINARY" else "" for column, _, collation, _ in keys)
    return Index(columns=columns, unique=unique, sorts=None if sorts == columns else sorts)


def _tried_on_a_copy(
    relation: str, columns: Sequence[str], row: tuple[Any, ...], objects: Sequence[tuple[str]]
) -> tuple[Attempt, ...]:
    """Try UPDATE, DELETE and REPLACE in memory, on the file's own tables and triggers and one of its rows."""
    names, marks = ", ".join(map(quoted, columns)), ", ".join("?" * len(columns))
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as copy:
        made = [sql for (sql,) in objects if not sql.upper().startswith("CREATE TRIGGER")]
        triggers = [sql for (sql,) in objects if sql.upper().startswith("CREATE TRIGGER")]
        for sql in made:
            with suppress(sqlite3.Error):  # another table's virtual module or generated column is not needed here
                copy.execute(sql)
        try:
            copy.execute("PRAGMA foreign_keys = OFF")
            copy.execute(f"INSERT INTO {relation} ({names}) VALUES ({marks})", row)
        except sqlite3.Error:
            return (Attempt(what="UPDATE", outcome="untold"), Attempt(what="DELETE", outcome="untold"))
        for sql in triggers:
            with suppress(sqlite3.Error):
                copy.execute(sql)
        attempts = [Attempt(what="UPDATE", outcome=_copy_outcome(copy, f"UPDATE {relation} SET {quoted(columns[-1])} = NULL"))]
        replaced = _copy_outcome(copy, f"INSERT OR REPLACE INTO {relation} ({names}) VALUES ({marks})", row)
        if copy.execute(f"SELECT count(*) FROM {relation}").fetchone() == (1,):  # two rows: no key, nothing to replace
            attempts.append(Attempt(what="REPLACE", outcome=replaced))
        attempts.append(Attempt(what="DELETE", outcome=_copy_outcome(copy, f"DELETE FROM {relation}")))
        return tuple(attempts)


def _copy_outcome(copy: sqlite3.Connection, sql: str, values: Sequence[Any] = ()) -> Outcome:
    before = copy.total_changes
    try:
        copy.execute(sql, tuple(values))
    except sqlite3.IntegrityError as error:
        constraint = any(word in str(error) for word in ("constraint failed", "datatype mismatch"))
        return "done" if constraint else "guard"
    except sqlite3.Error:
        return "untold"
    return "done" if copy.total_changes > before else "ignored"
