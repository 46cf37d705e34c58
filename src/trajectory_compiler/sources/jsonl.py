"""JSON Lines: one object per line, plain, gzip or Zstandard."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec

from trajectory_compiler.model import Json
from trajectory_compiler.sources.bytestream import line_blocks, read_bytes
from trajectory_compiler.sources.documents import MAX_DEPTH, UnreadableError, nests_deeper, parse
from trajectory_compiler.sources.findings import Drops
from trajectory_compiler.sources.mapping import Record

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_decode = msgspec.json.Decoder().decode


class JsonlReader:
    """Reads a file as it was when the reader was made: lines that are appended later are left for the next run.

    `at_most` bytes of the file are read, where given.
    """

    unit = "line"

    def __init__(self, path: Path, at_most: int | None = None) -> None:
        self._path = path
        size = path.stat().st_size
        self._size = size if at_most is None else min(size, at_most)

    def records(self, drops: Drops) -> Iterator[tuple[int, Record]]:
        """Yield the line number and the object of each line."""
        for first, lines in line_blocks(read_bytes(self._path, self._size), drops):
            if first == 1:
                lines[0] = lines[0].removeprefix(_BYTE_ORDER_MARK)
            for number, line in enumerate(lines, first):
                try:  # the fast path of `documents.parse`, written out: one call less per row
                    value = _decode(line)
                    if line.count(b"{") + line.count(b"[") > MAX_DEPTH and nests_deeper(value):
                        drops.add("nested_too_deep", number)
                        continue
                except (msgspec.DecodeError, RecursionError, UnicodeError):
                    if not line.strip():
                        continue
                    try:
                        value = parse(line, partial(drops.add, place=number))
                    except UnreadableError as error:
                        drops.add(error.reason, number)
                        continue
                if isinstance(value, dict):
                    yield number, value
                else:
                    drops.add("not_an_object", number)

    def column_values(self, column: str) -> Iterator[Json]:
        """Decode nothing but one column of each line."""
        shape = msgspec.defstruct("Line", [("value", object, None)], rename={"value": column})
        decode = msgspec.json.Decoder(shape).decode
        for _, lines in line_blocks(read_bytes(self._path, self._size), Drops("sources")):
            for line in lines:
                try:
                    yield getattr(decode(line), "value", None)
                except (msgspec.DecodeError, UnicodeError, RecursionError):
                    yield _value_of_odd_line(line, column)


def _value_of_odd_line(line: bytes, column: str) -> Json:
    try:
        record = parse(line, lambda _reason: None)
    except UnreadableError:
        return None
    return record.get(column) if isinstance(record, dict) else None
