"""What a later stage made of a stored session stands beside the compiler's pairs, and falls with the turns it was made from."""

from __future__ import annotations

import msgspec

from tests.store.samples import pair, saved, session
from trajectory_compiler.model import Finding, Pair, Trajectory
from trajectory_compiler.store import BlockedSession, PairQuery, SessionResult, StageResult, Store

ORIGIN = "model:openai:small"
EVERY = PairQuery(states=("candidate", "proved", "superseded"))


def prose(trajectory: Trajectory, number: int = 7, origin: str = ORIGIN) -> Pair:
    """Return a pair that a model wrote: no program, a candidate."""
    return msgspec.structs.replace(pair(trajectory, number), program=None, state="candidate", origin=origin)


def stage(store: Store, trajectory: Trajectory, *pairs: Pair, failed: bool = False, origin: str = ORIGIN) -> StageResult:
    """Return what a stage made of a session, in a run of its own."""
    run = store.begin_run("compile", "log", "{}", "1")
    found = (Finding(stage="synthesis", reason="adjacent", count=2),)
    return StageResult(
        run_id=run, trajectory=trajectory, stage="synthesis", origin=origin, key="k", pairs=pairs, findings=found, failed=failed
    )


def states(store: Store) -> dict[str, str]:
    """Return the state of every pair by its id."""
    return {one.id: one.state for one in store.pairs(EVERY)}


def test_stage_stands_beside_the_compiler(store: Store) -> None:
    """Pairs of a stage supersede none of the compiler's, nor these those: compiling the same turns again leaves both."""
    trajectory = session()
    proved, written = pair(trajectory), prose(trajectory)
    saved(store, proved, trajectory=trajectory)
    store.save_stage(stage(store, trajectory, written))
    saved(store, proved, trajectory=trajectory)
    assert states(store) == {proved.id: "proved", written.id: "candidate"}
    assert store.stage_keys("log", ORIGIN) == {"s-1": (trajectory.digest, "k")}
    assert [(f.stage, f.reason, f.count) for f in store.findings(source="log")] == [("synthesis", "adjacent", 2)]


def test_stage_replaces_its_own_pairs_only(store: Store) -> None:
    """A stage that is run again supersedes what it no longer gives, and leaves another model's pairs alone."""
    trajectory = session()
    saved(store, pair(trajectory), trajectory=trajectory)
    first, second = prose(trajectory, 1), prose(trajectory, 2)
    other = prose(trajectory, 3, "model:openai:large")
    store.save_stage(stage(store, trajectory, other, origin="model:openai:large"))
    store.save_stage(stage(store, trajectory, first))
    store.save_stage(stage(store, trajectory, second))
    found = states(store)
    assert (found[first.id], found[second.id], found[other.id]) == ("superseded", "candidate", "candidate")


def test_changed_turns_supersede_a_stage(store: Store) -> None:
    """When a session has other turns, what a stage made of the old ones is superseded, and the stage has to run again."""
    trajectory, grown = session(), session(turns=9)
    saved(store, pair(trajectory), trajectory=trajectory)
    written = prose(trajectory)
    store.save_stage(stage(store, trajectory, written))
    saved(store, pair(grown, 1), trajectory=grown)
    assert states(store)[written.id] == "superseded"
    assert store.stage_keys("log", ORIGIN) == {}
    assert store.trajectory_of(written) == trajectory  # its turns stay as long as the pair refers to them


def test_failed_stage_is_not_done(store: Store) -> None:
    """A session whose stage failed keeps what it gave and is not among those that are done."""
    trajectory = session()
    saved(store, pair(trajectory), trajectory=trajectory)
    store.save_stage(stage(store, trajectory, prose(trajectory), failed=True))
    assert store.stage_keys("log", ORIGIN) == {}
    assert sorted(states(store).values()) == ["candidate", "proved"]


def test_blocked_session_has_no_stage(store: Store) -> None:
    """A session that may no longer pass takes the pairs of every stage with it."""
    trajectory = session()
    saved(store, pair(trajectory), trajectory=trajectory)
    store.save_stage(stage(store, trajectory, prose(trajectory)))
    run = store.begin_run("compile", "log", "{}", "1")
    blocked = BlockedSession(run_id=run, source="log", session_id="s-1", raw_digest="r", compile_key="c", findings=())
    store.save_sessions([blocked])
    assert set(states(store).values()) == {"superseded"}
    assert store.sessions("log") == ()
    assert store.stage_keys("log", ORIGIN) == {}


def test_sessions_are_listed_by_id(store: Store) -> None:
    """The compiled sessions of one source are listed with digest and length."""
    run = store.begin_run("compile", "log", "{}", "1")
    for name, source in (("b", "log"), ("a", "log"), ("c", "other")):
        result = SessionResult(run_id=run, trajectory=session(name, source=source), compile_key="k", pairs=())
        store.save_session(result)
    listed = store.sessions("log")
    assert [(one.session_id, one.turns) for one in listed] == [("a", 8), ("b", 8)]
    assert store.trajectory(listed[0].digest).session_id == "a"


def test_origins_narrow_a_query(store: Store) -> None:
    """Pairs of one origin are read apart from all others, in every state that is asked for."""
    trajectory = session()
    proved, written = pair(trajectory), prose(trajectory, 8, "acc")
    saved(store, proved, trajectory=trajectory)
    store.save_stage(stage(store, trajectory, written, origin="acc"))
    query = msgspec.structs.replace(EVERY, origins=("acc",))
    assert [one.id for one in store.pairs(query)] == [written.id]
    assert [one.id for one in store.facts(query)] == [written.id]
    assert not list(store.pairs(PairQuery(origins=("acc",))))
