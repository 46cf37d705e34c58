"""The store as an erasure sees it: which sessions there are, what hangs on them, their deletion, and the tombstone.

with store.lock("erase sessions"), store.erasure as erasure: ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from trajectory_compiler.errors import StoreError
from trajectory_compiler.model import Trajectory, short_hash
from trajectory_compiler.store import cleaning, erasing, holds
from trajectory_compiler.store.clock import Clock
from trajectory_compiler.store.codec import json_of, unpack
from trajectory_compiler.store.database import Database
from trajectory_compiler.store.erasing import Reached, SessionKey
from trajectory_compiler.store.holds import Hold

SESSIONS = """SELECT s.source, s.session_id, s.state, s.watermark, s.turns, coalesce(min(t.created_at), s.updated_at)
    FROM sessions s LEFT JOIN trajectories t ON t.source = s.source AND t.session_id = s.session_id
    WHERE s.state <> 'erased' GROUP BY s.source, s.session_id, s.state, s.watermark, s.turns, s.updated_at"""
WAITING = "SELECT source, session_id, last_row, updated_at FROM waiting"
NAMED = """SELECT source, session_id, min(created_at) FROM findings WHERE session_id IS NOT NULL GROUP BY source, session_id
    UNION ALL SELECT source, session_id, min(created_at) FROM model_calls
    WHERE source IS NOT NULL AND session_id IS NOT NULL GROUP BY source, session_id"""
TOMBSTONES = "SELECT id, kind, subject, reason, actor, counts, created_at FROM erasures ORDER BY created_at, id"
BURY = "INSERT INTO erasures (id, kind, subject, reason, actor, counts, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)"
ERASED = "SELECT source, session_id, raw_digest, compile_key FROM sessions WHERE state = 'erased' ORDER BY source, session_id"
MARK = """INSERT INTO sessions (source, session_id, state, raw_digest, digest, compile_key, watermark, turns, attempts, run_id,
    updated_at) VALUES (?, ?, 'erased', ?, NULL, ?, NULL, 0, 0, ?, ?) ON CONFLICT (source, session_id) DO UPDATE SET
    raw_digest = excluded.raw_digest, compile_key = excluded.compile_key, updated_at = excluded.updated_at"""
VERSIONS = """SELECT DISTINCT v.name, v.version FROM dataset_items i JOIN dataset_versions v ON v.digest = i.dataset_digest
    WHERE i.pair_id IN (SELECT id FROM pairs WHERE source = ? AND session_id = ?)"""


class KnownSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session that some table names. `state` is as in `sessions`, else `waiting` or `named` (in a finding or a call alone).

    `last_row` is the stamp of its last row, where the log has one; `stored` when the store first wrote of it.
    """

    key: SessionKey
    state: str
    last_row: str | None
    stored: str
    turns: int = 0

    @property
    def age(self) -> str:
        """The stamp that its age counts from: of its last row, or of the day it was stored where the log has no stamps."""
        return self.last_row or self.stored


class Mark(msgspec.Struct, frozen=True):
    """What stays of an erased session: a keyed mark of its id, the keyed digest of its rows, the name of the key."""

    source: str
    mark: str
    raw_digest: str
    key_id: str


class Tombstone(msgspec.Struct, frozen=True, kw_only=True):
    """That something was erased, why, and how much; `subject` is a keyed mark, or the date that an erasure went by."""

    id: str
    kind: str
    subject: str
    reason: str
    actor: str
    counts: dict[str, int]
    created_at: str


class Marks(msgspec.Struct, frozen=True):
    """What an erasure leaves: marks by session, the name of their key; and the older copies of the file that go, too."""

    by_session: dict[SessionKey, str]
    key_id: str
    backups: tuple[Path, ...] = ()


Check = Callable[[], tuple[Reached, Marks]]


class Erasure:
    """Reads and writes of an open store for `trajc find`, `forget` and `hold`."""

    def __init__(self, database: Database, path: Path, clock: Clock) -> None:
        self._database, self._path, self._clock = database, path, clock

    def known(self, source: str | None = None) -> dict[SessionKey, KnownSession]:
        """Return every session that the store names anywhere, of one source where named."""
        known: dict[SessionKey, KnownSession] = {}
        for log, session, state, watermark, turns, stored in list(self._database.rows(SESSIONS)):
            key = SessionKey(log, session)
            known[key] = KnownSession(key=key, state=state, last_row=watermark, stored=stored, turns=int(turns))
        for log, session, last_row, stored in list(self._database.rows(WAITING)):
            key = SessionKey(log, session)
            known.setdefault(key, KnownSession(key=key, state="waiting", last_row=last_row, stored=stored))
        for log, session, stored in list(self._database.rows(NAMED)):
            key = SessionKey(log, session)
            known.setdefault(key, KnownSession(key=key, state="named", last_row=None, stored=stored))
        return {key: found for key, found in sorted(known.items()) if source in (None, key.source)}

    def trajectories(self, key: SessionKey | None = None) -> Iterator[Trajectory]:
        """Yield every stored form of a session, older ones too; without a key, those of all sessions."""
        which = "" if key is None else " WHERE source = ? AND session_id = ?"
        order = " ORDER BY source, session_id, digest"
        for digest, content in self._database.rows(f"SELECT digest, content FROM trajectories{which}{order}", key or ()):
            yield unpack(content, digest)

    def kinds(self) -> tuple[str, ...]:
        """Return the types of which the store holds keyed hashes."""
        return tuple(row[0] for row in self._database.rows("SELECT DISTINCT kind FROM identities ORDER BY kind"))

    def pair_ids(self, key: SessionKey) -> tuple[str, ...]:
        """Return the ids of all pairs of a session."""
        return erasing.pair_ids(self._database, key)

    def counts(self, keys: Sequence[SessionKey]) -> dict[str, int]:
        """Count the rows that hang on some sessions, by table."""
        return erasing.counts_of(self._database, keys)

    def calls(self, keys: frozenset[SessionKey], pairs: frozenset[str], rows: frozenset[str]) -> Reached:
        """Return the model calls that some sessions reach."""
        return erasing.calls_of(self._database, keys, pairs, rows)

    def data_sets(self, keys: Sequence[SessionKey]) -> tuple[str, ...]:
        """Return the data set versions, as NAME vN, that hold a pair of some sessions."""
        rows = [row for key in keys for row in self._database.rows(VERSIONS, key)]
        for digest in {digest for digest, _ in erasing.lent_items(self._database, keys)}:
            rows += self._database.rows("SELECT name, version FROM dataset_versions WHERE digest = ?", (digest,))
        return tuple(f"{name} v{version}" for name, version in sorted(set(rows)))

    def mirrors(self) -> tuple[str, ...]:
        """Return the mirrors that were written from this store."""
        return tuple(row[0] for row in self._database.rows("SELECT DISTINCT target FROM mirrored ORDER BY target"))

    def erase(self, keys: Sequence[SessionKey], run_id: str, tombstone: Tombstone, check: Check) -> None:
        """Delete sessions and write the tombstone and their marks, all in one transaction. The bytes are `clean`'s affair.

        `check` looks again inside the transaction, where nobody else can write, and gives what goes; it raises to stop it all.
        """
        with self._database.transaction(durable=True):
            reached, marks = check()
            digests = {key: self._raw_digest(key) for key in keys}
            cleaning.note_pending(self._database, marks.backups)
            erasing.delete_sessions(self._database, keys, reached)
            now = self._clock()
            for key in keys:
                values = (key.source, marks.by_session[key], digests[key], marks.key_id, run_id, now)
                self._database.execute(MARK, values)
            counts = json_of(dict(sorted(tombstone.counts.items())))
            told = (tombstone.id, tombstone.kind, tombstone.subject, tombstone.reason, tombstone.actor, counts, now)
            self._database.execute(BURY, told)

    def tombstone_id(self, run_id: str) -> str:
        """Return the id of the tombstone that a run writes."""
        return short_hash("erasure", run_id)

    def marks(self, source: str | None = None) -> tuple[Mark, ...]:
        """Return what stayed of the erased sessions, of one source where named."""
        return tuple(Mark(*row) for row in self._database.rows(ERASED) if source in (None, row[0]))

    def tombstones(self) -> tuple[Tombstone, ...]:
        """Return all tombstones, oldest first."""
        names = Tombstone.__struct_fields__
        made = []
        for row in self._database.rows(TOMBSTONES):
            record = dict(zip(names, row, strict=True))
            made.append(msgspec.convert(record | {"counts": msgspec.json.decode(record["counts"])}, Tombstone))
        return tuple(made)

    def backups(self) -> tuple[Path, ...]:
        """Return the copies that migrations left beside the store."""
        return cleaning.backups_of(self._path)

    def is_pending(self) -> bool:
        """Say whether an erasure was committed whose bytes may still be there."""
        return cleaning.is_pending(self._database)

    def clean(self) -> None:
        """Rebuild the file without what was erased and cut its log.

        Raises: StoreError: somebody still reads an older state of it, or the disk has no room.
        """
        if not cleaning.clean(self._database, self._path):
            raise StoreError(
                f"clean store '{self._path}' after an erasure",
                "another process still reads an older state of it (an export, a check)",
                "The rows are gone; once that process has ended, run: trajc forget --finish",
            )

    def holds(self) -> tuple[Hold, ...]:
        """Return all legal holds, released ones too."""
        return holds.all_holds(self._database)

    def add_hold(self, hold: Hold) -> Hold:
        """Write a legal hold and return it with its id."""
        with self._database.transaction():
            return holds.add(self._database, hold)

    def release_hold(self, prefix: str) -> Hold:
        """End the hold whose id begins so. Raises InputError where none or several do."""
        with self._database.transaction():
            return holds.release(self._database, prefix, self._clock())

    def _raw_digest(self, key: SessionKey) -> str:
        found = list(self._database.rows("SELECT raw_digest FROM sessions WHERE source = ? AND session_id = ?", key))
        return found[0][0] if found else ""
