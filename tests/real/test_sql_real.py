"""`--sql` on recorded rows: the query over the original table gives the answer that was proved."""

from __future__ import annotations

import sqlite3
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from trajectory_compiler.config import CompileOptions
from trajectory_compiler.errors import InputError
from trajectory_compiler.exports.sql import Origin, sql_of
from trajectory_compiler.model import canonical, json_text
from trajectory_compiler.pipeline import compile_into
from trajectory_compiler.sources.columns import Role
from trajectory_compiler.store import Store

ROLES: tuple[Role, ...] = ("id", "session_id", "created_at", "agent", "tool", "arguments", "response")


def original(log: Path) -> sqlite3.Connection:
    """Return a database that holds a recorded log as a table of text, as an audit trigger might have written it."""
    database = sqlite3.connect(":memory:")
    database.execute(f"CREATE TABLE audit_log ({', '.join(f'{role} TEXT' for role in ROLES)})")
    for line in log.read_bytes().splitlines():
        row = msgspec.json.decode(line)
        database.execute("INSERT INTO audit_log VALUES (?, ?, ?, ?, ?, ?, ?)", [json_text(row[role]) for role in ROLES])
    return database


@pytest.mark.parametrize("log", ["tau_airline", "coding_agent"])
def test_the_query_gives_the_stored_answer(recorded: Path, tmp_path: Path, log: str) -> None:
    """Every program that is one query gives its answer on the rows that it was made from, or nothing where nothing is."""
    database = original(recorded / f"{log}.jsonl")
    origin = Origin(table="audit_log", columns={role: role for role in ROLES})
    asked: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    with Store.open(tmp_path / "store.db") as store:
        compile_into(store, str(recorded / f"{log}.jsonl"), CompileOptions())
        for pair in store.pairs():
            try:
                query = sql_of(pair, store.trajectory_of(pair), origin, "sqlite")
            except InputError as error:
                refused[error.seen] += 1
                continue
            rows = database.execute(query).fetchall()
            if "<" in pair.answer and not pair.withheld_turns:  # redacted: the query gives the original value
                assert len(rows) == 1
                continue
            expected = [] if pair.withheld_turns else [pair.answer]
            assert [" -> ".join(str(canonical(value)) for value in row) for row in rows] == expected, query
            asked[pair.qa_type] += 1
    assert asked.total() > 5 * refused.total()
    assert len(asked) >= 5
