"""The write-ahead spool: the rows of one process on disk, before they are in the database.

    SPOOL/5f3e.../                        one folder for everybody who writes to one ledger; mode 0700, it holds raw rows
      20260302T090000.000123-4711-9f3c/   one folder for each recording process; the names sort by time
        counts                            how many rows were recorded, kept, ... (`counts.py`); locked while the process lives
        00000001.rows                     a segment: a first line, then frames
      refused/                            rows that the database would not take, one file each

A segment begins with `trajc-spool-1 ROWS`, the number of rows kept before it. A frame is `ROWS BYTES CRC32`, the rows as lines
of JSON, and an empty line. A frame that a crash tore has another CRC and was never acknowledged: reading ends there.
"""

from __future__ import annotations

import os
import re
import shutil
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from trajectory_compiler.ledger.counts import COUNTS, Counts
from trajectory_compiler.model import short_hash

SEGMENT_BYTES = 4 << 20
FRAME_ROWS = 1000
FRAME_BYTES = 1 << 20
REFUSED = "refused"
_FIRST = re.compile(rb"trajc-spool-1 (\d+)\n")
_HEAD = re.compile(rb"(\d+) (\d+) ([0-9a-f]{8})\n")
_LONGEST_HEAD = 60
_UNREADY = "new-"


def folder_of(spool: Path, ledger: str) -> Path:
    """Return the folder of one ledger inside a spool that several may share. `ledger` is a writer's name for it."""
    return spool / short_hash(ledger)[:16]


class Place(NamedTuple):
    """Where a frame begins: the number of its segment, and the byte in it."""

    segment: int
    offset: int


class Frame(NamedTuple):
    """Some rows as lines of JSON, and where the next frame begins."""

    rows: list[bytes]
    after: Place


class Spool:
    """The spool of this process. One thread appends; any thread may read what was appended.

    `end` is where the next frame will begin; everything before it is synced to the disk.
    """

    def __init__(self, folder: Path, counts: Counts) -> None:
        self.folder = folder
        self.counts = counts
        self.end = Place(0, 0)
        self._descriptor = -1
        self._segment = self._offset = 0

    @classmethod
    def create(cls, root: Path, name: str) -> Spool:
        """Make the folder of a process. Raises OSError: the disk is full, or this user may not write there."""
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        ignore = root / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n")
        folder, unready = root / name, root / f"{_UNREADY}{name}"
        unready.mkdir(mode=0o700)
        try:
            counts = Counts.create(unready)
            unready.rename(folder)
        except OSError:
            shutil.rmtree(unready, ignore_errors=True)
            raise
        _sync_folder(root)
        return cls(folder, counts)

    def append(self, rows: Sequence[bytes]) -> None:
        """Write rows and wait until the disk has them.

        Raises: OSError: it has none of the rows of the frame that failed, and all of those before (`counts` says how many).
        """
        for frame in frames_of(rows):
            if self._descriptor < 0 or self._offset >= SEGMENT_BYTES:
                self._begin_segment()
            payload = b"\n".join(frame)
            self._write(b"%d %d %08x\n%b\n\n" % (len(frame), len(payload), zlib.crc32(payload), payload))
            self.end = Place(self._segment, self._offset)
            self.counts.set("kept", self.counts.get("kept") + len(frame))

    def frame_at(self, place: Place) -> Frame | None:
        """Return the frame at a place before `end`, or None where there is none (yet)."""
        if place >= self.end:
            return None
        frame = read_frame(self.folder, place)
        if frame is None and place.segment < self.end.segment:
            return self.frame_at(Place(place.segment + 1, 0))
        return frame

    def release(self, place: Place) -> None:
        """Remove the segments before a place: their rows are in the database."""
        for segment in segments(self.folder):
            if segment < place.segment:
                with suppress(OSError):
                    _path(self.folder, segment).unlink()

    def close(self, *, remove: bool) -> None:
        """Give the folder back, or remove it if all its rows are in the database."""
        if remove:
            shutil.rmtree(self.folder, ignore_errors=True)
        self._end_segment()
        self.counts.close()

    def forget(self) -> None:
        """Let go of the parent's spool in a forked child: the file stays the parent's, and so does the lock."""
        self._end_segment()
        self.counts.forget()

    def _begin_segment(self) -> None:
        self._end_segment()
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_TRUNC | os.O_CLOEXEC
        self._descriptor = os.open(_path(self.folder, self._segment + 1), flags, 0o600)
        self._segment, self._offset = self._segment + 1, 0
        self._write(b"trajc-spool-1 %d\n" % self.counts.get("kept"))
        _sync_folder(self.folder)

    def _end_segment(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _write(self, data: bytes) -> None:
        """Write and sync all of it or, as far as a later reader can see, nothing."""
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
            os.fdatasync(self._descriptor)
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._descriptor, self._offset)
            self._end_segment()  # begin a new one next time: after a failed sync nobody knows what this one holds
            if self._segment > self.end.segment:
                _path(self.folder, self._segment).unlink(missing_ok=True)  # it has no frame
                self._segment = self.end.segment
            raise
        self._offset += len(data)


class Orphan:
    """The spool of a process that ended before all its rows were in the database. Locked until `close`."""

    def __init__(self, folder: Path, counts: Counts) -> None:
        self.folder = folder
        self._counts = counts
        found = [(first, rows) for _, first, rows in map(self._measure, segments(folder))]
        self.rows = sum(rows for _, rows in found)
        kept = max((first + rows for first, rows in found), default=0)
        kept = max(kept, counts.get("kept"))
        self.recorded = counts.get("recorded")
        self.lost = max(0, self.recorded - kept - counts.get("direct"))

    def frames(self) -> Iterator[Frame]:
        """Yield the frames in the order in which they were kept."""
        for segment in segments(self.folder):
            place = Place(segment, 0)
            while (frame := read_frame(self.folder, place)) is not None:
                yield frame
                place = frame.after

    def close(self, *, remove: bool) -> None:
        """Give the folder back, or remove it."""
        if remove:
            shutil.rmtree(self.folder, ignore_errors=True)
        self._counts.close()

    def forget(self) -> None:
        """Let go of it in a forked child: the parent goes on with it."""
        self._counts.forget()

    def _measure(self, segment: int) -> tuple[int, int, int]:
        rows, place = 0, Place(segment, 0)
        while (frame := read_frame(self.folder, place)) is not None:
            rows, place = rows + len(frame.rows), frame.after
        first = _FIRST.match(_path(self.folder, segment).read_bytes()[:_LONGEST_HEAD])
        return segment, int(first[1]) if first else 0, rows


def orphans(root: Path) -> Iterator[Orphan]:
    """Yield the spools of processes that have ended, the oldest first, each locked."""
    with suppress(OSError):
        for folder in sorted(path for path in root.iterdir() if (path / COUNTS).is_file() and not _is_unready(path)):
            counts = Counts.adopt(folder)
            if counts is not None:
                yield Orphan(folder, counts)


def _is_unready(folder: Path) -> bool:
    """Say whether a process has not finished making this folder; one that died over it left nothing: remove that."""
    if not folder.name.startswith(_UNREADY):
        return False
    counts = Counts.adopt(folder)
    if counts is not None:
        shutil.rmtree(folder, ignore_errors=True)
        counts.close()
    return True


def segments(folder: Path) -> list[int]:
    """Return the numbers of the segments of a folder, in order."""
    return sorted(int(path.stem) for path in folder.glob("*.rows") if path.stem.isdigit())


def read_frame(folder: Path, place: Place) -> Frame | None:
    """Return the frame at a place, or None where the segment ends or is torn."""
    try:
        with _path(folder, place.segment).open("rb") as file:
            file.seek(place.offset)
            if place.offset == 0 and not _FIRST.fullmatch(file.readline(_LONGEST_HEAD)):
                return None
            head = _HEAD.fullmatch(file.readline(_LONGEST_HEAD))
            if head is None:
                return None
            payload = file.read(int(head[2]))
            if len(payload) != int(head[2]) or f"{zlib.crc32(payload):08x}".encode() != head[3] or file.read(2) != b"\n\n":
                return None
            return Frame(payload.split(b"\n"), Place(place.segment, file.tell()))
    except FileNotFoundError:
        return None


def frames_of(rows: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Split rows so that no frame holds more than `FRAME_ROWS` rows, or more than `FRAME_BYTES` unless in one row."""
    first = size = 0
    for number, row in enumerate(rows):
        if number > first and (size + len(row) > FRAME_BYTES or number - first >= FRAME_ROWS):
            yield rows[first:number]
            first, size = number, 0
        size += len(row)
    if first < len(rows):
        yield rows[first:]


def keep_refused(root: Path, key: str, row: bytes) -> Path:
    """Write a row that the database would not take into a file of its own, and return it. Raises OSError."""
    folder = root / REFUSED
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / (re.sub(r"[^\w.-]", "_", key)[:100] + ".json")
    path.write_bytes(row + b"\n")
    return path


def _path(folder: Path, segment: int) -> Path:
    return folder / f"{segment:08d}.rows"


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
