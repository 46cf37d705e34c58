"""Incremental runs on a real PostgreSQL server, where transactions commit in another order than they began."""

from __future__ import annotations

import json
import random
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.month import sessions_of
from tests.pipeline.test_sync_month import one_run_over, stored
from trajectory_compiler.config import CompileOptions, SessionOptions, SyncOptions
from trajectory_compiler.ledger.initialise import initialise
from trajectory_compiler.ledger.schema import Names
from trajectory_compiler.pipeline.sync import SyncSummary, sync_into
from trajectory_compiler.store import Store

psycopg = pytest.importorskip("psycopg", reason="the extra 'postgres' is not installed")
LEDGER, PLAIN = "ledger", "audit"
NOW = "2027-01-01T00:00:00Z"
OPTIONS = CompileOptions(workers=1, sessions=SessionOptions(min_turns=2))
STAMP_COLUMN = {LEDGER: "called_at", PLAIN: "created_at"}
WRITERS = 4


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """Return a few sessions of the demo's business."""
    return sessions_of(tmp_path_factory.mktemp("sessions"), 6)


@pytest.fixture(params=[LEDGER, PLAIN])
def table(request: pytest.FixtureRequest, postgres_address: str) -> tuple[str, str]:
    """Return a database with an empty log and the log's name: a ledger, or a table as teams have them."""
    name = str(request.param)
    if name == LEDGER:
        initialise(postgres_address, Names.of(LEDGER))
    else:
        with psycopg.connect(postgres_address) as connection:
            connection.execute(
                "CREATE TABLE audit (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, session_id text NOT NULL, "
                "created_at timestamptz, agent text, tool text, arguments jsonb, response jsonb)"
            )
    return postgres_address, name


def insert(connection: Any, table: str, row: dict[str, Any]) -> None:
    """Insert a row in the connection's transaction."""
    columns = ("session_id", STAMP_COLUMN[table], "agent", "tool", "arguments", "response")
    values = [row["session_id"], row["created_at"], row["agent"], row["tool"]]
    values += [json.dumps(row["arguments"]), json.dumps(row["response"])]
    connection.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES (%s, %s, %s, %s, %s, %s)", values)


def synced(store: Path, address: str, **options: Any) -> SyncSummary:
    """Make one run."""
    with Store.open(store) as opened:
        return sync_into(opened, address, OPTIONS, SyncOptions(**options), NOW)


def test_the_row_of_a_slow_writer_is_never_missed(
    table: tuple[str, str], sessions: dict[str, list[dict[str, Any]]], tmp_path: Path
) -> None:
    """A transaction that was open during a run, and commits after later ones, is found by the next run with its own session."""
    address, name = table
    store, (slow, quick, later) = tmp_path / "store" / "store.db", list(sessions)[:3]
    with psycopg.connect(address) as slow_writer, psycopg.connect(address) as writer:
        for row in sessions[slow][:-1] + sessions[quick]:
            insert(writer, name, row)
        writer.commit()
        assert synced(store, address).run.compiled == 2
        insert(slow_writer, name, sessions[slow][-1])
        for row in sessions[later]:
            insert(writer, name, row)
        writer.commit()
        assert synced(store, address).run.compiled == 1
        slow_writer.commit()
        found = synced(store, address)
    assert found.run.compiled == 1
    assert found.basis == ("transactions" if name == LEDGER else "stamps")
    if name == LEDGER:
        assert not found.disturbed
        assert found.touched in (1, 2)  # the transaction that was still open held the mark back, and `later` is behind it
    quiet = synced(store, address)
    assert (quiet.run.compiled, quiet.disturbed) == (0, False)
    with Store.open(store) as opened:
        assert len(opened.daily().row_ids(name, slow, opened.daily().kept(name)[slow].digest or "")) == len(sessions[slow])


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 10))])
def test_any_order_of_commits_ends_like_one_run(
    seed: int, table: tuple[str, str], sessions: dict[str, list[dict[str, Any]]], tmp_path: Path
) -> None:
    """Writers whose transactions overlap, with runs in between: the pairs are those of one run over the final table."""
    address, name = table
    dice = random.Random(seed)
    store = tmp_path / "store" / "store.db"
    rows = sorted((row for found in sessions.values() for row in found), key=lambda row: (row["created_at"], row["id"]))
    with ExitStack() as open_writers:
        writers = [open_writers.enter_context(psycopg.connect(address)) for _ in range(WRITERS)]
        for number, row in enumerate(rows):
            insert(dice.choice(writers), name, row)
            if dice.random() < 0.15:
                dice.choice(writers).commit()
            if number % 40 == 39 and _has_rows(address, name):
                synced(store, address, lag_seconds=dice.choice((0.0, 3_600.0)))
        for writer in dice.sample(writers, WRITERS):
            writer.commit()
            synced(store, address)
    last = synced(store, address)
    assert (last.run.compiled, last.touched) == (0, 0) if name == LEDGER else last.run.compiled == 0
    with Store.open(store) as opened:
        assert len(opened.daily().kept(name)) == len(sessions)
        assert stored(opened)
        assert stored(opened) == one_run_over(address, store, tmp_path / "once", OPTIONS, name)


def _has_rows(address: str, table: str) -> bool:
    with psycopg.connect(address) as connection:
        return bool(connection.execute(f"SELECT EXISTS (SELECT FROM {table})").fetchone()[0])


def test_a_restored_database_is_noticed(
    postgres_address: str, sessions: dict[str, list[dict[str, Any]]], tmp_path: Path
) -> None:
    """Rows that vanish below the mark make the next run compare every session instead of trusting its position."""
    initialise(postgres_address, Names.of(LEDGER))
    store = tmp_path / "store" / "store.db"
    with psycopg.connect(postgres_address, autocommit=True) as admin:
        for rows in list(sessions.values())[:3]:
            for row in rows:
                insert(admin, LEDGER, row)
        synced(store, postgres_address)
        for kept in ("alter", "drop"):
            admin.execute(f"ALTER EVENT TRIGGER {LEDGER}_keep_{kept} DISABLE")
        admin.execute(f"ALTER TABLE {LEDGER} DISABLE TRIGGER USER")
        gone = next(iter(sessions))
        admin.execute(f"DELETE FROM {LEDGER} WHERE session_id = %s", (gone,))
        found = synced(store, postgres_address)
    assert found.disturbed
    assert (found.compared, found.vanished, found.run.compiled) == (2, 1, 0)


def test_stamps_that_the_server_cannot_compare_are_counted_instead(
    postgres_address: str, sessions: dict[str, list[dict[str, Any]]], tmp_path: Path
) -> None:
    """A table with stamps as text is read by the counts of its sessions, with texts and UUIDs for ids as well."""
    first, second = list(sessions)[:2]
    store = tmp_path / "store" / "store.db"
    with psycopg.connect(postgres_address) as connection:
        connection.execute(
            "CREATE TABLE notes (id uuid DEFAULT gen_random_uuid(), session_id text, created_at text, agent text, tool text, "
            "arguments jsonb, response jsonb)"
        )
        STAMP_COLUMN["notes"] = "created_at"
        for row in sessions[first] + sessions[second][:-1]:
            insert(connection, "notes", row)
        connection.commit()
        assert synced(store, postgres_address).run.compiled == 2
        insert(connection, "notes", sessions[second][-1])
        connection.commit()
        found = synced(store, postgres_address)
    assert (found.basis, found.run.compiled, found.run.skipped, found.differing) == ("counts", 1, 0, 1)


def test_a_window_reads_the_sessions_that_reach_into_it(
    table: tuple[str, str], sessions: dict[str, list[dict[str, Any]]], tmp_path: Path
) -> None:
    """`since` takes sessions with rows from that day on, `until` leaves those that go on; the watermark stays where it was."""
    address, name = table
    store = tmp_path / "store" / "store.db"
    stamps = sorted(row["created_at"] for rows in sessions.values() for row in rows)
    middle = stamps[len(stamps) // 2]
    with psycopg.connect(address) as writer:
        for rows in sessions.values():
            for row in rows:
                insert(writer, name, row)
    reaching = {session for session, rows in sessions.items() if max(row["created_at"] for row in rows) >= middle}
    assert 0 < len(reaching) < len(sessions)
    assert (first := synced(tmp_path / "late" / "store.db", address, since=middle)).moved
    assert (first.run.compiled, first.looked_at) == (len(reaching), len(reaching))
    again = synced(tmp_path / "late" / "store.db", address, since=middle)
    assert (again.run.compiled, again.disturbed) == (0, False)
    assert (again.touched or 0) < len(reaching)  # by stamp, those of the last hour
    found = synced(store, address, until=middle)
    assert (found.run.compiled, found.beyond, found.moved) == (len(sessions) - len(reaching), len(reaching), False)
    found = synced(store, address, since=middle, until="2027-01-01")
    assert (found.run.compiled, found.moved) == (len(reaching), False)
    assert synced(store, address).run.skipped == len(sessions)


@pytest.mark.parametrize("setting", ["on", "off"])
def test_no_name_of_a_session_is_read_as_sql(setting: str, table: tuple[str, str], tmp_path: Path) -> None:
    """Quotes and backslashes in a session's name find that session, on a server of either rule for backslashes."""
    address, name = table
    address += f"&options=-c%20standard_conforming_strings%3D{setting}"
    odd = ["it's", "\\", "\\' OR true --", "a';", "100%s"]
    with psycopg.connect(address) as writer:
        for session in odd:
            for place in range(3):
                insert(writer, name, {**calls_of(session, place), "response": {"place": place}})
        writer.commit()
        store = tmp_path / "store" / "store.db"
        assert synced(store, address).run.compiled == len(odd)
        for done, session in enumerate(odd):
            insert(writer, name, {**calls_of(session, 3), "response": {"place": done}})
            writer.commit()
            assert synced(store, address, lag_seconds=0.0).run.compiled == 1


def calls_of(session: str, place: int) -> dict[str, Any]:
    """Return a call of a session."""
    stamp = f"2026-03-01T09:{place:02d}:00Z"
    return {"session_id": session, "created_at": stamp, "agent": "clerk", "tool": "look", "arguments": {"n": place}}
