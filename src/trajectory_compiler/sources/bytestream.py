"""Files as streams of bytes and lines: plain, gzip and Zstandard, told apart by their first bytes, never by their name.

A compressed file that ends early or is damaged gives everything before the bad place; then the stream ends and the place is
counted. A line over `MAX_ROW_BYTES` is skipped without ever being held.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol

import zstandard

from trajectory_compiler.errors import SourceError
from trajectory_compiler.sources.findings import Drops

CHUNK_BYTES = 1 << 18
MAX_ROW_BYTES = 64 << 20
GZIP, ZSTANDARD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


class BrokenStreamError(Exception):
    """A compressed stream ended before its time; `reason` is one of `findings.REASONS`. Never leaves `sources`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


def compression(head: bytes) -> str:
    """Return `gzip`, `zstd` or the empty text from the first bytes of a file."""
    if head.startswith(GZIP):
        return "gzip"
    return "zstd" if head.startswith(ZSTANDARD) else ""


def read_bytes(path: Path, size: int | None = None) -> Iterator[bytes]:
    """Yield the decompressed content of a file in chunks; `size` caps the bytes of the file that are read.

    A log that is being written while it is read is cut at the size that it had at first, so that two passes agree.
    Raises: SourceError: the file cannot be opened or read. BrokenStreamError: see above; after all good bytes.
    """
    try:
        with path.open("rb") as file:
            raw = _chunks(file.read, size)
            head = next(raw, b"")
            kind = compression(head)
            if not kind:
                yield head
                yield from raw
            else:
                yield from _decompressed(head, raw, _gzip if kind == "gzip" else _zstd)
    except OSError as error:
        raise cannot_read(path, error) from error


def cannot_read(path: Path, error: OSError) -> SourceError:
    """Return the sentence for a file that cannot be opened or read."""
    action = "Check the path."
    if isinstance(error, PermissionError):
        action = "Give this user the right to read it."
    return SourceError(f"read {path}", (error.strerror or "it cannot be read").lower(), action)


def _chunks(read: Callable[[int], bytes], size: int | None) -> Iterator[bytes]:
    left = size
    while left is None or left > 0:
        chunk = read(CHUNK_BYTES if left is None else min(CHUNK_BYTES, left))
        if not chunk:
            return
        if left is not None:
            left -= len(chunk)
        yield chunk


def _gzip() -> _Decompressor:
    return zlib.decompressobj(wbits=31)


def _zstd() -> _Decompressor:
    return zstandard.ZstdDecompressor().decompressobj()


def _decompressed(head: bytes, rest: Iterator[bytes], fresh: Callable[[], _Decompressor]) -> Iterator[bytes]:
    """Decompress one or more members that follow each other, as `cat a.gz b.gz` makes them."""
    member = fresh()
    started = False
    data = head
    while True:
        while data:
            try:
                out = member.decompress(data)
            except (zlib.error, zstandard.ZstdError):
                raise BrokenStreamError("damaged") from None
            started = True
            if out:
                yield out
            data = b""
            if member.eof:
                data = member.unused_data.lstrip(b"\0")  # tape-style padding
                member, started = fresh(), False
        following = next(rest, None)
        if following is None:
            break
        data = following
    if started:
        raise BrokenStreamError("truncated")


def line_blocks(chunks: Iterable[bytes], drops: Drops) -> Iterator[tuple[int, list[bytes]]]:
    """Cut a byte stream into lines: yields the number of the first line (1-based) and some lines in a row.

    Oversized lines come as empty lines, which keeps the count. A broken stream ends the lines and is counted.
    """
    number = 1
    pending: list[bytes] = []
    held = 0
    skipping = False
    try:
        for chunk in chunks:
            cut = chunk.rfind(b"\n")
            if cut < 0:
                held += len(chunk)
                skipping = skipping or held > MAX_ROW_BYTES
                if skipping:
                    pending.clear()
                else:
                    pending.append(chunk)
                continue
            pending.append(chunk[:cut])
            lines = b"".join(pending).split(b"\n")
            if skipping or len(lines[0]) > MAX_ROW_BYTES:
                drops.add("row_too_large", number)
                lines[0] = b""
            yield number, lines
            number += len(lines)
            tail = chunk[cut + 1 :]
            pending, held, skipping = [tail], len(tail), False
    except BrokenStreamError as error:
        drops.add(error.reason, number)
    if skipping:
        drops.add("row_too_large", number)
    elif held:
        yield number, [b"".join(pending)]
