"""One run at a time, and no lock outlives its run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.store.samples import clock
from trajectory_compiler.errors import StoreLockedError
from trajectory_compiler.store import Store
from trajectory_compiler.store.lock import is_locked, lock_path, run_lock

HOLD = """
import os, sys, time
from pathlib import Path
from trajectory_compiler.store.lock import run_lock
with run_lock(Path(sys.argv[1]), "compile", "2026-11-24T09:00:00Z"):
    if sys.argv[2] == "fork" and os.fork() == 0:
        time.sleep(60)
        os._exit(0)
    print("held", flush=True)
    time.sleep(60)
"""


def _holder(store: Path, mode: str = "plain") -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(store), mode], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def _end(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def test_second_run_says_who_holds_the_store(tmp_path: Path) -> None:
    """The second run leaves at once with exit code 4 and names purpose, process and time of the first."""
    store = tmp_path / "store.db"
    process = _holder(store)
    try:
        with pytest.raises(StoreLockedError) as refusal, run_lock(store, "compile", clock()):
            pass
        assert f"another run (compile, process {process.pid}) has held it since 2026-11-24T09:00:00Z" in str(refusal.value)
        assert refusal.value.exit_code == 4
        assert is_locked(store)
    finally:
        _end(process)


def test_killed_run_frees_the_lock(tmp_path: Path) -> None:
    """After kill -9 the next run starts, though the lock file still names the dead one."""
    store = tmp_path / "store.db"
    process = _holder(store)
    _end(process)
    assert lock_path(store).read_text() != ""
    assert not is_locked(store)
    with run_lock(store, "compile", clock()):
        assert is_locked(store)


def test_forked_worker_does_not_keep_the_lock(tmp_path: Path) -> None:
    """A worker that outlives its killed parent holds nothing: the next run need not wait for it."""
    store = tmp_path / "store.db"
    process = _holder(store, "fork")
    try:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        with run_lock(store, "compile", clock()):
            pass
    finally:
        _end(process)


def test_lock_is_free_after_use_and_not_reentrant(tmp_path: Path) -> None:
    """The lock is held once, even within one process, and free again after its block, whatever ended it."""
    store = tmp_path / "store.db"
    with run_lock(store, "compile", clock()):
        with pytest.raises(StoreLockedError), run_lock(store, "forget", clock()):
            pass
        assert is_locked(store)
    with pytest.raises(KeyboardInterrupt), run_lock(store, "compile", clock()):
        raise KeyboardInterrupt
    assert not is_locked(store)
    assert lock_path(store).read_text() == ""


def test_look_at_the_lock_turns_nobody_away(tmp_path: Path) -> None:
    """A run starts although others keep looking whether one is running."""
    store = tmp_path / "store.db"
    lock_path(store).touch()
    looker = os.fork()
    if looker == 0:
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            is_locked(store)
        os._exit(0)
    try:
        for _ in range(50):
            with run_lock(store, "compile", clock()):
                pass
    finally:
        os.kill(looker, signal.SIGKILL)
        os.waitpid(looker, 0)


def test_interrupted_run_shows_as_such(place: str) -> None:
    """A run that never ended shows as running while a run is alive, and as interrupted from then on."""
    with Store.open(place, clock=clock) as store:
        with store.lock("compile"):
            run = store.begin_run("compile", "log", '{"seed":0}', "1")
            assert [found.status for found in store.runs()] == ["running"]
        assert [found.status for found in store.runs()] == ["interrupted"]
        with store.lock("compile"):
            other = store.begin_run("compile", "log", "{}", "1")
            store.finish_run(other, "done", {"sessions": 2})
            assert {found.id: found.status for found in store.runs()} == {run: "interrupted", other: "done"}
        (done,) = (found for found in store.runs() if found.id == other)
        assert (done.totals, done.started_at, done.finished_at) == ({"sessions": 2}, clock(), clock())
