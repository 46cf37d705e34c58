"""The index of long sessions against the kernel, which tries every turn: the same is found and the same ranks first."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.building import session
from tests.verification.cases import Case, near_misses, pairs
from tests.verification.test_properties import PROGRAMS, SESSIONS
from trajectory_compiler.dataflow.program import Program
from trajectory_compiler.model import Trajectory
from trajectory_compiler.verification import Claim, Part, Session, evaluate, prove
from trajectory_compiler.verification.evaluate import occurs
from trajectory_compiler.verification.lookup import SHORT, IndexedSession, session_for_many

# Letters that folding makes two of or of another kind, a sigma at the end, digits of other scripts, what breaks words.
TEXTS = st.text(alphabet='aAsSßŉﬁαΑΣς\u0345\u0307İiIǅ²½٣71_-., /:\n"\\', max_size=9)
VALUES = st.one_of(TEXTS, st.integers(-20, 2000), st.sampled_from([True, False, 0.5, 1e21]))
WORDS = st.lists(st.sampled_from("abcdefgh"), max_size=12)
LOGS = st.lists(st.tuples(st.sampled_from(["s", "t_a"]), st.dictionaries(TEXTS, VALUES, max_size=2), VALUES), max_size=7)


@given(LOGS, TEXTS)
@settings(max_examples=500, deadline=None)
def test_no_turn_in_which_a_value_occurs_is_left_out(calls: list[tuple[str, object, object]], wanted: str) -> None:
    """Every turn that holds a value, as it is or in any case, is among those that the look-up of its words gives."""
    turns = session(*calls).turns
    index = IndexedSession(turns)
    leaves = [(turn, text) for turn, view in index.at.items() for _, text, _ in view.leaves()]
    for value in {wanted, *(text for _, text in leaves), *(word for _, text in leaves for word in text.split())}:
        exact = {turn for turn, text in leaves if occurs(value, text)}
        folded = {turn for turn, text in leaves if occurs(value.casefold(), text.casefold())}
        assert exact <= set(index.near(value)) <= set(Session(turns).near(value))
        assert folded <= set(index.near(value, "any case"))
        assert index.near(value) == sorted(index.near(value))


@given(
    st.lists(st.tuples(st.just("read"), WORDS, st.none()), min_size=1, max_size=12),
    WORDS,
    st.integers(1, 12),
)
@settings(max_examples=500, deadline=None)
def test_the_search_ranks_as_the_kernel_does(calls: list[tuple[str, list[str], None]], words: list[str], size: int) -> None:
    """Skipping the common words where they cannot matter leaves the first place as it is, in any first part of a session."""
    turns, question, size = session(*calls).turns, " ".join(words), min(size, len(calls))
    assert IndexedSession(turns).found_first(question, size) == Session(turns).found_first(question, size)


@given(PROGRAMS, SESSIONS)
@settings(max_examples=400, deadline=None)
def test_programs_give_the_same_on_both(program: Program, trajectory: Trajectory) -> None:
    """Any program has the same outcome and the same proof, with every reason, on a session with an index and one without."""
    turns = trajectory.turns
    assert Part(IndexedSession(turns)).evaluate(program) == evaluate(program, turns)
    assert Part(IndexedSession(turns)).evaluate(program, "any case") == evaluate(program, turns, "any case")
    claim = Claim(program=program, question="Which a7 is it?", answer="a", answer_type="text", evidence=())
    assert prove(claim, IndexedSession(turns), thorough=True) == prove(claim, Session(turns), thorough=True)


@pytest.mark.parametrize("case", [*pairs(), *near_misses()], ids=lambda case: case.name)
def test_the_hand_written_cases_are_judged_the_same_on_both(case: Case) -> None:
    """A pair or near-miss that a person worked out gets the same proof with an index as without."""
    assert prove(case.claim, IndexedSession(case.turns), thorough=True) == prove(case.claim, Session(case.turns), thorough=True)


def test_only_long_sessions_get_an_index() -> None:
    """A short session is tried turn by turn: there an index costs more than it saves."""
    turns = session(*[("read", {"n": n}, {}) for n in range(SHORT + 1)]).turns
    assert type(session_for_many(turns[:-1])) is Session
    assert type(session_for_many(turns)) is IndexedSession
