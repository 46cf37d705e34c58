"""The store keeps whole sessions, gives back what it was given, and replaces without forgetting."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.samples import KEY, clock, pair, saved, session
from trajectory_compiler.errors import InputError, StoreError
from trajectory_compiler.model import Finding
from trajectory_compiler.store import BlockedSession, PairQuery, Review, SessionResult, Store, pack


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Give an empty store in a folder of its own."""
    with Store.open(tmp_path / ".trajc" / "store.db", clock=clock) as opened:
        yield opened


def test_store_is_private(store: Store) -> None:
    """File and folder are for their owner only, and version control is told to stay out."""
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700
    assert (store.path.parent / ".gitignore").read_text() == "*\n"


def test_existing_folder_is_left_alone(tmp_path: Path) -> None:
    """A store put into somebody's own folder writes no .gitignore there and changes no mode."""
    mode = stat.S_IMODE(tmp_path.stat().st_mode)
    Store.open(tmp_path / "store.db", clock=clock).close()
    assert not (tmp_path / ".gitignore").exists()
    assert stat.S_IMODE(tmp_path.stat().st_mode) == mode


def test_pair_and_trajectory_come_back_as_given(store: Store) -> None:
    """What is saved is read back equal, also after the file was closed and opened again."""
    trajectory = session()
    one = pair(trajectory)
    saved(store, one, trajectory=trajectory)
    store.close()
    with Store.open(store.location, create=False, clock=clock) as again:
        assert list(again.pairs()) == [one]
        assert again.trajectory(trajectory.digest) == trajectory
        assert again.trajectory_of(one) == trajectory


def test_packed_in_a_worker_is_the_same(store: Store) -> None:
    """A trajectory packed beforehand is stored like one that the store packs itself."""
    trajectory = session()
    run = store.begin_run("compile", "log", "{}", "1")
    store.save_session(SessionResult(run_id=run, trajectory=pack(trajectory), compile_key=KEY, pairs=(pair(trajectory),)))
    assert store.trajectory(trajectory.digest) == trajectory
    assert store.is_current("log", "s-1", trajectory.raw_digest, KEY)


def test_current_until_rows_or_key_change(store: Store) -> None:
    """A session is current for exactly the rows and the compile key that it was compiled from."""
    trajectory = session()
    saved(store, trajectory=trajectory)
    assert store.is_current("log", "s-1", trajectory.raw_digest, KEY)
    assert not store.is_current("log", "s-1", "other rows", KEY)
    assert not store.is_current("log", "s-1", trajectory.raw_digest, "other key")
    assert not store.is_current("other log", "s-1", trajectory.raw_digest, KEY)
    assert store.current_keys("log") == {"s-1": (trajectory.raw_digest, KEY)}


def test_pairs_no_longer_given_are_superseded(store: Store) -> None:
    """Compiling a session again replaces its pairs; those that it no longer gives stay readable as superseded."""
    before, after = session(turns=8), session(turns=9)
    gone, kept = pair(before, 1), pair(before, 2)
    saved(store, gone, kept, trajectory=before)
    moved = pair(after, 2)
    saved(store, moved, trajectory=after)
    assert list(store.pairs()) == [moved]
    assert [found.id for found in store.pairs(PairQuery(states=("superseded",)))] == [gone.id]
    assert store.trajectory_of(gone) == before


def test_unused_trajectories_are_dropped(store: Store) -> None:
    """An older state of a session is kept only as long as one of its pairs needs it."""
    before, after = session(turns=8), session(turns=9)
    saved(store, pair(before), trajectory=before)
    saved(store, pair(after), trajectory=after)
    with pytest.raises(StoreError, match="the store does not hold it"):
        store.trajectory(before.digest)


def test_same_content_under_two_names(store: Store) -> None:
    """Two sessions whose content has one digest are both kept, each with its own name."""
    one = session("s-1")
    two = session("s-2")
    two = type(two)(**{**{name: getattr(two, name) for name in two.__struct_fields__}, "digest": one.digest})
    saved(store, pair(one), trajectory=one)
    saved(store, pair(two), trajectory=two)
    assert [store.trajectory_of(found).session_id for found in store.pairs()] == ["s-1", "s-2"]


def test_blocked_session_passes_nothing(store: Store) -> None:
    """A session that can no longer be redacted loses its pairs, keeps its reason and is not tried again unchanged."""
    trajectory = session()
    run = saved(store, pair(trajectory), trajectory=trajectory)
    drop = Finding(stage="redaction", reason="the boundary could not be kept", session_id="s-1")
    blocked = BlockedSession(
        run_id=run, source="log", session_id="s-1", raw_digest="new rows", compile_key=KEY, findings=(drop,)
    )
    store.save_sessions([blocked])
    assert list(store.pairs()) == []
    assert list(store.findings(source="log")) == [drop]
    assert store.is_current("log", "s-1", "new rows", KEY)


def test_findings_are_replaced_with_their_session(store: Store) -> None:
    """Drops belong to the last compilation of a session; equal ones are added up."""
    trajectory = session()
    guess = Finding(stage="gates", reason="necessary", count=3)
    saved(store, trajectory=trajectory, findings=(guess, guess, Finding(stage="gates", reason="unique")))
    assert [(drop.reason, drop.count, drop.sessions) for drop in store.drops(source="log")] == [
        ("necessary", 6, 1),
        ("unique", 1, 1),
    ]
    run = saved(store, trajectory=trajectory, findings=(Finding(stage="gates", reason="distant"),))
    assert [drop.reason for drop in store.drops()] == ["distant"]
    assert [drop.reason for drop in store.drops(run_id=run)] == ["distant"]


def test_findings_of_a_run_replace_those_of_the_last(store: Store) -> None:
    """Rows and sessions that were left out are listed as the last run of that source found them."""
    first = store.begin_run("compile", "log", "{}", "1")
    store.save_findings(first, "log", [Finding(stage="sources", reason="not JSON", count=2, detail="line 7")])
    store.save_findings(first, "other", [Finding(stage="sources", reason="not JSON")])
    second = store.begin_run("compile", "log", "{}", "1")
    store.save_findings(second, "log", [Finding(stage="sessions", reason="too few turns", session_id="s-9")])
    assert [(drop.reason, drop.count) for drop in store.drops(source="log")] == [("too few turns", 1)]
    store.save_findings(second, "log", [Finding(stage="sources", reason="not JSON", count=3)])
    assert {(drop.reason, drop.count) for drop in store.drops(source="log")} == {("too few turns", 1), ("not JSON", 3)}
    assert [drop.reason for drop in store.drops(source="other")] == ["not JSON"]


def test_snapshot_is_the_last_one_saved(store: Store) -> None:
    """The current snapshot of a source is the one saved last, even one that was saved before."""
    assert store.snapshot("log") is None
    for digest in ("a", "b", "a"):
        store.save_snapshot("log", digest, digest.encode())
    assert store.snapshot("log") == ("a", b"a")


def test_query_filters(store: Store) -> None:
    """Each part of a query narrows the pairs, and no part means any."""
    one, two = session("s-1"), session("s-2")
    first = pair(one, 1, qa_type="temporal", split="test")
    second = pair(two, 2)
    saved(store, first, pair(one, 3, state="candidate"), trajectory=one)
    saved(store, second, trajectory=two)
    assert list(store.pairs(PairQuery(qa_types=("temporal",)))) == [first]
    assert list(store.pairs(PairQuery(splits=("test",)))) == [first]
    assert list(store.pairs(PairQuery(session="s-2", source="log"))) == [second]
    assert list(store.pairs(PairQuery(source="other"))) == []
    assert len(list(store.pairs(PairQuery(states=())))) == 3
    assert len(list(store.pairs(PairQuery(limit=1)))) == 1


def test_pairs_may_be_reviewed_while_they_are_read(store: Store) -> None:
    """Reading goes on over many chunks while each pair that was read is written to, and gives every pair once, in order."""
    trajectory = session()
    saved(store, *(pair(trajectory, number) for number in range(1000)), trajectory=trajectory)
    seen = []
    for found in store.pairs():
        store.add_review(Review(pair_id=found.id, reviewer="ann", verdict="reject", reason="", created_at=clock()))
        seen.append(found.id)
    assert seen == sorted({pair(trajectory, number).id for number in range(1000)})
    assert list(store.pairs()) == []
    assert len(list(store.pairs(PairQuery(states=("rejected",), limit=900)))) == 900


def test_view_does_not_change(store: Store) -> None:
    """Inside a view one state is read, though another process saves a session meanwhile."""
    saved(store, pair(session()), trajectory=session())
    with store.view():
        assert len(list(store.pairs())) == 1
        with Store.open(store.location, clock=clock) as other:
            saved(other, pair(session("s-2")), trajectory=session("s-2"))
        assert len(list(store.pairs())) == 1
    assert len(list(store.pairs())) == 2


def test_value_that_no_column_holds(store: Store) -> None:
    """A number or a name that the engine cannot bind gives a sentence, and the session stays out as a whole."""
    trajectory = session()
    with pytest.raises(StoreError, match="larger than SQLite can hold"):
        saved(store, pair(trajectory, hops=1 << 70), trajectory=trajectory)
    with pytest.raises(StoreError, match="no UTF-8 form"):
        list(store.pairs(PairQuery(session="\udc80")))
    assert store.current_keys("log") == {}


def test_seeded_order_is_fixed(store: Store) -> None:
    """A seed gives the same sample on any machine, another seed another one."""
    trajectory = session()
    saved(store, *(pair(trajectory, number) for number in range(20)), trajectory=trajectory)
    drawn = [found.id for found in store.pairs(PairQuery(seed=7, limit=5))]
    assert drawn == [found.id for found in store.pairs(PairQuery(seed=7))][:5]
    assert drawn != [found.id for found in store.pairs(PairQuery(seed=8, limit=5))]
    assert [found[:6] for found in drawn] == ["b0824f", "9604f3", "34b509", "4d4ad5", "378af9"]


def test_pair_by_prefix(store: Store) -> None:
    """A pair is found by the beginning of its id if that fits one pair, and the message says what is wrong if not."""
    trajectory = session()
    pairs = [pair(trajectory, number) for number in range(40)]
    saved(store, *pairs, trajectory=trajectory)
    assert store.pair(pairs[3].id) == pairs[3]
    assert store.pair(pairs[3].id[:12]) == pairs[3]
    with pytest.raises(InputError, match="no pair's id begins so"):
        store.pair("zz")
    with pytest.raises(InputError, match="no pair's id begins so"):
        store.pair("")
    shared = next(mark for mark in "0123456789abcdef" if sum(one.id.startswith(mark) for one in pairs) > 1)
    with pytest.raises(InputError, match="several ids begin so"):
        store.pair(shared)


def test_facts_and_totals(store: Store) -> None:
    """Figures tell type, distance, length of the session, agents and tools of the supporting turns, and the counts."""
    trajectory = session()
    saved(store, pair(trajectory), pair(trajectory, 1, state="candidate"), trajectory=trajectory)
    (fact,) = store.facts()
    assert (fact.qa_type, fact.span_turns, fact.session_turns, fact.guess_rate) == ("composition", 3, 8, 0.25)
    assert (fact.agents, fact.tools) == (("mail", "triage"), ("get_ticket",))
    totals = store.totals()
    assert (totals.sessions, totals.turns, totals.pairs) == ({"compiled": 1}, 8, {"candidate": 1, "proved": 1})
