"""A mirror says what the store says: everything, again and again, after changes, erasures, clashes and outages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres_server import new_database
from tests.store.filled import fill
from tests.store.samples import clock, pair, saved, session
from trajectory_compiler.config import MirrorOptions
from trajectory_compiler.errors import StoreError, StoreLockedError
from trajectory_compiler.store import PairQuery, Review, Store
from trajectory_compiler.store.address import parse_address
from trajectory_compiler.store.lock import run_lock
from trajectory_compiler.store.mirror_tables import AT_HOME, KINDS, tables
from trajectory_compiler.store.postgres import PostgresDatabase, connect_server

EVERY = PairQuery(states=())


@pytest.fixture
def options() -> MirrorOptions:
    """Name a mirror in a new database."""
    return MirrorOptions(url=new_database())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Give a store with something in every table."""
    with Store.open(tmp_path / "store.db", clock=clock) as opened:
        fill(opened)
        yield opened


def there(options: MirrorOptions) -> PostgresDatabase:
    """Connect to a mirror as somebody else would."""
    return connect_server(parse_address(options.url, options.schema))


def test_every_table_is_mirrored_or_stays_at_home_by_name() -> None:
    """No table of the schema is forgotten: a new one must be put somewhere."""
    parts = {part.table for kind in KINDS for part in kind.parts}
    assert parts | AT_HOME == set(tables())
    assert not parts & AT_HOME


def test_the_mirror_holds_all_and_a_second_run_sends_nothing(store: Store, options: MirrorOptions) -> None:
    """After one run both sides are equal in every table, none of them empty; the second run finds nothing to do."""
    first = store.mirror_into(options)
    assert (first.complete, first.unchanged, first.deleted) == (True, 0, 0)
    checked = store.compare_with(options)
    assert checked.equal
    assert [table.table for table in checked.tables if table.rows_here == 0 or table.rows_here != table.rows_there] == []
    assert {table.table for table in checked.tables} == set(tables()) - AT_HOME
    second = store.mirror_into(options)
    assert (second.written, second.deleted, second.unchanged) == (0, 0, first.written)


def test_a_mirror_is_read_as_a_store_and_not_written_as_one(
    store: Store, options: MirrorOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pairs, sessions and costs come out of the mirror as out of the store; compiling into it is refused."""
    monkeypatch.chdir(tmp_path)
    store.mirror_into(options)
    with Store.open(options.url, read_only=True, clock=clock) as copy:
        assert list(copy.pairs(EVERY)) == list(store.pairs(EVERY)) != []
        assert copy.trajectory(session("s-2", 10, words="ünï\n2").digest).session_id == "s-2"
        assert copy.costs("run") == store.costs("run")
    with pytest.raises(StoreError, match="it is a mirror of other stores"):
        Store.open(options.url, clock=clock)


def test_changes_follow(store: Store, options: MirrorOptions) -> None:
    """Reviews, superseded pairs, new sessions and new runs reach the mirror with the next run, and only they are sent."""
    store.mirror_into(options)
    known = next(store.pairs())
    store.add_review(Review(pair_id=known.id, reviewer="bob", verdict="reject", reason="", created_at=clock()))
    report = store.mirror_into(options)
    assert (report.written, report.deleted) == (1, 0)
    assert there(options).row("SELECT state FROM pairs WHERE id = ?", (known.id,)) == ("rejected",)
    saved(store, trajectory=session("s-2", 20))
    saved(store, pair(session("s-new")), trajectory=session("s-new"))
    assert store.mirror_into(options).written == 4  # two sessions, two runs
    assert store.compare_with(options).equal


def test_what_is_erased_here_is_erased_there(store: Store, options: MirrorOptions) -> None:
    """A session that was deleted is gone from every table of the mirror, the tombstone is there, the data set follows."""
    store.mirror_into(options)
    session_id = there(options).row("SELECT session_id FROM pairs p JOIN dataset_items d ON d.pair_id = p.id")
    assert session_id is not None
    database = store._database
    with database.transaction():
        database.execute("DELETE FROM model_calls WHERE session_id = ?", session_id)
        database.execute("DELETE FROM findings WHERE session_id = ?", session_id)
        database.execute("DELETE FROM sessions WHERE session_id = ?", session_id)
        database.execute("INSERT INTO erasures VALUES ('tomb', 'session', 'h', 'asked', 'ann', '{}', 'then')")
    assert store.mirror_into(options).deleted == 1
    assert store.compare_with(options).equal
    mirror = there(options)
    for table in ("sessions", "trajectories", "identities", "stages", "pairs", "findings", "model_calls"):
        assert mirror.row(f"SELECT count(*) FROM {table} WHERE session_id = ?", session_id) == (0,), table
    assert mirror.row("SELECT count(*) FROM dataset_items") == (0,)
    assert mirror.row("SELECT count(*) FROM erasures WHERE id = 'tomb'") == (1,)


def test_a_vanished_mirror_is_filled_again(store: Store, options: MirrorOptions) -> None:
    """What the server lost, to the last schema or to an older backup, is sent again: only the mirror's own word is believed."""
    store.mirror_into(options)
    there(options).execute("DROP SCHEMA trajc CASCADE")
    store.mirror_into(options)
    assert store.compare_with(options).equal


def test_tampering_is_found(store: Store, options: MirrorOptions) -> None:
    """A changed, a missing and an added row are each found in their table and by the name of their item."""
    store.mirror_into(options)
    mirror = there(options)
    mirror.execute("UPDATE pairs SET answer = 'other' WHERE id = (SELECT min(id) FROM pairs WHERE session_id = 's-2')")
    mirror.execute("DELETE FROM reviews")
    mirror.execute("INSERT INTO holds VALUES ('x', 'agent', 'a', 'r', 'p', 'then', NULL)")
    checked = store.compare_with(options)
    assert not checked.equal
    assert {table.table for table in checked.tables if not table.equal} == {"pairs", "reviews"}
    assert checked.differing == ('["session","log","s-0"]', '["session","log","s-2"]')
    assert checked.foreign == ('["hold","x"]',)


def test_two_stores_share_a_mirror(store: Store, options: MirrorOptions, tmp_path: Path) -> None:
    """Stores of different logs stand side by side, each equal to its own part; what they have in common stays for both."""
    with Store.open(tmp_path / "other.db", clock=clock) as other:
        fill(other, "mail")
        assert store.mirror_into(options).complete
        assert other.mirror_into(options).complete
        assert store.compare_with(options).equal
        assert other.compare_with(options).equal
        sources = there(options).rows("SELECT DISTINCT source FROM sessions ORDER BY source")
        assert list(sources) == [("log",), ("mail",)]
        for one in (other, store):
            one._database.execute("DELETE FROM policies")
            one.mirror_into(options)
            left = there(options).row("SELECT count(*) FROM policies")
            assert left == ((1,) if one is other else (0,))
        assert store.compare_with(options).equal


def test_parts_of_one_log_from_two_stores(store: Store, options: MirrorOptions, tmp_path: Path) -> None:
    """Two machines that compile different sessions of one log fill one mirror, each with its own snapshot of statistics."""
    with Store.open(tmp_path / "other.db", clock=clock) as other:
        saved(other, pair(session("s-90")), trajectory=session("s-90"))
        other.save_snapshot("log", "other", b"\x05")
        store.mirror_into(options)
        assert other.mirror_into(options).complete
        assert store.compare_with(options).equal
        assert other.compare_with(options).equal
        assert there(options).row("SELECT count(*) FROM snapshots WHERE is_current = 1") == (2,)


def test_the_same_session_from_two_stores(store: Store, options: MirrorOptions, tmp_path: Path) -> None:
    """Of a session that two stores have compiled the first one's stays, untouched, and the second store is told which."""
    with Store.open(tmp_path / "other.db", clock=clock) as other:
        saved(other, pair(session("s-2", 30)), trajectory=session("s-2", 30))
        saved(other, pair(session("s-77")), trajectory=session("s-77"))
        store.mirror_into(options)
        for _ in range(2):
            report = other.mirror_into(options)
            assert (report.held, report.complete) == (('["session","log","s-2"]',), False)
        assert store.compare_with(options).equal
        checked = other.compare_with(options)
        assert (checked.equal, checked.held, checked.differing) == (False, ('["session","log","s-2"]',), ())
        assert all(table.equal for table in checked.tables)
        store._database.execute("DELETE FROM sessions WHERE session_id = 's-2'")
        store._database.execute("DELETE FROM findings WHERE session_id = 's-2'")
        store.mirror_into(options)
        assert other.mirror_into(options).complete  # nobody else holds it now


def test_a_row_that_the_server_refuses(store: Store, options: MirrorOptions) -> None:
    """One session with a NUL in a text stays out and is named; all others of its chunk pass."""
    saved(store, pair(session("s-nul"), question="a\0b"), trajectory=session("s-nul"))
    report = store.mirror_into(options)
    assert report.refused == ('["session","log","s-nul"]',)
    checked = store.compare_with(options)
    assert checked.differing == ('["session","log","s-nul"]',)


def test_a_store_is_no_mirror(store: Store, options: MirrorOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A schema in which somebody compiles is not mirrored into, and a check makes no mirror."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError, match="there is no mirror"):
        store.compare_with(options)
    Store.open(options.url).close()
    with pytest.raises(StoreError, match="a store of its own lies in that schema"):
        store.mirror_into(options)
    assert store.mirror_into(MirrorOptions(url=options.url, schema="copy")).complete
    with Store.open(options.url, clock=clock) as server:
        fill(server, "log-2")
        assert server.mirror_into(MirrorOptions(url=options.url, schema="copy")).complete
        assert server.compare_with(MirrorOptions(url=options.url, schema="copy")).equal


def test_the_store_remembers_where_it_is_mirrored(store: Store, options: MirrorOptions) -> None:
    """The local table names the target without user and password, with what stands there, for reports and erasures."""
    store.mirror_into(options)
    noted = dict(store._database.rows("SELECT item, digest FROM mirrored"))
    assert noted == dict(there(options).rows("SELECT item, digest FROM mirrored"))
    assert list(store._database.rows("SELECT DISTINCT target FROM mirrored")) == [(parse_address(options.url).name,)]


def test_one_mirror_run_at_a_time(store: Store, options: MirrorOptions) -> None:
    """A second run of the same store's mirror leaves at once; a compile run does not stand in its way."""
    with run_lock(store.path.with_name("store.db.mirror"), "mirror", clock()), pytest.raises(StoreLockedError):
        store.mirror_into(options)
    with store.lock("compile"):
        assert store.mirror_into(options).complete
