"""What a ledger promises in either database: rows come in, whole and once, and nothing that its writer tries changes one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.ledger.ledgers import Ledger, PostgresLedger, SqliteLedger, hashed_rows, insert

DENIED = "permission denied for"
SAME_KEY = "INTO agent_audit_log (session_id, agent, tool, idempotency_key) VALUES ('s-1', 'clerk', 'other', 'key-1')"
EVERYTHING = "SELECT * FROM agent_audit_log ORDER BY id"
# What a writer may try: the statement, and what PostgreSQL and SQLite say. None where the database has no such statement.
ATTEMPTS: dict[str, tuple[str, str | None, str | None]] = {
    "update": ("UPDATE agent_audit_log SET tool = 'other'", DENIED, "append-only: UPDATE is not allowed"),
    "update one": ("UPDATE agent_audit_log SET error = 'x' WHERE id = 1", DENIED, "append-only: UPDATE is not allowed"),
    "update from": (
        "UPDATE agent_audit_log SET tool = o.tool FROM (SELECT 'other' AS tool) AS o",
        DENIED,
        "append-only: UPDATE is not allowed",
    ),
    "delete": ("DELETE FROM agent_audit_log", DENIED, "append-only: DELETE is not allowed"),
    "delete one": ("DELETE FROM agent_audit_log WHERE id = 1", DENIED, "append-only: DELETE is not allowed"),
    "truncate": ("TRUNCATE agent_audit_log", DENIED, None),
    "drop": ("DROP TABLE agent_audit_log", "must be owner", "not authorized"),
    "drop cascade": ("DROP TABLE agent_audit_log CASCADE", "must be owner", None),
    "alter": ("ALTER TABLE agent_audit_log ADD COLUMN more text", "must be owner", "not authorized"),
    "rename": ("ALTER TABLE agent_audit_log RENAME TO old_log", "must be owner", "not authorized"),
    "drop column": ("ALTER TABLE agent_audit_log DROP COLUMN response", "must be owner", "not authorized"),
    "disable triggers": ("ALTER TABLE agent_audit_log DISABLE TRIGGER ALL", "must be owner", None),
    "drop a trigger": ("DROP TRIGGER agent_audit_log_no_update", None, "not authorized"),
    "drop a trigger of the table": (
        "DROP TRIGGER agent_audit_log_no_update ON agent_audit_log",
        "must be owner",
        None,
    ),
    "add a trigger": (
        "CREATE TRIGGER mine BEFORE INSERT ON agent_audit_log EXECUTE FUNCTION agent_audit_log_refuse()",
        DENIED,
        None,
    ),
    "add an index": ("CREATE INDEX mine ON agent_audit_log (tool)", "must be owner", "not authorized"),
    "merge": (
        "MERGE INTO agent_audit_log AS log USING (SELECT 1) AS new ON log.id = 1 WHEN MATCHED THEN UPDATE SET tool = 'other'",
        DENIED,
        None,
    ),
    "upsert": (
        f"INSERT {SAME_KEY} ON CONFLICT (idempotency_key) DO UPDATE SET tool = excluded.tool",
        DENIED,
        "belongs to another row, which cannot be replaced",
    ),
    "replace": (
        f"INSERT OR REPLACE {SAME_KEY}",
        None,
        "belongs to another row, which cannot be replaced",
    ),
    "update or replace": ("UPDATE OR REPLACE agent_audit_log SET id = 2 WHERE id = 1", None, "UPDATE is not allowed"),
    "back-date": (
        "INSERT INTO agent_audit_log (session_id, agent, tool, created_at) VALUES ('s-1', 'a', 't', '2020-01-01 00:00:00Z')",
        DENIED,
        "created_at is set by the database",
    ),
    "choose an id": (
        "INSERT INTO agent_audit_log (id, session_id, agent, tool) VALUES (700, 's-1', 'a', 't')",
        'cannot insert a non-DEFAULT value into column "id"',
        "id is chosen by the database",
    ),
    "choose an id that exists": (
        "INSERT INTO agent_audit_log (id, session_id, agent, tool) VALUES (1, 's-1', 'a', 't')",
        'cannot insert a non-DEFAULT value into column "id"',
        "id is chosen by the database",
    ),
    "replace by id": (
        "INSERT OR REPLACE INTO agent_audit_log (id, session_id, agent, tool) VALUES (1, 's-1', 'a', 't')",
        None,
        "id is chosen by the database",
    ),
    "choose a negative id": (
        "INSERT INTO agent_audit_log (id, session_id, agent, tool) VALUES (-1, 's-1', 'a', 't')",
        'cannot insert a non-DEFAULT value into column "id"',
        "id is chosen by the database",
    ),
    "override the id": (
        "INSERT INTO agent_audit_log (id, session_id, agent, tool) OVERRIDING SYSTEM VALUE VALUES (700, 's-1', 'a', 't')",
        DENIED,
        None,
    ),
    "choose the hash": (
        "INSERT INTO agent_audit_log (session_id, agent, tool, row_hash) VALUES ('s-1', 'a', 't', 'abc')",
        'cannot insert a non-DEFAULT value into column "row_hash"',
        "no column named row_hash",
    ),
    "choose the transaction": (
        "INSERT INTO agent_audit_log (session_id, agent, tool, transaction_id) VALUES ('s-1', 'a', 't', '5')",
        DENIED,
        "no column named transaction_id",
    ),
    "pretend a purge": (
        "INSERT INTO agent_audit_log (session_id, agent, tool, purge_id) VALUES ('s-1', 'a', 't', 1)",
        DENIED,
        "set by a purge",
    ),
    "purge": ("SELECT agent_audit_log_purge(ARRAY[1], 'order 1', 'mine')", DENIED, None),
    "write a purge record": (
        "INSERT INTO agent_audit_log_purges (purged_by, reference, reason) VALUES ('me', 'order 1', 'mine')",
        DENIED,
        "not authorized",
    ),
    "read": ("SELECT * FROM agent_audit_log", DENIED, None),
    "become the owner": ("SET ROLE agent_audit_log_owner", "permission denied to set role", None),
    "switch triggers off": ("SET session_replication_role = replica", "permission denied to set parameter", None),
    "write the schema": ("PRAGMA writable_schema = ON", None, "not authorized"),
    "attach a file": ("ATTACH ':memory:' AS other", None, "not authorized"),
}


@pytest.fixture(params=["sqlite", "postgres"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Ledger:
    """Return a new ledger of each database in turn."""
    if request.param == "sqlite":
        return SqliteLedger(tmp_path)
    return PostgresLedger(request.getfixturevalue("postgres_address"))


def test_no_attempt_of_the_writer_changes_a_row(ledger: Ledger) -> None:
    """Every attempt fails with a message that says what is not allowed, and leaves the rows as they were."""
    assert insert(ledger) is None
    assert insert(ledger, idempotency_key="key-2") is None
    before = ledger.read(EVERYTHING)
    place = 1 if ledger.dialect == "postgres" else 2
    attempts = {name: (attempt[0], said) for name, attempt in ATTEMPTS.items() if (said := attempt[place]) is not None}
    answers = {name: ledger.attempt(sql) for name, (sql, _) in attempts.items()}
    unclear = {name: answers[name] for name, (_, said) in attempts.items() if said not in (answers[name] or "")}
    assert unclear == {}
    assert ledger.read(EVERYTHING) == before
    assert len(before) == 2


def test_a_row_sent_twice_is_one_row(ledger: Ledger) -> None:
    """The idempotency key makes a second insert harmless, with no right but INSERT, and says nothing against it."""
    for _ in range(3):
        assert insert(ledger) is None
    assert insert(ledger, idempotency_key="key-2") is None
    assert [row[0] for row in ledger.read("SELECT idempotency_key FROM agent_audit_log ORDER BY id")] == ["key-1", "key-2"]


def test_writers_at_once_lose_and_double_nothing(ledger: Ledger) -> None:
    """Eight writers that send the same rows at once leave each row once."""

    def write(writer: int) -> list[str | None]:
        return [insert(ledger, idempotency_key=f"key-{(writer + place) % 25}") for place in range(25)]

    with ThreadPoolExecutor(8) as pool:
        answers = [answer for answers in pool.map(write, range(8)) for answer in answers]
    assert set(answers) == {None}
    keys = sorted(row[0] for row in ledger.read("SELECT idempotency_key FROM agent_audit_log"))
    assert keys == sorted(f"key-{place}" for place in range(25))


def test_a_row_that_is_none_is_refused_in_words(ledger: Ledger) -> None:
    """An empty session, a status of one's own, an error that is none, a negative cost and broken JSON are named."""
    wrong: dict[str, tuple[dict[str, object], str]] = {
        "session": ({"session_id": ""}, "must not be empty"),
        "tool": ({"tool": ""}, "must not be empty"),
        "status": ({"status": "fine"}, "status must be one of ok, error"),
        "error": ({"error": "it broke"}, "other than ok"),
        "error without status": ({"error": "it broke", "status": None}, "other than ok"),
        "cost": ({"cost_usd": -1.0}, "cost_usd"),
        "duration": ({"duration_ms": -0.5}, "duration_ms"),
        "arguments": ({"arguments": "{no json"}, "json"),
        "called_at": ({"called_at": "yesterday-ish"}, "time" if ledger.dialect == "postgres" else "called_at must look like"),
    }
    answers = {name: insert(ledger, **columns) for name, (columns, _) in wrong.items()}
    assert {name: answers[name] for name, (_, said) in wrong.items() if said not in (answers[name] or "").lower()} == {}
    assert ledger.read(EVERYTHING) == []


def test_the_database_sets_what_the_writer_may_not(ledger: Ledger) -> None:
    """Ids rise, created_at is the database's clock, called_at the writer's word, and a missing key is random."""
    assert insert(ledger) is None
    assert ledger.attempt("INSERT INTO agent_audit_log (session_id, agent, tool) VALUES ('s-1', 'clerk', 'get')") is None
    columns = "id, CAST(created_at AS TEXT), CAST(called_at AS TEXT), idempotency_key"
    first, second = ledger.read(f"SELECT {columns} FROM agent_audit_log ORDER BY id")
    assert first[0] < second[0]
    assert first[1] <= second[1]
    assert first[1][:4] >= "2026"
    assert first[2][:10] == "2026-01-31"
    assert second[2][:10] == second[1][:10]
    assert len(second[3]) >= 32


def test_a_row_keeps_every_character(ledger: Ledger) -> None:
    """JSON comes back as it was written: order, spaces, doubled keys, escaped NULs; and the row hash covers all of it."""
    odd = '{"b": 1,  "a": "\\u0000 \\\\ ü 😀", "a": [1.0, 1e3]}'
    assert insert(ledger, arguments=odd, response='"line\\nbreak"', tool="back\\slash", extra="{}") is None
    select = "SELECT CAST(arguments AS TEXT), CAST(response AS TEXT), tool FROM agent_audit_log"
    assert ledger.read(select) == [(odd, '"line\\nbreak"', "back\\slash")]
    (row,) = hashed_rows(ledger)
    assert row.payload[0] == odd
    if ledger.dialect == "postgres":
        assert row.stored_hash == row.row_hash
