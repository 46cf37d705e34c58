"""The statistics snapshot: in how many sessions of a log a value occurs.

A value that stands in every session (`economy`, `main`, `true`) links nothing. The snapshot answers with a count-min sketch
(Cormode and Muthukrishnan 2005): fixed size, mergeable by addition, never too small. It holds counters only. Values enter it
through keyed hashes, so that whoever holds a snapshot without the key cannot test whether a value is in it. The key is
derived from the log's own first session: the same log gives the same snapshot on any machine, and who has the key's source
has the log anyway.
"""

from __future__ import annotations

import hashlib
import sys
from array import array
from collections.abc import Iterable

import zstandard

from trajectory_compiler.errors import StoreError

WIDTH_BITS = 20
DEPTH = 2
_MASK = (1 << WIDTH_BITS) - 1
_MAGIC = b"trajc-sketch-1\n"


class Snapshot:
    """Document frequencies of values over the sessions of a log. Size: two rows of 2^20 32-bit counters (8 MiB)."""

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.sessions = 0
        self._rows = [array("I", bytes(4 << WIDTH_BITS)) for _ in range(DEPTH)]

    def add_session(self, values: Iterable[str]) -> None:
        """Count the distinct values of one more session."""
        first, second = self._rows
        for value in values:
            h = self._hash(value)
            first[h & _MASK] += 1
            second[(h >> 32) & _MASK] += 1
        self.sessions += 1

    def document_frequency(self, value: str) -> int:
        """Return in how many sessions the value occurs: exact or, where hashes collide, too large, never too small."""
        h = self._hash(value)
        return min(self._rows[0][h & _MASK], self._rows[1][(h >> 32) & _MASK])

    def merge(self, other: Snapshot) -> None:
        """Add the counts of another snapshot that was made with the same key."""
        if other.key != self.key:
            raise StoreError("merge two snapshots", "they were made with different keys", "Rebuild one with --new-snapshot.")
        for mine, theirs in zip(self._rows, other._rows, strict=True):
            for i, count in enumerate(theirs):
                if count:
                    mine[i] += count
        self.sessions += other.sessions

    def digest(self) -> str:
        """Return the name of this snapshot: a hash over its counts."""
        hasher = hashlib.blake2b(self.sessions.to_bytes(8, "big"), digest_size=16)
        for row in self._rows:
            hasher.update(_little_endian(row))
        return hasher.hexdigest()

    def masked(self, mask: bytes) -> Snapshot:
        """Return the same counters under the key xor `mask`: they answer to who has the mask. Masking again undoes it."""
        other = Snapshot(bytes(a ^ b for a, b in zip(self.key.ljust(16, b"\0"), mask[:16], strict=True)))
        other.sessions, other._rows = self.sessions, self._rows
        return other

    def to_bytes(self) -> bytes:
        """Return the snapshot with its key, compressed. Where values must not be guessed from it, mask the key first."""
        body = b"".join(_little_endian(row) for row in self._rows)
        head = _MAGIC + self.key.ljust(16, b"\0") + self.sessions.to_bytes(8, "big")
        return zstandard.ZstdCompressor(level=3).compress(head + body)

    @classmethod
    def from_bytes(cls, data: bytes) -> Snapshot:
        """Read what `to_bytes` wrote. Raises StoreError for anything else."""
        try:
            plain = zstandard.ZstdDecompressor().decompress(data)
        except zstandard.ZstdError as error:
            raise StoreError("read the statistics snapshot", "it is damaged", "Rebuild it with --new-snapshot.") from error
        size = 4 << WIDTH_BITS
        offset = len(_MAGIC) + 24
        if not plain.startswith(_MAGIC) or len(plain) != offset + DEPTH * size:
            raise StoreError("read the statistics snapshot", "it has another format", "Rebuild it with --new-snapshot.")
        snapshot = cls(plain[len(_MAGIC) : len(_MAGIC) + 16])
        snapshot.sessions = int.from_bytes(plain[len(_MAGIC) + 16 : offset], "big")
        for number in range(DEPTH):
            row = array("I", plain[offset + number * size : offset + (number + 1) * size])
            if sys.byteorder == "big":
                row.byteswap()
            snapshot._rows[number] = row
        return snapshot

    def _hash(self, value: str) -> int:
        data = value.encode("utf-8", "surrogatepass")
        return int.from_bytes(hashlib.blake2b(data, key=self.key, digest_size=8).digest(), "big")


def _little_endian(row: array[int]) -> bytes:
    if sys.byteorder == "little":
        return row.tobytes()
    copy = array("I", row)
    copy.byteswap()
    return copy.tobytes()
