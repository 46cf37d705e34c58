"""What each gate shows a reader: which turns, in what numbers, and never what is withheld or comes after the context."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.building import session
from tests.verification.readers.hand_made import QUESTION, orders, pair, quote
from trajectory_compiler.model import Pair
from trajectory_compiler.verification.readers.reader import FORMS, asked_of
from trajectory_compiler.verification.readers.views import View, Visible, views

TURNS = orders().turns


def of(asked: Pair, *, full: bool = True) -> list[View]:
    """Return the views of a pair of `orders`."""
    return list(views(asked, Visible(asked, TURNS), full=full))


def test_each_gate_has_its_view() -> None:
    """No turn, the supporting ones, each alone, BM25's first, both windows, the rest, all turns twice; the long ones last."""
    found = of(pair())
    first = Visible(pair(), TURNS).found_first(QUESTION)
    assert [(view.gate, view.name, view.wanted, view.turns) for view in found] == [
        ("unleaked", "closed_book", "wrong", ()),
        ("sufficient", "supporting", "right", (1, 7)),
        ("necessary", "without_one", "wrong", (7,)),
        ("necessary", "without_one", "wrong", (1,)),
        ("unshortcut", "found_first", "wrong", (first,)),
        ("unshortcut", "uncited", "wrong", (0, 2, 3, 4, 5, 6, 8, 9)),
        ("unique", "full", "right", tuple(range(10))),
        ("unique", "full_reversed", "right", tuple(range(9, -1, -1))),
    ]
    assert of(pair(), full=False) == found[:-2]


def test_windows_hold_all_but_one_end() -> None:
    """Of three supporting turns the windows run from the second on and up to the second, noise included."""
    three = pair(supporting_turns=(1, 4, 7))
    assert [view.turns for view in of(three) if view.gate == "distant"] == [(4, 5, 6, 7), (1, 2, 3, 4)]


def test_what_is_quoted_beside_the_supporting_turns_is_shown_and_hidden_with_them() -> None:
    """A turn that only evidence names is part of every cited view, and not of the uncited ones."""
    more = pair(evidence=(*pair().evidence, quote(3, "/response/mean", "m3x")))
    found = {(view.name, view.turns) for view in of(more)}
    assert {("supporting", (1, 3, 7)), ("without_one", (3, 7)), ("without_one", (1, 3))} <= found
    assert ("uncited", (0, 2, 4, 5, 6, 8, 9)) in found


def test_an_unanswerable_pair_is_read_where_its_evidence_is() -> None:
    """To know too little is right there, so only views that hold all of the evidence mean something."""
    found = of(pair(answer_type="abstention", answer="The log does not say."))
    assert [(view.name, view.wanted) for view in found] == [
        ("supporting", "right"),
        ("full", "right"),
        ("full_reversed", "right"),
    ]


@given(st.sets(st.integers(0, 9), max_size=8), st.one_of(st.none(), st.integers(0, 14)))
def test_withheld_turns_and_what_comes_after_the_context_are_never_shown(withheld: set[int], end: int | None) -> None:
    """Whatever is withheld and wherever the context ends."""
    asked = pair(withheld_turns=tuple(sorted(withheld)), context_end=end)
    allowed = {i for i in range(10) if i not in withheld and (end is None or i < end)}
    visible = Visible(asked, TURNS)
    assert visible.indices == tuple(sorted(allowed))
    for view in views(asked, visible, full=True):
        assert set(view.turns) <= allowed
        shown = visible.text(view.turns)
        assert not [i for i in set(range(10)) - set(view.turns) if f'"m{i}x"' in shown]


@given(st.lists(st.integers(0, 9), unique=True))
def test_numbers_have_no_gap(turns: list[int]) -> None:
    """The turns of a view are numbered from 0 by time, in whatever order they are shown."""
    numbers = [int(number) for number in re.findall(r"(?m)^#(\d{3}) ", Visible(pair(), TURNS).text(turns))]
    ranks = {turn: rank for rank, turn in enumerate(sorted(turns))}
    assert numbers == [ranks[turn] for turn in turns]


def test_made_up_stamps_are_not_shown() -> None:
    """Stamps at even steps would betray by their gaps that a turn is left out; real ones stay."""
    even = session(*(("get_metric", {"n": i}, {"mean": i}) for i in range(6))).turns
    assert "2026-03" not in Visible(pair(supporting_turns=(), evidence=()), even).text((0, 5))
    assert "2026-03" in Visible(pair(), TURNS).text((0, 5))


@pytest.mark.parametrize("end", [0, 1])
def test_a_context_of_no_turn_has_views(end: int) -> None:
    """Nothing breaks where nothing or a single turn can be shown."""
    assert [view.turns for view in of(pair(context_end=end)) if view.name == "supporting"] == [()]


def test_a_reader_is_told_the_form_and_nothing_of_the_answer() -> None:
    """No form names a value, and an unanswerable pair's form is that of a pair with an answer."""
    asked = asked_of(pair())
    assert (asked.pair_id, asked.question, asked.form) == ("p-1", QUESTION, FORMS["text"])
    assert "log does not" not in FORMS["abstention"]
