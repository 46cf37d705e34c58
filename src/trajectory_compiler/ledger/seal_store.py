"""Where seals are kept: one SQLite file a log, mode 0600. It holds digests, ids and stamps of rows, never their content.

    entries   position (the leaf's index), id, stamp, content digest, marks digest, shape: about 100 bytes a row
    nodes     the hashes at heights 8, 16, ... of the Merkle tree, which grow out of the entries
    shapes    which columns are sealed as what
    seals     each checkpoint that was signed
    purges    signed records of payloads that were removed by order

The file is no authority: whoever verifies recomputes the root from the entries and holds it against a checkpoint of their own.
One seal is one transaction, so a stop at any instant leaves the last one whole.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from trajectory_compiler.errors import SealError
from trajectory_compiler.ledger.merkle import HASH_BYTES, Node, leaf_hash
from trajectory_compiler.ledger.rows import RowId, SealRow, Shape, leaf_data, marks_digest
from trajectory_compiler.store.sqlite import write_transaction

FORMAT = "1"
BUSY_SECONDS = 30.0
_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE shapes (number INTEGER PRIMARY KEY, document TEXT NOT NULL);
CREATE TABLE entries (position INTEGER PRIMARY KEY, id NOT NULL, stamp BLOB NOT NULL, content BLOB NOT NULL,
    marks BLOB NOT NULL, shape INTEGER NOT NULL);
CREATE UNIQUE INDEX entries_id ON entries (id);
CREATE TABLE nodes (height INTEGER NOT NULL, number INTEGER NOT NULL, hash BLOB NOT NULL,
    PRIMARY KEY (height, number)) WITHOUT ROWID;
CREATE TABLE seals (number INTEGER PRIMARY KEY, begin INTEGER NOT NULL, size INTEGER NOT NULL, is_late INTEGER NOT NULL,
    note TEXT NOT NULL);
CREATE TABLE purges (number INTEGER PRIMARY KEY, record TEXT NOT NULL UNIQUE, note TEXT NOT NULL);
"""
_ENTRY = "e.position, e.id, e.stamp, e.content, e.marks, e.shape"
_CAUSES = {
    "SQLITE_NOTADB": "it is not a SQLite database",
    "SQLITE_CORRUPT": "the file is damaged",
    "SQLITE_FULL": "the disk is full",
    "SQLITE_BUSY": f"another process has been writing to it for more than {BUSY_SECONDS:.0f} seconds",
    "SQLITE_CANTOPEN": "the file or its folder cannot be opened",
    "SQLITE_READONLY": "the file or its folder is read-only",
}


class Entry(NamedTuple):
    """What is kept of a sealed row."""

    position: int
    id: RowId
    stamp: bytes
    content: bytes
    marks: bytes
    shape: int


def _entry(values: tuple[Any, ...]) -> Entry:
    """Return an entry; parts of a type that no seal writes become such that nothing matches them."""
    position, row_id, stamp, content, marks, shape = values
    if type(stamp) is bytes and type(content) is bytes and type(marks) is bytes and type(shape) is int:
        return Entry(position, row_id, stamp, content, marks, shape)
    return Entry(position, row_id, b"", b"", b"", -1)


class Sealed(NamedTuple):
    """One seal: the rows from `begin` to `size`, and the checkpoint that was signed over all rows up to `size`."""

    number: int
    begin: int
    size: int
    is_late: bool
    note: str


class AgainError(Exception):
    """A row's id is sealed already."""


class SealStore:
    """The seals of one log."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self.path = path
        self._shapes: list[Shape] = []
        self._shape_digests: list[bytes] = []

    @classmethod
    def create(cls, path: Path) -> SealStore:
        """Make a new file, or open the one that is there for writing. Raises SealError."""
        make_folder(path)
        try:
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        except OSError as error:
            raise SealError(f"open the seals '{path}'", error.strerror or "it failed", "Name a place with --seals.") from error
        store = cls(_connected(path, "rw"), path)
        if not store.rows("SELECT name FROM sqlite_master"):
            with store.transaction():
                for statement in filter(str.strip, _SCHEMA.split(";")):
                    store.execute(statement)
                store.set("format", FORMAT)
        store._load()
        return store

    @classmethod
    def open(cls, path: Path) -> SealStore:
        """Open a file for reading. Raises SealError."""
        if not path.is_file():
            raise SealError(
                f"open the seals '{path}'", "there is no such file", "Name it with --seals, or run: trajc ledger seal LOG"
            )
        store = cls(_connected(path, "ro"), path)
        store._load()
        return store

    def _load(self) -> None:
        tables = {row[0] for row in self.rows("SELECT name FROM sqlite_master")}
        version = self.get("format") if {"meta", "entries", "nodes", "seals"} <= tables else None
        if version is None:
            raise SealError(
                f"open the seals '{self.path}'", "it is another program's database", "Name another file with --seals."
            )
        if version != FORMAT:
            seen = f"they have format {version} and this program knows {FORMAT}"
            raise SealError(f"open the seals '{self.path}'", seen, "Upgrade trajectory-compiler.")
        found = self.rows("SELECT document FROM shapes ORDER BY number")
        try:
            self._shapes = [msgspec.json.decode(document, type=Shape) for (document,) in found]
        except msgspec.DecodeError as error:
            raise SealError(
                f"open the seals '{self.path}'", "a shape in it is damaged", "Restore a copy of the file."
            ) from error
        self._shape_digests = [shape.digest for shape in self._shapes]

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> SealStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def transaction(self) -> AbstractContextManager[None]:
        """Write all or nothing."""
        return write_transaction(self._connection, self.execute)

    # --- small things ------------------------------------------------------------------------------------------------

    def get(self, key: str) -> str | None:
        """Return a setting of the log."""
        found = self.rows("SELECT value FROM meta WHERE key = ?", (key,))
        return str(found[0][0]) if found else None

    def set(self, key: str, value: str) -> None:
        """Keep a setting of the log."""
        self.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, value))

    @property
    def shapes(self) -> Sequence[Shape]:
        """Every shape that rows were sealed in, by number."""
        return self._shapes

    def shape_number(self, shape: Shape) -> int:
        """Return the number of a shape, which is kept if it is new."""
        if shape not in self._shapes:
            number, document = len(self._shapes), msgspec.json.encode(shape).decode()
            self.execute("INSERT INTO shapes (number, document) VALUES (?, ?)", (number, document))
            self._shapes.append(shape)
            self._shape_digests.append(shape.digest)
        return self._shapes.index(shape)

    def shape_digest(self, number: int) -> bytes:
        """Return the digest of a shape; one that is not there gives a digest that no row has."""
        return self._shape_digests[number] if 0 <= number < len(self._shape_digests) else b"\x00" * HASH_BYTES

    @property
    def size(self) -> int:
        """How many rows are sealed: one more than the last position."""
        return int(self.rows("SELECT coalesce(max(position), -1) + 1 FROM entries")[0][0])

    @property
    def count(self) -> int:
        """How many entries there are, which is the size in seals that nobody changed."""
        return int(self.rows("SELECT count(*) FROM entries")[0][0])

    @property
    def last(self) -> Sealed | None:
        """The last seal."""
        found = self.rows("SELECT number, begin, size, is_late, note FROM seals ORDER BY number DESC LIMIT 1")
        return None if not found else Sealed(found[0][0], found[0][1], found[0][2], bool(found[0][3]), found[0][4])

    @property
    def late(self) -> Sequence[tuple[int, int]]:
        """The spans of positions that were sealed late."""
        return [
            (int(begin), int(end)) for begin, end in self.rows("SELECT begin, size FROM seals WHERE is_late ORDER BY number")
        ]

    def add_seal(self, seal: Sealed) -> None:
        """Keep a signed checkpoint."""
        self.execute("INSERT INTO seals (number, begin, size, is_late, note) VALUES (?, ?, ?, ?, ?)", seal)

    def purges(self) -> dict[str, str]:
        """Return the signed purge notes by the record that they belong to."""
        return {str(record): str(note) for record, note in self.rows("SELECT record, note FROM purges")}

    def add_purge(self, record: str, note: str) -> None:
        """Keep a signed purge record."""
        self.execute("INSERT INTO purges (record, note) VALUES (?, ?)", (record, note))

    # --- entries and the tree ----------------------------------------------------------------------------------------

    def append(self, begin: int, rows: Sequence[SealRow], shape: int) -> list[bytes]:
        """Keep rows from position `begin` on and return their leaf hashes. Raises AgainError: one of the ids is sealed."""
        entries = [
            (position, row.id, row.stamp, row.contents[0], marks_digest(row.marks), shape)
            for position, row in enumerate(rows, begin)
        ]
        try:
            self._connection.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)", entries)
        except sqlite3.IntegrityError:
            raise AgainError from None
        except sqlite3.Error as error:
            raise _sentence(error, self.path) from error
        return [self.leaf(Entry(*entry)) for entry in entries]

    def drop_from(self, position: int) -> None:
        """Forget what a refused batch left behind."""
        self.execute("DELETE FROM entries WHERE position >= ?", (position,))

    def add_nodes(self, nodes: Sequence[Node]) -> None:
        """Keep nodes of the tree."""
        self._connection.executemany("INSERT INTO nodes (height, number, hash) VALUES (?, ?, ?)", nodes)

    def leaf(self, entry: Entry) -> bytes:
        """Return the leaf hash of an entry."""
        return leaf_hash(leaf_data(self.shape_digest(entry.shape), entry.id, entry.stamp, entry.marks, entry.content))

    def hashes(self, height: int, begin: int, end: int) -> list[bytes]:
        """Return kept hashes of the tree, as `merkle.Hashes` wants them."""
        if height == 0:
            return [self.leaf(entry) for entry in self.entries(begin, end)]
        query = "SELECT hash FROM nodes WHERE height = ? AND number >= ? AND number < ? ORDER BY number"
        return [row[0] for row in self.rows(query, (height, begin, end))]

    def entries(self, begin: int = 0, end: int | None = None) -> Iterator[Entry]:
        """Yield entries by position."""
        query = f"SELECT {_ENTRY} FROM entries e WHERE position >= ? AND position < ? ORDER BY position"
        bounds = (begin, self.size if end is None else end)
        try:
            yield from map(_entry, self._connection.execute(query, bounds))
        except sqlite3.Error as error:
            raise _sentence(error, self.path) from error

    def find(self, ids: Sequence[RowId]) -> dict[RowId, Entry]:
        """Return the entries of those ids that are sealed."""
        query = (
            "SELECT e.position, e.id, e.stamp, e.content, e.marks, e.shape FROM json_each(?) j JOIN entries e ON e.id = j.value"
        )
        return {entry.id: entry for entry in map(_entry, self.rows(query, (json.dumps(ids),)))}

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> None:
        """Run one statement."""
        try:
            self._connection.execute(sql, parameters)
        except sqlite3.Error as error:
            raise _sentence(error, self.path) from error

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a small query."""
        try:
            return self._connection.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise _sentence(error, self.path) from error


def make_folder(path: Path) -> None:
    """Make the folder of the seals, readable by its owner alone. Raises SealError."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SealError(f"make '{path.parent}'", error.strerror or "it failed", "Name a place with --seals.") from error


def _connected(path: Path, mode: str) -> sqlite3.Connection:
    try:
        uri = f"{path.absolute().as_uri()}?mode={mode}"
        connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
        connection.execute("PRAGMA cache_size = -65536")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        raise _sentence(error, path) from error
    return connection


def _sentence(error: sqlite3.Error, path: Path) -> SealError:
    code = "_".join(str(getattr(error, "sqlite_errorname", "") or "").split("_")[:2])
    seen = _CAUSES.get(code, f"SQLite reports {code or type(error).__name__}")
    return SealError(f"use the seals '{path}'", seen, "Mend that, or restore a copy of the file.")
