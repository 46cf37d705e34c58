"""What a ledger refuses to those who administer it, and the one change that it allows: a recorded purge."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.ledger.ledgers import NAMES, Ledger, PostgresLedger, SqliteLedger, hashed_rows, insert
from trajectory_compiler.ledger.purge_sql import postgres_purge, sqlite_purge_record, sqlite_purge_row
from trajectory_compiler.ledger.schema import LedgerRow, hashed_columns, insert_statement

# What the owner or a superuser may try, and what is said. A superuser can switch the guards off, but not pass them by.
ADMINISTRATION = {
    "UPDATE agent_audit_log SET tool = 'other'": "UPDATE is not allowed",
    "UPDATE agent_audit_log SET response = NULL, purge_id = 1, purged_payload_hash = 'x'": "UPDATE is not allowed",
    "DELETE FROM agent_audit_log": "DELETE is not allowed",
    "DELETE FROM agent_audit_log WHERE false": "DELETE is not allowed",
    "TRUNCATE agent_audit_log, agent_audit_log_purges": "TRUNCATE is not allowed",
    "DELETE FROM agent_audit_log_purges": "DELETE is not allowed",
    "UPDATE agent_audit_log_purges SET reason = 'x'": "UPDATE is not allowed",
    "DROP TABLE agent_audit_log CASCADE": "DROP TABLE",
    "DROP TABLE agent_audit_log_purges": "DROP TABLE",
    "DROP TRIGGER agent_audit_log_no_delete ON agent_audit_log": "DROP TRIGGER",
    "DROP POLICY agent_audit_log_select ON agent_audit_log": "DROP POLICY",
    "ALTER TABLE agent_audit_log DISABLE TRIGGER ALL": "ALTER TABLE",
    "ALTER TABLE agent_audit_log DISABLE ROW LEVEL SECURITY": "ALTER TABLE",
    "ALTER TABLE agent_audit_log ADD COLUMN more text": "ALTER TABLE",
    "ALTER TABLE agent_audit_log RENAME COLUMN tool TO old_tool": "ALTER TABLE",
    "ALTER TABLE agent_audit_log DROP COLUMN error CASCADE": "ALTER TABLE",
    "CREATE RULE gone AS ON INSERT TO agent_audit_log DO INSTEAD NOTHING": "CREATE RULE",
}
SUPERUSER_ONLY = {
    "SET session_replication_role = replica; DELETE FROM agent_audit_log": "DELETE is not allowed",
    "SET session_replication_role = replica; UPDATE agent_audit_log SET tool = 'x'": "UPDATE is not allowed",
    "DROP SCHEMA public CASCADE": "DROP SCHEMA",
    "CREATE OR REPLACE FUNCTION agent_audit_log_refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'": "CREATE FUNCTION",
    "ALTER TABLE agent_audit_log RENAME TO old_log": "ALTER TABLE",
    "ALTER TABLE agent_audit_log SET SCHEMA pg_catalog": "ALTER TABLE",
    "DROP FUNCTION agent_audit_log_only_purge CASCADE": "DROP FUNCTION",
}


@pytest.fixture
def postgres(postgres_address: str) -> PostgresLedger:
    """Return a ledger on a server."""
    return PostgresLedger(postgres_address)


@pytest.fixture(params=["sqlite", "postgres"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Ledger:
    """Return a new ledger of each database in turn."""
    return SqliteLedger(tmp_path) if request.param == "sqlite" else PostgresLedger(request.getfixturevalue("postgres_address"))


@pytest.mark.parametrize("role", ["agent_audit_log_owner", "postgres"])
def test_owner_and_superuser_meet_the_triggers(postgres: PostgresLedger, role: str) -> None:
    """Rights do not help against the triggers: the owner and a superuser are told so, and the table stays as it is."""
    assert insert(postgres) is None
    before = postgres.read("SELECT * FROM agent_audit_log")
    attempts = ADMINISTRATION if role == "agent_audit_log_owner" else ADMINISTRATION | SUPERUSER_ONLY
    answers = {sql: postgres.attempt(f"SET ROLE {role}; {sql}", admin=True) or "nothing" for sql in attempts}
    unclear = {
        sql: answers[sql] for sql, said in attempts.items() if said not in answers[sql] or "not allowed" not in answers[sql]
    }
    assert unclear == {}
    assert postgres.read("SELECT * FROM agent_audit_log") == before
    assert (
        postgres.attempt("CREATE TABLE other (id int); ALTER TABLE other ADD COLUMN name text; DROP TABLE other", admin=True)
        is None
    )


def test_owner_cannot_log_in(postgres: PostgresLedger) -> None:
    """Nobody is the owner: the role cannot log in, and not even the one who created the ledger is left a member of it."""
    members = "SELECT count(*) FROM pg_auth_members WHERE roleid = 'agent_audit_log_owner'::regrole"
    assert postgres.read(members) == [(0,)]
    assert postgres.read("SELECT rolcanlogin FROM pg_roles WHERE rolname ~ '^agent_audit_log_'") == [(False,)] * 4


def test_default_rights_of_a_server_do_not_open_the_table(postgres_address: str) -> None:
    """On a server that gives every new table to an `anon` role, as Supabase does, the ledger is closed to it."""
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(postgres_address) as connection:
        connection.execute("DO $$ BEGIN CREATE ROLE anon LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
        connection.execute("ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO anon")
        connection.execute("ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO anon")
    ledger = PostgresLedger(postgres_address)
    ledger.writer = postgres_address.replace("//postgres:", "//anon:", 1)
    assert "permission denied" in (insert(ledger) or "")
    assert "permission denied" in (ledger.attempt("SELECT * FROM agent_audit_log") or "")
    assert "permission denied" in (ledger.attempt("SELECT agent_audit_log_purge(ARRAY[1], 'order', 'mine')") or "")


def test_reader_reads_and_does_nothing_else(postgres: PostgresLedger) -> None:
    """The reader sees the rows and the purges, and may insert nothing."""
    insert(postgres)
    assert postgres.attempt("SET ROLE agent_audit_log_reader; SELECT * FROM agent_audit_log", admin=True) is None
    assert postgres.attempt("SET ROLE agent_audit_log_reader; SELECT * FROM agent_audit_log_purges", admin=True) is None
    said = postgres.attempt(
        "SET ROLE agent_audit_log_reader; INSERT INTO agent_audit_log (session_id, agent, tool) VALUES ('s', 'a', 't')",
        admin=True,
    )
    assert "permission denied" in (said or "")


def purge(ledger: Ledger, ids: list[int]) -> None:
    """Remove the payloads of some rows."""
    if ledger.dialect == "postgres":
        assert ledger.attempt(postgres_purge(NAMES), (ids, "order 7", "erasure request"), admin=True) is None
        return
    hashes = {row.id: row.payload_hash for row in hashed_rows(ledger)}
    with closing(sqlite3.connect(ledger.location)) as connection, connection:
        values = ("officer", "order 7", "erasure request", json.dumps(ids))
        record = connection.execute(sqlite_purge_record(NAMES), values).fetchone()[0]
        connection.executemany(sqlite_purge_row(NAMES), [(record, hashes[row_id], row_id) for row_id in ids])


def test_a_purge_takes_the_payload_and_leaves_the_hash(ledger: Ledger) -> None:
    """The row keeps its place and its hash, and its record says on whose order the payload went; others stay whole."""
    for number in (1, 2, 3):
        assert insert(ledger, idempotency_key=f"key-{number}", extra='{"a": 1}') is None
    before = hashed_rows(ledger)
    purge(ledger, [1, 3])
    after = hashed_rows(ledger)
    assert [row.row_hash for row in after] == [row.row_hash for row in before]
    assert [row.payload for row in after] == [(None,) * 4, before[1].payload, (None,) * 4]
    record = ledger.read("SELECT id, reference, reason, purged_by FROM agent_audit_log_purges")
    assert [row.purge_id for row in after] == [record[0][0], None, record[0][0]]
    assert record[0][1:] == ("order 7", "erasure request", "postgres" if ledger.dialect == "postgres" else "officer")
    if ledger.dialect == "postgres":
        assert [row.stored_hash for row in after] == [row.stored_hash for row in before]


def test_a_purged_row_stays_purged(ledger: Ledger) -> None:
    """A purge cannot be undone, repeated or used to write something else into the row."""
    insert(ledger)
    purge(ledger, [1])
    for sql in (
        "UPDATE agent_audit_log SET response = '{}' WHERE id = 1",
        "UPDATE agent_audit_log SET purge_id = NULL, purged_payload_hash = NULL WHERE id = 1",
        "DELETE FROM agent_audit_log_purges",
    ):
        assert "not allowed" in (ledger.attempt(sql, admin=True) or "")
    assert insert(ledger) is None  # the same row sent again by a writer that was away: still one row, still purged
    assert [row.payload for row in hashed_rows(ledger)] == [(None,) * 4]


def test_a_purge_needs_its_right_and_its_rows(postgres: PostgresLedger) -> None:
    """Only the purger may purge; rows that do not exist or are purged already end it, and nothing is changed."""
    insert(postgres)
    call = "SELECT agent_audit_log_purge(ARRAY[1], 'order 7', 'erasure')"
    assert "permission denied" in (postgres.attempt(f"SET ROLE agent_audit_log_reader; {call}", admin=True) or "")
    missing = call.replace("[1]", "[1, 99]")
    assert "1 of 2 rows do not exist" in (postgres.attempt(f"SET ROLE agent_audit_log_purger; {missing}", admin=True) or "")
    assert postgres.read("SELECT count(*) FROM agent_audit_log_purges") == [(0,)]
    assert postgres.attempt(f"SET ROLE agent_audit_log_purger; {call}", admin=True) is None
    assert "1 of 1 rows" in (postgres.attempt(f"SET ROLE agent_audit_log_purger; {call}", admin=True) or "")


def test_a_purge_cannot_lie_about_the_hash(postgres: PostgresLedger) -> None:
    """The owner may empty a payload under a record, but only to the hash that it had: a row cannot be swapped that way."""
    insert(postgres)
    record = (
        "INSERT INTO agent_audit_log_purges (reference, reason, row_ids) VALUES ('order 7', 'erasure', ARRAY[1]) RETURNING id"
    )
    emptied = "arguments = NULL, response = NULL, error = NULL, extra = NULL, purge_id = (SELECT id FROM made)"
    lie = f"WITH made AS ({record}) UPDATE agent_audit_log SET {emptied}, purged_payload_hash = sha256('x') WHERE id = 1"
    assert "UPDATE is not allowed" in (postgres.attempt(f"SET ROLE agent_audit_log_owner; {lie}", admin=True) or "")


TEXTS = st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS, st.lists, max_leaves=4
)
ROWS = st.fixed_dictionaries(
    {
        "session_id": TEXTS,
        "called_at": st.datetimes().map(lambda moment: moment.isoformat(timespec="microseconds") + "Z"),
        "agent": TEXTS,
        "tool": TEXTS,
        "arguments": st.none() | JSON.map(json.dumps),
        "response": st.none() | JSON.map(lambda value: json.dumps(value, ensure_ascii=False)),
        "cost_usd": st.none() | st.decimals(0, 999_999, places=9),
        "duration_ms": st.none() | st.floats(0, 1e9),
        "parent_id": st.none() | TEXTS,
        "truncated": st.booleans(),
    }
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(row=ROWS, zone=st.sampled_from(["UTC", "Asia/Kolkata", "America/St_Johns"]), failed=st.booleans())
def test_the_database_and_the_reader_hash_alike(postgres: PostgresLedger, row: dict[str, Any], zone: str, failed: bool) -> None:
    """The generated hash is the one that a reader computes from what it reads, whatever the settings of either connection."""
    psycopg = pytest.importorskip("psycopg")
    row |= {"status": "error", "error": "failed: \\x41"} if failed else {"status": "ok", "error": None}
    with psycopg.connect(postgres.writer) as writer:
        writer.execute(
            f"SET TimeZone = '{zone}'; SET extra_float_digits = -5; SET DateStyle = 'SQL, DMY'; SET search_path = pg_temp"
        )
        writer.execute(
            insert_statement("postgres", NAMES, list(row)).replace("agent_audit_log", "public.agent_audit_log"),
            list(row.values()),
        )
    with psycopg.connect(postgres.location) as reader:
        reader.execute("SET TimeZone = 'Pacific/Auckland'; SET bytea_output = 'escape'")
        select = f"SELECT {hashed_columns('postgres')} FROM agent_audit_log ORDER BY id DESC LIMIT 1"
        found = LedgerRow.of(reader.execute(select).fetchone())
    assert found.stored_hash == found.row_hash


def test_following_the_transaction_misses_no_row(postgres: PostgresLedger) -> None:
    """A row of a slow transaction has a smaller id than rows read before it; whoever follows transaction ids gets it."""
    psycopg = pytest.importorskip("psycopg")
    read: list[int] = []
    after = "0"

    def follow() -> None:
        nonlocal after
        horizon = postgres.read("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")[0][0]
        window = f"transaction_id >= '{after}' AND transaction_id < '{horizon}'"
        read.extend(row[0] for row in postgres.read(f"SELECT id FROM agent_audit_log WHERE {window} ORDER BY id"))
        after = horizon

    insert(postgres, idempotency_key="first")
    with psycopg.connect(postgres.writer) as slow:
        slow.execute("INSERT INTO agent_audit_log (session_id, agent, tool) VALUES ('s-2', 'clerk', 'slow')")
        insert(postgres, idempotency_key="third")
        follow()
        assert read == [1]
    follow()
    assert read == [1, 2, 3]
