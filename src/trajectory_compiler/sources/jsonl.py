"""JSON Lines: one object per line, plain, gzip or Zstandard."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path

import msgspec

from trajectory_compiler.config import SourceOptions
from trajectory_compiler.errors import SourceError
from trajectory_compiler.model import Finding, Row
from trajectory_compiler.sources.bytestream import line_blocks, read_bytes
from trajectory_compiler.sources.documents import MAX_DEPTH, UnreadableError, nests_deeper, parse
from trajectory_compiler.sources.findings import Drops
from trajectory_compiler.sources.joining import rows_of
from trajectory_compiler.sources.mapping import SAMPLE_ROWS, Mapping, Record, guess_mapping
from trajectory_compiler.sources.rows import session_of

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LINES_TRIED = 10_000
_decode = msgspec.json.Decoder().decode


class JsonlSource:
    """A log in JSON Lines."""

    ordered = False

    def __init__(self, path: Path, name: str, options: SourceOptions, compressed: str = "") -> None:
        self.name = options.name or name
        self.format = f"JSONL ({compressed})" if compressed else "JSONL"
        self._path = path
        self._size = path.stat().st_size
        self._drops = Drops("sources", "line")
        sample = [record for _, record in islice(self._records(Drops("sources"), limit=_LINES_TRIED), SAMPLE_ROWS)]
        if not sample:
            raise SourceError(
                f"read {path}",
                f"none of its first {_LINES_TRIED:,} lines is a JSON object",
                "Write one JSON object per line (jq -c '.[]' does it for a JSON list).",
            )
        self.mapping: Mapping = guess_mapping(path.name, sample, options.columns)

    def rows(self) -> Iterator[Row]:
        """Read the log from its beginning."""
        drops = self._drops = Drops("sources", "line")
        return rows_of(self._records(drops), self.mapping, drops)

    def session_ids(self) -> Iterator[str]:
        """Decode nothing but the session column of each line."""
        column = self.mapping.columns["session_id"]
        shape = msgspec.defstruct("Session", [("session", object, None)], rename={"session": column})
        decode = msgspec.json.Decoder(shape).decode
        for _, lines in line_blocks(read_bytes(self._path, self._size), Drops("sources")):
            for line in lines:
                try:
                    session = session_of(getattr(decode(line), "session", None))
                except (msgspec.DecodeError, UnicodeError, RecursionError):
                    continue
                if session:
                    yield session

    def findings(self) -> tuple[Finding, ...]:
        """Return what the last pass dropped or noted."""
        return self._drops.findings()

    def _records(self, drops: Drops, limit: int | None = None) -> Iterator[tuple[int, Record]]:
        for first, lines in line_blocks(read_bytes(self._path, self._size), drops):
            if limit is not None and first > limit:
                return
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
