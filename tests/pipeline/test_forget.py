"""Erasure of sessions: everything of them goes, nothing of others, whatever was asked for and whenever it is cut short."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.erasing import KEY, fill, found_in, rows_of, trajectory
from tests.store.samples import clock, saved
from trajectory_compiler.errors import InputError, StoreError
from trajectory_compiler.pipeline.find import find_subject
from trajectory_compiler.pipeline.forget import Order, carry_out, plan_erasure, refuse_held
from trajectory_compiler.store import Store
from trajectory_compiler.store.erasing import SessionKey
from trajectory_compiler.store.holds import Hold, HoldKind
from trajectory_compiler.store.sqlite import SqliteDatabase as Database

SESSIONS = 9
SHARED = ((0, 1), (2, 5), (3, 8))
FORGET = "from tests.pipeline.test_forget import forget_all; import sys; forget_all(sys.argv[1], sys.argv[2:])"
CUT = "from tests.pipeline.test_forget import forget_cut; import sys; forget_cut(sys.argv[1], sys.argv[2])"
orders = st.one_of(
    st.sets(st.integers(0, SESSIONS + 1), min_size=1, max_size=SESSIONS).map(
        lambda numbers: Order(kind="session", sessions=tuple(f"session-{number:03d}" for number in sorted(numbers)))
    ),
    st.integers(0, 4).map(lambda number: Order(kind="agent", agent=f"agent-{number}")),
    st.integers(0, 3).map(lambda number: Order(kind="subject", subjects=(f"WHO{number}@example.com",))),
    st.sampled_from(["2026-11-24T10:00:03Z", "2026-11-25", "2025-01-01"]).map(lambda day: Order(kind="before", before=day)),
)


def chosen_by(order: Order) -> set[int]:
    """Return which sessions of the sample store an order means, worked out from how the store was filled."""
    numbers = range(SESSIONS)
    if order.kind == "session":
        return {number for number in numbers if f"session-{number:03d}" in order.sessions}
    if order.kind == "agent":
        return {number for number in numbers if order.agent == f"agent-{number % 4}"}
    if order.kind == "subject":
        return {number for number in numbers if order.subjects[0].lower() == f"who{number % 3}@example.com"}
    return set(numbers) if order.before == "2026-11-25" else set()


def erase(store: Store, order: Order) -> None:
    """Carry an order out."""
    plan = plan_erasure(store, KEY, order)
    refuse_held(plan)
    if plan.sessions:
        carry_out(store, KEY, plan)


def forget_all(path: str, names: list[str]) -> None:
    """Erase sessions in this process and say when it begins."""
    with Store.open(path, clock=clock) as store:
        plan = plan_erasure(store, KEY, Order(kind="session", sessions=tuple(names)))
        sys.stdout.write("begins\n")
        sys.stdout.flush()
        carry_out(store, KEY, plan)


def forget_cut(path: str, statement: str) -> None:
    """Erase two sessions in this process, which ends by kill -9 right before a statement."""
    execute, rows = Database.execute, Database.rows

    def cut(sql: str) -> None:
        if sql.startswith(statement):
            os.kill(os.getpid(), signal.SIGKILL)

    def cut_execute(self: Database, sql: str, parameters: Sequence[object] = ()) -> int:
        cut(sql)
        return execute(self, sql, parameters)

    def cut_rows(self: Database, sql: str, parameters: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        cut(sql)
        return rows(self, sql, parameters)

    Database.execute, Database.rows = cut_execute, cut_rows  # type: ignore[method-assign]
    with Store.open(path, clock=clock) as store:
        erase(store, Order(kind="session", sessions=("session-000", "session-003")))


def words(numbers: set[int]) -> list[str]:
    """Return what is distinctive of sessions: their words, their ids."""
    return [text for number in sorted(numbers) for text in (f"quokka{number:03d}walks", f"session-{number:03d}")]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(orders)
def test_whatever_is_chosen_goes_and_nothing_else_does(order: Order) -> None:
    """Of any selection no byte is left, and every row of every other session is as it was, but for an answer that both got."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "store.db"
        fill(path, SESSIONS, SHARED)
        before = rows_of(path)
        gone = chosen_by(order)
        with Store.open(path, clock=clock) as store:
            cost = store.costs("stage")
            erase(store, order)
            assert store.costs("stage") == cost
            assert store.damage() == ()
            assert {key.session_id for key in store.erasure.known()} == {
                f"session-{n:03d}" for n in range(SESSIONS) if n not in gone
            }
        assert found_in(Path(name), words(gone)) == {}
        kept = words({number for number in range(SESSIONS) if number not in gone})
        assert set(found_in(Path(name), kept).get("store.db", [])) == set(kept)
        after = rows_of(path)
        for table in ("trajectories", "pairs", "proofs", "reviews", "dataset_items", "identities", "policies", "snapshots"):
            assert after[table] <= before[table]
        assert len(after["pairs"]) == 2 * (SESSIONS - len(gone)) == 2 * len(after["trajectories"])
        touched = {number for one in SHARED for number in one if gone & set(one)} | gone
        untouched = {row for row in before["model_calls"] if int(str(row[8])[-3:]) not in touched}
        assert untouched <= after["model_calls"]
        assert len(after["model_calls"]) == len(before["model_calls"])


def test_an_answer_that_two_sessions_got_goes_with_either(tmp_path: Path) -> None:
    """The cached answer was paid for the one that stays: it goes all the same, and its cost and session stay known."""
    path = tmp_path / "store.db"
    fill(path, 3, ((0, 1),))
    with Store.open(path, clock=clock) as store:
        spent = store.costs("model")
        assert store.call_ledger(store.runs()[0].id).cached("shared-0-1") is not None
        erase(store, Order(kind="session", sessions=("session-001",)))
        assert store.call_ledger(store.runs()[0].id).cached("shared-0-1") is None
        assert store.call_ledger(store.runs()[0].id).cached("digest-0") is not None
        assert store.costs("model") == spent
        assert [call.session_id for call in store.calls()].count("session-000") == 2
    assert found_in(tmp_path, ["quokka001walks"]) == {}


def test_pieces_that_were_lent_to_a_data_set_go(tmp_path: Path) -> None:
    """Items of the paper's pairs whose version names the session among its lenders go; what is no context of pieces stays."""
    path = tmp_path / "store.db"
    fill(path, 3)
    with Store.open(path, clock=clock) as store:
        (form,) = store.erasure.trajectories(SessionKey("log", "session-001"))
        (borrower,) = [p for p in store.erasure.pair_ids(SessionKey("log", "session-000")) if store.pair(p).state == "proved"]
        with store._database.transaction():
            store._database.execute("UPDATE pairs SET origin = 'acc' WHERE id = ?", (borrower,))
            manifest = f'{{"lenders": ["{form.digest}"]}}'
            store._database.execute("INSERT INTO dataset_versions VALUES ('e', 'acc', 1, ?, NULL, ?)", (manifest, clock()))
            item = ("e", 0, borrower, "train", b"a piece: quokka001walks")
            store._database.execute("INSERT INTO dataset_items VALUES (?, ?, ?, ?, ?)", item)
        plan = plan_erasure(store, KEY, Order(kind="session", sessions=("session-001",)))
        assert (plan.counts["lent_items"], plan.data_sets) == (1, ("acc v1", "set v1"))
        carry_out(store, KEY, plan)
        assert len(rows_of(path)["dataset_items"]) == 2
    assert found_in(tmp_path, ["quokka001walks"]) == {}


def test_a_subject_is_found_before_and_by_nothing_after(tmp_path: Path) -> None:
    """The keyed hash finds the subject's sessions; after the erasure neither hash nor text does, and the others stay."""
    path = tmp_path / "store.db"
    fill(path, 6)
    with Store.open(path, clock=clock) as store:
        found = find_subject(store, KEY, ["Who1@Example.com"])
        assert [(one.session_id, one.ways, one.names) for one in found.sessions] == [
            ("session-001", ("hash",), ("<EMAIL_1>",)),
            ("session-004", ("hash",), ("<EMAIL_1>",)),
        ]
        assert [one.session_id for one in find_subject(store, KEY, ["quokka002walks"]).sessions] == ["session-002"]
        erase(store, Order(kind="subject", subjects=("who1@example.com",)))
        assert find_subject(store, KEY, ["who1@example.com"]).sessions == ()
        assert len(find_subject(store, KEY, ["who2@example.com"]).sessions) == 2
        assert find_subject(store, b"o" * 32, ["who2@example.com"]).unreachable == 4


@pytest.mark.parametrize(("kind", "subject"), [("session", "session-001"), ("agent", "agent-1"), ("source", "log")])
def test_a_hold_stops_the_whole_order_until_it_is_released(tmp_path: Path, kind: HoldKind, subject: str) -> None:
    """Nothing is erased while one chosen session is held, of whatever kind the hold is; a released one holds nothing."""
    path = tmp_path / "store.db"
    fill(path, 3)
    before = rows_of(path)
    with Store.open(path, clock=clock) as store:
        hold = store.erasure.add_hold(Hold(id="", kind=kind, subject=subject, reason="claim 7", actor="me", created_at=clock()))
        order = Order(kind="session", sessions=("session-000", "session-001"))
        with pytest.raises(InputError, match="under legal hold"):
            erase(store, order)
        assert rows_of(path) == before | {"holds": rows_of(path)["holds"]}
        store.erasure.release_hold(hold.id[:8])
        erase(store, order)
        assert [key.session_id for key in store.erasure.known()] == ["session-002"]
    assert found_in(tmp_path, ["session-001"]) == {}


def test_a_hold_protects_an_answer_that_is_shared(tmp_path: Path) -> None:
    """What a held session got from a model stays, so the other session that got it cannot be erased either."""
    fill(tmp_path / "store.db", 3, ((0, 1),))
    with Store.open(tmp_path / "store.db", clock=clock) as store:
        store.erasure.add_hold(Hold(id="", kind="session", subject="session-000", reason="r", actor="me", created_at=clock()))
        with pytest.raises(InputError, match="same answer of a model"):
            erase(store, Order(kind="session", sessions=("session-001",)))
        erase(store, Order(kind="session", sessions=("session-002",)))
        assert len(store.erasure.known()) == 2


def test_a_hold_that_comes_in_between_stops_it(tmp_path: Path) -> None:
    """A hold is looked at again inside the transaction: whoever was shown a plan without it erases nothing."""
    path = tmp_path / "store.db"
    fill(path, 2)
    with Store.open(path, clock=clock) as store:
        plan = plan_erasure(store, KEY, Order(kind="session", sessions=("session-001",)))
        store.erasure.add_hold(
            Hold(id="", kind="session", subject="session-001", reason="claim", actor="me", created_at=clock())
        )
        with pytest.raises(InputError, match="the store changed"):
            carry_out(store, KEY, plan)
        assert len(store.erasure.known()) == 2
        assert store.erasure.tombstones() == ()


def test_the_tombstone_counts_and_names_nothing(tmp_path: Path) -> None:
    """It says how much went, why and by whom; its subject is a mark that only the key can test."""
    fill(tmp_path / "store.db", 3)
    with Store.open(tmp_path / "store.db", clock=clock) as store:
        order = Order(kind="session", sessions=("session-002",), reason="request 17", actor="officer")
        erase(store, order)
        (stone,) = store.erasure.tombstones()
        assert (stone.kind, stone.reason, stone.actor) == ("session", "request 17", "officer")
        assert {name: stone.counts[name] for name in ("sessions", "turns", "pairs", "proofs", "reviews", "cached_answers")} == {
            "sessions": 1,
            "turns": 8,
            "pairs": 2,
            "proofs": 2,
            "reviews": 1,
            "cached_answers": 1,
        }
        with pytest.raises(InputError, match="the reason names"):
            plan_erasure(store, KEY, Order(kind="session", sessions=("session-001",), reason="for Session-001"))


def test_copies_of_older_versions_go_unless_they_must_stay(tmp_path: Path) -> None:
    """A copy that a migration left beside the store is erased whole; with a hold in force, or when asked to, it stays."""
    path = tmp_path / "store.db"
    fill(path, 3)
    copy = tmp_path / "store.db.v3.backup"
    copy.write_bytes(path.read_bytes())
    with Store.open(path, clock=clock) as store:
        erase(store, Order(kind="session", sessions=("session-000",), keep_backups=True))
        assert copy.exists()
        erase(store, Order(kind="session", sessions=("session-001",)))
    assert not copy.exists()


def test_a_reader_of_an_old_state_is_waited_for(tmp_path: Path) -> None:
    """Who still reads keeps the bytes of the log alive: that is said, the rows are gone, and the next run cleans up."""
    path = tmp_path / "store.db"
    fill(path, 3)
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM pairs").fetchone()
    with Store.open(path, clock=clock) as store:
        store._database.execute("PRAGMA busy_timeout = 50")
        with pytest.raises(StoreError, match="still reads an older state"):
            erase(store, Order(kind="session", sessions=("session-001",)))
        assert store.erasure.is_pending()
        assert len(store.erasure.known()) == 2
        reader.close()
        with store.lock("another run"):
            assert not store.erasure.is_pending()
        assert found_in(tmp_path, words({1})) == {}


@pytest.mark.parametrize("kills", [6, pytest.param(100, marks=pytest.mark.long)])
def test_killed_at_any_instant_it_is_all_there_or_all_gone(tmp_path: Path, kills: int) -> None:
    """After kill -9 the sessions are whole or erased with their tombstone; the next run leaves no byte of what was erased."""
    chance = random.Random(kills)
    root = Path(__file__).parents[2]
    for attempt in range(kills):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        path = folder / "store.db"
        fill(path, 6, ((0, 1),))
        process = subprocess.Popen(
            [sys.executable, "-c", FORGET, str(path), "session-000", "session-003"], stdout=subprocess.PIPE, text=True, cwd=root
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "begins\n"
        time.sleep(chance.random() * 0.06)
        process.kill()
        assert process.wait() in (0, -signal.SIGKILL)
        process.stdout.close()
        with Store.open(path, clock=clock) as store:
            left = {key.session_id for key in store.erasure.known()}
            is_erased = bool(store.erasure.tombstones())
            assert left >= {f"session-{n:03d}" for n in (1, 2, 4, 5)}
            assert ({"session-000", "session-003"} & left == set()) if is_erased else (len(left) == 6)
            with store.lock("the next run"):
                assert not store.erasure.is_pending()
            assert store.damage() == ()
            if is_erased:
                assert found_in(folder, words({0, 3})) == {}


@pytest.mark.parametrize(
    ("statement", "erased"),
    [
        ("DELETE FROM findings", False),
        ("DELETE FROM trajectories", False),
        ("INSERT INTO erasures", False),
        ("UPDATE runs SET status = ?", True),
        ("PRAGMA wal_checkpoint", True),
        ("VACUUM", True),
        ("DELETE FROM meta", True),
    ],
)
def test_cut_before_any_of_its_steps_the_next_run_finishes(tmp_path: Path, statement: str, erased: bool) -> None:
    """Killed before the commit nothing is gone; after it everything is, and the next run cleans the bytes, older copies too."""
    path = tmp_path / "store.db"
    fill(path, 5)
    copy = tmp_path / "store.db.v3.backup"
    copy.write_bytes(path.read_bytes())
    command = [sys.executable, "-c", CUT, str(path), statement]
    assert subprocess.run(command, cwd=Path(__file__).parents[2], check=False).returncode == -signal.SIGKILL
    with Store.open(path, clock=clock) as store:
        assert bool(store.erasure.tombstones()) is erased
        assert len(store.erasure.known()) == (3 if erased else 5)
        with store.lock("the next run"):
            assert store.damage() == ()
    assert copy.exists() is not erased
    assert bool(found_in(tmp_path, words({0, 3}))) is not erased


def test_a_session_without_stamps_is_as_old_as_its_entry(tmp_path: Path) -> None:
    """The age of a session is that of its last row; where the log has no stamps, it counts from the day it was stored."""
    plain = trajectory(7)
    turns = tuple(msgspec.structs.replace(turn, created_at=None) for turn in plain.turns)
    with Store.open(tmp_path / "store.db", clock=clock) as store:
        saved(store, trajectory=msgspec.structs.replace(plain, turns=turns))
        assert plan_erasure(store, KEY, Order(kind="before", before="2026-11-24")).sessions == ()
        assert len(plan_erasure(store, KEY, Order(kind="before", before="2026-11-25")).sessions) == 1
