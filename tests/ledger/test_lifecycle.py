"""What a process does at its turning points: fork, exit, SIGTERM, and processes of `multiprocessing`."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.ledger.written import Written, sqlite_written

ROOT = Path(__file__).parents[2]


def run(written: Written, body: str, *, send: int | None = None) -> subprocess.CompletedProcess[str]:
    """Run an agent of its own; once it prints `ready`, send it a signal."""
    script = f"""
import os, signal, sys, time
from trajectory_compiler.ledger import Recorder, RecorderOptions
recorder = Recorder({written.address!r}, options=RecorderOptions(spool={str(written.spool)!r}))
{body}
"""
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        if send is not None:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            process.send_signal(send)
        out, err = process.communicate(timeout=60)
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def numbers(written: Written) -> list[int]:
    """Return the numbers of the rows, as they were recorded."""
    return [arguments["n"] for arguments in written.column("arguments")]


def test_the_end_of_a_program_delivers(written: Written) -> None:
    """A program that just ends, without closing its recorder, has its rows in the ledger."""
    done = run(written, "for n in range(500): recorder.record('t', {'n': n})")
    assert done.returncode == 0, done.stderr
    assert numbers(written) == list(range(500))


def test_an_uncaught_exception_delivers(tmp_path: Path) -> None:
    """So has one that ends in a traceback."""
    written = sqlite_written(tmp_path)
    done = run(written, "recorder.record('t', {'n': 0}); raise ValueError")
    assert done.returncode == 1
    assert numbers(written) == [0]


RECORD_AND_WAIT = """
for n in range(300): recorder.record('t', {'n': n})
print('ready', flush=True)
time.sleep(60)
"""


def test_sigterm_delivers_and_ends_the_process_as_before(written: Written) -> None:
    """SIGTERM delivers what was recorded, and the process ends by the signal."""
    done = run(written, RECORD_AND_WAIT, send=signal.SIGTERM)
    assert done.returncode == -signal.SIGTERM
    assert numbers(written) == list(range(300))


def test_sigterm_calls_the_former_handler(tmp_path: Path) -> None:
    """A handler that was there before is called after the delivery, and what it records is delivered, too."""
    written = sqlite_written(tmp_path)
    former = """
def former(number, frame):
    recorder.record('t', {'n': 300})
    sys.exit(7)
signal.signal(signal.SIGTERM, former)
recorder = Recorder(recorder._address, options=recorder.options)
"""
    body = f"signal.signal(signal.SIGTERM, signal.SIG_DFL)\n{former}\n{RECORD_AND_WAIT}"
    done = run(written, body, send=signal.SIGTERM)
    assert done.returncode == 7, done.stderr
    assert numbers(written) == list(range(301))


def test_handlers_that_call_each_other_come_to_an_end(tmp_path: Path) -> None:
    """A program's handler that calls ours, and is itself called by that of a later recorder, runs once."""
    written = sqlite_written(tmp_path)
    body = """
ours = signal.getsignal(signal.SIGTERM)
def mine(number, frame):
    print('mine', flush=True)
    ours(number, frame)
signal.signal(signal.SIGTERM, mine)
later = Recorder(recorder._address, options=recorder.options)
later.record('t', {'n': 0})
os.kill(os.getpid(), signal.SIGTERM)
time.sleep(60)
"""
    done = run(written, body)
    assert done.returncode == -signal.SIGTERM
    assert done.stdout == "mine\n"
    assert numbers(written) == [0]


def test_sigterm_that_is_ignored_stays_ignored(tmp_path: Path) -> None:
    """A program that ignores SIGTERM goes on; what it had recorded by then is in the ledger."""
    written = sqlite_written(tmp_path)
    body = """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
recorder = Recorder(recorder._address, options=recorder.options)
recorder.record('t', {'n': 0})
os.kill(os.getpid(), signal.SIGTERM)
assert recorder.status().uncommitted == 0
recorder.record('t', {'n': 1})
"""
    done = run(written, body)
    assert done.returncode == 0, done.stderr
    assert numbers(written) == [0, 1]


def test_no_handler_where_none_is_wanted(tmp_path: Path) -> None:
    """With `sigterm=False` the signal's handler is left alone."""
    before = signal.getsignal(signal.SIGTERM)
    recorder = sqlite_written(tmp_path).recorder(sigterm=False)
    assert signal.getsignal(signal.SIGTERM) is before
    recorder.close()


@pytest.mark.parametrize("ending", ["os._exit(0)", "sys.exit(0)"])
def test_a_fork_has_rows_of_its_own(written: Written, ending: str) -> None:
    """Parent and children record at once, each row once; a child that ends without goodbye leaves its rows in the spool."""
    body = f"""
recorder.record('t', {{'n': 0}})
children = []
for child in range(3):
    recorder.record('t', {{'n': 1 + child}})
    pid = os.fork()
    if pid == 0:
        for n in range(100):
            recorder.record('t', {{'n': 1000 * (child + 1) + n}})
        recorder.flush()
        {ending}
    children.append(pid)
for n in range(100):
    recorder.record('t', {{'n': 100 + n}})
for pid in children:
    os.waitpid(pid, 0)
"""
    done = run(written, body)
    assert done.returncode == 0, done.stderr
    with written.recorder() as recorder:  # sends what the children left
        recorder.record("t", {"n": -1})
        deadline = time.monotonic() + 30
        while len(written.rows()) < 405 and time.monotonic() < deadline:
            time.sleep(0.05)
    wanted = [-1, 0, 1, 2, 3, *range(100, 200), *(1000 * child + n for child in (1, 2, 3) for n in range(100))]
    assert sorted(numbers(written)) == wanted
    assert list(written.spool.glob("*/2*")) == []


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_of_multiprocessing(tmp_path: Path, method: str) -> None:
    """Children of every start method deliver at their end, though they end without Python's exit hooks."""
    written = sqlite_written(tmp_path)
    program = tmp_path / "program.py"
    program.write_text(f"""
import multiprocessing, sys
from trajectory_compiler.ledger import Recorder, RecorderOptions
recorder = Recorder({written.address!r}, options=RecorderOptions(spool={str(written.spool)!r}))

def work(child):
    for n in range(50):
        recorder.record('t', {{'n': 1000 * child + n}})

if __name__ == '__main__':
    recorder.record('t', {{'n': 0}})
    context = multiprocessing.get_context({method!r})
    workers = [context.Process(target=work, args=(child,)) for child in (1, 2)]
    for worker in workers: worker.start()
    for worker in workers: worker.join()
    sys.exit(max(worker.exitcode for worker in workers))
""")
    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, timeout=60, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert sorted(numbers(written)) == [0, *range(1000, 1050), *range(2000, 2050)]
