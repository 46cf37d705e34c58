"""Whatever a session holds and whatever the limit: a context of pieces keeps its promises."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from tests.synthesis.acc_sessions import Call, warehouse
from tests.synthesis.sessions import count, index_of
from trajectory_compiler.synthesis.acc import compile_acc
from trajectory_compiler.synthesis.acc_pieces import Room, assemble, pieces_of, shows_all, shows_term, terms_of, values_of
from trajectory_compiler.synthesis.options import AccOptions

WORDS = st.sampled_from(["ORD-4401", "PRT-44017", "Limehouse-4401", "1936", "1,936", "<PERSON_1>", "ORD-44010", "north", ""])
NOISE: st.SearchStrategy[Call] = st.tuples(
    st.sampled_from(["get_note", "get_ticket", "search_orders"]),
    st.fixed_dictionaries({"about": WORDS}),
    st.one_of(st.lists(WORDS, max_size=4).map(" ".join), st.dictionaries(st.sampled_from("abc"), WORDS, max_size=3)),
)


@given(st.lists(NOISE, max_size=8), st.integers(5, 900), st.integers(0, 50))
def test_contexts_keep_their_promises(noise: list[Call], tokens: int, seed: int) -> None:
    """Supporting pieces are inside, the limit holds, nothing else shows the answer beside the question, one seed one text."""
    trajectory = warehouse(4401, *noise)
    others = [pieces_of(warehouse(number, *noise)) for number in range(4402, 4407)]
    pairs = compile_acc(index_of(trajectory), AccOptions(), "train").pairs
    assume(pairs)
    for pair in pairs:
        own = pieces_of(trajectory, pair.context_end)
        room = Room(tokens=tokens, count=count, seed=seed)
        made = assemble(pair, own, others, room)
        supporting = [piece for piece in own if piece.turn in pair.supporting_turns]
        if made is None:
            assert sum(count(piece.text) + 1 for piece in supporting) > tokens
            continue
        assert all(piece in made.pieces for piece in supporting)
        assert count(made.text) <= tokens
        assert assemble(pair, own, others, room) == made
        terms, values = terms_of(pair.question, own), values_of(pair)
        for piece in made.pieces:
            if piece not in supporting:
                assert not (shows_all(piece, values) and (not terms or shows_term(piece, terms)))
