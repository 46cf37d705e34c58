"""`trajc ledger init`: what it creates, that it may be run again, and what it refuses."""

from __future__ import annotations

import itertools
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from trajectory_compiler.errors import LedgerError, OptionError, SourceError
from trajectory_compiler.ledger.initialise import InitReport, initialise, script
from trajectory_compiler.ledger.schema import COLUMNS, PAYLOAD_FIELDS, ROW_FIELDS, WRITER_COLUMNS, Names
from trajectory_compiler.ledger.script import sqlite_script
from trajectory_compiler.ledger.state import postgres_state, sqlite_state

NAMES = Names.of("agent_audit_log")
ROW = "INSERT INTO agent_audit_log (session_id, agent, tool) VALUES ('s', 'a', 't')"
_numbers = itertools.count(1)


@pytest.fixture(params=["sqlite", "postgres"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return where a ledger can be made, in each database in turn."""
    if request.param == "sqlite":
        return str(tmp_path / "ledger.db")
    address: str = request.getfixturevalue("postgres_address")
    return address


def run_by_hand(location: str, sql: str) -> None:
    """Run a script as somebody would who printed it first."""
    if location.startswith("postgresql"):
        psycopg = pytest.importorskip("psycopg")
        with psycopg.connect(location) as connection:
            connection.execute(sql)
    else:
        with closing(sqlite3.connect(location)) as connection:
            connection.executescript(sql)


def missing(report: InitReport) -> list[str]:
    """Return the guards that do not stand."""
    return [part.name for part in report.parts if not part.stands]


def test_a_second_run_changes_nothing(location: str) -> None:
    """The first run creates every guard, the second finds them all and says so."""
    first, second = initialise(location, NAMES), initialise(location, NAMES)
    assert (first.changed, missing(first)) == (True, [])
    assert second == InitReport(**{**{f: getattr(first, f) for f in first.__struct_fields__}, "changed": False})


def test_the_printed_script_is_what_init_runs(location: str) -> None:
    """Whoever runs the printed SQL by hand, even twice, has what `init` would have made."""
    sql = script(location, NAMES)
    run_by_hand(location, sql)
    run_by_hand(location, sql)
    report = initialise(location, NAMES)
    assert (report.changed, missing(report)) == (False, [])


@pytest.mark.parametrize(
    ("sql", "part"),
    [
        ("DROP TRIGGER agent_audit_log_no_delete ON agent_audit_log", "triggers"),
        ("ALTER TABLE agent_audit_log ENABLE TRIGGER agent_audit_log_no_update", "triggers"),
        ("GRANT UPDATE ON agent_audit_log TO agent_audit_log_writer", "writer"),
        ("GRANT INSERT (created_at) ON agent_audit_log TO agent_audit_log_writer", "writer"),
        ("ALTER TABLE agent_audit_log DISABLE ROW LEVEL SECURITY", "row-level security"),
        ("ALTER TABLE agent_audit_log OWNER TO CURRENT_USER", "owner"),
    ],
)
def test_what_was_taken_away_is_seen_and_put_back(postgres_address: str, sql: str, part: str) -> None:
    """A guard that somebody removed does not stand any more, and the next run puts it back; the rows stay."""
    psycopg = pytest.importorskip("psycopg")
    initialise(postgres_address, NAMES)
    off = "; ".join(f"ALTER EVENT TRIGGER agent_audit_log_keep_{name} DISABLE" for name in ("alter", "drop"))
    run_by_hand(postgres_address, f"{ROW}; {off}; {sql}")
    with psycopg.connect(postgres_address) as connection:
        state = postgres_state(connection, NAMES)
    assert {found.name for found in state.parts if not found.stands} == {part, "event trigger"}
    report = initialise(postgres_address, NAMES)
    assert (report.changed, missing(report)) == (True, [])
    with psycopg.connect(postgres_address) as connection:
        assert connection.execute("SELECT count(*) FROM agent_audit_log").fetchone() == (1,)


@pytest.mark.parametrize("trigger", ["insert", "chosen_id", "no_update", "no_delete", "purges_no_update", "purges_no_delete"])
def test_a_dropped_trigger_of_sqlite_is_put_back(tmp_path: Path, trigger: str) -> None:
    """A trigger that somebody dropped, or replaced by another of its name, is seen and made anew; the rows stay."""
    path = str(tmp_path / "ledger.db")
    initialise(path, NAMES)
    run_by_hand(path, ROW)
    of = "agent_audit_log_purges" if trigger.startswith("purges") else "agent_audit_log"
    fake = f"CREATE TRIGGER agent_audit_log_{trigger} BEFORE INSERT ON {of} WHEN false BEGIN SELECT 1; END"
    for replacement in ("", fake):
        run_by_hand(path, f"DROP TRIGGER agent_audit_log_{trigger}; {replacement};")
        with closing(sqlite3.connect(path)) as connection:
            assert not sqlite_state(connection, NAMES).complete
        assert initialise(path, NAMES).changed is True
    assert initialise(path, NAMES).changed is False
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM agent_audit_log").fetchone() == (1,)


def test_another_table_of_that_name_is_left_alone(location: str) -> None:
    """A table that is no ledger is refused with how it differs and another name; nothing is made."""
    run_by_hand(location, "CREATE TABLE agent_audit_log (id bigint, session_id text, payload text);")
    said = r"a different table of that name exists: it lacks created_at.* and also has payload.* --table agent_audit_log_2\.$"
    with pytest.raises(LedgerError, match=said):
        initialise(location, NAMES)
    assert initialise(location, Names.of("agent_audit_log_2")).changed is True


def test_a_role_that_may_create_roles_is_enough(postgres_address: str) -> None:
    """As on Supabase, no superuser is needed: every guard stands but the event trigger, and a superuser can add that later."""
    psycopg = pytest.importorskip("psycopg")
    login = f"installer_{next(_numbers)}"
    names = Names.of(f"log_of_{login}")
    with psycopg.connect(postgres_address, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {login} LOGIN CREATEROLE; ALTER SCHEMA public OWNER TO {login}")
        connection.execute(f"ALTER DEFAULT PRIVILEGES FOR ROLE {login} GRANT ALL ON TABLES TO PUBLIC")
    theirs = postgres_address.replace("//postgres:", f"//{login}:", 1)
    assert missing(initialise(theirs, names)) == ["event trigger"]
    with psycopg.connect(postgres_address) as connection:
        rights = f"SELECT has_table_privilege('{login}', '{names.table}', 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')"
        assert connection.execute(rights).fetchone() == (False,)
    assert initialise(theirs, names).changed is False
    assert missing(initialise(postgres_address, names)) == []


def test_a_schema_of_its_own(postgres_address: str) -> None:
    """`schema.table` puts the ledger there; a schema that does not exist is the server's to name."""
    run_by_hand(postgres_address, "CREATE SCHEMA audit")
    assert missing(initialise(postgres_address, Names.of("audit.calls"))) == []
    with pytest.raises(LedgerError, match='schema "nowhere" does not exist'):
        initialise(postgres_address, Names.of("nowhere.calls"))


def test_bad_places_end_in_a_sentence(tmp_path: Path) -> None:
    """A folder, a file of something else, a server that is not there, and a name that needs quotes."""
    (tmp_path / "text.db").write_text("no database, but long enough to be taken for one " * 40)
    for place in (tmp_path, tmp_path / "no" / "such.db", tmp_path / "text.db"):
        with pytest.raises(LedgerError, match=r"Cannot create the ledger 'agent_audit_log' in .*: SQLite says"):
            initialise(str(place), NAMES)
    with pytest.raises(SourceError, match="Cannot create the ledger 'agent_audit_log': nothing answers"):
        initialise("postgresql://me:secret@127.0.0.1:1/db", NAMES)
    for name in ("Audit", "a b", "x;drop", "a.b.c", "é", ""):
        with pytest.raises(OptionError, match="small letters"):
            Names.of(name)
    with pytest.raises(LedgerError, match="has no schema 'audit'"):
        initialise(str(tmp_path / "a.db"), Names.of("audit.calls"))


def test_the_script_has_the_columns_that_the_schema_lists(location: str) -> None:
    """The description of the columns and the SQL agree, in order; each column is hashed once or is about the hash."""
    initialise(location, NAMES)
    if location.startswith("postgresql"):
        psycopg = pytest.importorskip("psycopg")
        with psycopg.connect(location) as connection:
            found = [c.name for c in connection.execute("SELECT * FROM agent_audit_log LIMIT 0").description]
        assert found == [column.name for column in COLUMNS if column.postgres]
    else:
        with closing(sqlite3.connect(location)) as connection:
            found = [c[0] for c in connection.execute("SELECT * FROM agent_audit_log LIMIT 0").description]
        assert found == [column.name for column in COLUMNS if column.sqlite]
    hashed = sorted((*ROW_FIELDS, *PAYLOAD_FIELDS, "purge_id", "purged_payload_hash", "row_hash"))
    assert hashed == sorted(column.name for column in COLUMNS)
    assert set(WRITER_COLUMNS) < {*ROW_FIELDS, *PAYLOAD_FIELDS}


def test_sqlite_script_is_one_transaction_and_harmless_twice() -> None:
    """The script can be wrapped in a transaction, as the recorder does."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for _ in range(2):
            connection.executescript(f"BEGIN IMMEDIATE; {sqlite_script(NAMES)} COMMIT;")
        assert connection.execute("SELECT count(*) FROM agent_audit_log").fetchone() == (0,)
