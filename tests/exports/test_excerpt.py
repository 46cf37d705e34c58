"""Turns cut into pieces: the text is the rendering, the marks stand where the evidence says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.building import turn
from trajectory_compiler.exports.excerpt import Piece, pieces_of, shorten
from trajectory_compiler.model import Evidence, Json, Turn, render

JSON: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=12,
)


def together(pieces: list[Piece]) -> str:
    """Return the text of pieces."""
    return "".join(piece.text for piece in pieces)


def marked(turn_: Turn, *evidence: Evidence) -> list[tuple[str, int | None]]:
    """Return the marked texts with the number of their evidence."""
    return [(piece.text, piece.evidence) for piece in pieces_of(turn_, evidence) if piece.style == "mark"]


@given(arguments=JSON, response=JSON)
def test_the_pieces_put_together_are_the_rendering(arguments: Json, response: Json) -> None:
    """Whatever a turn holds, its pieces are the text that every context shows."""
    made = turn(3, "look", arguments, response)
    evidence = [Evidence(turn=3, path="/response", quote="x"), Evidence(turn=3, path="/arguments/a", quote="y")]
    assert together(pieces_of(made, evidence)) == render(made)
    assert together(pieces_of(made, [])) == render(made)


def test_a_value_inside_json_is_marked_where_it_stands() -> None:
    """Of three equal values the one at the path is marked, and nothing else."""
    made = turn(1, "get", {"id": "T-7"}, {"items": [{"id": "T-7"}, {"id": "T-7", "n": 3}], "T-7": "T-7"})
    text = together(pieces_of(made, []))
    pieces = pieces_of(made, [Evidence(turn=1, path="/response/items/1/id", quote="T-7")])
    before = together(pieces[: next(i for i, piece in enumerate(pieces) if piece.style == "mark")])
    assert [piece.text for piece in pieces if piece.style == "mark"] == ["T-7"]
    assert text[: len(before)].endswith('{"id":"')
    assert before.count("T-7") == 2


def test_a_span_counts_code_points_before_they_are_escaped() -> None:
    """A span behind line breaks, quotes and an astral character marks the same characters in the escaped text."""
    text = 'a "b"\n\U0001f600 total: 42 end'
    start = text.index("42")
    quoted = Evidence(turn=0, path="/response/out", quote="42", span=(start, start + 2))
    assert marked(turn(0, "run", {}, {"out": text}), quoted) == [("42", 0)]
    plain = Evidence(turn=0, path="/response", quote="42", span=(start, start + 2))
    assert marked(turn(0, "run", {}, text), plain) == [("42", 0)]


def test_keys_with_slashes_and_tildes_are_found() -> None:
    """A path is read as RFC 6901 says, and a tool can be evidence too."""
    made = turn(0, "get", {}, {"a/b": {"~": 5}})
    assert marked(made, Evidence(turn=0, path="/response/a~1b/~0", quote="5"), Evidence(turn=0, path="/tool", quote="get")) == [
        ("get", 1),
        ("5", 0),
    ]


def test_evidence_that_does_not_fit_marks_nothing() -> None:
    """A path that leads nowhere, a span past the end or another turn's evidence leave the text unmarked."""
    made = turn(0, "get", {}, {"a": "short"})
    assert marked(made, Evidence(turn=0, path="/response/b", quote="x")) == []
    assert marked(made, Evidence(turn=0, path="/response/a", quote="x", span=(3, 99))) == []
    assert marked(made, Evidence(turn=4, path="/response/a", quote="short")) == []


def test_shortening_keeps_marks_and_counts_what_it_leaves_out() -> None:
    """Far from any mark nothing is left; what a gap says and what is shown add up to the whole."""
    made = turn(0, "get", {"q": "find"}, {"before": "x" * 5000, "value": "gold", "after": "y" * 3000})
    pieces = pieces_of(made, [Evidence(turn=0, path="/response/value", quote="gold")])
    short = shorten(pieces, around=30, head=10)
    shown = sum(len(piece.text) for piece in short if piece.style != "gap")
    left_out = sum(int(piece.text.split()[1].replace(",", "")) for piece in short if piece.style == "gap")
    assert ("mark", "gold", 0) in short
    assert shown < 300
    assert shown + left_out == len(render(made))


@pytest.mark.parametrize("around", [0, 1, 40, 10_000])
def test_shortening_changes_no_text_that_it_keeps(around: int) -> None:
    """Every shown piece is a stretch of the rendering, in order."""
    made = turn(0, "get", {"a": "one two three" * 20}, {"b": ["four", "five" * 40], "c": "six"})
    text, at = render(made), 0
    for piece in shorten(pieces_of(made, [Evidence(turn=0, path="/response/c", quote="six")]), around=around):
        if piece.style != "gap":
            at = text.index(piece.text, at) + len(piece.text)
    assert at <= len(text)
