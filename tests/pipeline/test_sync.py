"""One incremental run: what waits, what fails, what is found again, and what it costs to run for nothing."""

from __future__ import annotations

import itertools
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.cli.logs import row, write_rows
from tests.pipeline.month import SqliteLog
from trajectory_compiler.config import CompileOptions, SyncOptions
from trajectory_compiler.errors import InputError, OptionError, StoreLockedError
from trajectory_compiler.pipeline import compile_into, session
from trajectory_compiler.pipeline.sync import SyncSummary, preview, sync_into
from trajectory_compiler.store import Store

OPTIONS = CompileOptions(workers=1)
NOON = "2026-03-02T12:00:00Z"
SOURCE = "audit"


def calls(name: str, count: int, day: int = 1, hour: int = 9) -> list[dict[str, Any]]:
    """Return a session of calls a minute apart."""
    return [row(place, name, created_at=f"2026-03-{day:02d}T{hour:02d}:{place:02d}:00Z") for place in range(count)]


@pytest.fixture
def log(tmp_path: Path) -> SqliteLog:
    """Return an empty log."""
    return SqliteLog(tmp_path / "log.db")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return a new store, whose clock goes on by a minute whenever it is read."""
    minutes = itertools.count()
    return Store.open(tmp_path / "store" / "store.db", clock=lambda: _minute(next(minutes)))


def _minute(number: int) -> str:
    return f"2026-04-01T{number // 60:02d}:{number % 60:02d}:00Z"


def synced(store: Store, log: SqliteLog | Path, now: str = NOON, **options: Any) -> SyncSummary:
    """Make one run."""
    location = log.location if isinstance(log, SqliteLog) else str(log)
    return sync_into(store, location, OPTIONS, SyncOptions(**options), now)


def test_an_open_session_waits_and_is_compiled_once_it_is_quiet(store: Store, log: SqliteLog) -> None:
    """A session whose last row is younger than the quiet time waits, without a new row it is found again, then it is done."""
    log.insert(calls("s-1", 8, day=2, hour=11))
    early = synced(store, log, "2026-03-02T11:30:00Z")
    assert (early.run.compiled, early.open) == (0, 1)
    (waiting,) = store.daily().waiting()
    assert (waiting.session_id, waiting.state, waiting.last, waiting.rows) == ("s-1", "open", "2026-03-02T11:07:00Z", 8)
    later = synced(store, log, "2026-03-02T12:07:00Z")
    assert (later.run.compiled, later.open, later.touched) == (1, 0, 0)
    assert not store.daily().waiting()


def test_a_session_that_never_rests_is_compiled_as_far_as_it_goes(store: Store, log: SqliteLog) -> None:
    """Open for longer than the limit, it is compiled, nothing cut off; when it goes on, the new version replaces it."""
    log.insert([*calls("s-1", 8, day=1), row(8, "s-1", created_at="2026-03-02T11:59:00Z")])
    first = synced(store, log)
    assert (first.run.compiled, first.run.turns) == (1, 9)
    log.insert([row(9, "s-1", created_at="2026-03-02T12:01:00Z")])
    second = synced(store, log, "2026-03-02T12:05:00Z")
    assert (second.run.compiled, second.run.turns) == (1, 10)
    assert [(kept.session_id, kept.turns) for kept in store.sessions(SOURCE)] == [("s-1", 10)]


def test_a_row_from_the_future_keeps_no_session_open_for_ever(store: Store, log: SqliteLog) -> None:
    """A stamp of next year counts as now: the session waits for the longest open time after it was first seen, no longer."""
    log.insert([row(place, "s-1", created_at="2027-01-01T00:00:00Z") for place in range(8)])
    assert synced(store, log, "2026-03-02T12:00:00Z").open == 1
    assert synced(store, log, "2026-03-03T11:59:00Z").open == 1
    assert synced(store, log, "2026-03-03T12:00:00Z").run.compiled == 1
    log.insert(calls("s-2", 8))
    assert synced(store, log, "2026-03-03T13:00:00Z").touched == 1


def test_a_second_run_reads_nothing(store: Store, log: SqliteLog) -> None:
    """Run again, a run touches, reads and compiles no session."""
    log.insert(calls("s-1", 8) + calls("s-2", 8))
    assert synced(store, log).run.compiled == 2
    again = synced(store, log)
    assert (again.touched, again.looked_at, again.run.rows) == (0, 0, 0)


def test_only_touched_sessions_are_read(store: Store, log: SqliteLog) -> None:
    """A row for one session of many: that session is read whole, the others not at all."""
    log.insert([one for number in range(30) for one in calls(f"s-{number}", 8)])
    synced(store, log)
    log.insert([row(8, "s-7", created_at="2026-03-01T10:00:00Z")])
    found = synced(store, log)
    assert (found.touched, found.looked_at, found.run.rows, found.run.compiled) == (1, 1, 9, 1)


def test_other_options_make_a_run_look_at_everything(store: Store, log: SqliteLog) -> None:
    """A position holds under the options that it was written under: with others, every session is compiled again."""
    log.insert(calls("s-1", 8) + calls("s-2", 8))
    synced(store, log)
    other = CompileOptions(workers=1, policy="strict")
    assert sync_into(store, log.location, other, SyncOptions(), NOON).run.compiled == 2
    fresh = CompileOptions(workers=1, policy="strict", new_snapshot=True)
    log.insert(calls("s-3", 8))
    assert sync_into(store, log.location, fresh, SyncOptions(), NOON).touched is None


def test_a_run_by_hand_with_other_options_is_noticed(store: Store, log: SqliteLog) -> None:
    """Where somebody compiled with other options in between, the next run compiles every session in its own way again."""
    log.insert(calls("s-1", 8) + calls("s-2", 8))
    synced(store, log)
    compile_into(store, log.location, CompileOptions(workers=1))
    assert synced(store, log).looked_at == 0
    compile_into(store, log.location, CompileOptions(workers=1, effects={"get_ticket": True}))
    assert synced(store, log).run.compiled == 2
    assert synced(store, log).looked_at == 0


def test_the_statistics_are_those_of_the_first_run(store: Store, log: SqliteLog) -> None:
    """A new snapshot is an explicit wish: later runs use the stored one."""
    log.insert(calls("s-1", 8))
    synced(store, log)
    kept = store.snapshot(SOURCE)
    log.insert(calls("s-2", 8))
    synced(store, log)
    assert kept is not None
    assert store.snapshot(SOURCE) == kept


def test_a_file_that_did_not_change_is_not_read(store: Store, tmp_path: Path) -> None:
    """A file is read when its size or time changed, and then its digests tell which sessions did; waiting ones are found."""
    path = write_rows(tmp_path / "log.jsonl", calls("s-1", 8) + calls("s-2", 8, day=2, hour=11))
    first = synced(store, path, "2026-03-02T11:30:00Z")
    assert (first.basis, first.run.compiled, first.open) == ("files", 1, 1)
    second = synced(store, path)
    assert (second.looked_at, second.run.compiled) == (1, 0)  # quiet at 12:07
    third = synced(store, path, "2026-03-02T13:00:00Z")
    assert (third.run.compiled, third.run.rows) == (1, 8)
    assert synced(store, path, "2026-03-02T14:00:00Z").looked_at == 0
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row(8, "s-1", created_at="2026-03-01T10:00:00Z")) + "\n")
    last = synced(store, path, "2026-03-02T15:00:00Z")
    assert (last.run.compiled, last.run.skipped) == (1, 1)


def test_a_hidden_session_is_found_again(store: Store, log: SqliteLog) -> None:
    """A session whose id is an address waits under a keyed hash: no table of the store holds the address, yet it is found."""
    log.insert(calls("amy.miller@example.org", 8, day=2, hour=11))
    assert synced(store, log, "2026-03-02T11:30:00Z").open == 1
    (waiting,) = store.daily().waiting()
    assert "amy" not in f"{waiting}"
    found = synced(store, log, "2026-03-02T12:30:00Z")
    assert (found.run.compiled, found.open) == (1, 0)
    assert b"amy.miller" not in b"".join(path.read_bytes() for path in store.path.parent.iterdir())


def test_a_session_that_meets_a_defect_is_tried_again_and_then_given_up(
    store: Store, log: SqliteLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run goes on without it, says where the defect was, tries it as often as it was told to, and again when rows come."""
    log.insert(calls("good", 8) + calls("bad", 8))
    whole = session.compile_trajectory

    def failing(trajectory: Any, *rest: Any) -> Any:
        if trajectory.session_id == "bad":
            raise KeyError("secret words of the log")
        return whole(trajectory, *rest)

    monkeypatch.setattr("trajectory_compiler.pipeline.work.compile_trajectory", failing)
    first = synced(store, log)
    assert (first.run.compiled, first.run.failed, first.failing, first.moved) == (1, 1, 1, True)
    (waiting,) = store.daily().waiting()
    assert waiting.why.startswith("failed: KeyError in test_sync.py, line ")
    assert synced(store, log).failing == 1
    third = synced(store, log)
    assert (third.failing, third.given_up) == (0, 1)
    fourth = synced(store, log)
    assert (fourth.looked_at, fourth.given_up) == (0, 1)
    log.insert([row(8, "bad", created_at="2026-03-01T10:00:00Z")])
    assert synced(store, log).failing == 1
    monkeypatch.undo()
    assert synced(store, log).run.compiled == 1
    assert not store.daily().waiting()


def test_a_blocked_session_is_tried_again_and_then_given_up(store: Store, log: SqliteLog, tmp_path: Path) -> None:
    """What the boundary blocked may pass another time (it may have run out of time): it is tried, within the limit."""
    policy = tmp_path / "block.toml"
    policy.write_text('[redaction]\n[redaction.types]\nEMAIL = "block"\n', encoding="utf-8")
    options = CompileOptions(workers=1, policy=str(policy))
    bad = [one | {"response": {"from": "amy.miller@example.org"}} for one in calls("bad", 8)]
    log.insert(calls("good", 8) + bad)
    results = [sync_into(store, log.location, options, SyncOptions(tries=2), NOON) for _ in range(3)]
    assert [(one.run.blocked, one.failing, one.given_up) for one in results] == [(1, 1, 0), (1, 0, 1), (0, 0, 1)]


def test_a_session_whose_process_is_killed_fails_alone(store: Store, log: SqliteLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system kills a worker, for its memory say: the run does not wait for it for ever, and all other sessions are done."""
    whole = session.compile_trajectory

    def dying(trajectory: Any, *rest: Any) -> Any:
        if trajectory.session_id == "s-3":
            os.kill(os.getpid(), signal.SIGKILL)
        return whole(trajectory, *rest)

    log.insert([one for number in range(9) for one in calls(f"s-{number}", 8)])
    monkeypatch.setattr("trajectory_compiler.pipeline.work.compile_trajectory", dying)
    monkeypatch.setattr("trajectory_compiler.pipeline.work.PATIENCE_SECONDS", 0.1)
    done = sync_into(store, log.location, CompileOptions(workers=2), SyncOptions(), NOON)
    assert (done.run.compiled, done.run.failed, done.failing) == (8, 1, 1)
    (waiting,) = store.daily().waiting()
    assert waiting.why == "failed: the system killed its process, most likely for its memory"
    with pytest.raises(InputError, match="compile session 's-3'"):
        compile_into(store, log.location, CompileOptions(workers=2))


def test_without_keeping_going_a_defect_ends_the_run(log: SqliteLog, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """`compile` still stops at a defect, which a person is there to see."""

    def failing(*_: Any) -> Any:
        raise KeyError

    log.insert(calls("bad", 8))
    monkeypatch.setattr("trajectory_compiler.pipeline.work.compile_trajectory", failing)
    with pytest.raises(KeyError):
        compile_into(store, log.location, OPTIONS)


def test_reconcile_finds_what_no_mark_can(store: Store, log: SqliteLog) -> None:
    """A session that the store lost is found by comparing; an untouched log with nothing wrong gives nothing to do."""
    log.insert([one for number in range(5) for one in calls(f"s-{number}", 8)] + calls("short", 3))
    synced(store, log)
    clean = synced(store, log, reconcile=True)
    assert (clean.compared, clean.differing, clean.looked_at) == (6, 0, 0)
    with store._database.transaction():
        store._database.execute("DELETE FROM sessions WHERE session_id = 's-3'")
    found = synced(store, log, reconcile=True)
    assert (found.differing, found.run.compiled) == (1, 1)


def test_a_preview_says_what_a_run_would_do_and_writes_nothing(store: Store, log: SqliteLog) -> None:
    """The preview's counts are those of the run that follows, and the store holds the same runs as before."""
    log.insert(calls("s-1", 8) + calls("s-2", 8, day=2, hour=11))
    now = "2026-03-02T11:30:00Z"
    found = preview(store, log.location, OPTIONS, SyncOptions(), now)
    assert (found.compiled, found.open, found.takes_statistics) == (1, 1, True)
    assert not store.runs()
    done = synced(store, log, now)
    assert (done.run.compiled, done.open) == (1, 1)
    after = preview(store, log.location, OPTIONS, SyncOptions(), now)
    assert (after.compiled, after.unchanged, after.open, after.takes_statistics) == (0, 0, 1, False)


def test_two_runs_at_once_are_refused(store: Store, log: SqliteLog) -> None:
    """While another run holds the store an incremental one says so and leaves."""
    log.insert(calls("s-1", 8))
    with store.lock("compile other"), Store.open(store.path) as second, pytest.raises(StoreLockedError):
        synced(second, log)


def test_a_window_needs_a_date(store: Store, log: SqliteLog) -> None:
    """What is no date is refused in a sentence that shows the form."""
    log.insert(calls("s-1", 8))
    with pytest.raises(OptionError, match="2026-01-31"):
        synced(store, log, since="yesterday")
