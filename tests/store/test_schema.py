"""One schema text creates the store on SQLite and on a real PostgreSQL, and the statements of the store run on both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.postgres_server import new_database
from tests.store.samples import clock
from trajectory_compiler.store import Store
from trajectory_compiler.store.migrations import SCHEMA_VERSION, schema, statements
from trajectory_compiler.store.saving import SAVE_FINDING, SAVE_IDENTITY, SAVE_PAIR, SAVE_PROOF, SAVE_SESSION, SAVE_TRAJECTORY
from trajectory_compiler.store.sqlite import connect, create_private
from trajectory_compiler.store.subjects import SAVE_POLICY


@pytest.fixture
def postgres() -> Iterator[Any]:
    """Give a connection to a new database, or skip where there is no server to be had."""
    address = new_database()
    psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed")
    with psycopg.connect(address, autocommit=True) as connection:
        yield connection


def _columns_of_sqlite(path: Path) -> dict[str, list[str]]:
    create_private(path)
    database = connect(path)
    for statement in statements(schema()):
        database.execute(statement)
    tables = sorted(database.tables())
    return {name: [row[1] for row in database.rows(f"PRAGMA table_info({name})")] for name in tables}


def test_same_tables_on_both_engines(tmp_path: Path, postgres: Any) -> None:
    """The schema, unchanged, gives the same tables with the same columns in the same order on both engines."""
    for statement in statements(schema()):
        postgres.execute(statement)
    found = postgres.execute(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' "
        "ORDER BY table_name, ordinal_position"
    ).fetchall()
    columns: dict[str, list[str]] = {}
    for table, column in found:
        columns.setdefault(table, []).append(column)
    assert columns == _columns_of_sqlite(tmp_path / "s.db")


@pytest.mark.parametrize(
    "statement", [SAVE_SESSION, SAVE_TRAJECTORY, SAVE_PAIR, SAVE_PROOF, SAVE_FINDING, SAVE_IDENTITY, SAVE_POLICY]
)
def test_upserts_are_portable(statement: str, postgres: Any) -> None:
    """PostgreSQL accepts the very text of the store's upserts, its place holders aside."""
    postgres.execute("DROP SCHEMA public CASCADE")
    postgres.execute("CREATE SCHEMA public")
    for part in statements(schema()):
        postgres.execute(part)
    numbered = statement
    for number in range(1, statement.count("?") + 1):
        numbered = numbered.replace("?", f"${number}", 1)
    postgres.execute(f"PREPARE upsert AS {numbered}")
    postgres.execute("DEALLOCATE upsert")


def test_new_store_has_the_schema(tmp_path: Path) -> None:
    """A new store holds every table of the schema and says which version it has."""
    with Store.open(tmp_path / "store.db", clock=clock):
        pass
    database = connect(tmp_path / "store.db")
    assert database.tables() >= {"runs", "sessions", "trajectories", "pairs", "proofs", "reviews", "model_calls", "erasures"}
    assert database.row("SELECT value FROM meta WHERE key = 'schema_version'") == (str(SCHEMA_VERSION),)
    assert database.row("SELECT version, applied_at FROM migrations") == (SCHEMA_VERSION, clock())
