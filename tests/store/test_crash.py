"""Killed, out of disk, read-only: the store stays whole and says in one sentence what stood in the way."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.store.conftest import Places
from tests.store.samples import KEY, clock, pair, saved, session
from trajectory_compiler.errors import StoreError, TrajcError
from trajectory_compiler.store import PairQuery, SessionResult, Store

PAIRS = 3
SAVE_MANY = "from tests.store.test_crash import save_many; import sys; save_many(sys.argv[1], int(sys.argv[2]))"


def _result(run: str, number: int) -> SessionResult:
    words = random.Random(number).randbytes(3_000).hex()  # does not compress: real bytes reach the disk
    trajectory = session(f"s-{number:04d}", 5, words=words)
    pairs = tuple(pair(trajectory, each) for each in range(PAIRS))
    return SessionResult(run_id=run, trajectory=trajectory, compile_key=KEY, pairs=pairs)


def save_many(path: str, count: int) -> None:
    """Save sessions that are not there yet, some alone and some four at a time, and say so after each transaction."""
    with Store.open(path, clock=clock) as store, store.lock("compile"):
        run = store.begin_run("compile", "log", "{}", "1")
        done = store.current_keys("log")
        waiting = [number for number in range(count) if f"s-{number:04d}" not in done]
        while waiting:
            size = 4 if len(waiting) % 2 else 1
            store.save_sessions([_result(run, number) for number in waiting[:size]])
            del waiting[:size]
            sys.stdout.write("saved\n")
            sys.stdout.flush()
        store.finish_run(run, "done", {"sessions": count})


def _start(path: str, count: int) -> subprocess.Popen[str]:
    root = Path(__file__).parents[2]
    return subprocess.Popen(
        [sys.executable, "-c", SAVE_MANY, str(path), str(count)], stdout=subprocess.PIPE, text=True, cwd=root
    )


def _assert_whole(path: Path | str) -> int:
    """Assert that the store is sound and holds whole sessions only; return how many."""
    with Store.open(path, create=False, clock=clock) as store:
        assert store.damage() == ()
        sessions = store.current_keys("log")
        counted = dict.fromkeys(sessions, 0)
        for found in store.pairs():
            counted[found.session_id] += 1
            assert store.trajectory_of(found).session_id == found.session_id
        assert set(counted.values()) <= {PAIRS}
        return len(sessions)


def test_kill_at_any_instant_leaves_whole_sessions(places: Places) -> None:
    """Kill -9 in the middle of writing, again and again: no half session, nothing reported is lost, and the end is the same."""
    path, smooth_path, chance = places(), places(), random.Random(5)
    reported = 0
    for _ in range(6):
        process = _start(path, 400)
        assert process.stdout is not None
        for _ in range(chance.randrange(3, 12)):
            reported += process.stdout.readline() == "saved\n"
        time.sleep(chance.random() * 0.01)
        process.kill()
        process.wait()
        process.stdout.close()
        assert _assert_whole(path) >= reported
    with Store.open(path, clock=clock) as store:
        assert {run.status for run in store.runs()} == {"interrupted"}
    save_many(path, 80)
    save_many(smooth_path, 80)
    query = PairQuery(states=())
    with Store.open(path, clock=clock) as store, Store.open(smooth_path, clock=clock) as smooth:
        wanted = list(smooth.pairs(query))
        kept = {pair.id: pair for pair in store.pairs(query)}
        assert [kept[each.id] for each in wanted] == wanted


def test_full_disk_keeps_what_was_finished(tmp_path: Path) -> None:
    """When no more bytes fit, the run stops with one sentence; finished sessions are whole and the next run goes on."""
    path = tmp_path / "store.db"
    Store.open(path, clock=clock).close()

    def with_little_room() -> str:
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
        return _message(lambda: save_many(str(path), 100))

    assert "the disk refused a read or a write (full, over a limit, or failing)" in _in_child(with_little_room)
    assert 0 < _assert_whole(path) < 100
    save_many(str(path), 100)
    assert _assert_whole(path) == 100


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a file system of one megabyte, or skip where this user may not mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("this user may not mount a file system")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_full_file_system(small_disk: Path) -> None:
    """A file system without room gives the sentence about a full disk and leaves a sound store."""
    path = small_disk / "store.db"
    assert "the disk is full. Free some space and run again" in _message(lambda: save_many(str(path), 100))
    assert 0 < _assert_whole(path) < 100


def test_no_room_for_a_new_store(small_disk: Path) -> None:
    """Where not even an empty store fits, opening it says so, and later works where it left off."""
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * (1 << 20))
    assert "Cannot" in _message(lambda: Store.open(small_disk / "a" / "store.db", clock=clock).close())
    filler.unlink()
    save_many(str(small_disk / "a" / "store.db"), 2)
    assert _assert_whole(small_disk / "a" / "store.db") == 2


@pytest.fixture
def frozen(tmp_path: Path) -> Iterator[Path]:
    """Give a folder with a store of one pair that may be read and not written: even root cannot write to it."""
    folder = tmp_path / "frozen"
    folder.mkdir()
    with Store.open(folder / "store.db", clock=clock) as store:
        saved(store, pair(session()), trajectory=session())
    bind = subprocess.run(["mount", "--bind", str(folder), str(folder)], capture_output=True, check=False).returncode == 0
    if bind:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
    else:
        folder.chmod(0o500)
        (folder / "store.db").chmod(0o400)
    if os.access(folder, os.W_OK):
        pytest.skip("this user writes everywhere and may not mount")
    yield folder
    if bind:
        subprocess.run(["umount", "-l", str(folder)], check=True)
    folder.chmod(0o700)


def test_read_only_folder_is_readable(frozen: Path) -> None:
    """A store in a folder that may not be written can be read."""
    with Store.open(frozen / "store.db", read_only=True, clock=clock) as store:
        assert [found.id for found in store.pairs()] == [pair(session()).id]
        assert store.trajectory(session().digest) == session()
        with pytest.raises(StoreError, match="read-only"):
            store.begin_run("compile", "log", "{}", "1")


def test_read_only_folder_refuses_a_run_at_once(frozen: Path) -> None:
    """Opening it for writing, creating one there, or locking it says that it is read-only."""
    assert "read-only" in _message(lambda: Store.open(frozen / "store.db", clock=clock).close())
    assert "ead-only" in _message(lambda: Store.open(frozen / "new.db", clock=clock).close())
    assert "ead-only" in _message(lambda: Store.open(frozen / "deep" / "new.db", clock=clock).close())


@pytest.mark.parametrize(
    ("content", "sentence"), [(b"id,session_id\n1,s\n" * 200, "it is not a SQLite database"), (b"", "it is empty")]
)
def test_file_that_is_no_store(tmp_path: Path, content: bytes, sentence: str) -> None:
    """A file that is something else is named as such."""
    path = tmp_path / "store.db"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=sentence):
        Store.open(path, read_only=True, clock=clock)


def test_damaged_file_is_named(tmp_path: Path) -> None:
    """A store whose pages were overwritten ends in a sentence, never in a traceback of the engine."""
    path = tmp_path / "store.db"
    save_many(str(path), 30)
    data = bytearray(path.read_bytes())
    for start in range(4096 * 2, len(data) - 4096, 4096):
        data[start : start + 64] = b"\xff" * 64
    path.write_bytes(data)

    def read_all() -> None:
        with Store.open(path, clock=clock) as store:
            assert store.damage()
            for found in store.pairs():
                store.trajectory_of(found)

    with pytest.raises(StoreError, match=r"damaged|another program"):
        read_all()


def test_missing_store_is_not_created_by_reading(tmp_path: Path) -> None:
    """Reading a store that is not there says how to make one and leaves no file behind."""
    for read_only in (True, False):
        with pytest.raises(StoreError, match=r"there is no such file\. Make one with `trajc compile LOG`"):
            Store.open(tmp_path / "none" / "store.db", create=False, read_only=read_only)
    assert not (tmp_path / "none").exists()
    with pytest.raises(StoreError, match="it is a folder"):
        Store.open(tmp_path)


def test_two_writers_wait_for_each_other(place: str) -> None:
    """Two processes that write at once both finish: transactions queue instead of failing."""
    Store.open(place, clock=clock).close()

    def write(half: int) -> None:
        with Store.open(place, clock=clock) as store:
            run = store.begin_run("compile", f"log-{half}", "{}", "1")
            for number in range(40):
                store.save_sessions([_result(run, 100 * half + number)])

    children = [_fork(partial(write, half)) for half in (1, 2)]
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0]
    assert _assert_whole(place) == 80


def _message(work: Callable[[], object]) -> str:
    try:
        work()
    except TrajcError as error:
        return str(error)
    return ""


def _fork(work: Callable[[], object]) -> int:
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return child


def _in_child(work: Callable[[], str]) -> str:
    """Run work in a forked process, whose limits die with it, and return the text that it gives."""
    reader, writer = os.pipe()
    child = _fork(lambda: os.write(writer, work().encode()))
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        text = stream.read().decode()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != -signal.SIGXFSZ
    return text
