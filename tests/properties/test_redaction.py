"""Promises of the redaction boundary over generated sessions."""

from __future__ import annotations

import string
import time

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.redaction.logs import BOUNDARY, as_raw, session
from trajectory_compiler.errors import BoundaryError
from trajectory_compiler.model import Json, Trajectory, json_text
from trajectory_compiler.redaction import load_policy, redact
from trajectory_compiler.redaction.keys import kind_of_key
from trajectory_compiler.redaction.scan import Scanner

STANDARD = load_policy("standard")
SCANNER = Scanner(STANDARD)
FAST = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

# Pieces that look like what the rules look for, whole and broken, so that generated texts come near the edges.
PIECES = (
    "amy@example.com +44 7700 900123 01632 960123 4111111111111111 ghp_16C7e42F292c6912E7710c838347Ae178B4a password= : token "
    "\" ' { } [ ] Bearer abcdef123456 eyJhbGciOiJIUzI1.eyJzdWIiOiIx.c2ln postgres://u:p4ss@h <EMAIL_1> <SECRET_2> < > @ . + 0 "
    '7700 \\n \\" %40 %3D api_key 2026-05-04T10:00:00Z 198.51.100.7 -----BEGIN PRIVATE KEY----- \x01 \ufffd é zq'
).split(" ")
pieces = st.lists(st.sampled_from(PIECES), max_size=8).map("".join) | st.lists(st.sampled_from(PIECES), max_size=8).map(
    " ".join
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | pieces
keys = st.text(max_size=8) | st.sampled_from(["password", "phone", "card_number", "name", "value", "token", "id"]) | pieces
documents: st.SearchStrategy[Json] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)
secrets = st.text(string.ascii_letters + string.digits + "\"'\\&<>/+=%é!$ ", min_size=8, max_size=40).filter(
    lambda s: s.strip() == s and sum(c.isalnum() for c in s) >= 6 and not s.isdigit() and not s.isalpha()
)


def _redacted(*calls: tuple[Json, Json]) -> Trajectory | None:
    try:
        return redact(session(*calls), STANDARD, BOUNDARY)
    except BoundaryError:
        return None


@FAST
@given(documents, documents)
def test_any_json_is_redacted_or_blocked(arguments: Json, response: Json) -> None:
    """No document raises anything but the refusal, and what comes out can be written as JSON."""
    trajectory = _redacted((arguments, response))
    if trajectory is not None:
        msgspec.json.encode(trajectory)


@FAST
@given(documents, documents)
def test_redaction_is_idempotent(arguments: Json, response: Json) -> None:
    """What has crossed the boundary once crosses it unchanged."""
    once = _redacted((arguments, response))
    if once is not None:
        twice = redact(as_raw(once), STANDARD, BOUNDARY)
        assert msgspec.json.encode(twice.turns) == msgspec.json.encode(once.turns)
        assert twice.digest == once.digest


@FAST
@given(
    secrets,
    st.text(max_size=10),
    st.text(max_size=10),
    st.sampled_from(["password", "api_key", "clientSecret", "Authorization"]),
)
def test_a_planted_secret_never_survives(secret: str, before: str, after: str, key: str) -> None:
    """Found by its key once, it is nowhere in the bytes: plain, in JSON in a string, in a longer text, as a dictionary key."""
    inner = json_text({key: secret, "note": before + secret})
    trajectory = _redacted(
        ({"text": f"{before} {secret} {after}", "b": [inner]}, before + secret + after),
        ({key: secret}, {secret: inner, "deep": json_text({"again": inner})}),
    )
    if trajectory is None:
        return
    if trajectory.turns[1].arguments[key] == secret:  # a state or a reference (`${NAME}`), which is no secret
        return
    for turn in trajectory.turns:
        for form in (secret, json_text([secret])[2:-2], json_text([json_text([secret])])[5:-5]):
            assert form not in msgspec.json.encode(turn).decode()
            assert form not in json_text(turn.response)
            assert form not in json_text(turn.arguments)
        assert secret.encode() not in msgspec.msgpack.encode(turn)


@FAST
@given(st.lists(st.integers(0, 5), min_size=2, max_size=12))
def test_one_value_has_one_pseudonym(order: list[int]) -> None:
    """Equal values get equal pseudonyms, different ones different, whatever the order, and numbers follow first appearance."""
    trajectory = redact(session(*(({"to": f"user{n}@example.com"}, "") for n in order)), STANDARD, BOUNDARY)
    seen = list(dict.fromkeys(order))
    assert [turn.arguments["to"] for turn in trajectory.turns] == [f"<EMAIL_{seen.index(n) + 1}>" for n in order]


@FAST
@given(pieces)
def test_the_cheap_look_misses_nothing(text: str) -> None:
    """Where the fine rules find something in a text, the look at the document's bytes fires; short cuts cost no recall."""
    if Scanner(STANDARD).spans(text) and not any(c < " " for c in text):
        assert SCANNER.fires(msgspec.json.encode({"a": [text]}))


@FAST
@given(
    st.lists(
        st.sampled_from("api key access Password token Secret phone Tel number card pan cc code security _ - id auth".split()),
        max_size=5,
    )
)
def test_the_cheap_look_sees_every_telling_key(words: list[str]) -> None:
    """A key that says something about its value makes the document fire, however it is spelled."""
    key = "".join(words)
    if kind_of_key(key) is not None:
        assert SCANNER.fires(msgspec.json.encode({key: "4222222222222"}))


ADVERSARIAL = (
    *(
        "a@",
        "@a",
        "a.",
        "a'",
        "'",
        "a@a.",
        "%40",
        "%3D",
        "\\n",
        "+",
        "+1",
        "1",
        "0",
        "07",
        "1 ",
        "1-",
        "+1 (1) ",
        "4111 ",
        "4111-",
    ),
    *("://", "://:", "://a:", "-----BEGIN PRIVATE KEY-----", "-----BEGIN ", "Bearer ", "token=", "password: ", '"token": "'),
    *("secret", "key", "<", "<A_", "{", "[", "é", "İ", '\\\\"', "(0)", "ghp_", "eyJ", "eyJa.", "sk-", "SG.", "a" * 30 + " "),
)


@pytest.mark.parametrize("piece", ADVERSARIAL)
def test_no_text_makes_the_rules_slow(piece: str) -> None:
    """Every rule is linear: 60,000 characters of any repeated piece take seconds at the very most, not hours."""
    started = time.process_time()
    for end in ("", "!", "a@a", " 1", '"'):
        text = piece * (60_000 // len(piece)) + end
        SCANNER.spans(text)
        SCANNER.fires(msgspec.json.encode(text))
    assert time.process_time() - started < 60
