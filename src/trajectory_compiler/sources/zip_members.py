"""The members of a ZIP archive, read one at a time: stored, deflated or Zstandard (which the standard library has since 3.14).

An archive whose directory is missing (its writer was stopped, or a copy ended early) is read from its beginning instead: every
member has a header of its own. A member that is damaged is counted and the others are read.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import zstandard

from trajectory_compiler.sources.findings import Drops

MAGIC = b"PK\x03\x04"
MAX_MEMBER_BYTES = 1 << 29
_STORED, _DEFLATED, _ZSTANDARD = 0, 8, 93
_HEADER_BYTES = 30
_SIZES_FOLLOW = 8  # a flag: sizes and checksum stand behind the data


class _DamagedError(Exception):
    """A member cannot be read. Never leaves this module."""


class Member(NamedTuple):
    """Where a member lies. `size` and `checksum` are None where only reading tells."""

    name: str
    offset: int
    method: int
    size: int | None
    checksum: int | None


class Archive:
    """An archive, opened for reading. `is_whole` says that its directory was found."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.is_whole = True
        self.members: dict[str, Member] = {}
        with path.open("rb") as file:
            try:
                with zipfile.ZipFile(file) as archive:
                    found = [
                        Member(i.filename, i.header_offset, i.compress_type, i.compress_size, i.CRC) for i in archive.infolist()
                    ]
            except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError):
                self.is_whole = False
                found = list(_scanned(file))
        self.members = {member.name: member for member in found}  # of members of one name the last counts

    def read(self, names: list[str], drops: Drops) -> Iterator[tuple[str, bytes]]:
        """Yield the content of members; what is damaged is counted under its name."""
        with self._path.open("rb") as file:
            for name in names:
                try:
                    yield name, _content(file, self.members[name])
                except (_DamagedError, OSError):
                    drops.add("damaged_member", f"{self._path.name} {name}")


def _scanned(file: BinaryIO) -> Iterator[Member]:
    """Find members by their own headers. Each is read once, since where it ends may not be known before."""
    file.seek(0)
    data = file.read(MAX_MEMBER_BYTES)
    place = data.find(MAGIC)
    while place >= 0 and place + _HEADER_BYTES <= len(data):
        flags = int.from_bytes(data[place + 6 : place + 8], "little")
        method = int.from_bytes(data[place + 8 : place + 10], "little")
        checksum = int.from_bytes(data[place + 14 : place + 18], "little")
        size = int.from_bytes(data[place + 18 : place + 22], "little")
        begins = place + _HEADER_BYTES
        name = data[begins : begins + int.from_bytes(data[place + 26 : place + 28], "little")].decode("utf-8", "replace")
        is_told = not flags & _SIZES_FOLLOW and size < 0xFFFF_FFFF
        yield Member(name, place, method, size if is_told else None, checksum if is_told else None)
        place = data.find(MAGIC, begins + (size if is_told else 0))


def _content(file: BinaryIO, member: Member) -> bytes:
    file.seek(member.offset)
    header = file.read(_HEADER_BYTES)
    if not header.startswith(MAGIC) or len(header) < _HEADER_BYTES:
        raise _DamagedError
    file.seek(int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little"), 1)
    data = file.read(MAX_MEMBER_BYTES if member.size is None else min(member.size, MAX_MEMBER_BYTES))
    try:
        content = _decompressed(data, member)
    except (zlib.error, zstandard.ZstdError, MemoryError):
        raise _DamagedError from None
    if len(content) > MAX_MEMBER_BYTES or (member.checksum is not None and zlib.crc32(content) != member.checksum):
        raise _DamagedError
    return content


def _decompressed(data: bytes, member: Member) -> bytes:
    if member.method == _STORED and member.size is not None:
        return data
    if member.method == _DEFLATED:
        inflate = zlib.decompressobj(-15)
        content = inflate.decompress(data, MAX_MEMBER_BYTES + 1)
        if not inflate.eof:
            raise _DamagedError
        return content
    if member.method != _ZSTANDARD:
        raise _DamagedError
    content = b""
    while data.startswith(b"\x28\xb5\x2f\xfd"):  # one frame or several
        frame = zstandard.ZstdDecompressor().decompressobj()
        content += frame.decompress(data)
        if not frame.eof:
            raise _DamagedError
        data = frame.unused_data
    return content
