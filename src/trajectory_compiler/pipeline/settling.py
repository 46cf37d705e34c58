"""Which sessions are finished: those that have been quiet for a while, and those that have been open for too long.

    now 12:00, quiet after 1 h, open for at most 24 h
    rows 09:10 to 10:40           quiet: compiled
    rows 09:10 to 11:50           open: waits
    rows of yesterday to 11:50    open for too long: compiled as far as it goes, and again once there is more

Nothing is cut: a session that goes on is compiled anew as a whole, and its old pairs are superseded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from trajectory_compiler.config import SyncOptions
from trajectory_compiler.errors import OptionError
from trajectory_compiler.model import Finding, RawTrajectory
from trajectory_compiler.pipeline.run import Chosen
from trajectory_compiler.sources.stamps import utc_stamp
from trajectory_compiler.store.daily import Waiting


class Naming(NamedTuple):
    """Under which name the store knows a session, by what it is found again where that hides it, and whether it was erased."""

    name: Callable[[str], str]
    found_by: Callable[[str], str]
    is_erased: Callable[[str], bool] = lambda _: False


class Settling:
    """Passes finished sessions on and keeps those that are still open in `open`, as they are to be stored.

    `before` holds what is known of waiting sessions by their names in the store. Sessions that go on after `until` are left
    out without waiting (`beyond`): they are another run's. `passed` holds the others by their names in the log.
    """

    def __init__(self, sessions: Chosen, now: str, options: SyncOptions, naming: Naming, before: Mapping[str, Waiting]) -> None:
        self._sessions = sessions
        self._now = moment(now)
        self._options = options
        self._naming = naming
        self._before = before
        self._until = None if options.until is None else moment(day_or_stamp("--until", options.until))
        self.open: dict[str, Waiting] = {}
        self.beyond: set[str] = set()
        self.passed: set[str] = set()

    def __iter__(self) -> Iterator[RawTrajectory]:
        self.open, self.beyond, self.passed = {}, set(), set()
        for raw in self._sessions:
            stamps = [moment(row.created_at) for row in raw.rows if row.created_at is not None]
            if self._until is not None and (not stamps or max(stamps) >= self._until):
                self.beyond.add(raw.session_id)
            elif not stamps or not self._waits(raw, min(stamps), max(stamps)):
                self.passed.add(raw.session_id)
                yield raw

    def findings(self) -> tuple[Finding, ...]:
        """Return what the last pass dropped or noted."""
        return self._sessions.findings()

    def _waits(self, raw: RawTrajectory, first: datetime, last: datetime) -> bool:
        """Say whether a session is open, and note it if so. A stamp from the future counts as now."""
        first, last = min(first, self._now), min(last, self._now)
        if (self._now - last).total_seconds() >= self._options.quiet_seconds:
            return False
        if self._naming.is_erased(raw.session_id):  # passed on, and left out there: its id must not be noted again
            return False
        name = self._naming.name(raw.session_id)
        known = self._before.get(name)
        if known is not None and known.first is not None:
            first = min(first, moment(known.first))
        if (self._now - first).total_seconds() >= self._options.max_open_seconds:
            return False
        self.open[name] = Waiting(
            session_id=name,
            state="open",
            why="rows came within the quiet time",
            found_by="" if name == raw.session_id else self._naming.found_by(raw.session_id),
            first=stamp_of(first),
            last=stamp_of(last),
            rows=len(raw.rows),
        )
        return True


def moment(stamp: str) -> datetime:
    """Return the instant of an ISO stamp; one without a zone is UTC."""
    found = datetime.fromisoformat(stamp)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def stamp_of(when: datetime) -> str:
    """Return a stamp as the store writes it, to the second."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def day_or_stamp(option: str, value: str) -> str:
    """Return the stamp of a date or stamp that a user gave. Raises OptionError."""
    stamp = utc_stamp(value)
    if stamp is None:
        seen, action = f"{option} '{value}' is no date", "Write it as 2026-01-31 or 2026-01-31T08:00:00Z."
        raise OptionError("run over a window", seen, action)
    return stamp.text
