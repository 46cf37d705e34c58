"""Older stores are migrated after a copy was made; newer and foreign files are refused and left as they are."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest

from tests.store.samples import clock, pair, saved, session
from trajectory_compiler.errors import StoreError, StoreVersionError
from trajectory_compiler.store import Store, migrations
from trajectory_compiler.store.migrations import SCHEMA_VERSION, STEPS, Step, bring_up_to_date, statements, version_of
from trajectory_compiler.store.sqlite import connect, create_private

FIRST_SCHEMA = Path(__file__).with_name("schema_1.sql")
NEXT = Step(SCHEMA_VERSION + 1, "mood", "ALTER TABLE pairs ADD COLUMN mood TEXT;\nUPDATE pairs SET mood = 'new';\n")
BROKEN = Step(SCHEMA_VERSION + 1, "broken", "ALTER TABLE pairs ADD COLUMN mood TEXT;\nALTER TABLE nothing ADD COLUMN x TEXT;\n")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give the file of a store that holds one pair."""
    with Store.open(tmp_path / "store.db", clock=clock) as store:
        saved(store, pair(session()), trajectory=session())
    return tmp_path / "store.db"


def test_migration_backs_up_first(path: Path) -> None:
    """A migration adds what is new, records itself, and leaves a private copy of the file as it was."""
    database = connect(path)
    bring_up_to_date(database, path, clock, [*STEPS, NEXT])
    assert database.row("SELECT mood FROM pairs") == ("new",)
    assert version_of(database) == NEXT.version
    assert list(database.rows("SELECT version, name FROM migrations ORDER BY version"))[-1] == (NEXT.version, "mood")
    backup = path.with_name(f"store.db.v{SCHEMA_VERSION}.backup")
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    with Store.open(backup, create=False, clock=clock) as old:
        assert [found.id for found in old.pairs()] == [pair(session()).id]


def test_broken_migration_changes_nothing(path: Path) -> None:
    """A migration that fails half way leaves the store at its old version, whole."""
    database = connect(path)
    with pytest.raises(StoreError):
        bring_up_to_date(database, path, clock, [*STEPS, BROKEN])
    database.close()
    with Store.open(path, create=False, clock=clock) as store:
        assert len(list(store.pairs())) == 1
        assert store.damage() == ()


def test_newer_store_is_refused(path: Path) -> None:
    """A store of a newer program is refused in one sentence, for writing and for reading, and not touched."""
    database = connect(path)
    database.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    database.close()
    before = path.read_bytes()
    for read_only in (False, True):
        with pytest.raises(StoreVersionError) as refusal:
            Store.open(path, read_only=read_only, clock=clock)
        assert f"has version 99 and this program knows versions up to {SCHEMA_VERSION}. Upgrade" in str(refusal.value)
    assert path.read_bytes() == before


def test_older_store_is_not_migrated_by_reading(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading only never changes the file: an older store says which command brings it up to date."""
    database = connect(path)
    database.execute("UPDATE meta SET value = '0' WHERE key = 'schema_version'")
    database.close()
    with pytest.raises(StoreError, match="Run `trajc compile` once"):
        Store.open(path, read_only=True, clock=clock)


def test_foreign_database_is_refused(tmp_path: Path) -> None:
    """Another program's database is neither filled with our tables nor changed."""
    path = tmp_path / "log.db"
    with sqlite3.connect(path) as foreign:
        foreign.execute("CREATE TABLE meta (key TEXT)")
    foreign.close()
    with pytest.raises(StoreError, match="a SQLite database of another program"):
        Store.open(path, clock=clock)
    assert connect(path).tables() == {"meta"}


def _first_version(path: Path) -> None:
    """Write a store as the first version of the program made it: one session, compiled, and its statistics."""
    create_private(path)
    database = connect(path)
    for statement in statements(FIRST_SCHEMA.read_text(encoding="utf-8")):
        database.execute(statement)
    for statement in (
        "INSERT INTO meta VALUES ('schema_version', '1'), ('store_id', 'a'), ('created_at', 'then')",
        "INSERT INTO migrations VALUES (1, 'schema', 'then')",
        "INSERT INTO runs VALUES ('r', 'compile', 'log', '{}', '1', 'done', 'then', 'then', '{}')",
        "INSERT INTO sessions VALUES ('log', 's-1', 'compiled', 'unkeyed', 'd', 'key', NULL, 8, 1, 'r', 'then')",
        "INSERT INTO trajectories VALUES ('log', 's-1', 'd', 'unkeyed', 'p', 8, x'00', 'then')",
        "INSERT INTO snapshots VALUES ('log', 'unkeyed', x'00', 1, 'then')",
    ):
        database.execute(statement)
    database.close()


def test_the_steps_lead_to_the_tables_of_a_new_store(tmp_path: Path) -> None:
    """A migrated store has the tables, columns and indices of a new one."""
    _first_version(tmp_path / "old.db")
    found = []
    for name in ("old.db", "new.db"):
        Store.open(tmp_path / name, clock=clock).close()
        database = connect(tmp_path / name)
        objects = "SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY 1, 2"
        columns = {t: list(database.rows(f"PRAGMA table_info({t})")) for t in sorted(database.tables())}
        found.append((list(database.rows(objects)), columns))
        database.close()
    assert found[0] == found[1]


def test_an_older_store_forgets_what_was_not_keyed(tmp_path: Path) -> None:
    """Version 1 kept digests of raw rows and statistics without a key: they are gone, so the next run makes them with one."""
    path = tmp_path / "old.db"
    _first_version(path)
    with Store.open(path, clock=clock) as store:
        assert store.current_keys("log") == {"s-1": ("", "key")}
        assert store.snapshot("log") is None
    assert b"unkeyed" not in path.read_bytes()


def test_statements_are_split_at_line_ends() -> None:
    """Comments are dropped and each statement stands alone."""
    assert statements("-- a; b\nCREATE TABLE a (x TEXT);  -- c\n\nCREATE TABLE b (\n  y TEXT\n);\n") == [
        "CREATE TABLE a (x TEXT)",
        "CREATE TABLE b (\n  y TEXT\n)",
    ]


def test_steps_lead_to_the_present_version() -> None:
    """The steps of this program are numbered without gaps and end at the version of its schema."""
    assert [step.version for step in migrations.STEPS] == list(range(2, SCHEMA_VERSION + 1))
