"""Anybody's audit table in PostgreSQL, streamed as COPY's text under fixed settings, with nothing changed in it.

**Rows that come late.** Two transactions may take the ids 5 and 6 and commit in the other order. A seal that read 6 and not 5
would find 5 below its last id later on. So a seal first notes the highest id, then waits until the transactions that held a
write lock on the table at that moment have ended: ids up to the noted one are then all there (as long as a sequence without
cache gives them). A ledger of ours knows the transaction of each row, so there a seal takes the rows of transactions older than
every open one, waits for nothing and misses nothing.
"""

from __future__ import annotations

import time
from binascii import unhexlify
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from trajectory_compiler.config import SourceOptions
from trajectory_compiler.errors import SealError
from trajectory_compiler.ledger.rows import (
    BATCH_ROWS,
    NULL,
    PURGE_COLUMNS,
    Contents,
    Pass,
    Payload,
    RowId,
    Scope,
    SealRow,
    Shape,
    WholeRow,
    escaped,
    purge_fields,
    row_columns,
    shape_of,
    unescaped,
)
from trajectory_compiler.ledger.schema import Names
from trajectory_compiler.sources.postgres import Server, open_postgres, quoted

_POLL_SECONDS = 0.05
_SETTINGS = {
    "TimeZone": "UTC",
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "lc_monetary": "C",
    "client_encoding": "UTF8",
}
_COLUMNS = """
    SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
_WRITERS = """
    SELECT DISTINCT l.virtualtransaction FROM pg_catalog.pg_locks l
    WHERE l.locktype = 'relation' AND l.mode = 'RowExclusiveLock' AND l.granted AND l.pid <> pg_backend_pid()
      AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
      AND l.relation IN (SELECT %(table)s::regclass UNION SELECT relid FROM pg_partition_tree(%(table)s::regclass))
"""
_IS_SETTLING = """
    SELECT c.relkind IN ('r', 'p') AND NOT pg_is_in_recovery() AND coalesce((SELECT s.seqcache FROM pg_catalog.pg_sequence s
        WHERE s.seqrelid = pg_get_serial_sequence(%(table)s, %(id)s)::regclass), 1) = 1
    FROM pg_catalog.pg_class c WHERE c.oid = %(table)s::regclass
"""


class PostgresTable:
    """A table that is sealed in place. `relation` is its quoted name with its schema."""

    def __init__(self, address: str, name: str, columns: tuple[str, str | None]) -> None:
        self.name = name
        self.address = address
        self._server = Server(address)
        self._id, self._stamp = columns
        tables = self._server.tables()
        plain = name.removeprefix("public.")
        if plain not in tables:
            raise SealError(f"read the table '{name}'", "the server has no such table for this user", "Name one with --table.")
        self.relation = tables[plain]

    @classmethod
    def open(cls, address: str, options: SourceOptions) -> PostgresTable:
        """Find the log of a database as every command does. Raises SourceError, MappingError, SealError."""
        source = open_postgres(address, options)
        name = options.table or source.name
        return cls(address, name, row_columns(source))

    def columns(self) -> tuple[str, ...]:
        """Return the columns that the table has now."""
        return tuple(self._types())

    def shape(self) -> Shape:
        """Return how its rows are sealed as it stands now."""
        return shape_of("postgres-1", self._types(), self._id, self._stamp)

    def hides_rows(self) -> bool:
        """Say whether row-level security applies to this user. In a ledger of ours its policy shows every row or none."""
        if self.shape().payload:
            return False
        with self._server.connection() as connection:
            query = "SELECT row_security_active(%s::regclass)"
            return bool(connection.execute(query, [self.relation]).fetchone()[0])

    @contextmanager
    def read(self, shapes: Sequence[Shape], scope: Scope) -> Iterator[Pass]:
        """Open a pass inside one repeatable-read transaction."""
        shape, types = shapes[0], self._types()
        knows_transactions = bool(shape.payload)
        settled = _Settled(None, is_complete=True)
        if scope.settle_seconds is not None and not knows_transactions:
            settled = self._settle(shape, scope.settle_seconds)
        with self._server.connection() as connection:
            self._fix(connection)
            snapshot = str(connection.execute("SELECT pg_current_snapshot()::text").fetchone()[0])
            chosen = _Selection(shapes, types)
            terms = self._terms(scope, settled, oldest_open=int(snapshot.partition(":")[0]))
            where = f" WHERE {' AND '.join(terms)}" if terms else ""
            order = f" ORDER BY {quoted(self._id)}" if scope.settle_seconds is not None and shape.is_numbered else ""
            query = f"COPY (SELECT {chosen.columns} FROM {self.relation}{where}{order}) TO STDOUT"
            known = snapshot if knows_transactions else None
            yield Pass(_batches(connection, query, chosen.row_of), known, settled.is_complete)

    def row(self, row_id: RowId, shape: Shape) -> WholeRow | None:
        """Return one row with the text form of each column."""
        chosen = _Selection([shape], self._types())
        text = str(row_id).replace("'", "''")
        where = (
            f"WHERE {quoted(self._id)}::text = '{text}'" if isinstance(row_id, str) else f"WHERE {quoted(self._id)} = {row_id}"
        )
        with self._server.connection() as connection:
            self._fix(connection)
            lines = list(_lines(connection, f"COPY (SELECT {chosen.columns} FROM {self.relation} {where} LIMIT 1) TO STDOUT"))
        return chosen.whole_row_of(lines[0]) if lines else None

    def purge_record(self, record: str) -> dict[str, object] | None:
        """Return what the ledger keeps of a purge."""
        fields = "id::text, array_to_json(row_ids)::text, reference, reason, purged_by, created_at::text"
        purges = Names.of(self.name).purges
        with self._server.connection() as connection:
            found = connection.execute(f"SELECT {fields} FROM {purges} WHERE id = %s", [record]).fetchone()
        return purge_fields(*found) if found else None

    def _types(self) -> dict[str, str]:
        with self._server.connection() as connection:
            found = dict(connection.execute(_COLUMNS, [self.relation]).fetchall())
        if self._id not in found:
            raise SealError(
                f"read the table '{self.name}'", f"its id column '{self._id}' is gone", "Name the table with --table."
            )
        return found

    def _fix(self, connection: Any) -> None:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        for name, value in _SETTINGS.items():
            connection.execute(f"SET LOCAL {name} = '{value}'")
        if "statement_timeout" not in self.address:
            connection.execute("SET LOCAL statement_timeout = 0")  # a large table takes as long as it takes

    def _settle(self, shape: Shape, seconds: float) -> _Settled:
        """Note the highest id, then wait for those who were writing at that moment."""
        named = {"table": self.relation, "id": self._id}
        with self._server.connection() as connection:
            may_settle = bool(connection.execute(_IS_SETTLING, named).fetchone()[0])
            highest = None
            if shape.is_numbered:
                highest = connection.execute(f"SELECT max({quoted(self._id)}) FROM {self.relation}").fetchone()[0]
            waited_for = {row[0] for row in connection.execute(_WRITERS, named)}
            until = time.monotonic() + seconds
            while waited_for and time.monotonic() < until:
                time.sleep(_POLL_SECONDS)
                waited_for &= {row[0] for row in connection.execute(_WRITERS, named)}
        return _Settled(highest, is_complete=may_settle and not waited_for)

    def _terms(self, scope: Scope, settled: _Settled, oldest_open: int) -> list[str]:
        """Return the conditions of a pass."""
        if scope.since is not None:
            if oldest_open < scope.since:
                seen = f"the server is at transaction {oldest_open}, the last seal was at {scope.since}: it was restored"
                raise SealError(f"seal '{self.name}'", seen, "Run once with --late, which compares every row.")
            return [f"transaction_id >= '{scope.since}'::xid8 AND transaction_id < '{oldest_open}'::xid8"]
        terms = [] if scope.above is None else [f"{quoted(self._id)} > {scope.above}"]
        return terms if settled.highest is None else [*terms, f"{quoted(self._id)} <= {settled.highest}"]


class _Settled(NamedTuple):
    """The highest id below which nothing is missing, and whether nobody who was writing is still at it."""

    highest: int | None
    is_complete: bool


class _Selection:
    """Which columns a COPY gives, and how its lines become rows."""

    def __init__(self, shapes: Sequence[Shape], types: dict[str, str]) -> None:
        self._contents = Contents(shapes)
        self._shape = shape = shapes[0]
        leading = [shape.id, *([shape.stamp] if shape.stamp else []), *shape.marks]
        leading += [*PURGE_COLUMNS, *shape.payload] if shape.payload else []
        given = {name: quoted(name) for name in types}
        # A payload is hashed apart, as it is: JSON is full of backslashes, and as hex it needs no escapes taken off.
        given |= {name: f"encode(convert_to({quoted(name)}::text, 'UTF8'), 'hex')" for name in shape.payload if name in types}
        self.columns = ", ".join(given.get(name, "NULL") for name in (*leading, *self._contents.columns))
        self._leading = len(leading)
        self._marks = 1 + bool(shape.stamp)
        self._purge = self._marks + len(shape.marks)

    def row_of(self, line: bytes) -> SealRow:
        """Return what is sealed of a line."""
        fields = line.split(b"\t", self._leading)
        forms = fields[self._leading] if len(fields) > self._leading else b""
        text = fields[0]
        row_id: RowId = int(text) if self._shape.is_numbered else unescaped(text).decode()
        stamp = fields[1] if self._marks == 2 else NULL
        if self._purge == self._leading:
            return SealRow(row_id, stamp, b"", self._contents.digests(forms))
        payload = self._payload(fields)
        marks = b"\t".join(fields[self._marks : self._purge])
        return SealRow(row_id, stamp, marks, self._contents.digests(forms, payload), payload.purge_id)

    def _payload(self, fields: Sequence[bytes]) -> Payload:
        purge_id, purged_hash, *values = fields[self._purge : self._leading]
        return Payload(
            None if purge_id == NULL else purge_id.decode(),
            "" if purged_hash == NULL else unescaped(purged_hash)[2:].decode(),
            tuple([None if value == NULL else unhexlify(value) for value in values]),
        )

    def whole_row_of(self, line: bytes) -> WholeRow:
        """Return a line with the text form of each column of its content."""
        row, fields = self.row_of(line), line.split(b"\t")
        forms = dict(zip(self._contents.columns, fields[self._leading :], strict=True))
        if not self._shape.payload:
            return WholeRow(row, {name: form.decode() for name, form in forms.items()})
        payload = self._payload(fields)
        held = (NULL if value is None else escaped(value) for value in payload.values)
        forms = dict(zip(self._shape.payload, held, strict=True)) | forms
        return WholeRow(row, {name: form.decode() for name, form in forms.items()}, payload.purged_hash)


def _batches(connection: Any, query: str, row_of: Callable[[bytes], SealRow]) -> Iterator[list[SealRow]]:
    batch = []
    for line in _lines(connection, query):
        if line.startswith(b"\\N\t"):
            raise SealError("seal the table", "a row has no id", "Name a column that every row has with --column id=NAME.")
        batch.append(row_of(line))
        if len(batch) == BATCH_ROWS:
            yield batch
            batch = []
    if batch:
        yield batch


def _lines(connection: Any, query: str) -> Iterator[bytes]:
    """Yield the lines of a COPY. A raw newline is never part of a value, so what a message leaves open goes on in the next."""
    rest = b""
    with connection.cursor() as cursor, cursor.copy(query) as copy:
        for message in copy:
            piece = rest + bytes(message) if rest else bytes(message)
            if piece.count(b"\n") == 1 and piece.endswith(b"\n"):
                rest = b""
                yield piece[:-1]
                continue
            *whole, rest = piece.split(b"\n")
            yield from whole
