"""The statistics pass: one reading of the log, before anything is compiled, that counts values by session."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from trajectory_compiler.model import RawTrajectory
from trajectory_compiler.statistics import Snapshot
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
