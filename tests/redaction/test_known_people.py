"""People that only the lists of names know: no key, title or verb stands beside them."""

from __future__ import annotations

import pytest

from trajectory_compiler.redaction import load_policy
from trajectory_compiler.redaction.known_people import known_people
from trajectory_compiler.redaction.names import fold, is_name_word, word_list
from trajectory_compiler.redaction.scan import Scanner


def _known(text: str) -> list[str]:
    return [text[start:end] for start, end in sorted(known_people(text))]


@pytest.mark.parametrize(
    ("text", "people"),
    [
        ("We agreed with Marek Nowicki that Adaeze sends the rest.", ["Marek Nowicki", "Adaeze"]),
        ("The rest goes to J. R. Okonkwo's office.", ["J. R. Okonkwo"]),
        ("Minutes were taken by Siân ap Llewellyn, as ever.", ["Siân ap Llewellyn"]),
        ("It was Priyanka who found the leak.", ["Priyanka"]),
        ("Sofie lives round the corner.", ["Sofie"]),
        ("The three founders, Monjeau, Blenkinsop and Kowalczyk, met here.", ["Monjeau", "Blenkinsop", "Kowalczyk"]),
        ("// Copyright (c) 2014 Agnieszka Kowalczyk\nint main(void) {", ["Agnieszka Kowalczyk"]),
    ],
)
def test_names_of_the_lists_are_found_in_prose(text: str, people: list[str]) -> None:
    """Full names, initials, single names inside a sentence, and unknown names in one list with a known one."""
    assert _known(text) == people


@pytest.mark.parametrize(
    "text",
    [
        "We fly from San Francisco to Chicago O'Hare on Tuesday.",
        "It runs in Paris, in Victoria Street and in New London Harbour.",
        "Jenkins builds it, Django serves it, Claude reads it.",
        "The Shannon entropy of the Bloom filter, as Fibonacci Search has it",
        "I'll see that it is done, and Don't Panic is its motto.",
        "Dolores velit quas dignissimos. Nam soluta explicabo.",
        '{"origin":"MIA","destination":"LAS"}',
        "class Adaeze(Marek):\n    def Kowalczyk(self): return self.Okonkwo",
        "see https://example.org/Marek/Nowicki.html and @Adaeze",
    ],
)
def test_places_products_and_code_are_no_people(text: str) -> None:
    """Towns, products, eponyms, short forms, filler text, codes, identifiers and addresses of pages stay."""
    assert _known(text) == []


def test_the_lists_hold_single_folded_words_that_can_be_names() -> None:
    """Each word stands as it is looked up; none is a word that cannot be part of a name."""
    for name in ("given_names", "surnames"):
        words = word_list(name)
        assert len(words) > 10_000
        assert all(word == fold(word) and word.isalpha() and is_name_word(word) for word in words)
        assert words.isdisjoint(word_list("ambiguous_names"))
        assert words.isdisjoint(word_list("places"))
        assert words.isdisjoint(word_list("ordinary_words"))


def test_the_standard_policy_takes_no_town_for_a_person() -> None:
    """No rule of the policy calls the words of the list of places people."""
    scanner = Scanner(load_policy("standard"))
    text = ". They moved to ".join(word.capitalize() for word in sorted(word_list("places")) if len(word) > 4)
    assert not [text[span.start : span.end] for span in scanner.spans(text) if span.kind == "PERSON"]
