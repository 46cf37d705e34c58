"""What is particular to SQLite, PostgreSQL and Parquet."""

from __future__ import annotations

import os
import sqlite3
import sys
import time
import traceback
from decimal import Decimal
from pathlib import Path

import pytest

from tests.postgres_server import server
from tests.sources.logs import read, record, small_log, write_parquet, write_postgres, write_sqlite
from trajectory_compiler.config import SessionOptions, SourceOptions
from trajectory_compiler.errors import MissingExtraError, SourceError
from trajectory_compiler.sessions import open_sessions
from trajectory_compiler.sources import open_source, postgres

PASSWORD = "p-secret-w"


def test_sqlite_query_and_view(tmp_path: Path) -> None:
    """A view or a query is read as a table is; a query is named by its hash."""
    path = tmp_path / "log.db"
    write_sqlite(path, small_log())
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE VIEW second AS SELECT * FROM audit WHERE session_id = 's-2'")
    assert {row.session_id for row in open_source(str(path), SourceOptions(table="second")).rows()} == {"s-2"}
    query = "SELECT *, 'x' AS extra_column FROM audit WHERE session_id = 's-1' -- the first;\n;"
    source = open_source(str(path), SourceOptions(query=query))
    assert {(row.session_id, row.extra["extra_column"]) for row in source.rows()} == {("s-1", "x")}
    with pytest.raises(SourceError, match="the query gives no row"):
        open_source(str(path), SourceOptions(query="SELECT * FROM audit WHERE false"))
    assert source.name.startswith("query-")


def test_sqlite_finds_the_log_among_tables(tmp_path: Path) -> None:
    """The only table that maps is the log; of several, one must be named; of none, all are listed."""
    path = tmp_path / "log.db"
    write_sqlite(path, small_log())
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE people (name)")
        connection.execute("INSERT INTO people VALUES ('x')")
    assert open_source(str(path), SourceOptions()).name == "audit"
    with pytest.raises(SourceError, match="no table 'audits', but audit, people"):
        open_source(str(path), SourceOptions(table="audits"))
    write_sqlite(path, small_log(), "copy")
    with pytest.raises(SourceError, match="several tables could be the log: audit, copy"):
        open_source(str(path), SourceOptions())


def test_sqlite_is_never_written(tmp_path: Path) -> None:
    """A query that writes is refused and the file stays as it was."""
    path = tmp_path / "log.db"
    write_sqlite(path, small_log())
    before = path.read_bytes()
    with pytest.raises(SourceError, match="SQLite says"):
        open_source(str(path), SourceOptions(query="DELETE FROM audit RETURNING *"))
    assert path.read_bytes() == before


def test_sqlite_mixed_types(tmp_path: Path) -> None:
    """Session 1 and session '1' are one session, and text that is not UTF-8 costs its row only."""
    path = tmp_path / "log.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE log (session_id, tool, response)")
        values = [(1, "a", "x"), ("1", "b", "x"), (10, "c", "x"), ("2", "d", "x"), (2.0, "e", "x"), (1, "f", "x")]
        connection.executemany("INSERT INTO log VALUES (?, ?, ?)", values)
        connection.execute("INSERT INTO log VALUES (3, 'g', CAST(x'FF41' AS TEXT))")
    source = open_source(str(path), SourceOptions())
    sessions = {
        t.session_id: "".join(sorted(r.tool for r in t.rows)) for t in open_sessions(source, SessionOptions(min_turns=1))
    }
    assert sessions == {"1": "abf", "10": "c", "2": "de"}
    assert {f.reason: f.count for f in source.findings()} == {"invalid_utf8": 1}


def test_sqlite_with_write_ahead_log_in_read_only_folder(tmp_path: Path) -> None:
    """A database in WAL mode can be read where nothing may be created."""
    path = tmp_path / "log.db"
    write_sqlite(path, small_log())
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()
    tmp_path.chmod(0o500)
    try:
        assert len(list(open_source(str(path), SourceOptions()).rows())) == 8
    finally:
        tmp_path.chmod(0o700)


def test_parquet_types(tmp_path: Path) -> None:
    """Parquet's own types give plain JSON: stamps of any unit, decimals, structs without the fields that only others have."""
    arrow = pytest.importorskip("pyarrow", reason="the extra 'parquet' is not installed")
    from pyarrow import parquet  # noqa: PLC0415

    stamps = [1_715_785_200_123_456_789, 1_715_785_201_000_000_000]
    table = arrow.table(
        {
            "session_id": ["s", "s"],
            "tool": ["a", "b"],
            "created_at": arrow.array(stamps, arrow.timestamp("ns", tz="UTC")),
            "arguments": [{"x": 1, "y": None}, {"x": None, "y": "z"}],
            "response": arrow.array([[("k", 1.5)], [("k", float("nan"))]], arrow.map_(arrow.string(), arrow.float64())),
            "cost": [Decimal("1.50"), Decimal("2")],
            "seen": arrow.array(stamps, arrow.timestamp("ns")),
            "raw": [b"ok", b"fine"],
        }
    )
    parquet.write_table(table, tmp_path / "log.parquet")
    rows, counts = read(open_source(str(tmp_path / "log.parquet"), SourceOptions()))
    assert [row.created_at for row in rows] == ["2024-05-15T15:00:00.123456789Z", "2024-05-15T15:00:01.000000000Z"]
    assert [row.arguments for row in rows] == [{"x": 1}, {"y": "z"}]
    assert [row.response for row in rows] == [{"k": 1.5}, {"k": "NaN"}]
    assert [row.cost_usd for row in rows] == [1.5, 2.0]
    assert rows[0].extra == {"seen": "2024-05-15 15:00:00.123456789", "raw": "ok"}
    assert counts == {"number_as_text": 1}


def test_parquet_damaged(tmp_path: Path) -> None:
    """A Parquet file that was cut has no directory of its contents and is refused in one sentence."""
    path = tmp_path / "log.parquet"
    write_parquet(path, small_log())
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(SourceError, match="the Parquet file is damaged"):
        open_source(str(path), SourceOptions())


@pytest.mark.parametrize(("module", "extra"), [("pyarrow", "parquet"), ("psycopg", "postgres")])
def test_missing_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, extra: str) -> None:
    """Without the optional part, the sentence names it and how to install it."""
    path = tmp_path / "log.parquet"
    path.write_bytes(b"PAR1 and so on")
    monkeypatch.setitem(sys.modules, module, None)
    location = str(path) if extra == "parquet" else f"postgresql://me:{PASSWORD}@localhost/db"
    with pytest.raises(MissingExtraError, match=rf"pip install 'trajectory-compiler\[{extra}\]'") as caught:
        open_source(location, SourceOptions())
    assert PASSWORD not in str(caught.value)


def test_postgres_schema_view_and_query(postgres_address: str) -> None:
    """A table of another schema, a view and a query are read, and the public schema need not be named."""
    psycopg = pytest.importorskip("psycopg")
    write_postgres(postgres_address, small_log())
    with psycopg.connect(postgres_address) as connection:
        connection.execute('CREATE SCHEMA "Ops"; CREATE TABLE "Ops"."Audit Log" AS SELECT * FROM audit')
        connection.execute("CREATE VIEW second AS SELECT * FROM audit WHERE session_id = 's-2'")

    def sessions(**options: str) -> set[str]:
        return {row.session_id for row in open_source(postgres_address, SourceOptions(**options)).rows()}  # type: ignore[arg-type]

    assert sessions(table="Ops.Audit Log") == {"s-1", "s-2"}
    assert sessions(table="second") == {"s-2"}
    assert sessions(table="public.audit") == {"s-1", "s-2"}
    assert sessions(query="SELECT * FROM audit WHERE session_id = 's-1' -- done") == {"s-1"}
    with pytest.raises(SourceError, match=r"several tables could be the log: Ops\.Audit Log, audit, second"):
        open_source(postgres_address, SourceOptions())


def test_postgres_odd_values(postgres_address: str) -> None:
    """Infinite stamps, NaN and huge numbers, arrays, bytes and nested JSON neither end the stream nor cost a good row."""
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(postgres_address) as connection:
        columns = "id bigint, session_id uuid, ts timestamp, tool text, result json, cost numeric, x bytea, y int[]"
        connection.execute(f"CREATE TABLE log ({columns})")
        row = "INSERT INTO log VALUES (%s, '00000000-0000-0000-0000-000000000001', %s, 'look', %s, %s, '\\x41', '{1,2}')"
        deep = "[" * 900 + "]" * 900
        for values in (
            (9, "2026-03-01 09:00:00.5", '{"n": 1e400}', "NaN"),
            (10, "infinity", '"Error: text"', "1.25"),
            (11, None, deep, None),
            (12, None, "5", None),
        ):
            connection.execute(row, values)
    rows, counts = read(open_source(postgres_address, SourceOptions()))
    assert [(r.id, r.created_at, r.response, r.cost_usd, r.success) for r in rows] == [
        ("9", "2026-03-01T09:00:00.500Z", {"n": "1e400"}, None, True),
        ("10", None, "Error: text", 1.25, False),
        ("12", None, 5, None, True),
    ]
    assert rows[0].extra == {"x": "A", "y": [1, 2]}
    assert counts == {"number_as_text": 1, "naive_stamp": 1, "unusable_stamp": 1, "nested_too_deep": 1}


def test_postgres_is_never_written(postgres_address: str) -> None:
    """A query that writes, even through a function, is refused by the transaction."""
    psycopg = pytest.importorskip("psycopg")
    write_postgres(postgres_address, small_log())
    with psycopg.connect(postgres_address) as connection:
        connection.execute(
            "CREATE FUNCTION wipe() RETURNS TABLE (session_id text, tool text) LANGUAGE sql"
            " AS 'DELETE FROM audit RETURNING session_id, tool'"
        )
    with pytest.raises(SourceError, match="read-only transaction"):
        open_source(postgres_address, SourceOptions(query="SELECT * FROM wipe()"))
    assert len(list(open_source(postgres_address, SourceOptions()).rows())) == 8


def test_postgres_time_out(postgres_address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A statement that runs too long ends in a sentence about the index; the address's own setting wins over ours."""
    write_postgres(postgres_address, small_log())
    slow = SourceOptions(query="SELECT a.*, pg_sleep(0.3)::text AS s FROM audit a")
    monkeypatch.setattr(postgres, "STATEMENT_TIMEOUT_SECONDS", "0.2")
    with pytest.raises(SourceError, match="Add an index on session, stamp and id"):
        open_source(postgres_address, slow)
    mine = postgres_address + "&options=-c%20statement_timeout%3D1h"
    assert open_source(mine, SourceOptions(query="SELECT a.*, pg_sleep(0.05)::text AS s FROM audit a")).ordered


def test_postgres_first_row_in_time(postgres_address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is for the first row, which a sort holds back; a reader that takes its time afterwards is not cut off."""
    write_postgres(postgres_address, small_log())
    slow = open_source(postgres_address, SourceOptions(query="SELECT a.*, pg_sleep(0.1)::text AS s FROM audit a"))
    monkeypatch.setattr(postgres, "STATEMENT_TIMEOUT_SECONDS", 0.3)
    with pytest.raises(SourceError, match="Add an index on session, stamp and id"):
        list(slow.rows())
    rows = open_source(postgres_address, SourceOptions()).rows()
    next(rows)
    time.sleep(0.5)
    assert len(list(rows)) == 7


def test_postgres_stops_no_writer(postgres_address: str) -> None:
    """While a pass is open, others insert, change, delete and add an index; the pass sees the log as it was when it began."""
    psycopg = pytest.importorskip("psycopg")
    write_postgres(postgres_address, [record("s", place % 60, id=f"{place:05d}") for place in range(5000)])
    rows = open_source(postgres_address, SourceOptions()).rows()
    next(rows)
    with psycopg.connect(postgres_address, autocommit=True) as connection:
        connection.execute("SET lock_timeout = '2s'")
        connection.execute("INSERT INTO audit (id, session_id, tool) VALUES ('99999', 's', 'late')")
        connection.execute("UPDATE audit SET tool = 'changed' WHERE id = '04999'")
        connection.execute("DELETE FROM audit WHERE id = '04998'")
        connection.execute("CREATE INDEX ON audit (session_id)")
        held = connection.execute(
            "SELECT DISTINCT mode FROM pg_locks WHERE relation = 'audit'::regclass AND pid <> pg_backend_pid()"
        ).fetchall()
    assert held == [("AccessShareLock",)]
    assert [row.tool for row in rows] == ["get_ticket"] * 4999


def test_postgres_stops_when_left(postgres_address: str) -> None:
    """A pass that is broken off closes its connection."""
    psycopg = pytest.importorskip("psycopg")
    write_postgres(postgres_address, [record("s", place % 60, id=f"{place}") for place in range(2000)])
    rows = open_source(postgres_address, SourceOptions()).rows()
    next(rows)
    rows.close()  # type: ignore[attr-defined]
    with psycopg.connect(postgres_address) as connection:
        query = "SELECT count(*) FROM pg_stat_activity WHERE application_name ~ 'trajectory' AND datname = current_database()"
        assert connection.execute(query).fetchone() == (0,)


@pytest.mark.parametrize(
    "address",
    [
        f"postgresql://me:{PASSWORD}@127.0.0.1:1/db",
        f"postgresql://me:x@{PASSWORD}@nowhere.invalid/db",
        f"postgresql://me:{PASSWORD}/x@nowhere.invalid/db",
        f"postgresql://me:{PASSWORD}#x@nowhere.invalid/db",
        f"postgresql://me:{PASSWORD}%zz@nowhere.invalid/db",
        f"postgres://me:{PASSWORD}@nowhere.invalid/db?bogus={PASSWORD}",
    ],
)
def test_password_never_shown(address: str) -> None:
    """No message, and no traceback, shows a part of the address, also where the password breaks its grammar."""
    with pytest.raises(SourceError) as caught:
        open_source(address, SourceOptions())
    shown = "".join(traceback.format_exception(caught.value, chain=True))
    assert "Cannot read the PostgreSQL log" in shown
    assert PASSWORD not in shown.replace(__file__, "")


def test_refused_password(postgres_address: str) -> None:
    """A wrong password ends at once, in one sentence without it."""
    psycopg = pytest.importorskip("psycopg")
    write_postgres(postgres_address, small_log())
    data = Path(server().pgdata)
    hba = data / "pg_hba.conf"
    rules = hba.read_text()
    hba.write_text("local all guarded scram-sha-256\n" + rules)
    with psycopg.connect(postgres_address, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS guarded")
        connection.execute("CREATE ROLE guarded LOGIN PASSWORD 'right'")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute("GRANT SELECT ON audit TO guarded")
    try:
        with pytest.raises(SourceError, match=r"refuses this user or password") as caught:
            open_source(postgres_address.replace("postgres:@", f"guarded:{PASSWORD}@"), SourceOptions())
        assert PASSWORD not in str(caught.value)
        source = open_source(postgres_address.replace("postgres:@", "guarded:right@"), SourceOptions())
        assert source.name == "audit"
        assert len(list(source.rows())) == 8
    finally:
        hba.write_text(rules)
        with psycopg.connect(postgres_address, autocommit=True) as connection:
            connection.execute("SELECT pg_reload_conf()")
            connection.execute("DROP OWNED BY guarded; DROP ROLE guarded")


def test_missing_table_and_rights(postgres_address: str) -> None:
    """A table that is not there is named; a database that is not there, too."""
    write_postgres(postgres_address, small_log())
    with pytest.raises(SourceError, match="no table 'audits', but audit"):
        open_source(postgres_address, SourceOptions(table="audits"))
    with pytest.raises(SourceError, match="the query gives no row"):
        open_source(postgres_address, SourceOptions(query="SELECT * FROM audit WHERE false"))
    with pytest.raises(SourceError, match='relation "nowhere" does not exist'):
        open_source(postgres_address, SourceOptions(query="SELECT * FROM nowhere"))
    missing = postgres_address.replace("/test_", "/absent_")
    with pytest.raises(SourceError, match="no such database"):
        open_source(missing, SourceOptions())
    assert os.environ.get("PGPASSWORD") is None


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://me:hunter2@host/db", "postgresql://me:***@host/db"),
        ("postgres://me:hun@ter:2/x@host:5432/db?sslmode=require", "postgres://me:***@host:5432/db?sslmode=require"),
        ("postgresql://me@host/db", "postgresql://me@host/db"),
        ("postgresql:///db?host=/tmp&password=hunter2&user=me", "postgresql:///db?host=/tmp&password=***&user=me"),
        ("postgresql://:hunter2@host/db", "postgresql://:***@host/db"),
        ("logs/me:hunter2@host.jsonl", "logs/me:hunter2@host.jsonl"),
    ],
)
def test_an_address_is_shown_without_its_password(address: str, shown: str) -> None:
    """What is printed or written into a report holds no password; a file's name is left alone."""
    assert postgres.without_password(address) == shown
