"""What crosses the boundary, and what does not."""

from __future__ import annotations

import msgspec
import pytest

from tests.redaction.logs import BOUNDARY, as_raw, session, standard
from trajectory_compiler.errors import BoundaryError, OptionError
from trajectory_compiler.model import Json, Row
from trajectory_compiler.redaction import Boundary, load_policy, redact


def test_values_become_typed_pseudonyms_numbered_by_first_appearance() -> None:
    """Numbers follow turn order, then document order, arguments before the response."""
    trajectory = standard(
        (
            {"cc": "bob@example.com", "to": "amy@example.com"},
            "sent to amy@example.com, key ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        ),
        ({"call": "+44 7700 900123"}, {"card": "4111 1111 1111 1111", "amy@example.com": "bob@example.com"}),
    )
    first, second = trajectory.turns
    assert first.arguments == {"cc": "<EMAIL_1>", "to": "<EMAIL_2>"}
    assert first.response == "sent to <EMAIL_2>, key <SECRET_1>"
    assert second.arguments == {"call": "<PHONE_1>"}
    assert second.response == {"card": "<CARD_1>", "<EMAIL_2>": "<EMAIL_1>"}


def test_a_value_found_late_is_replaced_early() -> None:
    """A password that only its key betrays, in the last turn, is gone from the shell output of the first."""
    trajectory = standard(({"cmd": "env"}, "DBP=zanzibar-horse-9\nHOME=/root"), ({}, {"password": "zanzibar-horse-9"}))
    assert trajectory.turns[0].response == "DBP=<SECRET_1>\nHOME=/root"
    assert trajectory.turns[1].response == {"password": "<SECRET_1>"}


@pytest.mark.parametrize(
    "written",
    [
        "x zanzibar-horse-9x",
        '{"a":"q\\"zanzibar-horse-9"}',
        "u=zanzibar-horse-9&b",
        "emFuemliYXItaG9yc2UtOQ==",
        ["a", {"b": "zanzibar-horse-9"}],
    ],
)
def test_a_found_value_is_replaced_inside_longer_texts_and_encodings(written: Json) -> None:
    """Inside words, JSON in strings, URLs and base64, the value is gone."""
    trajectory = standard(({"api_key": "zanzibar-horse-9"}, written))
    text = msgspec.json.encode(trajectory).decode()
    assert "zanzibar" not in text
    assert "emFuemliYXI" not in text
    assert text.count("<SECRET_1>") >= 2


def test_special_characters_are_found_again_where_they_are_escaped() -> None:
    """A secret with quotes, backslashes and ampersands is found in JSON text, URLs and HTML too."""
    secret = 'p"4&\\x<y>zz9'
    texts = [msgspec.json.encode({"x": secret}).decode(), "p%224%26%5Cx%3Cy%3Ezz9", "p&quot;4&amp;\\x&lt;y&gt;zz9"]
    trajectory = standard(({"password": secret}, texts))
    assert trajectory.turns[0].response == ['{"x":"<SECRET_1>"}', "<SECRET_1>", "<SECRET_1>"]


def test_two_spellings_of_a_phone_number_are_one_value() -> None:
    """National, international and numeric forms share their pseudonym; so do cases of an address and groupings of a card."""
    trajectory = standard(
        ({"phone": 7700900123, "a": "07700 900123"}, ["+44 (0)7700 900123", "+447700900123"]),
        ({"m": "Amy@Example.com"}, ["amy@example.com", "4111-1111-1111-1111", 4111111111111111]),
    )
    assert trajectory.turns[0].arguments == {"phone": "<PHONE_1>", "a": "<PHONE_1>"}
    assert trajectory.turns[0].response == ["<PHONE_1>", "<PHONE_1>"]
    assert trajectory.turns[1].arguments == {"m": "<EMAIL_1>"}
    assert trajectory.turns[1].response == ["<EMAIL_1>", "<CARD_1>", "<CARD_1>"]


def test_a_number_that_the_log_already_uses_is_skipped() -> None:
    """A literal that looks like a pseudonym stays, and no value is given its name."""
    trajectory = standard(({"text": "we wrote <EMAIL_1> and <EMAIL_3>"}, ["amy@example.com", "bob@example.com"]))
    assert trajectory.turns[0].arguments == {"text": "we wrote <EMAIL_1> and <EMAIL_3>"}
    assert trajectory.turns[0].response == ["<EMAIL_2>", "<EMAIL_4>"]


def test_ids_and_names_are_scanned_too() -> None:
    """Session id, row id, agent, tool and an odd stamp carry pseudonyms; two such sessions keep different ids."""
    ids = []
    for user in ("amy", "bob"):
        raw = session(({"user": user}, "ok"), session_id=f"{user}@example.com", agent=f"bot of {user}@example.com")
        row = msgspec.structs.replace(raw.rows[0], id=f"{user}@example.com-1", created_at=f"by {user}@example.com")
        trajectory = redact(msgspec.structs.replace(raw, rows=(row,)), load_policy("standard"), BOUNDARY)
        ids.append(trajectory.session_id)
        turn = trajectory.turns[0]
        assert (turn.agent, turn.row_id, turn.created_at) == ("bot of <EMAIL_1>", "<EMAIL_1>-1", "by <EMAIL_1>")
        assert b"@example.com" not in msgspec.json.encode(trajectory)
    assert ids[0] != ids[1]
    assert all(name.startswith("<EMAIL_1>~") for name in ids)


def test_two_row_ids_never_become_one() -> None:
    """Ids that differ in the spelling of an address only stay apart."""
    raw = session(({}, "a"), ({}, "b"))
    rows = tuple(
        msgspec.structs.replace(row, id=name)
        for row, name in zip(raw.rows, ("Amy@example.com", "amy@example.com"), strict=True)
    )
    trajectory = redact(msgspec.structs.replace(raw, rows=rows), load_policy("standard"), BOUNDARY)
    assert [turn.row_id for turn in trajectory.turns] == ["<EMAIL_1>", "<EMAIL_1>~2"]


def test_dictionary_keys_that_become_equal_keep_their_values() -> None:
    """No entry is lost where two keys are spellings of one value."""
    trajectory = standard(({}, {"Amy@example.com": 1, "amy@example.com": 2}))
    assert trajectory.turns[0].response == {"<EMAIL_1>": 1, "<EMAIL_1>~2": 2}


def test_pseudonyms_carry_the_frequency_of_their_raw_values() -> None:
    """The count comes from the boundary, for the most frequent spelling, and is at least this session's one."""
    trajectory = standard(({"a": "amy@example.com"}, "bob@example.com"))
    assert trajectory.pseudonym_frequency == {"<EMAIL_1>": 3, "<EMAIL_2>": 1}


def test_turns_keep_everything_else() -> None:
    """Kind, success, cost, duration, stamps and the guess of an effect pass; clean documents pass unchanged."""
    row = Row(
        id="9",
        session_id="s",
        created_at="2026-05-04T10:00:00.123Z",
        agent="a",
        tool="send_mail",
        arguments={"n": [1, 2.5, None, True, {"k": ""}]},
        response="done",
        cost_usd=0.25,
        duration_ms=12,
        success=False,
        kind="exchange",
        extra={"secret": "zanzibar-horse-9"},
    )
    raw = msgspec.structs.replace(session(), rows=(row,))
    turn = redact(raw, load_policy("standard"), BOUNDARY).turns[0]
    assert turn.arguments == row.arguments
    assert (turn.ok, turn.effect, turn.cost_usd, turn.duration_ms, turn.kind) == (False, True, 0.25, 12, "exchange")
    assert turn.created_at == row.created_at


def test_the_digest_names_the_redacted_content() -> None:
    """Same content, same digest; another raw value behind the same pseudonym changes nothing; another text does."""
    one, same, other = (
        standard(({"to": to}, text))
        for to, text in (("amy@example.com", "x"), ("bob@example.com", "x"), ("amy@example.com", "y"))
    )
    assert one.digest == same.digest
    assert one.digest != other.digest
    assert one.raw_digest == "raw"


def test_redacting_twice_changes_nothing() -> None:
    """Redacted content passes the boundary as it is."""
    once = standard(
        ({"password": "abc", "Authorization": "Bearer abcdef123456"}, "mail amy@example.com or +44 7700 900123"),
        ({"url": "postgres://app:pw-19x@db/x"}, '{"token": "a1b2c3d4e5f6", "pin": {"value": 1}}'),
        session_id="amy@example.com",
    )
    twice = redact(as_raw(once), load_policy("standard"), BOUNDARY)
    assert msgspec.structs.replace(twice, pseudonym_frequency={}) == msgspec.structs.replace(once, pseudonym_frequency={})


def test_policies_are_named_by_their_hash() -> None:
    """The policy `off` passes everything through the same gate and says so; an unknown policy is refused with the choice."""
    off = redact(session(({"password": "zanzibar-horse-9"}, "amy@example.com")), load_policy("off"), BOUNDARY)
    assert off.turns[0].arguments == {"password": "zanzibar-horse-9"}
    assert off.turns[0].response == "amy@example.com"
    assert off.policy_hash != standard(({}, "")).policy_hash == load_policy("standard").hash
    with pytest.raises(OptionError, match="standard, strict, off"):
        load_policy("lax")


def test_a_failure_blocks_the_session_and_quotes_nothing() -> None:
    """An unexpected error becomes a BoundaryError that names session and row; the log's text is nowhere in it."""

    def fail(row: Row) -> bool:
        raise ValueError(row.arguments["password"])

    raw = session(({"password": "zanzibar-horse-9"}, "ok"), session_id="s-41")
    with pytest.raises(BoundaryError, match="Cannot redact session 's-41': ValueError at row 'r-0'") as caught:
        redact(raw, load_policy("standard"), Boundary(effect=fail, frequency=lambda _: 1))
    assert "zanzibar" not in repr(caught.value)
    assert caught.value.__context__ is None


def test_a_blocked_session_with_a_personal_id_is_not_named() -> None:
    """Where the session id is an address, the error hides it: a plain hash of an address can be guessed."""

    def fail(row: Row) -> bool:
        raise ValueError

    with pytest.raises(BoundaryError) as caught:
        redact(session(({}, ""), session_id="amy@example.com"), load_policy("standard"), Boundary(fail, lambda _: 1))
    assert str(caught.value).startswith("Cannot redact session '(hidden: its id may be personal)': ")
