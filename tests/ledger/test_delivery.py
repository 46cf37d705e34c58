"""What the recorder does when the disk takes nothing: loud once, counted, and never the agent's problem."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import pytest

from tests.ledger.written import Written
from trajectory_compiler.ledger import Recorder, RecorderOptions
from trajectory_compiler.ledger.delivery import Status


@pytest.fixture
def no_disk(tmp_path: Path) -> str:
    """Return a place for a spool where nobody can make a folder."""
    place = tmp_path / "a file"
    place.write_text("in the way")
    return str(place / "spool")


def warnings(caplog: pytest.LogCaptureFixture, words: str) -> list[str]:
    """Return the warnings that hold some words."""
    found = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    return [message for message in found if words in message]


def test_without_a_disk_the_database_acknowledges(written: Written, no_disk: str, caplog: pytest.LogCaptureFixture) -> None:
    """Where no spool can be made, one warning says so, and rows are acknowledged by the database, each once and in order."""
    recorder = Recorder(written.address, options=RecorderOptions(spool=no_disk))
    for number in range(3000):
        recorder.record("t", {"n": number})
        if number % 1000 == 0:
            assert recorder.flush(30).unacknowledged == 0
    status = recorder.close()
    assert (status.acknowledged, status.committed, status.dropped) == (3000, 3000, 0)
    assert written.column("arguments") == [{"n": number} for number in range(3000)]
    assert len(warnings(caplog, "takes no rows")) == 1


def test_with_neither_disk_nor_database_memory_is_bounded(
    tmp_path: Path, no_disk: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Rows that fit into memory are delivered once the database is there; the others are counted, and a warning says so."""
    address = tmp_path / "later" / "ledger.db"
    options = RecorderOptions(spool=no_disk, memory_bytes=20_000, exit_seconds=30)
    recorder = Recorder(str(address), options=options)
    for number in range(300):
        recorder.record("t", {"n": number})
    status = recorder.flush(0.3)
    assert status.unacknowledged == status.recorded == 300
    assert 0 < status.dropped < 300
    assert len(warnings(caplog, "rows are being lost")) == 1
    address.parent.mkdir()
    assert recorder.flush(30).acknowledged == 300 - status.dropped
    recorder.close()
    rows = Written(str(address), str(address), tmp_path).column("arguments")
    assert rows == [{"n": number} for number in range(300 - status.dropped)]


def test_a_disk_that_comes_back_is_used_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Once a spool can be made, rows that waited in memory are kept there, with no database at all."""
    caplog.set_level(logging.INFO)
    place = tmp_path / "spool"
    place.write_text("in the way")
    recorder = Recorder(
        str(tmp_path / "no" / "ledger.db"), options=RecorderOptions(spool=str(place / "spool"), exit_seconds=0.2)
    )
    for number in range(50):
        recorder.record("t", {"n": number})
    assert recorder.flush(0.2).unacknowledged == 50
    place.unlink()
    assert recorder.flush(30).unacknowledged == 0
    recorder.record("t")
    assert recorder.flush(30).acknowledged == 51
    assert any("the disk works again" in record.getMessage() for record in caplog.records)
    assert recorder.close().uncommitted == 51


def test_a_spool_that_is_removed_under_our_hands(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Rows whose file somebody removed before they were sent are counted as lost, and recording goes on."""
    address = tmp_path / "later" / "ledger.db"
    recorder = Recorder(str(address), options=RecorderOptions(spool=str(tmp_path / "spool"), exit_seconds=30))
    recorder.record("t", {"n": 0})
    assert recorder.flush(30).unacknowledged == 0
    deadline = time.monotonic() + 30
    while not warnings(caplog, "rows wait in the spool") and time.monotonic() < deadline:
        time.sleep(0.01)  # it has read the first row and tries to send it
    recorder.record("t", {"n": 1})
    recorder.flush(30)
    for path in (tmp_path / "spool").glob("*/*/*.rows"):
        path.write_bytes(b"")
    address.parent.mkdir()
    status = recorder.flush(30, committed=True)
    assert (status.committed, status.dropped) == (1, 1)
    assert warnings(caplog, "cannot be read back")
    recorder.close()


def test_the_status_adds_up() -> None:
    """What is recorded and not acknowledged, or not committed, is told by two sums."""
    status = Status(recorded=10, acknowledged=8, committed=5, refused=1, dropped=1)
    assert (status.unacknowledged, status.uncommitted) == (2, 3)
