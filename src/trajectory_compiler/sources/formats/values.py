"""The JSON objects of a file, however it cuts them: one a line, one for the whole file, a list, or one after the other.

JSON Lines stream. A document or a list is held as a whole, at most `MAX_DOCUMENT_BYTES` of it. Of a file of objects that follow
each other over several lines, a damaged one is counted and the next that begins a line is gone on with.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path

from trajectory_compiler.sources.bytestream import BrokenStreamError, line_blocks, read_bytes
from trajectory_compiler.sources.documents import UnreadableError, parse
from trajectory_compiler.sources.findings import Drops
from trajectory_compiler.sources.jsonl import JsonlReader
from trajectory_compiler.sources.mapping import Record

MAX_DOCUMENT_BYTES = 1 << 29
_LINES_TRIED = 5
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_OBJECT_BEGINS = re.compile(r"^\{", re.MULTILINE)


class Values:
    """Reads one file, as it was when this was made."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._size = path.stat().st_size
        self.by_line = self._is_by_line()

    def placed(self, drops: Drops) -> Iterator[tuple[str, Record]]:
        """Yield each object with its place: file name and line, item or object number."""
        found = Drops("sources", f"{self._path.name} {'line' if self.by_line else 'item'}")
        try:
            for number, record in JsonlReader(self._path, self._size).records(found) if self.by_line else self._whole(found):
                yield f"{found.unit} {number}", record
        finally:
            drops.merge(found)

    def _is_by_line(self) -> bool:
        """Say whether one of the first lines is an object of its own; a document over several lines begins with a bracket."""
        tried = islice(self._lines(), _LINES_TRIED)
        first = next(tried, b"")
        return not first.startswith(b"[") and first != b"{" and any(map(_is_object, (first, *tried)))

    def _lines(self) -> Iterator[bytes]:
        for number, lines in line_blocks(read_bytes(self._path, self._size), Drops("sources")):
            if number == 1:
                lines[0] = lines[0].removeprefix(_BYTE_ORDER_MARK)
            yield from filter(None, map(bytes.strip, lines))

    def _whole(self, drops: Drops) -> Iterator[tuple[int, Record]]:
        data = bytearray()
        try:
            for chunk in read_bytes(self._path, self._size):
                data += chunk
                if len(data) > MAX_DOCUMENT_BYTES:
                    drops.add("row_too_large", 1)
                    return
        except BrokenStreamError as error:
            drops.add(error.reason, 1)
        text = bytes(data).removeprefix(_BYTE_ORDER_MARK)
        try:
            value = parse(text, partial(drops.add, place=1))
        except UnreadableError as error:
            if error.reason != "unreadable_json":
                drops.add(error.reason, 1)
                return
            yield from _one_after_the_other(text.decode("utf-8", "replace"), drops)
            return
        for number, item in enumerate(value if isinstance(value, list) else [value], 1):
            if isinstance(item, dict):
                yield number, item
            else:
                drops.add("not_an_object", number)


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(parse(line, lambda _reason: None), dict)
    except UnreadableError:
        return False


def _one_after_the_other(text: str, drops: Drops) -> Iterator[tuple[int, Record]]:
    """Yield objects that follow each other; of a list that ends early, the items before its end."""
    decode = json.JSONDecoder().raw_decode
    place, number = 0, 0
    while True:
        while place < len(text) and text[place] in " \t\r\n,[]":
            place += 1
        if place >= len(text):
            return
        number += 1
        try:
            value, place = decode(text, place)
        except (ValueError, RecursionError):
            drops.add("unreadable_json", number)
            following = _OBJECT_BEGINS.search(text, place + 1)
            if following is None:
                return
            place = following.start()
            continue
        if isinstance(value, dict):
            yield number, value
        else:
            drops.add("not_an_object", number)
