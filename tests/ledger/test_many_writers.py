"""Eight processes at once through recorders into one ledger: none lost, none doubled, each one's rows in order."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import pytest

from tests.ledger.written import Written

ROOT = Path(__file__).parents[2]
WRITERS = 8
WRITE = """
import sys
from concurrent.futures import ThreadPoolExecutor
from trajectory_compiler.ledger import Recorder, RecorderOptions
address, spool, name, rows = sys.argv[1:]
recorder = Recorder(address, options=RecorderOptions(spool=spool, exit_seconds=300))

def work(thread):
    for n in range(int(rows) // 2):
        recorder.record("step", {"n": n, "text": "some text of a usual length"}, {"ok": True}, session_id=f"{name}/{thread}")

with ThreadPoolExecutor(2) as pool:
    list(pool.map(work, range(2)))
status = recorder.close()
assert (status.committed, status.doubles, status.dropped, status.failed) == (int(rows), 0, 0, 0), status
"""


def write_at_once(written: Written, rows: int) -> float:
    """Let eight processes of two threads each record so many rows in all; return the seconds it took."""
    began = time.monotonic()
    commands = [
        [sys.executable, "-c", WRITE, written.address, str(written.spool), f"writer-{number}", str(rows // WRITERS)]
        for number in range(WRITERS)
    ]
    processes = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for command in commands]
    for process in processes:
        _, complaint = process.communicate()
        assert process.returncode == 0, complaint
    return time.monotonic() - began


def check(written: Written, rows: int) -> None:
    """Check that every row is there once, and each thread's in its order."""
    numbers: defaultdict[str, list[int]] = defaultdict(list)
    for row in written.rows():
        numbers[row["session_id"]].append(row["arguments"]["n"])
    assert len(numbers) == 2 * WRITERS
    assert all(found == list(range(rows // WRITERS // 2)) for found in numbers.values())
    assert list(written.spool.glob("*/2*")) == []


def test_eight_writers(written: Written) -> None:
    """Eight processes of two threads write 4,000 rows: all are there once, in each thread's order, and no spool is left."""
    write_at_once(written, 4000)
    check(written, 4000)


@pytest.mark.long
def test_a_hundred_thousand_rows(written: Written, capsys: pytest.CaptureFixture[str]) -> None:
    """The same with 100,000 rows; prints the rows a second."""
    seconds = write_at_once(written, 100_000)
    check(written, 100_000)
    database = "PostgreSQL" if written.address.startswith("postgres") else "SQLite"
    with capsys.disabled():
        sys.stdout.write(f"\n{database}: {100_000 / seconds:,.0f} rows/s end to end\n")
