"""What is new in an SQLite table: rows are numbered as they are written, and only one writer writes at a time."""

from __future__ import annotations

import copy
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing

from trajectory_compiler.sources.mapped import MappedSource, Reader
from trajectory_compiler.sources.rows import session_of
from trajectory_compiler.sources.source import Source
from trajectory_compiler.sources.sqlite_table import SqliteReader, connect, quoted
from trajectory_compiler.sources.touched import Basis, Look, NarrowedSource, Position, SessionTally

SESSIONS_A_QUERY = 1_000
_TYPED = ("CHAR", "TEXT", "CLOB", "INT")


class SqliteWatch:
    """Watches a table. `is_watchable` says which: one with row numbers, an id, and a session column of a plain type."""

    basis: Basis = "rows"

    def __init__(self, source: MappedSource, reader: SqliteReader) -> None:
        self.source: Source = source
        self._whole, self._reader = source, reader
        self._session = quoted(source.mapping.columns["session_id"])
        self._id = quoted(source.mapping.columns.get("id", ""))

    def is_watchable(self) -> bool:
        """Say whether new rows of the table can be told by their numbers, and their sessions be read alone."""
        mapping = self._whole.mapping
        if mapping.column("id") is None:
            return False
        with closing(connect(self._reader.path)) as connection:
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            if self._reader.relation not in {quoted(name) for (name,) in tables}:
                return False
            info = connection.execute(f"PRAGMA table_info({self._reader.relation})").fetchall()
            declared = next((kind.upper() for _, name, kind, *_ in info if name == mapping.columns["session_id"]), "")
            try:
                connection.execute(f"SELECT max(_rowid_) FROM {self._reader.relation}").fetchone()
            except sqlite3.OperationalError:  # WITHOUT ROWID
                return False
        return any(word in declared for word in _TYPED)

    def look(self, since: Position | None, now: str, lag_seconds: float) -> Look:  # noqa: ARG002  # numbers need no time
        """See `Watched`."""
        relation = self._reader.relation
        with closing(connect(self._reader.path)) as connection:
            connection.execute("BEGIN")  # all answers from one state
            mark, below = connection.execute(f"SELECT coalesce(max(_rowid_), 0), count(*) FROM {relation}").fetchone()
            position = Position(basis="rows", mark=str(mark), below=below)
            if since is None:
                return Look(sessions=None, position=position)
            old = int(since.mark)
            (stood,) = connection.execute(f"SELECT count(*) FROM {relation} WHERE _rowid_ <= ?", (old,)).fetchone()
            found = connection.execute(f"SELECT DISTINCT {self._session} FROM {relation} WHERE _rowid_ > ?", (old,))
            sessions = frozenset(filter(None, (session_of(session) for (session,) in found)))
        return Look(sessions=sessions, position=position, disturbed=stood != since.below)

    def sessions_since(self, stamp: str) -> frozenset[str] | None:  # noqa: ARG002
        """See `Watched`. Stamps have any form here, so reading them must tell."""
        return None

    def tallies(self) -> Iterator[SessionTally]:
        """See `Watched`."""
        query = f"SELECT {self._session}, count(*), max({self._id}) FROM {self._reader.relation} GROUP BY {self._session}"
        with closing(connect(self._reader.path)) as connection:
            for session, rows, last in connection.execute(query):
                if name := session_of(session):
                    yield SessionTally(name, rows, str(last))

    def rows_of(self, sessions: Collection[str]) -> Source:
        """See `Watched`."""
        return NarrowedSource(self._whole, sessions, self._narrowed, SESSIONS_A_QUERY)

    def _narrowed(self, sessions: Sequence[str]) -> Reader:
        reader, names = copy.copy(self._reader), ", ".join(map(literal, sessions))
        reader.relation = f"(SELECT * FROM {self._reader.relation} WHERE {self._session} IN ({names}))"
        return reader


def literal(value: str) -> str:
    """Return a text as SQLite's SQL writes it; a statement may hold no NUL, so such a text is written by its bytes."""
    if "\0" in value:
        return f"CAST(x'{value.encode('utf-8', 'surrogatepass').hex()}' AS TEXT)"
    return "'" + value.replace("'", "''") + "'"
