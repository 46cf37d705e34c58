"""Runs that are stopped: whatever the instant, the store is sound and the next run completes it."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import CHEAP, COMMAND, Start, Trajc
from trajectory_compiler.store import PairQuery, Store
from trajectory_compiler.store.lock import is_locked

PATIENCE_SECONDS = 120.0


def until_locked(store: Path, process: subprocess.Popen[str]) -> None:
    """Wait until a run holds the store."""
    waited = time.monotonic() + PATIENCE_SECONDS
    while not is_locked(store):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < waited, "the run never took the lock"
        time.sleep(0.005)


def until_half_way(store: Path, process: subprocess.Popen[str]) -> None:
    """Wait until a run has saved some of its sessions."""
    until_locked(store, process)
    waited = time.monotonic() + PATIENCE_SECONDS
    while saved_sessions(store) == 0:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < waited, "the run never saved a session"
        time.sleep(0.005)


def saved_sessions(store: Path) -> int:
    """Count the sessions that a store holds at this instant."""
    connection = sqlite3.connect(f"{store.as_uri()}?mode=ro", uri=True)
    try:
        count: int = connection.execute("SELECT count(*) FROM sessions").fetchone()[0]
    finally:
        connection.close()
    return count


def everything(store: Path) -> list[tuple[str, str, str]]:
    """Return id, question and answer of every pair."""
    with Store.open(store, read_only=True) as opened:
        assert opened.damage() == ()
        return [(pair.id, pair.question, pair.answer) for pair in opened.pairs(PairQuery(states=()))]


def children(parent: int) -> list[int]:
    """Return the processes that a process has started; none where the system does not tell."""
    return [pid for pid, fields in _processes() if int(fields[1]) == parent]


def alive(pids: list[int]) -> list[int]:
    """Return those that still run; one that only waits to be collected does not."""
    return [pid for pid, fields in _processes() if pid in pids and fields[0] != "Z"]


def _processes() -> list[tuple[int, list[str]]]:
    """Return (process, [state, parent, ...]) of every process, from Linux's /proc."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            found.append((int(stat.parent.name), stat.read_text().rpartition(")")[2].split()))
        except OSError:  # it ended meanwhile
            continue
    return found


@pytest.fixture(scope="module")
def uninterrupted(long_log: Path, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str, str]]:
    """Return what a run that nobody stops gives."""
    if not COMMAND.exists():
        pytest.skip("the command is not installed in this environment (pip install -e .)")
    folder = tmp_path_factory.mktemp("whole")
    subprocess.run([str(COMMAND), "compile", str(long_log), *CHEAP], cwd=folder, check=True, capture_output=True)
    found = everything(folder / ".trajc" / "store.db")
    assert found
    return found


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_run_is_completed_by_the_next(
    trajc: Trajc, start: Start, tmp_path: Path, long_log: Path, uninterrupted: list[tuple[str, str, str]], how: signal.Signals
) -> None:
    """Killed half way, the store is sound; run again, it takes up what is missing and ends up the same; no worker stays."""
    store = tmp_path / ".trajc" / "store.db"
    run = start("compile", long_log, *CHEAP)
    until_half_way(store, run)
    workers = children(run.pid)
    run.send_signal(how)
    run.wait(PATIENCE_SECONDS)
    assert len(everything(store)) < len(uninterrupted)
    again = trajc("compile", long_log, *CHEAP)
    assert again.returncode == 0, again.stderr
    assert "unchanged), " in again.stdout
    assert everything(store) == uninterrupted
    with Store.open(store, read_only=True) as opened:
        assert [run.status for run in opened.runs()] == ["interrupted", "done"]
    waited = time.monotonic() + PATIENCE_SECONDS
    while alive(workers):
        assert time.monotonic() < waited, "a worker outlived its run"
        time.sleep(0.05)


def test_ctrl_c_ends_a_run_in_one_sentence_and_keeps_what_was_done(
    trajc: Trajc, start: Start, tmp_path: Path, long_log: Path, uninterrupted: list[tuple[str, str, str]]
) -> None:
    """SIGINT: exit 130, no traceback, a sound store that knows the run was interrupted, and the next run completes it."""
    store = tmp_path / ".trajc" / "store.db"
    run = start("compile", long_log, *CHEAP)
    until_half_way(store, run)
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=PATIENCE_SECONDS)
    assert run.returncode == 130
    assert out == ""
    assert err.strip() == "Stopped. What was finished is kept: run the same command again to go on."
    assert len(everything(store)) < len(uninterrupted)
    assert trajc("compile", long_log, *CHEAP).returncode == 0
    assert everything(store) == uninterrupted


def test_a_second_run_says_who_holds_the_store_and_leaves(trajc: Trajc, start: Start, tmp_path: Path, long_log: Path) -> None:
    """Two runs at once: the second exits with 4 and names the first, which goes on undisturbed; reading works."""
    store = tmp_path / ".trajc" / "store.db"
    first = start("compile", long_log, *CHEAP)
    until_half_way(store, first)
    first.send_signal(signal.SIGSTOP)  # or it may be done before the second has started
    second = trajc("compile", long_log, *CHEAP)
    reader = trajc("stats", "--json")
    first.send_signal(signal.SIGCONT)
    assert second.returncode == 4
    assert f"process {first.pid}" in second.stderr
    assert second.stdout == ""
    assert reader.returncode == 0
    first.communicate(timeout=PATIENCE_SECONDS)
    assert first.returncode == 0
