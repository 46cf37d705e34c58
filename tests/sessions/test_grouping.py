"""Rows to sessions: grouping, what is counted, reading again, the temporary file."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sources.logs import jsonl, open_bytes, record
from trajectory_compiler.config import SessionOptions
from trajectory_compiler.errors import OptionError, SourceError
from trajectory_compiler.model import Finding, RawTrajectory, Row
from trajectory_compiler.sessions import Sessions, SessionTally, open_sessions, spool
from trajectory_compiler.sessions.grouping import runs_of_sessions, take_census
from trajectory_compiler.sources import Source
from trajectory_compiler.sources.private_database import private_database


def sessions_of(folder: Path, records: Iterable[dict[str, Any]], **options: Any) -> Sessions:
    """Return the sessions of a log of these records; sessions of any length qualify unless the options say otherwise."""
    return open_sessions(open_bytes(folder, jsonl(records)), SessionOptions(**({"min_turns": 1} | options)))


def block(session: str, turns: int, **more: Any) -> list[dict[str, Any]]:
    """Return the rows of one session."""
    return [record(session, place, **more) for place in range(turns)]


def ids(sessions: Iterable[RawTrajectory]) -> dict[str, list[str]]:
    """Return the row ids of each session."""
    return {t.session_id: [row.id for row in t.rows] for t in sessions}


def counts(sessions: Sessions) -> dict[str, int]:
    """Return what the last pass counted, by reason."""
    return {finding.reason: finding.count for finding in sessions.findings()}


def interleaved() -> list[dict[str, Any]]:
    """Return three sessions whose rows alternate."""
    return [record(f"s-{place % 3}", place) for place in range(30)]


def test_contiguous_sessions(tmp_path: Path) -> None:
    """Sessions that follow each other come in the order of the log."""
    sessions = sessions_of(tmp_path, [*block("b", 2), *block("a", 3)])
    assert ids(sessions) == {"b": ["b-000", "b-001"], "a": ["a-000", "a-001", "a-002"]}
    assert sessions.tally == SessionTally(rows=5, sessions=2, qualified=2)
    assert sessions.findings() == ()


def test_interleaved_sessions(tmp_path: Path) -> None:
    """Sessions whose rows alternate come whole, in the order of their first rows, and the same again."""
    sessions = sessions_of(tmp_path, interleaved())
    first = list(sessions)
    assert list(ids(first)) == ["s-0", "s-1", "s-2"]
    assert all(len(t.rows) == 10 for t in first)
    assert list(sessions) == first
    assert sessions.tally == SessionTally(rows=30, sessions=3, qualified=3)


def test_same_digest_either_way(tmp_path: Path) -> None:
    """A session's digest does not depend on whether its rows came in one piece or went through the temporary file."""
    rows = interleaved()
    through_file = {t.session_id: t.digest for t in sessions_of(tmp_path, rows)}
    straight = {t.session_id: t.digest for t in sessions_of(tmp_path, sorted(rows, key=lambda row: str(row["session_id"])))}
    assert through_file == straight
    assert len(set(straight.values())) == 3


def test_digest_is_fixed(tmp_path: Path) -> None:
    """The digest of known content is known: stored pairs rely on it, on any machine."""
    (trajectory,) = sessions_of(tmp_path, block("s", 2))
    assert trajectory.digest == "49e71937d4639d40350f42ea4cfe152c"


class Counting:
    """A source that counts its passes."""

    name, format, ordered = "counting", "test", False

    def __init__(self, source: Source) -> None:
        self._source, self.passes = source, 0
        self.mapping = source.mapping

    def rows(self) -> Iterator[Row]:
        """Count and pass on."""
        self.passes += 1
        return self._source.rows()

    def session_ids(self) -> Iterator[str]:
        """Pass on."""
        return self._source.session_ids()

    def findings(self) -> tuple[Finding, ...]:
        """Pass on."""
        return self._source.findings()


def test_spools_once(tmp_path: Path) -> None:
    """An interleaved log is read once, however often its sessions are; what that reading dropped stays reported."""
    source = Counting(open_bytes(tmp_path, jsonl(interleaved()) + b"oops\n"))
    sessions = open_sessions(source, SessionOptions(min_turns=1))
    assert ids(sessions) == ids(sessions)
    assert counts(sessions) == {"unreadable_json": 1}
    assert source.passes == 1


def test_reads_straight_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log of contiguous sessions needs no temporary file."""
    monkeypatch.setattr(tempfile, "mkdtemp", lambda **_: pytest.fail("a temporary file was made"))
    assert len(list(sessions_of(tmp_path, [*block("b", 2), *block("a", 3)]))) == 2


def test_temporary_file_is_private_and_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The temporary file is readable by its owner only and has no name once it is open, so that no crash leaves it behind."""
    seen: dict[str, int] = {}
    unlink = Path.unlink

    def watch(path: Path, *, missing_ok: bool = False) -> None:
        seen["file"], seen["folder"] = path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(Path, "unlink", watch)
    log = jsonl(interleaved())
    sessions = open_sessions(open_bytes(tmp_path, log), SessionOptions(min_turns=1))
    iterator = iter(sessions)
    next(iterator)
    assert seen == {"file": 0o600, "folder": 0o700}
    assert [path.name for path in tmp_path.iterdir()] == ["log.jsonl"]
    assert len(list(iterator)) == 2


def test_close_gives_the_space_back(tmp_path: Path) -> None:
    """After `close`, the sessions can still be read: the file is written again."""
    sessions = sessions_of(tmp_path, interleaved())
    first = list(sessions)
    open_files = len(list(Path("/proc/self/fd").iterdir()))
    sessions.close()
    assert len(list(Path("/proc/self/fd").iterdir())) < open_files
    assert list(sessions) == first


def test_no_room_for_the_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk ends in a sentence that says where room is missing."""
    make = private_database

    def small() -> Any:
        connection = make()
        connection.execute("PRAGMA max_page_count=4")
        return connection

    monkeypatch.setattr(spool, "private_database", small)
    records = [record(f"s-{place % 3}", place % 60, response="x" * 5000) for place in range(300)]
    with pytest.raises(SourceError, match=r"cannot take its rows .*full.*TMPDIR"):
        list(sessions_of(tmp_path, records))


def test_filters_are_counted(tmp_path: Path) -> None:
    """Every session that is left out is counted under the first reason that holds, with its id."""
    records = [
        *block("short", 2),
        *block("other", 3, agent="auditor"),
        *block("toolless", 3, tool="look"),
        *block("old", 3, created_at="2025-12-31T23:59:59.999Z"),
        *block("stampless", 3, created_at=None),
        *block("good", 3),
        *block("late", 3),
    ]
    sessions = sessions_of(tmp_path, records, min_turns=3, agent="clerk", tool="get_ticket", since="2026-01-01", limit=1)
    assert list(ids(sessions)) == ["good"]
    assert counts(sessions) == {
        "too_few_turns": 1,
        "other_agent": 1,
        "tool_absent": 1,
        "older_than_since": 2,
        "beyond_limit": 1,
    }
    assert next(f.detail for f in sessions.findings() if f.reason == "other_agent") == "session 'other'"
    assert sessions.tally == SessionTally(rows=17, sessions=7, qualified=1)


def test_since_compares_the_last_row(tmp_path: Path) -> None:
    """A session that began before --since and went on after it qualifies."""
    records = [record("s", 0, created_at="2025-12-31T09:00:00Z"), record("s", 1, created_at="2026-01-01T00:00:00Z")]
    assert list(ids(sessions_of(tmp_path, records, since="2026-01-01"))) == ["s"]
    assert list(ids(sessions_of(tmp_path, records, since="2026-01-01T00:00:00.001Z"))) == []


@pytest.mark.parametrize("shape", ["contiguous", "interleaved"])
def test_limit(tmp_path: Path, shape: str) -> None:
    """A limit counts qualifying sessions in the order of the log; the rest are counted without being read."""
    records = [*block("a", 3), *block("b", 1), *block("c", 3), *block("d", 3), *block("e", 1)]
    if shape == "interleaved":
        records.append(record("a", 3))
    sessions = sessions_of(tmp_path, records, min_turns=3, limit=2)
    assert list(ids(sessions)) == ["a", "c"]
    assert counts(sessions) == {"too_few_turns": 1, "beyond_limit": 2}
    assert sessions.tally.sessions == 5
    assert list(ids(sessions_of(tmp_path, records, limit=0))) == []


@pytest.mark.parametrize("options", [{"min_turns": 0}, {"limit": -1}, {"since": "last week"}])
def test_unusable_options(tmp_path: Path, options: dict[str, Any]) -> None:
    """Options that cannot be used are refused before anything is read."""
    with pytest.raises(OptionError, match="Cannot choose sessions"):
        sessions_of(tmp_path, block("s", 1), **options)


def test_findings_without_iteration(tmp_path: Path) -> None:
    """Whoever only wants the counts need not iterate."""
    sessions = sessions_of(tmp_path, [*block("a", 2), *block("b", 7)], min_turns=6)
    assert counts(sessions) == {"too_few_turns": 1}
    assert sessions.tally == SessionTally(rows=9, sessions=2, qualified=1)


def test_log_that_changes_its_mind(tmp_path: Path) -> None:
    """A session that comes back in a log that promised not to do so stops the run: half a session is never compiled."""
    rows = list(open_bytes(tmp_path, jsonl([*block("a", 1), *block("b", 1), record("a", 1)])).rows())
    with pytest.raises(SourceError, match="session 'a' comes back after it had ended"):
        list(runs_of_sessions(rows, "log"))


def test_census() -> None:
    """The first look counts sessions and finds the first one that comes back."""
    census = take_census(["a", "a", "b", "c"])
    assert (census.sessions, census.contiguous) == (3, True)
    assert not take_census(["a", "b", "a"]).contiguous
    assert take_census([]).contiguous


def test_many_sessions(tmp_path: Path) -> None:
    """A thousand sessions in any order of rows come whole."""
    records = [record(f"s-{session}", place) for session in range(1000) for place in range(3)]
    random.Random(1).shuffle(records)
    found = ids(sessions_of(tmp_path, records))
    assert len(found) == 1000
    assert all(rows == [f"{session}-{place:03d}" for place in range(3)] for session, rows in found.items())
