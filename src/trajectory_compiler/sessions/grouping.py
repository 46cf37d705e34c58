"""Streams of rows to streams of sessions, with memory for the largest session only.

Most logs hold their sessions one after the other; those are read straight through. A first, cheap look at the session column
alone finds out (an ordered source needs none). Where a closed session opens again, all rows go once through a temporary file
(`spool`), and every later pass reads from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from trajectory_compiler.config import SessionOptions
from trajectory_compiler.errors import SourceError
from trajectory_compiler.model import Finding, RawTrajectory, Row
from trajectory_compiler.sessions.assembly import assemble
from trajectory_compiler.sessions.filters import Filters
from trajectory_compiler.sessions.spool import Spool
from trajectory_compiler.sources import Source
from trajectory_compiler.sources.findings import Drops


class SessionTally(msgspec.Struct, frozen=True):
    """Rows read, sessions in the log, sessions that qualified. With a limit, reading stops early and so does `rows`."""

    rows: int = 0
    sessions: int = 0
    qualified: int = 0


class Census(msgspec.Struct, frozen=True):
    """What the first look found: how many sessions, and whether each comes in one piece. Counts end where one does not."""

    sessions: int
    contiguous: bool


def open_sessions(source: Source, options: SessionOptions) -> Sessions:
    """Group a source into sessions. Raises OptionError for options that cannot be used; reads nothing yet."""
    return Sessions(source, Filters(options), options.limit)


class Sessions:
    """The qualifying sessions of a source, in the order of their first rows. Can be iterated again, with the same result."""

    def __init__(self, source: Source, filters: Filters, limit: int | None) -> None:
        self._source = source
        self._filters = filters
        self._limit = limit
        self._census: Census | None = None
        self._spool: Spool | None = None
        self._spooled: tuple[Finding, ...] = ()
        self._found: tuple[Finding, ...] | None = None
        self._tally = SessionTally()

    def __iter__(self) -> Iterator[RawTrajectory]:
        drops = Drops("sessions")
        rows = sessions = qualified = 0
        try:
            for group in self._groups():
                if self._limit is not None and qualified >= self._limit:
                    rest = self._count_sessions() - sessions
                    drops.add("beyond_limit", "", rest)
                    sessions += rest
                    break
                rows += len(group)
                sessions += 1
                trajectory = assemble(self._source.name, group, drops)
                reason = self._filters.reason_against(trajectory.rows)
                if reason is not None:
                    drops.add(reason, f"session '{trajectory.session_id}'")
                    continue
                qualified += 1
                yield trajectory
        finally:
            self._tally = SessionTally(rows, sessions, qualified)
            self._found = (*(self._spooled if self._spool else self._source.findings()), *drops.findings())

    def findings(self) -> tuple[Finding, ...]:
        """Return the rows and sessions that the last pass left out, by reason. Makes a pass if there was none."""
        if self._found is None:
            for _ in self:
                pass
        return self._found or ()

    @property
    def tally(self) -> SessionTally:
        """The counts of the last pass. Makes a pass if there was none."""
        self.findings()
        return self._tally

    def close(self) -> None:
        """Give back the space of the temporary file, if there is one; a later pass would write it again."""
        if self._spool is not None:
            self._spool.close()
            self._spool = None

    def _groups(self) -> Iterator[list[Row]]:
        if self._spool is None and not self._source.ordered and not self._look().contiguous:
            self._spool = Spool(self._source.rows())
            self._spooled = self._source.findings()
        return self._spool.sessions() if self._spool else runs_of_sessions(self._source.rows(), self._source.name)

    def _look(self) -> Census:
        if self._census is None:
            self._census = take_census(self._source.session_ids())
        return self._census

    def _count_sessions(self) -> int:
        return self._spool.session_count if self._spool else self._look().sessions


def take_census(session_ids: Iterable[str]) -> Census:
    """Read session ids until one comes back that had ended. Holds a 64-bit hash per session; a collision costs a spool."""
    seen: set[int] = set()
    current = None
    for session_id in session_ids:
        if session_id != current:
            current = session_id
            mark = hash(session_id)
            if mark in seen:
                return Census(len(seen), contiguous=False)
            seen.add(mark)
    return Census(len(seen), contiguous=True)


def runs_of_sessions(rows: Iterable[Row], log: str) -> Iterator[list[Row]]:
    """Group rows that come session by session.

    Raises: SourceError: a session comes back after it had ended, so the log changed since the first look or is not sorted.
    """
    seen: set[int] = set()
    group: list[Row] = []
    for row in rows:
        if group and row.session_id != group[0].session_id:
            yield group
            group = []
        if not group:
            mark = hash(row.session_id)
            if mark in seen:
                raise SourceError(
                    f"group the rows of {log}",
                    f"session '{row.session_id}' comes back after it had ended",
                    "Run again once nothing writes to the log, or export it sorted by session.",
                )
            seen.add(mark)
        group.append(row)
    if group:
        yield group
