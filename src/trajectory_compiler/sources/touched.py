"""Which sessions of a log have new rows, and the rows of some sessions alone: what an incremental run asks of a source.

| basis | what it rests on | what it may miss |
|---|---|---|
| transactions | `transaction_id` of our ledger on PostgreSQL: from the oldest transaction that was open on | nothing |
| rows | the row number of an SQLite table, which has one writer at a time | nothing |
| stamps | `created_at` of another PostgreSQL table, less a lag | nothing, see below |
| counts | rows and last id of every session, compared each time, where stamps cannot be compared by the server | nothing |
| files | sizes and times of the files; what changed is read as a whole | nothing |
| whole | everything is read each time, as `compile` does | nothing |

A position holds more than a mark: it holds how many rows stood before it. Where the log now holds another number there, rows
came later than the lag allows, or were taken away, or the database was restored: the look is `disturbed`, and whoever asked
compares every session (`tallies`) instead of trusting the mark. So a lag that is too short costs time and never a row.

Source of the first basis: PostgreSQL's documentation of `pg_snapshot_xmin`: every transaction below it has ended.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import chain
from typing import Literal, Protocol

import msgspec

from trajectory_compiler.model import Finding, Row
from trajectory_compiler.sources.mapped import MappedSource, Reader
from trajectory_compiler.sources.mapping import Mapping
from trajectory_compiler.sources.source import Source

Basis = Literal["transactions", "rows", "stamps", "counts", "files", "whole"]


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """Where the next run starts: rows from `mark` on are new, and `below` rows stood before it."""

    basis: Basis
    mark: str
    below: int = 0


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What changed since a position. `sessions` None: all must be read. `position` is the one to keep once they are done."""

    sessions: frozenset[str] | None
    position: Position
    disturbed: bool = False


class SessionTally(msgspec.Struct, frozen=True):
    """How many rows a session has in the log, and the highest of their ids."""

    session_id: str
    rows: int
    last_id: str


class Watched(Protocol):
    """A log that can say what is new in it."""

    source: Source
    basis: Basis

    def look(self, since: Position | None, now: str, lag_seconds: float) -> Look:
        """Return the sessions with rows since a position (None: from the beginning), and the position after them.

        `now` is ISO 8601 in UTC: no stamp counts as later, so that one row from the future does not hide those that follow.
        """

    def sessions_since(self, stamp: str) -> frozenset[str] | None:
        """Return the sessions with a row at or after a stamp, or None where only reading them can tell."""

    def tallies(self) -> Iterator[SessionTally] | None:
        """Yield rows and last id of every session, or None where that costs as much as reading the log."""

    def rows_of(self, sessions: Collection[str]) -> Source:
        """Return the same log with the rows of these sessions only. Row ids are those of the whole log."""


class NarrowedSource:
    """Some sessions of a database log, read part after part: a list of sessions may be too long for one query."""

    def __init__(
        self, whole: MappedSource, sessions: Collection[str], narrowed: Callable[[Sequence[str]], Reader], size: int
    ) -> None:
        self.name, self.format, self.mapping, self.ordered = whole.name, whole.format, whole.mapping, True
        ids = sorted(sessions)
        self._parts = [_part(whole, narrowed(ids[start : start + size])) for start in range(0, len(ids), size)]

    def rows(self) -> Iterator[Row]:
        """Read the sessions in the order of their ids."""
        return chain.from_iterable(part.rows() for part in self._parts)

    def session_ids(self) -> Iterator[str]:
        """Yield the session id of each row."""
        return chain.from_iterable(part.session_ids() for part in self._parts)

    def findings(self) -> tuple[Finding, ...]:
        """Return what the last pass dropped or noted."""
        return tuple(finding for part in self._parts for finding in part.findings())


def _part(whole: MappedSource, reader: Reader) -> MappedSource:
    part = copy.copy(whole)
    part.reader = reader
    return part


class FilteredSource:
    """Some sessions of a log that can only be read as a whole: the other rows are let go as they come."""

    def __init__(self, whole: Source, sessions: Collection[str]) -> None:
        self._whole, self._sessions = whole, frozenset(sessions)

    @property
    def name(self) -> str:
        """As the whole log's."""
        return self._whole.name

    @property
    def format(self) -> str:
        """As the whole log's."""
        return self._whole.format

    @property
    def mapping(self) -> Mapping:
        """As the whole log's."""
        return self._whole.mapping

    @property
    def ordered(self) -> bool:
        """As the whole log's."""
        return self._whole.ordered

    def rows(self) -> Iterator[Row]:
        """Read the rows of the chosen sessions."""
        if not self._sessions:
            return iter(())
        return (row for row in self._whole.rows() if row.session_id in self._sessions)

    def session_ids(self) -> Iterator[str]:
        """Yield the session id of each of those rows."""
        if not self._sessions:
            return iter(())
        return (session for session in self._whole.session_ids() if session in self._sessions)

    def findings(self) -> tuple[Finding, ...]:
        """Return what the last pass over the whole log dropped or noted."""
        return self._whole.findings() if self._sessions else ()
