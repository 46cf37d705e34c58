"""The audit table: its columns, who sets each of them, and which bytes its row hash covers (see `docs/ledger-schema.md`).

A row's hash is made in two steps, so that a payload can be removed by lawful order while the row keeps its hash:

    payload_hash = sha256("trajc-payload-1" + frame(arguments) + frame(response) + frame(error) + frame(extra))
    row_hash     = sha256("trajc-row-1" + frame(id) + ... + frame(transaction_id) + frame(hex(payload_hash)))

`frame(NULL)` is `-`; `frame(text)` is the number of its UTF-8 bytes in decimal, `:`, and the bytes. What stands for each column
is the text that the database gives for it (`hashed_columns`): JSON as it was written, PostgreSQL's stamps as microseconds
since 1970, everything else as its usual text. PostgreSQL keeps `row_hash` as a generated column; SQLite has no sha256, so
there the reader computes it (`LedgerRow.row_hash`), which is the same for a seal.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Literal

import msgspec

from trajectory_compiler.errors import OptionError

Dialect = Literal["postgres", "sqlite"]
SetBy = Literal["database", "writer", "purge"]
Value = str | int | float | bytes | None  # what a driver hands over for one column of `hashed_columns`

TABLE = "agent_audit_log"
STATUSES = ("ok", "error", "timeout", "denied", "cancelled")
ROW_VERSION = "trajc-row-1"
PAYLOAD_VERSION = "trajc-payload-1"
_NAME = re.compile(r"(?:([a-z_][a-z0-9_]{0,40})\.)?([a-z_][a-z0-9_]{0,40})")


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """One column. A type of None: the database does not have it. `required`: never null. `about`: the reference's words."""

    name: str
    postgres: str | None
    sqlite: str | None
    set_by: SetBy
    required: bool = False
    about: str


def _column(name: str, set_by: SetBy, types: tuple[str | None, str | None], about: str, *, required: bool = False) -> Column:
    return Column(name=name, set_by=set_by, postgres=types[0], sqlite=types[1], about=about, required=required)


_TEXT, _JSON, _STAMP = ("text", "TEXT"), ("json", "TEXT"), ("timestamp with time zone", "TEXT")
COLUMNS: tuple[Column, ...] = (
    _column("id", "database", ("bigint", "INTEGER"), "The row's number. Numbers rise; gaps are normal.", required=True),
    _column("session_id", "writer", _TEXT, "Which conversation or run the call belongs to.", required=True),
    _column("created_at", "database", _STAMP, "When the row was written, by the database's clock.", required=True),
    _column(
        "called_at", "writer", _STAMP, "When the call was made, as the writer says, else the time of writing.", required=True
    ),
    _column("agent", "writer", _TEXT, "Who made the call.", required=True),
    _column("tool", "writer", _TEXT, "What was called.", required=True),
    _column("arguments", "writer", _JSON, "What the tool was given, as JSON."),
    _column("response", "writer", _JSON, "What the tool gave back, as JSON; plain text is a JSON string."),
    _column("status", "writer", _TEXT, f"One of {', '.join(STATUSES)}; null where the writer does not know."),
    _column("error", "writer", _TEXT, "What went wrong, in words. Needs a status other than ok."),
    _column("cost_usd", "writer", ("numeric", "REAL"), "What the call cost, in US dollars, to nine decimals."),
    _column("duration_ms", "writer", ("numeric", "REAL"), "How long the call took, in milliseconds, to three decimals."),
    _column("parent_id", "writer", _TEXT, "The idempotency key of the call that this one was made inside."),
    _column(
        "truncated",
        "writer",
        ("boolean", "INTEGER"),
        "Whether the writer cut arguments, response or error to a limit.",
        required=True,
    ),
    _column(
        "idempotency_key",
        "writer",
        _TEXT,
        "The writer's, unique: a row sent twice is one row. Random by default.",
        required=True,
    ),
    _column(
        "transaction_id",
        "database",
        ("xid8", None),
        "The transaction that wrote the row: who follows it misses none.",
        required=True,
    ),
    _column("extra", "writer", _JSON, "Whatever else is worth keeping, as a JSON object."),
    _column("purge_id", "purge", ("bigint", "INTEGER"), "The record of the purge that removed the payload; null otherwise."),
    _column("purged_payload_hash", "purge", ("bytea", "BLOB"), "The hash that the removed payload had."),
    _column("row_hash", "database", ("bytea", None), "SHA-256 over the row; a purge does not change it.", required=True),
)
WRITER_COLUMNS: tuple[str, ...] = tuple(column.name for column in COLUMNS if column.set_by == "writer")
ROW_FIELDS: tuple[str, ...] = (
    "id",
    "session_id",
    "created_at",
    "called_at",
    "agent",
    "tool",
    "status",
    "cost_usd",
    "duration_ms",
    "parent_id",
    "truncated",
    "idempotency_key",
    "transaction_id",
)
PAYLOAD_FIELDS: tuple[str, ...] = ("arguments", "response", "error", "extra")


class LedgerRow(msgspec.Struct, frozen=True, kw_only=True):
    """What is hashed of one row. `fields` and `payload` follow `ROW_FIELDS` and `PAYLOAD_FIELDS`."""

    fields: tuple[Value, ...]
    payload: tuple[Value, ...]
    purge_id: int | None = None
    purged_payload_hash: bytes | None = None
    stored_hash: bytes | None = None

    @classmethod
    def of(cls, values: Sequence[Value]) -> LedgerRow:
        """Return the row of one record that was selected with `hashed_columns`."""
        fields, payload = len(ROW_FIELDS), len(ROW_FIELDS) + len(PAYLOAD_FIELDS)
        purge_id, purged, stored = values[payload : payload + 3]
        assert purge_id is None or isinstance(purge_id, int)
        return cls(
            fields=tuple(values[:fields]),
            payload=tuple(values[fields:payload]),
            purge_id=purge_id,
            purged_payload_hash=purged if isinstance(purged, bytes) else None,
            stored_hash=stored if isinstance(stored, bytes) else None,
        )

    @property
    def id(self) -> int:
        """The row's number."""
        return int(self.fields[0])  # type: ignore[arg-type]  # never null: it is the primary key

    @property
    def payload_hash(self) -> bytes:
        """The hash of the payload: as it stands, or as it stood before the purge."""
        if self.purge_id is not None and self.purged_payload_hash is not None:
            return self.purged_payload_hash
        return payload_hash(self.payload)

    @property
    def row_hash(self) -> bytes:
        """The hash that the row must have by what it holds."""
        return row_hash(self.fields, self.payload_hash)


def frame(value: Value) -> bytes:
    """Return a value so that a row of them cannot be read in two ways."""
    if value is None:
        return b"-"
    data = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
    return b"%d:%b" % (len(data), data)


def payload_hash(payload: Sequence[Value]) -> bytes:
    """Return the hash of arguments, response, error and extra."""
    return hashlib.sha256(PAYLOAD_VERSION.encode() + b"".join(map(frame, payload))).digest()


def row_hash(fields: Sequence[Value], payload_digest: bytes) -> bytes:
    """Return the hash of a row from the values of `ROW_FIELDS` and the hash of its payload."""
    return hashlib.sha256(ROW_VERSION.encode() + b"".join(map(frame, (*fields, payload_digest.hex())))).digest()


_MICROSECONDS = "(date_part('epoch', {0} AT TIME ZONE 'UTC') * 1000000)::bigint::text"
_AS_TEXT = {"created_at": _MICROSECONDS, "called_at": _MICROSECONDS, **dict.fromkeys(("session_id", "agent", "tool"), "{0}")}
_AS_TEXT |= dict.fromkeys(("status", "parent_id", "idempotency_key", "error"), "{0}")


def text_in_postgres(place: str, column: str) -> str:
    """Return the SQL for the hashed text of a column that stands at `place`: the same whatever the connection's settings."""
    return _AS_TEXT.get(column, "{0}::text").format(place)


def hashed_columns(dialect: Dialect) -> str:
    """Return the SELECT list whose records `LedgerRow.of` takes."""
    if dialect == "postgres":
        texts = [text_in_postgres(name, name) for name in (*ROW_FIELDS, *PAYLOAD_FIELDS)]
        return ", ".join([*texts, "purge_id", "purged_payload_hash", "row_hash"])
    names = ["NULL" if name == "transaction_id" else name for name in (*ROW_FIELDS, *PAYLOAD_FIELDS)]
    return ", ".join([*names, "purge_id", "purged_payload_hash", "NULL"])


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """What the objects of a ledger are called. `schema` is None in SQLite and for PostgreSQL's default, `public`."""

    table: str
    schema: str | None = None

    @classmethod
    def of(cls, name: str) -> Names:
        """Read `table` or `schema.table`. Raises OptionError where the name would need quotes."""
        found = _NAME.fullmatch(name)
        if found is None:
            raise OptionError(
                f"name a ledger '{name}'",
                "a name has small letters, digits and underscores, at most 41",
                f"Name it as in --table {TABLE} or --table audit.{TABLE}.",
            )
        return cls(table=found[2], schema=found[1])

    @property
    def qualified(self) -> str:
        """The table as SQL names it in either database."""
        return self.beside("")

    @property
    def purges(self) -> str:
        """The table of purge records."""
        return self.beside("_purges")

    @property
    def purge_function(self) -> str:
        """PostgreSQL: `NAME(row_ids bigint[], reference text, reason text)` removes payloads and returns the record's id."""
        return self.beside("_purge")

    def beside(self, suffix: str) -> str:
        """Return the qualified name of an object that belongs to the table."""
        return f"{self.schema}.{self.table}{suffix}" if self.schema else f"{self.table}{suffix}"

    def role(self, part: Literal["owner", "writer", "reader", "purger"]) -> str:
        """Return the name of a role. Roles belong to the server, so ledgers of one name share them."""
        return f"{self.table}_{part}"


def insert_statement(dialect: Dialect, names: Names, columns: Sequence[str] = WRITER_COLUMNS) -> str:
    """Return the INSERT of a writer: sent twice, a row is one row. It needs no right but INSERT.

    It names no conflict target: that would need the right to read the key.
    """
    mark = "%s" if dialect == "postgres" else "?"
    values = ", ".join([mark] * len(columns))
    return f"INSERT INTO {names.qualified} ({', '.join(columns)}) VALUES ({values}) ON CONFLICT DO NOTHING"
