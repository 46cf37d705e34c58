"""The context of a pair: supporting pieces always inside, distractors that are honest, an order that only the seed decides."""

from __future__ import annotations

import msgspec
import pytest

from tests.synthesis.acc_sessions import Call, warehouse
from tests.synthesis.sessions import count, index_of
from trajectory_compiler.model import Pair, Trajectory
from trajectory_compiler.synthesis.acc import compile_acc
from trajectory_compiler.synthesis.acc_pieces import Assembled, Piece, Room, assemble, pieces_of, shows_term, terms_of
from trajectory_compiler.synthesis.options import AccOptions

NUMBER = 4401
OTHERS = [pieces_of(warehouse(number)) for number in range(5000, 5060)]
SHOWN = {1, 3}


def pair_of(trajectory: Trajectory) -> Pair:
    """Return the pair of a session."""
    (pair,) = compile_acc(index_of(trajectory), AccOptions(), "train").pairs
    return pair


def context(trajectory: Trajectory, tokens: int | None = None, *, seed: int = 0) -> Assembled:
    """Return the context of a session's pair among the pieces of sixty others."""
    pair = pair_of(trajectory)
    made = assemble(pair, pieces_of(trajectory, pair.context_end), OTHERS, Room(tokens=tokens, count=count, seed=seed))
    assert made is not None
    return made


def own(made: Assembled) -> set[int]:
    """Return the turns of the pair's own session that a context shows."""
    return {piece.turn for piece in made.pieces if piece.session_id == f"s-{NUMBER}"}


def test_pieces_are_results_of_calls() -> None:
    """Messages, thoughts and calls without a result are no pieces; neither number nor stamp gives an order away."""
    extra: list[Call] = [("think", {"thought": "x"}, "", {"kind": "thinking"}), ("run", {"command": "true"}, "")]
    pieces = pieces_of(warehouse(NUMBER, *extra))
    assert [piece.turn for piece in pieces] == [1, 2, 3, 4]
    assert (
        pieces[1].text == 'get_ticket\narguments: {"ticket":"TCK-44011"}\nresponse: {"ticket":"TCK-44011","owner":"<PERSON_1>"}'
    )


def test_without_a_limit_the_session_is_the_context() -> None:
    """No limit: the pieces of the session itself and nothing borrowed."""
    made = context(warehouse(NUMBER))
    assert own(made) == {1, 2, 3, 4}
    assert len(made.pieces) == 4


@pytest.mark.parametrize("tokens", [100, 200, 400, 800, 1_600])
def test_the_supporting_pieces_are_always_inside(tokens: int) -> None:
    """At every length the context holds what the answer needs, keeps within the limit and fills most of it."""
    made = context(warehouse(NUMBER), tokens)
    assert own(made) >= SHOWN
    assert tokens * 0.6 < count(made.text) <= tokens


def test_a_limit_below_the_evidence_gives_none() -> None:
    """Nothing is cut: where the supporting pieces alone are too long there is no context."""
    trajectory = warehouse(NUMBER)
    pair = pair_of(trajectory)
    assert assemble(pair, pieces_of(trajectory), OTHERS, Room(tokens=30, count=count)) is None


def test_the_seed_decides_and_nothing_else() -> None:
    """One seed gives one context; another gives another order, and another choice from the same pieces."""
    trajectory = warehouse(NUMBER)
    first = context(trajectory, 600)
    assert context(trajectory, 600) == first
    places = {tuple(piece.turn in SHOWN for piece in context(trajectory, 600, seed=seed).pieces) for seed in range(12)}
    assert len(places) > 6
    pair, pieces = pair_of(trajectory), pieces_of(trajectory)
    backwards = assemble(pair, pieces[::-1], OTHERS, Room(tokens=None, count=count))
    assert backwards == context(trajectory)


def test_no_distractor_holds_the_answer_beside_the_question() -> None:
    """A shorter way to the answer, a call that was given it and another state of a needed one stay out; near misses stay in."""
    shortcut = ("get_report", {"day": "2026-03-02"}, "ORD-4401: Limehouse-4401, 1936 left, says the report")
    given = ("notify", {"text": "In Limehouse-4401: 1,936 are left."}, {"sent": True})
    again = ("get_part", {"part": "PRT-44017"}, {"part": "PRT-44017", "place": "Limehouse-4401", "left": 1800})
    near = ("get_place", {"place": "north"}, {"place": "Limehouse-4401", "gates": 7})
    pair = pair_of(warehouse(NUMBER))
    pieces = pieces_of(warehouse(NUMBER, shortcut, given, again, near), 9)
    made = assemble(pair, pieces, (), Room(tokens=None, count=count))
    assert made is not None
    assert own(made) == {1, 2, 3, 4, 8}


def test_pseudonyms_of_other_sessions_are_other_names() -> None:
    """The first person of another session is somebody else: no name of the session itself is given twice."""
    made = context(warehouse(NUMBER), 1_600)
    names = [piece.text.split('"owner":"')[1][:10] for piece in made.pieces if piece.tool == "get_ticket"]
    assert names.count("<PERSON_1>") == 1
    assert len(set(names)) == len(names) > 5


def test_log_stable_pseudonyms_stay() -> None:
    """A name that means the same in every session is not numbered anew."""
    stable = "<PERSON_482913374650112>"
    lent = tuple(msgspec.structs.replace(piece, text=piece.text + stable) for piece in OTHERS[0])
    trajectory = warehouse(NUMBER)
    made = assemble(pair_of(trajectory), pieces_of(trajectory), [lent], Room(tokens=2_000, count=count))
    assert made is not None
    assert made.text.count(stable) == len(lent)


def test_terms_are_names_else_rare_words() -> None:
    """A question is known by what it names; where it names nothing, by its words that only some pieces hold."""
    pieces: tuple[Piece, ...] = pieces_of(warehouse(NUMBER))
    assert terms_of("Where is ORD-4401 waiting?", pieces) == ("ORD-4401",)
    assert terms_of("Which ticket has an unheard of owner?", pieces) == ("ticket", "owner")
    assert shows_term(pieces[1], ("TICKET",))
    assert not shows_term(pieces[0], ("ticket",))
