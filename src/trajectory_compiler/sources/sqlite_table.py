"""A table, view or query of an SQLite database, opened read-only and read in the order of session, stamp and id."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from urllib.parse import quote

from trajectory_compiler.config import SourceOptions
from trajectory_compiler.errors import SourceError
from trajectory_compiler.model import Json, short_hash
from trajectory_compiler.sources.documents import UnreadableError, parse
from trajectory_compiler.sources.findings import Drops
from trajectory_compiler.sources.ledger_table import JSON_COLUMNS, is_ledger
from trajectory_compiler.sources.mapped import MappedTextSource, first_of
from trajectory_compiler.sources.mapping import SAMPLE_ROWS, Mapping, Record
from trajectory_compiler.sources.rows import json_value, session_of
from trajectory_compiler.sources.tables import choose_table, map_query, without_semicolon
from trajectory_compiler.sources.undecoded import SessionText, Values

MAGIC = b"SQLite format 3\0"
ADDRESS = "sqlite:///"


def sqlite_path(location: str) -> Path:
    """Return the file that `sqlite:///PATH`, or the path itself, names."""
    return Path(location.removeprefix(ADDRESS)).expanduser()


def open_sqlite(path: Path, options: SourceOptions) -> MappedTextSource:
    """Open the log inside a database. Raises SourceError, MappingError."""
    try:
        if options.query is not None:
            relation, name = f"({without_semicolon(options.query)})", f"query-{short_hash(options.query)[:8]}"
            mapping = map_query(str(path), _sample(path, relation), options)
        else:
            name, mapping = choose_table(str(path), _tables(path), lambda table: _sample(path, quoted(table)), options)
            relation = quoted(name)
        json_columns = JSON_COLUMNS if is_ledger(mapping.available) else frozenset()
        reader = SqliteReader(path, relation, _order(path, relation, mapping), json_columns)
    except sqlite3.Error as error:
        raise _refused(path, error) from error
    return MappedTextSource(options.name or name, "SQLite", reader, mapping)


class SqliteReader:
    """Reads a relation in a given order; `row 17` is the 17th row in that order."""

    unit = "row"

    def __init__(self, path: Path, relation: str, order: str, json_columns: frozenset[str] = frozenset()) -> None:
        self.path, self.relation, self._order, self._json = path, relation, order, json_columns

    def records(self, drops: Drops) -> Iterator[tuple[int, Record]]:
        """Yield the row number, from 1, and the values of each row."""
        with closing(self._select("*")) as rows:
            yield from self._decode(rows, 1, drops)

    def texts(self, column: str, drops: Drops) -> Iterator[SessionText]:
        """Yield the rows of each session as SQLite holds them; rows that name no session are counted in `drops`."""
        group: list[Values] = []
        session, first, index = "", 1, -1
        with closing(self._select("*")) as rows:
            for number, (names, row) in enumerate(rows, 1):
                index = names.index(column) if index < 0 else index
                value = row[index]
                found = session_of(json_value(None if isinstance(value, _NoText) else value, Drops("sources"), number))
                if found != session:
                    if group:
                        yield SessionText(session, first, group)
                    group, session, first = [], found, number
                if found:
                    group.append((names, row))
                else:
                    drops.add("invalid_utf8" if isinstance(value, _NoText) else "no_session_id", number)
        if group:
            yield SessionText(session, first, group)

    def decode(self, texts: Iterable[SessionText], drops: Drops) -> Iterator[tuple[int, Record]]:
        """Yield the row number and the values of each row."""
        for text in texts:
            yield from self._decode((row for row in text.rows if isinstance(row, tuple)), text.first, drops)

    def _decode(self, rows: Iterable[Values], first: int, drops: Drops) -> Iterator[tuple[int, Record]]:
        for number, (names, row) in enumerate(rows, first):
            try:
                record = {name: self._value(name, value, drops, number) for name, value in zip(names, row, strict=True)}
            except UnreadableError as error:
                drops.add(error.reason, number)
                continue
            yield number, record

    def _value(self, name: str, value: Json, drops: Drops, number: int) -> Json:
        if isinstance(value, str):
            return parse(value, partial(drops.add, place=number)) if name in self._json else value
        if isinstance(value, _NoText):
            raise UnreadableError("invalid_utf8")
        return json_value(value, drops, number)

    def column_values(self, column: str) -> Iterator[Json]:
        """Select one column, which an index may answer alone."""
        for _, row in self._select(quoted(column)):
            yield row[0]

    def _select(self, what: str) -> Generator[Values, None, None]:
        try:
            with closing(connect(self.path)) as connection:
                cursor = connection.execute(f"SELECT {what} FROM {self.relation} ORDER BY {self._order}")
                names = tuple(column[0] for column in cursor.description)
                for row in cursor:
                    yield names, row
        except sqlite3.Error as error:
            raise _refused(self.path, error) from error


def connect(path: Path) -> sqlite3.Connection:
    """Open without the right to write; a database with a write-ahead log in a read-only folder needs `immutable`."""
    address = f"file:{quote(str(path.absolute()))}?mode=ro"
    connection = sqlite3.connect(address, uri=True)
    try:
        connection.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        connection.close()
        wal = path.with_name(path.name + "-wal")
        if wal.exists() and wal.stat().st_size:
            raise
        connection = sqlite3.connect(address + "&immutable=1", uri=True)
    connection.execute("PRAGMA query_only=ON")
    connection.text_factory = _text
    return connection


class _NoText(bytes):
    """What a text column holds that is not UTF-8."""


def _text(data: bytes) -> str | bytes:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _NoText(data)  # the reader refuses the row: raising here would end the whole query


def _tables(path: Path) -> list[str]:
    with closing(connect(path)) as connection:
        found = connection.execute(
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY name"
        )
        return [name for (name,) in found]


def _sample(path: Path, relation: str) -> list[Record]:
    with closing(connect(path)) as connection:
        cursor = connection.execute(f"SELECT * FROM {relation} LIMIT {SAMPLE_ROWS}")
        names = [column[0] for column in cursor.description]
        return first_of(dict(zip(names, row, strict=True)) for row in cursor)


def _order(path: Path, relation: str, mapping: Mapping) -> str:
    """Return the ORDER BY terms.

    The plain column lets SQLite use an index. A session column without a text or whole-number type may hold 1 and '1', which
    are one session but do not sort together: there, its text is compared.
    """
    session = quoted(mapping.columns["session_id"])
    with closing(connect(path)) as connection:
        info = connection.execute(f"PRAGMA table_info({relation})").fetchall() if relation.startswith('"') else []
    declared = next((kind.upper() for _, name, kind, *_ in info if name == mapping.columns["session_id"]), "")
    typed = any(word in declared for word in ("CHAR", "TEXT", "CLOB", "INT"))
    terms = [f"{session} COLLATE BINARY" if typed else f"CAST({session} AS TEXT) COLLATE BINARY"]
    terms += [quoted(column) for role in ("created_at", "id") if (column := mapping.column(role))]
    return ", ".join(terms)


def quoted(name: str) -> str:
    """Return a name as SQL quotes it."""
    return '"' + name.replace('"', '""') + '"'


def _refused(path: Path, error: sqlite3.Error) -> SourceError:
    return SourceError(f"read {path}", f"SQLite says: {error}", "Check the file, the table and the query.")
