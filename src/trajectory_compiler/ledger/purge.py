"""Removing a payload by lawful order, without breaking a seal.

A ledger of ours hashes a row in two steps, so a row whose payload is gone is still proved by the hash that the payload had. The
database empties the payload only beside a record of who did it on whose order; `trajc ledger purge` also signs that record with
the sealing key and keeps it with the seals. `verify` then says *purged with record R*. A payload that is gone without a record
that names the row is reported as an edit.

    trajc purge                            the text that is signed
    trajc/agent_audit_log-5f0c1a2b
    {"record":"3","rows":["5","7"],"reference":"request 2026-17","reason":"...","purged_by":"officer","created_at":"..."}
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import msgspec

from trajectory_compiler.errors import RefusedError, SealError
from trajectory_compiler.ledger.note import Signer, Verifier, open_note
from trajectory_compiler.ledger.rows import SealRow, Table
from trajectory_compiler.ledger.rows_postgres import PostgresTable
from trajectory_compiler.ledger.rows_sqlite import SqliteTable
from trajectory_compiler.ledger.schema import PAYLOAD_FIELDS, Names, payload_hash
from trajectory_compiler.ledger.seal_store import SealStore
from trajectory_compiler.sources.postgres import Server
from trajectory_compiler.sources.sqlite_table import quoted

_TITLE = "trajc purge"
_NOTHING_CHANGED = "Nothing was changed: leave those out."


class PurgeRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Who removed the payloads of which rows, when, and on whose order."""

    record: str
    rows: tuple[str, ...]
    reference: str
    reason: str
    purged_by: str
    created_at: str


class Known(NamedTuple):
    """A purge record that names a row, and whether the sealing key vouches for it as it stands."""

    id: str
    is_signed: bool


class PurgeOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows lose their payload, and why. `reference` names the order, `actor` who runs it (SQLite has no users)."""

    rows: tuple[int, ...]
    reference: str
    reason: str
    actor: str


def signed_record(record: PurgeRecord, origin: str, signer: Signer) -> str:
    """Return a purge record as a signed note."""
    return signer.sign(f"{_TITLE}\n{origin}\n{msgspec.json.encode(record).decode()}\n")


def open_record(note: str, origin: str, verifier: Verifier) -> PurgeRecord:
    """Return the record of a signed note. Raises RefusedError."""
    lines = open_note(note, verifier).split("\n")
    if lines[:2] != [_TITLE, origin] or len(lines) != 4:
        raise RefusedError("accept a purge record", "it is none of this log", "Restore the seals from a copy.")
    try:
        return msgspec.json.decode(lines[2], type=PurgeRecord)
    except msgspec.DecodeError:
        raise RefusedError("accept a purge record", "it is malformed", "Restore the seals from a copy.") from None


class PurgeRecords:
    """The purge records of a table: what the database says, and what is signed."""

    def __init__(self, table: Table, store: SealStore, verifier: Verifier) -> None:
        self._table, self._store, self._verifier = table, store, verifier
        self._notes = store.purges()
        self._known: dict[str, tuple[frozenset[str], bool]] = {}

    def of(self, row: SealRow) -> Known | None:
        """Return the record that names a purged row, or None where there is none."""
        record = row.purge_id
        if record is None:
            return None
        if record not in self._known:
            self._known[record] = self._read(record)
        rows, is_signed = self._known[record]
        return Known(record, is_signed) if str(row.id) in rows else None

    def _read(self, record: str) -> tuple[frozenset[str], bool]:
        kept = self._table.purge_record(record)
        found = None if kept is None else msgspec.convert(kept, PurgeRecord)
        signed = None
        if record in self._notes:
            try:
                signed = open_record(self._notes[record], self._store.get("origin") or "", self._verifier)
            except RefusedError:
                signed = None
        if signed is not None and found in (None, signed):
            return frozenset(signed.rows), True
        return (frozenset() if found is None else frozenset(found.rows)), False


def purge(table: Table, order: PurgeOrder) -> PurgeRecord:
    """Remove the payloads of rows and return the record that the database keeps. All or nothing.

    Raises: SealError: the table is no ledger of ours, a row does not exist or is purged already, or the database refuses.
    """
    goal = f"purge {len(order.rows)} rows of '{table.name}'"
    if isinstance(table, PostgresTable) and table.shape().payload:
        record = _purge_in_postgres(table.address, Names.of(table.name), order, goal)
    elif isinstance(table, SqliteTable) and table.shape().payload:
        record = _purge_in_sqlite(table.path, order, table.name, goal)
    else:
        action = "A table of your own has its own way; seal it again with --late afterwards and keep the order."
        raise SealError(goal, "only a table that `trajc ledger init` made keeps payload and hash apart", action)
    kept = table.purge_record(record)
    if kept is None:
        raise SealError(goal, f"the payloads are gone, but record {record} cannot be read", "Grant this user the reader role.")
    return msgspec.convert(kept, PurgeRecord)


def _purge_in_postgres(address: str, names: Names, order: PurgeOrder, goal: str) -> str:
    with Server(address, goal).connection(read_only=False) as connection:
        import psycopg  # noqa: PLC0415  # an optional part, there since the server was reached

        query = f"SELECT {names.purge_function}(%s::bigint[], %s, %s)"
        try:
            return str(connection.execute(query, [list(order.rows), order.reference, order.reason]).fetchone()[0])
        except psycopg.errors.RaiseException:
            raise SealError(goal, "some of them do not exist or are purged already", _NOTHING_CHANGED) from None


def _purge_in_sqlite(path: Path, order: PurgeOrder, table: str, goal: str) -> str:
    names, purges = quoted(table), quoted(f"{table}_purges")
    wanted = sorted(set(order.rows))
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("PRAGMA secure_delete = ON")
            insert = f"INSERT INTO {purges} (purged_by, reference, reason, row_ids) VALUES (?, ?, ?, ?)"
            record = connection.execute(insert, (order.actor, order.reference, order.reason, json.dumps(wanted))).lastrowid
            emptied = sum(_empty(connection, names, row_id, record) for row_id in wanted)
            if emptied < len(wanted):
                seen = f"{len(wanted) - emptied} of them do not exist or are purged already"
                raise SealError(goal, seen, _NOTHING_CHANGED)
            connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise SealError(goal, f"SQLite says: {error}", "Check the file and its rights: nothing was changed.") from None
    return str(record)


def _empty(connection: sqlite3.Connection, table: str, row_id: int, record: int | None) -> int:
    """Empty one payload; return how many rows that changed."""
    columns = ", ".join(PAYLOAD_FIELDS)
    values = connection.execute(f"SELECT {columns} FROM {table} WHERE id = ? AND purge_id IS NULL", (row_id,)).fetchone()
    if values is None:
        return 0
    empty = ", ".join(f"{name} = NULL" for name in PAYLOAD_FIELDS)
    update = f"UPDATE {table} SET {empty}, purge_id = ?, purged_payload_hash = ? WHERE id = ?"
    return connection.execute(update, (record, payload_hash(values), row_id)).rowcount


def keep_signed(store: SealStore, record: PurgeRecord, signer: Signer, rows: Sequence[int]) -> str:
    """Sign a record, keep it with the seals, and return the note. Raises SealError where the record names other rows."""
    if set(record.rows) != set(map(str, rows)):
        raise SealError(f"sign purge record {record.record}", "it names other rows than were asked for", "Look at the record.")
    note = signed_record(record, store.get("origin") or "", signer)
    with store.transaction():
        store.add_purge(record.record, note)
    return note
