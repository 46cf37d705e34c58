"""Logs of every kind into ledgers: each row once, in order, and read back as it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.logs import write_small_log
from tests.ledger.written import Written, sqlite_written
from trajectory_compiler import cli
from trajectory_compiler.config import SessionOptions, SourceOptions
from trajectory_compiler.demo import write_demo_log
from trajectory_compiler.errors import LedgerError
from trajectory_compiler.ledger import Recorder, RecorderOptions
from trajectory_compiler.ledger.importing import IMPORT, SPOOL, ImportOptions, ImportReport, import_log
from trajectory_compiler.model import RawTrajectory
from trajectory_compiler.sessions import open_sessions
from trajectory_compiler.sources import open_source
from trajectory_compiler.sources.stamps import instant

NOW = 1_772_442_000.0


def run(log: Path, to: str, **source: Any) -> ImportReport:
    """Import a log without showing progress."""
    return import_log(str(log), to, ImportOptions(source=SourceOptions(**source)), lambda *_: None, NOW)


def sessions_of(location: str) -> list[RawTrajectory]:
    """Return the sessions of a log, all of them."""
    return list(open_sessions(open_source(location, SourceOptions()), SessionOptions(min_turns=1)))


def shape(sessions: list[RawTrajectory]) -> dict[str, list[Any]]:
    """Return what a compile looks at, in its order."""
    return {
        session.session_id: [
            (
                instant(row.created_at or "-"),
                row.agent,
                row.tool,
                row.kind,
                row.arguments,
                row.response,
                row.cost_usd,
                row.success,
            )
            for row in session.rows
        ]
        for session in sessions
    }


def test_a_log_reads_back_as_it_was(written: Written, tmp_path: Path) -> None:
    """Sessions, order, payloads, outcomes and costs of the demo log are the same when read from the ledger, with no mapping."""
    log = tmp_path / "demo.jsonl"
    write_demo_log(log, 0, 1)
    small = tmp_path / "small.jsonl"
    small.write_text("".join(log.read_text().splitlines(keepends=True)[:1500]))
    report = run(small, written.address)
    assert (report.rows, report.new, report.there, report.refused) == (1500, 1500, 0, 0)
    assert shape(sessions_of(written.owner)) == shape(sessions_of(str(small)))


def test_again_writes_what_is_new(written: Written, tmp_path: Path) -> None:
    """A second import of a log that has grown writes the rows that were added and nothing else."""
    log = write_small_log(tmp_path / "log.jsonl")
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join(lines[:-3]))
    first = run(log, written.address)
    log.write_text("".join(lines))
    second = run(log, written.address)
    assert (second.new, second.there) == (3, first.rows)
    assert len(written.rows()) == first.rows + 3
    assert run(log, written.address).new == 0


def test_rows_without_ids_are_told_apart_by_content(tmp_path: Path) -> None:
    """Two logs of one name whose rows have no ids do not hide each other; the same log twice is there once."""
    written = sqlite_written(tmp_path)
    for folder, tool in (("a", "look"), ("b", "find"), ("a", "look")):
        log = tmp_path / folder / "log.jsonl"
        log.parent.mkdir(exist_ok=True)
        log.write_text("".join(json.dumps({"session": "s", "tool": tool, "args": {"n": n}}) + "\n" for n in range(3)))
        run(log, written.address)
    assert [row["tool"] for row in written.rows()] == ["look"] * 3 + ["find"] * 3


def test_where_a_row_came_from_and_when(tmp_path: Path) -> None:
    """The log's stamp becomes `called_at`, what it had besides stands in `extra`, with source, row and stamp as they were."""
    written = sqlite_written(tmp_path)
    log = tmp_path / "log.jsonl"
    rows = [
        {"id": "r1", "session_id": "s", "tool": "t", "ts": "2026-03-02T09:00:00.123456789+01:00", "mood": "fine"},
        {"id": "r2", "session_id": "s", "tool": "t", "ts": "2026-03-02T09:00:01+01:00", "success": False},
    ]
    log.write_text("".join(json.dumps(row) + "\n" for row in rows))
    run(log, written.address, name="crm")
    first, second = written.rows()
    assert first["called_at"] == "2026-03-02T08:00:00.123456Z"
    assert first["extra"] == {
        "mood": "fine",
        IMPORT: {"source": "crm", "row": "r1", "created_at": "2026-03-02T08:00:00.123456789Z"},
    }
    assert (first["status"], second["status"]) == (None, "error")
    assert first["idempotency_key"] == "crm/s/r1"


def test_rows_without_stamps_keep_their_order(tmp_path: Path) -> None:
    """Where some rows of a session have no time, all get that of the import and keep the order of the log."""
    written = sqlite_written(tmp_path)
    log = tmp_path / "log.jsonl"
    stamps = ["2026-03-02T09:00:00Z", None, "2026-03-02T09:00:02Z", None]
    rows = [{"id": f"r{n}", "session_id": "s", "tool": "t", "ts": stamp} for n, stamp in enumerate(stamps)]
    log.write_text("".join(json.dumps(row) + "\n" for row in rows))
    run(log, written.address)
    assert set(written.column("called_at")) == {"2026-03-02T09:00:00.000000Z"}
    (session,) = sessions_of(written.address)
    assert [row.extra["extra"][IMPORT]["row"] for row in session.rows] == ["r0", "r1", "r2", "r3"]


def test_what_is_dropped_is_said(tmp_path: Path) -> None:
    """Lines that are no rows are findings of the import."""
    written = sqlite_written(tmp_path)
    log = tmp_path / "log.jsonl"
    log.write_text('{"id": 1, "session_id": "s", "tool": "t"}\nnot json\n{"id": 2, "tool": "t"}\n')
    report = run(log, written.address)
    assert {finding.reason: finding.count for finding in report.findings} == {"unreadable_json": 1, "no_session_id": 1}
    assert report.new == 1


def test_a_changed_row_is_refused_by_a_file(tmp_path: Path) -> None:
    """An append-only ledger does not take another content for a row that it has: in SQLite the import names the row."""
    written = sqlite_written(tmp_path)
    log = tmp_path / "log.jsonl"
    for tool in ("look", "find"):
        log.write_text(f'{{"id": 1, "session_id": "s", "tool": "{tool}"}}\n{{"id": 2, "session_id": "s", "tool": "t"}}\n')
        report = run(log, written.address)
    assert (report.refused, report.there) == (1, 1)
    assert [(finding.reason, finding.detail) for finding in report.findings] == [("refused_by_ledger", "row '1'")]
    assert written.column("tool") == ["look", "t"]


def test_a_ledger_that_is_not_there(tmp_path: Path, postgres_address: str) -> None:
    """Where there is no table, or nobody answers, one sentence says what to do."""
    log = write_small_log(tmp_path / "log.jsonl")
    with pytest.raises(LedgerError, match="Create the ledger with: trajc ledger init"):
        run(log, postgres_address)
    with pytest.raises(LedgerError, match="Run the same command again"):
        run(log, "postgresql://a:secret@127.0.0.1:1/db")


def test_a_spool_that_was_left(tmp_path: Path) -> None:
    """What an agent recorded while its database was away, and never came back for, is imported under its keys, then removed."""
    address = tmp_path / "later" / "ledger.db"
    options = RecorderOptions(spool=str(tmp_path / "spool"), exit_seconds=0.2)
    recorder = Recorder(str(address), options=options)
    keys = [recorder.record("t", {"n": number}) for number in range(20)]
    recorder.close()
    with pytest.raises(LedgerError, match="Run the same command again"):
        run(tmp_path / "spool", str(address))
    address.parent.mkdir()
    report = run(tmp_path / "spool", str(address))
    assert (report.format, report.sessions, report.rows, report.new) == (SPOOL, 1, 20, 20)
    assert Written(str(address), str(address), tmp_path).column("idempotency_key") == keys
    assert not list((tmp_path / "spool").glob("*/2*"))


def test_another_ledgers_spool_is_left_alone(tmp_path: Path) -> None:
    """Rows that wait for one ledger do not go into another that shares the spool."""
    options = RecorderOptions(spool=str(tmp_path / "spool"), exit_seconds=0.2)
    recorder = Recorder(str(tmp_path / "no" / "ledger.db"), options=options)
    recorder.record("t")
    recorder.close()
    written = sqlite_written(tmp_path)
    assert run(tmp_path / "spool", written.address).rows == 0
    assert list((tmp_path / "spool").glob("*/2*"))


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`trajc ledger import` says what it did, as text and as JSON, and ends with 1 where the ledger refused a row."""
    log, to = tmp_path / "log.jsonl", str(tmp_path / "ledger.db")
    log.write_text('{"id": 1, "session_id": "s", "tool": "t"}\nnot json\n')
    assert cli.run(["ledger", "import", str(log), "--to", to]) == 0
    said = capsys.readouterr().out
    assert "1 row of 1 session: 1 written, 0 were there" in said
    assert "the line is not JSON" in said
    log.write_text('{"id": 1, "session_id": "s", "tool": "another"}\n')
    assert cli.run(["ledger", "import", str(log), "--to", to, "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["refused"], report["findings"][0]["reason"]) == (1, "refused_by_ledger")
    assert cli.run(["ledger", "import", str(tmp_path / "none.jsonl"), "--to", to]) == 2
    assert "Cannot read" in capsys.readouterr().err
