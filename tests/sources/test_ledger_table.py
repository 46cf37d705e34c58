"""A ledger is read with no mapping: its table is found, its columns are known, its JSON and its failures are what they say."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.ledger.ledgers import Ledger, PostgresLedger, SqliteLedger, insert
from tests.sources.logs import read, small_log, write_postgres, write_sqlite
from trajectory_compiler.config import SourceOptions
from trajectory_compiler.errors import SourceError
from trajectory_compiler.sources import open_source


@pytest.fixture(params=["sqlite", "postgres"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Ledger:
    """Return a new ledger of each database in turn."""
    return SqliteLedger(tmp_path) if request.param == "sqlite" else PostgresLedger(request.getfixturevalue("postgres_address"))


def test_a_ledger_needs_no_mapping(ledger: Ledger) -> None:
    """Every column serves its role for certain, and a row says when the call was made, not when it arrived."""
    insert(ledger, response='"plain text"', extra='{"region": "north"}')
    source = open_source(ledger.location, SourceOptions())
    assert set(source.mapping.confidence.values()) == {1.0}
    rows, counts = read(source)
    assert counts == {}
    (row,) = rows
    assert (row.session_id, row.agent, row.tool, row.success) == ("s-1", "clerk", "get_ticket", True)
    assert row.created_at == "2026-01-31T12:00:00.000250Z"
    assert (row.arguments, row.response) == ({"ticket": "T-1"}, "plain text")
    assert (row.cost_usd, row.duration_ms) == (0.00025, 12.5)
    assert row.extra["extra"] == {"region": "north"}
    assert row.extra["idempotency_key"] == "key-1"


def test_status_tells_success_and_an_error_is_the_response(ledger: Ledger) -> None:
    """Each status is an outcome; a call that only failed answers with its error; without a status the response decides."""
    insert(ledger, idempotency_key="1", status="error", error="no such ticket", response=None)
    insert(ledger, idempotency_key="2", status="timeout", response=None)
    insert(ledger, idempotency_key="3", status="denied", error="not yours", response='{"code": 403}')
    insert(ledger, idempotency_key="4", status=None)
    insert(ledger, idempotency_key="5", status=None, response=None)
    rows, _ = read(open_source(ledger.location, SourceOptions()))
    assert [row.success for row in sorted(rows, key=lambda row: int(row.id))] == [False, False, False, True, None]
    assert [row.response for row in rows][:3] == [{"error": "no such ticket"}, None, {"code": 403}]


def test_the_ledger_is_found_among_tables(ledger: Ledger) -> None:
    """With another log beside it the ledger is the one that is read; of two ledgers, one must be named."""
    insert(ledger)
    if ledger.dialect == "postgres":
        write_postgres(ledger.location, small_log())
    else:
        write_sqlite(Path(ledger.location), small_log())
    assert open_source(ledger.location, SourceOptions()).name == "agent_audit_log"
    assert open_source(ledger.location, SourceOptions(table="audit")).name == "audit"
    assert ledger.attempt("CREATE TABLE copied AS SELECT * FROM agent_audit_log", admin=True) is None
    with pytest.raises(SourceError, match="several tables could be the log: agent_audit_log, audit, copied"):
        open_source(ledger.location, SourceOptions())


def test_a_named_column_still_wins(ledger: Ledger) -> None:
    """Who wants the time of arrival names it."""
    insert(ledger)
    source = open_source(ledger.location, SourceOptions(columns={"created_at": "created_at"}))
    (row,) = source.rows()
    assert (row.created_at or "")[:10] != "2026-01-31"
    assert "called_at" in row.extra


def test_an_address_of_a_file_is_its_path(tmp_path: Path) -> None:
    """`sqlite:///path` opens what the path opens."""
    ledger = SqliteLedger(tmp_path)
    insert(ledger)
    assert len(list(open_source(f"sqlite:///{ledger.location}", SourceOptions()).rows())) == 1


def test_a_hash_beside_the_text_costs_no_row(tmp_path: Path) -> None:
    """A binary value that is no text is kept in hexadecimal; binary text is kept as text."""
    path = tmp_path / "log.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE log (session_id TEXT, tool TEXT, digest BLOB, note BLOB)")
        connection.execute("INSERT INTO log VALUES ('s', 't', x'FF00', x'41')")
    rows, counts = read(open_source(str(path), SourceOptions()))
    assert (rows[0].extra, counts) == ({"digest": "ff00", "note": "A"}, {})
