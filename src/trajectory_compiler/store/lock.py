"""The run lock: one writing run a store at a time, freed by the operating system however a run ends.

The lock is `flock` on a file beside the store. The file's text says who holds it and since when; the lock itself is what
counts, so a run that was killed leaves no lock behind. The file stays: deleting it would let two runs lock two files.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from trajectory_compiler.errors import StoreError, StoreLockedError

TRIES = 5
PAUSE_SECONDS = 0.02
_held: set[int] = set()


def _close_in_child() -> None:
    """Drop a forked child's copies: a worker that outlives a killed run must not keep the store locked."""
    for descriptor in _held:
        os.close(descriptor)
    _held.clear()


os.register_at_fork(after_in_child=_close_in_child)


class Holder(msgspec.Struct, frozen=True):
    """Who holds the lock: process, what for, and the stamp at which it took it."""

    pid: int
    purpose: str
    since: str


def lock_path(store: Path) -> Path:
    """Return the lock file of a store."""
    return store.with_name(store.name + ".lock")


@contextmanager
def run_lock(store: Path, purpose: str, since: str) -> Iterator[None]:
    """Hold the store's run lock. Raises StoreLockedError (exit 4) at once where another run holds it."""
    descriptor = _open(store)
    if not _taken(descriptor):
        holder = _holder(descriptor)
        os.close(descriptor)
        raise StoreLockedError(f"{purpose} into store '{store}'", holder, "Wait until it ends, then run again.")
    _held.add(descriptor)
    try:
        with suppress(OSError):  # on a full disk the lock still holds, only its text is missing
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, msgspec.json.encode(Holder(os.getpid(), purpose, since)), 0)
        yield
    finally:
        if descriptor in _held:  # false in a forked child, which holds nothing
            _held.discard(descriptor)
            with suppress(OSError):
                os.ftruncate(descriptor, 0)
            os.close(descriptor)


def is_locked(store: Path) -> bool:
    """Return whether any run, of this process or another, holds the store's lock."""
    try:
        descriptor = os.open(lock_path(store), os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _open(store: Path) -> int:
    try:
        return os.open(lock_path(store), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreError(
            f"lock store '{store}'", error.strerror or type(error).__name__, "Make its folder writable, or use another --store."
        ) from error


def _taken(descriptor: int) -> bool:
    """Try for a tenth of a second: `is_locked` holds a lock for an instant, which must not turn a run away."""
    for attempt in range(TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if attempt + 1 < TRIES:
                time.sleep(PAUSE_SECONDS)
        else:
            return True
    return False


def _holder(descriptor: int) -> str:
    try:
        holder = msgspec.json.decode(os.pread(descriptor, 4096, 0), type=Holder)
    except (msgspec.DecodeError, OSError):
        return "another run holds it"
    return f"another run ({holder.purpose}, process {holder.pid}) has held it since {holder.since}"
