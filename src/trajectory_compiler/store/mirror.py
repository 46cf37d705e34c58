"""A store mirrored into a PostgreSQL schema: what changed is sent, what is gone is deleted, and both sides can be compared.

    report = store.mirror_into(MirrorOptions(url="postgresql://trajc_mirror@db.example.com/agents"))
    assert store.compare_with(options).equal

A run compares the digest of every item here with what the mirror says it holds, and sends the difference: after an outage, a
kill or a year there is nothing to catch up with but that. A run that is cut leaves whole items.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from trajectory_compiler.config import MirrorOptions
from trajectory_compiler.errors import StoreError
from trajectory_compiler.store.address import parse_address
from trajectory_compiler.store.clock import Clock
from trajectory_compiler.store.database import Database
from trajectory_compiler.store.lock import run_lock
from trajectory_compiler.store.mirror_items import chunked, compared, keys_of, read
from trajectory_compiler.store.mirror_tables import KINDS, Key, Kind, item_name, kind_and_key
from trajectory_compiler.store.mirror_target import HOLD, Target, opened

Progress = Callable[[str, int, int | None], None]
DROPPED_AT_ONCE = 500


class MirrorReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a run of the mirror did, in items: sessions, runs and rows that stand alone.

    `held` items stand in the mirror with another store's content and were left so; `refused` ones the server would not take.
    """

    target: str
    written: int
    unchanged: int
    deleted: int
    held: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether all of the store stands in the mirror."""
        return not self.held and not self.refused


class _Run:
    """One run: what the mirror is known to hold, and what became of the items so far."""

    def __init__(self, target: Target, progress: Progress) -> None:
        self.target = target
        self.standing = target.holds()
        self.written = self.unchanged = self.deleted = 0
        self.held: list[str] = []
        self.refused: list[str] = []
        self._progress = progress

    def go(self, database: Database) -> None:
        """Delete what is gone, send what differs. Runs go last of the deletions: sessions refer to them."""
        keys = {kind: keys_of(database, kind) for kind in KINDS}
        here = {item_name(kind, key) for kind, found in keys.items() for key in found}
        gone = [name for name in self.standing if name not in here]
        for kind in reversed(KINDS[1:]):
            self._drop(kind, gone)
        total = sum(len(found) for found in keys.values())
        for kind, found in keys.items():
            self._send(database, kind, found, total)
        self._drop(KINDS[0], gone)

    def _drop(self, kind: Kind, gone: Iterable[str]) -> None:
        names = [name for name in gone if kind_and_key(name)[0] is kind]
        for start in range(0, len(names), DROPPED_AT_ONCE):
            some = names[start : start + DROPPED_AT_ONCE]
            self.deleted += self.target.drop(kind, some)
            for name in some:
                del self.standing[name]

    def _send(self, database: Database, kind: Kind, keys: dict[Key, int], total: int) -> None:
        for chunk in chunked(kind, keys):
            digests = {}
            changed = []
            for item in read(database, chunk):
                digests[item.name] = compared(item).digest()
                if self.standing.get(item.name) != digests[item.name]:
                    changed.append(item)
            self.unchanged += len(digests) - len(changed)
            if changed:
                sent = self.target.send(kind, changed)
                self.written += len(sent.written)
                self.held += sent.held
                self.refused += sent.refused
                for name in sent.held:
                    self.standing.pop(name, None)
                self.standing.update((name, digests[name]) for name in sent.written)
            done = self.unchanged + self.written + len(self.held) + len(self.refused)
            self._progress("mirroring", done, total)


def mirror(database: Database, beside: Path, clock: Clock, options: MirrorOptions, progress: Progress) -> MirrorReport:
    """Make the mirror what the store is at this instant, see `Store.mirror_into`.

    Raises: StoreError: the server cannot be reached, is lost on the way, or refuses. StoreLockedError: another mirror runs.
    """
    address = parse_address(options.url, options.schema)
    with run_lock(beside.with_name(f"{beside.name}.mirror"), "mirror", clock()):
        run: _Run | None = None
        try:
            with opened(address, store_id(database), clock) as target:
                run = _Run(target, progress)
                with database.view():
                    run.go(database)
        except StoreError as error:
            so_far = f"; {run.written:,} items were written before" if run is not None and run.written else ""
            raise type(error)(f"mirror into '{address.name}'", f"{error.seen}{so_far}", error.action) from error
        finally:
            if run is not None:
                _note(database, address.name, run.standing, clock())
    return MirrorReport(
        target=address.name,
        written=run.written,
        unchanged=run.unchanged,
        deleted=run.deleted,
        held=tuple(run.held),
        refused=tuple(run.refused),
    )


def store_id(database: Database) -> str:
    """Return what sets a store apart from all others."""
    row = database.row("SELECT value FROM meta WHERE key = 'store_id'")
    return str(row[0]) if row else ""


def _note(database: Database, target: str, standing: dict[str, str], now: str) -> None:
    """Write down here what stands there: for reports and erasures, which name the mirrors that a session has reached.

    The truth is the mirror's own list; this one may be behind after a kill and is put right by the next run.
    """
    query = "SELECT item, digest FROM mirrored WHERE target = ?"
    known = {row[0]: row[1] for row in database.rows(query, (target,))}
    changed = [(target, item, digest, now) for item, digest in standing.items() if known.get(item) != digest]
    gone = [(target, item) for item in known if item not in standing]
    with database.transaction():
        if changed:
            database.execute_many(HOLD, changed)
        if gone:
            database.execute_many("DELETE FROM mirrored WHERE target = ? AND item = ?", gone)
