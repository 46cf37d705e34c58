"""A quote is found to the letter or not at all, and what is found can be read back from its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.building import turn
from trajectory_compiler.model import resolve, turn_object
from trajectory_compiler.synthesis.places import find_quote, is_quote
from trajectory_compiler.synthesis.shown import lines_of

MAIL = turn(
    3, "read_mail", {"mail_id": "M-9001"}, 'From: a@b.test\r\nOrder reference: ORD-44017\nGold: 5.1949\nsaid "in build"'
)
ORDER = turn(8, "get_order", {"order_reference": "ORD-44017"}, {"status": "in build", "legs": [{"gate": "B2"}], "cost": 12.5})


@pytest.mark.parametrize(
    ("place", "quote", "path", "text"),
    [
        (ORDER, "in build", "/response/status", "in build"),
        (ORDER, "status: in build", "/response/status", "in build"),
        (ORDER, "legs/0/gate: B2", "/response/legs/0/gate", "B2"),
        (ORDER, "gate: B2", "/response/legs/0/gate", "B2"),
        (ORDER, "12.5", "/response/cost", "12.5"),
        (ORDER, "get_order", "/tool", "get_order"),
        (ORDER, "  ORD-44017 ", "/arguments/order_reference", "ORD-44017"),
        (MAIL, "Order reference: ORD-44017", "/response", "Order reference: ORD-44017"),
        (MAIL, 'said "in build"', "/response", 'said "in build"'),
        (MAIL, "ORD-44017", "/response", "ORD-44017"),
    ],
)
def test_a_quote_is_found_where_it_stands(place: object, quote: str, path: str, text: str) -> None:
    """Values, stretches and lines with their label are found, the response first; the evidence quotes the turn itself."""
    assert isinstance(place, type(ORDER))
    (evidence,) = find_quote(place, quote)
    assert (evidence.path, evidence.quote) == (path, text)


@pytest.mark.parametrize(
    "quote", ["IN BUILD", "in built", "1949", "ORD-4401", "build, in", '{"status":"in build"}', "...", "", "x"]
)
def test_a_quote_that_is_only_like_the_turn_is_not_found(quote: str) -> None:
    """Other case, other letters, parts of words and numbers, JSON that was not shown: none of them is a quote."""
    assert find_quote(ORDER, quote) == ()
    assert find_quote(MAIL, quote) == ()


def test_every_line_of_a_quote_must_stand_there() -> None:
    """A quote of several lines gives a place for each; with one line that is made up it gives none."""
    found = find_quote(MAIL, "From: a@b.test\n    Order reference: ORD-44017\n[...]\nGold: 5.1949")
    assert [e.quote for e in found] == ["From: a@b.test", "Order reference: ORD-44017", "Gold: 5.1949"]
    assert find_quote(MAIL, "From: a@b.test\nOrder reference: ORD-99999") == ()


_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(
    response=st.recursive(
        _texts | st.integers() | st.booleans(), lambda x: st.lists(x, max_size=3) | st.dictionaries(_texts, x, max_size=3)
    )
)
def test_what_was_shown_can_be_quoted_and_read_back(response: object) -> None:
    """Whatever a response holds: a shown line that is found names a place at which the document holds the quote."""
    shown = turn(1, "read", {}, response)
    for line in lines_of(shown):
        for evidence in find_quote(shown, line.text):
            value = resolve(turn_object(shown), evidence.path)
            if evidence.span is not None:
                assert value[slice(*evidence.span)] == evidence.quote
            else:
                assert str(value) == evidence.quote or str(value).lower() == evidence.quote


_keys = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)
_plain = st.text(st.sampled_from('abc 17.,-:/\n"\\é'), max_size=30)
_documents = st.recursive(
    _plain | st.integers(-999, 999), lambda x: st.lists(x, max_size=3) | st.dictionaries(_keys, x, max_size=3), max_leaves=6
)


@given(arguments=_documents, response=_documents)
def test_every_line_that_is_shown_can_be_quoted(arguments: object, response: object) -> None:
    """A model that copies any line of a turn which shows a value is understood, be it a whole value or a line of one."""
    shown = turn(1, "read", arguments, response)
    for line in lines_of(shown):
        value = line.text.strip().partition(": ")[2] if line.opens and ": " in line.text else line.text
        if len(value.strip()) > 1 and is_quote(value):
            assert find_quote(shown, line.text)
