"""Whether somebody's table is append-only is tried on the real thing, and leaves it as it was."""

from __future__ import annotations

import itertools
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.ledger.ledgers import PostgresLedger, SqliteLedger, insert
from trajectory_compiler.config import SourceOptions
from trajectory_compiler.ledger.attempts import Index, TableFacts, facts_of
from trajectory_compiler.ledger.readiness import LogFacts, readiness
from trajectory_compiler.sources import open_source

_logins = itertools.count(1)
COLUMNS = "id integer PRIMARY KEY, session_id text, ts text, tool text NOT NULL, arguments text"
REFUSE = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no: %', OLD; END $$"
NOTHING = "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$"
PUT_BACK = "CREATE FUNCTION put_back() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; END $$"
ON_BOTH = "CREATE TRIGGER t BEFORE UPDATE OR DELETE ON calls FOR EACH ROW EXECUTE FUNCTION"
SQLITE_BOTH = """CREATE TRIGGER u BEFORE UPDATE ON calls BEGIN SELECT RAISE(ABORT, 'no'); END;
    CREATE TRIGGER d BEFORE DELETE ON calls BEGIN SELECT RAISE(FAIL, 'no'); END"""
INDEXES = """CREATE INDEX i ON calls (session_id, ts); CREATE INDEX j ON calls (lower(tool), id);
    CREATE INDEX k ON calls (ts) WHERE id > 5"""
POSTGRES = {
    "open": ("", "done", "done"),
    "triggers": (
        f"{REFUSE}; {ON_BOTH} refuse()",
        "guard",
        "guard",
    ),
    "only deletes": (
        f"{REFUSE}; CREATE TRIGGER t BEFORE DELETE ON calls FOR EACH ROW EXECUTE FUNCTION refuse()",
        "done",
        "guard",
    ),
    "a trigger that is off": (
        f"{REFUSE}; {ON_BOTH} refuse(); ALTER TABLE calls DISABLE TRIGGER t",
        "done",
        "done",
    ),
    "silence": (
        f"{NOTHING}; {ON_BOTH} nothing()",
        "ignored",
        "ignored",
    ),
    "put back": (
        f"{PUT_BACK}; CREATE TRIGGER t BEFORE UPDATE ON calls FOR EACH ROW EXECUTE FUNCTION put_back()",
        "ignored",
        "done",
    ),
    "a rule": ("CREATE RULE r AS ON DELETE TO calls DO INSTEAD NOTHING", "done", "guard"),
    "a check": ("ALTER TABLE calls ADD CHECK (tool IN ('look', 'set'))", "done", "done"),
    "a foreign key": (
        "CREATE TABLE notes (call integer REFERENCES calls); INSERT INTO notes SELECT id FROM calls",
        "done",
        "done",
    ),
}
SQLITE = {
    "open": ("", {"UPDATE": "done", "DELETE": "done", "REPLACE": "done"}),
    "triggers": (
        SQLITE_BOTH,
        {"UPDATE": "guard", "DELETE": "guard", "REPLACE": "done"},
    ),
    "silence": (
        "CREATE TRIGGER u BEFORE UPDATE ON calls BEGIN SELECT RAISE(IGNORE); END",
        {"UPDATE": "ignored", "DELETE": "done", "REPLACE": "done"},
    ),
    "a function of its own": (
        "CREATE TRIGGER u BEFORE UPDATE ON calls BEGIN SELECT check_it(OLD.id); END",
        {"UPDATE": "untold", "DELETE": "done", "REPLACE": "done"},
    ),
}


def make_table(address: str, sql: str = "", rows: int = 12) -> None:
    """Make somebody's audit table and what guards it."""
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(address) as connection:
        connection.execute(f"CREATE TABLE calls ({COLUMNS})")
        for number in range(rows):
            values = (number, f"s-{number // 6}", f"2026-01-01T00:00:{number:02d}Z", "look", "{}")
            connection.execute("INSERT INTO calls VALUES (%s, %s, %s, %s, %s)", values)
        if sql:
            connection.execute(sql)


def facts(location: str, **options: str) -> TableFacts:
    """Return the facts of the table that is the log."""
    found = facts_of(open_source(location, SourceOptions(**options)))  # type: ignore[arg-type]
    assert found is not None
    return found


def outcomes(found: TableFacts) -> dict[str, str]:
    """Return how each attempt ended."""
    return {attempt.what: attempt.outcome for attempt in found.attempts}


@pytest.mark.parametrize("name", POSTGRES)
def test_postgres_tells_who_refuses(postgres_address: str, name: str) -> None:
    """Triggers, rules and silence are told from constraints and from nothing; every row version stays the same one."""
    psycopg = pytest.importorskip("psycopg")
    sql, update, delete = POSTGRES[name]
    make_table(postgres_address, sql)
    versions = "SELECT xmin::text, xmax::text, ctid::text, * FROM calls ORDER BY id"
    with psycopg.connect(postgres_address) as connection:
        before = [row[0:1] + row[2:] for row in connection.execute(versions).fetchall()]
        found = outcomes(facts(postgres_address, table="calls"))
        assert (found["UPDATE"], found["DELETE"]) == (update, delete)
        assert [row[0:1] + row[2:] for row in connection.execute(versions).fetchall()] == before


def test_a_login_without_rights_names_those_who_have_them(postgres_address: str) -> None:
    """A reader is refused by its rights, and sees which other roles, and PUBLIC, may change rows, column rights included."""
    psycopg = pytest.importorskip("psycopg")
    make_table(postgres_address)
    reader, writer = f"reads_{next(_logins)}", f"writes_{next(_logins)}"
    with psycopg.connect(postgres_address) as connection:
        connection.execute(f"CREATE ROLE {reader} LOGIN; CREATE ROLE {writer}; GRANT SELECT ON calls TO {reader}")
        connection.execute(f"GRANT UPDATE (tool) ON calls TO {writer}; GRANT DELETE ON calls TO PUBLIC")
    theirs = postgres_address.replace("//postgres:", f"//{reader}:", 1)
    found = facts(theirs)
    assert (found.login, found.superuser, found.owns, found.owner) == (reader, False, False, "postgres")
    assert set(found.changers) == {"PUBLIC", writer}
    assert outcomes(found) == {"UPDATE": "right", "DELETE": "done", "TRUNCATE": "right"}
    with psycopg.connect(postgres_address) as connection:
        connection.execute("REVOKE DELETE ON calls FROM PUBLIC")
    assert outcomes(facts(theirs)) == {"UPDATE": "right", "DELETE": "right", "TRUNCATE": "right"}
    assert facts(theirs).changers == (writer,)


def test_a_right_on_another_column_is_found(postgres_address: str) -> None:
    """A login that may update the session column only is not taken for one that may update nothing."""
    psycopg = pytest.importorskip("psycopg")
    make_table(postgres_address)
    login = f"half_{next(_logins)}"
    with psycopg.connect(postgres_address) as connection:
        connection.execute(f"CREATE ROLE {login} LOGIN; GRANT SELECT, UPDATE (session_id) ON calls TO {login}")
    assert outcomes(facts(postgres_address.replace("//postgres:", f"//{login}:", 1)))["UPDATE"] == "done"


def test_policies_that_hide_rows_from_changes(postgres_address: str) -> None:
    """With row-level security and a policy for reading only, changes pass without a word and without effect."""
    psycopg = pytest.importorskip("psycopg")
    make_table(postgres_address)
    login = f"policed_{next(_logins)}"
    with psycopg.connect(postgres_address) as connection:
        connection.execute(
            f"CREATE ROLE {login} LOGIN; GRANT ALL ON calls TO {login}; ALTER TABLE calls ENABLE ROW LEVEL SECURITY"
        )
        connection.execute("CREATE POLICY p ON calls FOR SELECT USING (true)")
    found = outcomes(facts(postgres_address.replace("//postgres:", f"//{login}:", 1)))
    assert (found["UPDATE"], found["DELETE"]) == ("ignored", "ignored")


def test_odd_tables_of_postgres(postgres_address: str) -> None:
    """A quoted name, a partitioned table and numbers for names are tried; a view and a query are no tables."""
    psycopg = pytest.importorskip("psycopg")
    make_table(postgres_address)
    with psycopg.connect(postgres_address) as connection:
        connection.execute('CREATE SCHEMA "Ops"; CREATE TABLE "Ops"."Audit Log" AS SELECT * FROM calls')
        connection.execute("CREATE TABLE parts (LIKE calls) PARTITION BY RANGE (id)")
        connection.execute("CREATE TABLE part_1 PARTITION OF parts FOR VALUES FROM (0) TO (6)")
        connection.execute("CREATE TABLE part_2 PARTITION OF parts DEFAULT; INSERT INTO parts SELECT * FROM calls")
        connection.execute("CREATE TABLE numbers AS SELECT id, id / 6 AS session_id, 5 AS tool FROM calls")
        connection.execute("CREATE VIEW seen AS SELECT * FROM calls")
    for table in ("Ops.Audit Log", "parts"):
        assert outcomes(facts(postgres_address, table=table)) == {"UPDATE": "done", "DELETE": "done", "TRUNCATE": "done"}
    assert outcomes(facts(postgres_address, table="numbers"))["UPDATE"] == "done"
    assert facts_of(open_source(postgres_address, SourceOptions(table="seen"))) is None
    assert facts_of(open_source(postgres_address, SourceOptions(query="SELECT * FROM calls"))) is None


def test_a_locked_row_is_not_waited_for(postgres_address: str) -> None:
    """A row that somebody else is changing cannot be tried, and inspecting does not wait for it."""
    psycopg = pytest.importorskip("psycopg")
    make_table(postgres_address)
    with psycopg.connect(postgres_address) as connection:
        connection.execute("SELECT * FROM calls FOR UPDATE")
        found = outcomes(facts(postgres_address))
    assert (found["UPDATE"], found["DELETE"]) == ("untold", "untold")


def test_indexes_are_read_in_their_order(postgres_address: str, tmp_path: Path) -> None:
    """Columns in order, unique or not; an expression has no name, a partial index does not count."""
    make_table(postgres_address, INDEXES)
    expected = {
        Index(columns=("id",), unique=True),
        Index(columns=("session_id", "ts"), unique=False),
        Index(columns=("", "id"), unique=False),
    }
    assert set(facts(postgres_address).indexes) == expected
    path = sqlite_table(tmp_path, INDEXES)
    assert set(facts(str(path)).indexes) == expected


def test_our_own_ledger_is_known(postgres_address: str, tmp_path: Path) -> None:
    """A ledger refuses its superuser by guards; with one guard gone it is no whole ledger any more."""
    ledger = PostgresLedger(postgres_address)
    insert(ledger)
    found = facts(postgres_address)
    assert (found.ledger, found.triggers, found.changers) == (True, True, ())
    assert set(outcomes(found).values()) == {"guard"}
    off = "ALTER EVENT TRIGGER agent_audit_log_keep_alter DISABLE; ALTER TABLE agent_audit_log DISABLE TRIGGER USER"
    assert ledger.attempt(off, admin=True) is None
    found = facts(postgres_address)
    assert (found.ledger, outcomes(found)["UPDATE"], outcomes(found)["DELETE"]) == (False, "done", "done")
    file = SqliteLedger(tmp_path)
    insert(file)
    assert outcomes(facts(file.location)) == {"UPDATE": "guard", "DELETE": "guard", "REPLACE": "guard"}


def sqlite_table(folder: Path, sql: str = "", columns: str = COLUMNS) -> Path:
    """Make somebody's audit table in a file, and what guards it."""
    path = folder / "log.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"CREATE TABLE calls ({columns})")
        rows = [(n, f"s-{n // 6}", f"2026-01-01T00:00:{n:02d}Z", "look", "{}") for n in range(12)]
        connection.executemany("INSERT INTO calls VALUES (?, ?, ?, ?, ?)", rows)
        connection.executescript(f"{sql};")
    return path


@pytest.mark.parametrize("name", SQLITE)
def test_sqlite_is_tried_on_a_copy(tmp_path: Path, name: str) -> None:
    """Triggers that refuse, that ignore, and that only the owner's program can run; the file keeps its bytes."""
    sql, expected = SQLITE[name]
    path = sqlite_table(tmp_path, sql)
    before = path.read_bytes()
    assert outcomes(facts(str(path))) == expected
    assert path.read_bytes() == before
    assert [found.name for found in tmp_path.iterdir()] == ["log.db"]


def test_sqlite_without_a_key_has_nothing_to_replace(tmp_path: Path) -> None:
    """A table without a key gets a second row from REPLACE, which is no change."""
    path = sqlite_table(tmp_path, columns="id, session_id, ts, tool, arguments")
    assert outcomes(facts(str(path))) == {"UPDATE": "done", "DELETE": "done"}
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE VIEW seen AS SELECT * FROM calls")
    assert facts_of(open_source(str(path), SourceOptions(table="seen"))) is None


def test_a_file_is_no_table(tmp_path: Path) -> None:
    """There is nothing to try on a file of JSON lines."""
    path = tmp_path / "log.jsonl"
    path.write_text('{"session_id": "s", "tool": "t"}\n')
    assert facts_of(open_source(str(path), SourceOptions())) is None


@pytest.mark.parametrize(
    ("index", "serves"),
    [
        ("(session_id, ts, id)", True),
        ("(session_id DESC, ts DESC, id DESC)", True),
        ("(session_id, ts DESC)", False),
        ('(session_id COLLATE "C", ts)', False),
        ("(session_id) INCLUDE (ts)", False),
        ("(ts, session_id)", False),
        ("USING brin (session_id, ts)", False),
    ],
)
def test_the_advice_to_add_an_index(postgres_address: str, index: str, serves: bool) -> None:
    """The index is advised as long as none keeps the order in which a log is read: other orders and kinds do not serve."""
    make_table(postgres_address, f"CREATE INDEX i ON calls {index}")
    log = LogFacts(
        rows=1,
        lost_rows=0,
        sessions=1,
        qualified=1,
        min_turns=1,
        turns=1,
        median_turns=1,
        columns={"session_id": ("session_id", 1.0), "created_at": ("ts", 1.0), "id": ("id", 1.0)},
    )
    found = next(check for check in readiness(facts(postgres_address), log) if check.name == "indexes")
    advice = "" if serves else "CREATE INDEX CONCURRENTLY ON public.calls (session_id, ts, id);"
    assert found.do == advice
    assert found.verdict == ("ready" if serves else "partly")


def test_the_advice_to_add_an_index_to_a_file(tmp_path: Path) -> None:
    """In SQLite an index that ignores case does not serve, and the plain one does."""
    path = sqlite_table(
        tmp_path, "CREATE INDEX i ON calls (session_id COLLATE NOCASE, ts); CREATE INDEX j ON calls (session_id, ts)"
    )
    assert {index.sorts for index in facts(str(path)).indexes if not index.unique} == {None, ("", "ts")}
