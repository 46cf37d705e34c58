"""What a store on a server does in its own way: passwords, keys, locks, locales, versions, an absent server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.postgres_server import new_database
from tests.store.samples import clock, pair, saved, session
from trajectory_compiler.errors import OptionError, StoreError, StoreLockedError, StoreVersionError, TrajcError
from trajectory_compiler.redaction.keyfile import key_path
from trajectory_compiler.store import Store
from trajectory_compiler.store.address import parse_address
from trajectory_compiler.store.migrations import SCHEMA_VERSION, STEPS, Step, bring_up_to_date
from trajectory_compiler.store.postgres import PostgresDatabase, connect_server, translated

HOLD = """
import os, sys, time
from trajectory_compiler.store import Store
with Store.open(sys.argv[1]) as store, store.lock("compile"):
    if sys.argv[2] == "fork" and os.fork() == 0:
        time.sleep(60)
        os._exit(0)
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the address of an empty database, in a folder where keys may be written."""
    monkeypatch.chdir(tmp_path)
    return new_database()


def _database(address: str) -> PostgresDatabase:
    return connect_server(parse_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://me:se@cret@127.0.0.1:1/db",
        "postgresql://me:secret@127.0.0.1:1/db",
        "postgresql://me:secr/et@127.0.0.1:1/db",
        "postgres://me@127.0.0.1:1/db?password=secret&schema=own",
        "postgresql://me:secret@127.0.0.1:1/db?schema=DROP%20x",
        "postgresql://me:secret@no-such-host.invalid/db",
    ],
)
def test_no_error_shows_a_password(address: str) -> None:
    """Whatever is wrong with an address, the sentence has no part of the password in it."""
    with pytest.raises(TrajcError) as refusal:
        Store.open(address)
    assert "cret" not in str(refusal.value)
    assert "Cannot" in str(refusal.value)


def test_names_hold_what_sets_a_target_apart() -> None:
    """The name of a target is host, port, database and schema: neither user nor password nor any option."""
    one = parse_address("postgresql://me:secret@db.example.com/agents?sslmode=require&schema=own")
    assert one.name == "postgresql://db.example.com:5432/agents?schema=own"
    assert one.parameters["password"] == "secret"
    assert "secret" not in repr(one)
    with pytest.raises(OptionError, match="has no plain name"):
        parse_address("postgresql://h/d", schema="pg_own")


def test_the_key_stays_here(address: str) -> None:
    """A store on a server keeps its key in a private folder of this machine, under the store's own id, always the same."""
    with Store.open(address, clock=clock) as store:
        beside = store.path
        assert key_path(beside).name.startswith("store-")
        assert beside.parent == Path(".trajc")
        assert beside.parent.stat().st_mode & 0o777 == 0o700
    with Store.open(address, read_only=True, clock=clock) as again:
        assert again.path == beside


def test_second_run_says_who_holds_the_store(address: str) -> None:
    """Another run leaves at once with exit code 4 and names purpose and process; after kill -9 the next one starts."""
    Store.open(address).close()
    process = _holder(address, "plain")
    with Store.open(address) as store:
        with pytest.raises(StoreLockedError, match=rf"compile, process {process.pid}, since") as refusal, store.lock("forget"):
            pass
        assert refusal.value.exit_code == 4
        _end(process)
        with store.lock("forget"):
            with pytest.raises(StoreLockedError), store.lock("compile"):
                pass
            with Store.open(address) as other, pytest.raises(StoreLockedError), other.lock("compile"):
                pass


def test_forked_worker_does_not_keep_the_lock(address: str) -> None:
    """A worker that outlives its killed parent holds nothing: the server has seen the only connection end."""
    Store.open(address).close()
    process = _holder(address, "fork")
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    with Store.open(address) as store, store.lock("compile"):
        pass
    _end(process)


def test_every_text_compares_by_its_bytes(address: str) -> None:
    """No column follows the server's locale: ids sort and are searched as on SQLite."""
    Store.open(address).close()
    database = _database(address)
    found = database.rows(
        "SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n "
        "ON n.oid = c.relnamespace JOIN pg_collation o ON o.oid = a.attcollation "
        "WHERE n.nspname = 'trajc' AND c.relkind = 'r' AND o.collname <> 'C'"
    )
    assert list(found) == []
    assert "content" in {row[0] for row in database.rows("SELECT attname FROM pg_attribute WHERE attcollation = 0")}


def test_statements_are_translated() -> None:
    """Place holders and percent signs reach the driver as it wants them; only column types change, never a value."""
    assert translated("SELECT x FROM t WHERE a LIKE 'p:%' AND b = ?") == "SELECT x FROM t WHERE a LIKE 'p:%%' AND b = %s"
    assert translated("CREATE TABLE t (a TEXT NOT NULL)") == 'CREATE TABLE t (a TEXT COLLATE "C" NOT NULL)'
    assert translated("UPDATE t SET a = 'TEXT'") == "UPDATE t SET a = 'TEXT'"


def test_migration_copies_first_and_is_all_or_nothing(address: str) -> None:
    """A migration leaves a copy of the tables in a schema of its own; one that fails leaves no trace."""
    with Store.open(address, clock=clock) as store:
        saved(store, pair(session()), trajectory=session())
    database = _database(address)
    broken = Step(
        SCHEMA_VERSION + 1, "broken", "ALTER TABLE pairs ADD COLUMN mood TEXT;\nALTER TABLE nothing ADD COLUMN x TEXT;\n"
    )
    with pytest.raises(StoreError):
        bring_up_to_date(database, Path("broken"), clock, [*STEPS, broken])
    Store.open(address, clock=clock).close()
    good = Step(SCHEMA_VERSION + 1, "mood", "ALTER TABLE pairs ADD COLUMN mood TEXT;\nUPDATE pairs SET mood = 'new';\n")
    bring_up_to_date(database, Path("trajc"), clock, [*STEPS, good])
    assert database.row("SELECT mood FROM pairs") == ("new",)
    assert database.row(f"SELECT count(*) FROM trajc_trajc_v{SCHEMA_VERSION}_backup.pairs") == (1,)
    with pytest.raises(StoreVersionError, match=r"Upgrade trajectory-compiler\."):
        Store.open(address)


def test_foreign_and_empty_schemas(address: str) -> None:
    """A schema of another program is left as it is; reading an empty one says how to fill it and makes nothing."""
    database = _database(address)
    with pytest.raises(StoreError, match="it is empty"):
        Store.open(address, read_only=True)
    assert database.row("SELECT count(*) FROM pg_namespace WHERE nspname = 'trajc'") == (0,)
    database.execute("CREATE SCHEMA trajc")
    database.execute("CREATE TABLE trajc.meta (key TEXT)")
    with pytest.raises(StoreError, match="a PostgreSQL database of another program"):
        Store.open(address)


def test_values_that_no_column_holds(address: str) -> None:
    """A number that is too large and a NUL character give a sentence, and the session stays out as a whole."""
    trajectory = session()
    with Store.open(address, clock=clock) as store:
        for changes in ({"hops": 1 << 70}, {"hops": 1 << 40}, {"answer": "a\0b"}):
            with pytest.raises(StoreError, match="does not fit its column"):
                saved(store, pair(trajectory, **changes), trajectory=trajectory)
        with pytest.raises(StoreError, match="no UTF-8 form"):
            saved(store, pair(trajectory, answer="\udc80"), trajectory=trajectory)
        assert store.current_keys("log") == {}
        saved(store, pair(trajectory), trajectory=trajectory)


def test_reading_only_writes_nothing(address: str) -> None:
    """A store that was opened for reading refuses to write in one sentence."""
    Store.open(address).close()
    with Store.open(address, read_only=True) as store, pytest.raises(StoreError, match="read-only"):
        store.begin_run("compile", "log", "{}", "1")


def _holder(address: str, mode: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLD, address, mode]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def _end(process: subprocess.Popen[Any]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()
