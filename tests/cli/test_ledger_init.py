"""`trajc ledger init` at the command line, and the whole way from an empty ledger to proved pairs."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Trajc
from tests.postgres_server import postgres_address
from trajectory_compiler.ledger.schema import Names, insert_statement

__all__ = ["postgres_address"]
NAMES = Names.of("agent_audit_log")


def rows_for_a_ledger(log: Path) -> list[dict[str, object]]:
    """Return the rows of a JSONL log as a writer would send them."""
    rows = []
    for line in log.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        stamp = row["created_at"].removesuffix("Z")
        rows.append(
            {
                "session_id": row["session_id"],
                "called_at": f"{stamp if '.' in stamp else stamp + '.'}".ljust(26, "0") + "Z",
                "agent": row["agent"],
                "tool": row["tool"],
                "arguments": json.dumps(row["arguments"]),
                "response": json.dumps(row["response"]),
            }
        )
    return rows


def test_init_says_what_stands_and_what_to_do(trajc: Trajc) -> None:
    """The first run lists the guards and the next step, the second says that nothing was changed, JSON holds the same."""
    first, second = trajc("ledger", "init", "log.db"), trajc("ledger", "init", "log.db")
    assert (first.code, second.code) == (0, 0)
    assert "agent_audit_log (SQLite): created" in first.out
    assert "seal it" in first.out
    assert "nothing was changed" in second.out
    report = json.loads(trajc("ledger", "init", "log.db", "--json").out)
    assert (report["changed"], {part["stands"] for part in report["parts"]}) == (False, {True})


@pytest.mark.parametrize("url", ["postgresql://nobody@nowhere.invalid/db", "no/such/folder/log.db"])
def test_print_connects_to_nothing(trajc: Trajc, url: str) -> None:
    """`--print` shows the SQL for a place that is not there, alone or inside JSON."""
    shown = trajc("ledger", "init", url, "--print", "--table", "calls")
    assert shown.code == 0
    assert "CREATE TABLE IF NOT EXISTS" in shown.out
    assert "{{" not in shown.out
    assert "calls_no_update" in shown.out
    assert json.loads(trajc("ledger", "init", url, "--print", "--table", "calls", "--json").out)["sql"] == shown.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("no/such/folder/log.db",), "Cannot create the ledger 'agent_audit_log' in no/such/folder/log.db: SQLite says"),
        (("log.db", "--table", "A b"), "Cannot name a ledger 'A b'"),
        (("postgresql://me:hunter2@127.0.0.1:1/db",), "Cannot create the ledger 'agent_audit_log': nothing answers"),
    ],
)
def test_what_cannot_be_created_says_why(trajc: Trajc, arguments: tuple[str, ...], said: str) -> None:
    """One sentence, exit 2, and no password in it."""
    result = trajc("ledger", "init", *arguments)
    assert (result.code, result.out) == (2, "")
    assert said in result.err
    assert "hunter2" not in result.err


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_a_ledger_compiles_with_no_mapping(
    trajc: Trajc, request: pytest.FixtureRequest, small_log: Path, database: str
) -> None:
    """Rows written into a new ledger compile into the pairs that the same rows give as a file."""
    location = "log.db" if database == "sqlite" else request.getfixturevalue("postgres_address")
    assert trajc("ledger", "init", location).code == 0
    rows = rows_for_a_ledger(small_log)[:150]
    if database == "sqlite":
        with closing(sqlite3.connect(location)) as connection, connection:
            connection.executemany(insert_statement("sqlite", NAMES, list(rows[0])), [tuple(row.values()) for row in rows])
    else:
        psycopg = pytest.importorskip("psycopg")
        with psycopg.connect(location) as connection, connection.cursor() as cursor:
            cursor.executemany(insert_statement("postgres", NAMES, list(rows[0])), [tuple(row.values()) for row in rows])
    Path("log.jsonl").write_text(
        "".join(small_log.read_text(encoding="utf-8").splitlines(keepends=True)[:150]), encoding="utf-8"
    )
    options = ("--families", "aggregation,state_change,temporal", "--workers", 1, "--json")
    ledger = json.loads(trajc("compile", location, "--store", "ledger.db", *options).out)
    file = json.loads(trajc("compile", "log.jsonl", "--store", "file.db", *options).out)
    assert ledger["proved"] == file["proved"] > 3
