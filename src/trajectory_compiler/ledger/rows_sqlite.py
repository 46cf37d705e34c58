"""Anybody's audit table in SQLite, read as it is. SQLite has one writer at a time, so no row comes late."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from trajectory_compiler.config import SourceOptions
from trajectory_compiler.errors import SealError, SourceError
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
)
from trajectory_compiler.sources.sqlite_table import connect, open_sqlite, quoted


class SqliteTable:
    """A table that is sealed in place."""

    def __init__(self, path: Path, name: str, columns: tuple[str, str | None]) -> None:
        self.name = name
        self.path = path
        self._id, self._stamp = columns

    @classmethod
    def open(cls, path: Path, options: SourceOptions) -> SqliteTable:
        """Find the log of a database as every command does. Raises SourceError, MappingError, SealError."""
        source = open_sqlite(path, options)
        return cls(path, options.table or source.name, row_columns(source))

    def columns(self) -> tuple[str, ...]:
        """Return the columns that the table has now."""
        with self._connection() as connection:
            return tuple(self._types(connection))

    def shape(self) -> Shape:
        """Return how its rows are sealed as it stands now."""
        with self._connection() as connection:
            return shape_of("sqlite-1", self._types(connection), self._id, self._stamp)

    @contextmanager
    def read(self, shapes: Sequence[Shape], scope: Scope) -> Iterator[Pass]:
        """Open a pass: one SELECT, which sees one state."""
        with self._connection() as connection:
            chosen = _Selection(shapes, self._types(connection))
            where = f" WHERE {quoted(self._id)} > {scope.above}" if scope.above is not None else ""
            order = f" ORDER BY {quoted(self._id)}" if scope.settle_seconds is not None and shapes[0].is_numbered else ""
            cursor = connection.execute(f"SELECT {chosen.columns} FROM {quoted(self.name)}{where}{order}")
            yield Pass(_batches(cursor, chosen), None, is_complete=True)

    def row(self, row_id: RowId, shape: Shape) -> WholeRow | None:
        """Return one row with the text form of each column."""
        with self._connection() as connection:
            chosen = _Selection([shape], self._types(connection))
            query = f"SELECT {chosen.columns} FROM {quoted(self.name)} WHERE {quoted(self._id)} = ? LIMIT 1"
            found = connection.execute(query, (row_id,)).fetchone()
            return None if found is None else chosen.whole_row_of(found)

    def hides_rows(self) -> bool:
        """Say no: SQLite has no users."""
        return False

    def purge_record(self, record: str) -> dict[str, object] | None:
        """Return what the ledger keeps of a purge."""
        fields = "CAST(id AS TEXT), row_ids, reference, reason, purged_by, created_at"
        with self._connection() as connection:
            connection.text_factory = str
            query = f"SELECT {fields} FROM {quoted(f'{self.name}_purges')} WHERE id = ?"
            found = connection.execute(query, (record,)).fetchone()
        return purge_fields(*found) if found else None

    def _types(self, connection: sqlite3.Connection) -> dict[str, str]:
        # table_xinfo: generated columns too. Its texts come as `bytearray`, as all texts of this connection do.
        found = connection.execute(f"PRAGMA table_xinfo({quoted(self.name)})").fetchall()
        types = {bytes(name).decode(): bytes(kind).decode() for _, name, kind, *_ in found}
        if self._id not in types:
            raise SealError(f"read the table '{self.name}'", "it or its id column is gone", "Name the table with --table.")
        return types

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(connect(self.path)) as connection:
                connection.text_factory = bytearray  # a text is told from a blob by its type, whatever its bytes
                yield connection
        except sqlite3.Error as error:
            raise SourceError(
                f"read {self.path}", f"SQLite says: {error}", "Check the file, the table and its columns."
            ) from error


class _Selection:
    """Which columns a SELECT gives, and how its records become rows."""

    def __init__(self, shapes: Sequence[Shape], types: dict[str, str]) -> None:
        self._contents = Contents(shapes)
        self._shape = shape = shapes[0]
        leading = [shape.id, *([shape.stamp] if shape.stamp else []), *shape.marks]
        leading += [*PURGE_COLUMNS, *shape.payload] if shape.payload else []
        chosen = [*leading, *self._contents.columns]
        self.columns = ", ".join(quoted(name) if name in types else "NULL" for name in chosen)
        self._leading = len(leading)
        self._marks = 1 + bool(shape.stamp)
        self._purge = self._marks + len(shape.marks)

    def row_of(self, record: Sequence[Any]) -> SealRow:
        """Return what is sealed of a record."""
        forms = b"\t".join(map(_form, record[self._leading :]))
        stamp = _form(record[1]) if self._marks == 2 else NULL
        row_id = _row_id(record[0])
        if self._purge == self._leading:
            return SealRow(row_id, stamp, b"", self._contents.digests(forms))
        payload = self._payload(record)
        marks = b"\t".join(map(_form, record[self._marks : self._purge]))
        return SealRow(row_id, stamp, marks, self._contents.digests(forms, payload), payload.purge_id)

    def _payload(self, record: Sequence[Any]) -> Payload:
        purge_id, purged_hash, *values = record[self._purge : self._leading]
        hexed = bytes(purged_hash).hex() if isinstance(purged_hash, bytes) else ""
        held = tuple([bytes(value) if isinstance(value, bytearray) else _plain(value) for value in values])
        return Payload(None if purge_id is None else str(purge_id), hexed, held)

    def whole_row_of(self, record: Sequence[Any]) -> WholeRow:
        """Return a record with the text form of each column of its content."""
        names = [*self._shape.payload, *self._contents.columns]
        values = record[len(record) - len(names) :] if names else ()
        forms = [_form(value).decode("utf-8", "replace") for value in values]
        purged_hash = self._payload(record).purged_hash if self._shape.payload else None
        return WholeRow(self.row_of(record), dict(zip(names, forms, strict=True)), purged_hash)


def _batches(cursor: sqlite3.Cursor, chosen: _Selection) -> Iterator[list[SealRow]]:
    while records := cursor.fetchmany(BATCH_ROWS):
        yield [chosen.row_of(record) for record in records]


def _form(value: Any) -> bytes:
    """Return the text form of a value; its first letter is the storage class."""
    if value is None:
        return NULL
    if isinstance(value, bytearray):
        return escaped(b"t" + value)
    if isinstance(value, int):
        return b"i%d" % value
    return b"b" + value.hex().encode() if isinstance(value, bytes) else b"r" + repr(value).encode()


def _plain(value: Any) -> bytes | None:
    """Return what is no text as `schema.payload_hash` takes it."""
    return value if value is None or isinstance(value, bytes) else str(value).encode()


def _row_id(value: Any) -> RowId:
    if isinstance(value, int):
        return value
    if isinstance(value, bytearray):
        return value.decode("utf-8", "backslashreplace")
    if value is None:
        raise SealError("seal the table", "a row has no id", "Name a column that every row has with --column id=NAME.")
    return _form(value).decode()
