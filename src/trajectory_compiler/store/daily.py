"""What incremental runs remember: how far a log was read, which sessions wait and why, and what the store holds of each.

    watermarks   source -> position, and the key under which it holds
    waiting      (source, session) -> open, failed or given_up, with how often and why

Both change in one transaction at the end of a run: a run that is killed before leaves them as they were, and the next one
does its work again, most of which it then finds done.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from trajectory_compiler.errors import StoreError
from trajectory_compiler.store.clock import Clock
from trajectory_compiler.store.codec import json_of, unpack
from trajectory_compiler.store.database import Database
from trajectory_compiler.store.saving import upsert

WaitingState = Literal["open", "failed", "given_up"]
SAVE_WATERMARK = upsert("watermarks", "source, position, run_id, updated_at", "source")
SAVE_WAITING = (
    "INSERT INTO waiting (source, session_id, state, attempts, reason, first_row, last_row, row_count, run_id, updated_at) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
SELECT_WAITING = (
    "SELECT source, session_id, state, attempts, reason, first_row, last_row, row_count, updated_at FROM waiting "
    "ORDER BY source, session_id"
)


class Watermark(msgspec.Struct, frozen=True, kw_only=True):
    """How far a source was read. `position` is JSON, of use under the same `key` only; `updated_at` is when it last moved."""

    source: str
    key: str
    position: str
    updated_at: str = ""


class _Reason(msgspec.Struct, frozen=True, kw_only=True):
    """The column `reason`: why in words, by what a session with a hidden name is found again, which rows failed."""

    why: str = ""
    found_by: str = ""
    key: str = ""


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A session that a run saw and left: not quiet yet, failed, or given up after too many tries.

    `session_id` is its name in the store. Where the log has another, `found_by` is a keyed hash of that. `key` names
    the rows that failed and how they were compiled. `first` and `last` are stamps of its rows.
    """

    session_id: str
    state: WaitingState
    source: str = ""
    attempts: int = 0
    why: str = ""
    found_by: str = ""
    key: str = ""
    first: str | None = None
    last: str | None = None
    rows: int = 0
    updated_at: str = ""


class Kept(msgspec.Struct, frozen=True):
    """What the store holds of a session: its state, how many turns, and where they are."""

    state: str
    turns: int
    digest: str | None


class Daily:
    """The part of the store that incremental runs use; `Store.daily` makes one."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def watermark(self, source: str) -> Watermark | None:
        """Return how far a source was read, or None where no incremental run of it has ended."""
        return next((mark for mark in self.watermarks() if mark.source == source), None)

    def watermarks(self) -> tuple[Watermark, ...]:
        """Return how far each source was read."""
        rows = self._database.rows("SELECT source, position, updated_at FROM watermarks ORDER BY source")
        return tuple(_watermark(*row) for row in rows)

    def waiting(self, source: str | None = None) -> tuple[Waiting, ...]:
        """Return the sessions that wait, of one source where it is named."""
        found = (_waiting(row) for row in self._database.rows(SELECT_WAITING))
        return tuple(one for one in found if source in (None, one.source))

    def settle(self, source: str, run_id: str, mark: Watermark | None, waiting: Sequence[Waiting]) -> None:
        """End a run in one transaction: move the watermark (None: leave it) and replace the list of waiting sessions."""
        now = self._clock()
        with self._database.transaction():
            self._database.execute("DELETE FROM waiting WHERE source = ?", (source,))
            rows = [(source, *_columns(one), run_id, one.updated_at or now) for one in waiting]
            if rows:
                self._database.execute_many(SAVE_WAITING, rows)
            if mark is not None:
                position = json_of({"key": mark.key, "position": mark.position})
                self._database.execute(SAVE_WATERMARK, (source, position, run_id, now))

    def kept(self, source: str) -> dict[str, Kept]:
        """Return what the store holds of every session of a source."""
        rows = self._database.rows("SELECT session_id, state, turns, digest FROM sessions WHERE source = ?", (source,))
        return {row[0]: Kept(row[1], row[2], row[3]) for row in rows}

    def row_ids(self, source: str, session_id: str, digest: str) -> tuple[str, ...]:
        """Return the row ids of a stored session, in order. Cost: its trajectory is unpacked."""
        row = self._database.row(
            "SELECT content FROM trajectories WHERE source = ? AND session_id = ? AND digest = ?", (source, session_id, digest)
        )
        if row is None:
            raise StoreError(f"read session '{session_id}'", "the store does not hold its turns", "Compile it again.")
        return tuple(turn.row_id for turn in unpack(row[0], digest).turns)


def _watermark(source: str, position: str, updated_at: str) -> Watermark:
    try:
        stored = msgspec.json.decode(position, type=dict[str, str])
        return Watermark(source=source, key=stored["key"], position=stored["position"], updated_at=updated_at)
    except (msgspec.DecodeError, KeyError) as error:
        seen = f"it is damaged ({type(error).__name__})"
        raise StoreError(f"read the watermark of '{source}'", seen, "Run `trajc compile LOG`, which needs none.") from error


def _waiting(row: tuple[object, ...]) -> Waiting:
    source, session_id, state, attempts, reason, first, last, rows, updated_at = row
    given = msgspec.json.decode(str(reason), type=_Reason)
    values = {"source": source, "session_id": session_id, "state": state, "attempts": attempts, "first": first, "last": last}
    values |= {"rows": rows, "updated_at": updated_at, "why": given.why, "found_by": given.found_by, "key": given.key}
    return msgspec.convert(values, Waiting)


def _columns(one: Waiting) -> tuple[object, ...]:
    reason = json_of(_Reason(why=one.why, found_by=one.found_by, key=one.key))
    return (one.session_id, one.state, one.attempts, reason, one.first, one.last, one.rows)
