"""The description of a row for its recipients: it is current, and real rows of both databases follow it."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from tests.ledger.ledgers import Ledger, PostgresLedger, SqliteLedger, insert
from trajectory_compiler.ledger.row_schema import row_schema
from trajectory_compiler.ledger.schema import COLUMNS

jsonschema = pytest.importorskip("jsonschema", reason="the package jsonschema is not installed")


def valid(row: dict[str, Any]) -> bool:
    """Say whether a row follows the schema."""
    return bool(jsonschema.Draft202012Validator(row_schema()).is_valid(row))


def test_the_pages_are_current(root: Path) -> None:
    """The table of columns and the JSON Schema are the code's; after a change run `python docs/generate_ledger.py`."""
    generator = runpy.run_path(str(root / "docs" / "generate_ledger.py"))
    assert (root / "docs" / "ledger-row.schema.json").read_text(encoding="utf-8") == generator["schema"]()
    page = (root / "docs" / "ledger-schema.md").read_text(encoding="utf-8")
    assert page == generator["page"]()
    assert all(f"| `{column.name}` |" in page for column in COLUMNS)


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_real_rows_follow_the_schema(request: pytest.FixtureRequest, tmp_path: Path, database: str) -> None:
    """A full row, a bare one and a purged one, as either database gives them as JSON."""
    ledger: Ledger
    if database == "postgres":
        ledger = PostgresLedger(request.getfixturevalue("postgres_address"))
        plain = "to_jsonb(log) || jsonb_build_object('row_hash', encode(row_hash, 'hex'), 'purged_payload_hash', "
        select = f"SELECT ({plain} encode(purged_payload_hash, 'hex')))::text FROM agent_audit_log AS log"
    else:
        ledger = SqliteLedger(tmp_path)
        texts = {"arguments": "json(arguments)", "response": "json(response)", "extra": "json(extra)"}
        texts |= {
            "truncated": "json(iif(truncated, 'true', 'false'))",
            "purged_payload_hash": "lower(hex(purged_payload_hash))",
        }
        texts["purged_payload_hash"] = "iif(purge_id IS NULL, NULL, lower(hex(purged_payload_hash)))"
        pairs = ", ".join(f"'{c.name}', {texts.get(c.name, c.name)}" for c in COLUMNS if c.sqlite)
        select = f"SELECT json_object({pairs}) FROM agent_audit_log"
    insert(ledger, extra='{"region": "north"}', status="error", error="no", parent_id="key-0")
    assert ledger.attempt("INSERT INTO agent_audit_log (session_id, agent, tool) VALUES ('s', 'a', 't')") is None
    if database == "postgres":
        assert ledger.attempt("SELECT agent_audit_log_purge(ARRAY[1], 'order', 'why')", admin=True) is None
    rows = [json.loads(text) for (text,) in ledger.read(select)]
    assert len(rows) == 2
    errors = [error.message for row in rows for error in jsonschema.Draft202012Validator(row_schema()).iter_errors(row)]
    assert errors == []


def test_what_is_no_row_is_refused() -> None:
    """A missing session, an empty tool, a status of one's own and a column that does not exist do not follow the schema."""
    row = {
        "id": 1,
        "session_id": "s",
        "created_at": "2026-01-31T12:00:00Z",
        "called_at": "2026-01-31T12:00:00Z",
        "idempotency_key": "k",
        "agent": "a",
        "tool": "t",
        "response": "text",
        "truncated": False,
    }
    assert valid(row)
    wrong: list[dict[str, Any]] = [
        {"tool": ""},
        {"status": "fine"},
        {"more": 1},
        {"row_hash": "xyz"},
        {"cost_usd": -1},
        {"extra": []},
    ]
    assert [valid(row | change) for change in wrong] == [False] * len(wrong)
    assert not valid({name: value for name, value in row.items() if name != "session_id"})
