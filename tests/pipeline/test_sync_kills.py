"""Incremental runs that are killed: the next one ends where an undisturbed one would have ended."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests.pipeline.month import SqliteLog, sessions_of
from tests.pipeline.test_sync_month import SOURCE, stored
from trajectory_compiler.config import CompileOptions, SyncOptions
from trajectory_compiler.pipeline.sync import sync_into
from trajectory_compiler.redaction.keyfile import key_path, load_key
from trajectory_compiler.store import Store
from trajectory_compiler.store.sqlite import SqliteDatabase

SESSIONS = 6
KILLED = -9
NOW = "2027-01-01T00:00:00Z"


def command(log: str, store: Path) -> list[str]:
    """Return a run as a scheduler would start it, with worker processes to be left behind."""
    return [sys.executable, "-m", "trajectory_compiler", "sync", log, "--store", str(store), "--workers", "2"]


def finish(log: str, store: Path) -> float:
    """Run to the end; return the seconds that it took."""
    begun = time.monotonic()
    done = subprocess.run(command(log, store), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return time.monotonic() - begun


def kill_again_and_again(log: str, store: Path, seconds: list[float]) -> int:
    """Start a run for each number of seconds and kill it after them; return how many were still alive then."""
    alive = 0
    for wait in seconds:
        with subprocess.Popen(command(log, store), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
            try:
                run.wait(wait)
            except subprocess.TimeoutExpired:
                run.kill()
            alive += run.wait() == KILLED
    return alive


def state(store: Path) -> tuple[Any, ...]:
    """Return all that must be the same: pairs, what is held of each session, what waits, and where the next run starts."""
    with Store.open(store) as opened:
        assert not opened.damage()
        daily = opened.daily()
        marks = [(mark.key, mark.position) for mark in daily.watermarks()]
        return stored(opened), opened.current_keys(SOURCE), daily.waiting(), marks, opened.snapshot(SOURCE)


def killed_days(folder: Path, dice: random.Random, kills: int) -> int:
    """Make two days of runs, undisturbed and killed; return how many runs were killed alive."""
    sessions = list(sessions_of(folder, SESSIONS).values())
    days = [
        [row for rows in sessions for row in rows[: len(rows) // 2]],
        [row for rows in sessions for row in rows[len(rows) // 2 :]],
    ]
    log, calm, rough = SqliteLog(folder / "log.db"), folder / "calm" / "store.db", folder / "rough" / "store.db"
    for place in (calm, rough):
        place.parent.mkdir()
    load_key(key_path(calm), create=True)
    shutil.copy(key_path(calm), key_path(rough))
    alive = 0
    for rows in days:
        log.insert(rows)
        seconds = finish(log.location, calm)
        alive += kill_again_and_again(log.location, rough, [dice.uniform(0.2, 1.1) * seconds for _ in range(kills)])
        finish(log.location, rough)
        assert state(rough) == state(calm)
    return alive


def test_a_run_that_is_killed_leaves_nothing_wrong(tmp_path: Path) -> None:
    """Killed at random instants, over two days of which the second changes every session: the same store in the end."""
    assert killed_days(tmp_path, random.Random(7), 2)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(8))
def test_many_kills_leave_nothing_wrong(seed: int, tmp_path: Path) -> None:
    """The campaign at its full size: ten kills a day."""
    assert killed_days(tmp_path, random.Random(seed), 10)


def dies_at(statement: int, log: str, store: Path) -> bool:
    """Run in a process of its own that kills itself before its n-th statement that writes; return whether it came so far."""
    child = os.fork()
    if child == 0:
        _run_and_die(statement, log, store)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


def _run_and_die(statement: int, log: str, store: Path) -> NoReturn:
    left = statement
    execute, execute_many = SqliteDatabase.execute, SqliteDatabase.execute_many

    def count() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def dying(self: SqliteDatabase, sql: str, parameters: Sequence[object] = ()) -> int:
        count()
        return execute(self, sql, parameters)

    def dying_many(self: SqliteDatabase, sql: str, rows: Sequence[Sequence[object]]) -> None:
        count()
        execute_many(self, sql, rows)

    SqliteDatabase.execute, SqliteDatabase.execute_many = dying, dying_many  # type: ignore[method-assign]  # in this process alone
    code = 1
    try:
        with Store.open(store) as opened:
            sync_into(opened, log, CompileOptions(workers=1), SyncOptions(), NOW)
        code = 0
    finally:
        os._exit(code)


@pytest.mark.parametrize("step", [17, pytest.param(1, marks=pytest.mark.long)])
def test_no_statement_is_a_bad_one_to_die_before(step: int, tmp_path: Path) -> None:
    """Killed before any of the statements that a run writes with, and run again, the store is that of an undisturbed run."""
    sessions = sessions_of(tmp_path, 3)
    log, calm = SqliteLog(tmp_path / "log.db"), tmp_path / "calm.db"
    log.insert([row for rows in sessions.values() for row in rows[:-2]])
    before = tmp_path / "before.db"
    assert not dies_at(10**9, log.location, before)
    log.insert([row for rows in sessions.values() for row in rows[-2:]])
    _copy(before, calm)
    assert not dies_at(10**9, log.location, calm)
    expected, statement = state(calm), 1
    while True:
        place = tmp_path / f"killed-{statement}.db"
        _copy(before, place)
        if not dies_at(statement, log.location, place):
            break
        assert not dies_at(10**9, log.location, place)
        assert state(place) == expected
        statement += step
    assert statement > 30


def _copy(store: Path, place: Path) -> None:
    """Copy a store that nobody has open, with its key."""
    shutil.copy(store, place)
    shutil.copy(key_path(store), key_path(place))
