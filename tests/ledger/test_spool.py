"""The spool: what it keeps through a crash, a full disk and another process, and what it counts."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from trajectory_compiler.ledger import spool as spool_module
from trajectory_compiler.ledger.spool import FRAME_BYTES, FRAME_ROWS, Place, Spool, frames_of, orphans, segments

ROWS = [b'{"n":%d}' % n for n in range(2500)]


def read_all(spool: Spool) -> list[bytes]:
    """Return every row that is kept, as the shipper reads them."""
    rows: list[bytes] = []
    place = Place(0, 0)
    while (frame := spool.frame_at(place)) is not None:
        rows += frame.rows
        place = frame.after
    return rows


def test_rows_come_back_in_order_over_many_segments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was appended is read back in order, over as many segments as it takes; what is released is gone."""
    monkeypatch.setattr(spool_module, "SEGMENT_BYTES", 10_000)
    spool = Spool.create(tmp_path, "one")
    for start in range(0, len(ROWS), 70):
        spool.append(ROWS[start : start + 70])
    assert read_all(spool) == ROWS
    last = max(segments(spool.folder))
    assert last >= 3
    spool.release(Place(last, 0))
    assert segments(spool.folder) == [last]
    assert spool.counts.get("kept") == len(ROWS)
    spool.close(remove=True)
    assert not spool.folder.exists()


def test_frames_are_bounded_and_a_large_row_has_its_own() -> None:
    """A frame holds at most so many rows and bytes; a row that is larger goes alone; no row is left out."""
    large = b"x" * (FRAME_BYTES + 1)
    rows = [*ROWS, large, *ROWS[:10]]
    frames = [list(frame) for frame in frames_of(rows)]
    assert [row for frame in frames for row in frame] == rows
    assert all(len(frame) <= FRAME_ROWS for frame in frames)
    assert [large] in frames


def _end_without_goodbye(root: Path, act: Callable[[Spool], None]) -> None:
    """Let a child make a spool, act, and die without closing it."""
    child = os.fork()
    if child == 0:
        try:
            act(Spool.create(root, "child"))
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def test_a_process_that_died_leaves_its_rows_and_its_numbers(tmp_path: Path) -> None:
    """The next process finds the rows in order and knows how many were recorded but not kept; a live spool is left alone."""

    def act(spool: Spool) -> None:
        count = spool.counts.counter()
        for _ in range(15):
            count()
        spool.append(ROWS[:5])
        spool.append(ROWS[5:12])

    mine = Spool.create(tmp_path, "alive")
    mine.append(ROWS[:3])
    _end_without_goodbye(tmp_path, act)
    (orphan,) = orphans(tmp_path)
    assert [row for frame in orphan.frames() for row in frame.rows] == ROWS[:12]
    assert (orphan.recorded, orphan.rows, orphan.lost) == (15, 12, 3)
    assert list(orphans(tmp_path)) == []  # locked by us
    orphan.close(remove=False)
    (again,) = orphans(tmp_path)
    again.close(remove=True)
    assert list(orphans(tmp_path)) == []
    assert read_all(mine) == ROWS[:3]


@pytest.mark.parametrize("left", [1, 10, 40])
def test_a_torn_frame_ends_the_reading(tmp_path: Path, left: int) -> None:
    """Where the last frame is cut or changed, the frames before it are read and nothing after."""

    def act(spool: Spool) -> None:
        spool.append(ROWS[:5])
        spool.append(ROWS[5:12])

    _end_without_goodbye(tmp_path, act)
    (path,) = tmp_path.glob("child/*.rows")
    whole = path.read_bytes()
    path.write_bytes(whole[:-left])
    (orphan,) = orphans(tmp_path)
    assert orphan.rows == 5
    orphan.close(remove=False)
    path.write_bytes(whole[:-left] + b"?" + whole[len(whole) - left + 1 :])
    (orphan,) = orphans(tmp_path)
    assert orphan.rows == 5
    orphan.close(remove=True)


def test_a_full_disk_keeps_what_it_had(tmp_path: Path) -> None:
    """An append that the disk refuses raises, keeps the frames before it whole, and works again once there is room."""
    script = f"""
import resource
from pathlib import Path
from trajectory_compiler.ledger.spool import Place, Spool, segments
from tests.ledger.test_spool import ROWS, read_all
spool = Spool.create(Path({str(tmp_path)!r}), "one")
spool.append(ROWS[:10])
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (400, hard))
for _ in range(3):
    try:
        spool.append(ROWS[10:])
        raise SystemExit("the disk was not full")
    except OSError:
        pass
assert read_all(spool) == ROWS[:10] and spool.counts.get("kept") == 10, spool.counts.get("kept")
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
spool.append(ROWS[10:])
assert read_all(spool) == ROWS
assert len(segments(spool.folder)) == 2
"""
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 400


def test_the_folder_is_private_and_ignored(tmp_path: Path) -> None:
    """The spool holds raw rows: nobody else may read it, and git leaves it alone."""
    spool = Spool.create(tmp_path / "deep" / "spool", "one")
    spool.append(ROWS[:1])
    assert (tmp_path / "deep" / "spool").stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in spool.folder.iterdir())
    assert (tmp_path / "deep" / "spool" / ".gitignore").read_text() == "*\n"
