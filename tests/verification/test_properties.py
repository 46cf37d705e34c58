"""Properties of evaluation over generated programs and sessions, most of which make no sense: none may break it."""

from __future__ import annotations

from random import Random
from typing import Any, get_args

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.building import session
from trajectory_compiler.dataflow.program import (
    Bridge,
    Call,
    Change,
    Changes,
    Condition,
    Count,
    Difference,
    Distinct,
    Expression,
    Extract,
    Field,
    Get,
    Literal,
    Operator,
    Pick,
    Program,
    StateAt,
    Sum,
    Target,
    Walk,
    decode,
    encode,
)
from trajectory_compiler.model import FAMILIES, Trajectory
from trajectory_compiler.verification import Claim, Edit, Part, Session, apply_edits, evaluate, prove
from trajectory_compiler.verification.evaluate import View, fresh

TEXTS = st.sampled_from(["a", "b", "7", "1.5", "true", "x/a", "Error: a", "k: b", "7 files", "exit code 7", ""])
SCALARS = st.one_of(TEXTS, st.integers(-2, 8), st.floats(allow_nan=True), st.booleans(), st.none())
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("kv7"), inner, max_size=3)),
    max_leaves=6,
)
PATHS = st.sampled_from(
    ["", "/arguments", "/arguments/k", "/response", "/response/k", "/response/v/0", "/tool", "k", "/created_at", "/~"]
)
EXTRACTS = st.one_of(
    st.none(),
    st.builds(
        Extract,
        kind=st.sampled_from(["line_value", "quantity", "exit_code", "error_line"]),
        key=st.sampled_from(["", "k", "files", "("]),
    ),
)
FIELDS = st.builds(Field, path=PATHS, extract=EXTRACTS)
NAMES = st.sampled_from(["p", "q", "r"])
CONDITIONS = st.builds(
    Condition,
    path=PATHS,
    op=st.sampled_from(get_args(Operator)),
    value=st.one_of(st.builds(Literal, TEXTS), st.builds(Bridge, NAMES, FIELDS)),
)
CALLS = st.builds(
    Call,
    name=NAMES,
    tool=st.sampled_from([None, "s", "t"]),
    pick=st.sampled_from(get_args(Pick)),
    where=st.lists(CONDITIONS, max_size=2).map(tuple),
    ok=st.sampled_from([None, True, False]),
    k=st.integers(-1, 3),
    by=st.one_of(st.none(), FIELDS),
    before=st.one_of(st.none(), NAMES),
    after=st.one_of(st.none(), NAMES),
)
GETS = st.builds(Get, NAMES, FIELDS)
ANSWERS: st.SearchStrategy[Expression] = st.one_of(
    GETS,
    st.builds(Count, NAMES),
    *(st.builds(kind, NAMES, FIELDS) for kind in (Sum, Distinct, Changes)),
    *(st.builds(kind, GETS, GETS) for kind in (Difference, Change)),
    st.builds(StateAt, NAMES, FIELDS, st.integers(-1, 3)),
    st.builds(Walk, NAMES, PATHS, PATHS, st.integers(-1, 4), FIELDS),
)
PROGRAMS = st.builds(
    Program,
    version=st.just(1),
    family=st.sampled_from(FAMILIES),
    calls=st.lists(CALLS, min_size=1, max_size=3, unique_by=lambda call: call.name).map(tuple),
    answer=ANSWERS,
    until=st.one_of(st.none(), st.builds(Target, NAMES, FIELDS)),
)
SESSIONS: st.SearchStrategy[Trajectory] = st.lists(
    st.tuples(
        st.sampled_from(["s", "t", "respond"]),
        st.dictionaries(st.sampled_from("kv"), DOCUMENTS, max_size=2),
        DOCUMENTS,
        st.fixed_dictionaries({"ok": st.sampled_from([None, True, False])}),
    ),
    max_size=8,
).map(lambda calls: session(*calls))


@given(PROGRAMS, SESSIONS, st.randoms())
@settings(max_examples=300, deadline=None)
def test_evaluating_a_part_never_raises(program: Program, trajectory: Trajectory, chance: Random) -> None:
    """Any program gives an answer or none on any part of any session, and matches turns of the part only."""
    part = [turn for turn in trajectory.turns if chance.random() < 0.7]
    outcome = evaluate(program, part)
    assert outcome.read <= {turn.index for turn in part}
    assert outcome.answer is None or isinstance(outcome.answer, str)
    assert outcome == evaluate(program, list(reversed(part)))


@given(PROGRAMS, SESSIONS, st.randoms())
@settings(max_examples=300, deadline=None)
def test_a_part_of_a_session_is_what_its_turns_are(program: Program, trajectory: Trajectory, chance: Random) -> None:
    """Cut, thinned and edited in place, a session evaluates as the turns that are then there do, and is left as it was."""
    turns, start, end = trajectory.turns, chance.randrange(3), chance.randrange(9)
    shared = Part(Session(turns))
    whole = shared.evaluate(program)
    hidden = {turn.index: None for turn in turns if chance.random() < 0.2}
    edited = {}
    for turn in (turn for turn in turns if chance.random() < 0.3 and turn.index not in hidden):
        path, text, _ = chance.choice([*View(turn).leaves()])
        edited[turn.index] = View(turn).edited([View(turn).write(path, chance.choice([fresh(text), "a", "7", "s"]))])
    there = [edited[t.index].turn if t.index in edited else t for t in turns if t.index not in hidden]
    part = shared._replace(start=start, end=end, edited={**hidden, **edited})
    assert part.evaluate(program) == evaluate(program, [turn for turn in there if start <= turn.index < end])
    assert shared.evaluate(program) == whole == evaluate(program, turns)


@given(PROGRAMS, SESSIONS)
@settings(max_examples=300, deadline=None)
def test_the_support_of_any_program_is_leave_one_out(program: Program, trajectory: Trajectory) -> None:
    """Hiding the turns that are not tried, since no node can pick otherwise without them, would have changed nothing."""
    bare = msgspec.structs.replace(program, until=None)
    turns, answer = trajectory.turns, evaluate(bare, trajectory.turns).answer
    claim = Claim(program=bare, question="Which?", answer="x", answer_type="text", evidence=())
    lost = [t.index for t in turns if answer and evaluate(bare, [u for u in turns if u is not t]).answer != answer]
    assert list(prove(claim, turns).supporting) == lost


@given(PROGRAMS, SESSIONS)
@settings(max_examples=200, deadline=None)
def test_the_read_set_alone_gives_the_same(program: Program, trajectory: Trajectory) -> None:
    """What no node matches has no say: evaluated on its read set, a program gives the same outcome."""
    outcome = evaluate(program, trajectory.turns)
    assert evaluate(program, [turn for turn in trajectory.turns if turn.index in outcome.read]) == outcome


@given(PROGRAMS, SESSIONS, st.randoms())
@settings(max_examples=300, deadline=None)
def test_edits_outside_the_read_set_change_nothing(program: Program, trajectory: Trajectory, chance: Random) -> None:
    """A fresh value in a turn that is not read leaves the answer as it is."""
    outcome = evaluate(program, trajectory.turns)
    others = [(turn, leaf) for turn in trajectory.turns if turn.index not in outcome.read for leaf in View(turn).leaves()]
    if others:
        turn, (path, text, _) = chance.choice(others)
        edited = apply_edits(trajectory.turns, [Edit(*View(turn).write(path, fresh(text)))])
        unread = [t for t in edited if t.index not in outcome.read]
        if not evaluate(program, unread).read & {turn.index}:  # a number or boolean may move onto a value that is asked for
            assert evaluate(program, edited).answer == outcome.answer


@given(PROGRAMS, SESSIONS)
@settings(max_examples=200, deadline=None)
def test_proving_never_raises(program: Program, trajectory: Trajectory) -> None:
    """Any claim on any session gets a proof of nine gates, and the quick proof fails where the thorough one does."""
    answer = evaluate(program, trajectory.turns).answer or "x"
    claim = Claim(program=program, question="Which one is it?", answer=answer, answer_type="text", evidence=())
    thorough = prove(claim, trajectory.turns, thorough=True)
    assert len(thorough.gates) == 9
    assert prove(claim, trajectory.turns).passed is thorough.passed


@given(PROGRAMS)
def test_programs_survive_serialisation(program: Program) -> None:
    """What is stored is what was proved."""
    assert decode(encode(program)) == program
    assert encode(decode(encode(program))) == encode(program)


@given(DOCUMENTS)
def test_an_edit_writes_what_is_then_read(document: Any) -> None:
    """After an edit the canonical text at its place is the one written."""
    turns = session(("s", {}, document)).turns
    for path, text, _ in View(turns[0]).leaves("/response"):
        edited = apply_edits(turns, [Edit(*View(turns[0]).write(path, fresh(text)))])
        assert {place: new for place, new, _ in View(edited[0]).leaves("/response")}[path] == fresh(text) or len(text) > 15
