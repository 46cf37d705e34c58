"""How found values are found again."""

from __future__ import annotations

from trajectory_compiler.redaction.needles import Needles


def _found(text: str, *literals: str) -> list[str]:
    needles = Needles(min_inside_words=8)
    for literal in literals:
        needles.add(literal)
    return [text[start:end] for start, end, _ in needles.find(text)]


def test_the_longest_value_wins_at_each_place() -> None:
    """A value that another one starts with does not cut it short, and the search goes on behind it."""
    assert _found("abcdefgh-1 abcdefgh abcdefgh-1", "abcdefgh", "abcdefgh-1") == ["abcdefgh-1", "abcdefgh", "abcdefgh-1"]


def test_short_values_are_found_as_whole_words_only() -> None:
    """Five characters inside a word are a coincidence; between other characters they are the value."""
    assert _found("hunter hunt3 xhunt3 hunt3x (hunt3)", "hunt3") == ["hunt3", "hunt3"]


def test_thousands_of_values_are_told_apart() -> None:
    """The search is one expression over first characters and a table: it does not confuse values that start alike."""
    literals = [f"customer-{n:05d}" for n in range(5000)]
    assert _found("a customer-00017, customer-04999 and customer-05000", *literals) == ["customer-00017", "customer-04999"]


def test_nothing_to_look_for_finds_nothing() -> None:
    """An empty set matches nowhere."""
    assert _found("anything") == []
    assert not Needles(8).may_occur_in("anything")
