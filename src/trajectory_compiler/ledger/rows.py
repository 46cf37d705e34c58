r"""What is sealed of a row: which bytes stand for it, and the leaf that they make.

    content = SHA-256(the text forms of the other columns, in their order, a tab between two)
    leaf    = SHA-256(0x00 || shape || content || length of marks || marks || length of id || id || stamp)

Id and stamp stand apart so that a seal can say *what* was done: a row whose content is sealed under another stamp was
back-dated, one whose content is sealed under a missing id was re-inserted. The *shape* names the columns, so a value cannot
move to another one. Everything that a seal store keeps of a row goes into its leaf: the store cannot be changed without
changing the root.

A text form is injective and does not depend on settings:

- PostgreSQL: the fields of `COPY ... TO STDOUT` under `TimeZone=UTC`, `DateStyle=ISO`, `IntervalStyle=postgres`,
  `extra_float_digits=1`, `bytea_output=hex`, `lc_monetary=C`, UTF-8. NULL is `\N`; tab, newline and backslash are escaped.
- SQLite: a letter for the storage class (i, r, t, b), then the value (floats as Python's shortest text that reads back the
  same, blobs as hex), escaped in the same way. NULL is `\N`.
- Files: the JSON of the row as our readers give it.

In a ledger of ours the payload enters by its hash (`schema.payload_hash`), so that a purge can remove it and leave the content
provable; `transaction_id` and `row_hash`, which a re-inserted row cannot keep, are the *marks*.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Literal, NamedTuple, Protocol

import msgspec

from trajectory_compiler.errors import SealError
from trajectory_compiler.ledger.schema import COLUMNS, PAYLOAD_FIELDS, payload_hash
from trajectory_compiler.sources.source import Source
from trajectory_compiler.sources.stamps import instant, utc_stamp

Form = Literal["postgres-1", "sqlite-1", "file-1"]
RowId = int | str
NULL = b"\\N"
BATCH_ROWS = 2_000
MARK_COLUMNS = ("transaction_id", "row_hash")
PURGE_COLUMNS = ("purge_id", "purged_payload_hash")
_ESCAPES = ((b"\\", b"\\\\"), (b"\t", b"\\t"), (b"\n", b"\\n"), (b"\r", b"\\r"))
_UNESCAPES = ((b"\\t", b"\t"), (b"\\n", b"\n"), (b"\\r", b"\r"), (b"\\b", b"\b"), (b"\\f", b"\f"), (b"\\v", b"\v"))


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """Which columns of a table are sealed as what.

    `is_numbered` says that ids are whole numbers that rise. `types` follows `content`. `payload` is empty but in a ledger of
    ours.
    """

    form: Form
    id: str
    is_numbered: bool
    stamp: str | None
    content: tuple[str, ...]
    types: tuple[str, ...]
    marks: tuple[str, ...] = ()
    payload: tuple[str, ...] = ()

    @property
    def digest(self) -> bytes:
        """The hash of the shape, which goes into every leaf."""
        return hashlib.sha256(msgspec.json.encode(self)).digest()


class SealRow(NamedTuple):
    """What is sealed of one row. `contents` has one digest for each shape that was asked for."""

    id: RowId
    stamp: bytes
    marks: bytes
    contents: tuple[bytes, ...]
    purge_id: str | None = None


class WholeRow(NamedTuple):
    """One row with the text form of every column of its content, for a receipt; `purged_hash` if its payload was purged."""

    row: SealRow
    columns: dict[str, str]
    purged_hash: str | None = None


class Scope(NamedTuple):
    """Which rows a pass reads: all, those with a higher id, or those of the transactions from `since` to the oldest open one.

    `settle_seconds` is for sealing: numbered rows come in order, and transactions that are writing are waited for so long.
    None reads as things stand, in any order.
    """

    above: int | None = None
    since: int | None = None
    settle_seconds: float | None = None


class Pass(NamedTuple):
    """One pass over one unchanging state of a table, batch by batch.

    `snapshot` is PostgreSQL's name for that state. `is_complete` says that no row with a lower id can appear any more by an
    ordinary insert.
    """

    batches: Iterator[list[SealRow]]
    snapshot: str | None
    is_complete: bool


class Table(Protocol):
    """An audit table that can be sealed: somebody's, unchanged, or a ledger of ours."""

    @property
    def name(self) -> str:
        """What the table is called."""

    def shape(self) -> Shape:
        """Return how its rows are sealed as it stands now. Raises SealError where it has no usable id."""

    def columns(self) -> tuple[str, ...]:
        """Return the columns that it has now."""

    def read(self, shapes: Sequence[Shape], scope: Scope) -> AbstractContextManager[Pass]:
        """Open a pass. Columns of a shape that are gone count as NULL."""

    def row(self, row_id: RowId, shape: Shape) -> WholeRow | None:
        """Return one row, or None where the table has none with this id."""

    def hides_rows(self) -> bool:
        """Say whether row-level security may hide rows from this user: those are neither sealed nor missed."""

    def purge_record(self, record: str) -> dict[str, object] | None:
        """Return what a ledger of ours keeps of a purge, by the names of `purge.PurgeRecord`; None where there is none."""


def shape_of(form: Form, kinds: dict[str, str], row_id: str, stamp: str | None) -> Shape:
    """Return the shape of a database's table from the types of its columns."""
    ledger = is_ledger(form, kinds)
    stamp = "created_at" if ledger else stamp  # the database's word, where `called_at` is the writer's
    marks = tuple(name for name in MARK_COLUMNS if name in kinds) if ledger else ()
    payload = PAYLOAD_FIELDS if ledger else ()
    apart = {row_id, stamp, *marks, *payload, *(PURGE_COLUMNS if ledger else ())}
    content = tuple(name for name in kinds if name not in apart)
    return Shape(
        form=form,
        id=row_id,
        is_numbered=_is_number(form, kinds.get(row_id, "")),
        stamp=stamp,
        content=content,
        types=tuple(kinds[name] for name in content),
        marks=marks,
        payload=payload,
    )


def is_ledger(form: Form, names: Iterable[str]) -> bool:
    """Say whether a table with these columns is a ledger of ours."""
    own = {column.name for column in COLUMNS if (column.postgres if form == "postgres-1" else column.sqlite)}
    return form != "file-1" and own <= set(names)


def _is_number(form: Form, kind: str) -> bool:
    """Say whether a column of this type holds whole numbers; in SQLite, by its own rule of affinity."""
    return "INT" in kind.upper() if form == "sqlite-1" else kind in ("smallint", "integer", "bigint")


class Payload(NamedTuple):
    """What a ledger of ours holds of a row's payload: its texts, or the hash that they had before a purge."""

    purge_id: str | None
    purged_hash: str
    values: tuple[bytes | None, ...]

    @property
    def digest(self) -> str:
        """The payload's hash as hex. A row that says it was purged and still holds a payload is hashed as it stands."""
        if self.purge_id is not None and all(value is None for value in self.values):
            return self.purged_hash
        return payload_hash(self.values).hex()


class Contents:
    """Makes content digests: from the text forms of the content columns of all shapes to one digest for each shape."""

    def __init__(self, shapes: Sequence[Shape]) -> None:
        self.columns = tuple(dict.fromkeys(name for shape in shapes for name in shape.content))
        self._places = [
            None if shape.content == self.columns else [self.columns.index(name) for name in shape.content] for shape in shapes
        ]
        self._is_plain = self._places == [None]

    def digests(self, forms: bytes, payload: Payload | None = None) -> tuple[bytes, ...]:
        """Return the digests of a row whose content, tab by tab, is `forms`."""
        below = b"" if payload is None else f"\t{payload.digest}".encode()
        if self._is_plain:
            return (hashlib.sha256(forms + below).digest(),)
        parts = forms.split(b"\t")
        pieces = (forms if places is None else b"\t".join([parts[place] for place in places]) for places in self._places)
        return tuple(hashlib.sha256(piece + below).digest() for piece in pieces)


def content_of(shape: Shape, columns: dict[str, str], purged_hash: str | None) -> bytes:
    """Return the content digest that these text forms make; `purged_hash` stands for a payload that was purged.

    A column too many or too few makes a digest that no row has.
    """
    if set(columns) != {*shape.content, *shape.payload}:
        return b""
    forms = b"\t".join(columns[name].encode("utf-8", "surrogatepass") for name in shape.content)
    if any(b"\t" in columns[name].encode("utf-8", "surrogatepass") for name in shape.content):
        return b""  # a raw tab would move a border between two columns
    if not shape.payload:
        return Contents([shape]).digests(forms)[0]
    values = tuple(_value(shape.form, columns[name]) for name in shape.payload)
    return Contents([shape]).digests(forms, Payload(None if purged_hash is None else "", purged_hash or "", values))[0]


def _value(form: Form, text: str) -> bytes | None:
    """Return the text behind the text form of a payload column, as its hash takes it."""
    data = text.encode("utf-8", "surrogatepass")
    if data == NULL:
        return None
    return unescaped(data if form == "postgres-1" else data[1:])


def row_columns(source: Source) -> tuple[str, str | None]:
    """Return the columns that serve as a table's id and, where there is one, as its stamp. Raises SealError: there is no id."""
    row_id = source.mapping.column("id")
    if row_id is None:
        raise SealError(f"seal '{source.name}'", "no column serves as a row's id", "Name one with --column id=NAME.")
    return row_id, source.mapping.column("created_at")


def purge_fields(record: str, rows: str, *rest: str) -> dict[str, object]:
    """Return a purge record by the names of its fields; `rows` is a JSON list of ids."""
    ids = tuple(str(row_id) for row_id in msgspec.json.decode(rows))
    return {"record": record, "rows": ids, **dict(zip(("reference", "reason", "purged_by", "created_at"), rest, strict=True))}


def marks_digest(marks: bytes) -> bytes:
    """Return what is kept of a row's marks: 16 bytes, or nothing where the table has none."""
    return hashlib.sha256(marks).digest()[:16] if marks else b""


def instant_of(form: Form, stamp: bytes) -> str | None:
    """Return a text that sorts as the instants do, or None where a row's stamp is none that we can read."""
    if stamp == NULL:
        return None
    found = utc_stamp(unescaped(stamp[1:] if form == "sqlite-1" else stamp).decode("utf-8", "replace"))
    return instant(found.text) if found else None


def leaf_data(shape_digest: bytes, row_id: RowId, stamp: bytes, marks: bytes, content: bytes) -> bytes:
    """Return the data of a row's leaf, without the 0x00 that every leaf hash begins with."""
    name = str(row_id).encode("utf-8", "surrogatepass")
    return b"".join((shape_digest, content, len(marks).to_bytes(4, "big"), marks, len(name).to_bytes(4, "big"), name, stamp))


def escaped(data: bytes) -> bytes:
    """Escape tab, newline, carriage return and backslash, as COPY does."""
    for plain, escape in _ESCAPES:
        if plain in data:
            data = data.replace(plain, escape)
    return data


def unescaped(data: bytes) -> bytes:
    """Undo COPY's escapes."""
    if b"\\" not in data:
        return data
    if data.count(b"\\") == 2 * data.count(b"\\\\"):  # the usual case in JSON: nothing but doubled backslashes
        return data.replace(b"\\\\", b"\\")
    parts = data.split(b"\\\\")  # every escape is two bytes long, so what is left of a backslash in a part begins one
    for escape, plain in _UNESCAPES:
        parts = [part.replace(escape, plain) for part in parts]
    return b"\\".join(parts)
