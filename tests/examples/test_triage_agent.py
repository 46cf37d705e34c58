"""The example agent, run as its page says: it works, it is recorded, and its ledger compiles with no mapping."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from trajectory_compiler.cli import run


@pytest.fixture(scope="module")
def folder(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Let the agent work for six sessions and return its folder."""
    folder = tmp_path_factory.mktemp("example") / "triage"
    command = [sys.executable, "-m", "examples.triage_agent", "--folder", str(folder)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "30 tickets closed in 6 sessions" in done.stdout
    return folder


def test_the_agent_really_did_it(folder: Path) -> None:
    """The repository holds the agent's commits, the database its closed tickets, and the checks pass."""
    log = subprocess.run(["git", "log", "--format=%s"], cwd=folder / "repository", capture_output=True, text=True, check=True)
    assert len([line for line in log.stdout.splitlines() if line.startswith("T-")]) == 30
    with closing(sqlite3.connect(folder / "company.db")) as connection:
        assert connection.execute("SELECT DISTINCT state FROM tickets").fetchall() == [("closed",)]
        checks = connection.execute("SELECT part, setting, policy FROM tickets ORDER BY ticket DESC LIMIT 3").fetchall()
    for check in checks:
        subprocess.run([sys.executable, "check.py", *check], cwd=folder / "repository", capture_output=True, check=True)


def test_every_call_is_recorded(folder: Path) -> None:
    """The ledger holds each session's calls in order, the refused commits among them, with arguments, responses and times."""
    with closing(sqlite3.connect(folder / "ledger.db")) as connection:
        rows = connection.execute("SELECT session_id, tool, status, error FROM agent_audit_log ORDER BY id").fetchall()
    assert [session for session, *_ in rows] == sorted(session for session, *_ in rows)
    assert len({session for session, *_ in rows}) == 6
    refused = [error for _, tool, status, error in rows if tool == "commit" and status == "denied"]
    assert refused
    assert all("needs a line 'Approved-by: PERSON'" in error for error in refused)
    assert len([1 for _, tool, status, _ in rows if tool == "commit" and status == "ok"]) == 30
    assert not list((folder / "spool").glob("*/2*"))


def test_its_ledger_compiles_into_proved_pairs(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`trajc compile ledger.db`, with no mapping, proves pairs in every session and by several families."""
    monkeypatch.chdir(tmp_path)
    assert run(["compile", str(folder / "ledger.db"), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["sessions"] == 6
    assert summary["proved"] >= 60
    assert run(["sample", "--limit", "1000", "--json"]) == 0
    pairs = json.loads(capsys.readouterr().out)
    assert len({pair["session_id"] for pair in pairs}) == 6
    assert len({pair["qa_type"] for pair in pairs}) >= 5
