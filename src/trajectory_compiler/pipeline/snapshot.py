"""The statistics pass: one reading of the log, before anything is compiled, that counts values by session."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache

from trajectory_compiler.model import RawTrajectory
from trajectory_compiler.redaction.identities import key_id
from trajectory_compiler.redaction.keyfile import derive
from trajectory_compiler.statistics import Snapshot
from trajectory_compiler.store import Store
from trajectory_compiler.values import linkable_values


def take_snapshot(sessions: Iterable[RawTrajectory], progress: Callable[[int], None]) -> Snapshot:
    """Count document frequencies over all qualifying sessions. Works on raw values, keeps only counters.

    The key is the digest of the first session's rows: whoever has no copy of the log cannot test values against the counters.
    """
    snapshot: Snapshot | None = None
    for number, raw in enumerate(sessions, start=1):
        if snapshot is None:
            snapshot = Snapshot(bytes.fromhex(raw.digest)[:16])
        values: set[str] = set()
        for row in raw.rows:
            values |= linkable_values(row.arguments, row.response)
        snapshot.add_session(values)
        progress(number)
    return snapshot or Snapshot(b"empty")


def save_snapshot(store: Store, source: str, key: bytes, snapshot: Snapshot) -> None:
    """Keep a snapshot, its own key masked by the store's: no value can be tested against the counters without that one."""
    data = snapshot.masked(derive(key, "snapshot")).to_bytes()
    store.save_snapshot(source, snapshot.digest(), key_id(key).encode() + data)


def load_snapshot(store: Store, source: str, key: bytes) -> Snapshot | None:
    """Return the current snapshot of a source, or None where there is none that this key opens."""
    stored, owner = store.snapshot(source), key_id(key).encode()
    if stored is None or not stored[1].startswith(owner):
        return None
    return Snapshot.from_bytes(stored[1].removeprefix(owner)).masked(derive(key, "snapshot"))


def snapshot_digest(store: Store, source: str, key: bytes) -> str | None:
    """Return the digest of the snapshot that `load_snapshot` would return, without reading its counters.

    None stands for statistics over no session, too: nothing was compiled by them.
    """
    stored = store.snapshot(source)
    if stored is None or not stored[1].startswith(key_id(key).encode()) or stored[0] == _nothing():
        return None
    return stored[0]


@cache
def _nothing() -> str:
    return Snapshot(b"empty").digest()
