"""A simulated month of daily runs: the store ends as one run over the final log would have left it."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.pipeline.month import DAYS, START, Arrival, SqliteLog, month, sessions_of, stamp
from trajectory_compiler.config import CompileOptions, SyncOptions
from trajectory_compiler.pipeline import compile_into
from trajectory_compiler.pipeline.sync import SyncSummary, sync_into
from trajectory_compiler.redaction.keyfile import key_path
from trajectory_compiler.sources.stamps import utc_stamp
from trajectory_compiler.store import Store

OPTIONS = CompileOptions(workers=1)
SYNC = SyncOptions()
SOURCE = "audit"
FEW, MANY = 3, 100
SESSIONS = 8


class PulledError(Exception):
    """The plug was pulled."""


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """Return the sessions that every schedule lays over its own month."""
    return sessions_of(tmp_path_factory.mktemp("sessions"), SESSIONS)


class Expected:
    """What runs should do, worked out row by row from the rule in the docs, without looking at any watermark."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self.touched: set[str] = set()
        self.compiled: dict[str, int] = {}
        self.opened: dict[str, datetime] = {}

    def take(self, rows: Iterable[dict[str, Any]]) -> None:
        """Take rows that have arrived."""
        for row in rows:
            self.rows.setdefault(row["session_id"], []).append(row)
            self.touched.add(row["session_id"])

    def open_since(self, name: str, now: datetime) -> datetime | None:
        """Return since when a session is open at this moment; None where it is finished, or has been open for too long."""
        stamps = [min(_moment(row["created_at"]), now) for row in self.rows[name]]
        first = min(*stamps, self.opened.get(name, now))
        is_quiet = now - max(stamps) >= timedelta(seconds=SYNC.quiet_seconds)
        return None if is_quiet or now - first >= timedelta(seconds=SYNC.max_open_seconds) else first

    def ready(self, now: datetime) -> set[str]:
        """Return the sessions that a run at this moment compiles: changed, long enough, and not open."""
        changed = {name for name, rows in self.rows.items() if self.compiled.get(name) != len(rows) and _is_long(rows)}
        return {name for name in changed if self.open_since(name, now) is None}

    def done(self, now: datetime) -> None:
        """Note that a run has ended well."""
        self.compiled |= {name: len(self.rows[name]) for name in self.ready(now)}
        looked_at = {name for name in self.touched | set(self.opened) if _is_long(self.rows[name])}
        found = {name: self.open_since(name, now) for name in looked_at}
        self.opened = {name: since for name, since in found.items() if since is not None}
        self.touched.clear()


def _is_long(rows: list[dict[str, Any]]) -> bool:
    return len(rows) >= OPTIONS.sessions.min_turns


def _moment(written: str) -> datetime:
    found = utc_stamp(written)
    assert found is not None
    return datetime.fromisoformat(found.text)


def stored(store: Store) -> bytes:
    """Return every pair that may be shown, as bytes."""
    return msgspec.json.encode([msgspec.structs.asdict(pair) for pair in store.pairs()])


def one_run_over(log: str, like: Path, folder: Path, options: CompileOptions = OPTIONS, source: str = SOURCE) -> bytes:
    """Compile the whole log into a new store with the statistics and the key of another one, and return its pairs."""
    folder.mkdir()
    place = folder / "store.db"
    shutil.copy(key_path(like), key_path(place))
    with Store.open(like) as first, Store.open(place) as second:
        snapshot = first.snapshot(source)
        assert snapshot is not None
        second.save_snapshot(source, *snapshot)
        compile_into(second, log, options)
        return stored(second)


def run(store_path: Path, log: str, now: datetime, *, pulled_after: int | None = None) -> tuple[SyncSummary, set[str]]:
    """Make one incremental run; return its summary and the sessions that it compiled. `pulled_after` sessions it dies."""

    def progress(stage: str, done: int, total: int | None) -> None:
        if pulled_after is not None and done > pulled_after:
            raise PulledError

    with Store.open(store_path, clock=lambda: stamp(now)) as store:
        before = store.current_keys(SOURCE)
        summary = sync_into(store, log, OPTIONS, SYNC, stamp(now), progress)
        return summary, {name for name, keys in store.current_keys(SOURCE).items() if before.get(name) != keys}


def daily_runs(dice: random.Random) -> list[datetime]:
    """Return when runs are made: about one a day, some days none, some days two."""
    runs = []
    for day in range(1, DAYS + 1):
        runs += [START + timedelta(days=day, hours=dice.uniform(0, 5)) for _ in range(dice.choice((1, 1, 1, 1, 0, 2)))]
    return sorted(runs)


def simulate(arrivals: list[Arrival], folder: Path, dice: random.Random) -> None:
    """Run a month and hold every run against what is expected of it, and its end against one run over everything."""
    log, place, expected = SqliteLog(folder / "log.db"), folder / "daily" / "store.db", Expected()
    waiting = list(arrivals)
    last = max(arrival.at for arrival in arrivals)
    for now in [*daily_runs(dice), last + timedelta(days=4)]:
        arrived = [arrival.row for arrival in waiting if arrival.at <= now]
        waiting = [arrival for arrival in waiting if arrival.at > now]
        log.insert(arrived)
        expected.take(arrived)
        if not expected.rows:
            continue
        if dice.random() < 0.2:
            try:
                run(place, log.location, now, pulled_after=dice.randrange(3))
            except PulledError:
                _hold_what_was_saved(place, expected, now)
            else:
                expected.done(now)
        ready, touched = expected.ready(now), set(expected.touched)
        summary, compiled = run(place, log.location, now)
        assert compiled == ready
        assert summary.run.compiled == len(ready)
        assert summary.touched in (None, len(touched))  # None: there were no statistics yet
        assert not summary.disturbed
        expected.done(now)
    with Store.open(place) as store:
        assert not store.damage()
        assert not store.daily().waiting()
        assert set(store.current_keys(SOURCE)) == {name for name, rows in expected.rows.items() if len(rows) >= 6}
        assert len(list(store.pairs())) > SESSIONS
        assert stored(store) == one_run_over(log.location, place, folder / "once")


def _hold_what_was_saved(place: Path, expected: Expected, now: datetime) -> None:
    """Note the sessions that a run had saved before it was stopped: the next one has nothing to do for them."""
    with Store.open(place) as store:
        assert store.runs()[-1].status == "failed"
        kept = {name: session.turns for name, session in store.daily().kept(SOURCE).items()}
    expected.compiled |= {name: kept[name] for name in expected.ready(now) if kept.get(name) == len(expected.rows[name])}


@pytest.mark.parametrize("seed", range(FEW))
def test_a_month_of_daily_runs_ends_like_one_run(seed: int, sessions: dict[str, list[dict[str, Any]]], tmp_path: Path) -> None:
    """Late rows, sessions that come back, wrong clocks, zone changes and runs that die leave no trace in the final pairs."""
    dice = random.Random(seed)
    simulate(month(sessions, dice), tmp_path, dice)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(FEW, MANY))
def test_a_hundred_months_end_like_one_run(seed: int, sessions: dict[str, list[dict[str, Any]]], tmp_path: Path) -> None:
    """The campaign at its full size: a hundred random schedules, every pair the same."""
    dice = random.Random(seed)
    simulate(month(sessions, dice), tmp_path, dice)
