"""Four numbers that survive the kill of a process: a memory map of a small file, locked as long as its process lives."""

from __future__ import annotations

import fcntl
import itertools
import mmap
import os
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

COUNTS = "counts"
_NAMES = ("recorded", "kept", "direct", "dropped")
Count = Literal["recorded", "kept", "direct", "dropped"]
_SLOT = struct.Struct("<q")
_BYTES = len(_NAMES) * _SLOT.size
_OFFSETS: dict[str, int] = {name: place * _SLOT.size for place, name in enumerate(_NAMES)}


class Counts:
    """How many rows were `recorded`, `kept` in the spool, sent to the database `direct`, `dropped`.

    After a power cut the numbers may be too small: they are not synced, since that would cost more than they are worth.
    """

    def __init__(self, memory: mmap.mmap, descriptor: int | None = None) -> None:
        self._memory = memory
        self._descriptor = descriptor

    @classmethod
    def in_memory(cls) -> Counts:
        """Return numbers that end with the process, for where there is no spool."""
        return cls(mmap.mmap(-1, _BYTES))

    @classmethod
    def create(cls, folder: Path) -> Counts:
        """Make the file in a folder that nobody else sees yet, and lock it. Raises OSError."""
        descriptor = os.open(folder / COUNTS, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            if os.write(descriptor, bytes(_BYTES)) != _BYTES:  # real blocks: writing to the map of a hole may be fatal
                raise OSError(28, "no space for the counts of a spool")
            os.fsync(descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return cls(mmap.mmap(descriptor, _BYTES), descriptor)
        except OSError:
            os.close(descriptor)
            raise

    @classmethod
    def adopt(cls, folder: Path) -> Counts | None:
        """Lock and open the file of a process that has ended, or return None where it lives or somebody else was faster."""
        try:
            descriptor = os.open(folder / COUNTS, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            found = os.fstat(descriptor)
            if found.st_size == _BYTES and found.st_nlink and (folder / COUNTS).stat().st_ino == found.st_ino:
                return cls(mmap.mmap(descriptor, _BYTES), descriptor)
        except OSError:
            pass
        os.close(descriptor)
        return None

    def counter(self) -> Callable[[], None]:
        """Return a function that counts one recorded row.

        The whole step happens inside one call of C, so that no other thread comes between reading and writing.
        """
        store = partial(_SLOT.pack_into, self._memory, _OFFSETS["recorded"])
        return map(store, itertools.count(self.get("recorded") + 1)).__next__

    def get(self, name: Count) -> int:
        """Return one of the numbers."""
        number: int = _SLOT.unpack_from(self._memory, _OFFSETS[name])[0]
        return number

    def set(self, name: Count, number: int) -> None:
        """Store one of the numbers."""
        _SLOT.pack_into(self._memory, _OFFSETS[name], number)

    def close(self) -> None:
        """Give the lock back. The numbers can still be counted up, for a thread that is just recording."""
        if self._descriptor is not None:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)  # the memory map has a descriptor of its own, which holds the lock too
            os.close(self._descriptor)
            self._descriptor = None

    def forget(self) -> None:
        """Let go of the parent's numbers in a forked child, without unlocking them: the lock is shared."""
        self._memory.close()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
