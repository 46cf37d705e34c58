"""A table, view or query of a PostgreSQL database (the extra `postgres`: psycopg 3).

Rows stream through COPY inside one read-only transaction, sorted by session, stamp and id, so that memory holds the largest
session and nothing is written. A writer meets no lock: a read stops nobody but who changes the table itself (ALTER, DROP).
`SET LOCAL` keeps connection poolers usable. The first row must come within `STATEMENT_TIMEOUT_SECONDS`: the sort that a missing
index costs comes before it, and how long the rest takes is up to the reader. `?options=-c%20statement_timeout%3D1h` in the
address limits all of it instead.

No message shows an address: what the driver takes for the host may be the end of a password with an `@` in it.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cached_property
from typing import Any

from msgspec import structs

from trajectory_compiler.config import SourceOptions
from trajectory_compiler.errors import MissingExtraError, SourceError
from trajectory_compiler.model import Json, short_hash
from trajectory_compiler.sources.bytestream import MAX_ROW_BYTES
from trajectory_compiler.sources.copy_text import Columns
from trajectory_compiler.sources.documents import UnreadableError, parse
from trajectory_compiler.sources.findings import Drops
from trajectory_compiler.sources.mapped import MappedSource, MappedTextSource, first_of
from trajectory_compiler.sources.mapping import SAMPLE_ROWS, Mapping, Record
from trajectory_compiler.sources.rows import json_value, session_of
from trajectory_compiler.sources.tables import choose_table, map_query, without_semicolon
from trajectory_compiler.sources.undecoded import SessionText

ADDRESSES = ("postgres://", "postgresql://")
STATEMENT_TIMEOUT_SECONDS = 600
CONNECT_TIMEOUT_SECONDS = 15
FETCH_ROWS = 500
_LOG = "the PostgreSQL log"
_SHOWN_CLASSES = ("42", "3D", "57", "25")  # names and states; other classes may quote data
_AS_TEXT = ("timestamptz", "timestamp", "date", "time", "timetz", "interval", "numeric", "uuid")
_BEFORE_HOST = re.compile(r"^(postgres(?:ql)?://[^:/@]*):.*@")
_IN_QUERY = re.compile(r"([?&](?:ssl)?password=)[^&]*")
_CAUSES = (
    ("password authentication failed", "the server refuses this user or password", "Check both."),
    ("no password supplied", "the server wants a password", "Put it in the address or in ~/.pgpass."),
    ("refused", "nothing answers at that host and port", "Check both, and that the server runs."),
    ("translate host name", "the host is unknown", "Check the address; write @ : / # in a password as %40 %3A %2F %23."),
    ("resolve host", "the host is unknown", "Check the address; write @ : / # in a password as %40 %3A %2F %23."),
    ("timeout", "the server does not answer in time", "Check the host, the port and the firewall."),
    ("does not exist", "the server has no such database or user", "Check both."),
)
_TABLES = """
    SELECT CASE WHEN n.nspname = 'public' THEN c.relname ELSE n.nspname || '.' || c.relname END,
           quote_ident(n.nspname) || '.' || quote_ident(c.relname)
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND n.nspname !~ '^(pg_|information_schema$)'
      AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
    ORDER BY 1
"""


class JsonText(bytes):
    """The text of a json or jsonb value, as the server sent it."""


def open_postgres(address: str, options: SourceOptions) -> MappedSource:
    """Open a log on a server. Raises SourceError, MappingError, MissingExtraError."""
    server = Server(address)
    if options.query is not None:
        relation, name = f"({without_semicolon(options.query)}) AS log", f"query-{short_hash(options.query)[:8]}"
        mapping = map_query(_LOG, server.sample(relation), options)
    else:
        tables = server.tables()
        plain = structs.replace(options, table=options.table and options.table.removeprefix("public."))
        name, mapping = choose_table(_LOG, list(tables), lambda table: server.sample(tables[table]), plain)
        relation = tables[name]
    return MappedTextSource(options.name or name, "PostgreSQL", PostgresReader(server, relation, mapping), mapping)


class PostgresReader:
    """Reads a relation session by session; `row 17` is the 17th row in that order."""

    unit = "row"

    def __init__(self, server: Server, relation: str, mapping: Mapping) -> None:
        self.server, self.relation = server, relation
        roles = (mapping.column("session_id"), mapping.column("created_at"), mapping.column("id"))
        self._order = ", ".join(quoted(column) for column in roles if column)

    @cached_property
    def columns(self) -> Columns:
        """The columns of the relation, asked for once: later passes name them, whatever is added to the table."""
        return self.server.columns(self.relation)

    def records(self, drops: Drops) -> Iterator[tuple[int, Record]]:
        """Yield the row number, from 1, and the values of each row."""
        return self._decode(self._lines(), 1, drops)

    def texts(self, column: str, drops: Drops) -> Iterator[SessionText]:
        """Yield the lines of each session, undecoded; rows that name no session are counted in `drops`."""
        index = self.columns.names.index(column)
        group: list[bytes] = []
        field, session, first = b"", "", 1
        for number, line in enumerate(self._lines(), 1):
            found = line.split(b"\t", index + 1)[index]
            if found != field:
                name = self._session(index, found, number)
                if name != session:
                    if group:
                        yield SessionText(session, first, group)
                    group, session, first = [], name, number
                field = found
            if session:
                group.append(line)
            else:
                drops.add("no_session_id", number)
        if group:
            yield SessionText(session, first, group)

    def decode(self, texts: Iterable[SessionText], drops: Drops) -> Iterator[tuple[int, Record]]:
        """Yield the row number and the values of each row."""
        for text in texts:
            yield from self._decode((line for line in text.rows if isinstance(line, bytes)), text.first, drops)

    def column_values(self, column: str) -> Iterator[Json]:
        """Select one column, which an index may answer alone."""
        columns, index = self.columns, self.columns.names.index(column)
        for line in self.server.copy(f"SELECT {quoted(column)} FROM {self.relation} ORDER BY {self._order}"):
            yield columns.value(index, line[:-1], Drops("sources"), 0)

    def _lines(self) -> Iterator[bytes]:
        names = ", ".join(map(quoted, self.columns.names))
        return self.server.copy(f"SELECT {names} FROM {self.relation} ORDER BY {self._order}")

    def _decode(self, lines: Iterable[bytes], first: int, drops: Drops) -> Iterator[tuple[int, Record]]:
        read = self.columns.record
        for number, line in enumerate(lines, first):
            try:
                record = read(line, drops, number)
            except UnreadableError as error:
                drops.add(error.reason, number)
                continue
            yield number, record

    def _session(self, index: int, field: bytes, number: int) -> str:
        field = field.removesuffix(b"\n")  # of the last column
        try:
            return session_of(self.columns.value(index, field, Drops("sources"), number))
        except UnreadableError:
            return ""


class Server:
    """A PostgreSQL server; every use makes and ends its own read-only connection."""

    def __init__(self, address: str, goal: str = f"read {_LOG}") -> None:
        self._goal = goal
        try:
            import psycopg  # noqa: PLC0415 - an optional part, and 0.2 s of imports
            from psycopg import conninfo  # noqa: PLC0415
        except ImportError:
            raise MissingExtraError(goal.replace(_LOG, "from PostgreSQL"), "postgres") from None
        self._psycopg: Any = psycopg
        try:
            self._parameters: dict[str, Any] = conninfo.conninfo_to_dict(address)
        except psycopg.Error:
            raise SourceError(
                goal, "its address cannot be understood", "Write @ : / # in a password as %40 %3A %2F %23."
            ) from None
        self._parameters.setdefault("connect_timeout", CONNECT_TIMEOUT_SECONDS)
        self._parameters.setdefault("application_name", "trajectory-compiler")
        self._parameters.setdefault("client_encoding", "UTF8")

    @property
    def _has_own_limit(self) -> bool:
        return "statement_timeout" in str(self._parameters.get("options", ""))

    def tables(self) -> dict[str, str]:
        """Return the tables and views that this user may read, each by its name with its quoted name."""
        return {row[0]: row[1] for _, row in self.stream(_TABLES)}

    def sample(self, relation: str) -> list[Record]:
        """Return the first rows of a relation as records."""
        with closing(self.stream(f"SELECT * FROM {relation} LIMIT {SAMPLE_ROWS}")) as rows:
            return first_of(record for _, record in _records(rows, Drops("sources")))

    def stream(self, query: str) -> Generator[tuple[list[str], Sequence[Any]], None, None]:
        """Run a query and yield the column names and the values of each row as they come."""
        with self.connection() as connection, connection.cursor(name="trajc") as cursor:
            cursor.itersize = FETCH_ROWS
            cursor.execute(query)
            names = [column.name for column in cursor.description]
            for row in cursor:
                yield names, row

    def columns(self, relation: str) -> Columns:
        """Return the columns of a relation with their types; types that are not known here are read by the driver."""
        from psycopg.adapt import Transformer  # noqa: PLC0415
        from psycopg.pq import Format  # noqa: PLC0415

        with self.connection() as connection:
            described = connection.execute(f"SELECT * FROM {relation} LIMIT 0").description
            transformer = Transformer(connection)
            return Columns(
                [(column.name, column.type_code) for column in described],
                lambda oid: transformer.get_loader(oid, Format.TEXT).load,
            )

    def copy(self, query: str) -> Generator[bytes, None, None]:
        """Yield the lines of a query's rows in COPY's text format, each with its end, as they come.

        Raises: SourceError: the query is refused, or gives no first row in time.
        """
        with (
            self.connection() as connection,
            self._in_time(connection) as came,
            connection.cursor() as cursor,
            cursor.copy(f"COPY ({query}) TO STDOUT") as lines,
        ):
            for line in lines:
                came()
                yield bytes(line)
                break
            for line in lines:
                yield bytes(line)

    @contextmanager
    def _in_time(self, connection: Any) -> Iterator[Callable[[], None]]:
        """Limit the time to the first row, of which the caller tells, instead of the whole statement's, unless the user did."""
        if self._has_own_limit:
            yield lambda: None
            return
        connection.execute("SET LOCAL statement_timeout = 0")
        watch = threading.Timer(float(STATEMENT_TIMEOUT_SECONDS), connection.cancel_safe)
        watch.daemon = True
        watch.start()
        try:
            yield watch.cancel
        finally:
            watch.cancel()

    @contextmanager
    def connection(self, *, read_only: bool = True) -> Iterator[Any]:
        """Give a connection inside one transaction, which is committed at the end; its errors leave as sentences."""
        try:
            connection = self._psycopg.connect(**self._parameters, prepare_threshold=None)
        except self._psycopg.Error as error:
            raise _unreachable(str(error), self._goal) from None
        try:
            with connection:
                connection.read_only = read_only
                self._prepare(connection)
                yield connection
        except self._psycopg.Error as error:
            raise _refused(error, self._goal) from None

    def _prepare(self, connection: Any) -> None:
        """Bound the time of a statement and take json, numbers and stamps as the text that the server sends."""
        connection.execute("SET LOCAL TIME ZONE 'UTC'")
        connection.execute("SET LOCAL datestyle = 'ISO'")
        connection.execute("SET LOCAL extra_float_digits = 1")
        if not self._has_own_limit:
            connection.execute(f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT_SECONDS}s'")
        loader = self._psycopg.adapt.Loader

        class TextLoader(loader):  # type: ignore[misc, valid-type]
            def load(self, data: Any) -> str:
                return bytes(data).decode("utf-8")

        class JsonLoader(loader):  # type: ignore[misc, valid-type]
            def load(self, data: Any) -> JsonText:
                return JsonText(data)

        for name in _AS_TEXT:
            connection.adapters.register_loader(name, TextLoader)
        for name in ("json", "jsonb"):
            connection.adapters.register_loader(name, JsonLoader)


def _records(rows: Iterable[tuple[list[str], Sequence[Any]]], drops: Drops) -> Iterator[tuple[int, Record]]:
    for number, (names, row) in enumerate(rows, 1):
        try:
            record = {name: _value(value, drops, number) for name, value in zip(names, row, strict=True)}
        except UnreadableError as error:
            drops.add(error.reason, number)
            continue
        yield number, record


def _value(value: Any, drops: Drops, number: int) -> Json:
    if isinstance(value, str):
        return value
    if isinstance(value, JsonText):
        if len(value) > MAX_ROW_BYTES:
            raise UnreadableError("row_too_large")
        return parse(value, lambda reason: drops.add(reason, number))
    return json_value(value, drops, number)


def without_password(location: str) -> str:
    """Return an address as it may be printed or passed on; a path stays as it is."""
    if not location.startswith(ADDRESSES):
        return location
    # The last @ ends the user's part: what stands before it may be a password with an @ in it.
    return _IN_QUERY.sub(r"\1***", _BEFORE_HOST.sub(r"\1:***@", location))


def quoted(name: str) -> str:
    """Return a name as SQL quotes it."""
    return '"' + name.replace('"', '""') + '"'


def _unreachable(said: str, goal: str) -> SourceError:
    for sign, seen, action in _CAUSES:
        if sign in said:
            return SourceError(goal, seen, action)
    return SourceError(goal, "the server cannot be reached", "Try the address with psql.")


def _refused(error: Any, goal: str) -> SourceError:
    state = error.sqlstate or ""
    shown = error.diag.message_primary if state[:2] in _SHOWN_CLASSES else None
    seen = shown or (f"the server ended the query (SQLSTATE {state})" if state else "the connection was lost")
    action = "Check the table, the query and the rights of this user."
    if state == "57014":
        action = "Add an index on session, stamp and id, or raise statement_timeout in the address's options."
    return SourceError(goal, seen, action)
