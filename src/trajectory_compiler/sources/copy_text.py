r"""COPY's text format: a row a line, a tab between fields, `\N` for NULL, a few escapes.

A line can be grouped by its session at a tenth of what decoding it costs, and decoded later: see `docs/benchmarks.md`.
Source: the PostgreSQL manual, COPY, "Text Format".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from trajectory_compiler.model import Json
from trajectory_compiler.sources.bytestream import MAX_ROW_BYTES
from trajectory_compiler.sources.documents import UnreadableError, parse
from trajectory_compiler.sources.findings import Drops
from trajectory_compiler.sources.mapping import Record
from trajectory_compiler.sources.rows import json_value

_NULL = b"\\N"
_BOOL, _NUMBERS, _JSON, _JSONB = 16, (20, 21, 23), 114, 3802  # type oids of pg_type.dat, which never change
_TEXTS = (25, 1043, 1042, 2950, 1700, 1114, 1184, 1082, 1083, 1266, 1186)  # as in postgres._AS_TEXT, and text itself
_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
_ESCAPED = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
Load = Callable[[bytes, Drops, int], Json]
Other = Callable[[int], Callable[[bytes], Any]]  # from a type's oid to what reads its text


class Columns:
    """The columns of a query and how the text of each becomes a value. `others` reads the types that are not known here."""

    def __init__(self, columns: Sequence[tuple[str, int]], others: Other) -> None:
        self.names = tuple(name for name, _ in columns)
        self._loads = tuple(_load_of(oid, others) for _, oid in columns)

    def record(self, line: bytes, drops: Drops, place: int) -> Record:
        """Return the values of a line by column. Raises UnreadableError."""
        fields = line[:-1].split(b"\t")
        return {
            name: None if field == _NULL else load(field, drops, place)
            for name, load, field in zip(self.names, self._loads, fields, strict=True)
        }

    def value(self, index: int, field: bytes, drops: Drops, place: int) -> Json:
        """Return the value of one field. Raises UnreadableError."""
        return None if field == _NULL else self._loads[index](field, drops, place)


def unescaped(field: bytes) -> bytes:
    """Take the escapes off a field."""
    return _ESCAPE.sub(_plain, field) if b"\\" in field else field


def _plain(found: re.Match[bytes]) -> bytes:
    return _ESCAPED.get(found[1], found[1])


def _load_of(oid: int, others: Other) -> Load:
    if oid in _TEXTS:
        return _text
    if oid in _NUMBERS:
        return _whole
    if oid == _JSONB:
        return _jsonb
    if oid == _JSON:
        return _json
    if oid == _BOOL:
        return _boolean
    return partial(_other, others(oid))


def _text(field: bytes, _drops: Drops, _place: int) -> str:
    try:
        return (unescaped(field) if b"\\" in field else field).decode("utf-8")
    except UnicodeDecodeError:
        raise UnreadableError("invalid_utf8") from None


def _whole(field: bytes, _drops: Drops, _place: int) -> int:
    return int(field)


def _boolean(field: bytes, _drops: Drops, _place: int) -> bool:
    return field == b"t"


def _jsonb(field: bytes, drops: Drops, place: int) -> Json:
    # jsonb is printed without control characters, so a backslash is the only thing that is escaped: twice as fast
    return _document(field.replace(b"\\\\", b"\\") if b"\\" in field else field, drops, place)


def _json(field: bytes, drops: Drops, place: int) -> Json:
    return _document(unescaped(field), drops, place)


def _document(text: bytes, drops: Drops, place: int) -> Json:
    if len(text) > MAX_ROW_BYTES:
        raise UnreadableError("row_too_large")
    return parse(text, partial(drops.add, place=place))


def _other(load: Callable[[bytes], Any], field: bytes, drops: Drops, place: int) -> Json:
    return json_value(load(unescaped(field)), drops, place)
