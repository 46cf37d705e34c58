"""The bytes behind an erasure: log, free pages and older copies of the file. Cut short, it is finished by the next run.

Deleting rows overwrites them in the main file (`secure_delete`), but the write-ahead log keeps older pages until it is folded
in, a page keeps what was moved on it, and the copy that a migration makes first holds everything. The transaction that deletes
rows writes down, with them, that this is still to be done; so a process that is killed in between leaves an erasure that is
committed, and a note by which whoever holds the run lock next cleans up.

Out of reach: blocks that the file system or the disk has freed and not overwritten, snapshots, and copies elsewhere.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from trajectory_compiler.errors import StoreError
from trajectory_compiler.store.database import Database

PENDING = "erasure_pending"
CHUNK = 1 << 20
NOTE = "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"


def backups_of(store: Path) -> tuple[Path, ...]:
    """Return the copies that migrations left beside a store."""
    return tuple(sorted(store.parent.glob(f"{store.name}.v*.backup")))


def note_pending(database: Database, backups: tuple[Path, ...]) -> None:
    """Write, inside the transaction that deletes rows, that the file and these copies are to be cleaned."""
    known = set(_noted(database) or ())
    names = sorted(known | {path.name for path in backups})
    database.execute(NOTE, (PENDING, msgspec.json.encode(names).decode()))


def is_pending(database: Database) -> bool:
    """Say whether an erasure was committed whose bytes may still be there."""
    return _noted(database) is not None


def clean(database: Database, store: Path) -> bool:
    """Do what is pending and say whether it is done: False where a reader of another process keeps the log from folding.

    Raises: StoreError: the disk has no room to rebuild the file, or refuses. What is pending stays pending then.
    Cost: the live content of the store is written twice.
    """
    names = _noted(database)
    if names is None:
        return True
    for name in names:
        _overwrite(store.with_name(name))
    if database.engine != "SQLite":  # a server keeps dead rows until its own VACUUM: docs/erasure.md
        database.execute("DELETE FROM meta WHERE key = ?", (PENDING,))
        return True
    if not _folded(database):
        return False
    database.execute("VACUUM")
    if not _folded(database):
        return False
    database.execute("DELETE FROM meta WHERE key = ?", (PENDING,))
    return _folded(database)


def _noted(database: Database) -> list[str] | None:
    found = list(database.rows("SELECT value FROM meta WHERE key = ?", (PENDING,)))
    return msgspec.json.decode(found[0][0], type=list[str]) if found else None


def _folded(database: Database) -> bool:
    """Fold the write-ahead log into the file and cut it to nothing."""
    busy = list(database.rows("PRAGMA wal_checkpoint(TRUNCATE)"))
    return not any(row[0] for row in busy)


def _overwrite(path: Path) -> None:
    try:
        size = path.stat().st_size
        with path.open("r+b") as file:
            for _ in range(0, size, CHUNK):
                file.write(b"\0" * CHUNK)
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(
            f"erase backup '{path}'",
            error.strerror or type(error).__name__,
            "Delete it by hand, then run: trajc forget --finish",
        ) from error
