"""The last look at bytes that leave: what may not is named by type and place, never by value, and pseudonyms are no hits."""

from __future__ import annotations

import json

import msgspec
import pytest

from tests.redaction.logs import BOUNDARY, session, standard
from trajectory_compiler.errors import BoundaryError
from trajectory_compiler.model import render
from trajectory_compiler.redaction import load_policy, redact
from trajectory_compiler.redaction.outbound import Outbound, kept_values
from trajectory_compiler.redaction.policy import FieldRule

STANDARD = load_policy("standard")
KEY = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
LONG = "".join(f"#{n:03d} 2026-03-01T09:00:00Z clerk read\narguments: {{}}\nresponse: {'x' * 400}\n" for n in range(12))


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (json.dumps({"a": [{"to": "amy@example.com"}]}), "EMAIL at /a/0/to, character 0"),
        (json.dumps({"amy@example.com": 1}), "EMAIL at a key of /"),
        ('{"ok": 1}\n{"b": "call +44 7700 900123"}\n', "PHONE at /b, character 5"),
        (f"a prompt\nwith {KEY}", "SECRET at character 14"),
        (json.dumps({"password": "zanzibar-horse-9"}), "SECRET at /password, character 0"),
        (json.dumps({"input": LONG + "amy@example.com"}), "EMAIL at /input, character"),
        (json.dumps({"input": LONG + 'x\ny: "amy@example.com"'}), "EMAIL at /input"),
        (json.dumps(json.dumps({"a": {"token": "f81d4fae7dec11d0"}})), "SECRET at"),
    ],
)
def test_a_hit_stops_what_was_to_leave(data: str, where: str) -> None:
    """JSON, lines of JSON, plain prompts and long contexts: one sentence with type and place, and no value in it."""
    with pytest.raises(BoundaryError) as stopped:
        Outbound(STANDARD, "send the request")(data.encode(), "pair 12")
    assert str(stopped.value).startswith("Cannot send the request: pair 12 holds a value of type ")
    assert where in str(stopped.value)
    for value in ("amy@", "7700", KEY, "zanzibar", "f81d4"):
        assert value not in str(stopped.value)


def test_what_crossed_the_boundary_may_leave() -> None:
    """Redacted turns, rendered, in JSON and inside longer prompts, are no hits."""
    trajectory = standard(
        ({"password": "abc", "Authorization": "Bearer abcdef123456"}, f"mail amy@example.com or +44 7700 900123 {KEY}"),
        ({"card": "4111 1111 1111 1111"}, '{"token": "a1b2c3d4e5f6", "pin": {"value": 1}}'),
    )
    text = "\n\n".join(render(turn) for turn in trajectory.turns)
    scan = Outbound(STANDARD, "write")
    message = json.dumps({"messages": [{"role": "user", "content": text * 20}]})
    for data in (text, message, msgspec.json.encode(trajectory).decode()):
        scan(data.encode(), "all")


def test_the_same_text_is_refused_every_time() -> None:
    """What is remembered is what was clean: a hit is a hit the second time, too."""
    scan = Outbound(STANDARD, "write")
    clean, bad = json.dumps({"input": LONG}).encode(), json.dumps({"input": LONG + " amy@example.com"}).encode()
    for _ in range(2):
        scan(clean, "clean")
        assert [hit.kind for hit in scan.hits(bad)] == ["EMAIL"]


def test_what_the_policy_lets_pass_may_leave() -> None:
    """Allow-lists, kept types, kept fields and the policy `off` hold for the outbound scan as for the boundary."""
    policy = msgspec.structs.replace(
        STANDARD, types={"PHONE": "keep"}, allow=("help@example.com",), fields=(FieldRule("response/sender", "keep"),)
    )
    response = {"sender": "amy@example.com", "cc": "bob@example.com"}
    raw = session(({"to": "help@example.com", "call": "+44 7700 900123"}, response))
    trajectory = redact(raw, policy, BOUNDARY)
    assert trajectory.turns[0].response == {"sender": "amy@example.com", "cc": "<EMAIL_1>"}
    data = render(trajectory.turns[0]).encode()
    scan = Outbound(policy, "write")
    scan(data, "turn", kept_values(trajectory, policy))
    assert [hit.kind for hit in scan.hits(data)] == ["EMAIL"]
    Outbound(load_policy("off", "synthetic"), "write")(b"amy@example.com", "turn")


def test_what_cannot_be_read_may_not_leave() -> None:
    """Binary bytes cannot be scanned, so they are refused."""
    assert [hit.kind for hit in Outbound(STANDARD, "write").hits(b"\x01\x02\x03\xff\xfe token")] == ["UNSCANNED"]
