"""What a policy says about fields, types and single values."""

from __future__ import annotations

import msgspec
import pytest

from tests.redaction.logs import BOUNDARY, as_raw, session
from trajectory_compiler.errors import BoundaryError
from trajectory_compiler.model import Json, Trajectory
from trajectory_compiler.redaction import load_policy, redact
from trajectory_compiler.redaction.fields import Fields
from trajectory_compiler.redaction.policy import FieldRule, Limits


def _redacted(*calls: tuple[Json, Json], **policy: object) -> Trajectory:
    return redact(session(*calls), msgspec.structs.replace(load_policy("standard"), **policy), BOUNDARY)


@pytest.mark.parametrize(
    ("pattern", "path", "holds"),
    [
        ("response/name", "response/name", True),
        ("response/name", "response/name/first", False),
        ("response/*/name", "response/3/name", True),
        ("**/name", "response/a/b/name", True),
        ("**/name", "name", True),
        ("response/**", "response", True),
        ("arguments/**/x/*", "arguments/a/x/0", True),
        ("arguments/**/x/*", "arguments/a/x", False),
    ],
)
def test_patterns_match_whole_paths(pattern: str, path: str, *, holds: bool) -> None:
    """One star is one step, two are any number, none included."""
    assert (Fields([FieldRule(pattern, "keep")]).treatment(tuple(path.split("/"))) == "keep") is holds


def test_a_field_is_replaced_whole_and_its_value_is_looked_for_everywhere() -> None:
    """No rule knows the name Zorblax; the policy says what the field holds, so it is gone from the prose, too."""
    fields = (FieldRule("response/customer/*", "PERSON"),)
    trajectory = _redacted(({}, {"customer": {"n": "Zorblax Qu", "age": 41}}), ({}, "met Zorblax Qu, 41 boxes"), fields=fields)
    assert trajectory.turns[0].response == {"customer": {"n": "<PERSON_1>", "age": "<PERSON_2>"}}
    assert trajectory.turns[1].response == "met <PERSON_1>, 41 boxes"


def test_a_kept_field_passes_as_it_is() -> None:
    """What the policy keeps is neither found nor replaced, at any depth and beside renamed keys; elsewhere it is found."""
    fields = (FieldRule("response/**/support", "keep"),)
    document = {"amy@example.com": {"support": ["help@example.com", {"n": 1}], "to": "help@example.com"}}
    turn = _redacted(({}, document), fields=fields).turns[0]
    assert turn.response == {"<EMAIL_1>": {"support": ["help@example.com", {"n": 1}], "to": "<EMAIL_2>"}}


def test_a_blocked_field_blocks_its_session() -> None:
    """A field that must not occur leaves the session out; a null in it does not."""
    fields = (FieldRule("arguments/diagnosis", "block"),)
    with pytest.raises(BoundaryError, match="row 'r-0' holds a field that the policy blocks") as caught:
        _redacted(({"diagnosis": "measles"}, ""), fields=fields)
    assert "measles" not in str(caught.value)
    assert _redacted(({"diagnosis": None}, ""), fields=fields).turns[0].arguments == {"diagnosis": None}


def test_a_type_may_be_kept_or_block_its_session() -> None:
    """Kept types pass, blocked ones leave the session out and are named with their count, never with a value."""
    turn = _redacted(({"to": "amy@example.com"}, "+44 7700 900123"), types={"EMAIL": "keep"}).turns[0]
    assert (turn.arguments, turn.response) == ({"to": "amy@example.com"}, "<PHONE_1>")
    with pytest.raises(BoundaryError, match="holds 2 of type EMAIL, which the policy blocks"):
        _redacted(({"to": "amy@example.com"}, "bob@example.com"), types={"EMAIL": "block"})


def test_values_on_the_allow_list_pass() -> None:
    """Listed values and whole matches of an expression pass in text, under keys and as numbers; others do not."""
    turn = _redacted(
        ({"phone": "07700 900123", "to": "HELP@example.com"}, "help@example.com and bob@corp.example or bob@other.example"),
        allow=("help@example.com", "07700 900123"),
        allow_patterns=(r".*@corp\.example",),
    ).turns[0]
    assert turn.arguments == {"phone": "07700 900123", "to": "HELP@example.com"}
    assert turn.response == "help@example.com and bob@corp.example or <EMAIL_1>"


def test_a_session_with_an_unscanned_leaf_can_be_blocked() -> None:
    """Where the policy says so, what cannot be scanned leaves its session out instead of becoming a placeholder."""
    assert _redacted(({}, "\x01\x02\x03\x04"), unscanned="replace").turns[0].response == "<UNSCANNED_1>"
    with pytest.raises(BoundaryError, match="1 fields could not be scanned"):
        _redacted(({}, "\x01\x02\x03\x04"), unscanned="block")


def test_field_rules_are_idempotent() -> None:
    """A redacted copy passes the same policy unchanged."""
    fields = (FieldRule("response/who", "PERSON"), FieldRule("arguments/keep", "keep"))
    policy = msgspec.structs.replace(load_policy("standard"), fields=fields, limits=Limits(max_leaf_characters=100))
    once = redact(session(({"keep": "amy@example.com"}, {"who": "Zorblax Qu", "text": "y" * 101})), policy, BOUNDARY)
    assert once.turns[0].response == {"who": "<PERSON_1>", "text": "<UNSCANNED_1>"}
    assert redact(as_raw(once), policy, BOUNDARY).turns == once.turns
