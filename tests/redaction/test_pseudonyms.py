"""Names: numbered in a session, keyed over a log, never one that the log already holds."""

from __future__ import annotations

import re

import msgspec
import pytest

from tests.redaction.logs import BOUNDARY, session
from trajectory_compiler.errors import BoundaryError
from trajectory_compiler.model import Trajectory
from trajectory_compiler.redaction import Boundary, load_policy, redact
from trajectory_compiler.redaction.pseudonyms import LOG_DIGITS, Pseudonyms

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
LOG_STABLE = msgspec.structs.replace(load_policy("standard"), scope="log")


def _log_stable(*addresses: str, key: bytes | None = KEY, note: str = "") -> Trajectory:
    raw = session(*(({"to": address}, note) for address in addresses))
    return redact(raw, LOG_STABLE, Boundary(BOUNDARY.effect, BOUNDARY.frequency, key))


def test_session_scope_needs_no_key_and_ignores_one() -> None:
    """Numbers by first appearance are the same bytes with and without a key."""
    raw = session(({"to": "bob@example.com"}, "amy@example.com"))
    keyed = redact(raw, load_policy("standard"), Boundary(BOUNDARY.effect, BOUNDARY.frequency, KEY))
    assert keyed == redact(raw, load_policy("standard"), BOUNDARY)
    assert keyed.turns[0].arguments == {"to": "<EMAIL_1>"}


def test_log_scope_gives_a_value_one_name_in_every_session() -> None:
    """With one key equal values have equal names in two sessions, whatever stands around them; another key gives others."""
    first = _log_stable("amy@example.com", "bob@example.com")
    second = _log_stable("carl@example.com", "Amy@Example.com")
    assert first.turns[0].arguments == second.turns[1].arguments
    assert re.fullmatch(rf"<EMAIL_[0-9]{{{LOG_DIGITS}}}>", first.turns[0].arguments["to"])
    names = {turn.arguments["to"] for turn in (*first.turns, *second.turns)}
    assert len(names) == 3
    assert names.isdisjoint(turn.arguments["to"] for turn in _log_stable("amy@example.com", key=OTHER_KEY).turns)


def test_log_scope_without_a_key_blocks_the_session() -> None:
    """No key, no log-stable name: nothing passes, and the error says why."""
    with pytest.raises(BoundaryError, match="need a key"):
        _log_stable("amy@example.com", key=None)


def test_secrets_are_numbered_in_either_scope() -> None:
    """A secret's name says nothing outside its session, even where other names are log-stable."""
    raw = session(({"password": "zanzibar-horse-9"}, "ok"))
    assert redact(raw, LOG_STABLE, Boundary(BOUNDARY.effect, BOUNDARY.frequency, KEY)).turns[0].arguments == {
        "password": "<SECRET_1>"
    }


def test_a_keyed_name_that_the_log_holds_as_text_is_not_given_to_a_value() -> None:
    """Where the log already says what would be a value's name, the value gets the next one."""
    taken = Pseudonyms(set(), KEY).name("EMAIL", "amy@example.com")
    free = Pseudonyms({taken}, KEY).name("EMAIL", "amy@example.com")
    assert free != taken
    assert free == Pseudonyms({taken}, KEY).name("EMAIL", "amy@example.com")


def test_redacting_a_log_stable_copy_changes_nothing() -> None:
    """Long numbers in a pseudonym are no card, phone or account of their own."""
    once = _log_stable("amy@example.com", "bob@example.com", note="call +44 7700 900123, card 4111 1111 1111 1111")
    raw = session(*((turn.arguments, turn.response) for turn in once.turns))
    again = redact(raw, LOG_STABLE, Boundary(BOUNDARY.effect, BOUNDARY.frequency, OTHER_KEY))
    assert [(t.arguments, t.response) for t in again.turns] == [(t.arguments, t.response) for t in once.turns]
