"""Any file, taken apart into texts in which a leak would show: lines, archives, databases, the store's packed sessions.

A SQLite file is read twice: cell by cell, compressed cells opened, and as raw bytes, in which pages that were freed and not
overwritten would still be readable.
"""

from __future__ import annotations

import gzip
import io
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import zstandard

from trajectory_compiler.errors import InputError
from trajectory_compiler.redaction import Policy
from trajectory_compiler.redaction.canaries import Watch
from trajectory_compiler.redaction.outbound import Outbound

_SQLITE = b"SQLite format 3\x00"
_ZSTD, _GZIP = b"\x28\xb5\x2f\xfd", b"\x1f\x8b"
_BLOCK = 1 << 20
_OVERLAP = 4_096
_OWN_COLUMNS = frozenset({"policies.content", "snapshots.data"})  # the rules, and what an allow-list lets pass; counters


class Leak(msgspec.Struct, frozen=True, kw_only=True):
    """One finding: where, of what type, and how it was noticed. `canary` is its number in the list, from 1."""

    file: str
    place: str
    type: str
    how: str
    canary: int | None = None
    count: int = 1


class LeakReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was read and what was found."""

    files: int
    bytes: int
    canaries: int
    rescanned: bool
    leaks: tuple[Leak, ...]


def check_files(paths: Sequence[Path], watch: Watch | None, policy: Policy | None) -> Iterator[Leak]:
    """Yield the leaks in some files: canaries of `watch`, and what the rules of `policy` find; either may be left out.

    Raises: InputError: a file cannot be read.
    """
    scan = None if policy is None else Outbound(policy, "check")
    for path in paths:
        found: Counter[Leak] = Counter()
        for place, data, is_raw in _texts(path):
            text = data.decode("utf-8", "replace")
            if watch is not None:
                for sighting in watch.sightings(text):
                    how = f"canary, {sighting.encoding}"
                    found[_leak(path, place, sighting.kind, how, sighting.number + 1)] += 1
            if scan is not None and not is_raw:
                for hit in scan.hits(data):
                    found[_leak(path, place, hit.kind, f"rule, at {hit.where}", None)] += 1
        yield from (msgspec.structs.replace(leak, count=count) for leak, count in found.items())


def _leak(path: Path, place: str, kind: str, how: str, canary: int | None) -> Leak:
    return Leak(file=str(path), place=place, type=kind, how=how, canary=canary)


def _texts(path: Path) -> Iterator[tuple[str, bytes, bool]]:
    """Yield place, bytes, and whether they are a raw view of something that is also read in a better way."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"check '{path}'", error.strerror or type(error).__name__, "Name a file that can be read.") from None
    if data.startswith(_SQLITE):
        yield from _cells(path)
        for start in range(0, len(data), _BLOCK):
            yield "the file's bytes", data[start : start + _BLOCK + _OVERLAP], True
    else:
        yield from _lines(_opened(data))


def _cell(place: str, value: str | bytes) -> bytes:
    data = value.encode("utf-8", "replace") if isinstance(value, str) else value
    # A program's own key `family` names a kind of question; a rule that knows names of people reads it otherwise.
    return data.replace(b'"family":', b'"question":', 1) if place == "pairs.program" else _opened(data)


def _opened(data: bytes) -> bytes:
    """Return what is in a compressed file; one that is damaged is looked through as it is."""
    try:
        if data.startswith(_ZSTD):
            return zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)).read()
        if data.startswith(_GZIP):
            return gzip.decompress(data)
    except (zstandard.ZstdError, OSError, EOFError):
        return data
    return data


def _lines(data: bytes) -> Iterator[tuple[str, bytes, bool]]:
    """Yield a file of JSON lines line by line, and any other file whole."""
    if data[:1] == b"{":
        for number, line in enumerate(data.splitlines(), start=1):
            yield f"line {number}", line, False
    else:
        yield "the file", data, False


def _cells(path: Path) -> Iterator[tuple[str, bytes, bool]]:
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
            for name in names:
                cursor = connection.execute(f'SELECT * FROM "{name}"')
                columns = [column[0] for column in cursor.description]
                for row in cursor:
                    for column, value in zip(columns, row, strict=True):
                        place = f"{name}.{column}"
                        if isinstance(value, str | bytes) and place not in _OWN_COLUMNS:
                            yield place, _cell(place, value), False
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise InputError(f"check '{path}'", f"SQLite cannot read it ({type(error).__name__})", "Check the file.") from None
