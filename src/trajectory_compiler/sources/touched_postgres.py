"""What is new in a PostgreSQL log, each answer from one statement and therefore from one snapshot of the database."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from trajectory_compiler.sources.mapped import MappedSource, Reader
from trajectory_compiler.sources.postgres import PostgresReader, quoted
from trajectory_compiler.sources.rows import session_of
from trajectory_compiler.sources.source import Source
from trajectory_compiler.sources.touched import Basis, Look, NarrowedSource, Position, SessionTally

SESSIONS_A_QUERY = 5_000
_TRANSACTION = "transaction_id"
_COMPARED_AS = {"timestamp with time zone": "timestamptz", "timestamp without time zone": "timestamp", "date": "timestamp"}


class _Column(NamedTuple):
    """What rows are marked by: an SQL expression, the type of the mark, and the next mark."""

    name: str
    kind: str
    next_mark: str


class PostgresWatch:
    """Watches a table, view or query of a server. Raises SourceError as the source does."""

    def __init__(self, source: MappedSource, reader: PostgresReader) -> None:
        self.source: Source = source
        self._whole, self._reader, self._server = source, reader, reader.server
        self._session = quoted(source.mapping.columns["session_id"])
        self._id = quoted(source.mapping.columns["id"])
        self._stamp = source.mapping.column("created_at")
        self._stamp_type = self._compared_as(self._stamp)
        ledger = self._type_of(_TRANSACTION) == "xid8" if _TRANSACTION in source.mapping.available else False
        self.basis: Basis = "transactions" if ledger else "stamps" if self._stamp_type else "counts"

    def look(self, since: Position | None, now: str, lag_seconds: float) -> Look:
        """See `Watched`."""
        if self.basis == "counts":
            return Look(sessions=frozenset(), position=Position(basis="counts", mark=""), disturbed=True)
        column = self._column(now, lag_seconds)
        relation = self._reader.relation
        old = None if since is None else f"{literal(since.mark)}::{column.kind}"
        before = "NULL" if old is None else f"(SELECT count(*) FROM {relation} WHERE {column.name} < {old})"
        query = (
            f"WITH edge AS MATERIALIZED (SELECT {column.next_mark} AS mark) "
            f"SELECT NULL::text, mark::text, (SELECT count(*) FROM {relation} WHERE {column.name} < mark), {before} FROM edge"
        )
        if old is not None:
            new = f"{column.name} >= {old} OR {column.name} IS NULL"
            query += (
                f" UNION ALL SELECT touched.session, NULL, NULL, NULL FROM "
                f"(SELECT DISTINCT {self._session}::text AS session FROM {relation} WHERE {new}) AS touched"
            )
        sessions: set[str] = set()
        mark, below, stood = "", 0, 0
        for _, row in self._server.stream(query):
            if row[1] is not None:
                mark, below, stood = str(row[1]), int(row[2]), int(row[3] or 0)
            elif session := session_of(row[0]):
                sessions.add(session)
        position = Position(basis=self.basis, mark=mark, below=below)
        if since is None:
            return Look(sessions=None, position=position)
        return Look(sessions=frozenset(sessions), position=position, disturbed=stood != since.below)

    def sessions_since(self, stamp: str) -> frozenset[str] | None:
        """See `Watched`."""
        if self._stamp is None or not self._stamp_type:
            return None
        late = f"{quoted(self._stamp)} >= {literal(stamp)}::{self._stamp_type}"
        query = f"SELECT DISTINCT {self._session}::text FROM {self._reader.relation} WHERE {late}"
        return frozenset(filter(None, (session_of(row[0]) for _, row in self._server.stream(query))))

    def tallies(self) -> Iterator[SessionTally]:
        """See `Watched`. Ids that are texts compare by their bytes."""
        texts = ("text", "character varying", "character")
        highest = f'max({self._id} COLLATE "C")' if self._type_of_id() in texts else f"max({self._id})"
        if self._type_of_id() == "uuid":
            highest = f'max({self._id}::text COLLATE "C")'
        query = (
            f"SELECT {self._session}::text, count(*), ({highest})::text FROM {self._reader.relation} GROUP BY {self._session}"
        )
        for _, row in self._server.stream(query):
            if session := session_of(row[0]):
                yield SessionTally(session, int(row[1]), str(row[2]))

    def rows_of(self, sessions: Collection[str]) -> Source:
        """See `Watched`."""
        return NarrowedSource(self._whole, sessions, self._narrowed, SESSIONS_A_QUERY)

    def _narrowed(self, sessions: Sequence[str]) -> Reader:
        reader, names = copy.copy(self._reader), ", ".join(map(literal, sessions))
        # The literals take the column's own type, so that an index on it serves.
        reader.relation = f"(SELECT * FROM {self._reader.relation} WHERE {self._session} IN ({names})) AS chosen"
        return reader

    def _column(self, now: str, lag_seconds: float) -> _Column:
        if self.basis == "transactions":
            return _Column(_TRANSACTION, "xid8", "pg_snapshot_xmin(pg_current_snapshot())")
        name, kind = quoted(self._stamp or ""), self._stamp_type
        latest = f"least((SELECT max({name}) FROM {self._reader.relation})::{kind}, {literal(now)}::{kind})"
        return _Column(name, kind, f"{latest} - interval '{lag_seconds:.3f} seconds'")

    def _compared_as(self, column: str | None) -> str:
        return _COMPARED_AS.get(self._type_of(column), "") if column else ""

    def _type_of_id(self) -> str:
        return self._type_of(self._whole.mapping.columns["id"])

    def _type_of(self, column: str) -> str:
        query = f"SELECT pg_typeof({quoted(column)})::text FROM {self._reader.relation} LIMIT 1"
        return next((str(row[0]) for _, row in self._server.stream(query)), "")


def literal(value: str) -> str:
    """Return a text as PostgreSQL's SQL writes it, so that it means the same whatever `standard_conforming_strings` is."""
    return "E'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
